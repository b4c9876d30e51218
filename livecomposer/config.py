"""Settings: the default `config.toml`, the user's own over it, as frozen and checked values.

The default file is the only place where defaults stand. Lengths are given in beats and kept in
ticks.
"""

import re
import tomllib
from collections import abc
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
import platformdirs
from msgspec import Meta, Struct

from livecomposer.midi.mapping import Mapping, parse_mapping
from livecomposer.midi.wire import NOTE_OFF, NOTE_ON
from livecomposer.music.constraints import Constraints
from livecomposer.music.keys import Key, parse_key
from livecomposer.music.tempo import GRID, TICKS_PER_BEAT, parse_beats, spell_beats
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.tokens import parse_pitch

_HERE = Path(__file__).parent

BEST = "best.weights.h5"
"""The weights in a training run's folder that are played."""


GRIDS = (TICKS_PER_BEAT, GRID, TICKS_PER_BEAT // 3, TICKS_PER_BEAT // 4)
"""What onsets of the machine's may be multiples of, in ticks."""


ModeName = Literal["call-response", "duet", "fill", "solo", "listen"]
"""How turns are taken: see `livecomposer.live.modes`."""

ControlName = Literal[
    "mode", "mute", "panic", "temperature", "density", "memory", "answer", "tempo", "tap", "key",
    "seed", "clear", "forget", "weights",
]  # fmt: skip
"""What can be worked from the instrument: see `livecomposer.live.desk`."""
CONTROLS: tuple[ControlName, ...] = get_args(ControlName)
KNOBS: tuple[ControlName, ...] = ("temperature", "density", "memory", "answer", "tempo")
"""Those that set a value, and so need a controller."""
CHOICES: tuple[ControlName, ...] = ("mode", "weights")
"""Those that choose one of several, and so can be any program."""


class ConfigError(ValueError):
    """A setting is wrong; the message gives its key, its value and what is allowed."""


class Ticks(int):
    """A length, given in beats in the file, in ticks."""


class AnswerLength(Ticks):
    """How long an answer lasts; as "match" in the file, `MATCH`."""


MATCH = AnswerLength(-1)
"""As long as what is answered."""


class Ports(Struct, frozen=True, forbid_unknown_fields=True):
    """Where MIDI comes from and goes to. `channel` counts from 1."""

    backend: Literal["auto", "jack", "rtmidi"]
    api: Literal["auto", "alsa", "jack", "coremidi", "winmm"]
    input: Annotated[str, Meta(min_length=1, max_length=64)]
    output: Annotated[str, Meta(min_length=1, max_length=64)]
    channel: Annotated[int, Meta(ge=1, le=16)]
    latency_ms: Annotated[float, Meta(ge=-100, le=100)]
    realtime: Literal["auto", "off"]

    def __post_init__(self) -> None:
        if self.backend == "jack" and self.api not in ("auto", "jack"):
            raise ValueError(
                f"backend = 'jack', expected 'auto' or 'rtmidi' with api = {self.api!r}"
            )
        if self.input == self.output:
            raise ValueError(
                f"output = {self.output!r}, which is the input too: it would answer itself"
            )


class Listen(Struct, frozen=True, forbid_unknown_fields=True):
    """What of the player's is heard. `channels` count from 1; pitches are named."""

    channels: (
        Literal["all"] | Annotated[list[Annotated[int, Meta(ge=1, le=16)]], Meta(min_length=1)]
    )
    lowest: str
    highest: str
    thru: bool

    def __post_init__(self) -> None:
        _check_range(self)

    def hears(self, message: bytes) -> bool:
        """Whether a channel message is from a channel, and a note from the keys, that is heard."""
        if self.channels != "all" and (message[0] & 0x0F) + 1 not in self.channels:
            return False
        low, high = parse_pitch(self.lowest), parse_pitch(self.highest)
        return message[0] & 0xF0 not in (NOTE_ON, NOTE_OFF) or low <= message[1] <= high


class Clock(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the beat comes from."""

    source: Literal["internal", "midi", "jack"]
    tempo_bpm: Annotated[float, Meta(ge=20, le=400)]
    anchor: Literal["first-note", "fixed"]
    send: bool
    port: Annotated[str, Meta(max_length=256)]

    def __post_init__(self) -> None:
        if self.source != "internal" and self.send:
            raise ValueError(
                f"send = True, expected False where another leads (clock.source = {self.source!r})"
            )
        if self.port and self.source != "midi":
            raise ValueError(f"port = {self.port!r}, expected '' unless clock.source = 'midi'")
        if self.send and self.anchor != "fixed":
            raise ValueError(
                "send = True, expected False unless clock.anchor = 'fixed': "
                "those that follow can't jump to your first note"
            )


class Jam(Struct, frozen=True, forbid_unknown_fields=True):
    """How turns are taken. Lengths in ticks."""

    mode: ModeName
    phrase_end: Ticks
    min_phrase: Annotated[int, Meta(ge=1, le=16)]
    answer: AnswerLength
    min_response: Ticks
    max_response: Ticks
    max_duration: Ticks
    density: Annotated[float, Meta(ge=0, le=1)]
    plan: Annotated[int, Meta(ge=1, le=64)]
    velocity: Annotated[int, Meta(ge=1, le=127)] | Literal["follow"]
    gate: Annotated[float, Meta(ge=0.1, le=1)] | Literal["follow"]

    def __post_init__(self) -> None:
        _within("phrase_end", self.phrase_end, 0.25, 16)
        if self.answer != MATCH:
            _within("answer", self.answer, 0.5, 256)
        _within("min_response", self.min_response, 0.5, 256)
        _within("max_response", self.max_response, 0.5, 256)
        _within("max_duration", self.max_duration, 0.25, 16)
        for name in ("min_response", "max_response"):
            if getattr(self, name) % GRID:
                beats = spell_beats(getattr(self, name))
                raise ValueError(f"{name} = {beats}, expected a multiple of 0.5 beat")
        if self.min_response > self.max_response:
            raise ValueError(
                f"min_response = {spell_beats(self.min_response)}, expected no more than "
                f"max_response ({spell_beats(self.max_response)})"
            )


class Sampling(Struct, frozen=True, forbid_unknown_fields=True):
    """How a token is drawn from the model's probabilities, and what it must keep to."""

    temperature: Annotated[float, Meta(ge=0.05, le=5)]
    top_p: Annotated[float, Meta(ge=0.01, le=1)]
    max_repeats: Annotated[int, Meta(ge=0, le=100)]
    max_loop: Annotated[int, Meta(ge=16, le=200)]
    memory: Annotated[float, Meta(ge=0, le=1)]
    key: str
    lowest: str
    highest: str
    largest_chord: Annotated[int, Meta(ge=1, le=16)]
    transpose: Annotated[int, Meta(ge=-48, le=48)]
    grid: Ticks
    longest_rest: Ticks
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | Literal["random"]

    def __post_init__(self) -> None:
        try:
            if self.key not in ("off", "auto"):
                parse_key(self.key)
        except ValueError as error:
            raise ValueError(
                f"key = {self.key!r}, expected 'off', 'auto' or a key: {error}"
            ) from None
        _check_range(self)
        if self.grid not in GRIDS:
            allowed = ", ".join(map(spell_beats, GRIDS))
            raise ValueError(f"grid = {spell_beats(self.grid)}, expected one of {allowed}")
        _within("longest_rest", self.longest_rest, 1, 16)

    def constraints(self, key: Key | None = None) -> Constraints:
        """What the machine keeps to.

        Args:
            key: the one that is played in, for `key = "auto"`.
        """
        if self.key not in ("off", "auto"):
            key = parse_key(self.key)
        return Constraints(
            key=None if self.key == "off" else key,
            lowest=parse_pitch(self.lowest),
            highest=parse_pitch(self.highest),
            largest_chord=self.largest_chord,
            transpose=self.transpose,
            grid=int(self.grid),
            longest_rest=int(self.longest_rest),
        )


class Controls(Struct, frozen=True, forbid_unknown_fields=True):
    """What works what while playing: a mapping each, or "off"."""

    mode: str
    mute: str
    panic: str
    temperature: str
    density: str
    memory: str
    answer: str
    tempo: str
    tap: str
    key: str
    seed: str
    clear: str
    forget: str
    weights: str
    feedback: bool

    def __post_init__(self) -> None:
        mappings = self.mappings
        for name, mapped in mappings.items():
            if name in KNOBS and mapped.kind != "cc":
                raise ValueError(f"{name} = {str(mapped)!r}, expected 'cc N': it is a knob's")
            if mapped == ("program", None, mapped.channel) and name not in CHOICES:
                raise ValueError(f"{name} = {str(mapped)!r}, expected 'program N'")
        for (name, mapped), (other, second) in combinations(mappings.items(), 2):
            if mapped.overlaps(second):
                raise ValueError(
                    f"{other} = {str(second)!r}, expected another than {name} ({str(mapped)!r})"
                )

    @property
    def mappings(self) -> dict[ControlName, Mapping]:
        """The mapping of each control that has one."""
        mappings: dict[ControlName, Mapping] = {}
        for name in CONTROLS:
            text = getattr(self, name)
            try:
                if text != "off":
                    mappings[name] = parse_mapping(text)
            except ValueError as error:
                raise ValueError(f"{name} = {text!r}, {error}; or 'off'") from None
        return mappings


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """Where jams are recorded."""

    folder: Annotated[str, Meta(min_length=1)]
    max_mb: Annotated[float, Meta(gt=0, le=1000)]

    @property
    def path(self) -> Path | None:
        """The folder; None for none."""
        if self.folder == "auto":
            return platformdirs.user_music_path() / "livecomposer"
        return None if self.folder == "off" else Path(self.folder).expanduser()


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """What is played from."""

    weights: Annotated[str, Meta(min_length=1)]
    others: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=15)]
    engine: Literal["numpy", "keras"]


class Tokeniser(Struct, frozen=True, forbid_unknown_fields=True):
    """How training music becomes tokens. Lengths in ticks."""

    timing: Literal["gaps", "fixed"]
    resolution: Ticks
    max_gap: Ticks

    def __post_init__(self) -> None:
        self.settings  # noqa: B018 - building it checks it

    @property
    def settings(self) -> TokeniserSettings:
        """As the tokeniser takes them."""
        return TokeniserSettings(self.timing, int(self.resolution), int(self.max_gap))


class Training(Struct, frozen=True, forbid_unknown_fields=True):
    """How weights are learned."""

    spelling: Literal["notes", "chords"]
    vocabulary_size: Annotated[int, Meta(ge=2, le=65_536)]
    min_count: Annotated[int, Meta(ge=1)]
    embedding: Annotated[int, Meta(ge=1, le=4096)]
    units: Annotated[int, Meta(ge=1, le=4096)]
    dropout: Annotated[float, Meta(ge=0, le=0.9)]
    batch_size: Annotated[int, Meta(ge=1, le=4096)]
    learning_rate: Annotated[float, Meta(ge=1e-6, le=1)]
    patience: Annotated[int, Meta(ge=1)]
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings, by section."""

    ports: Ports
    listen: Listen
    clock: Clock
    jam: Jam
    sampling: Sampling
    controls: Controls
    record: Record
    model: Model
    tokeniser: Tokeniser
    training: Training

    def __post_init__(self) -> None:
        for name in ("tempo", "tap"):
            text = getattr(self.controls, name)
            if self.clock.source != "internal" and text != "off":
                raise ValueError(
                    f"controls.{name} = {text!r}, expected 'off' where another gives the beat "
                    f"(clock.source = {self.clock.source!r})"
                )


def shipped(name: str) -> Path:
    """A file or folder that comes with the package: inside it, or beside it in a checkout."""
    inside = _HERE / name
    return inside if inside.exists() else _HERE.parent / name


def find_weights(name: str) -> Path:
    """The file of weights: some that were shipped, or at a path, or a training run's best."""
    if name in ("default", "fixed"):
        return shipped("weights") / f"{name}.weights.h5"
    path = Path(name)
    return path / BEST if path.is_dir() else path


def load_config(
    file: Path | None = None,
    assignments: Iterable[str] = (),
    base: abc.Mapping[str, Any] | None = None,
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


def _check_range(section: Listen | Sampling) -> None:
    pitches = []
    for name in ("lowest", "highest"):
        try:
            pitches.append(parse_pitch(getattr(section, name)))
        except ValueError as error:
            raise ValueError(f"{name} = {error}") from None
    if pitches[0] > pitches[1]:
        raise ValueError(
            f"lowest = {section.lowest!r}, expected no higher than highest ({section.highest!r})"
        )


def _within(name: str, ticks: int, low: float, high: float) -> None:
    if not parse_beats(low) <= ticks <= parse_beats(high):
        raise ValueError(f"{name} = {spell_beats(ticks)}, expected {low} to {high} beats")


def _decode(wanted: type, value: Any) -> Any:
    """Beats in the file -> ticks."""
    if wanted is AnswerLength and value == "match":
        return MATCH
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"Expected `{wanted.__name__}`")  # noqa: TRY004 - what msgspec reports
    return wanted(parse_beats(value))


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
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


def _check_names(layer: abc.Mapping[str, Any], known: abc.Mapping[str, set[str]]) -> None:
    for section, values in layer.items():
        if section not in known:
            raise ConfigError(f"{section}: no such section; there are {', '.join(sorted(known))}")
        if not isinstance(values, dict):
            raise ConfigError(f"{section} = {values!r}: expected a section, [{section}]")
        for key in values:
            if key not in known[section]:
                names = ", ".join(sorted(known[section]))
                raise ConfigError(f"{section}.{key}: no such setting; [{section}] has {names}")


def _explain(message: str, settings: abc.Mapping[str, Any]) -> str:
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
        names = re.findall(r"'(\w+)'", str(get_type_hints(type_of[section])[key]))
        reason = f"expected one of {', '.join(map(repr, names))}"
    return f"{section}.{key} = {settings[section][key]!r}: {reason}"
