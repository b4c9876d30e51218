"""How much context helps: the loss by position in a piece, with the state carried or rebuilt.

    python benchmarks/context.py WEIGHTS MUSIC

MUSIC is what the weights were trained on; figures are of the pieces held out then. Carried, the
state goes on from a piece's start; rebuilt, it is made anew for every token, from the 100 tokens
before it. Both are of the same tokens: as many as asked for, at every range of positions.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from livecomposer.config_file import find_weights
from livecomposer.evaluation.likelihood import Ids, Network, losses
from livecomposer.evaluation.report import choose_held_out
from livecomposer.model import bundle
from livecomposer.model.engine import Engine
from livecomposer.music.tokeniser import encode
from livecomposer.music.vocabulary import START
from livecomposer.training.cache import default_cache
from livecomposer.training.corpus import find_files, load_corpus

EDGES = (0, 1, 4, 16, 64, 100, 200, 400, 1000)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights")
    parser.add_argument("music", nargs="+")
    parser.add_argument("--tokens", type=int, default=400, help="in each range of positions")
    options = parser.parse_args()
    saved = bundle.load(find_weights(options.weights))
    pieces = load_corpus(find_files(options.music), cache=default_cache(), progress=True).pieces
    _, held_out = choose_held_out(pieces, saved, unseen=False, seed=1)
    streams: list[Ids] = []
    for i in held_out:
        ids = saved.vocabulary.ids(encode(pieces[i].events(), saved.tokeniser))
        streams.append(np.array([START, *ids], np.int32))
    network, context = Network(Engine(saved)), saved.architecture.context
    carried = [losses(network, stream) for stream in streams]
    rng = np.random.default_rng(1)
    print(f"{Path(options.weights).name}: {len(streams)} pieces held out\n")
    print("| tokens before, the start included | predicted | carried, nats | rebuilt, nats |")
    print("|---|---|---|---|")
    for first, last in pairwise(EDGES):
        places = [
            (i, at) for i, each in enumerate(carried) for at in range(first, min(last, len(each)))
        ]
        if not places:
            continue
        chosen = [places[k] for k in rng.permutation(len(places))[: options.tokens].tolist()]
        rebuilt = [
            losses(network, streams[i][max(0, at + 1 - context) : at + 2])[-1] for i, at in chosen
        ]
        kept = np.mean([carried[i][at] for i, at in chosen])
        print(
            f"| {first + 1} to {last} | {len(chosen)} | {kept:.3f} | {np.mean(rebuilt):.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
