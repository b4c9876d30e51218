/**
 * What can be set: each control is an element with the setting's name in `data-setting`. It shows
 * what the daemon says, except while it is being moved.
 */

import { NAMES } from "./pitch.js";
import { KEY_SCALES, SCALES } from "./scales.js";

const SEND_MS = 50; // between two values of a slider that is being moved
const SETTLE_MS = 800; // after which the daemon must have heard of a change

/** @typedef {string | number | boolean} Value */

/** What all controls share: they tell the daemon, and follow it unless they have just been touched. */
class Control {
  #busyUntil = 0;
  #tell;

  /**
   * @param {HTMLElement} element
   * @param {(setting: string, value: Value) => void} tell
   */
  constructor(element, tell) {
    this.element = element;
    this.setting = element.dataset.setting ?? "";
    this.#tell = tell;
    element.addEventListener("pointerdown", () => {
      this.#busyUntil = Infinity;
      const end = () => (this.#busyUntil = performance.now() + SETTLE_MS);
      for (const type of ["pointerup", "pointercancel"]) addEventListener(type, end, { once: true });
    });
  }

  /** It is being moved. */
  touch() {
    this.#busyUntil = Math.max(this.#busyUntil, performance.now() + SETTLE_MS);
  }

  /** @param {Value} value the user's */
  change(value) {
    this.touch();
    this.#tell(this.setting, value);
  }

  /** It was refused: show what the daemon has. */
  yield() {
    this.#busyUntil = 0;
  }

  /** @param {Value | undefined} value the daemon's */
  follow(value) {
    if (value !== undefined && performance.now() >= this.#busyUntil) this.show(value);
  }

  /** @param {Value} _value */
  show(_value) {}
}

class Slider extends Control {
  #scale;
  #output;
  #sent = 0;
  #timer = 0;

  constructor(element, tell) {
    super(element, tell);
    this.#scale = SCALES[element.dataset.scale];
    this.#output = document.querySelector(`output[for="${element.id}"]`);
    element.addEventListener("input", () => {
      this.#keepWithin();
      this.touch();
      this.#spell(this.#scale.toValue(element.valueAsNumber));
      clearTimeout(this.#timer);
      const wait = Math.max(0, this.#sent + SEND_MS - performance.now());
      this.#timer = setTimeout(() => this.#send(), wait);
    });
  }

  /** No lower, and no higher, than another slider stands. */
  #keepWithin() {
    const { least, most } = this.element.dataset;
    const position = this.element.valueAsNumber;
    const stands = (/** @type {string | undefined} */ id) =>
      id ? /** @type {HTMLInputElement} */ (document.getElementById(id)).valueAsNumber : position;
    if (position < stands(least)) this.element.value = String(stands(least));
    if (position > stands(most)) this.element.value = String(stands(most));
  }

  #send() {
    this.#sent = performance.now();
    this.change(this.#scale.toValue(this.element.valueAsNumber));
  }

  #spell(value) {
    const text = this.#scale.spell(value);
    if (this.#output.textContent === text) return;
    this.#output.textContent = text;
    this.element.setAttribute("aria-valuetext", text);
  }

  show(value) {
    this.element.value = String(this.#scale.toPosition(value));
    this.#spell(value);
  }
}

class Choice extends Control {
  constructor(element, tell) {
    super(element, tell);
    element.addEventListener("change", () => this.change(this.#value));
  }

  /** Lengths are numbers, but thirds; names are none, even "1". */
  get #value() {
    const text = this.element.value;
    return "numbers" in this.element.dataset && !Number.isNaN(Number(text)) ? Number(text) : text;
  }

  show(value) {
    const text = String(value);
    if (this.element.value === text) return;
    const known = [...this.element.options].some((option) => option.value === text);
    if (!known) this.element.add(new Option(typeof value === "number" ? `${text} beats` : text, text));
    this.element.value = text;
  }
}

class Radios extends Control {
  constructor(element, tell) {
    super(element, tell);
    element.addEventListener("change", ({ target }) => this.change(target.value));
  }

  show(value) {
    for (const radio of this.element.querySelectorAll("input")) radio.checked = radio.value === value;
  }
}

// What is said when a button has been pressed.
const DONE = {
  clear: "It goes by nothing now: the context is empty.",
  forget: "What you played before is forgotten.",
  seed: "Another seed: what comes now differs.",
  again: "The same seed, from its beginning.",
};

export class Controls {
  #all;
  #density = /** @type {HTMLInputElement} */ (document.querySelector("#density"));
  #pressedTold = /** @type {HTMLElement} */ (document.querySelector("#pressed-told"));
  #weights = /** @type {HTMLSelectElement} */ (document.querySelector("#weights"));
  #leaderTold = /** @type {HTMLElement} */ (document.querySelector("#leader-told"));

  /** @param {(setting: string, value: Value) => void} tell */
  constructor(tell) {
    const kinds = { INPUT: Slider, SELECT: Choice, FIELDSET: Radios };
    const elements = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-setting]"))];
    this.#all = elements.map((element) => new kinds[element.tagName](element, tell));
    for (const scale of KEY_SCALES) {
      const group = document.createElement("optgroup");
      group.label = scale;
      group.append(...NAMES.map((name) => new Option(`${name} ${scale}`)));
      document.querySelector("#key")?.append(group);
    }
  }

  /** @param {{weights: string[], leader: string}} opening */
  open({ weights, leader }) {
    this.#weights.replaceChildren(...weights.map((name) => new Option(name)));
    const led = leader !== "internal";
    for (const id of ["tempo", "tap"]) document.querySelector(`#${id}`)?.toggleAttribute("disabled", led);
    this.#leaderTold.hidden = !led;
    this.#leaderTold.textContent = leader === "jack" ? "JACK's transport leads." : "MIDI clock leads.";
  }

  /** @param {Record<string, Value>} settings */
  follow(settings) {
    for (const control of this.#all) control.follow(settings[control.setting]);
    this.#density.disabled = settings["jam.mode"] !== "duet";
  }

  /** @param {string | undefined} button that was pressed */
  tell(button) {
    this.#pressedTold.textContent = DONE[button ?? ""] ?? "";
  }

  yield() {
    for (const control of this.#all) control.yield();
  }
}
