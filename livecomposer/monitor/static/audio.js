/** The browser's audio: it may only begin when the user does something, and may not be there. */

import { Offset } from "./clock.js";
import { Voice } from "./voice.js";

/** Whether this browser has WebAudio at all. */
export const HAS_AUDIO = "AudioContext" in window;

export class AudioOut extends EventTarget {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Voice | null} */
  #voice = null;
  #offset = new Offset();

  /** Whether it sounds. */
  get runs() {
    return this.#context?.state === "running";
  }

  /** To be called when the user did something. Dispatches "change" as it starts and stops. */
  async start() {
    if (!HAS_AUDIO) return;
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: "interactive" });
      this.#voice = new Voice(this.#context);
      this.#context.addEventListener("statechange", () => {
        this.#offset = new Offset();
        this.dispatchEvent(new Event("change"));
      });
    }
    if (!this.runs) await this.#context.resume();
  }

  /**
   * Sounds a note, and dispatches "sound" on the document, with what and when.
   *
   * @param {number} part 0 the player's, 1 the machine's
   * @param {number} pitch
   * @param {number} velocity 0 ends it
   * @param {number} ms when, of `performance.now()`; what is over is played now
   */
  play(part, pitch, velocity, ms = performance.now()) {
    if (!this.#context || !this.runs) return;
    this.#offset.see(this.#context.currentTime * 1000, performance.now());
    this.#voice?.play(`${part} ${pitch}`, pitch, velocity, this.#offset.toTheirs(ms) / 1000);
    const detail = { part, pitch, velocity, on: velocity > 0, at: ms };
    document.dispatchEvent(new CustomEvent("sound", { detail }));
  }

  silence() {
    this.#voice?.silence();
  }
}
