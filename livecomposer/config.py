"""Settings as frozen values, each checked. Lengths are given in beats, and kept in ticks."""

from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from msgspec import Meta, Struct

from livecomposer.config_instrument import ControlsSection, ListenSection, check_range
from livecomposer.music.constraints import Constraints
from livecomposer.music.keys import Key, parse_key
from livecomposer.music.tempo import GRID, TICKS_PER_BEAT, parse_beats, spell_beats
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.tokens import parse_pitch
from livecomposer.wording import spell

BEST = "best.weights.h5"
"""The weights in a training run's folder that are played."""


GRIDS = (TICKS_PER_BEAT, GRID, TICKS_PER_BEAT // 3, TICKS_PER_BEAT // 4)
"""What onsets of the machine's may be multiples of, in ticks."""


ModeName = Literal["call-response", "duet", "fill", "solo", "listen"]
"""How turns are taken: see `livecomposer.live.modes`."""


class Ticks(int):
    """A length, given in beats in the file, in ticks."""


class AnswerLength(Ticks):
    """How long an answer lasts; as "match" in the file, `MATCH`."""


MATCH = AnswerLength(-1)
"""As long as what is answered."""


class PortsSection(Struct, frozen=True, forbid_unknown_fields=True):
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


class ClockSection(Struct, frozen=True, forbid_unknown_fields=True):
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
            raise ValueError(f"port = {spell(self.port)}, expected '' unless clock.source = 'midi'")
        if self.send and self.anchor != "fixed":
            raise ValueError(
                "send = True, expected False unless clock.anchor = 'fixed': "
                "those that follow can't jump to your first note"
            )

    @property
    def bars(self) -> bool:
        """Whether another counts bars."""
        return self.source != "internal"


class JamSection(Struct, frozen=True, forbid_unknown_fields=True):
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
    primer: str
    memory_from: str

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


class SamplingSection(Struct, frozen=True, forbid_unknown_fields=True):
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
                f"key = {spell(self.key)}, expected 'off', 'auto' or a key: {error}"
            ) from None
        check_range(self)
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


def default_recordings() -> Path:
    """The folder of recordings, unless the settings name another."""
    return platformdirs.user_music_path() / "livecomposer"


class RecordSection(Struct, frozen=True, forbid_unknown_fields=True):
    """Where jams are recorded."""

    folder: Annotated[str, Meta(min_length=1)]
    max_mb: Annotated[float, Meta(gt=0, le=1000)]

    def __post_init__(self) -> None:
        try:
            self.path  # noqa: B018 - looked up
        except RuntimeError as error:
            raise ValueError(f"folder = {spell(self.folder)}: {error}") from None

    @property
    def path(self) -> Path | None:
        """The folder; None for none."""
        if self.folder == "auto":
            return default_recordings()
        return None if self.folder == "off" else Path(self.folder).expanduser()


class MonitorSection(Struct, frozen=True, forbid_unknown_fields=True):
    """The page that shows a jam."""

    enabled: bool
    port: Annotated[int, Meta(ge=1024, le=65_535)]


class ModelSection(Struct, frozen=True, forbid_unknown_fields=True):
    """What is played from."""

    weights: Annotated[str, Meta(min_length=1)]
    others: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=15)]
    engine: Literal["numpy", "keras"]


class TokeniserSection(Struct, frozen=True, forbid_unknown_fields=True):
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


class TrainingSection(Struct, frozen=True, forbid_unknown_fields=True):
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

    ports: PortsSection
    listen: ListenSection
    clock: ClockSection
    jam: JamSection
    sampling: SamplingSection
    controls: ControlsSection
    record: RecordSection
    monitor: MonitorSection
    model: ModelSection
    tokeniser: TokeniserSection
    training: TrainingSection

    def __post_init__(self) -> None:
        for name in ("tempo", "tap"):
            text = getattr(self.controls, name)
            if self.clock.source != "internal" and text != "off":
                raise ValueError(
                    f"controls.{name} = {text!r}, expected 'off' where another gives the beat "
                    f"(clock.source = {self.clock.source!r})"
                )


def _within(name: str, ticks: int, low: float, high: float) -> None:
    if not parse_beats(low) <= ticks <= parse_beats(high):
        raise ValueError(f"{name} = {spell_beats(ticks)}, expected {low} to {high} beats")
