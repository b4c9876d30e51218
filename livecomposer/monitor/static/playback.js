/** Plays a recording's notes; a little is handed to the audio at a time. */

const STEP_MS = 100;
const AHEAD_MS = 300;
const LEAD_MS = 100; // before the first note

/** @typedef {[number, number, number, number, number]} Note part, start s, end s, pitch, velocity */

export class Playback {
  #audio;
  #timer = 0;
  #run = 0; // a number for each that is wanted; 0 for none
  #begun = 0;
  #ended;

  /**
   * @param {import("./audio.js").AudioOut} audio
   * @param {() => void} ended
   */
  constructor(audio, ended) {
    this.#audio = audio;
    this.#ended = ended;
  }

  get runs() {
    return this.#run !== 0;
  }

  /** Where it is, in seconds. */
  get seconds() {
    return Math.max(0, performance.now() - this.#begun) / 1000;
  }

  /** @param {{seconds: number, notes: Note[]}} recording */
  async start({ seconds, notes }) {
    const run = (this.#run = performance.now());
    this.#begun = Infinity;
    await this.#audio.start();
    if (run !== this.#run) return; // it was stopped meanwhile
    const events = notes
      .flatMap(([part, begin, end, pitch, velocity]) => [
        { at: begin, part, pitch, velocity },
        { at: end, part, pitch, velocity: 0 },
      ])
      .sort((one, other) => one.at - other.at || one.velocity - other.velocity);
    let next = 0;
    this.#begun = performance.now() + LEAD_MS;
    this.#timer = setInterval(() => {
      const until = performance.now() + AHEAD_MS;
      for (; next < events.length && this.#begun + events[next].at * 1000 < until; next += 1) {
        const { at, part, pitch, velocity } = events[next];
        this.#audio.play(part, pitch, velocity, this.#begun + at * 1000);
      }
      if (this.seconds > seconds) this.stop();
    }, STEP_MS);
  }

  stop() {
    if (!this.runs) return;
    clearInterval(this.#timer);
    this.#run = 0;
    this.#audio.silence();
    this.#ended();
  }
}
