"""How much memory objects hold, with all that they refer to; and how much a process has."""

import gc
import re
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np


def bytes_held(root: object, *, but: object = None) -> int:
    """The size of an object and of all that it leads to, in bytes.

    Types and modules aren't counted, nor what functions find in their modules.

    Args:
        root: where to begin.
        but: an object that isn't counted either, nor what only it leads to.
    """
    seen, todo, size = {id(but)}, [root], 0
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, type | ModuleType):
            continue
        seen.add(id(each))
        size += sys.getsizeof(each)
        if isinstance(each, FunctionType):
            todo.extend(each.__closure__ or ())
        elif isinstance(each, np.ndarray):
            todo.append(each.base)
        else:
            todo.extend(gc.get_referents(each))
    return size


def own_mb(pid: int) -> float:
    """The memory that a process has written to and shares with none, in MB (of 10**6 bytes).

    (Its unique set size also has those pages of libraries that no other process happens to use.)
    Linux only.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"Private_Dirty: +(\d+) kB", text)[1]) * 1024 / 1e6
