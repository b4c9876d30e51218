"""Settings of what comes from the instrument: what is heard of it, and what on it works what."""

from itertools import combinations
from typing import Annotated, Literal, Protocol, get_args

from msgspec import Meta, Struct

from livecomposer.midi.mapping import Mapping, parse_mapping
from livecomposer.midi.wire import NOTE_OFF, NOTE_ON
from livecomposer.music.tokens import parse_pitch
from livecomposer.wording import spell

ControlName = Literal[
    "mode", "mute", "panic", "temperature", "density", "memory", "answer", "tempo", "tap", "key",
    "seed", "again", "clear", "forget", "weights",
]  # fmt: skip
"""What can be worked from the instrument: see `livecomposer.live.desk`."""
CONTROLS: tuple[ControlName, ...] = get_args(ControlName)
KNOBS: tuple[ControlName, ...] = ("temperature", "density", "memory", "answer", "tempo")
"""Those that set a value, and so need a controller."""
BUTTONS: tuple[ControlName, ...] = ("panic", "tap", "seed", "again", "clear", "forget")
"""Those that are pressed: each time counts."""
CHOICES: tuple[ControlName, ...] = ("mode", "weights")
"""Those that choose one of several, and so can be any program."""


class ListenSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What of the player's is heard. `channels` count from 1; pitches are named."""

    channels: (
        Literal["all"] | Annotated[list[Annotated[int, Meta(ge=1, le=16)]], Meta(min_length=1)]
    )
    lowest: str
    highest: str
    thru: bool

    def __post_init__(self) -> None:
        check_range(self)

    @property
    def channel(self) -> int:
        """The first channel that is heard, 0-15."""
        return 0 if self.channels == "all" else min(self.channels) - 1

    def hears(self, message: bytes) -> bool:
        """Whether a channel message is from a channel, and a note from the keys, that is heard."""
        if self.channels != "all" and (message[0] & 0x0F) + 1 not in self.channels:
            return False
        low, high = parse_pitch(self.lowest), parse_pitch(self.highest)
        return message[0] & 0xF0 not in (NOTE_ON, NOTE_OFF) or low <= message[1] <= high


class ControlsSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What works what while playing: a mapping each, or "off"."""

    mode: str
    mute: str
    panic: str
    temperature: str
    density: str
    memory: str
    answer: str
    tempo: str
    tap: str
    key: str
    seed: str
    again: str
    clear: str
    forget: str
    weights: str
    takeover: Literal["soft", "jump"]
    feedback: bool

    def __post_init__(self) -> None:
        mappings = self.mappings
        for name, mapped in mappings.items():
            if name in KNOBS and mapped.kind != "cc":
                raise ValueError(f"{name} = {str(mapped)!r}, expected 'cc N': it is a knob's")
            if mapped == ("program", None, mapped.channel) and name not in CHOICES:
                raise ValueError(f"{name} = {str(mapped)!r}, expected 'program N'")
            if self.feedback and mapped.kind == "cc" and mapped.channel is None:
                raise ValueError(
                    f"{name} = {str(mapped)!r}, expected '{mapped} channel N' with feedback: "
                    "what is sent back would else reach the instrument that plays the answers"
                )
        for (name, mapped), (other, second) in combinations(mappings.items(), 2):
            if mapped.overlaps(second):
                raise ValueError(
                    f"{other} = {str(second)!r}, expected another than {name} ({str(mapped)!r})"
                )

    @property
    def mappings(self) -> dict[ControlName, Mapping]:
        """The mapping of each control that has one."""
        mappings: dict[ControlName, Mapping] = {}
        for name in CONTROLS:
            text = getattr(self, name)
            try:
                if text != "off":
                    mappings[name] = parse_mapping(text)
            except ValueError as error:
                raise ValueError(f"{name} = {spell(text)}, {error}; or 'off'") from None
        return mappings


class _Range(Protocol):
    @property
    def lowest(self) -> str: ...

    @property
    def highest(self) -> str: ...


def check_range(section: _Range) -> None:
    """Two names of pitches, the second no lower.

    Raises:
        ValueError: they are not.
    """
    pitches = []
    for name in ("lowest", "highest"):
        try:
            pitches.append(parse_pitch(getattr(section, name)))
        except ValueError as error:
            raise ValueError(f"{name} = {error}") from None
    if pitches[0] > pitches[1]:
        raise ValueError(
            f"lowest = {section.lowest!r}, expected no higher than highest ({section.highest!r})"
        )
