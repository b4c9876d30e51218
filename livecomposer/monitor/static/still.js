/** A recording's piano roll, as a whole. */

import { drawKeys, drawNote, drawRows, palette, pitchRange, rowOf, sharpen, STRIP } from "./drawing.js";

const FOOT = 20;
const LABEL_PX = 80; // the least between two times
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]; // seconds between two times

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{seconds: number, notes: [number, number, number, number, number][]}} recording
 * @param {number} [head] where it is being played, in seconds
 */
export function drawStill(canvas, { seconds, notes }, head) {
  const { context, width, height } = sharpen(canvas);
  const colours = palette();
  const [low, high] = pitchRange(notes.map((note) => note[3]));
  const rows = { low, high, top: 0, height: height - FOOT };
  const scale = (width - STRIP) / Math.max(1, seconds);
  drawRows(context, colours, rows, width);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = "12px system-ui, sans-serif";
  const step = STEPS.find((each) => each * scale >= LABEL_PX) ?? seconds;
  for (let at = 0; at <= seconds; at += step) {
    const x = Math.round(STRIP + at * scale);
    context.fillStyle = colours.line;
    context.fillRect(x, 0, 1, height);
    context.fillStyle = colours.soft;
    if (x < width - 48) context.fillText(spellTime(at), x + 5, height - FOOT / 2);
  }
  for (const [part, begin, end, pitch] of notes) {
    const [y, row] = rowOf(rows, pitch);
    const across = Math.max(1.5, (end - begin) * scale - 1);
    drawNote(context, colours, part, [STRIP + begin * scale, y + 0.5, across, row - 1]);
  }
  drawKeys(context, colours, rows, new Map());
  if (head === undefined) return;
  context.fillStyle = colours.ink;
  context.fillRect(Math.round(STRIP + head * scale) - 1, 0, 2, height - FOOT);
}

/**
 * @param {number} seconds
 * @returns {string} such as "3:05"
 */
export function spellTime(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
