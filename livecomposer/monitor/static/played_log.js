/** What is played, in words: for screen readers, and for who can't listen. A line now and then. */

import { spell } from "./pitch.js";

const REST_MS = 1500; // after which a line is complete
const MOST_MS = 6000; // that a line may wait
const MOST_NOTES = 16;
const MOST_LINES = 6;
const VERBS = ["You played", "livecomposer played"];

export class PlayedLog {
  #list;
  #told;
  /** @type {[string[], string[]]} */
  #notes = [[], []];
  #first = 0;
  #timer = 0;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} told what stands there as long as there is nothing
   */
  constructor(list, told) {
    this.#list = list;
    this.#told = told;
  }

  /**
   * @param {number} part
   * @param {number} pitch of a note that began
   */
  add(part, pitch) {
    const now = performance.now();
    if (!this.#notes.flat().length) this.#first = now;
    this.#notes[part].push(spell(pitch));
    clearTimeout(this.#timer);
    const wait = Math.min(REST_MS, this.#first + MOST_MS - now);
    this.#timer = setTimeout(() => this.#say(), wait);
  }

  #say() {
    const parts = this.#notes.map((names, part) => {
      const more = names.length > MOST_NOTES ? ` and ${names.length - MOST_NOTES} more` : "";
      return names.length ? `${VERBS[part]} ${names.slice(0, MOST_NOTES).join(" ")}${more}` : "";
    });
    this.#notes = [[], []];
    const line = document.createElement("li");
    line.textContent = parts.filter(Boolean).join(" · ");
    this.#told.hidden = true;
    this.#list.append(line);
    while (this.#list.children.length > MOST_LINES) this.#list.firstElementChild?.remove();
  }
}
