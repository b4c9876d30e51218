"""Processes of our own beside this one."""

import os
import subprocess
import sys
from typing import Any


def start(
    module: str, *arguments: str | os.PathLike[str], **options: Any
) -> subprocess.Popen[bytes]:
    """Start a Python that runs a module of ours: its input is a pipe, its errors go nowhere.

    It finds modules as this process does, but never in the folder that it happens to be in.

    Args:
        module: its full name.
        arguments: what it is given.
        options: as for `subprocess.Popen`; they come first.

    Raises:
        OSError: the system starts no process.
    """
    search = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-P", "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": search, "OPENBLAS_NUM_THREADS": "1"},
        **{"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL, **options},
    )
