"""Which messages of an instrument's are a control's, and so no music."""

import re
from typing import Literal, NamedTuple

from livecomposer.midi.wire import CONTROL_CHANGE, NOTE_OFF, NOTE_ON, PROGRAM_CHANGE

Kind = Literal["cc", "note", "program"]

_SPELLED = re.compile(r"(cc|note|program)(?: (\d{1,3}))?(?: channel (\d{1,2}))?")
_STATUSES: dict[str, tuple[int, ...]] = {
    "cc": (CONTROL_CHANGE,),
    "note": (NOTE_ON, NOTE_OFF),
    "program": (PROGRAM_CHANGE,),
}
_RESERVED = 120
"""The first of the controllers that are channel mode messages."""


class Mapping(NamedTuple):
    """What works a control.

    Attributes:
        kind: a controller, a key, or a program change.
        number: which, 0-127; None for any program.
        channel: 0-15; None for any.
    """

    kind: Kind
    number: int | None
    channel: int | None

    def takes(self, message: bytes) -> bool:
        """Whether a channel message is the control's."""
        return (
            message[0] & 0xF0 in _STATUSES[self.kind]
            and self.number in (None, message[1])
            and self.channel in (None, message[0] & 0x0F)
        )

    def overlaps(self, other: "Mapping") -> bool:
        """Whether a message could be that of both."""
        return (
            self.kind == other.kind
            and (None in (self.number, other.number) or self.number == other.number)
            and (None in (self.channel, other.channel) or self.channel == other.channel)
        )

    def __str__(self) -> str:
        number = "" if self.number is None else f" {self.number + (self.kind == 'program')}"
        channel = "" if self.channel is None else f" channel {self.channel + 1}"
        return f"{self.kind}{number}{channel}"


def parse_mapping(text: str) -> Mapping:
    """A mapping as it is spelled: "cc 20", "note 36 channel 10", "program", "program 3".

    Programs and channels count from 1, as instruments show them; controllers and notes from 0.

    Raises:
        ValueError: it is no mapping; the message says why.
    """
    match = _SPELLED.fullmatch(text)
    if not match:
        raise ValueError("expected 'cc N', 'note N' or 'program', perhaps with 'channel N'")
    kind, number, channel = match.groups()
    if channel and not 1 <= int(channel) <= 16:
        raise ValueError("expected a channel from 1 to 16")
    if kind != "program":
        highest = _RESERVED - 1 if kind == "cc" else 127
        if not number or int(number) > highest:
            raise ValueError(f"expected a number from 0 to {highest} after {kind!r}")
    elif number and not 1 <= int(number) <= 128:
        raise ValueError("expected a program from 1 to 128")
    first = 1 if kind == "program" else 0
    return Mapping(
        kind,  # type: ignore[arg-type] # the pattern's
        int(number) - first if number else None,
        int(channel) - 1 if channel else None,
    )


def mapping_of(message: bytes) -> Mapping | None:
    """What a message would be mapped by, on its channel; None for one that can't be.

    A key or controller that is let go is none.
    """
    status, channel = message[0] & 0xF0, message[0] & 0x0F
    if status == PROGRAM_CHANGE:
        return Mapping("program", message[1], channel)
    if status == NOTE_ON and message[2]:
        return Mapping("note", message[1], channel)
    if status == CONTROL_CHANGE and message[1] < _RESERVED and message[2]:
        return Mapping("cc", message[1], channel)
    return None
