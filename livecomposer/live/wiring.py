"""From settings to a daemon: which clock, who leads, what taps."""

import time

from livecomposer.config import Config
from livecomposer.live.clock import Clock, InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.daemon import Daemon
from livecomposer.live.jack_clock import JackClock
from livecomposer.live.jam import Jam
from livecomposer.live.leader import Leader
from livecomposer.live.player import Player
from livecomposer.live.ports import Ports
from livecomposer.live.tap import TapTempo


def make_daemon(config: Config, composer: Composer, ports: Ports) -> tuple[Daemon, Player]:
    """A daemon on open ports, and the player that it plays with.

    Args:
        config: its sections `ports` and `clock` are heeded.
        composer: warmed up.
        ports: open.
    """
    settings = config.clock
    clock: Clock
    tap = None
    if settings.source == "midi":
        from livecomposer.live.midi_clock import MidiClock  # not needed otherwise

        clock = MidiClock(settings.tempo_bpm)
    elif settings.source == "jack":
        clock = JackClock(settings.tempo_bpm)
    else:
        fixed = settings.anchor == "fixed"
        clock = InternalClock(settings.tempo_bpm, time.monotonic_ns(), fixed=fixed)
        if settings.tapped_by:
            tap = TapTempo(settings.tapped_by, clock)
    player = Player(config.ports.channel - 1)
    jam = Jam(
        composer,
        clock,
        player,
        latency_ns=round(config.ports.latency_ms * 1e6),
        ahead_ns=ports.ahead_ns,
        leader=Leader() if settings.send else None,
        tap=tap,
        own_clock_port=bool(settings.port),
    )
    daemon = Daemon(jam, player, ports)
    if isinstance(clock, JackClock):
        daemon.follow(clock)
    return daemon, player
