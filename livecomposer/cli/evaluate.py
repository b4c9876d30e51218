"""Judging weights: `evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from livecomposer.cli.common import CommandError, load_bundle, make_engine, read_corpus, require
from livecomposer.cli.completion import complete_weights
from livecomposer.cli.options import NEW_FILE, with_config
from livecomposer.config import Config

if TYPE_CHECKING:
    from livecomposer.evaluation.report import Evaluation

_NAMES = {
    "model": "these weights",
    "repeat_last": "repeat-last",
    "unigram": "unigram",
    "witten_bell_5": "Witten-Bell 5-gram",
}


@click.command()
@click.argument("weights", metavar="WEIGHTS", shell_complete=complete_weights)
@click.argument("sources", metavar="PATH...", nargs=-1, required=True)
@click.option("--unseen", is_flag=True, help="PATH is music that WEIGHTS has not learned from.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.option("--plot", type=NEW_FILE, help="Draw them (PNG).")
@with_config
def evaluate(
    config: Config,
    weights: str,
    sources: tuple[str, ...],
    unseen: bool,
    seed: int,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Measure weights on held-out pieces, beside simple baselines.

    WEIGHTS is a name, a file or a folder, as for model.weights. PATH is the music it was trained
    on, as for train: the pieces that were held out then are predicted and continued, and the
    baselines learn from the others.
    """
    require("train", "music21", "matplotlib", "tqdm")
    from livecomposer.evaluation.report import EvaluationError, choose_held_out
    from livecomposer.evaluation.report import evaluate as measure_all

    if plot and not plot.parent.is_dir():
        raise click.BadParameter(f"{plot.parent} is no folder", param_hint="--plot")
    bundle = load_bundle(weights)
    instrument = bundle.provenance.get("instrument")
    pieces = read_corpus(sources, instrument, machine=bool(bundle.provenance.get("machine")))
    try:
        learned, held_out = choose_held_out(pieces, bundle, unseen=unseen, seed=seed)
    except EvaluationError as error:
        raise CommandError(str(error)) from None
    found = measure_all(
        bundle,
        make_engine(config, bundle),
        ([pieces[i] for i in learned], [pieces[i] for i in held_out]),
        config.sampling,
        ways=config.jam.plan,
        seed=seed,
        tell=lambda what: click.echo(f"{what} ...", err=True),
    )
    click.echo(msgspec.json.format(msgspec.json.encode(found)) if as_json else _describe(found))
    if plot:
        from livecomposer.evaluation.plot import write_plot

        try:
            write_plot(plot, found)
        except OSError as error:
            raise CommandError(f"{plot} can't be written: {error.strerror}") from None


def _describe(found: "Evaluation") -> str:
    """The figures as tables (Markdown)."""
    lines = [
        f"{found.held_out} pieces held out: {found.tokens:,} tokens, {found.onsets:,} onsets, "
        f"{found.reduced:.1%} of all tokens reduced; the n-grams learned from {found.learned}.",
        "",
        "| | nats a token | nats an onset | top-1 | top-5 |",
        "|---|---|---|---|---|",
    ]
    for name, each in found.likelihood.items():
        nats = [
            "-" if value is None else f"{value:.3f}"
            for value in (each.nats_per_token, each.nats_per_onset)
        ]
        top = f"{each.top_1:.1%} | {each.top_5:.1%}"
        lines.append(f"| {_NAMES.get(name, name)} | {' | '.join(nats)} | {top} |")
    after = {length: nats for length, nats in found.by_context.items() if nats is not None}
    lines += [
        "",
        "| tokens heard | " + " | ".join(after) + " |",
        "|---|" + "---|" * len(after),
        "| nats a token | " + " | ".join(f"{nats:.3f}" for nats in after.values()) + " |",
        "",
    ]
    if found.continuations is None:
        return "\n".join([*lines, "No piece is long enough to continue."])
    model, real = (
        msgspec.structs.asdict(each)
        for each in (found.continuations.model, found.continuations.real)
    )
    lines += [
        f"| {found.continuations.primers} primers | these weights | the pieces themselves |",
        "|---|---|---|",
        *(
            f"| {name.replace('_', ' ')} | {value:.3g} | {real[name]:.3g} |"
            for name, value in model.items()
        ),
        "",
    ]
    comes, planned = (
        msgspec.structs.asdict(found.endings[name]) for name in ("as_it_comes", "planned")
    )
    lines += [
        "| answers of 16 beats | as they come | planned |",
        "|---|---|---|",
        *(
            f"| {name.replace('_', ' ')} | {value:.3g} | {planned[name]:.3g} |"
            for name, value in comes.items()
        ),
    ]
    return "\n".join(lines)
