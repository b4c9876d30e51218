"""What is trained, how, and for how long: enough to train the same weights again."""

from msgspec import Struct

from livecomposer.config import Training
from livecomposer.model.bundle import Architecture
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

    settings: Training
    tokeniser: TokeniserSettings
    architecture: Architecture
    budget: Budget
    sources: tuple[str, ...]
    instrument: str | None = None
    machine: bool = False
    parent: str | None = None
