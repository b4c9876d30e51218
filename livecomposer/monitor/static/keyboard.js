/** The keyboard on the page: for mouse, fingers, and the computer's keys. */

import { isFree, LETTERS, OCTAVES, SEMITONES } from "./computer_keys.js";
import { Held } from "./held.js";
import { isBlack, spell } from "./pitch.js";

const KEY_PX = 44; // the least for a finger
const MOST_OCTAVES = 4;
const MIDDLE = 60;
const VELOCITY = 90; // of keys that don't know how hard they are struck
const SOFTEST = 50; // at the top of a key
const LOUDEST = 115; // and at its bottom

export class Keyboard {
  #piano;
  #typing;
  #held;
  #first = MIDDLE; // the lowest pitch shown
  #octaves = 1;
  #base = MIDDLE; // where the computer's keys begin
  /** @type {Map<number, HTMLButtonElement>} */
  #keys = new Map();
  #shown = new Map();
  #enabled = false;

  /**
   * @param {HTMLElement} piano
   * @param {HTMLInputElement} typing whether the computer's keys play
   * @param {(pitch: number, velocity: number) => void} tell velocity 0 is up
   */
  constructor(piano, typing, tell) {
    this.#piano = piano;
    this.#typing = typing;
    this.#held = new Held(tell);
    new ResizeObserver(() => this.#fit()).observe(piano);
    this.#takePointers();
    this.#takeKeys();
    for (const type of ["blur", "pagehide"]) addEventListener(type, () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
    typing.addEventListener("change", () => this.release());
  }

  /** Let go of all. */
  release() {
    this.#held.releaseAll();
  }

  /** @param {boolean} enabled */
  set enabled(enabled) {
    this.#enabled = enabled;
    if (!enabled) this.release();
    for (const key of this.#keys.values()) key.disabled = !enabled;
  }

  /** @param {number} octaves up, or down below 0 */
  shift(octaves) {
    this.#base = Math.min(108, Math.max(0, this.#base + 12 * octaves));
    this.release();
    this.#build();
  }

  /** @param {Map<number, number>} sounding the part that sounds each pitch */
  show(sounding) {
    for (const [pitch, key] of this.#keys) {
      const part = sounding.get(pitch);
      if (part === this.#shown.get(pitch)) continue;
      if (part === undefined) delete key.dataset.part;
      else key.dataset.part = String(part);
    }
    this.#shown = sounding;
  }

  #fit() {
    const octaves = Math.floor(this.#piano.clientWidth / KEY_PX / 7);
    this.#octaves = Math.min(MOST_OCTAVES, Math.max(1, octaves));
    this.#build();
  }

  #build() {
    const below = 12 * Math.floor((this.#octaves - 1) / 2);
    this.#first = Math.min(Math.max(0, this.#base - below), 120 - 12 * this.#octaves);
    const pitches = Array.from({ length: 12 * this.#octaves }, (_, i) => this.#first + i);
    this.#shown = new Map();
    this.#keys = new Map(pitches.map((pitch) => [pitch, this.#key(pitch)]));
    this.#piano.replaceChildren(...this.#keys.values());
    this.#point(this.#keys.get(this.#base));
  }

  #key(pitch) {
    const key = document.createElement("button");
    key.type = "button";
    key.disabled = !this.#enabled;
    key.tabIndex = -1;
    key.dataset.pitch = String(pitch);
    key.setAttribute("aria-label", spell(pitch));
    const white = 100 / 7 / this.#octaves;
    const whites = [...Array(pitch - this.#first).keys()].filter((i) => !isBlack(this.#first + i)).length;
    const width = isBlack(pitch) ? white * 0.64 : white;
    key.className = isBlack(pitch) ? "black" : "";
    key.style.width = `${width}%`;
    key.style.left = `${whites * white - (isBlack(pitch) ? width / 2 : 0)}%`;
    const labels = [pitch % 12 ? "" : spell(pitch), LETTERS[pitch - this.#base] ?? ""];
    for (const [i, text] of labels.entries()) {
      if (!text) continue;
      const label = document.createElement("span");
      label.className = i ? "letter" : "";
      label.textContent = text;
      key.append(label);
    }
    return key;
  }

  /** The one key that the Tab key comes to. */
  #point(key) {
    for (const each of this.#keys.values()) each.tabIndex = each === key ? 0 : -1;
  }

  #takePointers() {
    const under = (/** @type {PointerEvent} */ event) => {
      const key = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-pitch]:enabled");
      return /** @type {HTMLElement | undefined} */ (key);
    };
    const play = (/** @type {PointerEvent} */ event) => {
      const [who, key] = [`pointer ${event.pointerId}`, under(event)];
      const pitch = Number(key?.dataset.pitch ?? -1);
      if (this.#held.holds(who, pitch)) return;
      this.#held.release(who);
      if (!key) return;
      const { top, height } = key.getBoundingClientRect();
      const depth = (event.clientY - top) / height;
      this.#held.press(who, pitch, Math.round(SOFTEST + depth * (LOUDEST - SOFTEST)));
    };
    const pointers = new Set();
    this.#piano.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      pointers.add(event.pointerId);
      // A finger may glide from key to key.
      /** @type {Element} */ (event.target).releasePointerCapture(event.pointerId);
      play(event);
    });
    addEventListener("pointermove", (event) => pointers.has(event.pointerId) && play(event));
    for (const type of ["pointerup", "pointercancel"]) {
      addEventListener(type, (event) => {
        const { pointerId } = /** @type {PointerEvent} */ (event);
        if (pointers.delete(pointerId)) this.#held.release(`pointer ${pointerId}`);
      });
    }
    this.#piano.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  #takeKeys() {
    addEventListener("keydown", (event) => {
      if (event.repeat || !isFree(event)) return;
      const key = /** @type {HTMLElement} */ (event.target).closest?.("[data-pitch]");
      if (key && event.key === "Enter") {
        event.preventDefault();
        this.#held.press(event.code, Number(/** @type {HTMLElement} */ (key).dataset.pitch), VELOCITY);
      }
      if (!this.#typing.checked || !this.#enabled) return;
      if (OCTAVES.has(event.code)) this.shift(OCTAVES.get(event.code) ?? 0);
      if (!SEMITONES.has(event.code)) return;
      event.preventDefault(); // its letter is to pick nothing
      const pitch = this.#base + (SEMITONES.get(event.code) ?? 0);
      if (pitch <= 127) this.#held.press(event.code, pitch, VELOCITY);
    });
    addEventListener("keyup", (event) => this.#held.release(event.code));
    this.#piano.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const pitch = Number(/** @type {HTMLElement} */ (event.target).dataset.pitch);
      const next = step && this.#keys.get(pitch + step);
      if (!next) return;
      event.preventDefault();
      this.#point(next);
      next.focus();
    });
  }
}
