/** The recordings: listed, drawn, played and fetched. */

import { HAS_AUDIO } from "./audio.js";
import { Playback } from "./playback.js";
import { drawStill, spellTime } from "./still.js";

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @typedef {{name: string, seconds: number | null, bytes: number, begun: number}} Recording
 *   begun in seconds since 1970; how long it lasts isn't known until it has been read
 */

const MOMENT = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "medium" });

export class Recordings {
  #token = "";
  #canvas = /** @type {HTMLCanvasElement} */ ($("still"));
  #wanted = ""; // the name of what was asked for last
  #shown = /** @type {any} */ (null);
  #shownName = "";
  #playback;

  /** @param {import("./audio.js").AudioOut} audio */
  constructor(audio) {
    this.#playback = new Playback(audio, () => this.#showPlayback());
    $("refresh").addEventListener("click", () => this.refresh());
    $("playback").toggleAttribute("disabled", !HAS_AUDIO);
    if (!HAS_AUDIO) $("playback-told").textContent = "This browser has no WebAudio: it can't be played here.";
    $("playback").addEventListener("click", async () => {
      if (this.#playback.runs) return this.#playback.stop();
      await this.#playback.start(this.#shown);
      return this.#showPlayback();
    });
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** Play none. */
  stop() {
    this.#playback.stop();
  }

  /** @param {string} token with which they are shown; "" for none */
  async refresh(token = this.#token) {
    this.#token = token;
    const list = /** @type {Recording[] | undefined} */ (await this.#ask("", (answer) => answer.json()));
    if (!list) return;
    $("recordings").replaceChildren(...list.map((recording) => this.#item(recording)));
    $("recordings-told").textContent = list.length ? "" : "None yet.";
  }

  /** Ask the monitor; what goes wrong is said. */
  async #ask(path, read) {
    if (!this.#token) {
      $("recordings-told").textContent = "They are shown at the address that livecomposer printed.";
      return undefined;
    }
    try {
      const headers = { Authorization: `Bearer ${this.#token}` };
      const answer = await fetch(`/recordings${path}`, { headers });
      if (!answer.ok) throw new Error((await answer.text()) || answer.statusText);
      return await read(answer);
    } catch (error) {
      $("recordings-told").textContent = `It can't be read: ${/** @type {Error} */ (error).message}`;
      return undefined;
    }
  }

  /** @param {Recording} recording */
  #item({ name, seconds, bytes, begun }) {
    const item = document.createElement("li");
    item.dataset.name = name;
    if (name === this.#shownName) item.setAttribute("aria-current", "true");
    const text = document.createElement("p");
    const [length, size] = [document.createElement("small"), document.createElement("small")];
    length.className = "length";
    if (seconds !== null) length.textContent = `${spellTime(seconds)},`;
    size.textContent = `${Math.max(1, Math.round(bytes / 1000))} kB`;
    text.append(MOMENT.format(begun * 1000), " ", length, " ", size);
    const bar = document.createElement("div");
    bar.className = "bar";
    for (const [label, act] of [["Show", () => this.#show(name)], ["Download", () => this.#fetch(name)]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.setAttribute("aria-label", `${label} ${text.textContent}`);
      button.addEventListener("click", act);
      bar.append(button);
    }
    item.append(text, bar);
    return item;
  }

  async #show(name) {
    this.#wanted = name;
    const notes = await this.#ask(`/${encodeURIComponent(name)}/notes`, (answer) => answer.json());
    if (!notes || name !== this.#wanted) return;
    this.#playback.stop();
    this.#shown = notes;
    this.#shownName = name;
    $("viewed").textContent = name;
    for (const item of /** @type {HTMLCollectionOf<HTMLElement>} */ ($("recordings").children)) {
      item.removeAttribute("aria-current");
      if (item.dataset.name !== name) continue;
      item.setAttribute("aria-current", "true");
      /** @type {Element} */ (item.querySelector(".length")).textContent = `${spellTime(notes.seconds)},`;
    }
    $("viewer").hidden = false;
    this.#draw();
    $("viewer").scrollIntoView({ block: "nearest" });
  }

  async #fetch(name) {
    const blob = await this.#ask(`/${encodeURIComponent(name)}`, (answer) => answer.blob());
    if (!blob) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  #draw() {
    if (!this.#shown || !this.#canvas.clientWidth) return;
    drawStill(this.#canvas, this.#shown, this.#playback.runs ? this.#playback.seconds : undefined);
    if (this.#playback.runs) requestAnimationFrame(() => this.#draw());
  }

  #showPlayback() {
    const on = this.#playback.runs;
    $("playback").textContent = on ? "Stop" : "Play";
    $("playback").setAttribute("aria-pressed", String(on));
    this.#draw();
  }
}
