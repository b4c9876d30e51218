"""A long life: played to for hours in virtual time, or for minutes in real time.

    python benchmarks/soak.py --virtual-hours 24 [--clock midi] [--no-record]
    python benchmarks/soak.py --minutes 30 [--no-record]

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

import numpy as np
from holdings import own_mb
from soak_live import END_S, LiveSoak
from soak_virtual import LongJam

from livecomposer.config_file import find_weights
from livecomposer.model.bundle import load

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
WEIGHTS = ("default", "fixed")
_COLUMNS = (
    "hour", "MB", "core, bytes", "recording, bytes", "received", "sent", "onsets",
    "off the grid, ns", "left sounding", "steps", "steps a second",
)  # fmt: skip
_LIVE_COLUMNS = ("minute", "MB", "USS, MB", "files open", "threads", "onsets")
_TRACED = 10


def soak_virtual(hours: int, settings: list[str], seed: int, *, trace: bool) -> bool:
    """Play, and print each hour. Returns whether nothing sounded on, and all was on the grid."""
    jam = LongJam(settings, seed, {name: load(find_weights(name)) for name in WEIGHTS})
    snapshot, well = None, True
    print(f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|")
    for hour in range(hours + 1):
        start = time.perf_counter()
        done = jam.play(HOUR_NS if hour else MINUTE_NS)
        rate = done.steps / (time.perf_counter() - start)
        row = (
            hour or "the first minute", f"{own_mb(os.getpid()):.2f}", f"{jam.size():,}",
            f"{len(jam.recording):,}", f"{done.received:,}", f"{done.sent:,}",
            f"{done.onsets:,}", done.off_grid_ns, done.sounding, f"{done.steps:,}", f"{rate:,.0f}",
        )  # fmt: skip
        print("| " + " | ".join(map(str, row)) + " |", flush=True)
        well &= not (done.off_grid_ns or done.sounding)
        if trace and hour == 1:
            tracemalloc.start()
        elif trace and hour == 2:  # when all that was there before has been replaced
            snapshot = tracemalloc.take_snapshot()
    if snapshot:
        grown = tracemalloc.take_snapshot().compare_to(snapshot, "lineno")
        print("\nSince the second hour:", *grown[:_TRACED], sep="\n")
    return well


def soak_live(minutes: int, seed: int, *, recorded: bool) -> bool:
    """Play, and print each minute. Returns whether no note sounded on (but for lost messages)."""
    soak = LiveSoak(seed, recorded=recorded)
    print(f"| {' | '.join(_LIVE_COLUMNS)} |\n{'|---' * len(_LIVE_COLUMNS)}|")
    for row in soak.play(minutes):
        cells = (row.minute, f"{row.own_mb:.2f}", f"{row.uss_mb:.2f}", *row[3:])
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    found = soak.figures()
    begin, end = soak.witness.cycles[1], soak.witness.cycles[-1] - END_S * 1e9
    print(
        f"\nLeft sounding: {soak.sounding}. Note-ons lost by the server: {soak.lost}. "
        f"Drift: {found.drift_ppm:+.3f} ppm. Xruns: {found.losses}, {found.lost_ms:.1f} ms lost.\n"
    )
    print("| onsets off the grid | onsets | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|")
    for name, here in (
        ("in the first minute", found.ns < begin + 60e9),
        ("in the last minute", found.ns > end - 60e9),
        ("in all", found.ns > 0),
    ):
        errors = found.errors[here]
        p50, p99, most = np.percentile(errors, (50, 99, 100)) if len(errors) else [np.nan] * 3
        print(f"| {name} | {len(errors)} | {p50:.3f} | {p99:.3f} | {most:.3f} |")
    print("", *(line for line in soak.log.splitlines() if "WARN" in line), sep="\n")
    return not soak.sounding or bool(soak.lost)


def main() -> None:
    """Measure and print; the exit code is 1 where notes sounded on, or were off the grid."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--virtual-hours", type=int, metavar="N")
    how.add_argument("--minutes", type=int, metavar="N")
    parser.add_argument("--clock", choices=["internal", "midi"], default="internal")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="print where memory has grown")
    parser.add_argument("--record", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    if options.minutes:
        sys.exit(not soak_live(options.minutes, options.seed, recorded=options.record))
    settings = [f"clock.source={options.clock}"]
    if options.clock == "midi":
        settings.append("controls.tempo=off")
    if not options.record:
        settings.append("record.folder=off")
    well = soak_virtual(options.virtual_hours, settings, options.seed, trace=options.trace)
    sys.exit(not well)


if __name__ == "__main__":
    main()
