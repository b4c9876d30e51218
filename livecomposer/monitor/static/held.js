/** Which keys are held, and by what: several fingers may hold one, and it ends with the last. */

export class Held {
  /** @type {Map<number, Set<string>>} */
  #by = new Map();
  #tell;

  /** @param {(pitch: number, velocity: number) => void} tell velocity 0 is up */
  constructor(tell) {
    this.#tell = tell;
  }

  /**
   * @param {string} who a pointer, a computer key
   * @param {number} pitch
   * @param {number} velocity 1-127
   */
  press(who, pitch, velocity) {
    if (this.holds(who, pitch)) return;
    const holders = this.#by.get(pitch) ?? new Set();
    this.#by.set(pitch, holders.add(who));
    if (holders.size === 1) this.#tell(pitch, velocity);
  }

  /** @param {string} who lets go of all that it holds */
  release(who) {
    for (const [pitch, holders] of this.#by) {
      if (!holders.delete(who) || holders.size) continue;
      this.#by.delete(pitch);
      this.#tell(pitch, 0);
    }
  }

  releaseAll() {
    for (const pitch of this.#by.keys()) this.#tell(pitch, 0);
    this.#by.clear();
  }

  /**
   * @param {string} who
   * @param {number} pitch
   */
  holds(who, pitch) {
    return this.#by.get(pitch)?.has(who) ?? false;
  }
}
