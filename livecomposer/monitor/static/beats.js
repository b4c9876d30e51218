/** Where beats fall, in the daemon's milliseconds: what was, and what is to be expected. */

const BAR = 4;
const JUMP = 0.25;

/**
 * @typedef {{at_ms: number, beat: number, tempo_bpm: number, running: boolean}} Position
 * @typedef {{ms: number, beat: number}} Line
 */

export class Beats {
  /** @type {Position | null} */
  #now = null;
  /** @type {Line[]} */
  #past = [];

  /**
   * Beats since the last position are where the way between both has them; across a jump (the
   * first note makes its own beat 0) there are none.
   *
   * @param {Position} position
   */
  see(position) {
    if (this.#now?.running && position.running) {
      const { at_ms, beat } = this.#now;
      const expected = this.beatAt(position.at_ms);
      if (position.beat > beat && Math.abs(position.beat - expected) < JUMP) {
        const ms = (position.at_ms - at_ms) / (position.beat - beat);
        for (let next = Math.floor(beat) + 1; next <= position.beat; next += 1) {
          this.#past.push({ ms: at_ms + (next - beat) * ms, beat: next });
        }
      }
    }
    this.#now = position;
  }

  /** @param {number} ms what was before is forgotten */
  forget(ms) {
    while (this.#past.length && this.#past[0].ms < ms) this.#past.shift();
  }

  /** @param {number} ms */
  beatAt(ms) {
    if (!this.#now) return 0;
    const { at_ms, beat, tempo_bpm, running } = this.#now;
    return running ? beat + ((ms - at_ms) * tempo_bpm) / 60000 : beat;
  }

  /** @param {number} beat */
  msAt(beat) {
    if (!this.#now) return 0;
    return this.#now.at_ms + ((beat - this.#now.beat) * 60000) / this.#now.tempo_bpm;
  }

  /**
   * @param {number} from
   * @param {number} to
   * @returns {Line[]} the beats between, earliest first
   */
  between(from, to) {
    const lines = this.#past.filter(({ ms }) => ms >= from && ms <= to);
    if (!this.#now?.running) return lines;
    for (let beat = Math.floor(this.#now.beat) + 1; this.msAt(beat) <= to; beat += 1) {
      lines.push({ ms: this.msAt(beat), beat });
    }
    return lines;
  }
}

/** @param {number} beat */
export function isBar(beat) {
  return beat % BAR === 0;
}

/**
 * @param {number} beat
 * @returns {[number, number]} as musicians count: from 1
 */
export function barAndBeat(beat) {
  const whole = Math.floor(beat);
  return [Math.floor(whole / BAR) + 1, (((whole % BAR) + BAR) % BAR) + 1];
}
