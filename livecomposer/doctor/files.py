"""Files that playing reads and writes: settings, weights, recordings."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from livecomposer.config import Config, RecordSection
from livecomposer.config_file import (
    SHIPPED_WEIGHTS,
    ConfigError,
    find_weights,
    load_config,
    user_file,
)
from livecomposer.doctor.finding import Finding
from livecomposer.extras import install_command

if TYPE_CHECKING:
    from livecomposer.model.engine import Engine

_STEPS = 200
_SLOW_MS = 2
"""A chord and the gap before it are some five steps: more would be heard."""
_LITTLE_MB = 100


def check_config(file: Path | None, assignments: Sequence[str]) -> tuple[Finding, Config]:
    """Which settings there are, and whether they are good; those that the other checks go by.

    Args:
        file: that was named, or the user's own; None for none.
        assignments: as for `load_config`.
    """
    try:
        config = load_config(file, assignments)
    except ConfigError as error:
        advice = "correct it; all that follows goes by the defaults"
        return Finding("config", "problem", str(error), advice), load_config()
    if file:
        return Finding("config", "ok", f"{file}"), config
    found = f"the defaults: {user_file()} isn't there"
    return Finding("config", "ok", found, "to have settings of your own: livecomposer init"), config


def check_weights(weights: str, engine: str) -> Finding:
    """Whether weights can be played, and how fast they step.

    Args:
        weights: by name or path, as in the settings.
        engine: what is to compute them.
    """
    from livecomposer.model.bundle import BundleError, load
    from livecomposer.model.engine import Engine

    name, path = f"weights {weights}", find_weights(weights)
    try:
        bundle = load(path, trusted=weights in SHIPPED_WEIGHTS)
    except BundleError as error:
        reason = str(error).removeprefix(f"{path}: ")
        advice = "name others in model.weights or model.others: 'default', 'fixed', or a path"
        return Finding(name, "problem", reason, advice)
    step_ms = _step_ms(Engine(bundle))
    size_mb = sum(array.nbytes for array in bundle.weights.values()) / 2**20
    found = (
        f"a vocabulary of {len(bundle.vocabulary)}, timing {bundle.tokeniser.timing!r}, "
        f"{bundle.architecture.units} units, {size_mb:.1f} MB; a step takes {step_ms:.2f} ms"
    )
    if engine == "keras" and find_spec("tensorflow") is None:
        advice = f"{install_command('train')}; or set model.engine = 'numpy'"
        return Finding(name, "problem", "model.engine = 'keras', without TensorFlow", advice)
    if step_ms > _SLOW_MS:
        advice = "close what else runs, or play smaller weights"
        return Finding(name, "warning", found, advice)
    return Finding(name, "ok", found)


def _step_ms(engine: "Engine") -> float:
    """What a step takes, in the middle."""
    engine.prime([0])
    times = []
    for _ in range(_STEPS):
        begun = time.perf_counter()
        engine.step(0)
        times.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(times)


def check_recordings(settings: RecordSection) -> Finding:
    """Whether jams can be recorded.

    Args:
        settings: where; the folder need not be there yet.
    """
    folder = settings.path
    if folder is None:
        return Finding("recordings", "ok", "off: jams are not recorded")
    advice = "set record.folder to one that you may write to, or to 'off'"
    there = folder
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"\0")
        free_mb = shutil.disk_usage(there).free / 1e6
    except OSError as error:
        return Finding("recordings", "problem", f"{there}: {error.strerror}", advice)
    found = f"{folder}, {free_mb:,.0f} MB free"
    if free_mb < _LITTLE_MB:
        return Finding("recordings", "warning", found, "make room, or set record.folder elsewhere")
    return Finding("recordings", "ok", found)
