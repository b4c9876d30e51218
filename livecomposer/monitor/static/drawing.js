/** What the live roll and the still one are drawn with. */

import { isBlack, spell } from "./pitch.js";

export const STRIP = 48; // pixels of piano keys at the left

const FEWEST = 24; // semitones
const MARGIN = 2;

/**
 * @typedef {{low: number, high: number, top: number, height: number}} Rows pitches, and where they are
 * @typedef {CanvasRenderingContext2D} Context
 */

const NAMES = ["surface", "row", "ink", "soft", "line", "edge", "player", "on-player",
  "machine", "on-machine", "white-key", "on-white-key", "black-key"];

/** @returns {Record<string, string>} the theme's colours, as they are now */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`)]));
}

/** @param {number} part */
export function partName(part) {
  return part ? "machine" : "player";
}

/**
 * A canvas as sharp as its screen.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: Context, width: number, height: number}} in CSS pixels
 */
export function sharpen(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = /** @type {Context} */ (canvas.getContext("2d"));
  const [across, down] = [width, height].map((side) => Math.round(side * devicePixelRatio));
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/**
 * @param {Iterable<number>} pitches
 * @returns {[number, number]} the lowest and the highest to be shown: all of these, with a margin
 */
export function pitchRange(pitches) {
  let [low, high] = [Infinity, -Infinity];
  for (const pitch of pitches) [low, high] = [Math.min(low, pitch), Math.max(high, pitch)];
  if (low > high) [low, high] = [60, 60];
  [low, high] = [low - MARGIN, high + MARGIN];
  const missing = Math.max(0, FEWEST - (high - low + 1));
  low = Math.max(0, low - Math.ceil(missing / 2));
  high = Math.min(127, Math.max(high + Math.floor(missing / 2), low + FEWEST - 1));
  return [Math.min(low, high - FEWEST + 1), high];
}

/**
 * @param {Rows} rows
 * @param {number} pitch
 * @returns {[number, number]} the top of its row, and the row's height
 */
export function rowOf({ low, high, top, height }, pitch) {
  const row = height / (high - low + 1);
  return [top + (high - pitch) * row, row];
}

/**
 * @param {Context} context
 * @param {Record<string, string>} colours
 * @param {Rows} rows
 * @param {number} width
 */
export function drawRows(context, colours, rows, width) {
  context.save();
  clip(context, [STRIP, rows.top, width - STRIP, rows.height]);
  for (let pitch = Math.floor(rows.low); pitch <= Math.ceil(rows.high); pitch += 1) {
    const [y, row] = rowOf(rows, pitch);
    context.fillStyle = isBlack(pitch) ? colours.row : colours.surface;
    context.fillRect(STRIP, y, width - STRIP, row + 0.5);
    if (pitch % 12) continue;
    context.fillStyle = colours.line;
    context.fillRect(STRIP, Math.round(y + row) - 1, width - STRIP, 1);
  }
  context.restore();
}

/**
 * The keys at the left, with the name of each C.
 *
 * @param {Context} context
 * @param {Record<string, string>} colours
 * @param {Rows} rows
 * @param {Map<number, number>} sounding the part that sounds each pitch
 */
export function drawKeys(context, colours, rows, sounding) {
  context.save();
  clip(context, [0, rows.top, STRIP - 1, rows.height]);
  context.fillStyle = colours["white-key"];
  context.fillRect(0, rows.top, STRIP - 1, rows.height);
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.font = "11px system-ui, sans-serif";
  const [lowest, highest] = [Math.floor(rows.low), Math.ceil(rows.high)];
  const pitches = Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i);
  // The black ones lie on the white ones.
  for (const pitch of [...pitches.filter((each) => !isBlack(each)), ...pitches.filter(isBlack)]) {
    const [y, row] = rowOf(rows, pitch);
    const name = sounding.has(pitch) ? partName(sounding.get(pitch) ?? 0) : "";
    context.fillStyle = colours[name || (isBlack(pitch) ? "black-key" : "white-key")];
    context.fillRect(0, y, isBlack(pitch) ? STRIP / 2 : STRIP - 1, row);
    if (pitch % 12) continue;
    context.fillStyle = colours[`on-${name || "white-key"}`];
    context.fillText(spell(pitch), STRIP - 4, y + row / 2);
  }
  context.restore();
}

/**
 * Draw nothing outside a box, until what was saved before is restored.
 *
 * @param {Context} context
 * @param {[number, number, number, number]} box x, y, width, height
 */
export function clip(context, box) {
  context.beginPath();
  context.rect(...box);
  context.clip();
}

/**
 * A note: the player's round and full, the machine's square with a slot.
 *
 * @param {Context} context
 * @param {Record<string, string>} colours
 * @param {number} part
 * @param {[number, number, number, number]} box x, y, width, height
 */
export function drawNote(context, colours, part, [x, y, width, height]) {
  context.fillStyle = colours[partName(part)];
  context.beginPath();
  if (part) context.rect(x, y, width, height);
  else context.roundRect(x, y, width, height, Math.min(width, height) / 2);
  context.fill();
  const slot = Math.min(height / 4, 4);
  if (!part || width <= 4 * slot) return;
  context.fillStyle = colours.surface;
  context.fillRect(x + slot * 1.5, y + (height - slot) / 2, width - 3 * slot, slot);
}
