"""How a jam stands, as the monitor shows it."""

from itertools import pairwise

from livecomposer.live.continuation import Onset
from livecomposer.live.wiring import Wired
from livecomposer.monitor.messages import Planned, State
from livecomposer.music.tempo import TICKS_PER_BEAT

_TOKENS, _CANDIDATES = 24, 6


def take_state(wired: Wired, ns: int, *, load: float, recording: bool) -> State:
    """How a jam stands at `ns`. To be called in the thread that composes.

    Args:
        wired: the jam.
        ns: now.
        load: see `State`.
        recording: see `State`.
    """
    status = wired.status(ns)
    outlook = wired.composer.outlook(_TOKENS, _CANDIDATES)
    return State(
        at_ms=ns / 1e6,
        beat=round(status.beat, 4),
        tempo_bpm=round(status.tempo_bpm, 2),
        running=status.running,
        turn=status.view.turn,
        key=str(status.view.key or ""),
        context=outlook.tokens,
        context_size=status.view.context,
        candidates=[(token, round(probability, 4)) for token, probability in outlook.candidates],
        planned=_planned(outlook.ahead),
        late_ms=status.late_ms,
        skipped=status.skipped,
        load=round(load, 3),
        settings=wired.desk.tuning.settable,
        muted=wired.desk.muted,
        recording=recording,
        listeners=None if wired.daemon.listeners is None else list(wired.daemon.listeners),
    )


def _planned(ahead: list[Onset]) -> list[Planned]:
    lengths = [later - onset for (onset, _), (later, _) in pairwise(ahead)]
    return [
        Planned(onset / TICKS_PER_BEAT, length / TICKS_PER_BEAT, list(pitches))
        for (onset, pitches), length in zip(ahead, [*lengths, 0], strict=False)
    ]
