"""Knobs, switches, choices and buttons: what a message of an instrument's does to each.

A controller gives a value from 0 to 127; as a button, it is on from 64. A key, or a program change
of a given number, is a press. A program change of any number chooses.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from livecomposer.midi.mapping import Mapping
from livecomposer.midi.wire import NOTE_OFF

log = logging.getLogger(__name__)

ON = 64
"""The least value of a controller that is on."""
FULL = 127
_NEAR = 1


class Wish(NamedTuple):
    """What a message asks for.

    Attributes:
        ns: when it came.
        tick: the position there.
        way: a value was set, a key pressed, or one of several chosen.
        value: 0-127: that of a controller, or a program; 127 for a press.
    """

    ns: int
    tick: int
    way: Literal["set", "press", "choose"]
    value: int


def wish_of(ns: int, tick: int, mapped: Mapping, message: bytes) -> Wish | None:
    """What a mapped message asks for; None for a key that is let go."""
    if mapped.kind == "cc":
        return Wish(ns, tick, "set", message[2])
    if mapped.kind == "program":
        return Wish(ns, tick, "press" if mapped.number is not None else "choose", message[1])
    released = message[0] & 0xF0 == NOTE_OFF or message[2] == 0
    return None if released else Wish(ns, tick, "press", FULL)


class Control(Protocol):
    """What a mapped message works."""

    @property
    def position(self) -> int | None:
        """Where it stands, 0-127; None for what stands nowhere."""
        ...

    def work(self, wish: Wish) -> bool:
        """Do as asked for; returns whether what asked stands where this does."""
        ...


@dataclass(frozen=True, slots=True)
class Scale:
    """Values by position.

    Attributes:
        value: of a position, 0-127.
        position: that is nearest to a value.
    """

    value: Callable[[int], Any]
    position: Callable[[Any], int]


def linear(low: float, high: float) -> Scale:
    """Steps of equal size."""
    step = (high - low) / FULL
    return Scale(
        lambda position: round(low + position * step, 4),
        lambda value: min(FULL, max(0, round((value - low) / step))),
    )


class Knob:
    """Sets a value, once it has come to it.

    A knob that stands elsewhere than its value, since that was changed by other means, would make
    it jump.

    Args:
        scale: values by position.
        read: gives the value.
        write: takes another.
        jump: don't mind.
    """

    def __init__(
        self,
        scale: Scale,
        read: Callable[[], Any],
        write: Callable[[Wish, Any], None],
        *,
        jump: bool,
    ) -> None:
        self._scale, self._read, self._write, self._jump = scale, read, write, jump
        self._last: int | None = None  # where the knob stands
        self._held: int | None = None  # where it has put the value

    @property
    def position(self) -> int:
        """See `Control`."""
        return self._scale.position(self._read())

    def work(self, wish: Wish) -> bool:
        """See `Control`."""
        last, self._last, now = self._last, wish.value, self.position
        crossed = last is not None and min(last, wish.value) <= now <= max(last, wish.value)
        near = crossed or abs(wish.value - now) <= _NEAR
        if not (self._jump or near or self._held == now):
            return False
        self._write(wish, self._scale.value(wish.value))
        self._held = self.position
        return True


@dataclass(frozen=True, slots=True)
class Choice:
    """Chooses one of several: by the part that a controller is in, the next, or by number.

    Attributes:
        number: how many there are.
        read: gives the one that is chosen.
        write: takes another.
    """

    number: int
    read: Callable[[], int]
    write: Callable[[Wish, int], None]

    @property
    def position(self) -> int:
        """See `Control`."""
        return (2 * self.read() + 1) * ON // self.number

    def work(self, wish: Wish) -> bool:
        """See `Control`."""
        chosen = wish.value
        if wish.way == "set":
            chosen = wish.value * self.number // (FULL + 1)
        elif wish.way == "press":
            chosen = (self.read() + 1) % self.number
        if chosen >= self.number:
            log.warning("program %d: there are only %d to choose from", chosen + 1, self.number)
        elif chosen != self.read():
            self.write(wish, chosen)
        return chosen == self.read()


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off, as a controller says; a press is the other way.

    Attributes:
        read: whether it is on.
        write: takes whether it is to be.
    """

    read: Callable[[], bool]
    write: Callable[[Wish, bool], None]

    @property
    def position(self) -> int:
        """See `Control`."""
        return FULL * self.read()

    def work(self, wish: Wish) -> bool:
        """See `Control`."""
        self.write(wish, wish.value >= ON if wish.way == "set" else not self.read())
        return wish.value == self.position


class Button:
    """Does something when pressed. A controller presses it as it comes to 64 from below.

    Args:
        press: does it.
    """

    position = None
    """See `Control`."""

    def __init__(self, press: Callable[[Wish], None]) -> None:
        self._press = press
        self._down = False

    def work(self, wish: Wish) -> bool:
        """See `Control`."""
        was_down, self._down = self._down, wish.way == "set" and wish.value >= ON
        if wish.way != "set" or (self._down and not was_down):
            self._press(wish)
        return True
