"""A built-in performance, played into the daemon: in real time, or in virtual time."""

import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from livecomposer.config import Config
from livecomposer.config_file import load_config
from livecomposer.live.clock import InternalClock
from livecomposer.live.offline import Timed
from livecomposer.live.ports import LocalInput, LocalOutput, Ports
from livecomposer.live.recorder import Entry
from livecomposer.live.replay import play_again
from livecomposer.live.signals import stopping_on_signals
from livecomposer.live.tuning import LoadedModel
from livecomposer.live.wiring import Wired, make_daemon
from livecomposer.midi.wire import NOTE_OFF, NOTE_ON

# Onset and length in beats, pitch, velocity: two calls, eight beats each, with time to answer.
_CALL = (
    (0, 1, 60, 84), (0, 2, 48, 70), (1, 0.5, 64, 76), (1.5, 0.5, 67, 76), (2, 1, 72, 90),
    (2, 2, 52, 70), (3, 0.5, 71, 78), (3.5, 0.5, 69, 74), (4, 1, 67, 84), (4, 2, 53, 70),
    (5, 0.5, 65, 76), (5.5, 0.5, 64, 74), (6, 2, 62, 80), (6, 2, 55, 72),
)  # fmt: skip
_CALL_BEATS = (0, 20)
_END_BEAT = 38
_HEAD_START_NS = 100_000_000
_SEEN_S = 3.0
"""From when a page looks on until something is played: to see it, and to switch its sound on."""


def calls(tempo_bpm: float) -> list[list[Timed]]:
    """The player's messages, call by call: nanoseconds from the first one on, and bytes."""
    return [
        [
            (round((start + beat) * 60e9 / tempo_bpm), message)
            for beat, message in sorted(
                [(beat + length, bytes((NOTE_OFF, pitch, 0))) for beat, length, pitch, _ in _CALL]
                + [(beat, bytes((NOTE_ON, pitch, velocity))) for beat, _, pitch, velocity in _CALL],
                key=lambda timed: timed[0],  # at the same beat, note-offs stay first
            )
        ]
        for start in _CALL_BEATS
    ]


def play_fast(
    models: Sequence[LoadedModel], config: Config, seed: int
) -> tuple[list[Timed], list[Timed]]:
    """Play in virtual time; see `play_live`."""
    tempo_bpm = config.clock.tempo_bpm
    played = [message for call in calls(tempo_bpm) for message in call]
    clock = InternalClock(tempo_bpm, 0)
    return played, play_again(config, models, clock, played, seed=seed)


def play_live(
    models: Sequence[LoadedModel],
    config: Config,
    seed: int,
    tell: Callable[[str], None],
    *,
    keep: Callable[[Entry], None] = lambda _entry: None,
    begun: Callable[[Wired], None] = lambda _wired: None,
    watched: threading.Event | None = None,
) -> tuple[list[Timed], list[Timed]]:
    """Play in real time, through the daemon and in-process ports.

    Args:
        models: fresh.
        config: for the daemon; its tempo is the player's too.
        seed: the models'.
        tell: called as things happen.
        keep: takes what is played.
        begun: called once playing has begun.
        watched: where others look on, and play, too: set once they do. It is waited for, and the
            jam goes on until Ctrl-C.

    Returns:
        What was played and what was answered, in nanoseconds from the player's first note on.
    """
    source, sink = LocalInput("demo in"), LocalOutput("demo out")
    tempo_bpm = config.clock.tempo_bpm
    alone = msgspec.structs.replace(load_config().clock, tempo_bpm=tempo_bpm)  # nobody leads here
    settings = msgspec.structs.replace(config, clock=alone)
    wired = make_daemon(settings, models, Ports(source, sink), seed, keep)
    daemon = wired.daemon
    played: list[Timed] = []
    ended = threading.Event()

    def play() -> None:
        try:
            if watched:
                watched.wait()
                ended.wait(_SEEN_S)
            played.extend(_perform(source, tempo_bpm, tell, ended))
            if watched and not ended.is_set():
                tell("it is your turn; Ctrl-C ends")
        finally:
            if not watched:
                daemon.stop()

    hands = threading.Thread(target=play, name="demo player", daemon=True)

    def ready() -> None:
        begun(wired)
        hands.start()

    with stopping_on_signals(daemon):
        try:
            daemon.run(ready)
        finally:
            ended.set()
            if watched:
                watched.set()
            if hands.ident is not None:
                hands.join()
    origin = played[0][0] if played else 0
    return (
        [(ns - origin, message) for ns, message in played],
        [(ns - origin, message) for ns, message in sink.sent],
    )


def _perform(
    source: LocalInput, tempo_bpm: float, tell: Callable[[str], None], ended: threading.Event
) -> list[Timed]:
    """Play the calls, and wait for the last answer; returns what was played, with its times."""
    played: list[Timed] = []
    start = time.monotonic_ns() + _HEAD_START_NS
    for call in calls(tempo_bpm):
        tell("the player plays")
        for due, message in call:
            if ended.wait(max(0, start + due - time.monotonic_ns()) / 1e9):
                return played
            played.append((source.play(message), message))
        tell("livecomposer answers")
    ended.wait((start + _END_BEAT * 60e9 / tempo_bpm - time.monotonic_ns()) / 1e9)
    return played
