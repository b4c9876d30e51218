/**
 * The space bar is for panic, whatever the mouse has clicked last. Only where text is typed, and
 * where the keyboard has gone to something that the space bar works, does it do what it always does.
 */

import { isPointing } from "./pointing.js";

const TYPED = "textarea, input:not([type=range], [type=radio], [type=checkbox])";
const WORKED = "button:not([data-pitch]), select, summary, a[href], input[type=checkbox]";

/** @param {() => void} panic */
export function takeSpace(panic) {
  const isOurs = (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey) return false;
    return !target.closest?.(isPointing() ? TYPED : `${TYPED}, ${WORKED}`);
  };
  addEventListener("keydown", (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    if (!event.repeat) panic();
  }, true);
  // A button that the mouse has clicked would be pressed when the key comes up.
  addEventListener("keyup", (event) => isOurs(event) && event.preventDefault(), true);
}
