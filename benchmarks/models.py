"""Which model: the same music, learned as often by networks that differ in one thing.

    python benchmarks/models.py MUSIC --epochs 2 --out runs

Each variant is trained in a process of its own, in one thread, as many side by side as asked for;
one that was begun is gone on with. What is printed is the best epoch's loss on
the works held out, which are the same for all: in nats an onset (the losses of all tokens, gaps
included, over the onsets), and the same with what a reduced chord has lost added: the loss of the
exact voicing, given the token it was reduced to, by how often training has seen it so.
"""

import argparse
import math
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from livecomposer.config_file import load_config
from livecomposer.model import bundle
from livecomposer.model.bundle import InputKind
from livecomposer.music.events import Event, NoteOn
from livecomposer.music.tokeniser import TokeniserSettings, encode
from livecomposer.music.tokens import Chord, Gap, Token
from livecomposer.training import dataset
from livecomposer.training.cache import default_cache
from livecomposer.training.corpus import Piece, find_files, load_corpus
from livecomposer.training.folder import RunFolder, recall
from livecomposer.training.recipe import Budget, Recipe
from livecomposer.training.train import begin, resume
from livecomposer.training.works import digest

JOIN = Gap(1)
"""Stands for the join token: at a resolution of 0.25 no gap is so short."""

Encode = Callable[[Iterable[Event], TokeniserSettings], list[Token]]


def reduced(events: Iterable[Event], settings: TokeniserSettings, voices: int) -> list[Token]:
    """Chords of so many voices at most: the bass, the top, and the highest between them."""
    return [
        Chord((token.pitches[0], *token.pitches[-voices + 1 :]))
        if isinstance(token, Chord) and len(token.pitches) > voices else token
        for token in encode(events, settings)
    ]  # fmt: skip


def joined(events: Iterable[Event], settings: TokeniserSettings) -> list[Token]:
    """Chords note by note, lowest first, with a join token between them."""
    tokens: list[Token] = []
    for token in encode(events, settings):
        if isinstance(token, Chord):
            for i, pitch in enumerate(token.pitches):
                tokens += ([JOIN] if i else []) + [Chord((pitch,))]
        else:
            tokens.append(token)
    return tokens


CHORDS = "training.spelling=chords"
SETTINGS: dict[str, tuple[str, ...]] = {
    "as shipped": (),
    "chords 256": (CHORDS, "training.vocabulary_size=256"),
    "chords 512": (CHORDS, "training.vocabulary_size=512"),
    "chords 1024": (CHORDS,),
    "chords 2048": (CHORDS, "training.vocabulary_size=2048"),
    "chords 4096": (CHORDS, "training.vocabulary_size=4096"),
    "chords of three voices": (CHORDS,),
    "chords of two voices": (CHORDS,),
    "chords, scalar": (CHORDS,),
    "chords, resolution 1-2": (CHORDS, "tokeniser.resolution=0.5"),
    "chords, resolution 1-12": (CHORDS, "tokeniser.resolution='1/12'"),
    "join token": (CHORDS,),
    "scalar": (),
    "scalar begins narrow": (),
    "embedding begins narrow": (),
    "embedding 32": ("training.embedding=32",),
    "embedding 256": ("training.embedding=256",),
    "dropout 0": ("training.dropout=0",),
    "dropout 0.2": ("training.dropout=0.2",),
    "dropout 0.3": ("training.dropout=0.3",),
    "recurrent dropout 0.2": (),
    "batch 8": ("training.batch_size=8",),
    "batch 32": ("training.batch_size=32",),
    "batch 64": ("training.batch_size=64",),
    "learning rate 0.001": ("training.learning_rate=0.001",),
    "learning rate 0.006": ("training.learning_rate=0.006",),
    "RMSProp": (),
}
SPELLINGS: dict[str, Encode] = {
    "chords of three voices": partial(reduced, voices=3),
    "chords of two voices": partial(reduced, voices=2),
    "join token": joined,
}


def alter(name: str) -> None:
    """What no setting changes."""
    import keras

    from livecomposer.model import network
    from livecomposer.training import learner

    if name == "recurrent dropout 0.2":  # in Keras's own layer
        learner.LSTM = partial(keras.layers.LSTM, recurrent_dropout=0.2)
    elif name == "RMSProp":
        keras.optimizers.Adam = keras.optimizers.RMSprop
    elif name.endswith("narrow"):
        network.EMBEDDED = network.SCALED = 0.05  # about what Keras's own initializers come to


def train_variant(name: str, music: Sequence[str], epochs: int, out: Path) -> None:
    """Train one, into its folder, or go on with it."""
    config = load_config(None, SETTINGS[name])
    kind: InputKind = "scalar" if "scalar" in name else "embedding"
    recipe = Recipe.of(config, music, Budget(epochs=epochs), input=kind)
    dataset.encode = SPELLINGS.get(name, encode)
    alter(name)
    corpus = load_corpus(find_files(music), cache=default_cache())
    folder = RunFolder(out)
    if folder.checkpoint.exists():
        resume(corpus.pieces, folder, recall(folder))
    else:
        begin(corpus.pieces, folder, recipe)


def voicing_loss(
    reduce: Callable[[Chord], int], learned: Iterable[Chord], held_out: Sequence[Chord]
) -> float:
    """The mean loss in nats of exact voicings, given what they are reduced to.

    By counts with Witten-Bell's escape, and for a voicing never seen, its notes one by one, each
    of 88 as likely.
    """
    seen: defaultdict[int, Counter[Chord]] = defaultdict(Counter)
    for chord in learned:
        seen[reduce(chord)][chord] += 1
    nats = 0.0
    for chord in held_out:
        counts = seen[reduce(chord)]
        total, distinct = counts.total(), len(counts)
        if chord in counts:
            nats -= math.log(counts[chord] / (total + distinct))
        else:
            escape = distinct / (total + distinct) if total else 1.0
            nats += len(chord.pitches) * math.log(88) - math.log(escape)
    return nats / len(held_out)


def row(name: str, out: Path, pieces: Sequence[Piece]) -> str:
    """A trained variant's figures."""
    saved = bundle.load(RunFolder(out).best)
    run = saved.provenance["run"]
    names = set(saved.provenance["held_out"])
    parts: tuple[list[Chord], list[Chord]] = ([], [])
    spelled = joins = 0
    for piece in pieces:
        held_out = digest(piece) in names
        chords = [t for t in encode(piece.events(), saved.tokeniser) if isinstance(t, Chord)]
        parts[held_out].extend(chords)
        if held_out and name == "join token":
            joins += sum(len(chord.pitches) - 1 for chord in chords)
    spelled = len(parts[1]) + joins
    nats = run["nats_per_onset"] * spelled / len(parts[1])

    def reduce(chord: Chord) -> int:
        onset = [NoteOn(0, pitch) for pitch in chord.pitches]
        return saved.vocabulary.ids(SPELLINGS.get(name, encode)(onset, saved.tokeniser))[0]

    exact = (
        nats
        if name == "join token" or saved.vocabulary.joined
        else nats + voicing_loss(reduce, *parts)
    )
    tokens, reduced_share = run["validation_loss"], saved.provenance["reduced"]
    return (
        f"| {name} | {len(saved.vocabulary)} | {reduced_share:.1%} | {run['epoch']} | "
        f"{run['minutes']:.1f} | {tokens:.3f} | {run['validation_accuracy']:.1%} | {nats:.3f} | "
        f"{exact:.3f} |"
    )


def folder_name(name: str) -> str:
    """A variant's folder."""
    return name.replace(",", "").replace(" ", "-")


def main() -> None:
    """Train what is missing, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("music", nargs="+")
    parser.add_argument("--epochs", type=int, default=2, help="of each")
    parser.add_argument("--out", type=Path, required=True, help="a folder of run folders")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="side by side")
    parser.add_argument("--only", choices=SETTINGS, nargs="+", default=list(SETTINGS))
    parser.add_argument("--one", choices=SETTINGS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        train_variant(options.one, options.music, options.epochs, options.out)
        return
    options.out.mkdir(exist_ok=True)

    def train(name: str) -> None:
        out = options.out / folder_name(name)
        folder = RunFolder(out)
        done = folder.checkpoint.exists() and len(recall(folder).state.history)
        if done < options.epochs:
            command = [sys.executable, __file__, *options.music, "--one", name]
            command += ["--epochs", str(options.epochs), "--out", str(out)]
            threads = ("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")
            alone = dict.fromkeys(threads, "1")
            with (options.out / f"{out.name}.log").open("w") as log:
                subprocess.run(
                    command, check=True, env={**os.environ, **alone}, stdout=log, stderr=log
                )

    pieces = load_corpus(find_files(options.music), cache=default_cache(), progress=True).pieces
    with ThreadPoolExecutor(options.jobs) as pool:
        trained = {name: pool.submit(train, name) for name in options.only}
        print(
            "| | vocabulary | reduced | epoch | minutes | nats a token | top-1 | nats an onset "
            "| with voicings |\n|---|---|---|---|---|---|---|---|---|", flush=True,
        )  # fmt: skip
        for name, future in trained.items():
            future.result()
            print(row(name, options.out / folder_name(name), pieces), flush=True)


if __name__ == "__main__":
    main()
