"""The figures of an evaluation, as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from livecomposer.atomic import whole_file
from livecomposer.evaluation.report import Continuations, Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARES = ("looping", "distinct_4grams", "recited", "key_agreement", "pitch_class_distance")


def write_plot(path: Path, found: Evaluation) -> None:
    """Draw losses beside the baselines', losses by context, and continuations (PNG).

    Raises:
        OSError: it can't be written.
    """
    from matplotlib.figure import Figure  # heavy, and drawn last

    rows = 2 if found.continuations else 1
    figure = Figure(figsize=(11, 4 * rows), layout="constrained")
    axes = figure.subplots(rows, 3, squeeze=False).tolist()
    _draw_likelihood(axes[0], found)
    if found.continuations:
        _draw_continuations(axes[1], found.continuations)
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=120)


def _draw_likelihood(row: "Sequence[Axes]", found: Evaluation) -> None:
    losses, accuracies, contexts = row
    nats = {
        name: each.nats_per_onset
        for name, each in found.likelihood.items()
        if each.nats_per_onset is not None
    }
    losses.barh(list(nats), list(nats.values()))
    losses.set(xlabel="nats an onset")
    accuracies.barh(list(found.likelihood), [each.top_1 for each in found.likelihood.values()])
    accuracies.set(xlabel="top-1")
    for axes in (losses, accuracies):
        axes.invert_yaxis()
    after = {int(length): nats for length, nats in found.by_context.items() if nats is not None}
    contexts.plot(list(after), list(after.values()), marker="o")
    contexts.set(xlabel="tokens heard", ylabel="nats a token", xscale="log")


def _draw_continuations(row: "Sequence[Axes]", found: Continuations) -> None:
    shares, densities, ranges = row
    model, real = found.model, found.real
    for offset, label, each in ((-0.2, "weights", model), (0.2, "pieces", real)):
        values = [getattr(each, name) for name in _SHARES]
        shares.barh([i + offset for i in range(len(values))], values, height=0.4, label=label)
    shares.set_yticks(range(len(_SHARES)), [name.replace("_", " ") for name in _SHARES])
    shares.invert_yaxis()
    shares.set(xlabel=f"of {found.primers} continuations")
    shares.legend()
    names = ["primers", "weights", "pieces"]
    densities.bar(
        names, [real.onsets_per_beat_of_primer, model.onsets_per_beat, real.onsets_per_beat]
    )
    densities.set(ylabel="onsets a beat")
    lowest = np.array([real.lowest_of_primer, model.lowest, real.lowest])
    highest = np.array([real.highest_of_primer, model.highest, real.highest])
    ranges.bar(names, highest - lowest, bottom=lowest)
    ranges.set(ylabel="range, MIDI pitches")
