"""Turn-taking: the sans-I/O core of a jam. `hear` what is played, `advance` time, get notes.

Call and response. While the player plays, every token advances the model. When no key is held,
no pedal holds a note, and all has been silent for `phrase_end`, the answer begins at the next slot
of the grid and lasts as long as the phrase did. The player's first note ends it at once. Positions
are ticks, given from outside; nothing here waits, sends or reads a clock.
"""

from livecomposer.config import Jam
from livecomposer.live.answer import Answer
from livecomposer.live.continuation import Continuation
from livecomposer.music.events import AllNotesOff, Event, Note, NoteOff, NoteOn, Stop, Sustain
from livecomposer.music.tempo import GRID, TICKS_PER_BEAT, ceil_to, snap
from livecomposer.music.tokeniser import Tokeniser, TokeniserSettings

LEAD = TICKS_PER_BEAT // 12
"""Notes are handed over so many ticks before they are due."""


class Composer:
    """Listens and answers.

    Args:
        continuation: the model's part.
        tokeniser: the settings that its weights were trained with.
        settings: how turns are taken.
    """

    def __init__(
        self, continuation: Continuation, tokeniser: TokeniserSettings, settings: Jam
    ) -> None:
        self._continuation, self._settings = continuation, settings
        self._tokeniser = Tokeniser(tokeniser)
        self._hands = _Hands()
        self._phrase: _Phrase | None = None
        self._answer: Answer | None = None
        self._silent_since = -settings.phrase_end  # when the last sound of either part ended
        self._now = 0

    def interrupt(self, event: Event) -> bool:
        """End the answer, if this event of the player's does. It is still to be heard.

        Returns:
            Whether it did: what was handed over and is still to sound, must not.
        """
        return isinstance(event, NoteOn | Stop) and self._end_answer(event.tick)

    def hear(self, event: Event) -> None:
        """Take an event of the player's."""
        self.interrupt(event)
        if isinstance(event, Stop):
            self._stop(event.tick)
            return
        sounded = self._hands.sounding
        self._hands.take(event)
        if sounded and not self._hands.sounding:
            self._silent_since = event.tick
        if isinstance(event, NoteOn):
            if self._phrase is None:
                self._continuation.refresh()
                self._phrase = _Phrase(event.tick)
            self._phrase.add(event)
        for token in self._tokeniser.feed(event):
            self._continuation.hear(token)

    def advance(self, tick: int) -> list[Note]:
        """Let time come to `tick`; return the notes that begin within `LEAD` ticks from there."""
        self._now = tick
        if self._phrase and not self._hands.sounding and tick + LEAD >= self._slot():
            self._begin_answer(self._slot())
        if self._answer is None:
            return []
        notes = self._answer.notes_until(tick + LEAD)
        if tick >= self._answer.end:
            self._end_answer(self._answer.end)
        return notes

    def next_tick(self) -> int | None:
        """When to call `advance` next, if nothing is heard before; None if not before then."""
        if self._answer:
            onset, end = self._answer.next_onset, self._answer.end
            return onset - LEAD if onset < end else end
        if self._phrase and not self._hands.sounding:
            return self._slot() - LEAD
        return None

    def silent(self, tick: int) -> bool:
        """Whether neither part has sounded for `phrase_end`, and none is about to."""
        over = self._phrase is None and self._answer is None
        return over and tick - self._silent_since >= self._settings.phrase_end

    def _slot(self) -> int:
        """The first slot where an answer to the phrase may begin.

        A key that is let go a hair late is no reason to wait for half a beat more.
        """
        return ceil_to(max(self._silent_since + self._settings.phrase_end - LEAD, self._now), GRID)

    def _begin_answer(self, start: int) -> None:
        assert self._phrase is not None  # noqa: S101 - only a phrase is answered
        lasted = snap(self._silent_since - self._phrase.start, GRID)
        length = min(max(lasted, self._settings.min_response), self._settings.max_response)
        velocity = self._phrase.loudness
        self._end_phrase()
        self._answer = Answer(
            self._continuation,
            self._tokeniser,
            start,
            start + length,
            max_duration=self._settings.max_duration,
            velocity=velocity,
        )

    def _stop(self, tick: int) -> None:
        """Forget what is going on."""
        self._hands = _Hands()
        self._end_phrase()
        self._silent_since = max(self._silent_since, tick)

    def _end_phrase(self) -> None:
        for token in self._tokeniser.flush():
            self._continuation.hear(token)
        self._phrase = None

    def _end_answer(self, tick: int) -> bool:
        """What would have begun at `tick` or later, never was. Returns whether there was any."""
        if self._answer is None:
            return False
        self._answer.end_at(tick)
        self._answer = None
        self._silent_since = max(self._silent_since, tick)
        return True


class _Phrase:
    """The player's turn: where it began, and how loud it was."""

    def __init__(self, start: int) -> None:
        self.start = start
        self._velocities, self._notes = 0, 0

    def add(self, note: NoteOn) -> None:
        self._velocities += note.velocity
        self._notes += 1

    @property
    def loudness(self) -> int:
        return round(self._velocities / self._notes)


class _Hands:
    """Which notes the player's keys and pedals hold."""

    def __init__(self) -> None:
        self._keys: set[tuple[int, int]] = set()  # channel, pitch
        self._released: set[tuple[int, int]] = set()  # but held by the pedal
        self._pedals: set[int] = set()

    @property
    def sounding(self) -> bool:
        return bool(self._keys or self._released)

    def take(self, event: NoteOn | NoteOff | Sustain | AllNotesOff) -> None:
        channel = event.channel
        match event:
            case NoteOn():
                self._keys.add((channel, event.pitch))
            case NoteOff():
                if (channel, event.pitch) in self._keys and channel in self._pedals:
                    self._released.add((channel, event.pitch))
                self._keys.discard((channel, event.pitch))
            case Sustain(down=True):
                self._pedals.add(channel)
            case _:
                self._pedals.discard(channel)
                self._released = {held for held in self._released if held[0] != channel}
        if isinstance(event, AllNotesOff):
            self._keys = {held for held in self._keys if held[0] != channel}
