"""How fast the network learns: the tutorial recipe, and a target at every step.

    python benchmarks/training.py MUSIC --minutes 5 --recipe-minutes 50

Both train the same network on the same pieces, from the same start. The recipe has windows of 100
tokens at stride 1 with one target each, batches of 128, and Keras's RMSProp as it is; ours is what
`livecomposer train` does. Both are judged by the same 2,000 held-out tokens, each with the 100
tokens before it. Time is that of training alone, without judging; "waiting" is the share of it in
which windows were prepared.
"""

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import keras
import numpy as np
from msgspec.structs import asdict

from livecomposer.config_file import load_config
from livecomposer.model.network import build_network, network_input
from livecomposer.training.cache import default_cache
from livecomposer.training.corpus import find_files, load_corpus
from livecomposer.training.dataset import IdCorpus, Windows
from livecomposer.training.learner import Learner
from livecomposer.training.material import Material, prepare
from livecomposer.training.recipe import Budget, Recipe
from livecomposer.training.train import LAST_RATE

CONTEXT = 100
JUDGED = 2000
RECIPE_BATCH = 128
MARKS = 5  # figures in the time given

Batch = TypeVar("Batch")


def windows_at(corpus: IdCorpus, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows of 100 ids and the id after each: (B, 100), (B,)."""
    streams = {int(i): corpus.piece(int(i)) for i in np.unique(places[:, 0])}
    rows = np.stack([streams[int(i)][end - CONTEXT : end + 1] for i, end in places])
    return rows[:, :-1], rows[:, -1]


def all_places(corpus: IdCorpus) -> np.ndarray:
    """Every token with 100 before it: (N, 2), piece and position."""
    return np.array(
        [(i, end) for i, stream in enumerate(corpus.streams)
         for end in range(CONTEXT, len(stream) + 1)]
    )  # fmt: skip


class Judge:
    """The mean loss of a sample of held-out tokens."""

    def __init__(self, material: Material, kind: str) -> None:
        places = np.random.default_rng(1).permutation(all_places(material.held_out))[:JUDGED]
        inputs, self.targets = windows_at(material.held_out, places)
        self.inputs = network_input(inputs, len(material.vocabulary), kind)

    def __call__(self, network: keras.Model) -> float:
        """Of this network, whether it returns every step's probabilities or the last's."""
        probs = network.predict(self.inputs, batch_size=200, verbose=0)
        last = probs.reshape(len(probs), -1, probs.shape[-1])[:, -1]
        return float(-np.log(last[np.arange(len(last)), self.targets] + 1e-12).mean())


def run(
    name: str,
    minutes: float,
    prepare_batch: Callable[[], Batch],
    learn: Callable[[Batch, float], int],
    judge: Callable[[], float],
) -> float:
    """Take steps until time is over; print figures on the way. Returns targets a second."""
    spent = waited = targets = 0.0
    mark = 1
    learn(prepare_batch(), 0.0)  # traces the graph
    while spent < 60 * minutes:
        began = time.perf_counter()
        batch = prepare_batch()
        prepared = time.perf_counter()
        targets += learn(batch, spent / (60 * minutes))
        waited += prepared - began
        spent += time.perf_counter() - began
        if spent >= mark * 60 * minutes / MARKS:
            print(
                f"| {name} | {spent / 60:.1f} | {targets / spent:,.0f} | {waited / spent:.2%} | "
                f"{judge():.3f} |",
                flush=True,
            )
            mark += 1
    return targets / spent


def ours(material: Material, recipe: Recipe, minutes: float) -> float:
    """What `livecomposer train` does."""
    learner = Learner(recipe, len(material.vocabulary))
    judge = Judge(material, recipe.architecture.input)
    batch = recipe.settings.batch_size
    rng = np.random.default_rng(1)
    cuts = np.empty((0, 3), np.int32)

    def prepare_batch() -> Windows:
        nonlocal cuts
        if len(cuts) < batch:
            cuts = material.learning.cuts(CONTEXT, rng)
        windows = material.learning.windows(cuts[:batch], CONTEXT)
        cuts = cuts[batch:]
        return windows

    def learn(windows: Windows, spent: float) -> int:
        rate = recipe.settings.learning_rate * max(1 - spent, LAST_RATE)
        return learner.learn(windows, rate).targets

    return run(
        "a target at every step", minutes, prepare_batch, learn, lambda: judge(learner.network)
    )


def tutorial(material: Material, recipe: Recipe, minutes: float) -> float:
    """What the tutorial does."""
    keras.utils.set_random_seed(recipe.settings.seed)
    size, kind = len(material.vocabulary), recipe.architecture.input
    network = build_network(size, **asdict(recipe.architecture))
    network.compile("rmsprop", "sparse_categorical_crossentropy")
    judge = Judge(material, kind)
    places = all_places(material.learning)
    rng = np.random.default_rng(1)

    def prepare_batch() -> tuple[np.ndarray, np.ndarray]:
        return windows_at(material.learning, rng.choice(places, RECIPE_BATCH))

    def learn(batch: tuple[np.ndarray, np.ndarray], _: float) -> int:
        inputs, targets = batch
        network.train_on_batch(network_input(inputs, size, kind), targets)
        return len(targets)

    return run("one target a window", minutes, prepare_batch, learn, lambda: judge(network))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("music", nargs="+")
    parser.add_argument("--minutes", type=float, default=5, help="of ours")
    parser.add_argument("--recipe-minutes", type=float, default=50)
    parser.add_argument("--input", choices=("embedding", "scalar"), default="embedding")
    arguments = parser.parse_args()
    config = load_config()
    budget = Budget(minutes=arguments.minutes)
    recipe = Recipe.of(config, arguments.music, budget, input=arguments.input)
    corpus = load_corpus(find_files(arguments.music), cache=default_cache(), progress=True)
    material = prepare(corpus.pieces, recipe)
    print("| | minutes | targets a second | waiting | held out, nats |")
    print("|---|---|---|---|---|", flush=True)
    fast = ours(material, recipe, arguments.minutes)
    slow = tutorial(material, recipe, arguments.recipe_minutes)
    print(f"\n{fast / slow:.0f} times as many targets a second")


if __name__ == "__main__":
    main()
