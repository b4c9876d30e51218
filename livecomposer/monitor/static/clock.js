/** Another clock's time in ours (`performance.now()`), and back; all in milliseconds. */

const HALF_MS = 5000;

/**
 * What the other clock says always reaches us a little late, by an amount that varies. The smallest
 * difference seen in the last 5 to 10 seconds is the one with the least delay in it.
 */
export class Offset {
  #newer = Infinity;
  #older = Infinity;
  #begun = -Infinity;

  /**
   * @param {number} theirs what the other clock said
   * @param {number} ours when it was heard
   */
  see(theirs, ours) {
    if (ours - this.#begun > HALF_MS) {
      this.#older = this.#newer;
      this.#newer = Infinity;
      this.#begun = ours;
    }
    this.#newer = Math.min(this.#newer, ours - theirs);
  }

  get #ms() {
    return Math.min(this.#older, this.#newer);
  }

  /** @param {number} theirs */
  toOurs(theirs) {
    return theirs + this.#ms;
  }

  /** @param {number} ours */
  toTheirs(ours) {
    return ours - this.#ms;
  }
}
