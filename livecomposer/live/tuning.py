"""Settings that are changed while playing: how they stand, and what a change does to the music."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from livecomposer.config import Config, SamplingSection
from livecomposer.config_file import ConfigError, assign, spell_setting
from livecomposer.live.clock import InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.continuation import Continuation
from livecomposer.live.orders import SETTABLE, OrderError
from livecomposer.music.constraints import NothingAllowedError
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.wording import brief

log = logging.getLogger(__name__)


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


class Tuning:
    """The settings of a jam.

    Args:
        config: as they are at the beginning.
        composer: plays the first model.
        models: what can be played; one or more.
        voice: what sounds.
        clock: whose tempo can be set, if it can.

    Attributes:
        playing: which model is played.
    """

    def __init__(
        self,
        config: Config,
        composer: Composer,
        models: Sequence[LoadedModel],
        voice: Voices,
        clock: InternalClock | None,
    ) -> None:
        self._config = config  # its tempo, as it was at the beginning
        self._composer, self._models, self._voice, self._clock = composer, models, voice, clock
        self._locked_key = "auto" if config.sampling.key == "off" else config.sampling.key
        self.playing = 0

    @property
    def config(self) -> Config:
        """The settings, as they are now; but weights are in the order that they are counted in."""
        if self._clock is None:
            return self._config
        replace = msgspec.structs.replace
        clock = replace(self._config.clock, tempo_bpm=self._clock.tempo_bpm)
        return replace(self._config, clock=clock)

    @property
    def settable(self) -> dict[str, Any]:
        """Those that an order can change, as they are now, as they stand in a file."""
        config = self.config
        settable = {name: spell_setting(config, name) for name in SETTABLE}
        return settable | {"model.weights": self._models[self.playing].name}

    def set(self, ns: int, tick: int, assignment: str) -> None:
        """Change one of them, from a time and its tick on.

        Args:
            ns: when.
            tick: the position there.
            assignment: `section.key=value`, one of `SETTABLE`.

        Raises:
            OrderError: it can't be; all stays as it is.
        """
        name = assignment.partition("=")[0].strip()
        if name not in SETTABLE:
            raise OrderError(f"{brief(assignment)}: expected one of {', '.join(SETTABLE)}")
        now = self.config
        try:
            config = assign(now, assignment)
        except ConfigError as error:
            raise OrderError(str(error)) from None
        if config == now:
            return
        section, key = name.split(".")
        if section == "clock":
            if not self._clock:
                raise OrderError(f"{name}: another gives the beat (clock.source)")
            self._clock.set_tempo(ns, config.clock.tempo_bpm)
        elif section == "jam":
            self.change_jam(tick, **{key: getattr(config.jam, key)})
        else:
            self._try(self.playing, config.sampling)
            if key == "key" and config.sampling.key != "off":
                self._locked_key = config.sampling.key
            self._constrain(tick, **{key: getattr(config.sampling, key)})

    def change_jam(self, tick: int, **changes: Any) -> None:
        """Take turns otherwise."""
        jam = msgspec.structs.replace(self._config.jam, **changes)
        self._config = msgspec.structs.replace(self._config, jam=jam)
        if self._composer.change(tick, jam):
            self._voice.cut()

    def change_sampling(self, **changes: Any) -> None:
        """Draw otherwise what is not drawn yet."""
        sampling = msgspec.structs.replace(self._config.sampling, **changes)
        self._config = msgspec.structs.replace(self._config, sampling=sampling)
        self._models[self.playing].continuation.constrain(sampling)

    def lock_key(self, tick: int, locked: bool) -> None:
        """Keep to the last key that was kept to, or to none."""
        self._constrain(tick, key=self._locked_key if locked else "off")

    def play(self, tick: int, number: int) -> None:
        """Play with other weights.

        Raises:
            OrderError: they know nothing that the settings allow; all stays as it is.
        """
        model = self._models[number]
        if number == self.playing:
            return
        self._try(number, self._config.sampling)
        self.playing = number
        self._composer.exchange(tick, model.continuation, model.tokeniser)
        log.info("weights %s", model.name)

    def _try(self, number: int, sampling: SamplingSection) -> None:
        """Refuse what leaves weights nothing to play, before anything is drawn anew."""
        try:
            self._models[number].continuation.constrain(sampling)
        except NothingAllowedError as error:
            raise OrderError(f"[sampling]: {error}") from None

    def _constrain(self, tick: int, **changes: Any) -> None:
        """Draw otherwise, also what was drawn ahead."""
        sampling = msgspec.structs.replace(self._config.sampling, **changes)
        self._composer.constrain(tick, sampling)
        self._config = msgspec.structs.replace(self._config, sampling=sampling)
