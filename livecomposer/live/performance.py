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
        phrase: what was played and is still to be answered, if anything.
        quiet_since: when the last note ended.
    """

    def __init__(self, quiet_since: int) -> None:
        self.phrase: Phrase | None = None
        self.quiet_since = quiet_since
        self._hands, self._keys = Hands(), KeyFinder()
        self._last_touch = Touch()
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
            self._hands, self.phrase = Hands(), None
            self.quiet_since = max(self.quiet_since, event.tick)
            return False
        sounded = self.held
        ended = self._hands.take(event)
        if self.phrase:
            self.phrase.end(event.tick, ended)
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
            self.phrase = None
        begins = self.phrase is None
        if self.phrase is None:
            self.phrase = Phrase()
        self.phrase.begin(event)
        return begins

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
        """That of the last phrase."""
        if self.phrase:
            self._last_touch = self.phrase.touch
        return self._last_touch

    def density(self, tick: int) -> float:
        """How many onsets there have been a tick, lately."""
        recent = sum(1 for onset in self._recent if onset >= tick - _RECENT)
        return recent / _RECENT
