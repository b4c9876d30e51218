/** What has been played, and whose turn it was, for as long as it can be seen. In milliseconds. */

/**
 * @typedef {{part: number, pitch: number, velocity: number, begin: number, end: number | null}} Note
 *   part 0 is the player's, 1 the machine's; while it sounds, its end is null
 * @typedef {{turn: string, begin: number, end: number | null}} Turn
 */

export class Notes {
  /** @type {Note[]} in the order in which they began */
  all = [];
  /** @type {Map<string, Note>} */
  #sounding = new Map();

  /** @param {[number, number, number, number, number, number]} key as messages.py has it */
  add([part, ms, , channel, pitch, velocity]) {
    const which = `${part} ${channel} ${pitch}`;
    const before = this.#sounding.get(which);
    if (before) before.end = Math.max(ms, before.begin);
    this.#sounding.delete(which);
    if (!velocity) return;
    const note = { part, pitch, velocity, begin: ms, end: null };
    this.all.push(note);
    this.#sounding.set(which, note);
  }

  /** @param {number} ms what ended before is forgotten */
  forget(ms) {
    this.all = this.all.filter(({ end }) => end === null || end >= ms);
  }

  /** @returns {Map<number, number>} the part that sounds each pitch */
  sounding() {
    return new Map([...this.#sounding.values()].map(({ pitch, part }) => [pitch, part]));
  }
}

export class Turns {
  /** @type {Turn[]} */
  all = [];

  /**
   * @param {string} turn "player", "livecomposer" or ""
   * @param {number} ms
   */
  see(turn, ms) {
    const last = this.all.at(-1);
    if (last && last.end === null) {
      if (last.turn === turn) return;
      last.end = ms;
    }
    if (turn) this.all.push({ turn, begin: ms, end: null });
  }

  /** @param {number} ms */
  forget(ms) {
    this.all = this.all.filter(({ end }) => end === null || end >= ms);
  }
}
