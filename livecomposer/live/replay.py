"""Playing a recorded performance into the live core again, by the settings of then."""

import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

from livecomposer.config import Config
from livecomposer.config_file import SHIPPED_WEIGHTS, find_file, spell_config
from livecomposer.live.clock import Clock, InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.desk import Desk
from livecomposer.live.jam import Jam
from livecomposer.live.offline import Given, Timed, VirtualVoice, play_into, timed_messages
from livecomposer.live.orders import order_of
from livecomposer.live.recorder import CONTROLS_PART, PLAYER_PART, STARTED, STOPPED
from livecomposer.live.tuning import LoadedModel
from livecomposer.midi.files import MidiFile
from livecomposer.midi.wire import START, STOP
from livecomposer.music.tempo import TICKS_PER_BEAT

HEARD = (PLAYER_PART, CONTROLS_PART)
"""The tracks of a recording that the live core heard."""
_KEY = "livecomposer"
_TRANSPORT = {STARTED: bytes((START,)), STOPPED: bytes((STOP,))}


class Recorded(NamedTuple):
    """What a recording says of itself.

    Attributes:
        settings: by section, as in a file of settings; their seed is that of the jam.
        ahead_ns: how much before it was due everything was composed.
    """

    settings: dict[str, dict[str, Any]]
    ahead_ns: int


def describe(config: Config, seed: int, ahead_ns: int) -> str:
    """A recording's text: ASCII, since MIDI files don't say how their text is encoded.

    Its paths hold from any folder.
    """
    settings = spell_config(config)
    settings["sampling"]["seed"] = seed
    model, jam = settings["model"], settings["jam"]
    model["weights"], model["others"] = _place(model["weights"]), [*map(_place, model["others"])]
    jam["primer"], jam["memory_from"] = _place(jam["primer"]), _place(jam["memory_from"])
    return json.dumps({_KEY: version("livecomposer"), "ahead_ns": ahead_ns, "settings": settings})


def _place(name: str) -> str:
    named = not name or name in SHIPPED_WEIGHTS
    return name if named else str(find_file(name).resolve())


def find_description(texts: Iterable[str]) -> Recorded | None:
    """What a MIDI file's texts say, if it is a recording."""
    for text in texts:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict) and _KEY in said:
            settings, ahead_ns = said.get("settings"), said.get("ahead_ns")
            if isinstance(settings, dict) and isinstance(ahead_ns, int):
                return Recorded(settings, min(max(0, ahead_ns), 1_000_000_000))
    return None


def heard(recording: MidiFile) -> list[Given]:
    """What the live core heard, and was told.

    Args:
        recording: the tracks `HEARD` of a recording.
    """
    markers = [
        (recording.tempo_map.ns_at(position, recording.division), said)
        for position, text in recording.markers
        if (said := _TRANSPORT.get(text) or _order_of(text))
    ]
    return sorted([*timed_messages(recording), *markers], key=lambda timed: timed[0])


def _order_of(marker: str) -> str:
    """The order that a marker is; "" for none, and where the recording's own tempo has it."""
    order = order_of(marker)
    return "" if order.startswith("clock.") else order


def play_again(
    config: Config,
    models: Sequence[LoadedModel],
    clock: Clock,
    messages: Iterable[Given],
    *,
    seed: int,
    ahead_ns: int = 0,
    end_ns: int | None = None,
) -> list[Timed]:
    """Play messages into the live core in virtual time; return what it sends.

    Args:
        config: as for the daemon.
        models: what can be played, the first at the beginning.
        clock: its nanoseconds are the messages'.
        messages: in order of time, orders among them.
        seed: that of the models.
        ahead_ns: as a recording has it.
        end_ns: when to stop; otherwise, when an answer to the last of the messages would be over.
    """
    messages = list(messages)
    if end_ns is None:
        last = clock.tick_at(max((ns for ns, _ in messages), default=0))
        longest = max(config.jam.max_response, config.jam.answer)
        end_ns = clock.ns_at(last + 2 * config.jam.phrase_end + longest + TICKS_PER_BEAT)
    voice = VirtualVoice(config.ports.channel - 1)
    jam = virtual_jam(config, models, clock, voice, seed=seed, ahead_ns=ahead_ns)
    play_into(jam, voice, messages, end_ns)
    voice.silence()
    return voice.sent


def virtual_jam(
    config: Config,
    models: Sequence[LoadedModel],
    clock: Clock,
    voice: VirtualVoice,
    *,
    seed: int,
    ahead_ns: int = 0,
) -> Jam:
    """The live core as the daemon has it, for virtual time. See `play_again`."""
    first, bars = models[0], config.clock.bars
    composer = Composer(first.continuation, first.tokeniser, config.jam, bars=bars)
    own = clock if isinstance(clock, InternalClock) else None
    desk = Desk(config, composer, models, voice, seed=seed, clock=own)
    latency_ns = round(config.ports.latency_ms * 1e6)
    return Jam(composer, clock, voice, latency_ns=latency_ns, ahead_ns=ahead_ns, desk=desk)
