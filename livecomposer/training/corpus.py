"""Files -> pieces: every kind of file that music can be learned from, read side by side and once.

A piece is its note onsets: ticks and pitches, of all tracks but drums. Of a recorded jam, it is the
player's part. Knows nothing of vocabularies.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache as cached
from functools import partial
from pathlib import Path

import numpy as np

from livecomposer.music.events import NoteOn
from livecomposer.training.cache import entry_path, load_entry, save_entry
from livecomposer.training.readers import PLAYER, SUFFIXES, Notes, UnreadableError, read_notes

BUILT_IN = "music21:"

# General MIDI's sixteen families of eight programs each.
FAMILIES = (
    "piano", "chromatic-percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth-lead", "synth-pad", "synth-effects", "ethnic", "percussive",
    "sound-effects",
)  # fmt: skip

_IN_FLIGHT = 64
"""Files that are read and not yet parsed, at most."""

_CONNECT_S = 4


class CorpusError(ValueError):
    """The corpus named can't be learned from; the message says why."""


class _ReaderLostError(RuntimeError):
    """A process that reads files has died."""


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


def load_corpus(
    files: Sequence[Path],
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
        cluster: the address of a Dask scheduler whose workers parse; by default, the cores of
            this machine do. Files are read, and the cache is kept, here.
        progress: show a progress bar.

    Raises:
        CorpusError: no file gave a piece, or the cluster can't be reached.
    """
    from tqdm import tqdm  # only training shows progress

    corpus = Corpus([], [])
    # None: no bar where there is no terminal to draw it on
    shown = tqdm(files, "reading", unit="file", disable=None if progress else True)
    with _executor(cluster) as pool:
        for file, parsed in _parse_all(shown, cache, pool):
            try:
                corpus.pieces.extend(selection.pieces(str(file), parsed()))
            except (CorpusError, UnreadableError) as error:
                corpus.skipped.append((str(file), str(error)))
            except _ReaderLostError as error:
                raise CorpusError(f"{file}, or one before it, ended its reader ({error})") from None
    if not corpus.pieces:
        name, reason = corpus.skipped[0]
        raise CorpusError(
            f"none of {len(files)} files can be learned from; the first is {name}: {reason}"
        )
    return corpus


def read_pieces(file: Path, selection: Selection = EVERYTHING) -> list[Piece]:
    """The pieces of one file.

    Raises:
        CorpusError: it can't be read, or has no notes (of this selection).
    """
    try:
        return selection.pieces(str(file), read_notes(file.suffix.lower(), file.read_bytes()))
    except UnreadableError as error:
        raise CorpusError(str(error)) from None
    except OSError as error:
        raise CorpusError(error.strerror or str(error)) from None


def _parse_all(
    files: Iterable[Path], cache: Path | None, pool: "_Pool"
) -> Iterator[tuple[Path, Callable[[], list[Notes]]]]:
    """Each file in turn, with what returns its notes or raises what is wrong with it."""
    waiting: deque[tuple[Path, Callable[[], list[Notes]]]] = deque()
    for file in files:
        waiting.append((file, _begin(file, cache, pool)))
        if len(waiting) == _IN_FLIGHT:
            yield waiting.popleft()
    yield from waiting


def _begin(file: Path, cache: Path | None, pool: "_Pool") -> Callable[[], list[Notes]]:
    """Have a file parsed, if the cache doesn't know it."""
    suffix = file.suffix.lower()
    try:
        content = file.read_bytes()
    except OSError as error:
        return partial(_fail, error.strerror or str(error))
    entry = entry_path(cache, suffix, content) if cache else None
    known = load_entry(entry) if entry else None
    if known is not None:
        return lambda: known
    try:
        future = pool().submit(read_notes, suffix, content)
    except BrokenExecutor as error:
        return partial(_lose_reader, str(error))

    def finish() -> list[Notes]:
        try:
            notes = future.result()
        except UnreadableError:
            raise
        except Exception as error:  # of the pool's own kinds: those of processes, or Dask's
            raise _ReaderLostError(str(error)) from error
        if entry:
            save_entry(entry, notes)
        return notes

    return finish


def _lose_reader(reason: str) -> list[Notes]:
    raise _ReaderLostError(reason)


def _fail(reason: str) -> list[Notes]:
    raise CorpusError(reason)


_Pool = Callable[[], Executor]
"""Gives the executor, which is started at its first use: a full cache needs none."""


@contextmanager
def _executor(cluster: str | None) -> Iterator[_Pool]:
    with ExitStack() as stack:
        make = partial(_cluster, cluster, stack) if cluster else ProcessPoolExecutor
        yield cached(lambda: stack.enter_context(make()))


def _cluster(address: str, stack: ExitStack) -> Executor:
    try:
        from distributed import Client
    except ImportError:
        raise CorpusError("a cluster is reached by Dask: install livecomposer[cluster]") from None
    try:
        client = stack.enter_context(Client(address, timeout=_CONNECT_S))  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise CorpusError(f"there is no Dask scheduler at {address} ({error})") from None
    executor: Executor = client.get_executor()
    return executor


def _built_in(name: str) -> list[Path]:
    try:
        from music21 import common, corpus
    except ImportError:
        raise CorpusError("the built-in corpus is music21's: install livecomposer[train]") from None
    files = corpus.getComposer(name) if name else corpus.getCorePaths()
    found = sorted(file for file in map(Path, files) if file.suffix.lower() in SUFFIXES)
    if not found:
        root = common.getCorpusFilePath()
        known = sorted({Path(file).relative_to(root).parts[0] for file in corpus.getCorePaths()})
        raise CorpusError(
            f"{BUILT_IN}{name}: not in the built-in corpus; there are {', '.join(known)}"
        )
    return found
