"""Bytes of a music file -> the notes in it, whatever kind of file it is.

Notes are their onsets: of all tracks but drums. Pure: the bytes are all that is looked at, so that
a file may be read on another machine than it is kept on.
"""

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from livecomposer.midi.files import MidiFile, MidiFileError, is_note_on, read_midi
from livecomposer.music.tempo import nearest_tick

VERSION = 3
"""To be raised when a file would be read differently."""

MIDI_SUFFIXES = (".mid", ".midi")
SCORE_SUFFIXES = (".mxl", ".musicxml", ".xml", ".krn", ".abc")
SUFFIXES = MIDI_SUFFIXES + SCORE_SUFFIXES

PLAYER, MACHINE = 0, 1
"""Whose part a note is of. All music but the machine's part of a recorded jam is a player's."""

_TRACKS = ("player", "livecomposer")  # of a recorded jam, by part

Notes = npt.NDArray[np.int32]
"""(notes, 4): tick, pitch, General MIDI program (0-127), part; in order."""


class UnreadableError(ValueError):
    """Bytes are no music that can be read; the message says why."""


def read_notes(suffix: str, content: bytes) -> list[Notes]:
    """The pieces in a file: one, or as many as a songbook has.

    Args:
        suffix: what the file's name ends in, in lower case.
        content: its bytes.

    Raises:
        UnreadableError: they are not of this kind, or the kind is not known.
    """
    if suffix in MIDI_SUFFIXES:
        return [_read_midi(content)]
    if suffix in SCORE_SUFFIXES:
        return _read_scores(suffix, content)
    raise UnreadableError(f"its kind is not known, expected one of {', '.join(SUFFIXES)}")


def _read_midi(content: bytes) -> Notes:
    try:
        midi = read_midi(content)
        if set(_TRACKS) <= set(midi.tracks):
            parts = [read_midi(content, tracks=[track]) for track in _TRACKS]
        else:
            parts = [midi]
    except MidiFileError as error:
        raise UnreadableError(str(error)) from None
    return _as_notes(row for part, each in enumerate(parts) for row in _midi_rows(each, part))


def _midi_rows(midi: MidiFile, part: int) -> Iterator[tuple[int, int, int, int]]:
    programs = [0] * 16
    for position, message in midi.messages:
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif is_note_on(message):
            tick = nearest_tick(position, midi.division)
            yield tick, message.note, programs[message.channel], part


def _read_scores(suffix: str, content: bytes) -> list[Notes]:
    """MusicXML, Humdrum or ABC."""
    try:
        from music21.converter import Converter  # heavy, and not for playing
        from music21.stream import Opus
    except ImportError:
        raise UnreadableError("scores are read by music21: install livecomposer[train]") from None
    converter = Converter()
    try:
        # The cache that music21 keeps is unpickled: neither read nor write it.
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
            file = Path(folder, f"score{suffix}")
            file.write_bytes(content)
            converter.parseFile(file, forceSource=True, storePickle=False)  # type: ignore[no-untyped-call]
            stream = converter.stream
            scores = list(stream.scores) if isinstance(stream, Opus) else [stream]
            return [_as_notes(_score_rows(score)) for score in scores]
    except Exception as error:  # the parsers' exceptions on bad text are not listed
        raise UnreadableError(f"music21 can't read it ({type(error).__name__}: {error})") from None


def _score_rows(score: Any) -> Iterator[tuple[int, int, int, int]]:
    from music21.chord import ChordBase
    from music21.harmony import Harmony
    from music21.note import Note

    for part in score.parts or [score]:
        instrument = part.getInstrument()
        if getattr(instrument, "midiChannel", None) == 9:
            continue
        program = getattr(instrument, "midiProgram", None) or 0
        for element in part.stripTies().flatten().notes:
            tick = nearest_tick(round(element.offset * 5040), 5040)
            # Chord symbols are not played, and grace notes have no time of their own.
            skipped = isinstance(element, Harmony) or element.duration.isGrace
            if isinstance(element, Note | ChordBase) and not skipped:
                for pitch in element.pitches:
                    yield tick, pitch.midi, program, PLAYER


def _as_notes(rows: Iterable[tuple[int, int, int, int]]) -> Notes:
    playable = [row for row in rows if 0 <= row[1] <= 127]
    return np.array(sorted(playable), np.int32).reshape(-1, 4)
