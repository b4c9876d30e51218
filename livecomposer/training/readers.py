"""Bytes of a music file -> the notes in it, whatever kind of file it is.

Notes are their onsets: of all tracks but drums. Pure: the bytes are all that is looked at, so that
a file may be read on another machine than it is kept on.
"""

import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from livecomposer.extras import install_command
from livecomposer.midi.files import (
    MAX_BEATS,
    MidiFile,
    MidiFileError,
    is_note_on,
    read_midi,
)
from livecomposer.music.tempo import TICKS_PER_BEAT, nearest_tick
from livecomposer.training.screening import (
    MAX_XML_BYTES,
    ScreeningError,
    screen_lines,
    screen_xml,
    unpack,
)

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

MAX_FILE_BYTES = MAX_XML_BYTES
"""The largest file of any kind. The kinds that take more of time and memory have less."""

_MAX_BYTES = {".mxl": 2_000_000, ".krn": 1_000_000, ".abc": 1_000_000}

_MAX_REASON = 200


class UnreadableError(ValueError):
    """Bytes are no music that can be read; the message, of one line, says why."""


def read_notes(suffix: str, content: bytes) -> list[Notes]:
    """The pieces in a file: one, or as many as a songbook has.

    Args:
        suffix: what the file's name ends in, in lower case.
        content: its bytes.

    Raises:
        UnreadableError: they are not of this kind, or the kind is not known.
        MemoryError: they take more memory than there is.
    """
    if suffix in MIDI_SUFFIXES:
        return [_read_midi(content)]
    if suffix in SCORE_SUFFIXES:
        return _read_scores(suffix, content)
    raise UnreadableError(f"its kind is not known, expected one of {', '.join(SUFFIXES)}")


def load_parser(suffix: str) -> None:
    """Import what files of this kind are parsed with: it takes longer than most files.

    Raises:
        UnreadableError: it isn't installed.
    """
    if suffix in SCORE_SUFFIXES:
        try:
            import_module("music21.converter")
        except ImportError:
            raise UnreadableError(
                f"scores are read by music21: {install_command('train')}"
            ) from None


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
    load_parser(suffix)
    most = _MAX_BYTES.get(suffix, MAX_FILE_BYTES)
    if not content:
        raise UnreadableError("the file is empty")
    if len(content) > most:
        raise UnreadableError(f"it has more than {most:,} bytes")
    try:
        return _parse(*_screened(suffix, content))
    except ScreeningError as error:
        raise UnreadableError(str(error)) from None


def _screened(suffix: str, content: bytes) -> tuple[str, bytes]:
    """What music21 is to parse."""
    if suffix == ".mxl" and content.startswith(b"PK"):  # some are plain MusicXML
        content = unpack(content)
    if suffix in (".krn", ".abc"):
        return suffix, screen_lines(content)
    screen_xml(content)
    return ".musicxml", content


def _parse(suffix: str, content: bytes) -> list[Notes]:
    from music21.converter import Converter  # heavy, and not for playing
    from music21.stream import Opus

    converter = Converter()
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(action="ignore"),
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123 (it is no path)
        redirect_stderr(nowhere),  # where music21 complains
    ):
        file = Path(folder, f"score{suffix}")
        file.write_bytes(content)
        try:
            # The cache that music21 keeps is unpickled: neither read nor write it.
            converter.parseFile(file, forceSource=True, storePickle=False)  # type: ignore[no-untyped-call]
            stream = converter.stream
            scores = list(stream.scores) if isinstance(stream, Opus) else [stream]
            return [_as_notes(_score_rows(score)) for score in scores]
        except (MemoryError, UnreadableError):
            raise
        except Exception as error:  # the parsers' exceptions on bad text are not listed
            reason = " ".join(str(error).replace(str(file), "it").split())
            reason = f"music21 can't read it ({type(error).__name__}: {reason[:_MAX_REASON]})"
            raise UnreadableError(reason) from None


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
    playable = sorted(row for row in rows if 0 <= row[1] <= 127)
    if playable and not 0 <= playable[0][0] <= playable[-1][0] <= MAX_BEATS * TICKS_PER_BEAT:
        raise UnreadableError(f"its notes are not all within {MAX_BEATS:,} beats")
    return np.array(playable, np.int32).reshape(-1, 4)
