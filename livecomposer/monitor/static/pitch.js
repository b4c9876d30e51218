/** Pitches by name: MIDI 60 is C4; sharps only, as everywhere in livecomposer. */

export const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/**
 * @param {number} pitch 0-127
 * @returns {string} such as "C#4"
 */
export function spell(pitch) {
  return `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
}

/**
 * @param {string} name such as "C#4"
 * @returns {number} 0-127; NaN if it is none
 */
export function parse(name) {
  const [, letter, octave] = /^([A-G]#?)(-?\d)$/.exec(name) ?? [];
  return letter ? NAMES.indexOf(letter) + 12 * (Number(octave) + 1) : NaN;
}

/** @param {number} pitch 0-127 */
export function isBlack(pitch) {
  return NAMES[pitch % 12].length > 1;
}
