"""Where the player's messages go: to the controls, on to the output, or to be heard as music.

It carries out what controls ask for, and tells how things stand.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, get_args

import msgspec
import numpy as np

from livecomposer.config import MATCH, AnswerLength, Config, ModeName
from livecomposer.config_instrument import ControlName
from livecomposer.live.clock import InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.continuation import Continuation
from livecomposer.live.controls import (
    Button,
    Choice,
    Control,
    Knob,
    Scale,
    Switch,
    Wish,
    linear,
    wish_of,
)
from livecomposer.live.tap import TapTempo
from livecomposer.midi.wire import CONTROL_CHANGE, silences
from livecomposer.music.events import Stop
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokeniser import TokeniserSettings

log = logging.getLogger(__name__)

_MODES: tuple[ModeName, ...] = get_args(ModeName)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Weights that are ready to play.

    Attributes:
        name: as in the settings.
        continuation: warmed up.
        tokeniser: the settings that they were trained with.
    """

    name: str
    continuation: Continuation
    tokeniser: TokeniserSettings


class Voices(Protocol):
    """What a desk can do to what sounds."""

    def cut(self) -> None:
        """End at once what sounds of the machine's, and drop the notes that are booked."""
        ...

    def silence(self) -> None:
        """As `cut`, and release whatever else may sound on the channel."""
        ...

    def send_soon(self, ns: int, message: bytes) -> None:
        """Send a message as soon as may be: it came, or became true, at `ns`."""
        ...


_ANSWER = Scale(
    lambda position: AnswerLength(position // 4 * TICKS_PER_BEAT) if position >= 4 else MATCH,
    lambda value: 0 if value == MATCH else min(127, value * 4 // TICKS_PER_BEAT),
)
"""As long as what is answered, then 1 to 31 beats."""


class Desk:
    """Settings that can be changed while playing.

    Args:
        config: how things stand at the beginning, and what works what.
        composer: plays the first model.
        models: what can be played; one or more.
        voice: what sounds.
        seed: where the first model's chance comes from.
        clock: whose tempo can be set, if it can.

    Attributes:
        muted: whether the machine's notes are not to sound.
    """

    def __init__(
        self,
        config: Config,
        composer: Composer,
        models: Sequence[LoadedModel],
        voice: Voices,
        *,
        seed: int,
        clock: InternalClock | None = None,
    ) -> None:
        self._mappings, self._listen = config.controls.mappings, config.listen
        self._feedback = config.controls.feedback
        self._jam, self._sampling = config.jam, config.sampling
        self._composer, self._models, self._voice = composer, models, voice
        self._playing, self._seed = 0, seed
        self._locked_key = "auto" if config.sampling.key == "off" else config.sampling.key
        self._told: dict[ControlName, int | None] = {}
        self.muted = False
        knob = partial(Knob, jump=config.controls.takeover == "jump")
        self._controls: dict[ControlName, Control] = {
            "mode": Choice(
                len(_MODES),
                lambda: _MODES.index(self._jam.mode),
                lambda wish, number: self._change_jam(wish, mode=_MODES[number]),
            ),
            "weights": Choice(len(models), lambda: self._playing, self._play),
            "mute": Switch(lambda: self.muted, self._mute),
            "key": Switch(lambda: self._sampling.key != "off", self._lock_key),
            "panic": Button(self._panic),
            "clear": Button(lambda wish: composer.clear(wish.tick)),
            "forget": Button(self._forget),
            "seed": Button(self._draw_seed),
            "again": Button(lambda _: self._reseed()),
            "density": knob(
                linear(0, 1),
                lambda: self._jam.density,
                lambda wish, value: self._change_jam(wish, density=value),
            ),
            "answer": knob(
                _ANSWER,
                lambda: self._jam.answer,
                lambda wish, value: self._change_jam(wish, answer=value),
            ),
            "temperature": knob(
                linear(0.1, 2),
                lambda: self._sampling.temperature,
                lambda _, value: self._change_sampling(temperature=value),
            ),
            "memory": knob(
                linear(0, 1),
                lambda: self._sampling.memory,
                lambda _, value: self._change_sampling(memory=value),
            ),
        }
        if not clock:  # it has a tempo of its own
            self._controls |= dict.fromkeys(("tempo", "tap"), Button(lambda _: None))
        else:
            tap = TapTempo(clock)
            self._controls |= {
                "tempo": knob(
                    linear(60, 187),
                    lambda: clock.tempo_bpm,
                    lambda wish, value: clock.set_tempo(wish.ns, value),
                ),
                "tap": Button(lambda wish: tap.tap(wish.ns)),
            }

    def take(self, ns: int, tick: int, message: bytes) -> bool:
        """Take a channel message of the player's.

        Args:
            ns: when it came.
            tick: the position there.
            message: whole.

        Returns:
            Whether it is not to be heard: it was a control's, or is not listened to.
        """
        for name, mapped in self._mappings.items():
            if mapped.takes(message):
                control, wish = self._controls[name], wish_of(ns, tick, mapped, message)
                if wish and control.work(wish):
                    self._told[name] = control.position
                self.tell(ns)
                return True
        return not self._listen.hears(message)

    def pass_on(self, ns: int, message: bytes) -> bool:
        """Let a channel message of the player's sound, if it is to: no control's.

        Returns:
            Whether it is.
        """
        if not self._listen.thru or silences(message):
            return False
        if any(mapped.takes(message) for mapped in self._mappings.values()):
            return False
        self._voice.send_soon(ns, message)
        return True

    def position(self, name: ControlName) -> int | None:
        """Where a control stands, 0-127; None for one that stands nowhere."""
        return self._controls[name].position

    def begin(self, ns: int) -> None:
        """Send back how all stands: nobody may know."""
        self._told.clear()
        self.tell(ns)

    def tell(self, ns: int) -> None:
        """Send back how things stand, where that isn't known yet."""
        if not self._feedback:
            return
        for name, mapped in self._mappings.items():
            position = self.position(name)
            if mapped.kind == "cc" and position is not None and self._told.get(name) != position:
                self._told[name] = position
                status = CONTROL_CHANGE | (mapped.channel or 0)
                self._voice.send_soon(ns, bytes((status, mapped.number or 0, position)))

    def _change_jam(self, wish: Wish, **changes: Any) -> None:
        self._jam = msgspec.structs.replace(self._jam, **changes)
        if self._composer.change(wish.tick, self._jam):
            self._voice.cut()

    def _change_sampling(self, **changes: Any) -> None:
        self._sampling = msgspec.structs.replace(self._sampling, **changes)
        self._models[self._playing].continuation.constrain(self._sampling)

    def _lock_key(self, wish: Wish, locked: bool) -> None:
        key = self._locked_key if locked else "off"
        self._sampling = msgspec.structs.replace(self._sampling, key=key)
        self._composer.constrain(wish.tick, self._sampling)

    def _mute(self, _: Wish, muted: bool) -> None:
        self.muted = muted
        if muted:
            self._voice.cut()

    def _panic(self, wish: Wish) -> None:
        self._voice.silence()
        self._composer.hear(Stop(wish.tick))

    def _forget(self, _: Wish) -> None:
        for model in self._models:
            model.continuation.forget()

    def _draw_seed(self, _: Wish) -> None:
        self._seed = int(np.random.default_rng(self._seed).integers(2**32))  # by the one before
        log.info("seed %d", self._seed)
        self._reseed()

    def _reseed(self) -> None:
        for model in self._models:
            model.continuation.reseed(self._seed)

    def _play(self, wish: Wish, number: int) -> None:
        """Play with other weights."""
        model = self._models[number]
        if number == self._playing:
            return
        model.continuation.constrain(self._sampling)
        self._playing = number
        self._composer.exchange(wish.tick, model.continuation, model.tokeniser)
        log.info("weights %s", model.name)
