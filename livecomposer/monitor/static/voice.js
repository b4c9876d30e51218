/** A piano-like voice, made of a few sines. Times are seconds of the audio context. */

const MOST = 48; // notes at once
const LOUDNESS = 0.35;
const ATTACK = 0.004;
const RELEASE = 0.07; // the time constant
const SILENT = 8; // time constants
// How strong each partial is: those of a piano fall off about like this.
const PARTIALS = [0, 1, 0.55, 0.32, 0.2, 0.12, 0.08, 0.05, 0.03];

/** @typedef {{begin: number, gain: GainNode, source: OscillatorNode}} Sounding */

export class Voice {
  /** @type {Map<string, Sounding>} */
  #sounding = new Map();
  #context;
  #out;
  #wave;

  /** @param {AudioContext} context */
  constructor(context) {
    this.#context = context;
    const level = new GainNode(context, { gain: LOUDNESS });
    this.#out = new DynamicsCompressorNode(context, { threshold: -12, ratio: 6 });
    this.#out.connect(level).connect(context.destination);
    const imaginary = new Float32Array(PARTIALS);
    this.#wave = context.createPeriodicWave(new Float32Array(PARTIALS.length), imaginary);
  }

  /**
   * @param {string} which names the note
   * @param {number} pitch
   * @param {number} velocity 1-127; 0 ends the note
   * @param {number} at
   */
  play(which, pitch, velocity, at) {
    const when = Math.max(at, this.#context.currentTime);
    this.#end(which, when);
    if (!velocity) return;
    if (this.#sounding.size >= MOST) this.#end(this.#sounding.keys().next().value ?? "", when);
    this.#sounding.set(which, this.#begin(pitch, velocity / 127, when));
  }

  /** All of it, now. */
  silence() {
    for (const which of [...this.#sounding.keys()]) this.#end(which, this.#context.currentTime);
  }

  /** @returns {Sounding} */
  #begin(pitch, loud, when) {
    const context = this.#context;
    const frequency = 440 * 2 ** ((pitch - 69) / 12);
    const source = new OscillatorNode(context, { frequency, periodicWave: this.#wave });
    const filter = new BiquadFilterNode(context, { type: "lowpass", Q: 0.3 });
    const gain = new GainNode(context, { gain: 0 });
    source.connect(filter).connect(gain).connect(this.#out);
    // Low strings ring for longer, and what is struck hard is bright at first.
    const ring = 0.9 * 2 ** ((60 - pitch) / 18);
    filter.frequency.setValueAtTime(Math.min(16000, frequency * (2 + 8 * loud)), when);
    filter.frequency.setTargetAtTime(Math.min(16000, frequency * 2), when, ring / 2);
    gain.gain.setValueAtTime(0, when);
    gain.gain.linearRampToValueAtTime(0.1 + 0.6 * loud * loud, when + ATTACK);
    gain.gain.setTargetAtTime(0, when + ATTACK, ring);
    source.start(when);
    source.stop(when + SILENT * ring);
    source.addEventListener("ended", () => gain.disconnect());
    return { begin: when, gain, source };
  }

  #end(which, when) {
    const note = this.#sounding.get(which);
    if (!note) return;
    this.#sounding.delete(which);
    note.gain.gain.setTargetAtTime(0, when, RELEASE);
    // One that hasn't begun is not to begin at all.
    note.source.stop(when > note.begin ? when + SILENT * RELEASE : when);
  }
}
