"""A jam as a picture and as sound: for `render`."""

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from livecomposer.atomic import whole_file
from livecomposer.live.recorder import MACHINE_PART, PLAYER_PART
from livecomposer.midi.files import MidiFile, is_note_off, read_midi, write_messages
from livecomposer.music.events import DRUM_CHANNEL
from livecomposer.music.tokens import spell_pitch
from livecomposer.wording import brief

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {PLAYER_PART: "#d95f02", MACHINE_PART: "#1f6fb4"}
"""Told apart by those who see no red or no green, too."""
SOUNDFONTS = [
    Path(folder) / name
    for folder in ("/usr/share/sounds/sf2", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
    for name in ("default-GM.sf2", "FluidR3_GM.sf2", "default.sf2", "TimGM6mb.sf2")
]
"""Where systems keep a General MIDI soundfont."""

_RATE, _BLOCK = 44_100, 1 << 16
_BAR = 4
_OCTAVE = 12
_NAMED = (0, 7)
"""Pitch classes that are named beside a piano roll: C and G."""
_INCHES_A_BEAT, _LEAST_INCHES, _MOST_INCHES = 0.12, 8, 120
_DOTS_AN_INCH = 150
_MOST_BEATS, _MOST_LABELS = 2000, 300
_TURN = 1.0

_MOST_SECONDS = 6 * 3600
"""A .wav file can hold 4 GB: 6 hours and 45 minutes of 44,100 frames of 4 bytes a second."""


class RenderError(RuntimeError):
    """There is no sound or picture to be had; the message says why."""


class Bar(NamedTuple):
    """A note as it is drawn: in beats, a MIDI pitch and a velocity."""

    begin: float
    length: float
    pitch: int
    velocity: int


def bars_of(midi: MidiFile) -> Iterator[Bar]:
    """A file's notes, in order of their ends."""
    begun: dict[tuple[int, int], tuple[float, int]] = {}  # its beat and velocity
    for position, message in midi.messages:
        beat = position / midi.division
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if key in begun:
            begin, velocity = begun.pop(key)
            yield Bar(begin, beat - begin, message.note, velocity)
        if not is_note_off(message):
            begun[key] = beat, message.velocity


def parts_of(source: Path | bytes) -> list[MidiFile]:
    """The player's and the machine's part of a jam; of something else, all is the player's.

    Raises:
        MidiFileError: it can't be read.
    """
    parts = [read_midi(source, tracks=[name]) for name in COLOURS]
    if not any(part.messages for part in parts):
        parts[0] = read_midi(source)
    return parts


def turns(parts: Sequence[Iterable[Bar]]) -> list[tuple[int, float, float]]:
    """Where one part plays alone for a beat or more: its index, and from which beat to which."""
    onsets = sorted((bar.begin, i, bar.begin + bar.length) for i, part in enumerate(parts)
                    for bar in part)  # fmt: skip
    found = []
    for part, run in groupby(onsets, key=lambda onset: onset[1]):
        alone = list(run)
        begin, end = alone[0][0], max(end for _, _, end in alone)
        if end - begin >= _TURN:
            found.append((part, begin, end))
    return found


def draw_roll(axes: "Axes", source: Path | bytes) -> None:
    """Draw a jam's two parts, with the turns behind them, and lines at bars, beats and octaves.

    Raises:
        MidiFileError: it can't be read.
    """
    from matplotlib.collections import PolyCollection

    parts = [list(bars_of(part)) for part in parts_of(source)]
    for (name, colour), part in zip(COLOURS.items(), parts, strict=True):
        boxes = [
            [(bar.begin, low), (bar.begin, low + 0.9), (end, low + 0.9), (end, low)]
            for bar in part
            for low, end in [(bar.pitch - 0.45, bar.begin + bar.length)]
        ]
        axes.add_collection(
            PolyCollection(boxes, facecolor=colour, edgecolor="white", lw=0.4, label=name)
        )
    for who, begin, end in turns(parts):
        axes.axvspan(begin, end, color=list(COLOURS.values())[who], alpha=0.07, lw=0)
    _rule(axes, [bar for part in parts for bar in part])


def _rule(axes: "Axes", bars: Sequence[Bar]) -> None:
    """Bounds, and lines and names at beats and pitches, behind a roll's notes."""
    last = max((bar.begin + bar.length for bar in bars), default=1)
    lines = int(last) + 2
    axes.set_xticks(range(0, lines, _BAR * max(1, lines // _MOST_LABELS)))
    if lines <= _MOST_BEATS:
        axes.vlines(range(lines), 0, 128, colors="0.92", lw=0.6, zorder=0)
        axes.vlines(range(0, lines, _BAR), 0, 128, colors="0.75", lw=0.6, zorder=0)
    pitches = [bar.pitch for bar in bars] or [60]
    middle = (min(pitches) + max(pitches)) / 2
    reach = max(_OCTAVE, max(pitches) - min(pitches)) / 2 + 1.5
    named = [pitch for pitch in range(128) if pitch % _OCTAVE in _NAMED]
    axes.set_yticks(named, [spell_pitch(pitch) for pitch in named])
    axes.hlines(named, 0, last, colors="0.92", lw=0.6, zorder=0)
    axes.set(xlim=(0, last), ylim=(middle - reach, middle + reach), axisbelow=True)
    axes.tick_params(length=0, labelcolor="0.3")
    axes.spines[:].set_visible(False)


def write_png(source: Path, path: Path) -> None:
    """Draw a jam's piano roll.

    Raises:
        MidiFileError: it can't be read.
        OSError: the picture can't be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = figure.add_subplot()
    draw_roll(axes, source)
    width = _INCHES_A_BEAT * axes.get_xlim()[1]
    figure.set_size_inches(min(max(width, _LEAST_INCHES), _MOST_INCHES), 4)
    axes.set_xlabel("beats", color="0.3")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=_DOTS_AN_INCH)


def _write_playable(source: Path, path: Path) -> None:
    """What there is to hear of a file: of a jam its two parts, on a channel each, without drums."""
    midi = read_midi(source)
    # Files may have real-time messages in them, and mido writes none.
    parts = [("", [timed for timed in midi.messages if not timed[1].is_realtime])]
    if COLOURS.keys() <= set(midi.tracks):
        parts = [
            (name, [(at, message.copy(channel=channel))
                    for at, message in read_midi(source, tracks=[name]).messages
                    if getattr(message, "channel", DRUM_CHANNEL) != DRUM_CHANNEL])
            for channel, name in enumerate(COLOURS)
        ]  # fmt: skip
    end = max((messages[-1][0] for _, messages in parts if messages), default=0)
    if midi.tempo_map.ns_at(end, midi.division) > _MOST_SECONDS * 1e9:
        raise RenderError(f"it lasts longer than {_MOST_SECONDS / 3600:g} hours")
    write_messages(path, midi.division, parts, midi.tempo_changes)


def write_wav(source: Path, path: Path, soundfont: Path | None = None) -> None:
    """Let fluidsynth play a MIDI file.

    Args:
        source: what to play.
        path: where to; it appears when all is written.
        soundfont: instead of the system's.

    Raises:
        RenderError: there is no fluidsynth, no soundfont, it fails, or it would go on for hours.
        OSError: it can't be written.
    """
    synth = shutil.which("fluidsynth")
    if not synth:
        raise RenderError("fluidsynth is not installed")
    soundfont = soundfont or next((font for font in SOUNDFONTS if font.exists()), None)
    if not soundfont:
        raise RenderError("there is no General MIDI soundfont where systems keep one: name one")
    with tempfile.TemporaryDirectory() as folder:
        playable = Path(folder, "jam.mid")
        _write_playable(source, playable)
        files = [soundfont.absolute(), playable.absolute()]  # and so no options
        command = [synth, "-ni", "-q", "-T", "raw", "-E", "little", "-r", str(_RATE), "-F", "-"]
        # Written here, so that a full disk is noticed.
        with (
            whole_file(path) as file,
            wave.open(file, "wb") as sound,
            Path(folder, "errors").open("w+b") as errors,
            subprocess.Popen(  # noqa: S603 - found by its name
                [*command, *files], stdout=subprocess.PIPE, stderr=errors
            ) as process,
        ):
            assert process.stdout  # noqa: S101 - it is a pipe
            sound.setnchannels(2)
            sound.setsampwidth(2)
            sound.setframerate(_RATE)
            while block := process.stdout.read(_BLOCK):
                sound.writeframesraw(block)
            if process.wait() or not sound.tell():
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip() or "no sound"
                raise RenderError(f"fluidsynth failed: {brief(said.splitlines()[-1])}")
