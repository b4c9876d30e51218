/** The computer's keyboard as a piano's, as DAWs have it: by where keys are, whatever is on them. */

import { isPointing } from "./pointing.js";

const ORDER = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU",
  "KeyJ", "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon", "Quote"];

/** Semitones above the lowest, by `KeyboardEvent.code`. */
export const SEMITONES = new Map(ORDER.map((code, semitone) => [code, semitone]));

/** What is written on the key for so many semitones. */
export const LETTERS = [..."AWSEDFTGYHUJKOLP;'"];

/** Octaves that keys go up by. */
export const OCTAVES = new Map([
  ["KeyZ", -1],
  ["KeyX", 1],
]);

const TYPED = "textarea, input:not([type=range], [type=radio], [type=checkbox])";

/**
 * Whether a key is music or a command: not where text is typed or the keyboard has gone to
 * where an option is picked by its letters, and not with Ctrl and the like.
 *
 * @param {KeyboardEvent} event
 */
export function isFree(event) {
  const target = /** @type {Element} */ (event.target);
  return !(event.ctrlKey || event.altKey || event.metaKey || target.closest?.(isPointing() ? TYPED : `${TYPED}, select`));
}
