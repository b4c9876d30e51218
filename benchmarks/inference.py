"""What a predicted note costs: a step of ours beside Keras's ways, and beside the floor.

    python benchmarks/inference.py [WEIGHTS] [--seconds S]

All of it runs in one process and in turns, so that a busy machine is as unkind to one as to the
other. The floor is one matrix-vector product over as many bytes as a step reads: a step can't be
quicker than its weights come from memory. Needs the extra `train`.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from livecomposer.config_file import shipped
from livecomposer.model import bundle
from livecomposer.model.engine import Engine
from livecomposer.model.keras_engine import KerasEngine
from livecomposer.model.network import build_network, network_input
from livecomposer.music.sampling import sample


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = shipped("weights") / "default.weights.h5"
    parser.add_argument("weights", nargs="?", type=Path, default=default)
    parser.add_argument("--seconds", type=float, default=60, help="how long to measure, about")
    options = parser.parse_args()

    saved = bundle.load(options.weights)
    size, context = len(saved.vocabulary), saved.architecture.context
    rng = np.random.default_rng(1)
    ids = rng.integers(0, size, context).tolist()
    window = network_input(np.array([ids], np.int32), size, saved.architecture.input)

    network = build_network(size, input=saved.architecture.input, context=context)
    network.set_weights(list(saved.weights.values()))
    graph = tf.function(lambda x: network(x, training=False))
    tensor = tf.constant(window)
    keras_engine, engine = KerasEngine(saved), Engine(saved)
    allowed = np.arange(size) > 0

    read = engine.bytes_per_step
    matrix = rng.standard_normal((read // 4 // 1024, 1024), np.float32)
    vector = rng.standard_normal(len(matrix), np.float32)

    def step_and_sample() -> None:
        sample(engine.step(ids[0]), allowed, rng, temperature=0.9, top_p=0.9)

    subjects: dict[str, Callable[[], object]] = {
        "model.predict, whole window": lambda: network.predict(window, verbose=0),
        "tf.function, whole window": lambda: graph(tensor).numpy(),
        "tf.function, one Keras step": lambda: keras_engine.step(ids[0]),
        "ours, whole window (prime)": lambda: engine.prime(ids),
        "ours, one step and sampling": step_and_sample,
        "ours, one step": lambda: engine.step(ids[0]),
        "floor: one GEMV as large": lambda: vector @ matrix,
    }
    times = measure(subjects, options.seconds)
    report(times)
    print(f"\n{options.weights.name}: vocabulary {size}, {read / 2**20:.2f} MB read a step")
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, TensorFlow {tf.__version__}")


def measure(
    subjects: dict[str, Callable[[], object]], seconds: float
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Milliseconds of each call. Turns of a tenth of a second or ten calls, round and round."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for call in subjects.values():
        for _ in range(3):
            call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in subjects.items():
            turn_ends = time.perf_counter() + 0.1
            for n in range(2000):
                begun = time.perf_counter()
                call()
                ended = time.perf_counter()
                times[name].append(1e3 * (ended - begun))
                if ended > turn_ends and n >= 9:
                    break
    return {name: np.array(values) for name, values in times.items()}


def report(times: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> None:
    """Print the table: medians, 99th percentiles, and ratios of medians."""
    medians = {name: float(np.median(values)) for name, values in times.items()}
    slowest, floor = medians["model.predict, whole window"], medians["floor: one GEMV as large"]
    print(f"{'':<30}{'p50 ms':>10}{'p99 ms':>10}{'x floor':>10}{'predict /':>11}{'calls':>8}")
    for name, values in times.items():
        p50, p99 = medians[name], np.percentile(values, 99)
        print(
            f"{name:<30}{p50:>10.3f}{p99:>10.3f}{p50 / floor:>10.2f}{slowest / p50:>11.1f}"
            f"{len(values):>8}"
        )


if __name__ == "__main__":
    main()
