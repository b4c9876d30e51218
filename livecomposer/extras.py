"""Extras: packages that not everybody needs, and how to have them."""

import sys
from pathlib import Path


def install_command(extra: str) -> str:
    """What installs an extra for the Python that runs this, in any shell.

    A Python below the current folder is named by its path from there, another by its name alone: no
    log tells where things are installed.
    """
    python = Path(sys.executable)
    try:
        python = python.relative_to(Path.cwd())
    except (OSError, ValueError):  # there is no such folder any more, or it is elsewhere
        python = Path(python.name)
    return f'{python} -m pip install "livecomposer[{extra}]"'
