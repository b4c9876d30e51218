/** How a slider's position stands for a setting's value, and how that is spelled. */

import { parse, spell } from "./pitch.js";

/** @typedef {{toValue: (position: number) => number | string,
 *   toPosition: (value: number | string) => number, spell: (value: number | string) => string}} Scale */

const same = { toValue: Number, toPosition: Number };

/** @type {Record<string, Scale>} */
export const SCALES = {
  hundredths: { ...same, spell: (value) => Number(value).toFixed(2) },
  tempo: { ...same, spell: (value) => `${Math.round(Number(value) * 10) / 10} BPM` },
  logarithmic: {
    toValue: (position) => Number(Math.min(5, Math.max(0.05, Math.exp(position))).toFixed(2)),
    toPosition: (value) => Math.log(Number(value)),
    spell: (value) => Number(value).toFixed(2),
  },
  pitch: { toValue: spell, toPosition: (value) => parse(String(value)), spell: String },
};

/** The names of the scales that a key can have, as livecomposer's settings know them. */
export const KEY_SCALES = ["major", "minor", "harmonic minor", "dorian", "phrygian", "lydian",
  "mixolydian", "major pentatonic", "minor pentatonic", "blues"];
