"""What a desk can be told in words: settings, which weights to play, to be silent, or a button.

`sampling.temperature=0.8`, as with `--set`; `weights=2`, of those that are loaded; `mute=true`,
`mute=false`; `panic`. In a recording, they are markers, so that it can be played again.
"""

SETTABLE = (
    "jam.mode", "jam.density", "jam.answer",
    "sampling.temperature", "sampling.top_p", "sampling.memory", "sampling.key", "sampling.lowest",
    "sampling.highest", "sampling.grid",
    "clock.tempo_bpm",
)  # fmt: skip
"""Settings that can be changed while playing."""

MUTE, UNMUTE = "mute=true", "mute=false"

_MARK = "do "


def weights_order(number: int) -> str:
    """To play with weights, counted from 0."""
    return f"weights={number + 1}"


class OrderError(ValueError):
    """An order can't be carried out; the message says why."""


def mark(order: str) -> str:
    """An order as a recording's marker."""
    return _MARK + order


def order_of(marker: str) -> str:
    """The order that a recording's marker is; "" for another marker."""
    return marker[len(_MARK) :] if marker.startswith(_MARK) else ""
