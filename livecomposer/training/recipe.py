"""What is trained, how, and for how long: enough to train the same weights again."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from livecomposer.config import Config, TrainingSection
from livecomposer.model.bundle import Architecture, InputKind
from livecomposer.music.tokeniser import TokeniserSettings


class Budget(Struct, frozen=True):
    """How long to train in all: for so many epochs, or for so many minutes."""

    epochs: float | None = None
    minutes: float | None = None

    def spent(self, epochs: float, minutes: float) -> float:
        """The share of it that is used up."""
        shares = ((epochs, self.epochs), (minutes, self.minutes))
        return max((used / most for used, most in shares if most), default=0.0)


class Recipe(Struct, frozen=True):
    """What is trained, and how: the same recipe and music give the same weights.

    Attributes:
        settings: vocabulary, batch, learning rate, seed.
        tokeniser: how music becomes tokens.
        architecture: which network.
        budget: for how long.
        sources: where the music is from.
        instrument: what it is narrowed to, as given on the command line.
        machine: whether the machine's own part of recorded jams is learned from.
        parent: the weights that training began from.
    """

    settings: TrainingSection
    tokeniser: TokeniserSettings
    architecture: Architecture
    budget: Budget
    sources: tuple[str, ...]
    instrument: str | None = None
    machine: bool = False
    parent: str | None = None

    @classmethod
    def of(
        cls,
        config: Config,
        sources: Sequence[str],
        budget: Budget,
        *,
        input: InputKind = "embedding",  # noqa: A002 - the name that users know it by
        instrument: str | None = None,
        machine: bool = False,
    ) -> Self:
        """New weights, by a config's `training` and `tokeniser`."""
        settings = config.training
        return cls(
            settings=settings,
            tokeniser=config.tokeniser.settings,
            architecture=Architecture(input, units=settings.units, embedding=settings.embedding),
            budget=budget,
            sources=tuple(sources),
            instrument=instrument,
            machine=machine,
        )

    def arguments(self) -> list[str]:
        """What `livecomposer train` was given, beside settings."""
        options = {
            "--epochs": self.budget.epochs,
            "--minutes": self.budget.minutes,
            "--from": self.parent,
            "--input": None if self.parent else self.architecture.input,
            "--instrument": self.instrument,
        }
        given = [f"{name}={value}" for name, value in options.items() if value is not None]
        return [*self.sources, *given, *(["--machine"] if self.machine else [])]
