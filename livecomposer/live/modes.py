"""How turns are taken: when the machine may begin to play, and when it ends.

A mode looks at the situation, and remembers nothing: the same situation, the same turns. Positions
are ticks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livecomposer.config import MATCH, JamSection, ModeName
from livecomposer.live.phrase import Phrase
from livecomposer.music.tempo import BAR, GRID, TICKS_PER_BEAT, ceil_to, snap

SOON = TICKS_PER_BEAT // 4
"""What the machine takes to begin by itself."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a mode decides by.

    Attributes:
        phrase: what was played and is still to be answered, if anything.
        held: whether a key or a pedal holds a note.
        pedal: whether a pedal is down.
        quiet_since: when the player's last note ended.
        idle_since: when the machine's last line ended.
        settings: how the user wants it.
        bars: whether there are bars that others count.
    """

    phrase: Phrase | None
    held: bool
    pedal: bool
    quiet_since: int
    idle_since: int
    settings: JamSection
    bars: bool


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to take turns.

    Attributes:
        begins: from when on the machine may begin, if nothing else happens; None if not before.
        ends: when a line ends that begins, or began, at a tick; None if it doesn't by itself.
        yields: whether the machine falls silent when the player plays.
        thins: whether it plays less while the player plays much.
    """

    begins: Callable[[Situation], int | None]
    ends: Callable[[Situation, int], int | None]
    yields: bool = False
    thins: bool = False


def _after_phrase(situation: Situation) -> int | None:
    """A phrase of few onsets is over after twice the silence."""
    settings, phrase = situation.settings, situation.phrase
    if phrase is None or situation.held or situation.pedal:
        return None
    times = 1 if phrase.onsets >= settings.min_phrase else 2
    return situation.quiet_since + times * settings.phrase_end


def _as_long_as_phrase(situation: Situation, start: int) -> int:
    """Or as long as was asked for. Where there are bars, whole ones, if any are so long."""
    settings, phrase = situation.settings, situation.phrase
    if settings.answer != MATCH:
        return start + settings.answer
    length = situation.quiet_since - phrase.start if phrase else 0
    fewest = max(BAR, ceil_to(settings.min_response, BAR))
    most = settings.max_response // BAR * BAR
    if situation.bars and fewest <= most:
        return start + min(max(snap(length, BAR), fewest), most)
    return start + min(max(snap(length, GRID), settings.min_response), settings.max_response)


def _in_rests(situation: Situation) -> int | None:
    resting = situation.phrase and not situation.held
    return situation.quiet_since + GRID if resting else None


def _with_player(situation: Situation) -> int | None:
    """As soon as what was begun with is whole."""
    return situation.phrase.start + GRID if situation.phrase else None


def _when_left(situation: Situation, start: int) -> int | None:
    """A player who doesn't come back isn't waited for for ever."""
    if situation.held:
        return None
    return max(situation.quiet_since, start) + situation.settings.max_response


MODES: Mapping[ModeName, Mode] = {
    "call-response": Mode(_after_phrase, _as_long_as_phrase, yields=True),
    "fill": Mode(_in_rests, _when_left, yields=True),
    "duet": Mode(_with_player, _when_left, thins=True),
    "solo": Mode(lambda now: now.idle_since + SOON, lambda *_: None),
    "listen": Mode(lambda _: None, lambda _, start: start, yields=True),
}
