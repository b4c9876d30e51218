"""All checks, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from livecomposer.doctor import files, machine, timing
from livecomposer.doctor.finding import Finding, attempt
from livecomposer.doctor.isolation import check_midi
from livecomposer.wording import brief


def examine(file: Path | None, assignments: Sequence[str]) -> Iterator[Finding]:
    """What there is, and what is missing; it never raises.

    Args:
        file: settings, as for `load_config`.
        assignments: as for `load_config`.
    """
    for finding in _examine(file, assignments):
        yield replace(finding, name=brief(finding.name), found=brief(finding.found))


def _examine(file: Path | None, assignments: Sequence[str]) -> Iterator[Finding]:
    found, config = files.check_config(file, assignments)
    ports, model = config.ports, config.model
    yield attempt("python", machine.check_python)
    yield attempt("packages", machine.check_packages)
    for extra in machine.known_extras():
        yield attempt(f"extra {extra}", partial(machine.check_extra, extra))
    yield attempt("processors", machine.check_processors)
    yield found
    on_jack = False
    for each in check_midi(config):
        if each.name == "jack":  # PipeWire's clients lock little
            on_jack = each.state != "not-here" and "PipeWire" not in each.found
        yield each
    yield attempt("monotonic clock", timing.check_monotonic)
    yield attempt("realtime", partial(timing.check_realtime, ports.realtime))
    yield attempt("memory lock", partial(timing.check_memlock, on_jack=on_jack))
    for name in (model.weights, *model.others):
        yield attempt(f"weights {name}", partial(files.check_weights, name, model.engine))
    yield attempt("timer", partial(timing.check_timer, ports.realtime))
    yield attempt("recordings", partial(files.check_recordings, config.record))
