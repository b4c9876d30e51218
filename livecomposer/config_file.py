"""Settings from files: the default `config.toml`, the user's own over it, and back.

The default file is the only place where defaults stand.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import platformdirs

from livecomposer.config import BEST, MATCH, AnswerLength, Config, Ticks
from livecomposer.music.tempo import parse_beats, spell_beats
from livecomposer.wording import brief, spell

_HERE = Path(__file__).parent


_MAX_BYTES = 100_000
_MAX_DOTS = 250
"""In a line: reading a key costs memory by the square of its parts."""


class ConfigError(ValueError):
    """A setting is wrong; the message gives its key, its value and what is allowed."""

    def __init__(self, message: str) -> None:
        super().__init__(brief(message))


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
    layers += map(parse_assignment, assignments)
    for layer in layers:
        _check_names(layer, known)
        for section, values in layer.items():
            settings[section] |= values
    return _convert(settings)


def assign(config: Config, assignment: str) -> Config:
    """Settings with another value of one of them.

    Args:
        config: as they are.
        assignment: as for `load_config`.

    Raises:
        ConfigError: as `load_config`.
    """
    settings = spell_config(config)
    layer = parse_assignment(assignment)
    _check_names(layer, {section: set(keys) for section, keys in settings.items()})
    for section, values in layer.items():
        settings[section] |= values
    return _convert(settings)


def _convert(settings: Mapping[str, Any]) -> Config:
    try:
        return msgspec.convert(settings, Config, dec_hook=_decode)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(_explain(str(error), settings)) from None


def spell_setting(config: Config, name: str) -> Any:
    """A setting, by section and key, as it stands in a file."""
    section, _, key = name.partition(".")
    return _spell(getattr(getattr(config, section), key))


def named_values(section: str, key: str) -> list[str]:
    """The values of a setting that have names, such as "auto"."""
    return _names(get_type_hints(get_type_hints(Config)[section])[key])


def _names(hint: Any) -> list[str]:
    if isinstance(hint, str):
        return [hint]
    return [name for inner in get_args(hint) for name in _names(inner)]


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
    too_long = isinstance(value, int) and value.bit_length() > 64  # for Python to spell it
    if isinstance(value, bool) or too_long or not isinstance(value, int | float | str):
        raise ValueError(f"Expected `{wanted.__name__}`")
    try:
        return wanted(parse_beats(value))
    except ValueError as error:
        other = ", or 'match'" if wanted is AnswerLength else ""
        raise ValueError(f"{error}{other}") from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        if file.exists() and not file.is_file():
            raise ConfigError(f"{file}: not a regular file")
        with file.open("rb") as opened:
            return _parse_toml(opened.read(_MAX_BYTES + 1).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except (UnicodeDecodeError, _NotTomlError) as error:
        raise ConfigError(f"{file}: not TOML ({error})") from None


class _NotTomlError(ValueError):
    """A text is not TOML, or too much of it."""


def _parse_toml(text: str) -> dict[str, Any]:
    if len(text) > _MAX_BYTES:
        raise _NotTomlError(f"more than {_MAX_BYTES:,} characters")
    if max(line.count(".") for line in text.split("\n")) > _MAX_DOTS:
        raise _NotTomlError(f"more than {_MAX_DOTS} dots in a line")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _NotTomlError(str(error)) from None
    except (RecursionError, ValueError):
        raise _NotTomlError("a number is too long, or something nested too deeply") from None


def parse_assignment(text: str) -> dict[str, Any]:
    """What `section.key=value` sets, as it would stand in a file; unchecked.

    Raises:
        ConfigError: it is nothing of the kind.
    """
    path, equals, value = text.partition("=")
    section, dot, key = path.strip().partition(".")
    if not (equals and dot and section and key):
        raise ConfigError(f"{spell(text)}: expected section.key=value")
    try:
        parsed = _parse_toml(f"value = {value}")
    except _NotTomlError:
        parsed = {}
    return {section: {key: parsed["value"] if len(parsed) == 1 else value.strip()}}


def _check_names(layer: Mapping[str, Any], known: Mapping[str, set[str]]) -> None:
    for section, values in layer.items():
        if section not in known:
            names = ", ".join(sorted(known))
            raise ConfigError(f"{_named(section)}: no such section; there are {names}")
        if not isinstance(values, dict):
            raise ConfigError(f"{section} = {spell(values)}: expected a section, [{section}]")
        for key, value in values.items():
            if key not in known[section]:
                names = ", ".join(sorted(known[section]))
                raise ConfigError(
                    f"{section}.{_named(key)}: no such setting; [{section}] has {names}"
                )
            if not all(map(_is_text, value if isinstance(value, list) else [value])):
                raise ConfigError(f"{section}.{key} = {spell(value)}: expected UTF-8 without NUL")


def _is_text(value: Any) -> bool:
    """Whether a value, if it is a text, can be a path or a name."""
    if not isinstance(value, str):
        return True
    return "\0" not in value and not any("\ud800" <= each <= "\udfff" for each in value)


def _named(name: str) -> str:
    """A key as it stands in a file, where it is one."""
    return name if re.fullmatch(r"[\w.-]{1,50}", name) else spell(name)


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
        names = named_values(section, key)
        bounds = re.search(r"\bge=([\d.]+).*?\ble=([\d.]+)", hint)
        numbers = f" or {bounds[1]} to {bounds[2]}" if bounds else ""
        reason = f"expected one of {', '.join(map(repr, names))}{numbers}"
    return f"{section}.{key} = {spell(settings[section][key])}: {reason}"
