"""What the player does: the phrase under way, its touch, what is held, the key, how dense it is."""

from collections import deque

from livecomposer.live.hands import Hands
from livecomposer.live.phrase import TOGETHER, Phrase, Touch
from livecomposer.music.events import Event, NoteOn, Stop
from livecomposer.music.keys import Key, KeyFinder
from livecomposer.music.tempo import TICKS_PER_BEAT

_RECENT = 2 * TICKS_PER_BEAT
"""How far back the density is told from."""


class Performance:
    """The player's part. Positions are ticks.

    Args:
        quiet_since: when a note is to have ended last.

    Attributes:
        quiet_since: when the last note ended.
    """

    def __init__(self, quiet_since: int) -> None:
        self.quiet_since = quiet_since
        self._phrase: Phrase | None = None
        self._touch_before = Touch()  # that of what was before the phrase
        self._hands, self._keys = Hands(), KeyFinder()
        self._recent: deque[int] = deque()  # the last onsets

    def hear(self, event: Event, silence: int | None = None) -> bool:
        """Take an event. After a stop nothing is held any more, and nothing to be answered.

        Args:
            event: the next.
            silence: how much of it begins a new phrase; None for no matter how much.

        Returns:
            Whether a phrase begins.
        """
        if isinstance(event, Stop):
            self._hands = Hands()
            self.drop_phrase()
            self.quiet_since = max(self.quiet_since, event.tick)
            return False
        sounded = self.held
        ended = self._hands.take(event)
        if self._phrase:
            self._phrase.end(event.tick, ended)
        if sounded and not self.held:
            self.quiet_since = event.tick
        if not isinstance(event, NoteOn):
            return False
        self._keys.hear(event.tick, event.pitch)
        if not self._recent or event.tick - self._recent[-1] >= TOGETHER:
            self._recent.append(event.tick)
        while self._recent[0] < event.tick - _RECENT:
            self._recent.popleft()
        if silence is not None and not sounded and event.tick - self.quiet_since >= silence:
            self.drop_phrase()
        begins = self._phrase is None
        if self._phrase is None:
            self._phrase = Phrase()
        self._phrase.begin(event)
        return begins

    def drop_phrase(self) -> None:
        """What was played is answered, or not to be."""
        self._touch_before, self._phrase = self.touch, None

    @property
    def phrase(self) -> Phrase | None:
        """What was played and is still to be answered, if anything."""
        return self._phrase

    @property
    def held(self) -> bool:
        """Whether a key or a pedal holds a note."""
        return self._hands.sounding

    @property
    def pedal(self) -> bool:
        """Whether a pedal is down."""
        return self._hands.pedal

    @property
    def key(self) -> Key | None:
        """The key that is played in, if it can be told."""
        return self._keys.key

    @property
    def touch(self) -> Touch:
        """That of the phrase, or else of the one before."""
        return (self._phrase and self._phrase.touch) or self._touch_before

    def density(self, tick: int) -> float:
        """How many onsets there have been a tick, lately."""
        recent = sum(1 for onset in self._recent if onset >= tick - _RECENT)
        return recent / _RECENT
