"""The machine and what is installed: Python, packages, extras, processors."""

import os
import platform
import sys
from collections.abc import Collection
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from livecomposer.doctor.finding import Finding
from livecomposer.extras import install_command

_OURS = "livecomposer"
_EXTRAS = {
    "jack": "each note at its exact frame on JACK, and JACK's transport",
    "monitor": "the page in the browser",
    "picture": "pictures of jams",
    "train": "training and evaluating",
}
_PROCESSORS = Path("/sys/devices/system/cpu")
_WITH_OWN_WILL = ("intel_pstate", "amd-pstate-epp")
"""Drivers whose `powersave` speeds up when there is work."""


def check_python() -> Finding:
    """Its version and build."""
    bits = 64 if sys.maxsize > 2**32 else 32
    made, version = platform.python_implementation(), platform.python_version()
    found = f"{made} {version}, {bits} bit, on {platform.platform()}"
    try:
        wanted = metadata.metadata(_OURS)["Requires-Python"]
    except metadata.PackageNotFoundError:
        wanted = ""
    if not SpecifierSet(wanted).contains(version, prereleases=True):
        advice = f"install livecomposer with a Python {wanted}"
        return Finding("python", "problem", found, advice)
    if bits != 64:
        return Finding("python", "warning", found, "livecomposer was tried with 64 bit only")
    return Finding("python", "ok", found)


def check_packages() -> Finding:
    """What playing needs, and its versions."""
    try:
        ours = metadata.version(_OURS)
    except metadata.PackageNotFoundError:
        found = "livecomposer runs from a folder: what it needs isn't listed"
        return Finding("packages", "warning", found, "install it: pip install .")
    wanted = _requirements("")
    if faults := _faults(wanted):
        advice = "install livecomposer anew, in an environment of its own"
        return Finding("packages", "problem", "; ".join(faults), advice)
    there = [f"{each.name} {metadata.version(each.name)}" for each in wanted]
    return Finding("packages", "ok", ", ".join((f"livecomposer {ours}", *there)))


def known_extras() -> list[str]:
    """The extras that are of use to a user, and that there are."""
    try:
        provided = metadata.metadata(_OURS).get_all("Provides-Extra", [])
    except metadata.PackageNotFoundError:
        return []
    return [name for name in _EXTRAS if name in provided]


def check_extra(extra: str) -> Finding:
    """Whether all of an extra is installed."""
    name, purpose = f"extra {extra}", _EXTRAS[extra]
    base = set(map(str, _requirements("")))
    wanted = [each for each in _requirements(extra) if str(each) not in base]
    faults = _faults(wanted)
    if not faults:
        return Finding(name, "ok", ", ".join(f"{each.name} {metadata.version(each.name)}"
                                             for each in wanted))  # fmt: skip
    advice = f"for {purpose}: {install_command(extra)}"
    absent = any(_version(each.name) is None for each in wanted)
    return Finding(name, "not-here" if absent else "warning", "; ".join(faults), advice)


def _requirements(extra: str) -> list[Requirement]:
    """What livecomposer, with an extra or "", needs on this system."""
    every = map(Requirement, metadata.requires(_OURS) or ())
    return [each for each in every if not each.marker or each.marker.evaluate({"extra": extra})]


def _faults(wanted: Collection[Requirement]) -> list[str]:
    """What is missing, or of a version that wasn't tried."""
    faults = []
    for each in wanted:
        version = _version(each.name)
        if version is None:
            faults.append(f"{each.name} is not installed")
        elif not each.specifier.contains(version, prereleases=True):
            faults.append(f"{each.name} is {version}, expected {each.specifier}")
    return faults


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def check_processors(folder: Path = _PROCESSORS) -> Finding:
    """How many, and how the system governs their speed.

    Args:
        folder: where Linux tells the latter.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    governors = _read_all(folder, "scaling_governor")
    found = f"{count}" + (f", governor {', '.join(governors)}" if governors else "")
    if "powersave" in governors and not _read_all(folder, "scaling_driver") & {*_WITH_OWN_WILL}:
        advice = "let them run fast while you play: cpupower frequency-set --governor performance"
        return Finding("processors", "warning", found, advice)
    if count == 1:
        advice = "composing and sending share it: close what else runs while you play"
        return Finding("processors", "warning", found, advice)
    return Finding("processors", "ok", found)


def _read_all(folder: Path, name: str) -> set[str]:
    """What the processors have in files of this name."""
    return {path.read_text().strip() for path in folder.glob(f"cpu[0-9]*/cpufreq/{name}")}
