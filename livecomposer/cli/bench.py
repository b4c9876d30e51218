"""Measuring: `bench`."""

import json
import logging
import statistics
from typing import TYPE_CHECKING, Any

import click
import msgspec

from livecomposer.cli.common import NO_MIDI, CommandError, load_bundle, make_continuation
from livecomposer.cli.options import FiniteRange, with_config
from livecomposer.config import Config, PortsSection

if TYPE_CHECKING:
    from livecomposer.bench import Start

log = logging.getLogger(__name__)

_STEP_MS, _LATENESS_MS, _COLD_START_S, _MEMORY_MB = 0.3, 1, 0.4, 90
"""What is good: less than this."""

_STARTS = 3
_SEED = 1
_KEYS = (
    "With --json: step_ms {p50, p99}: one step of the model, with its sampling. lateness_ms "
    "{p50, p99, max}: of messages sent while the model steps without a pause. cold_start_s: from "
    "the start of `livecomposer play` to its `ready`, the middle one of three. memory_mb: what it "
    "then holds for itself alone, in 2**20 bytes; null where the system doesn't tell. ports: the "
    "MIDI system, or null where there is none: then cold_start_s and memory_mb are without ports."
)


@click.command(epilog=_KEYS)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--seconds",
    type=FiniteRange(1, 600),
    default=12,
    show_default=True,
    help="How long to measure steps and lateness, together.",
)
@with_config
def bench(config: Config, as_json: bool, seconds: float) -> None:
    """Measure what this machine does: speed, lateness, start, memory."""
    from livecomposer.bench import compose, send_chords, step_times
    from livecomposer.live.realtime import prepare_process
    from livecomposer.live.stream import Stream

    log.info("measuring, for about %.0f s", seconds + 2 * _STARTS)
    # First: what this process loads later would be shared, and count for neither.
    start, system = _cold_start(config)
    bundle = load_bundle(config.model.weights)
    continuation = make_continuation(config, bundle, _SEED)
    prepare_process()
    steps = compose(continuation, Stream(continuation, bundle.tokeniser))
    centiles = statistics.quantiles(step_times(steps, seconds / 3), n=100, method="inclusive")
    late = send_chords(steps, seconds * 2 / 3, realtime=config.ports.realtime == "auto")
    measured = {
        "step_ms": {"p50": round(centiles[49], 4), "p99": round(centiles[98], 4)},
        "lateness_ms": {
            "p50": round(late.quantile_ns(0.5) / 1e6, 4),
            "p99": round(late.quantile_ns(0.99) / 1e6, 4),
            "max": round(late.max_ns / 1e6, 4),
        },
        "cold_start_s": round(start.seconds, 3),
        "memory_mb": None if start.memory_mb is None else round(start.memory_mb, 1),
        "ports": system,
    }
    click.echo(json.dumps(measured) if as_json else _table(measured))


def _cold_start(config: Config) -> "tuple[Start, str | None]":
    """A middling start of `play`, and the MIDI system that it used; of `demo` where there is none.

    `demo` does as `play` does, up to ports in its own process, and then prints a line.
    """
    from livecomposer.bench import StartError, start_python

    settings = [
        f"--set={section}.{key}={json.dumps(value, ensure_ascii=False)}"
        for section in ("ports", "model")
        for key, value in msgspec.to_builtins(getattr(config, section)).items()
    ]
    command = "play"
    starts: list[Start] = []
    while len(starts) < _STARTS:
        try:
            starts.append(start_python(["-m", "livecomposer", command, *settings]))
        except StartError as error:
            reason = str(error).removeprefix("Error: ")
            if command == "demo" or error.exit_code != NO_MIDI:
                raise CommandError(reason) from None
            log.info("starting without MIDI ports: %s", reason)
            command, starts = "demo", []
    middle = sorted(starts, key=lambda start: start.seconds)[_STARTS // 2]
    return middle, _midi_system(config.ports) if command == "play" else None


def _midi_system(settings: PortsSection) -> str:
    """The name of the MIDI system in use."""
    from livecomposer.live.ports import PortError
    from livecomposer.live.rtmidi_ports import list_ports

    if settings.backend == "jack":
        return "jack"
    try:
        return list_ports(settings.api)[0]
    except PortError as error:  # it was there a moment ago
        raise CommandError(str(error), NO_MIDI) from None


def _table(measured: dict[str, Any]) -> str:
    """What was measured, in lines; and beside it what is good."""
    step, late = measured["step_ms"], measured["lateness_ms"]
    memory, ports = measured["memory_mb"], measured["ports"]
    through = f"MIDI ports: {ports}" if ports else "without MIDI ports: there is no MIDI system"
    rows = [
        (
            "a step of the model takes",
            f"p50 {step['p50']:.3f} ms, p99 {step['p99']:.3f} ms",
            _verdict("p50", step["p50"], _STEP_MS, "ms"),
        ),
        (
            "messages are late by",
            f"p50 {late['p50']:.3f} ms, p99 {late['p99']:.3f} ms, max {late['max']:.3f} ms",
            _verdict("p99", late["p99"], _LATENESS_MS, "ms"),
        ),
        (
            "from start to ready",
            f"{measured['cold_start_s']:.2f} s ({through})",
            _verdict("", measured["cold_start_s"], _COLD_START_S, "s"),
        ),
        (
            "memory of its own",
            "not known on this system" if memory is None else f"{memory:.0f} MB",
            "" if memory is None else _verdict("", memory, _MEMORY_MB, "MB"),
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(
        f"{title:<{widths[0]}}  {found:<{widths[1]}}  {verdict}".rstrip()
        for title, found, verdict in rows
    )


def _verdict(what: str, value: float, limit: float, unit: str) -> str:
    aim = f"{what} below {limit} {unit}".lstrip()
    return f"good: {aim}" if value < limit else f"not good: good is {aim}"
