"""Standard MIDI files: read with suspicion, written simply.

Positions here are a file's own ticks, of 1/`division` beat. Reading is bounded by what is looked
at before anything is parsed, so that a file may be read in the process that plays.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from struct import Struct

import mido

from livecomposer.atomic import whole_file
from livecomposer.music.events import DRUM_CHANNEL
from livecomposer.music.tempo import TempoMap

MAX_BEATS = 100_000
"""The longest piece that is read: over 13 hours at 120 BPM."""

MAX_BYTES = 2_000_000
"""The largest file that is read: some ten hours of dense playing. At worst, where a
message has only two bytes, reading takes 4.5 s and 445 MB; where all are notes, 3.4 s, 305 MB."""

MAX_TRACKS = 1_000

WRITTEN_DIVISION = 480
"""Ticks per beat of the files that are written: 20 to a tick of the core."""


_HEADER = Struct(">4sLHHh")  # with its length, the type, the number of tracks, the division
_CHUNK = Struct(">4sL")

# A variable-length quantity has four bytes at most, and mido takes any number, in quadratic time.
# No text or binary data has so many bytes without a 7-bit one between them.
_ENDLESS = re.compile(rb"[\x80-\xff]{4000}")


class MidiFileError(ValueError):
    """A file is not a MIDI file that can be used; the message says why, without its name."""


@dataclass(frozen=True, slots=True)
class MidiFile:
    """What a file holds.

    Attributes:
        division: its ticks per beat.
        messages: (position, message) of all tracks in order; the ends of earlier notes
            come before other messages of the same position. No meta messages.
        tempo_changes: (position, microseconds per beat), in order.
        tracks: the tracks' names, "" for one without.
        texts: text events, of all tracks.
        markers: (position, text), of all tracks.
    """

    division: int
    messages: list[tuple[int, mido.Message]]
    tempo_changes: list[tuple[int, int]]
    tracks: list[str]
    texts: list[str]
    markers: list[tuple[int, str]]

    @property
    def tempo_map(self) -> TempoMap:
        """Positions <-> nanoseconds."""
        return TempoMap(self.division, self.tempo_changes)


@dataclass(frozen=True, slots=True)
class TimedNote:
    """A note to be written: ticks of 1/`WRITTEN_DIVISION` beat, MIDI numbers."""

    onset: int
    end: int
    pitch: int
    velocity: int
    channel: int = 0


def read_midi(source: Path | bytes, *, tracks: Collection[str] | None = None) -> MidiFile:
    """Read a MIDI file of type 0 or 1.

    Args:
        source: the file, or what is in it.
        tracks: take the messages of tracks with these names only.

    Raises:
        MidiFileError: it can't be read, is empty, isn't MIDI, is cut off, counts time in a way
            that has no beats, is longer than `MAX_BEATS`, or has more than `MAX_BYTES` or
            `MAX_TRACKS`.
    """
    parsed = _parse(source)
    division = parsed.ticks_per_beat
    ranked: list[tuple[int, int, mido.Message]] = []  # with which comes first in a place
    metas: defaultdict[str, list[tuple[int, mido.MetaMessage]]] = defaultdict(list)  # by type
    end = 0
    for each in parsed.tracks:
        position = 0
        begun: dict[tuple[int, int], int] = {}  # (channel, note): where it last began
        left_out = tracks is not None and each.name not in tracks
        for message in each:
            position += message.time
            if message.is_meta:
                metas[message.type].append((position, message))
            elif left_out:
                continue
            elif is_note_off(message):
                # The end of a note without length comes after its beginning.
                rank = 2 if begun.get((message.channel, message.note)) == position else 0
                ranked.append((position, rank, message))
            else:
                if message.type == "note_on":
                    begun[message.channel, message.note] = position
                ranked.append((position, 1, message))
        end = max(end, position)
    if end > MAX_BEATS * division:
        raise MidiFileError(f"it is longer than {MAX_BEATS:,} beats")
    ranked.sort(key=lambda row: row[:2])
    for events in metas.values():
        events.sort(key=lambda event: event[0])
    return MidiFile(
        division,
        messages=[(position, message) for position, _, message in ranked],
        tempo_changes=[(position, meta.tempo) for position, meta in metas["set_tempo"]],
        tracks=[each.name for each in parsed.tracks],
        texts=[meta.text for _, meta in metas["text"]],
        markers=[(position, meta.text) for position, meta in metas["marker"]],
    )


def _parse(source: Path | bytes) -> mido.MidiFile:
    try:
        content = source if isinstance(source, bytes) else _read(source)
        return mido.MidiFile(file=BytesIO(_header_and_tracks(content)))
    except MidiFileError:
        raise
    except EOFError:
        raise MidiFileError("it is cut off, or not a MIDI file") from None
    except Exception as error:  # the parser's exceptions on bad bytes are not listed
        reason = getattr(error, "strerror", None) or f"it is not a sound MIDI file ({error})"
        raise MidiFileError(reason) from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _header_and_tracks(content: bytes) -> bytes:
    """What mido is to read of a file: no chunks of kinds that the standard doesn't know.

    Raises:
        MidiFileError: by its size, header or chunks, it is not to be read.
    """
    if not content:
        raise MidiFileError("the file is empty")
    if len(content) > MAX_BYTES:
        raise MidiFileError(f"it has more than {MAX_BYTES:,} bytes")
    if _ENDLESS.search(content):
        raise MidiFileError("it is not a sound MIDI file (it has a number without end)")
    size, count = _header(content)
    parts, at = [content[:size]], size
    while len(parts) <= count:
        if len(content) < at + _CHUNK.size:
            raise MidiFileError(f"it is cut off after {len(parts) - 1} of {count} tracks")
        name, size = _CHUNK.unpack_from(content, at)
        end = at + _CHUNK.size + size
        if len(content) < end:
            raise MidiFileError(f"it is cut off {end - len(content):,} bytes before a chunk's end")
        if name == b"MTrk":
            parts.append(content[at:end])
        at = end
    return b"".join(parts)


def _header(content: bytes) -> tuple[int, int]:
    """How many bytes a file's header has, and how many tracks it tells of."""
    if not content.startswith(b"MThd"):
        raise MidiFileError("it is not a sound MIDI file (it doesn't begin with MThd)")
    if len(content) < _HEADER.size:
        raise MidiFileError("it is cut off in its header")
    _, size, kind, count, division = _HEADER.unpack_from(content)
    if size < _HEADER.size - _CHUNK.size:
        raise MidiFileError(f"its header has {size} bytes, expected 6")
    if division <= 0:
        raise MidiFileError(f"its division is {division}, expected 1 to 32767 ticks per beat")
    if kind not in (0, 1):
        raise MidiFileError(f"its type is {kind}, expected 0 or 1")
    if not 1 <= count <= MAX_TRACKS:
        raise MidiFileError(f"it says it has {count:,} tracks, expected 1 to {MAX_TRACKS:,}")
    return _CHUNK.size + size, count


def is_note_off(message: mido.Message) -> bool:
    """Whether a message ends a note, in either of MIDI's two ways."""
    return bool(message.type == "note_off" or (message.type == "note_on" and message.velocity == 0))


def is_note_on(message: mido.Message) -> bool:
    """Whether a message begins a note that is heard: drums are not."""
    return bool(
        message.type == "note_on" and message.velocity > 0 and message.channel != DRUM_CHANNEL
    )


def write_midi(
    path: Path,
    tracks: Sequence[tuple[str, Iterable[TimedNote]]],
    tempo_changes: Iterable[tuple[int, int]] = (),
) -> None:
    """Write a type-1 file: a tempo track, then each named track.

    Args:
        path: where to.
        tracks: (name, notes) each.
        tempo_changes: (tick of 1/`WRITTEN_DIVISION` beat, microseconds per beat).

    Raises:
        OSError: it can't be written.
    """
    parts = []
    for name, notes in tracks:
        timed = []
        for note in notes:
            on = {"note": note.pitch, "velocity": note.velocity, "channel": note.channel}
            off = {"note": note.pitch, "velocity": 0, "channel": note.channel}
            timed.append((note.onset, mido.Message("note_on", **on)))
            timed.append((note.end, mido.Message("note_off", **off)))
        # At the same tick, note-offs go first.
        timed.sort(key=lambda each: (each[0], each[1].type != "note_off"))
        parts.append((name, timed))
    write_messages(path, WRITTEN_DIVISION, parts, tempo_changes)


def write_messages(
    path: Path,
    division: int,
    tracks: Iterable[tuple[str, list[tuple[int, mido.Message]]]],
    tempo_changes: Iterable[tuple[int, int]] = (),
) -> None:
    """Write a type-1 file: a tempo track, then each named track.

    Args:
        path: where to.
        division: ticks per beat.
        tracks: (name, [(tick, message), ...]) each, in order of time.
        tempo_changes: (tick, microseconds per beat).

    Raises:
        OSError: it can't be written.
    """
    file = mido.MidiFile(type=1, ticks_per_beat=division)
    tempo = [(tick, mido.MetaMessage("set_tempo", tempo=us)) for tick, us in tempo_changes]
    file.tracks.append(_track(tempo))
    for name, timed in tracks:
        file.tracks.append(_track([(0, mido.MetaMessage("track_name", name=name)), *timed]))
    with whole_file(path) as opened:
        file.save(file=opened)


def _track(timed: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """A track of messages at absolute ticks."""
    track, now = mido.MidiTrack(), 0
    for tick, message in timed:
        track.append(message.copy(time=tick - now))
        now = tick
    return track
