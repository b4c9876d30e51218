"""What daemon, monitor and browser tell each other: JSON, each message with its `type`.

Between the daemon and the monitor's process each message is a line; between that and a browser,
one of a WebSocket's. Times are milliseconds of the daemon's monotonic clock. Positions and lengths
are beats. Pitches are 0-127, velocities 0-127, where 0 is a key that is let go.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Value = str | int | float | bool
"""A setting's, as it stands in a file of settings."""

Pitch = Annotated[int, Meta(ge=0, le=127)]
Velocity = Annotated[int, Meta(ge=0, le=127)]

Button = Literal["panic", "clear", "forget", "seed", "again", "tap"]
"""What can be pressed: `controls` of the same names in the settings."""


# From the daemon to all browsers.


class Opening(Struct, frozen=True, tag="opening", tag_field="type"):
    """The first message: what doesn't change.

    Attributes:
        version: livecomposer's.
        ports: the names of the input and of the output; empty where there are none.
        weights: the names of what can be played.
        leader: whose clock it is.
    """

    version: str
    ports: list[str]
    weights: list[str]
    leader: Literal["internal", "midi", "jack"]


class Planned(Struct, frozen=True):
    """Notes that are about to be played.

    Attributes:
        beat: where.
        length: how long; 0 where that isn't known yet.
        pitches: which.
    """

    beat: float
    length: float
    pitches: list[int]


class State(Struct, frozen=True, tag="state", tag_field="type"):
    """How the jam stands; some 20 times a second.

    Attributes:
        at_ms: the time.
        beat: the position then.
        tempo_bpm: beats per minute.
        running: whether the clock does: where another leads, whether it is followed.
        turn: who plays; "" for neither.
        key: that is played in; "" where it can't be told.
        context: the last tokens that the model goes by, and how many there are, and can be.
        context_size: how many tokens it goes by, and can go by.
        candidates: the likeliest tokens to come next, with their probabilities, as the model has
            them: before what is drawn keeps to a key, a range and the like.
        planned: what is about to be played.
        late_ms: how late messages went out: in the middle, and at most.
        skipped: how many notes were too late to begin.
        load: the share of a processor core that the daemon takes.
        settings: those that can be set, by section and key.
        muted: whether the machine is.
        recording: whether the jam is being recorded.
        listeners: who listens to the output; None where the MIDI system doesn't tell.
    """

    at_ms: float
    beat: float
    tempo_bpm: float
    running: bool
    turn: Literal["player", "livecomposer", ""]
    key: str
    context: list[str]
    context_size: tuple[int, int]
    candidates: list[tuple[str, float]]
    planned: list[Planned]
    late_ms: tuple[float, float]
    skipped: int
    load: float
    settings: dict[str, Value]
    muted: bool
    recording: bool
    listeners: list[str] | None


class Key(Struct, frozen=True, array_like=True):
    """A key that went down or up.

    Attributes:
        part: 0 for the player, 1 for the machine.
        at_ms: when; a machine's, when it is due, which may be a little ahead.
        beat: where.
        channel: 0-15.
        pitch: which.
        velocity: 0 for up.
    """

    part: int
    at_ms: float
    beat: float
    channel: int
    pitch: int
    velocity: int


class Keys(Struct, frozen=True, tag="keys", tag_field="type"):
    """What was played since the last such message, by both."""

    keys: list[Key]


class Refusal(Struct, frozen=True, tag="refusal", tag_field="type"):
    """A wish was refused; for the browser that asked.

    Attributes:
        browser: which; the monitor's own number.
        reason: in a line.
    """

    browser: int
    reason: str


FromDaemon = Opening | State | Keys | Refusal


# From a browser to the daemon.


class Set(Struct, frozen=True, tag="set", tag_field="type", forbid_unknown_fields=True):
    """Change a setting: one of `State.settings`."""

    setting: Annotated[str, Meta(max_length=40)]
    value: Annotated[str, Meta(max_length=100)] | int | float | bool


class Mute(Struct, frozen=True, tag="mute", tag_field="type", forbid_unknown_fields=True):
    """Let the machine be silent, or not."""

    on: bool


class Record(Struct, frozen=True, tag="record", tag_field="type", forbid_unknown_fields=True):
    """Begin a recording, or end it."""

    on: bool


class Press(Struct, frozen=True, tag="press", tag_field="type", forbid_unknown_fields=True):
    """Press a button."""

    button: Button


class Play(Struct, frozen=True, tag="play", tag_field="type", forbid_unknown_fields=True):
    """A key of the keyboard on the screen goes down, or up."""

    pitch: Pitch
    velocity: Velocity


Wish = Set | Mute | Record | Press | Play


# Between a browser and the monitor only.


class Enter(Struct, frozen=True, tag="enter", tag_field="type", forbid_unknown_fields=True):
    """A browser's first message.

    Attributes:
        token: from the page's address; a browser without the right one may watch only.
    """

    token: Annotated[str, Meta(max_length=200)]


class Welcome(Struct, frozen=True, tag="welcome", tag_field="type"):
    """The answer.

    Attributes:
        trusted: whether wishes are taken, and recordings shown.
    """

    trusted: bool


# Between the monitor's process and the daemon only.


class Begin(Struct, frozen=True, tag="begin", tag_field="type"):
    """The daemon's first line: what the monitor needs.

    Attributes:
        port: the first one to be tried; if it is taken, one of the next.
        token: guards what is more than watching.
        recordings: the folder.
    """

    port: int
    token: str
    recordings: str


class Ready(Struct, frozen=True, tag="ready", tag_field="type"):
    """The monitor's first line: the port that it listens on."""

    port: int


class Watched(Struct, frozen=True, tag="watched", tag_field="type"):
    """How many browsers look on: where there are none, nothing need be told."""

    browsers: int


class Wished(Struct, frozen=True, tag="wished", tag_field="type"):
    """What a browser wishes."""

    browser: int
    wish: Wish


class Left(Struct, frozen=True, tag="left", tag_field="type"):
    """A browser has gone: keys that it held are let go."""

    browser: int


FromMonitor = Ready | Watched | Wished | Left
