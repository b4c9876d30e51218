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
from livecomposer.music.tokens import Chord, Gap, Token, whole
from livecomposer.music.vocabulary import START

Allowed = npt.NDArray[np.bool_]
"""(V,): which ids may be drawn."""

Onset = tuple[int, tuple[int, ...]]
"""A tick and the pitches that begin there."""

LOOP_PERIOD = 8
"""The longest figure, in chords and gaps, whose repetition is a loop."""
_RECENT = 202  # as many as settings may ask about, a gap before each chord


@dataclass(frozen=True, slots=True)
class Memento:
    """A `Continuation` as it was: everything but the rng."""

    context: tuple[int, ...]
    recent: tuple[Token, ...]
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
        self._recent: deque[Token] = deque(maxlen=_RECENT)  # whole chords, and gaps
        self.reduced = 0
        self.steps = 0
        self._probs = engine.prime([START])
        self._chords = bundle.vocabulary.onsets
        self._gaps = np.isin(np.arange(len(bundle.vocabulary)), list(bundle.vocabulary.gaps))
        self._next = self._chords | self._gaps  # what may follow a whole chord, on the grid or off
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
        ids = self._vocabulary.ids([token])
        self._recent.extend(whole(map(self._vocabulary.token, ids)))
        for token_id in ids:
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
        context, recent = tuple(self.context), tuple(self._recent)
        return Memento(context, recent, self.steps, self._engine.save(), self._probs)

    def restore(self, memento: Memento) -> None:
        """Go back to a memento."""
        self.context.clear()
        self.context.extend(memento.context)
        self._recent.clear()
        self._recent.extend(memento.recent)
        self.steps, self._probs = memento.steps, memento.probs
        self._engine.restore(memento.engine)

    def _draw(self, decoder: Decoder, allowed: Allowed) -> Onset:
        worn_out = self._worn_out()
        before = self.save() if worn_out else None
        tokens = self._draw_onset(allowed, self._chords)
        if before and {tokens[0], tokens[-1]}.intersection(worn_out):
            self.restore(before)
            tokens = self._draw_onset(
                self._without(worn_out, allowed), self._without(worn_out, self._chords)
            )
        self._recent.extend(tokens)
        return next(onset for token in tokens if (onset := decoder.feed(token)))

    def _draw_onset(self, allowed: Allowed, after_gap: Allowed) -> list[Token]:
        """A chord, after a gap perhaps."""
        chords, gaps = allowed & self._chords, allowed & self._gaps
        if self._rather(gaps, chords):
            token_id = self._sample(gaps)
            self._take(token_id)
            return [self._vocabulary.gaps[token_id], *self._draw_onset(after_gap, after_gap)]
        token_id = self._sample(chords)
        self._take(token_id)
        chord = self._vocabulary.chords[token_id]
        return [self._with_joined(chord) if isinstance(chord, Chord) else chord]

    def _with_joined(self, chord: Chord) -> Chord:
        """A chord with the notes that join it, from the lowest up."""
        pitches = chord.pitches
        while self._rather(above := self._joined > pitches[-1], self._next):
            token_id = self._sample(above)
            self._take(token_id)
            pitches += (self._vocabulary.joined[token_id].pitch,)
        return Chord(pitches)

    def _rather(self, these: Allowed, those: Allowed) -> bool:
        """Whether what comes is one of these, rather than one of those.

        Drawn by how likely they are altogether: among many that are unlikely each, as chords are,
        against a few likely ones, `top_p` and `temperature` would choose the few too often.
        """
        either = np.array([these.any(), those.any()])
        masses = np.array([self._probs[these].sum(), self._probs[those].sum()])
        return sample(masses, either, self._rng, temperature=self._sampling.temperature) == 0

    def _sample(self, allowed: Allowed) -> int:
        temperature, top_p = self._sampling.temperature, self._sampling.top_p
        return sample(self._probs, allowed, self._rng, temperature=temperature, top_p=top_p)

    def _worn_out(self) -> list[Token]:
        """What may not come next, the most important first.

        A chord that has followed itself often enough; and what would let a figure go on that has
        been repeated for long enough.
        """
        worn_out: list[Token] = []
        recent, longest = list(self._recent), self._sampling.max_loop
        chords = [token for token in recent if not isinstance(token, Gap)]
        run = chords[-self._sampling.max_repeats - 1 :]
        if len(run) > self._sampling.max_repeats and len(set(run)) == 1:
            worn_out.append(run[0])
        last = recent[-longest:]
        periods = range(2, LOOP_PERIOD + 1) if len(last) == longest else ()
        loops = [last[-period] for period in periods if last[period:] == last[:-period]]
        return worn_out + loops

    def _without(self, tokens: list[Token], allowed: Allowed) -> Allowed:
        """What is allowed but some gaps, and chords by their lowest notes.

        Where no chord were left, fewer of them are taken away.
        """
        fewer = allowed.copy()
        fewer[[self._vocabulary.ids([token])[0] for token in tokens]] = False
        return fewer if (fewer & self._chords).any() else self._without(tokens[:-1], allowed)

    def _take(self, token_id: int) -> None:
        self.context.append(token_id)
        self.steps += 1
        self._probs = self._engine.step(token_id)
