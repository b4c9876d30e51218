"""How fast music is read, and how much memory a large corpus takes.

    python benchmarks/corpus.py MUSIC --tokens 5000000

The files are parsed anew into an empty cache, then read again from it. Then the pieces, repeated
with other rhythms until they have as many tokens as asked for, are prepared for training and cut
into one epoch's batches. (The network itself takes no part in this.)
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from livecomposer.config_file import load_config
from livecomposer.training.corpus import Piece, find_files, load_corpus
from livecomposer.training.material import prepare
from livecomposer.training.recipe import Budget, Recipe


def grown(pieces: list[Piece], tokens: int, per_piece: float) -> list[Piece]:
    """The pieces again and again, each time with some notes moved to other pitches."""
    rng = np.random.default_rng(1)
    found = list(pieces)
    while len(found) * per_piece < tokens:
        for piece in pieces:
            notes = piece.notes.copy()
            moved = rng.random(len(notes)) < 0.1
            notes[moved, 1] = np.clip(notes[moved, 1] + rng.integers(-5, 6, moved.sum()), 21, 108)
            found.append(Piece(f"{piece.name}~{len(found)}", notes))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("music", nargs="+")
    parser.add_argument("--tokens", type=int, default=5_000_000)
    arguments = parser.parse_args()
    files = find_files(arguments.music)
    print("| | files | refused | s | files a minute |")
    print("|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as cache:
        for name in ("parsed", "from the cache"):
            began = time.perf_counter()
            corpus = load_corpus(files, cache=Path(cache))
            took = time.perf_counter() - began
            count = len(files.paths)
            print(
                f"| {name} | {count} | {len(corpus.skipped)} | {took:.1f} | "
                f"{60 * count / took:,.0f} |",
                flush=True,
            )
    for file, reason in corpus.skipped:
        print(f"refused: {file}: {reason}", flush=True)
    recipe = Recipe.of(load_config(), arguments.music, Budget(epochs=1))
    print("\n| tokens | pieces | prepared in s | an epoch's batches in s | peak MB |")
    print("|---|---|---|---|---|", flush=True)
    began = time.perf_counter()
    material = prepare(corpus.pieces, recipe)
    per_piece = material.provenance["tokens"] / len(corpus.pieces)
    for pieces in (corpus.pieces, grown(corpus.pieces, arguments.tokens, per_piece)):
        began = time.perf_counter()
        material = prepare(pieces, recipe)
        prepared = time.perf_counter()
        cuts = material.learning.cuts(100, np.random.default_rng(1))
        for i in range(0, len(cuts), 64):
            material.learning.windows(cuts[i : i + 64], 100)
        cut = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"| {material.provenance['tokens']:,} | {len(pieces):,} | {prepared - began:.1f} | "
            f"{cut - prepared:.1f} | {peak:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
