"""The figures of an evaluation, as a picture."""

from pathlib import Path

from livecomposer.evaluation.report import Evaluation


def write_plot(path: Path, found: Evaluation) -> None:
    """Draw losses beside the baselines', and by context (PNG).

    Raises:
        OSError: it can't be written.
    """
    from matplotlib.figure import Figure  # heavy, and drawn last

    figure = Figure(figsize=(11, 4), layout="constrained")
    losses, accuracies, contexts = figure.subplots(1, 3)
    nats = {
        name: each.nats_per_onset
        for name, each in found.likelihood.items()
        if each.nats_per_onset is not None
    }
    losses.barh(list(nats), list(nats.values()))
    losses.set(xlabel="nats an onset")
    accuracies.barh(list(found.likelihood), [each.top_1 for each in found.likelihood.values()])
    accuracies.set(xlabel="top-1")
    after = {int(length): nats for length, nats in found.by_context.items() if nats is not None}
    contexts.plot(list(after), list(after.values()), marker="o")
    contexts.set(xlabel="tokens heard", ylabel="nats a token", xscale="log")
    for axes in (losses, accuracies):
        axes.invert_yaxis()
    figure.savefig(path, format="png", dpi=120)
