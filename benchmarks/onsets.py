"""How far onsets are from an even grid, by the frames of a JACK server that may lose some.

On the monotonic clock, a frame is when its cycle would have begun had its callback not been late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jack_rig import RATE

AFTER_LOSS_S = 0.2
BETWEEN_ANSWERS = 10  # slots; one is called again after a second of silence, 13 slots


@dataclass
class Figures:
    """Of one player in one case. Errors in milliseconds."""

    name: str
    onsets: int
    lost: int
    ns: Any  # np.ndarray, outside losses of frames: when
    errors: Any  # np.ndarray, of these
    worst: float  # anywhere
    drift_ppm: float
    steps: int  # outside losses of frames
    exact: int  # of them, to a frame
    worst_step: int  # frames
    losses: int
    lost_ms: float
    load: str = ""

    def row(self) -> str:
        """As a row of the table."""
        p50, p99, p999 = np.percentile(self.errors, [50, 99, 99.9])
        frames = f"{self.exact} of {self.steps}, max {self.worst_step}"
        return (
            f"| {self.name} | {self.onsets} | {self.lost} | {p50:.3f} | {p99:.3f} | {p999:.3f} | "
            f"{self.errors.max():.3f} | {self.worst:.3f} | {self.drift_ppm:+.2f} | {frames} | "
            f"{self.losses}, {self.lost_ms:.1f} | {self.load} |"
        )


HEADER = (
    "| player | onsets | lost | p50 ms | p99 ms | p99.9 ms | max ms | max with xruns | drift ppm "
    "| steps within a frame | xruns, ms lost | CPU, MB at start and end |\n" + "|---" * 12 + "|"
)


def figures(
    name: str,
    onsets: Sequence[int],
    cycles: Sequence[int],
    losses_ns: Sequence[int],
    step_frames: int,
    *,
    one_grid: bool = True,
    fitted: int | None = None,
) -> Figures:
    """Of the onsets of a player, against the grid that fits best, of which only the phase is free.

    Args:
        name: the player's.
        onsets: frames.
        cycles: the first frame of each cycle and when its callback began, one after the other.
        losses_ns: when the server has lost frames.
        step_frames: from one slot of the grid to the next.
        one_grid: whether the player keeps to one for all time.
        fitted: how many of the first onsets the grid is to fit; None for all.
    """
    frames, step_ms = np.array(onsets, np.int64), step_frames / RATE * 1e3
    log = np.array(cycles, np.int64).reshape(-1, 2)
    late = log[:, 1] - log[:, 0] * 1e9 / RATE
    # Callbacks are late by more or less, never early: the least of half a second is the truest.
    width = max(3, round(0.5 * RATE / np.median(np.diff(log[:, 0]))) | 1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(late, width // 2, "edge"), width)
    truest = windows.min(axis=1)
    cycle = np.searchsorted(log[:, 0], frames, "right") - 1
    ns = frames * 1e9 / RATE + truest[cycle]
    losses = np.array(losses_ns or [0])
    since = ns - losses[np.maximum(np.searchsorted(losses, ns, "right") - 1, 0)]
    until = losses[np.minimum(np.searchsorted(losses, ns), len(losses) - 1)] - ns
    # The truest of half a second around is another's where frames were lost before its end.
    clear = (np.abs(since) > AFTER_LOSS_S * 1e9 + 0.25e9) & ~((until > 0) & (until < 0.25e9))
    clear = clear if clear.sum() > 10 else np.ones_like(clear)
    places = (ns - ns[0]) / (step_ms * 1e6)
    # Counted from one onset to the next: a player that drifts by many slots stays on its own.
    slots = np.concatenate(([0], np.cumsum(np.round(np.diff(places)))))
    errors = (places - slots) * step_ms
    if one_grid:  # where most are off by a slot, it was miscounted
        around = np.lib.stride_tricks.sliding_window_view(np.pad(errors, 50, "edge"), 101)
        errors -= np.round(np.median(around, axis=1) / step_ms) * step_ms
    errors -= np.median(errors[:fitted][clear[:fitted]])
    drift = np.polyfit(ns[clear] / 1e9, errors[clear] * 1e3, 1)[0]  # us a second
    gaps = np.diff(slots)
    steps = np.diff(frames) - gaps * step_frames
    steps = np.abs(steps[clear[1:] & clear[:-1]]).astype(int)
    return Figures(
        name, len(frames), int((gaps[gaps < BETWEEN_ANSWERS] - 1).clip(0).sum()),
        ns[clear], np.abs(errors[clear]),
        float(np.abs(errors).max()), float(drift), len(steps), int((steps <= 1).sum()),
        int(steps.max(initial=0)), len(losses_ns), (truest[-1] - truest[0]) / 1e6,
    )  # fmt: skip
