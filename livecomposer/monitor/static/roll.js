/** The live piano roll: it scrolls by, and shows what has been played and what will be. */

import { barAndBeat, isBar } from "./beats.js";
import { clip, drawKeys, drawNote, drawRows, palette, partName, pitchRange, rowOf, sharpen, STRIP } from "./drawing.js";

const HEAD = 24; // pixels for the turns, above
const FOOT = 20; // and for the numbers of bars, below
const AHEAD = 0.22; // of the time that is shown
const LEAST_MS = 6000;
const MOST_MS = 16000;
const MS_A_PIXEL = 11;
const UNKNOWN_BEATS = 0.5; // the length of a note that is planned, where that isn't known yet
const LABELS = { player: "you", livecomposer: "livecomposer" };

/**
 * @typedef {{beat: number, length: number, pitches: number[]}} Planned
 * @typedef {{notes: import("./history.js").Notes, turns: import("./history.js").Turns,
 *   beats: import("./beats.js").Beats}} Played
 */

export class Roll {
  #canvas;
  #colours = palette();
  #range = [48, 72];
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => (this.#colours = palette()));
  }

  /** How much time is shown. */
  get #spanMs() {
    const width = this.#canvas.clientWidth - STRIP;
    return Math.min(MOST_MS, Math.max(LEAST_MS, width * MS_A_PIXEL));
  }

  /**
   * The time at the left edge. Where the user wants little motion, the roll stands and is turned
   * like a page.
   *
   * @param {number} now
   */
  from(now) {
    const past = this.#spanMs * (1 - AHEAD);
    return this.#still.matches ? Math.floor(now / past) * past : now - past;
  }

  /**
   * @param {number} now in the daemon's milliseconds
   * @param {Played} played
   * @param {Planned[]} planned
   */
  draw(now, played, planned) {
    const { context, width, height } = sharpen(this.#canvas);
    const from = this.from(now);
    const scale = (width - STRIP) / this.#spanMs;
    const rows = { ...this.#fitted(pitchesSeen(played.notes.all, planned, from, from + this.#spanMs)), top: HEAD, height: height - HEAD - FOOT };
    const x = (/** @type {number} */ ms) => STRIP + (ms - from) * scale;
    const view = { context, colours: this.#colours, rows, x, now, from, to: from + this.#spanMs, width, height };
    context.save();
    clip(context, [STRIP, 0, width - STRIP, height]);
    drawRows(context, this.#colours, rows, width);
    drawTurns(view, played.turns.all);
    drawBeats(view, played.beats);
    context.save();
    clip(context, [STRIP, rows.top, width - STRIP, rows.height]);
    drawPlanned(view, planned, played.beats);
    drawNotes(view, played.notes.all);
    context.restore();
    context.fillStyle = this.#colours.ink;
    context.fillRect(Math.round(x(now)) - 1, 0, 2, height - FOOT);
    context.restore();
    drawKeys(context, this.#colours, rows, played.notes.sounding());
  }

  /** The range of pitches, which comes to fit what is seen. */
  #fitted(/** @type {number[]} */ pitches) {
    const pace = this.#still.matches ? 1 : 0.15;
    const wanted = pitches.length ? pitchRange(pitches) : this.#range;
    this.#range = this.#range.map((now, i) => {
      const next = now + (wanted[i] - now) * pace;
      return Math.abs(wanted[i] - next) < 0.02 ? wanted[i] : next;
    });
    return { low: this.#range[0], high: this.#range[1] };
  }
}

function pitchesSeen(notes, planned, from, to) {
  const seen = notes.filter(({ begin, end }) => begin <= to && (end ?? to) >= from);
  return [...seen.map(({ pitch }) => pitch), ...planned.flatMap(({ pitches }) => pitches)];
}

function drawTurns({ context, colours, x, now, height }, turns) {
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = "600 13px system-ui, sans-serif";
  for (const { turn, begin, end } of turns) {
    const name = partName(Number(turn === "livecomposer"));
    const [left, right] = [x(begin), x(end ?? now)];
    context.globalAlpha = 0.1;
    context.fillStyle = colours[name];
    context.fillRect(left, HEAD, right - left, height - HEAD - FOOT);
    context.globalAlpha = 1;
    context.fillRect(left, 0, right - left, HEAD - 4);
    // A label stays in sight as long as there is room for it.
    const at = Math.max(left, STRIP) + 8;
    if (at + context.measureText(LABELS[turn]).width + 8 > right) continue;
    context.fillStyle = colours[`on-${name}`];
    context.fillText(LABELS[turn], at, HEAD / 2 - 1.5);
  }
}

function drawBeats({ context, colours, x, from, to, width, height }, beats) {
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = "12px system-ui, sans-serif";
  for (const { ms, beat } of beats.between(from, to)) {
    const at = Math.round(x(ms));
    context.fillStyle = isBar(beat) ? colours.edge : colours.line;
    context.fillRect(at, HEAD, 1, height - HEAD - (isBar(beat) ? 0 : FOOT));
    if (!isBar(beat) || at > width - 16) continue;
    context.fillStyle = colours.soft;
    context.fillText(String(barAndBeat(beat)[0]), at + 5, height - FOOT / 2);
  }
}

function drawPlanned({ context, colours, rows, x, now }, planned, beats) {
  context.strokeStyle = colours.machine;
  context.fillStyle = colours.machine;
  context.setLineDash([4, 3]);
  for (const { beat, length, pitches } of planned) {
    const begin = beats.msAt(beat);
    if (begin < now) continue;
    const left = x(begin);
    const across = x(beats.msAt(beat + (length || UNKNOWN_BEATS))) - left - 2;
    for (const pitch of pitches) {
      const [y, row] = rowOf(rows, pitch);
      context.globalAlpha = 0.18;
      context.fillRect(left, y + 1, across, row - 2);
      context.globalAlpha = 1;
      context.strokeRect(left + 0.5, y + 1.5, across - 1, row - 3);
    }
  }
  context.setLineDash([]);
}

function drawNotes({ context, colours, rows, x, now }, notes) {
  for (const { part, pitch, begin, end } of notes) {
    // A note that is due in a moment is still a planned one.
    if (begin > now) continue;
    const left = x(begin);
    const across = Math.max(3, x(Math.min(end ?? now, now)) - left);
    const [y, row] = rowOf(rows, pitch);
    drawNote(context, colours, part, [left, y + 1, across, row - 2]);
  }
}
