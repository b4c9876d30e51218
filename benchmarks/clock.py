"""How well the daemon follows a MIDI clock: a master plays to it, and its onsets are timed.

    python benchmarks/clock.py [--period FRAMES] [--beats N] [--case NAME ...]

The real daemon runs on a JACK server of its own, and with the weights `fixed`, which put an onset
in every half beat. The errors of these onsets are absolute: against the master's true half beats,
before any jitter. A call at the start is answered for 64 beats, from beat 1.5 on; where the answer
ends, it is called again. Each case ends with Stop, pulses that go on, and a call that must remain
without an answer. Needs jackd, JACK-Client and, for one case, jack_midi_clock.
"""

import argparse
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from clock_scores import BPM, CASES, CLOCK, MS, STOP, STOP_MS, Pause, Score, call
from jack_rig import IN, RATE, Timed, Witness, environment, jack_server, livecomposer, running

from livecomposer.live.realtime import prepare_process

COLUMNS = [
    "case", "lock", "p50", "p99", "max", "p99 quiet (onsets)", "attenuation",
    "onsets + before lock", "missed", "false starts/stops", "xruns (time lost)",
]  # fmt: skip
SETTINGS = [
    "ports.backend=jack", "clock.source=midi", "model.weights=fixed",
    "jam.min_response=64", "jam.max_response=64", "sampling.seed=1", "sampling.max_repeats=100",
]  # fmt: skip
STARTED, ATTEMPTS = "the master plays", 3  # a server that is short of time also loses messages
AFTER_XRUN_S = 0.5  # till the frames' times are known again, and a dozen pulses have come since
CALL_AGAIN_S = 3.0  # an answer comes 1.5 beats after its call: 1.0 s at 90 BPM
LOCKED_MS, LOCKED_ONSETS = 2.0, 8  # in lock from the first of 4 beats' onsets that are so near
SKIPPED_S = 1.5  # a longer time between onsets is between two answers; with 0.25 s, none missed


def perform(witness: Witness, score: Score) -> int:
    """Play a score, from now on. Returns how often the daemon had to be called again."""
    score.shift(time.monotonic_ns() + 200 * MS)
    witness.send(score.messages)
    return watch(witness, score.events[0], score.pauses[-1].cause, score.pauses)


def watch(witness: Witness, start: int, end: int, pauses: list[Pause]) -> int:
    """Wait for the end, and call where no answer is. Returns how often that was."""
    calls, patience = [start], round(CALL_AGAIN_S * 1e9)
    while (now := time.monotonic_ns()) < end:
        time.sleep(0.01)
        paused = [pause.end for pause in pauses if pause.cause <= now]
        since = max([*calls, *paused, *onsets_of(witness.heard)[-1:]])
        if now - since > patience and end - now > patience:
            calls.append(now)
            witness.send(call(now + 50 * MS))
    time.sleep(1 + (pauses[-1].end - end) / 1e9 if pauses else 1)  # for what must not come
    return len(calls) - 1


def perform_jack_midi_clock(witness: Witness, server: str, beats: int) -> tuple[Score, int]:
    """Let Debian's master play, by JACK's transport. Its pulses are exact, or else jitter."""
    score, transport = Score(), witness.ear
    transport.transport_stop()
    transport.transport_frame = 0
    with running(["jack_midi_clock", "-b", str(BPM), IN], env=environment(server)):
        time.sleep(1)  # for it to connect: it takes 0.1 s or so
        witness.connect_clock("jack_midi_clock:mclk_out")
        transport.transport_start()
        while not (first := [ns for _, ns, data in witness.clock if data == CLOCK]):
            time.sleep(0.001)
        witness.send(call(first[0]))
        again = watch(witness, first[0], first[0] + round((beats + 0.3) * 60e9 / BPM), [])
        transport.transport_stop()
        time.sleep(0.2)
        witness.send(call(time.monotonic_ns()))
        time.sleep(1.5)
    frames, times = zip(*((f, ns) for f, ns, data in witness.clock if data == CLOCK), strict=True)
    pulse = RATE * 60 // BPM // 24
    off = (np.array(frames) - frames[0] + pulse // 2) % pulse - pulse // 2
    score.sigma_ms = float(np.std(off)) / RATE * 1e3
    # Its beats are frames; when these were, its pulses tell: a server may have lost some.
    half_beats = np.arange(frames[0], frames[-1] + 1, 12 * pulse)
    score.half_beats = [round(ns) for ns in np.interp(half_beats, frames, times)]
    score.events = [first[0]]
    # Its Stop, or else, where the server has lost that, its last pulse.
    stop = max([ns for _, ns, data in witness.clock if data == STOP], default=times[-1])
    score.pauses = [Pause(stop, stop + STOP_MS * MS, time.monotonic_ns())]
    return score, again


def onsets_of(heard: list[Timed]) -> list[int]:
    """When notes begin; the notes of a chord begin together."""
    return sorted({ns for ns, data in heard if data[0] & 0xF0 == 0x90 and data[2]})


@dataclass
class Result:
    """A row of the table. Errors in ms, locks in beats (None: never)."""

    locks: list[float | None]
    errors: np.ndarray[tuple[int], np.dtype[np.float64]]
    quiet: np.ndarray[tuple[int], np.dtype[np.bool_]]  # of these errors, which are no xrun's
    unlocked: int  # onsets left out of the errors
    missed: int  # half beats in an answer, without an onset
    false: tuple[int, int]
    sigma_ms: float
    silent_ms: list[float]  # from the cause of each pause to All Notes Off


def measure(score: Score, heard: list[Timed], xruns: list[int]) -> Result:
    """Compare what came with what is true."""
    onsets, truth = np.array(onsets_of(heard)), np.array(score.half_beats)
    in_pause = np.zeros(len(onsets), bool)
    for pause in score.pauses:
        in_pause |= (onsets > pause.silent) & (onsets < pause.end - MS)
    false_starts, onsets = int(in_pause.sum()), onsets[~in_pause]
    cuts = [ns for ns, data in heard if data[:2] == b"\xb0\x7b"]
    caused = [any(p.cause <= cut <= p.end for p in score.pauses) for cut in cuts]
    silent = [[cut - p.cause for cut in cuts if p.cause <= cut <= p.end] for p in score.pauses]

    nearest = np.abs(onsets[:, None] - truth).argmin(1)
    errors = (onsets - truth[nearest]) / MS
    good, counted, locks = np.abs(errors) < LOCKED_MS, np.ones(len(onsets), bool), []
    for event, until in pairwise([*score.events, truth[-1] + 1]):
        (here,) = np.nonzero((onsets >= event) & (onsets < until))
        runs = [i for i in here if good[i : i + LOCKED_ONSETS][: here[-1] + 1 - i].all()]
        if runs:
            counted[here[here < runs[0]]] = False
            locks.append(0.5 * (nearest[runs[0]] - np.abs(truth - event).argmin()))
        else:
            locks.append(None)
    near = [(onsets > xrun) & (onsets < xrun + AFTER_XRUN_S * 1e9) for xrun in xruns]
    quiet = ~np.any(near, axis=0) if near else np.ones(len(onsets), bool)
    missed = [
        np.count_nonzero((truth > a + 50 * MS) & (truth < b - 50 * MS))
        for a, b in pairwise(onsets)
        if b - a < SKIPPED_S * 1e9
    ]
    return Result(
        locks,
        errors[counted],
        quiet[counted],
        int((~counted).sum()),
        int(sum(missed)),
        (false_starts, caused.count(False)),
        score.sigma_ms,
        [min(ns) / MS for ns in silent if ns],
    )


def percentiles(errors: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """50th, 99th and 100th, of the errors' sizes."""
    return np.percentile(np.abs(errors), (50, 99, 100)).tolist() if len(errors) else [np.nan] * 3


def one_case(witness: Witness, server: str, name: str, beats: int) -> tuple[Result, int, str]:
    """Play it to a fresh daemon. Returns also how often that was called again, and its log."""
    with livecomposer(server, *SETTINGS) as read_log:
        witness.connect()
        witness.clear()
        if write := CASES[name]:
            score = write(beats)
            again = perform(witness, score)
        else:
            score, again = perform_jack_midi_clock(witness, server, beats)
        return measure(score, witness.heard, witness.xruns), again, read_log()


def row(name: str, result: Result, xruns: str) -> str:
    """A line of the table."""
    locks = ", ".join("never" if lock is None else f"{lock:g}" for lock in result.locks)
    quiet = result.errors[result.quiet]
    p50, p99, worst = percentiles(result.errors)
    spread = float(np.std(quiet)) if len(quiet) else np.nan
    jitters = result.sigma_ms > 0.05  # a frame is 0.02 ms
    cells = [
        name, locks, *(f"{ms:.3f}" for ms in (p50, p99, worst)),
        f"{percentiles(quiet)[1]:.3f} ({len(quiet)})",
        f"{result.sigma_ms / spread:.1f}" if jitters else "-",
        f"{len(result.errors)} + {result.unlocked}", result.missed, "{}/{}".format(*result.false),
        xruns,
    ]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def verdicts(results: dict[str, Result]) -> list[str]:
    """The targets, and whether they were met."""
    lines = []
    for name, target in (("constant", 1.0), ("jitter-3ms", 2.0)):
        if name in results:
            p99 = percentiles(results[name].errors[results[name].quiet])[1]
            verdict = "met" if p99 < target else "MISSED"
            lines.append(f"{name}: p99 quiet {p99:.3f} ms, to be under {target:g} ms: {verdict}")
    slow = [n for n, r in results.items() if any(lock is None or lock > 2 for lock in r.locks)]
    lines.append(f"lock within 2 beats: {'MISSED in ' + ', '.join(slow) if slow else 'met'}")
    false = [n for n, r in results.items() if any(r.false)]
    lines.append(f"no false start or stop: {'MISSED in ' + ', '.join(false) if false else 'met'}")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--period", type=int, default=64, help="frames in a period of the server")
    parser.add_argument("--beats", type=int, default=48, help="length of each case, 36 or more")
    parser.add_argument("--case", action="append", choices=CASES, help="only this; repeatable")
    options = parser.parse_args()

    results, notes = {}, []
    print(f"JACK: {options.period} frames at {RATE} Hz. Errors of onsets in ms, locks in beats.\n")
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    with ExitStack() as stack:
        server = stack.enter_context(jack_server(options.period))
        witness = stack.enter_context(Witness(server))
        prepare_process()
        for name in options.case or CASES:
            for _ in range(ATTEMPTS):
                offset = witness.frames.offset_ns or 0
                result, again, log = one_case(witness, server, name, options.beats)
                lost = ((witness.frames.offset_ns or 0) - offset) / MS
                if STARTED in log:
                    break
                notes.append(f"{name}: played again, as the server lost the Start at an xrun")
            results[name] = result
            print(row(name, result, f"{len(witness.xruns)} ({lost:.1f} ms)"), flush=True)
            silent = ", ".join(f"{ms:.0f}" for ms in result.silent_ms)
            late = witness.late_ns / MS
            notes.append(
                f"{name}: silent {silent} ms after the last pulse or Stop; called again {again} "
                f"times; master late by {late:.1f} ms at most"
            )
            notes += [f"    {line}" for line in log.splitlines() if "WARN" in line]
    print(f"""
Errors are those after lock: the onsets before it are counted apart. Lock is from the first pulse,
a step, or the clock's return, to the first onset from which {LOCKED_ONSETS} are within
{LOCKED_MS:g} ms. A first answer begins at beat 1.5, after a dropout at 2: no lock is seen earlier.
Quiet are the onsets with no xrun in the {AFTER_XRUN_S:g} s before; attenuation is theirs.
""")
    print("\n".join([*notes, "", *verdicts(results)]))


if __name__ == "__main__":
    main()
