"""Where the player's messages go: to the controls, on to the output, or to be heard as music.

It carries out what controls ask for, and tells how things stand.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import get_args

import numpy as np

from livecomposer.config import MATCH, AnswerLength, Config, ModeName
from livecomposer.config_instrument import BUTTONS, ControlName
from livecomposer.live.clock import InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.controls import (
    FULL,
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
from livecomposer.live.orders import MUTE, UNMUTE, OrderError, weights_order
from livecomposer.live.tap import TapTempo
from livecomposer.live.tuning import LoadedModel, Tuning, Voices
from livecomposer.midi.wire import CONTROL_CHANGE, silences
from livecomposer.music.events import Stop
from livecomposer.music.tempo import TICKS_PER_BEAT

log = logging.getLogger(__name__)

_MODES: tuple[ModeName, ...] = get_args(ModeName)


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
        tuning: the settings.
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
        self._composer, self._models, self._voice, self._seed = composer, models, voice, seed
        self.tuning = tuning = Tuning(config, composer, models, voice, clock)
        self._weights = {weights_order(number): number for number in range(len(models))}
        self._told: dict[ControlName, int | None] = {}
        self.muted = False
        knob = partial(Knob, jump=config.controls.takeover == "jump")
        self._controls: dict[ControlName, Control] = {
            "mode": Choice(
                len(_MODES),
                lambda: _MODES.index(tuning.config.jam.mode),
                lambda wish, number: tuning.change_jam(wish.tick, mode=_MODES[number]),
            ),
            "weights": Choice(
                len(models),
                lambda: tuning.playing,
                self._play,
            ),
            "mute": Switch(lambda: self.muted, self._mute),
            "key": Switch(
                lambda: tuning.config.sampling.key != "off",
                lambda wish, locked: tuning.lock_key(wish.tick, locked),
            ),
            "panic": Button(self._panic),
            "clear": Button(lambda wish: composer.clear(wish.tick)),
            "forget": Button(self._forget),
            "seed": Button(self._draw_seed),
            "again": Button(lambda _: self._reseed()),
            "density": knob(
                linear(0, 1),
                lambda: tuning.config.jam.density,
                lambda wish, value: tuning.change_jam(wish.tick, density=value),
            ),
            "answer": knob(
                _ANSWER,
                lambda: tuning.config.jam.answer,
                lambda wish, value: tuning.change_jam(wish.tick, answer=value),
            ),
            "temperature": knob(
                linear(0.1, 2),
                lambda: tuning.config.sampling.temperature,
                lambda _, value: tuning.change_sampling(temperature=value),
            ),
            "memory": knob(
                linear(0, 1),
                lambda: tuning.config.sampling.memory,
                lambda _, value: tuning.change_sampling(memory=value),
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

    def obey(self, ns: int, tick: int, order: str) -> None:
        """Carry out an order in words: see `orders`.

        Raises:
            OrderError: it can't be; all stays as it is.
        """
        if order in (MUTE, UNMUTE):
            self._mute(Wish(ns, tick, "set", FULL), order == MUTE)
        elif order in self._weights:
            self.tuning.play(tick, self._weights[order])
        elif order in BUTTONS:
            self._controls[order].work(Wish(ns, tick, "press", FULL))
        else:
            self.tuning.set(ns, tick, order)
        self.tell(ns)

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
        try:
            self.tuning.play(wish.tick, number)
        except OrderError as error:
            log.warning("weights %d: %s", number + 1, error)
