"""The curves of a training run, as CSV and as a picture."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from livecomposer.atomic import whole_file, write_whole


class Epoch(Struct, frozen=True):
    """What an epoch came to. Losses in nats per token, accuracies as shares of 1.

    Attributes:
        epoch: from 1.
        minutes: spent in all when it ended.
        loss, accuracy: of what was learned, while it was.
        validation_loss, validation_accuracy: of what is held out.
        nats_per_onset: of what is held out: comparable between tokenisations.
        tokens_per_second: learned.
        waiting: the share of time in which no step was computed, but windows were prepared.
    """

    epoch: int
    minutes: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    nats_per_onset: float
    tokens_per_second: float
    waiting: float

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch}, {self.minutes:.1f} minutes: loss {self.loss:.3f}, "
            f"{self.accuracy:.1%} right; held out {self.validation_loss:.3f}, "
            f"{self.validation_accuracy:.1%}, {self.nats_per_onset:.3f} an onset; "
            f"{self.tokens_per_second:,.0f} tokens/s, {self.waiting:.1%} of the time waiting"
        )


class Tally(Struct):
    """Sums over targets.

    Attributes:
        nats: their losses.
        right: how many of them were thought likeliest.
        targets: how many there were.
    """

    nats: float = 0.0
    right: int = 0
    targets: int = 0

    def __iadd__(self, other: "Tally") -> "Tally":
        self.nats += other.nats
        self.right += other.right
        self.targets += other.targets
        return self


def write_csv(path: Path, history: Sequence[Epoch]) -> None:
    """Write a row for each epoch."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(Epoch.__struct_fields__)
    rows.writerows([getattr(row, name) for name in Epoch.__struct_fields__] for row in history)
    write_whole(path, text.getvalue().encode())


def write_png(path: Path, history: Sequence[Epoch]) -> None:
    """Draw loss and accuracy over the minutes spent."""
    from matplotlib.figure import Figure  # heavy, and drawn last

    figure = Figure(figsize=(9, 4), layout="constrained")
    minutes = [row.minutes for row in history]
    for axes, name, label in zip(
        figure.subplots(1, 2),
        ("loss", "accuracy"),
        ("loss (nats per token)", "accuracy"),
        strict=True,
    ):
        axes.plot(minutes, [getattr(row, name) for row in history], label="training")
        axes.plot(
            minutes, [getattr(row, f"validation_{name}") for row in history], label="held out"
        )
        axes.set(xlabel="minutes", ylabel=label)
        axes.grid(alpha=0.3)
        axes.legend()
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=120)
