"""Weights files from anywhere, damaged in every way that chance finds: what comes of loading them.

    python -m benchmarks.fuzz_weights [--seconds N] [--seed S] [--keep FOLDER]

Good files (a bundle, a training checkpoint, a checkpoint of the tutorial lineage, each in HDF5's
old format and its newest) and handmade ones are changed: bits flipped, fields of the format
overwritten, blocks copied, ends cut off. A worker process loads one after the other as if they were
trusted, since that is quick. What it is slow with, takes much memory for, or dies of, and every
50th file besides, is loaded as files from anywhere are: this must give the right shapes, or a
refusal in one line, in under 25 seconds and 200 MB. What breaks this is kept. The same seed makes
the same files.
"""

import argparse
import dataclasses
import io
import multiprocessing
import pickle
import re
import resource
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple

import h5py
import numpy as np

from livecomposer.model import bundle, lineage
from livecomposer.model.isolated import opened
from tests.conftest import random_bundle
from tests.model.test_bundle import DAMAGES
from tests.model.test_isolated import LEGACY_NOTES, legacy_file

MOST_MB, MOST_S, LONGEST = 200, 25, 600
SAMPLE = 50
PATIENCE_S = 20
ADDRESS_SPACE = 8 << 30
STATE = {"step": np.array(7), "velocity": np.zeros((8, 32), np.float32)}


class Good(NamedTuple):
    """A good file, and what reads such files."""

    content: bytes
    load: Callable[[Path], None]


class Outcome(NamedTuple):
    """What came of a file.

    Attributes:
        result: "loaded", why it was refused, or what it should not have done.
        broke: whether it broke a rule.
        seconds: it took.
        grown_mb: what the process's peak of memory rose to, over what it was at first.
    """

    result: str
    broke: bool
    seconds: float
    grown_mb: float


def main() -> None:
    """Fuzz, and print counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for how long")
    parser.add_argument("--seed", type=int, default=1, help="of the damages")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-weights"), help="for bad files")
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds
    trusted, apart = Tally(), Tally()
    number = 0
    own = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with tempfile.TemporaryDirectory() as folder, own as judge:
        path = Path(folder) / "x.weights.h5"
        goods = good_files(path)
        before = judge.submit(memory_mb).result()
        while time.monotonic() < deadline:
            for outcome in outcomes(options.seed, number, deadline):
                trusted.add(outcome)
                if outcome.broke or number % SAMPLE == 0:
                    good, content = damaged(options.seed, number, goods)
                    path.write_bytes(content)
                    found = judged(*judge.submit(attempt, good.load, path).result(), before)
                    apart.add(found)
                    if found.broke:
                        keep(options.keep / f"{options.seed}-{number}.weights.h5", content)
                number += 1
    for title, tally in (("In the worker", trusted), ("In a process of its own", apart)):
        print(f"{title}: {tally}")
        for result, times in tally.results.most_common():
            print(f"{times:9,}  {result}")
    sys.exit(bool(apart.broken))


class Tally:
    """What came of many files."""

    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self.broken, self.slowest, self.biggest = 0, 0.0, 0.0

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.results[shorten(outcome.result)] += 1
        self.broken += outcome.broke
        self.slowest = max(self.slowest, outcome.seconds)
        self.biggest = max(self.biggest, outcome.grown_mb)

    def __str__(self) -> str:
        return (
            f"{self.results.total():,} files, {self.results['loaded']:,} loaded, {self.broken:,} "
            f"broke a rule; the slowest took {self.slowest:.2f} s; memory rose by "
            f"{self.biggest:.0f} MB"
        )


def outcomes(seed: int, first: int, deadline: float) -> Iterator[Outcome]:
    """What comes of the files from a number on, up to one that ends the worker."""
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(
        target=load_all, args=(there, seed, first, deadline), daemon=True
    )
    child.start()
    there.close()
    try:
        while here.poll(PATIENCE_S):
            yield here.recv()
        yield Outcome("hung", True, PATIENCE_S, 0)
    except (EOFError, ConnectionResetError):
        child.join()
        if child.exitcode:
            yield Outcome(f"crashed ({child.exitcode})", True, 0, 0)
    finally:
        child.kill()
        child.join()


def memory_mb() -> float:
    """The most that this process and those that it has waited for ever held, each."""
    which = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(each).ru_maxrss for each in which) / 1024


def judged(result: str, broke: bool, seconds: float, memory: float, before: float) -> Outcome:
    """An outcome, which broke a rule if it took too much."""
    if memory - before > MOST_MB or seconds > MOST_S:
        result, broke = f"took {seconds:.1f} s, {memory - before:.0f} MB: {result}", True
    return Outcome(result, broke, seconds, memory - before)


def keep(path: Path, content: bytes) -> None:
    """Keep a file that broke a rule."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def shorten(result: str) -> str:
    """A reason without the figures that make each its own."""
    return re.sub(r"'.*'|\d[\d,]*", "…", result)[:110]


def load_all(connection: Connection, seed: int, first: int, deadline: float) -> None:
    """Load the files from a number on as if they were trusted; say what comes of each."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    bundle.opened = lineage.opened = lambda path, **_: opened(path, trusted=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.weights.h5"
        goods = good_files(path)
        before = memory_mb()
        for number in count(first):
            if time.monotonic() > deadline:
                return
            good, content = damaged(seed, number, goods)
            path.write_bytes(content)
            outcome = judged(*attempt(good.load, path), before)
            connection.send(outcome)
            if outcome.grown_mb > MOST_MB:  # it will never be less
                return


def attempt(load: Callable[[Path], None], path: Path) -> tuple[str, bool, float, float]:
    """Load a file: what came of it, if that broke a rule, seconds, and the peak of memory in MB."""
    began = time.perf_counter()
    try:
        load(path)
        result, broke = "loaded", False
    except (bundle.BundleError, lineage.LineageError) as error:
        result = str(error).removeprefix(f"{path}: ")
        broke = "\n" in result or len(result) > LONGEST or result == str(error)
    except BaseException as error:
        result, broke = f"{type(error).__name__}: {error}", True
    return result, broke, time.perf_counter() - began, memory_mb()


def load_bundle(path: Path) -> None:
    """Load weights, and look at their shapes."""
    loaded = bundle.load(path)
    shapes = bundle.weight_shapes(loaded.architecture, len(loaded.vocabulary))
    assert {name: array.shape for name, array in loaded.weights.items()} == shapes


def load_state(path: Path) -> None:
    """Load a training checkpoint's state."""
    found = bundle.load_state(path, STATE)
    assert all(found[name].shape == array.shape for name, array in STATE.items())


def load_lineage(path: Path) -> None:
    """Load a checkpoint of the tutorial lineage."""
    notes = path.with_name("notes")
    if not notes.exists():
        notes.write_bytes(pickle.dumps(LEGACY_NOTES))
    loaded = lineage.read_checkpoint(path, notes)
    shapes = bundle.weight_shapes(loaded.architecture, len(loaded.vocabulary))
    assert {name: array.shape for name, array in loaded.weights.items()} == shapes


def good_files(path: Path) -> list[Good]:
    """Files to damage: good ones, and some that are handmade. They are written at a path, in turn.

    Their weights are 0, so that what isn't 0 in them is HDF5's structure.
    """
    goods = []
    random = random_bundle(units=4)
    zeros = {name: np.zeros_like(array) for name, array in random.weights.items()}
    zero = dataclasses.replace(random, weights=zeros)
    bundle.save(path, zero, STATE)
    plain = path.read_bytes()
    for load in (load_bundle, load_state):
        goods += [Good(plain, load), Good(newest(plain), load)]
    legacy = legacy_file()
    goods += [Good(legacy, load_lineage), Good(newest(legacy), load_lineage)]
    bundle.save(path, zero)
    small = path.read_bytes()
    for damage, _ in DAMAGES:
        path.write_bytes(small)
        with h5py.File(path, "a") as file:
            damage(file)
        if path.stat().st_size < 1 << 20:
            goods.append(Good(path.read_bytes(), load_bundle))
    return goods


def newest(content: bytes) -> bytes:
    """The same in HDF5's newest format."""
    image = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(image, "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
        for name, value in old.attrs.items():
            new.attrs[name] = value
    return image.getvalue()


def damaged(seed: int, number: int, goods: list[Good]) -> tuple[Good, bytes]:
    """The file of that number: damaged once or several times."""
    rng = Random(f"{seed}/{number}")
    good = rng.choice(goods)
    content = bytearray(good.content)
    structure = [at for at in range(0, len(content), 8) if any(content[at : at + 8])]
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        rng.choice((flip, flip, overwrite, overwrite, copy_block, cut))(content, structure, rng)
    return good, bytes(content)


def place(content: bytearray, structure: list[int], rng: Random) -> int:
    """Where to damage a file: mostly near its beginning, where HDF5 keeps most of its structure."""
    if rng.random() < 0.2:
        return rng.randrange(max(1, len(content)))
    return rng.choice(structure) + rng.randrange(8)


def flip(content: bytearray, structure: list[int], rng: Random) -> None:
    """Flip a bit."""
    at = place(content, structure, rng)
    if at < len(content):
        content[at] ^= 1 << rng.randrange(8)


def overwrite(content: bytearray, structure: list[int], rng: Random) -> None:
    """Put a number where one may stand: an address, a size, a count, a version."""
    size, kind = rng.choice(((1, "B"), (2, "<H"), (4, "<I"), (8, "<Q")))
    top = 256**size - 1
    value = rng.choice(
        (0, 1, 2, 8, top, top - 1, top // 2, top // 2 + 1, len(content) & top,
         rng.choice(structure) & top, rng.randrange(top))
    )  # fmt: skip
    at = place(content, structure, rng) // size * size
    if at + size <= len(content):
        struct.pack_into(kind, content, at, value)


def copy_block(content: bytearray, structure: list[int], rng: Random) -> None:
    """Put a part of the file over another."""
    size = rng.choice((8, 16, 40, 120, 512))
    source, at = (place(content, structure, rng) // 8 * 8 for _ in range(2))
    block = content[source : source + size]
    content[at : at + len(block)] = block


def cut(content: bytearray, _structure: list[int], rng: Random) -> None:
    """Cut off the end."""
    del content[rng.randrange(len(content) + 1) :]


if __name__ == "__main__":
    main()
