"""Notes that were read before, kept by the content of their file: the next run starts at once."""

import hashlib
import io
import logging
from pathlib import Path

import numpy as np

from livecomposer.atomic import write_whole
from livecomposer.training.readers import VERSION, Notes

log = logging.getLogger(__name__)


def default_cache() -> Path:
    """The folder in which this user's parsed files are kept."""
    from platformdirs import user_cache_path  # only training keeps a cache

    return user_cache_path("livecomposer") / "corpus"


def entry_path(cache: Path, suffix: str, content: bytes) -> Path:
    """Where a cache keeps the notes of a file with this suffix and content."""
    digest = hashlib.sha256(f"{VERSION}{suffix}:".encode() + content).hexdigest()
    return cache / f"{digest}.npz"


def load_entry(entry: Path) -> list[Notes] | None:
    """The notes of each piece, or None if there is no entry or it isn't sound."""
    try:
        with np.load(entry, allow_pickle=False) as arrays:
            notes, lengths = arrays["notes"], arrays["lengths"]
    except FileNotFoundError:
        return None
    except Exception as error:  # a corrupt archive fails in many ways
        log.info("rebuilding the cache entry %s: %s", entry.name, error)
        return None
    sound = (
        notes.dtype == np.int32 and notes.ndim == 2 and notes.shape[1] == 4 and lengths.ndim == 1
        and lengths.dtype == np.int32 and lengths.min(initial=0) >= 0
        and lengths.sum() == len(notes) and notes.min(initial=0) >= 0
        and notes[:, 1:].max(initial=0) <= 127
    )  # fmt: skip
    return np.split(notes, np.cumsum(lengths)[:-1]) if sound else None


def save_entry(entry: Path, pieces: list[Notes]) -> None:
    """Keep the notes of each piece. A cache that can't be written is no reason to stop."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        notes=np.concatenate(pieces) if pieces else np.empty((0, 4), np.int32),
        lengths=np.array([len(notes) for notes in pieces], np.int32),
    )
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(entry, buffer.getbuffer(), private=True)
    except OSError as error:
        log.warning("the cache %s can't be written: %s", entry.parent, error.strerror)
