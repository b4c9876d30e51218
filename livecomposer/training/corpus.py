"""Files -> pieces: every kind of file that music can be learned from, read side by side and once.

A piece is its note onsets: ticks and pitches, of all tracks but drums. Of a recorded jam, it is the
player's part. Knows nothing of vocabularies.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from livecomposer.extras import install_command
from livecomposer.music.events import NoteOn
from livecomposer.training.cache import entry_path, load_entry, save_entry
from livecomposer.training.parsing import Begin, Finish, ReaderLostError, readers
from livecomposer.training.readers import (
    MAX_FILE_BYTES,
    MIDI_SUFFIXES,
    PLAYER,
    SUFFIXES,
    Notes,
    UnreadableError,
    read_notes,
)

BUILT_IN = "music21:"

# General MIDI's sixteen families of eight programs each.
FAMILIES = (
    "piano", "chromatic-percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth-lead", "synth-pad", "synth-effects", "ethnic", "percussive",
    "sound-effects",
)  # fmt: skip

_IN_FLIGHT, _IN_FLIGHT_BYTES = 64, 100_000_000
"""Files that are read and not yet parsed, at most, and what is in them."""


class CorpusError(ValueError):
    """The corpus named can't be learned from; the message says why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of music.

    Attributes:
        name: the file it is from, with `#2` and so on for the further pieces of one file.
        notes: (notes, 2): tick, pitch; in order of tick, then pitch.
    """

    name: str
    notes: Notes

    def events(self) -> Iterator[NoteOn]:
        """The onsets, for a tokeniser."""
        return (NoteOn(tick, pitch) for tick, pitch in self.notes.tolist())


@dataclass(frozen=True, slots=True)
class Selection:
    """What to take of a file's notes.

    Attributes:
        programs: General MIDI programs from 0; None for all.
        machine: whether the machine's own part of a recorded jam is taken too.
    """

    programs: frozenset[int] | None = None
    machine: bool = False

    def pieces(self, name: str, parsed: Sequence[Notes]) -> list[Piece]:
        """The pieces of a file.

        Raises:
            CorpusError: nothing is left.
        """
        taken = [notes[self._takes(notes), :2] for notes in parsed]
        pieces = [
            Piece(f"{name}#{i}" if i > 1 else name, notes)
            for i, notes in enumerate(taken, 1)
            if len(notes)
        ]
        if not pieces:
            raise CorpusError("it has no notes" + (" of that instrument" if self.programs else ""))
        return pieces

    def _takes(self, notes: Notes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        taken = np.ones(len(notes), bool)
        if self.programs is not None:
            taken &= np.isin(notes[:, 2], list(self.programs))
        if not self.machine:
            taken &= notes[:, 3] == PLAYER
        return taken


EVERYTHING = Selection()


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


@dataclass(frozen=True, slots=True)
class Files:
    """Files that were found, and what was found and is not to be read: (name, reason)."""

    paths: list[Path] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def find_files(sources: Iterable[str]) -> Files:
    """The files of folders (recursively), of music21's built-in corpus, and those named.

    Raises:
        CorpusError: a source doesn't exist, or nothing in it is of a known kind.
    """
    files = Files()
    for source in sources:
        path = Path(source)
        if source.startswith(BUILT_IN):
            found = Files(_built_in(source.removeprefix(BUILT_IN)))
        elif path.is_dir():
            found = _within(path)
        elif path.exists():
            found = Files([path])
        else:
            raise CorpusError(f"{source}: no such file or folder")
        if not (found.paths or found.skipped):
            raise CorpusError(f"{source}: no file there ends in {', '.join(SUFFIXES)}")
        files.paths.extend(found.paths)
        files.skipped.extend(found.skipped)
    return Files(list(dict.fromkeys(files.paths)), list(dict.fromkeys(files.skipped)))


def _within(folder: Path) -> Files:
    """The files in a folder. A link that leads out of it is not followed."""
    files, root = Files(), os.path.realpath(folder)
    for path in sorted(folder.rglob("*")):
        of_music = path.suffix.lower() in SUFFIXES
        try:
            if path.is_symlink() and (of_music or path.is_dir()) and not _leads_into(root, path):
                files.skipped.append((printable(path), "it is a link that leads out of the folder"))
            elif of_music and path.is_file():
                files.paths.append(path)
            elif of_music and not path.is_dir():
                files.skipped.append((printable(path), "it is not a file"))
        except OSError as error:
            files.skipped.append((printable(path), error.strerror or str(error)))
    return files


def _leads_into(root: str, link: Path) -> bool:
    # Path.resolve ends with an error where links go round in circles.
    return Path(os.path.realpath(link)).is_relative_to(root)


def printable(text: object) -> str:
    """A name or a reason in one line: what isn't to be printed, such as line breaks, is escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def load_corpus(
    files: Files,
    *,
    selection: Selection = EVERYTHING,
    cache: Path | None = None,
    cluster: str | None = None,
    progress: bool = False,
) -> Corpus:
    """Read files, side by side.

    Args:
        files: what to read.
        selection: what to take of their notes.
        cache: the folder of the cache; none by default.
        cluster: the address of a Dask scheduler whose workers parse; by default, processes of
            this machine do, each within the limits of `limits`.
        progress: show a progress bar.

    Raises:
        CorpusError: no file gave a piece, or the cluster can't be reached.
    """
    from tqdm import tqdm  # only training shows progress

    corpus = Corpus([], list(files.skipped))
    # None: no bar where there is no terminal to draw it on
    bar = tqdm(files.paths, "reading", unit="file", disable=None if progress else True)
    try:
        with readers(cluster) as begin:
            for file, finish in _parse_all(bar, cache, begin):
                try:
                    corpus.pieces.extend(selection.pieces(printable(file), finish()))
                except (CorpusError, UnreadableError) as error:
                    corpus.skipped.append((printable(file), printable(error)))
    except ReaderLostError as error:
        raise CorpusError(str(error)) from None
    if not corpus.pieces:
        name, reason = corpus.skipped[0]
        raise CorpusError(
            f"none of {len(corpus.skipped)} files can be learned from; the first is "
            f"{name}: {reason}"
        )
    return corpus


def read_pieces(file: Path, selection: Selection = EVERYTHING) -> list[Piece]:
    """The pieces of one file.

    Raises:
        CorpusError: it can't be read, or has no notes (of this selection).
    """
    suffix = file.suffix.lower()
    try:
        content = _content(file)
        if suffix in MIDI_SUFFIXES:
            notes = read_notes(suffix, content)
        else:  # what reads it is not bounded but from outside
            with readers(processes=1) as begin:
                notes = begin(suffix, content)()
    except (UnreadableError, ReaderLostError) as error:
        raise CorpusError(printable(error)) from None
    except OSError as error:
        raise CorpusError(error.strerror or str(error)) from None
    return selection.pieces(printable(file), notes)


def _content(file: Path) -> bytes:
    """What is in a file, as far as it may be read: more is refused by its reader."""
    with file.open("rb") as opened:
        return opened.read(MAX_FILE_BYTES + 1)


def _parse_all(
    files: Iterable[Path], cache: Path | None, begin: Begin
) -> Iterator[tuple[Path, Finish]]:
    """Each file in turn, with what returns its notes or raises what is wrong with it."""
    waiting: deque[tuple[Path, Finish, int]] = deque()  # with how many bytes wait
    held = 0
    for each in files:
        finish, size = _begin(each, cache, begin)
        waiting.append((each, finish, size))
        held += size
        while len(waiting) >= _IN_FLIGHT or held > _IN_FLIGHT_BYTES:
            file, finish, size = waiting.popleft()
            held -= size
            yield file, finish
    for file, finish, _ in waiting:
        yield file, finish


def _begin(file: Path, cache: Path | None, begin: Begin) -> tuple[Finish, int]:
    """Have a file parsed, if the cache doesn't know it; with its size, in bytes, if so."""
    suffix = file.suffix.lower()
    try:
        content = _content(file)
    except OSError as error:
        return partial(_fail, error.strerror or str(error)), 0
    entry = entry_path(cache, suffix, content) if cache else None
    known = load_entry(entry) if entry else None
    if known is not None:
        return lambda: known, 0
    finish = begin(suffix, content)
    return (partial(_kept, finish, entry) if entry else finish), len(content)


def _kept(finish: Finish, entry: Path) -> list[Notes]:
    notes = finish()
    save_entry(entry, notes)
    return notes


def _fail(reason: str) -> list[Notes]:
    raise CorpusError(reason)


def _built_in(name: str) -> list[Path]:
    try:
        from music21 import common, corpus
    except ImportError:
        raise CorpusError(f"the built-in corpus is music21's: {install_command('train')}") from None
    files = corpus.getComposer(name) if name else corpus.getCorePaths()
    found = sorted(file for file in map(Path, files) if file.suffix.lower() in SUFFIXES)
    if not found:
        root = common.getCorpusFilePath()
        known = sorted({Path(file).relative_to(root).parts[0] for file in corpus.getCorePaths()})
        raise CorpusError(
            f"{BUILT_IN}{name}: not in the built-in corpus; there are {', '.join(known)}"
        )
    return found
