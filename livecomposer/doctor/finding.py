"""What a check has found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from livecomposer.wording import brief

State = Literal["ok", "warning", "problem", "not-here"]
"""As it should be; it plays, but not as well as it could; it doesn't play as the settings say; this
machine hasn't got it, and nothing needs it."""


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        name: what was looked at.
        state: how that is.
        found: what there is, in one line.
        advice: what to do about it; "" for nothing.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def attempt(name: str, check: Callable[[], Finding]) -> Finding:
    """What a check finds; if it fails by itself, that."""
    try:
        return check()
    except Exception as error:
        reason = brief(f"{type(error).__name__}: {error}")
        return Finding(name, "problem", f"this check has failed by itself ({reason})")
