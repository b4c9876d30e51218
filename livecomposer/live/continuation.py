"""What the model hears and what it would play next, one onset at a time, on the grid.

Holds the context, the engine's state and the sampling. Knows nothing of turns, time or MIDI.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from livecomposer.config import Sampling
from livecomposer.model.bundle import Array, Bundle
from livecomposer.model.engine import StepEngine
from livecomposer.music.sampling import sample
from livecomposer.music.tempo import GRID
from livecomposer.music.tokeniser import Decoder
from livecomposer.music.tokens import Chord, Gap, Token
from livecomposer.music.vocabulary import START

Allowed = npt.NDArray[np.bool_]
"""(V,): which ids may be drawn."""

Onset = tuple[int, tuple[int, ...]]
"""A tick and the pitches that begin there."""


@dataclass(frozen=True, slots=True)
class Memento:
    """A `Continuation` as it was: everything but the rng."""

    context: tuple[int, ...]
    steps: int
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
    """

    def __init__(
        self, bundle: Bundle, engine: StepEngine, sampling: Sampling, rng: np.random.Generator
    ) -> None:
        self._vocabulary, self._engine = bundle.vocabulary, engine
        self._sampling, self._rng = sampling, rng
        self.context: deque[int] = deque([START], maxlen=bundle.architecture.context)
        self.reduced = 0
        self.steps = 0
        self._probs = engine.prime([START])
        self._chords = bundle.vocabulary.onsets
        self._next = self._chords.copy()  # what may follow a whole chord, on the grid or off
        self._next[list(bundle.vocabulary.gaps)] = True
        # From one slot of the grid to another: the unwritten gap is one slot.
        self._on_grid = self._chords.copy()
        for token_id, gap in bundle.vocabulary.gaps.items():
            self._on_grid[token_id] = gap.ticks % GRID == 0
        self._joined = np.full(len(bundle.vocabulary), -1)
        for token_id, note in bundle.vocabulary.joined.items():
            self._joined[token_id] = note.pitch

    def hear(self, token: Token) -> None:
        """Take a token that was played."""
        self.reduced += token not in self._vocabulary
        for token_id in self._vocabulary.ids([token]):
            self._take(token_id)

    def refresh(self) -> None:
        """Forget, also in the engine's state, what has left the context."""
        if self.steps and len(self.context) == self.context.maxlen:
            self._probs = self._engine.prime(list(self.context))
            self.steps = 0

    def begin(self, onset: int, gap: Gap | None) -> tuple[Decoder, Onset]:
        """Begin to play at `onset`, which comes `gap` after the last onset heard."""
        if gap:
            self.hear(gap)
        decoder = Decoder(onset)
        return decoder, self._draw(decoder, self._chords)

    def go_on(self, decoder: Decoder) -> Onset:
        """What to play next, after the last onset of `decoder`."""
        return self._draw(decoder, self._on_grid)

    def save(self) -> Memento:
        """What to go back to, should what is drawn next never sound."""
        return Memento(tuple(self.context), self.steps, self._engine.save(), self._probs)

    def restore(self, memento: Memento) -> None:
        """Go back to a memento."""
        self.context.clear()
        self.context.extend(memento.context)
        self.steps, self._probs = memento.steps, memento.probs
        self._engine.restore(memento.engine)

    def _draw(self, decoder: Decoder, allowed: Allowed) -> Onset:
        worn_out = self._worn_out()
        before = self.save() if worn_out else None
        tokens = self._draw_onset(allowed, self._chords)
        if before and self._recent_chords()[-1:] == [worn_out]:
            self.restore(before)
            lowest = worn_out[0]
            tokens = self._draw_onset(
                self._without(lowest, allowed), self._without(lowest, self._chords)
            )
        return next(onset for token in tokens if (onset := decoder.feed(token)))

    def _draw_onset(self, allowed: Allowed, after_gap: Allowed) -> list[Token]:
        """A chord, after a gap perhaps."""
        token_id = self._sample(allowed)
        self._take(token_id)
        gap = self._vocabulary.gaps.get(token_id)
        if gap:
            return [gap, *self._draw_onset(after_gap, after_gap)]
        chord = self._vocabulary.chords[token_id]
        return [self._with_joined(chord) if isinstance(chord, Chord) else chord]

    def _with_joined(self, chord: Chord) -> Chord:
        """A chord with the notes that join it, from the lowest up."""
        pitches = chord.pitches
        while (above := self._joined > pitches[-1]).any():
            # Whatever else is drawn means that none joins; what then comes is drawn in its time.
            token_id = self._sample(above | self._next)
            if token_id not in self._vocabulary.joined:
                break
            self._take(token_id)
            pitches += (self._vocabulary.joined[token_id].pitch,)
        return Chord(pitches)

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

    def _without(self, token_id: int, allowed: Allowed) -> Allowed:
        """What is allowed but one chord; with it, if there is no other."""
        fewer = allowed.copy()
        fewer[token_id] = False
        return fewer if (fewer & self._chords).any() else allowed

    def _take(self, token_id: int) -> None:
        self.context.append(token_id)
        self.steps += 1
        self._probs = self._engine.step(token_id)
