"""The notes of a recording, read by a process of its own that is held to a time and to memory."""

import subprocess
import sys

import msgspec
from msgspec import Struct

from livecomposer import children
from livecomposer.wording import brief

_PATIENCE_S = 60


class Notes(Struct, frozen=True):
    """What a recording has.

    Attributes:
        seconds: when the last note ends.
        notes: part (0 for the player, 1 for the machine), begin and end in seconds, pitch,
            velocity.
    """

    seconds: float
    notes: list[tuple[int, float, float, int, int]]


class UnreadableError(ValueError):
    """It can't be read; the message says why."""


def read_apart(content: bytes) -> Notes:
    """Read a MIDI file of unknown origin.

    Raises:
        UnreadableError: it is not sound, or takes too much.
    """
    try:
        process = children.start(__name__, stdout=subprocess.PIPE)
    except OSError as error:
        raise UnreadableError(f"no process to read it can be started: {error.strerror}") from None
    try:
        answer, _ = process.communicate(content, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise UnreadableError(f"it takes more than {_PATIENCE_S} s to read") from None
    if process.returncode == 0:
        return msgspec.json.decode(answer, type=Notes)
    raise UnreadableError(answer.decode() or "what read it broke, or took too long")


def main() -> None:
    """Read a file, as the process does that is started for it."""
    content = sys.stdin.buffer.read()
    from livecomposer.midi.files import MidiFileError
    from livecomposer.training.limits import allowance, held_to

    try:
        with held_to(allowance(".mid", len(content))):
            sys.stdout.buffer.write(msgspec.json.encode(_read(content)))
    except MemoryError:
        sys.exit(_refuse("it takes too much memory to read"))
    except MidiFileError as error:
        sys.exit(_refuse(brief(error)))


def _read(content: bytes) -> Notes:
    from livecomposer.render import bars_of, parts_of

    parts = parts_of(content)
    times, division = parts[0].tempo_map, parts[0].division

    def seconds(beat: float) -> float:
        return round(times.ns_at(round(beat * division), division) / 1e9, 4)

    notes = [
        (number, seconds(bar.begin), seconds(bar.begin + bar.length), bar.pitch, bar.velocity)
        for number, part in enumerate(parts)
        for bar in bars_of(part)
    ]
    notes.sort(key=lambda note: note[1])
    return Notes(max((note[2] for note in notes), default=0.0), notes)


def _refuse(reason: str) -> int:
    sys.stdout.write(reason)
    return 1


if __name__ == "__main__":
    main()
