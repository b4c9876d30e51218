"""Files that are written whole, or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, *content: bytes | memoryview, private: bool = False) -> None:
    """Write a file of these pieces: see `whole_file`."""
    with whole_file(path, private=private) as file:
        file.writelines(content)


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file beside its place, to write to, that is put there at the end: on the disk, and whole.

    What was there is kept till then, and for good if an exception ends the writing. Its permissions
    stay; a new file has those that the umask leaves. Where there is a link, what it points to is
    written. What is no regular file, such as a pipe or a device, is written to as it stands.

    Args:
        path: where to.
        private: if it wasn't there, nobody else may read it.

    Raises:
        OSError: it can't be written.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        with path.open("wb") as file:
            yield file
        return
    place = Path(os.path.realpath(path))
    # By a name that nobody can know before, and that must be new.
    beside = place.with_name(f".{place.name[:100]}.{secrets.token_hex(8)}")
    try:
        with open(beside, "xb", opener=_create_private if private else None) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            beside.chmod(stat.S_IMODE(mode))
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def _create_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
