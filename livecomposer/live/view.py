"""How a jam stands, for those who look on."""

from typing import Literal, NamedTuple

from livecomposer.config import ModeName
from livecomposer.live.continuation import Onset, Pitches
from livecomposer.music.keys import Key


class View(NamedTuple):
    """The music: who plays what.

    Attributes:
        mode: how turns are taken.
        turn: who plays; "" for neither.
        key: that is played in, if it can be told.
        onsets: the last ones: what the player and the machine began at each.
        context: how many tokens the model goes by, and how many it can.
        levels: the player's mean velocity in the last phrase, and the machine's last velocity, 0
            before the first.
    """

    mode: ModeName
    turn: Literal["player", "livecomposer", ""]
    key: Key | None
    onsets: list[tuple[Pitches, Pitches]]
    context: tuple[int, int]
    levels: tuple[int, int]


class Outlook(NamedTuple):
    """What a model goes by, and what may come.

    Attributes:
        tokens: the last ones of the context, spelled.
        candidates: the likeliest tokens to come after what is drawn, with their probabilities, as
            the model and the memory have them: before any constraint.
        ahead: onsets that are drawn: what is about to be played.
    """

    tokens: list[str]
    candidates: list[tuple[str, float]]
    ahead: list[Onset]
