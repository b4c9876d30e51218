"""From settings to a daemon: which clock, who leads, what can be changed while playing."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from livecomposer.config import Config
from livecomposer.config_instrument import BUTTONS
from livecomposer.live.clock import Clock, InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.daemon import Daemon
from livecomposer.live.desk import Desk
from livecomposer.live.echoes import Echoes
from livecomposer.live.guard import Guard
from livecomposer.live.jack_clock import JackClock
from livecomposer.live.jam import Jam
from livecomposer.live.leader import Leader
from livecomposer.live.player import Player
from livecomposer.live.ports import Ports
from livecomposer.live.recorder import Entry, RecordedJam
from livecomposer.live.status import Status, take_status
from livecomposer.live.tuning import LoadedModel


class Wired(NamedTuple):
    """A daemon, and what is of interest about it.

    Attributes:
        daemon: not running yet.
        player: what it plays with.
        status: how the jam stands at a time; to be called by `Daemon.ask`, as all that follows.
        jam: what it plays.
        desk: what can be changed.
        composer: what it composes with.
    """

    daemon: Daemon
    player: Player
    status: Callable[[int], Status]
    jam: RecordedJam
    desk: Desk
    composer: Composer


def make_daemon(
    config: Config,
    models: Sequence[LoadedModel],
    ports: Ports,
    seed: int,
    record: Callable[[Entry], None] = lambda _entry: None,
    *,
    reopen: Callable[[Ports], Ports] | None = None,
    guard: Guard | None = None,
) -> Wired:
    """A daemon on open ports.

    Args:
        config: all but its sections `tokeniser` and `training` are heeded.
        models: what can be played, the first at the beginning.
        ports: open.
        seed: that of the models.
        record: takes what is played.
        reopen: see `Daemon`.
        guard: see `Daemon`.
    """
    settings = config.clock
    clock: Clock
    own = None
    if settings.source == "midi":
        from livecomposer.live.midi_clock import MidiClock  # not needed otherwise

        clock = MidiClock(settings.tempo_bpm)
    elif settings.source == "jack":
        clock = JackClock(settings.tempo_bpm)
    else:
        fixed = settings.anchor == "fixed"
        clock = own = InternalClock(settings.tempo_bpm, time.monotonic_ns(), fixed=fixed)
    first, bars = models[0], config.clock.bars
    composer = Composer(first.continuation, first.tokeniser, config.jam, bars=bars)
    player = Player(config.ports.channel - 1, guard.ledger if guard else None)
    desk = Desk(config, composer, models, player, seed=seed, clock=own)
    jam = Jam(
        composer,
        clock,
        player,
        latency_ns=round(config.ports.latency_ms * 1e6),
        ahead_ns=ports.ahead_ns(),
        leader=Leader() if settings.send else None,
        desk=desk,
        echoes=Echoes(),
    )
    buttons = [mapped for name, mapped in config.controls.mappings.items() if name in BUTTONS]
    recorded = RecordedJam(jam, clock, config.controls.mappings.values(), record)
    player.tell(recorded.send)
    daemon = Daemon(
        recorded,
        player=player,
        ports=ports,
        presses=lambda message: any(mapped.takes(message) for mapped in buttons),
        reopen=reopen,
        guard=guard,
        ended=recorded.end,
    )
    if isinstance(clock, JackClock):
        daemon.follow(clock)
    status = partial(take_status, settings.source, composer, clock, player)
    return Wired(daemon, player, status, recorded, desk, composer)
