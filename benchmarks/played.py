"""What a player's timing does to weights that learned from scores.

    python benchmarks/played.py MUSIC --weights runs/chords-1024 runs/chords-resolution-1-12

The pieces held out are played at 120 BPM as a person would: every onset is early or late by a
normal deviate, and each note of a chord by a smaller one. Losses are over the onsets of the score,
so that weights of different resolutions can be compared.
"""

import argparse
from pathlib import Path

import numpy as np

from livecomposer.config_file import find_weights
from livecomposer.evaluation.likelihood import Network, losses
from livecomposer.evaluation.report import choose_held_out
from livecomposer.model import bundle
from livecomposer.model.engine import Engine
from livecomposer.music.events import NoteOn
from livecomposer.music.tempo import TICKS_PER_BEAT, spell_beats
from livecomposer.music.tokeniser import encode
from livecomposer.music.vocabulary import START
from livecomposer.training.cache import default_cache
from livecomposer.training.corpus import Piece, find_files, load_corpus

TICK_MS = 60_000 / 120 / TICKS_PER_BEAT
SPREADS = (0, 5, 10, 20, 30)  # ms: standard deviations of onsets
WITHIN_CHORD = 1 / 3  # of that


def played(piece: Piece, spread_ms: float, rng: np.random.Generator) -> list[NoteOn]:
    """The piece as somebody plays it, in whole ticks as a clock gives them."""
    onsets, which = np.unique(piece.notes[:, 0], return_inverse=True)
    together = rng.normal(0, spread_ms, len(onsets))[which]
    alone = rng.normal(0, spread_ms * WITHIN_CHORD, len(which))
    ticks = np.rint(piece.notes[:, 0] + (together + alone) / TICK_MS).astype(int)
    ticks -= min(0, int(ticks.min()))
    order = np.lexsort((piece.notes[:, 1], ticks))
    return [NoteOn(int(ticks[i]), int(piece.notes[i, 1])) for i in order]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("music", nargs="+")
    parser.add_argument("--weights", nargs="+", required=True)
    options = parser.parse_args()
    pieces = load_corpus(find_files(options.music), cache=default_cache(), progress=True).pieces
    print("| weights | resolution | " + " | ".join(f"{ms} ms" for ms in SPREADS) + " |")
    print("|---|---|" + "---|" * len(SPREADS))
    for weights in options.weights:
        saved = bundle.load(find_weights(weights))
        _, held_out = choose_held_out(pieces, saved, unseen=False, seed=1)
        onsets = sum(len(np.unique(pieces[i].notes[:, 0])) for i in held_out)
        network, row = Network(Engine(saved)), []
        for spread in SPREADS:
            rng, nats = np.random.default_rng(1), 0.0
            for i in held_out:
                tokens = encode(played(pieces[i], spread, rng), saved.tokeniser)
                ids = np.array([START, *saved.vocabulary.ids(tokens)], np.int32)
                nats += losses(network, ids).sum()
            row.append(f"{nats / onsets:.3f}")
        resolution = spell_beats(saved.tokeniser.resolution)
        print(f"| {Path(weights).name} | {resolution} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
