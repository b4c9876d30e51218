"""How answers end, as they come and where several ways to end were tried."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from livecomposer.evaluation.continuations import Stretch, events_of
from livecomposer.evaluation.resemblance import key_of
from livecomposer.live.continuation import Continuation
from livecomposer.live.offline import prime
from livecomposer.music.keys import KeyFinder
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokeniser import TokeniserSettings

ANSWER = 16 * TICKS_PER_BEAT


class Endings(Struct, frozen=True):
    """Answers of 16 beats to primers, in figures. Shares are of 1.

    Attributes:
        on_strong_beat: the share whose last onset is on the first or third of four beats.
        on_stable_note: the share whose last onset has a note of the tonic's triad on top, in the
            key of the primer's end.
        in_key: the share whose last onset is in that key.
        well: the share with all three.
        key_agreement: the share that is in the primer's key, by music21's key analysis.
        nats_per_onset: the loss of what was played, as it was drawn.
    """

    on_strong_beat: float
    on_stable_note: float
    in_key: float
    well: float
    key_agreement: float
    nats_per_onset: float


def measure_endings(
    primers: Sequence[Stretch],
    fresh: Callable[[], Continuation],
    settings: TokeniserSettings,
    ways: int,
) -> Endings:
    """Let the machine answer each primer, and look at how it ends.

    Args:
        primers: one or more.
        fresh: gives a continuation that has heard nothing.
        settings: the tokeniser's.
        ways: how many ways to end are tried.
    """
    strong = stable = in_key = well = agreed = onsets = 0
    nats = 0.0
    for primer in primers:
        continuation, keys, events = fresh(), KeyFinder(), events_of(primer)
        for event in events:
            keys.hear(event.tick, event.pitch)
        primed = prime(events, continuation, settings)
        nats -= continuation.nats
        notes = primed.go_on(length=ANSWER, max_duration=TICKS_PER_BEAT, ways=ways)
        nats += continuation.nats
        onsets += len(notes)
        last, key = notes[-1], keys.key
        on_beat = last.onset % (2 * TICKS_PER_BEAT) == 0
        at_rest = key is not None and last.pitches[-1] % 12 in key.stable
        inside = key is not None and {pitch % 12 for pitch in last.pitches} <= key.classes
        strong, stable, in_key = strong + on_beat, stable + at_rest, in_key + inside
        well += on_beat and at_rest and inside
        agreed += key_of([(note.onset, note.pitches) for note in notes]) == key_of(primer)
    number = len(primers)
    return Endings(
        on_strong_beat=strong / number,
        on_stable_note=stable / number,
        in_key=in_key / number,
        well=well / number,
        key_agreement=agreed / number,
        nats_per_onset=nats / onsets,
    )
