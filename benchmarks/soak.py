"""A long life: played to for hours in virtual time, or for minutes in real time.

    python benchmarks/soak.py --virtual-hours 24 [--clock midi]
    python benchmarks/soak.py --minutes 30

Someone plays by chance, and turns the controls (see `pianist`). In virtual time it is the live core
with the weights `default` and `fixed`, recorded. Printed is, hour by hour, what the process has of
memory, what the core holds, how far onsets were from the exact grid, and what sounds when all is to
be silent. In real time it is `livecomposer play` on a JACK server of its own.
"""

import argparse
import os
import sys
import time
import tracemalloc

from holdings import own_mb
from soak_virtual import LongJam

from livecomposer.config_file import find_weights
from livecomposer.model.bundle import load

HOUR_NS = 3_600_000_000_000
WEIGHTS = ("default", "fixed")
_COLUMNS = (
    "hour", "MB", "core, bytes", "recording, bytes", "received", "sent", "onsets",
    "off the grid, ns", "left sounding", "steps", "steps a second",
)  # fmt: skip
_TRACED = 10


def soak_virtual(hours: int, settings: list[str], seed: int, *, trace: bool) -> bool:
    """Play, and print each hour. Returns whether nothing sounded on, and all was on the grid."""
    jam = LongJam(settings, seed, {name: load(find_weights(name)) for name in WEIGHTS})
    snapshot, well = None, True
    print(f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|")
    for hour in range(1, hours + 1):
        start = time.perf_counter()
        done = jam.play(HOUR_NS)
        rate = done.steps / (time.perf_counter() - start)
        row = (
            hour, f"{own_mb(os.getpid()):.2f}", f"{jam.size():,}", f"{len(jam.recording):,}",
            f"{done.received:,}", f"{done.sent:,}", f"{done.onsets:,}", done.off_grid_ns,
            done.sounding, f"{done.steps:,}", f"{rate:,.0f}",
        )  # fmt: skip
        print("| " + " | ".join(map(str, row)) + " |", flush=True)
        well &= not (done.off_grid_ns or done.sounding)
        if trace and snapshot is None:
            tracemalloc.start()
            snapshot = tracemalloc.take_snapshot()
    if snapshot:
        grown = tracemalloc.take_snapshot().compare_to(snapshot, "lineno")
        print("\nSince the first hour:", *grown[:_TRACED], sep="\n")
    return well


def main() -> None:
    """Measure and print; the exit code is 1 where notes sounded on, or were off the grid."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--virtual-hours", type=int, metavar="N")
    how.add_argument("--minutes", type=float, metavar="N")
    parser.add_argument("--clock", choices=["internal", "midi"], default="internal")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="print where memory has grown")
    options = parser.parse_args()
    settings = [f"clock.source={options.clock}"]
    if options.clock == "midi":
        settings.append("controls.tempo=off")
    well = soak_virtual(options.virtual_hours, settings, options.seed, trace=options.trace)
    sys.exit(not well)


if __name__ == "__main__":
    main()
