/** Whether the jam is heard in this browser, and how it comes to be. */

import { HAS_AUDIO } from "./audio.js";

const KEPT = "livecomposer.sound";
// Everything sounds so much later than it was played or is due: then nothing is late, and the
// rhythm is exact, however irregularly messages come.
const DELAY_MS = 80;
const ECHO_MS = 1000;
const TAP_MS = 300; // how long a key sounds that was let go before it could

/** The user's choice, which a browser may refuse to keep. */
const choice = {
  get() {
    try {
      return localStorage.getItem(KEPT);
    } catch {
      return null;
    }
  },
  set(/** @type {string} */ value) {
    try {
      localStorage.setItem(KEPT, value);
    } catch {
      // It holds until the page is left.
    }
  },
};

export class Sound {
  #audio;
  #button;
  #told;
  #chosen = choice.get();
  /** @type {string[] | null} who listens to the MIDI output; null where that isn't known */
  #listeners = null;
  /** @type {{what: string, ms: number}[]} what was heard when it was pressed, and is to come back */
  #echoes = [];
  /** @type {Map<number, {velocity: number, up: number}>} pressed before the audio ran, and when let go */
  #early = new Map();

  /**
   * @param {import("./audio.js").AudioOut} audio
   * @param {HTMLElement} button
   * @param {HTMLElement} told where it is said in words
   */
  constructor(audio, button, told) {
    this.#audio = audio;
    this.#button = button;
    this.#told = told;
    audio.addEventListener("change", () => {
      if (audio.runs) this.#catchUp();
      this.#show();
    });
    button.addEventListener("click", () => this.#toggle());
    // Browsers let nothing sound before the user has done something: a finger, before it is lifted.
    for (const type of ["pointerdown", "pointerup", "keydown"]) {
      addEventListener(type, (event) => {
        if (!button.contains(/** @type {Node} */ (event.target))) this.#start();
      }, true);
    }
    this.#show();
  }

  /** Off where an instrument sounds, or may; until the user says. */
  get #wanted() {
    return HAS_AUDIO && (this.#chosen ? this.#chosen === "on" : this.#listeners?.length === 0);
  }

  /** @param {string[] | null} listeners */
  follow(listeners) {
    const before = this.#wanted;
    this.#listeners = listeners;
    if (before !== this.#wanted) this.#apply();
  }

  /**
   * A key of the page's own: it sounds at once.
   *
   * @param {number} pitch
   * @param {number} velocity
   */
  press(pitch, velocity) {
    if (!this.#wanted) return;
    const early = this.#early.get(pitch);
    if (this.#audio.runs) this.#audio.play(0, pitch, velocity);
    else if (velocity) this.#early.set(pitch, { velocity, up: Infinity });
    else if (early) early.up = performance.now();
    this.#echoes.push({ what: `${pitch} ${velocity > 0}`, ms: performance.now() });
  }

  /**
   * What the daemon tells was played.
   *
   * @param {number} part
   * @param {number} pitch
   * @param {number} velocity
   * @param {number} ms when, of `performance.now()`
   */
  play(part, pitch, velocity, ms) {
    if (!this.#wanted) return;
    if (part === 0 && this.#isEcho(`${pitch} ${velocity > 0}`)) return;
    this.#audio.play(part, pitch, velocity, ms + DELAY_MS);
  }

  silence() {
    this.#echoes = [];
    this.#early.clear();
    this.#audio.silence();
  }

  /** Now it sounds: so do keys that are held, and those that were tapped a moment ago. */
  #catchUp() {
    const now = performance.now();
    for (const [pitch, { velocity, up }] of this.#early) {
      if (now - up > ECHO_MS) continue;
      this.#audio.play(0, pitch, velocity, now);
      if (up <= now) this.#audio.play(0, pitch, 0, now + TAP_MS);
    }
    this.#early.clear();
  }

  #start() {
    const may = navigator.userActivation?.isActive !== false;
    if (this.#wanted && may && !this.#audio.runs) this.#audio.start();
  }

  #isEcho(what) {
    const since = performance.now() - ECHO_MS;
    this.#echoes = this.#echoes.filter(({ ms }) => ms > since);
    const at = this.#echoes.findIndex((echo) => echo.what === what);
    if (at >= 0) this.#echoes.splice(at, 1);
    return at >= 0;
  }

  #toggle() {
    // The other way than what the user has seen.
    this.#chosen = this.#button.getAttribute("aria-pressed") === "true" ? "off" : "on";
    choice.set(this.#chosen);
    this.#apply();
  }

  #apply() {
    this.#start();
    if (!this.#wanted) this.silence();
    this.#show();
  }

  #show() {
    const on = this.#wanted && this.#audio.runs;
    this.#button.toggleAttribute("disabled", !HAS_AUDIO);
    this.#button.setAttribute("aria-pressed", String(on));
    this.#button.textContent = this.#wanted && !on ? "Turn on sound" : "Sound";
    this.#told.textContent = this.#explained(on);
  }

  #explained(on) {
    if (!HAS_AUDIO) return "This browser has no WebAudio: nothing sounds here. All else works.";
    if (on) return "What is played is heard in this browser.";
    if (this.#wanted) return "You will hear it here from your first click or key.";
    if (this.#listeners?.length) return "It is heard where the MIDI output goes; Sound lets it be heard here, too.";
    if (this.#chosen) return "Off, by your choice: Sound lets it be heard here again.";
    return "";
  }
}
