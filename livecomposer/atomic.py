"""Files that are written whole, or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, *content: bytes | memoryview) -> None:
    """Write a file beside its place, and then put it there: what was there is kept till then.

    Args:
        path: where it is to be.
        content: the whole, or pieces of it in their order.

    Raises:
        OSError: it can't be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.writelines(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
