/**
 * Whether the page is worked by pointing at it, rather than by the keyboard alone. Then a key is
 * music or a command, whatever the mouse or a finger has touched last.
 */

const MOVES = new Set(["Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

let pointing = false;
addEventListener("pointerdown", () => (pointing = true), true);
addEventListener("keydown", ({ key }) => (pointing &&= !MOVES.has(key)), true);

export function isPointing() {
  return pointing;
}
