"""Files -> pieces: every kind of file that music can be learned from, read side by side and once.

A piece is its note onsets: ticks and pitches, of all tracks but drums. Parsed files are kept in a
cache by their content, so that the next run starts at once. Knows nothing of vocabularies.
"""

import hashlib
import io
import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from livecomposer.midi.files import MidiFileError, is_note_on, read_midi
from livecomposer.music.events import NoteOn
from livecomposer.music.tempo import nearest_tick

log = logging.getLogger(__name__)

MIDI_SUFFIXES = (".mid", ".midi")
SCORE_SUFFIXES = (".mxl", ".musicxml", ".xml", ".krn", ".abc")
SUFFIXES = MIDI_SUFFIXES + SCORE_SUFFIXES
BUILT_IN = "music21:"

# General MIDI's sixteen families of eight programs each.
FAMILIES = (
    "piano", "chromatic-percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth-lead", "synth-pad", "synth-effects", "ethnic", "percussive",
    "sound-effects",
)  # fmt: skip

_READER_VERSION = b"2"
"""Part of each cache key: to be raised when a file would be read differently."""

_Notes = npt.NDArray[np.int32]  # (notes, 3): tick, pitch, program


class CorpusError(ValueError):
    """The corpus named can't be learned from; the message says why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of music.

    Attributes:
        name: the file it is from, with `#2` and so on for the further pieces of one file.
        notes: (notes, 3): tick, pitch, General MIDI program (0-127); in order of tick.
    """

    name: str
    notes: _Notes

    def events(self) -> Iterator[NoteOn]:
        """The onsets, for a tokeniser."""
        return (NoteOn(tick, pitch) for tick, pitch in self.notes[:, :2].tolist())


@dataclass(frozen=True, slots=True)
class Corpus:
    """The pieces found, and the files that gave none: (name, reason)."""

    pieces: list[Piece]
    skipped: list[tuple[str, str]]


def parse_instrument(text: str) -> frozenset[int]:
    """A General MIDI family's name, or a program's number (1-128), as programs from 0.

    Raises:
        ValueError: it is neither.
    """
    if text in FAMILIES:
        first = 8 * FAMILIES.index(text)
        return frozenset(range(first, first + 8))
    if text.isdecimal() and 1 <= int(text) <= 128:
        return frozenset({int(text) - 1})
    raise ValueError(f"{text!r} is not a program (1 to 128) or one of: {', '.join(FAMILIES)}")


def find_files(sources: Iterable[str]) -> list[Path]:
    """The files of folders (recursively), of music21's built-in corpus, and those named.

    Raises:
        CorpusError: a source doesn't exist, or nothing in it is of a known kind.
    """
    files: list[Path] = []
    for source in sources:
        path = Path(source)
        if source.startswith(BUILT_IN):
            found = _built_in(source.removeprefix(BUILT_IN))
        elif path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        elif path.exists():
            found = [path]
        else:
            raise CorpusError(f"{source}: no such file or folder")
        if not found:
            raise CorpusError(f"{source}: no file there ends in {', '.join(SUFFIXES)}")
        files += found
    return list(dict.fromkeys(files))


def default_cache() -> Path:
    """The folder in which this user's parsed files are kept."""
    from platformdirs import user_cache_path  # only training keeps a cache

    return user_cache_path("livecomposer") / "corpus"


def load_corpus(
    files: Sequence[Path],
    *,
    programs: frozenset[int] | None = None,
    cache: Path | None = None,
    processes: int | None = None,
    progress: bool = False,
) -> Corpus:
    """Read files, side by side.

    Args:
        files: what to read.
        programs: General MIDI programs to narrow to; all by default.
        cache: the folder of the cache; none by default.
        processes: how many to use; as many as cores by default.
        progress: show a progress bar.

    Raises:
        CorpusError: no file gave a piece.
    """
    from tqdm import tqdm  # only training shows progress

    corpus = Corpus([], [])
    read = partial(_read_file, programs=programs, cache=cache)
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        results = pool.map(read, files, chunksize=4)
        for file, result in zip(
            files,
            tqdm(results, "reading", len(files), unit="file", disable=not progress),
            strict=True,
        ):
            if isinstance(result, str):
                corpus.skipped.append((str(file), result))
            else:
                corpus.pieces.extend(result)
    if not corpus.pieces:
        name, reason = corpus.skipped[0]
        raise CorpusError(
            f"none of {len(files)} files can be learned from; the first is {name}: {reason}"
        )
    return corpus


def read_pieces(file: Path, programs: frozenset[int] | None = None) -> list[Piece]:
    """The pieces of one file.

    Raises:
        CorpusError: it can't be read, or has no notes (of these programs).
    """
    return _select(file, _parse(file), programs)


def _select(file: Path, parsed: list[_Notes], programs: frozenset[int] | None) -> list[Piece]:
    if programs is not None:
        parsed = [notes[np.isin(notes[:, 2], list(programs))] for notes in parsed]
    pieces = [
        Piece(f"{file}#{i}" if i > 1 else str(file), notes)
        for i, notes in enumerate(parsed, 1)
        if len(notes)
    ]
    if not pieces:
        raise CorpusError("it has no notes" + (" of that instrument" if programs else ""))
    return pieces


def _read_file(
    file: Path, programs: frozenset[int] | None, cache: Path | None
) -> list[Piece] | str:
    """A file's pieces, or why there are none. Runs in a worker process."""
    try:
        return _select(file, _parse_cached(file, cache) if cache else _parse(file), programs)
    except CorpusError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


def _parse_cached(file: Path, cache: Path) -> list[_Notes]:
    content = _READER_VERSION + file.suffix.lower().encode() + file.read_bytes()
    entry = cache / f"{hashlib.sha256(content).hexdigest()}.npz"
    parsed = _load_entry(entry)
    if parsed is None:
        parsed = _parse(file)
        _save_entry(entry, parsed)
    return parsed


def _load_entry(entry: Path) -> list[_Notes] | None:
    """A cache entry, or None if there is none or it isn't sound."""
    try:
        with np.load(entry, allow_pickle=False) as arrays:
            notes, lengths = arrays["notes"], arrays["lengths"]
    except FileNotFoundError:
        return None
    except Exception as error:  # a corrupt archive fails in many ways
        log.info("rebuilding the cache entry %s: %s", entry.name, error)
        return None
    sound = (
        notes.dtype == np.int32 and notes.ndim == 2 and notes.shape[1] == 3 and lengths.ndim == 1
        and lengths.dtype == np.int32 and lengths.min(initial=0) >= 0
        and lengths.sum() == len(notes) and notes.min(initial=0) >= 0
        and notes[:, 1:].max(initial=0) <= 127
    )  # fmt: skip
    return np.split(notes, np.cumsum(lengths)[:-1]) if sound else None


def _save_entry(entry: Path, parsed: list[_Notes]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        notes=np.concatenate(parsed) if parsed else np.empty((0, 3), np.int32),
        lengths=np.array([len(notes) for notes in parsed], np.int32),
    )
    beside = entry.with_suffix(f".{os.getpid()}")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(buffer.getvalue())
        beside.replace(entry)
    except OSError as error:
        log.warning("the cache %s can't be written: %s", entry.parent, error.strerror)


def _parse(file: Path) -> list[_Notes]:
    if file.suffix.lower() in MIDI_SUFFIXES:
        return [_parse_midi(file)]
    if file.suffix.lower() in SCORE_SUFFIXES:
        return _parse_score(file)
    raise CorpusError(f"its kind is not known, expected one of {', '.join(SUFFIXES)}")


def _parse_midi(file: Path) -> _Notes:
    try:
        midi = read_midi(file)
    except MidiFileError as error:
        raise CorpusError(str(error)) from None
    programs = [0] * 16
    rows: list[tuple[int, int, int]] = []
    for position, message in midi.messages:
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif is_note_on(message):
            tick = nearest_tick(position, midi.division)
            rows.append((tick, message.note, programs[message.channel]))
    return _as_notes(rows)


def _parse_score(file: Path) -> list[_Notes]:
    """MusicXML, Humdrum or ABC. A file may hold many pieces."""
    try:
        from music21.converter import Converter  # heavy, and not for playing
        from music21.stream import Opus
    except ImportError:
        raise CorpusError("scores are read by music21: install livecomposer[train]") from None
    converter = Converter()
    try:
        # The cache that music21 keeps is unpickled: neither read nor write it.
        with warnings.catch_warnings(action="ignore"):  # of its opinions on the notation
            converter.parseFile(file, forceSource=True, storePickle=False)  # type: ignore[no-untyped-call]
            stream = converter.stream
            scores = list(stream.scores) if isinstance(stream, Opus) else [stream]
            return [_as_notes(_score_rows(score)) for score in scores]
    except Exception as error:  # the parsers' exceptions on bad text are not listed
        raise CorpusError(f"music21 can't read it ({type(error).__name__}: {error})") from None


def _score_rows(score: Any) -> Iterator[tuple[int, int, int]]:
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
                    yield tick, pitch.midi, program


def _as_notes(rows: Iterable[tuple[int, int, int]]) -> _Notes:
    playable = [row for row in rows if 0 <= row[1] <= 127]
    return np.array(sorted(playable), np.int32).reshape(-1, 3)


def _built_in(name: str) -> list[Path]:
    try:
        from music21 import common, corpus
    except ImportError:
        raise CorpusError("the built-in corpus is music21's: install livecomposer[train]") from None
    files = [Path(file) for file in corpus.getComposer(name)]
    found = sorted(file for file in files if file.suffix.lower() in SUFFIXES)
    if not found:
        root = common.getCorpusFilePath()
        known = sorted({Path(file).relative_to(root).parts[0] for file in corpus.getCorePaths()})
        raise CorpusError(
            f"{BUILT_IN}{name}: not in the built-in corpus; there are {', '.join(known)}"
        )
    return found
