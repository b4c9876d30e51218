"""Settings from files: the default `config.toml`, the user's own over it, and back.

The default file is the only place where defaults stand.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import platformdirs

from livecomposer.config import BEST, MATCH, AnswerLength, Config, Ticks
from livecomposer.music.tempo import parse_beats, spell_beats

_HERE = Path(__file__).parent


class ConfigError(ValueError):
    """A setting is wrong; the message gives its key, its value and what is allowed."""


def shipped(name: str) -> Path:
    """A file or folder that comes with the package: inside it, or beside it in a checkout."""
    inside = _HERE / name
    return inside if inside.exists() else _HERE.parent / name


def user_file() -> Path:
    """Where the user's own settings are looked for, if no other file is named."""
    return platformdirs.user_config_path("livecomposer") / "config.toml"


def find_file(name: str) -> Path:
    """A path, in a home where it begins with `~` and a user that there is."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


SHIPPED_WEIGHTS = ("default", "fixed")


def find_weights(name: str) -> Path:
    """The file of weights: some that were shipped, or at a path, or a training run's best."""
    if name in SHIPPED_WEIGHTS:
        return shipped("weights") / f"{name}.weights.h5"
    path = find_file(name)
    return path / BEST if path.is_dir() else path


def load_config(
    file: Path | None = None,
    assignments: Iterable[str] = (),
    base: Mapping[str, Any] | None = None,
) -> Config:
    """The default settings, with a file's over them, and single assignments over these.

    Args:
        file: a TOML file; it may hold any part of the settings.
        base: settings that lie between the default and the file.
        assignments: `section.key=value`, the value as in TOML (a bare word is a string).

    Raises:
        ConfigError: the file can't be read, or a setting is unknown or wrong.
    """
    settings = _read_toml(shipped("config.toml"))
    known = {section: set(keys) for section, keys in settings.items()}
    layers = [dict(base)] if base else []
    layers += [_read_toml(file)] if file else []
    layers += map(_parse_assignment, assignments)
    for layer in layers:
        _check_names(layer, known)
        for section, values in layer.items():
            settings[section] |= values
    try:
        return msgspec.convert(settings, Config, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), settings)) from None


def spell_config(config: Config) -> dict[str, dict[str, Any]]:
    """Settings as they stand in a file."""
    return {
        section: {name: _spell(value) for name, value in msgspec.structs.asdict(values).items()}
        for section, values in msgspec.structs.asdict(config).items()
    }


def _spell(value: Any) -> Any:
    if isinstance(value, AnswerLength) and value == MATCH:
        return "match"
    return spell_beats(value) if isinstance(value, Ticks) else value


def _decode(wanted: type, value: Any) -> Any:
    """Beats in the file -> ticks."""
    if wanted is AnswerLength and value == "match":
        return MATCH
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"Expected `{wanted.__name__}`")  # noqa: TRY004 - what msgspec reports
    try:
        return wanted(parse_beats(value))
    except ValueError as error:
        other = ", or 'match'" if wanted is AnswerLength else ""
        raise ValueError(f"{error}{other}") from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML ({error})") from None


def _parse_assignment(text: str) -> dict[str, Any]:
    path, equals, value = text.partition("=")
    section, dot, key = path.strip().partition(".")
    if not (equals and dot and section and key):
        raise ConfigError(f"{text!r}: expected section.key=value")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        parsed = {}
    return {section: {key: parsed["value"] if len(parsed) == 1 else value.strip()}}


def _check_names(layer: Mapping[str, Any], known: Mapping[str, set[str]]) -> None:
    for section, values in layer.items():
        if section not in known:
            raise ConfigError(f"{section}: no such section; there are {', '.join(sorted(known))}")
        if not isinstance(values, dict):
            raise ConfigError(f"{section} = {values!r}: expected a section, [{section}]")
        for key in values:
            if key not in known[section]:
                names = ", ".join(sorted(known[section]))
                raise ConfigError(f"{section}.{key}: no such setting; [{section}] has {names}")


def _explain(message: str, settings: Mapping[str, Any]) -> str:
    """The validator's message, led by the key and the value that it is about."""
    type_of = get_type_hints(Config)
    match = re.fullmatch(r"(.*) - at `\$\.(\w+)(?:\.(\w+))?(?:\[\d+\])?`", message, re.DOTALL)
    if not match:
        return message
    reason, section, key = match.groups()
    reason = reason[:1].lower() + reason[1:].replace("`", "").replace("Ticks", "beats").replace(
        "AnswerLength", "'match' or beats"
    )
    if key is None:  # a check of several settings names the one at fault
        return f"{section}.{reason}"
    if reason.startswith("invalid enum"):
        hint = str(get_type_hints(type_of[section], include_extras=True)[key])
        names = re.findall(r"'([\w-]+)'", hint)
        bounds = re.search(r"\bge=([\d.]+).*?\ble=([\d.]+)", hint)
        numbers = f" or {bounds[1]} to {bounds[2]}" if bounds else ""
        reason = f"expected one of {', '.join(map(repr, names))}{numbers}"
    return f"{section}.{key} = {settings[section][key]!r}: {reason}"
