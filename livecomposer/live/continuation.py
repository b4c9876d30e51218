"""What the model hears and what it would play next, one onset at a time, on the grid.

Holds the context, the engine's state and the sampling. Knows nothing of turns, time or MIDI.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from livecomposer.config import Sampling
from livecomposer.model.bundle import Array, Bundle
from livecomposer.model.engine import StepEngine
from livecomposer.music.constraints import NO_GAP, Allowed, Masks
from livecomposer.music.keys import Key
from livecomposer.music.sampling import sample
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokens import Token
from livecomposer.music.vocabulary import START

Pitches = tuple[int, ...]

Onset = tuple[int, Pitches]
"""A tick and the pitches that begin there."""

Drawn = TypeVar("Drawn")

_LEAST = 1e-12
"""A probability that is as good as none."""


@dataclass(frozen=True, slots=True)
class Memento:
    """A `Continuation` as it was: everything but the rng."""

    context: tuple[int, ...]
    steps: int
    nats: float
    engine: Any
    probs: Array


class Continuation:
    """Continues a stream of tokens.

    Args:
        bundle: vocabulary and context length.
        engine: the bundle's network; it is primed with the start of a piece.
        sampling: temperature and the like.
        rng: where chance comes from.

    Attributes:
        context: the ids of the last tokens, as many as the bundle's context.
        reduced: how many tokens heard were outside the vocabulary.
        steps: how many the engine has taken since its state was last built from the context.
        nats: the loss of all tokens heard and drawn.
    """

    def __init__(
        self, bundle: Bundle, engine: StepEngine, sampling: Sampling, rng: np.random.Generator
    ) -> None:
        self._vocabulary, self._engine, self._rng = bundle.vocabulary, engine, rng
        self._timing = bundle.tokeniser
        self.context: deque[int] = deque([START], maxlen=bundle.architecture.context)
        self.reduced = 0
        self.steps = 0
        self.nats = 0.0
        self._key: Key | None = None
        self._probs = engine.prime([START])
        self._gaps = np.isin(np.arange(len(bundle.vocabulary)), list(bundle.vocabulary.gaps))
        self._next = bundle.vocabulary.onsets | self._gaps  # what may follow a whole chord
        self.constrain(sampling)

    def constrain(self, sampling: Sampling) -> None:
        """Draw by other settings from here on.

        Raises:
            NothingAllowedError: they leave no note to play; those before are kept.
        """
        self._masks = Masks(self._vocabulary, self._timing, sampling.constraints(self._key))
        self._sampling = sampling

    def follow(self, key: Key | None) -> None:
        """Take note of the key that is played in; `key = "auto"` keeps to it."""
        if key != self._key:
            self._key = key
            if self._sampling.key == "auto":
                self.constrain(self._sampling)

    def hear(self, token: Token) -> None:
        """Take a token that was played."""
        self.reduced += token not in self._vocabulary
        for token_id in self._vocabulary.ids([token]):
            self._take(token_id)

    @property
    def grid(self) -> int:
        """What onsets are multiples of, in ticks."""
        return int(self._sampling.grid)

    @property
    def transpose(self) -> int:
        """How many semitones above its pitches a chord is to sound."""
        return self._sampling.transpose

    def repose(self, tick: int, pitches: Pitches) -> int:
        """How well music ends with an onset of the machine's: 0 to 3.

        On a strong beat, the first or third of four; with its highest note one that its key rests
        on; and in that key altogether. Where no key can be told, only the beat counts.
        """
        key = self._sampling.constraints(self._key).key or self._key
        strong = tick % (2 * TICKS_PER_BEAT) == 0
        if key is None or not pitches:
            return int(strong)
        classes = {(pitch + self.transpose) % 12 for pitch in pitches}
        stable = (pitches[-1] + self.transpose) % 12 in key.stable
        return strong + stable + (classes <= key.classes)

    def chance(self) -> float:
        """A number from 0 to 1, drawn from the same source as all else."""
        return float(self._rng.random())

    def refresh(self) -> None:
        """Forget, also in the engine's state, what has left the context."""
        if self.steps and len(self.context) == self.context.maxlen:
            self._probs = self._engine.prime(list(self.context))
            self.steps = 0

    def draw_chord(self) -> Pitches:
        """What to play now."""
        return self._draw(self._draw_chord)

    def draw_onset(self, last: int, earliest: int) -> Onset | None:
        """What to play next, and when.

        Args:
            last: the last onset.
            earliest: no onset may come before this.

        Returns:
            None where no gap leads there.
        """
        allowed, steps = self._masks.after(last, earliest)
        if not steps:
            return None

        def draw(chords: Allowed) -> Onset:
            token_id = self._sample(allowed & (chords | self._gaps))
            if token_id not in self._vocabulary.gaps:
                return last + steps[NO_GAP], self._with_joined(token_id)
            self._take(token_id)
            return last + steps[token_id], self._draw_chord(chords)

        return self._draw(draw)

    def save(self) -> Memento:
        """What to go back to, should what is drawn next never sound."""
        state = self._engine.save()
        return Memento(tuple(self.context), self.steps, self.nats, state, self._probs)

    def restore(self, memento: Memento) -> None:
        """Go back to a memento."""
        self.context.clear()
        self.context.extend(memento.context)
        self.steps, self.nats, self._probs = memento.steps, memento.nats, memento.probs
        self._engine.restore(memento.engine)

    def _draw(self, draw: Callable[[Allowed], Drawn]) -> Drawn:
        """Draw with all chords that are allowed; again without the one that is worn out."""
        chords, worn_out = self._masks.chords, self._worn_out()
        before = self.save() if worn_out else None
        drawn = draw(chords)
        if before and self._recent_chords()[-1:] == [worn_out]:
            fewer = chords.copy()
            fewer[worn_out[0]] = False
            if fewer.any():  # else there is no other
                self.restore(before)
                drawn = draw(fewer)
        return drawn

    def _draw_chord(self, chords: Allowed) -> Pitches:
        return self._with_joined(self._sample(chords))

    def _with_joined(self, token_id: int) -> Pitches:
        """The pitches of a chord that was drawn, and of the notes that join it from there up."""
        self._take(token_id)
        pitches = self._vocabulary.chords[token_id].pitches
        joined = self._masks.joined
        largest = self._sampling.largest_chord
        while len(pitches) < largest and (above := joined > pitches[-1]).any():
            # Whatever else is drawn means that none joins; what then comes is drawn in its time.
            token_id = self._sample(above | self._next)
            if token_id not in self._vocabulary.joined:
                break
            self._take(token_id)
            pitches += (self._vocabulary.joined[token_id].pitch,)
        return pitches

    def _sample(self, allowed: Allowed) -> int:
        temperature, top_p = self._sampling.temperature, self._sampling.top_p
        return sample(self._probs, allowed, self._rng, temperature=temperature, top_p=top_p)

    def _worn_out(self) -> tuple[int, ...]:
        """The last chord, in ids, if it has followed itself often enough."""
        run = self._recent_chords()[-self._sampling.max_repeats - 1 :]
        return run[-1] if len(run) > self._sampling.max_repeats and len(set(run)) == 1 else ()

    def _recent_chords(self) -> list[tuple[int, ...]]:
        """The chords of the context, in ids."""
        recent: list[tuple[int, ...]] = []
        for token_id in self.context:
            if token_id in self._vocabulary.chords:
                recent.append((token_id,))
            elif token_id in self._vocabulary.joined and recent:
                recent[-1] += (token_id,)
        return recent

    def _take(self, token_id: int) -> None:
        self.nats -= math.log(max(float(self._probs[token_id]), _LEAST))
        self.context.append(token_id)
        self.steps += 1
        self._probs = self._engine.step(token_id)
