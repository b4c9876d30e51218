"""Five primers, and what weights make of them: to be listened to, and looked at.

    python benchmarks/listening.py --weights default --out heard

Writes each primer, and `livecomposer generate`'s continuation of it, as MIDI files, draws all of
them as piano rolls, and renders them as audio, by fluidsynth. The tune and the chorale are from
music21's corpus; the others are made here, so that no weights have learned them.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

from livecomposer.midi.files import WRITTEN_DIVISION, TimedNote, write_midi
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.render import draw_roll, write_wav
from livecomposer.training.corpus import find_files, read_pieces

PRIMER = 24  # beats at most
CONTINUATION = 32  # beats

Onsets = list[tuple[float, tuple[int, ...]]]
"""(beat, MIDI pitches) each."""


def built_in(source: str) -> Onsets:
    """The beginning of a piece of music21's corpus."""
    piece = read_pieces(find_files([f"music21:{source}"]).paths[0])[0]
    onsets: dict[float, list[int]] = {}
    for tick, pitch in piece.notes[piece.notes[:, 0] < PRIMER * TICKS_PER_BEAT].tolist():
        onsets.setdefault(tick / TICKS_PER_BEAT, []).append(pitch)
    return [(beat, tuple(pitches)) for beat, pitches in onsets.items()]


def waltz() -> Onsets:
    """Eight bars of three beats in A minor: a bass, two chords, and a melody above."""
    i, iv, v = (45, (52, 57, 60)), (50, (53, 57, 62)), (40, (52, 56, 62))
    melody = (
        [(0, 69), (2, 71)], [(0, 72), (1, 71), (2, 69)], [(0, 74)], [(0, 77), (2, 76)],
        [(0, 76), (1, 72), (2, 69)], [(0, 68), (2, 71)], [(0, 72), (1, 71), (2, 68)], [(0, 69)],
    )  # fmt: skip
    notes: dict[float, tuple[int, ...]] = {}
    for bar, (bass, chord) in enumerate((i, i, iv, iv, i, v, v, i)):
        for beat, pitches in ((0, (bass,)), (1, chord), (2, chord)):
            notes[3 * bar + beat] = pitches
        for beat, pitch in melody[bar]:
            notes[3 * bar + beat] += (pitch,)
    return sorted(notes.items())


def vamp() -> Onsets:
    """D minor and G, a bar of four beats each, struck off the beat, three times over."""
    chords = (50, 60, 65, 69), (43, 59, 65, 67)
    return [(8 * i + 4 * j + beat, chords[j])
            for i in range(3) for j in range(2) for beat in (0, 1.5, 3)]  # fmt: skip


PRIMERS = {
    "folk tune": lambda: built_in("ryansMammoth"),
    "chorale": lambda: built_in("bach"),
    "waltz": waltz,
    "two-chord vamp": vamp,
    "single note": lambda: [(0.0, (60,))],
}


def write_primer(path: Path, onsets: Onsets) -> None:
    """Each onset sounds until the next; the last, for a beat."""
    ends = [beat for beat, _ in onsets[1:]] + [onsets[-1][0] + 1]
    notes = [
        TimedNote(round(beat * WRITTEN_DIVISION), round(end * WRITTEN_DIVISION), pitch, 80)
        for (beat, pitches), end in zip(onsets, ends, strict=True)
        for pitch in pitches
    ]
    write_midi(path, [("primer", notes)])


def draw(path: Path, files: dict[str, Path]) -> None:
    """All continuations, each after its primer, one below another."""
    figure = Figure(figsize=(12, 2.4 * len(files)), layout="constrained")
    rows = figure.subplots(len(files), 1, squeeze=False)[:, 0]
    for axes, (name, file) in zip(rows, files.items(), strict=True):
        draw_roll(axes, file)
        axes.set_title(name, loc="left", fontsize=9)
    rows[-1].set(xlabel="beats")
    figure.savefig(path, dpi=80)


def main() -> None:
    """Write, continue, draw, render."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default="default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    files = {}
    for name, make in PRIMERS.items():
        stem = name.replace(" ", "-")
        primer, files[name] = (options.out / f"{stem}{end}.mid" for end in ("-primer", ""))
        write_primer(primer, make())
        command = [sys.executable, "-m", "livecomposer", "generate", "--primer", str(primer)]
        command += ["--beats", str(CONTINUATION), "--out", str(files[name])]
        command += ["--seed", str(options.seed), "--set", f"model.weights={options.weights}"]
        subprocess.run(command, check=True)
        write_wav(files[name], files[name].with_suffix(".wav"))
    draw(options.out / "rolls.png", files)
    print(options.out / "rolls.png")


if __name__ == "__main__":
    main()
