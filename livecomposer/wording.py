"""What is said of things that come from anywhere: in one line, short, and printable."""

import logging
import re
from reprlib import Repr
from typing import Any

_LONGEST = 300
_spelling = Repr()
_spelling.maxstring = _spelling.maxother = 100
_spelling.maxlevel, _spelling.maxlist, _spelling.maxdict = 3, 10, 5


def brief(text: object) -> str:
    """A text, or what an exception says, as a line of a few hundred characters at most."""
    start = str(text)[: 4 * _LONGEST]  # enough, whatever is left out of it
    line = "".join(each if each.isprintable() else "?" for each in " ".join(start.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def spell(value: Any) -> str:
    """A value as Python spells it, without the middle of what is long or deep."""
    try:
        return _spelling.repr(value)
    except ValueError:  # Python spells no number of thousands of digits
        return f"a number of {value.bit_length():,} bits" if isinstance(value, int) else "..."


class LogFormat(logging.Formatter):
    """Of the files in a traceback, their names only: not where they are installed."""

    def formatException(self, ei: Any) -> str:  # noqa: D102, N802 - logging's
        return re.sub(r'File ".*[/\\]', 'File "', super().formatException(ei))
