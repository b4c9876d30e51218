"""The curves of a training run, as CSV and as a picture."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct


class Epoch(Struct, frozen=True):
    """What an epoch came to. Losses in nats per token, accuracies as shares of 1."""

    epoch: int
    minutes: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


def write_csv(path: Path, history: Sequence[Epoch]) -> None:
    """Write a row for each epoch."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(Epoch.__struct_fields__)
    rows.writerows([getattr(row, name) for name in Epoch.__struct_fields__] for row in history)
    path.write_text(text.getvalue())


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
    figure.savefig(path, dpi=120)
