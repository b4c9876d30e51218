"""Good files, damaged by chance, are read: is each read or refused in time, and in 500 MB?

    python benchmarks/fuzz_files.py music21: chopin lieder --seconds 600 --seed 1

In time is 0.6 s more than what a file of its size is allowed: 2 s, for all but a few that were made
larger. Files that may take longer as they are, are left out. It is processor time, of readers and
of starting the next one, so that it is the same on a busy machine; the clock's is printed, too.

Prints how many were read, and refused for which reasons; the slowest; the most memory that a reader
held. A file that breaks a rule is kept in the folder `--keep`, and the exit status is 1.
"""

import argparse
import os
import re
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import psutil
from mutation import mutate

from livecomposer.training.corpus import find_files, printable
from livecomposer.training.limits import allowance
from livecomposer.training.parsing import Begin, readers
from livecomposer.training.readers import Notes, UnreadableError

MAX_MB = 500
_OVERHEAD_S = 0.6  # beyond the time allowed: 2 s altogether, of a file that isn't large
_DETAILS = re.compile(r"[(:'].*|\d[\d,.]*")


@dataclass
class Tally:
    """What became of the files so far."""

    reasons: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)  # by kind
    refused: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, float, str] = (0.0, 0.0, "")  # processor's and clock's seconds
    clock: float = 0.0
    megabytes: float = 0.0
    broken: list[str] = field(default_factory=list)


def sound(pieces: list[Notes]) -> bool:
    """Whether what was read is what readers promise."""
    return all(
        notes.dtype == np.int32 and notes.shape[1:] == (4,) and (notes >= 0).all()
        and (notes[:, 1:] <= 127).all()
        for notes in pieces
    )  # fmt: skip


def processor_seconds() -> float:
    """What the processes that this one started have used, and those that these did."""
    used = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
        if process.ppid() == os.getpid():  # it counts those of its own that have ended
            used += times.children_user + times.children_system
    return used


def attempt(begin: Begin, suffix: str, content: bytes) -> tuple[str | None, str]:
    """Read one: why it is refused, if so, and what is wrong with that, or ""."""
    try:
        fault = "" if sound(begin(suffix, content)()) else "unsound notes"
    except UnreadableError as error:
        reason = printable(error)
        return reason, reason if reason.startswith("it can't be read (") else ""
    return None, fault


def watch_memory(tally: Tally, done: threading.Event) -> None:
    """Note the most that one reader holds."""
    own = psutil.Process()
    while not done.wait(0.05):
        for process in own.children(recursive=True):
            try:
                tally.megabytes = max(tally.megabytes, process.memory_info().rss / 1e6)
            except psutil.NoSuchProcess:
                continue


def fuzz(seeds: list[Path], rng: Random, until: float, tally: Tally, keep: Path) -> None:
    """Damage and read files, one after the other."""
    with readers(processes=1) as begin:
        while time.perf_counter() < until:
            file = rng.choice(seeds)
            suffix = file.suffix.lower()
            content = mutate(suffix, file.read_bytes(), rng)
            began, used = time.perf_counter(), processor_seconds()
            reason, fault = attempt(begin, suffix, content)
            took, used = time.perf_counter() - began, processor_seconds() - used
            if used > allowance(suffix, len(content)).seconds + _OVERHEAD_S:
                fault = f"{used:.1f} s"
            (tally.read if reason is None else tally.refused)[suffix] += 1
            if reason is not None:
                tally.reasons[_DETAILS.sub("..", reason)] += 1
            tally.slowest = max(tally.slowest, (used, took, f"{file.name}: {reason or 'read'}"))
            tally.clock = max(tally.clock, took)
            if fault:
                kept = keep / f"{len(tally.broken)}-{rng.getrandbits(32):08x}{suffix}"
                kept.write_bytes(content)
                tally.broken.append(f"{kept}, of {file.name}: {fault}")


def main() -> None:
    """Damage, read, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("music", nargs="+")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-files"))
    options = parser.parse_args()
    options.keep.mkdir(exist_ok=True)
    by_kind: dict[str, list[Path]] = {}
    for path in find_files(options.music).paths:
        kind = path.suffix.lower()
        if allowance(kind, path.stat().st_size) == allowance(kind, 0):
            by_kind.setdefault(kind, []).append(path)
    rng = Random(options.seed)
    most = max(map(len, by_kind.values()))
    seeds = [path for paths in by_kind.values() for path in rng.choices(paths, k=most)]
    tally, done = Tally(), threading.Event()
    threads = [threading.Thread(target=watch_memory, args=(tally, done))]
    threads[0].start()
    until = time.perf_counter() + options.seconds
    fuzz(seeds, rng, until, tally, options.keep)
    done.set()
    print("| kind | read | refused |\n|---|---|---|")
    for kind in sorted(by_kind):
        print(f"| {kind} | {tally.read[kind]:,} | {tally.refused[kind]:,} |")
    print("\n| refused because | files |\n|---|---|")
    for reason, count in tally.reasons.most_common():
        print(f"| {reason} | {count:,} |")
    used, took, slowest = tally.slowest
    print(f"\nslowest: {used:.2f} s of processor, {took:.2f} by the clock, {slowest}")
    print(f"longest by the clock: {tally.clock:.2f} s")
    print(f"most memory: {tally.megabytes:.0f} MB")
    for each in tally.broken:
        print(f"broken: {each}")
    over = tally.megabytes > MAX_MB
    sys.exit(1 if tally.broken or over else 0)


if __name__ == "__main__":
    main()
