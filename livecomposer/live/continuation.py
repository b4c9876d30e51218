"""What the model hears and what it would play next, one onset at a time, on the grid.

Holds the context, the engine's state and the sampling. Knows nothing of turns, time or MIDI.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from livecomposer.config import SamplingSection
from livecomposer.model.bundle import Array, Bundle
from livecomposer.model.engine import StepEngine
from livecomposer.music.constraints import Allowed, Masks
from livecomposer.music.keys import Key
from livecomposer.music.memory import Memory, Moment
from livecomposer.music.sampling import sample
from livecomposer.music.tempo import BAR
from livecomposer.music.tokens import Chord, Gap, PitchClasses, Token, whole
from livecomposer.music.vocabulary import START

Pitches = tuple[int, ...]

Onset = tuple[int, Pitches]
"""A tick and the pitches that begin there."""

LOOP_PERIOD = 8
"""The longest figure, in chords and gaps, whose repetition is a loop."""
_RECENT = 202  # as many as settings may ask about, a gap before each chord
_LEAST = 1e-12
"""A probability that is as good as none."""


@dataclass(frozen=True, slots=True)
class Memento:
    """A `Continuation` as it was: everything but the rng."""

    context: tuple[int, ...]
    recent: tuple[Token, ...]
    steps: int
    nats: float
    engine: Any
    probs: Array
    memory: Moment


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
        memory: all that was heard and drawn.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: StepEngine,
        sampling: SamplingSection,
        rng: np.random.Generator,
    ) -> None:
        self._vocabulary, self._engine, self._rng = bundle.vocabulary, engine, rng
        self._timing = bundle.tokeniser
        self.context: deque[int] = deque([START], maxlen=bundle.architecture.context)
        self._recent: deque[Token] = deque(maxlen=_RECENT)  # whole chords, and gaps
        self.reduced = 0
        self.steps = 0
        self.nats = 0.0
        self._key: Key | None = None
        self.memory = Memory(bundle.vocabulary)
        self._sampling = sampling
        self._probs = self._mixed(engine.prime([START]))
        self._gaps = np.isin(np.arange(len(bundle.vocabulary)), list(bundle.vocabulary.gaps))
        self._next = bundle.vocabulary.onsets | self._gaps  # what may follow a whole chord
        self.constrain(sampling)

    def constrain(self, sampling: SamplingSection) -> None:
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

    def hear(self, token: Token, *, own: bool = False) -> None:
        """Take a token that was played.

        Args:
            token: which.
            own: whether it was the machine that played it.
        """
        self.reduced += token not in self._vocabulary
        ids = self._vocabulary.ids([token])
        self._recent.extend(whole(map(self._vocabulary.token, ids)))
        for token_id in ids:
            self._take(token_id, own=own)

    @property
    def grid(self) -> int:
        """What onsets are multiples of, in ticks."""
        return int(self._sampling.grid)

    @property
    def transpose(self) -> int:
        """How many semitones above its pitches a chord is to sound."""
        return self._sampling.transpose

    def last_tokens(self, number: int) -> list[str]:
        """The last tokens of the context, so many at most, spelled."""
        ids = list(self.context)[-number:]
        return [str(self._vocabulary.token(each)) for each in ids if each != START]

    def candidates(self, number: int) -> list[tuple[str, float]]:
        """The likeliest tokens to come next, so many at most, with their probabilities."""
        known = self._probs[START + 1 :]
        likeliest = np.argsort(-known, kind="stable")[:number] + START + 1
        return [
            (str(self._vocabulary.token(int(each))), float(self._probs[each])) for each in likeliest
        ]

    def repose(self, tick: int, pitches: Pitches) -> int:
        """How well music ends with an onset of the machine's: 0 to 3.

        On a strong beat, the first or third of four; with its highest note one that its key rests
        on; and in that key altogether. Where no key can be told, only the beat counts.
        """
        key = self._sampling.constraints(self._key).key or self._key
        strong = tick % (BAR // 2) == 0
        if key is None or not pitches:
            return int(strong)
        classes = {(pitch + self.transpose) % 12 for pitch in pitches}
        stable = (pitches[-1] + self.transpose) % 12 in key.stable
        return strong + stable + (classes <= key.classes)

    def chance(self) -> float:
        """A number from 0 to 1, drawn from the same source as all else."""
        return float(self._rng.random())

    def clear(self) -> None:
        """Forget the context, not the memory."""
        self.context.clear()
        self.context.append(START)
        self._recent.clear()
        self._probs = self._mixed(self._engine.prime([START]))
        self.steps = 0

    def remember(self, tokens: Iterable[Token]) -> None:
        """Take tokens into the memory only."""
        for token_id in self._vocabulary.ids(tokens):
            self.memory.add(token_id)

    def forget(self) -> None:
        """Forget the memory, not the context."""
        self.memory.forget()

    def reseed(self, seed: int) -> None:
        """Draw by chance of this seed from here on."""
        self._rng = np.random.default_rng(seed)

    def refresh(self) -> None:
        """Forget, also in the engine's state, what has left the context."""
        if self.steps and len(self.context) == self.context.maxlen:
            self._probs = self._mixed(self._engine.prime(list(self.context)))
            self.steps = 0

    def draw_chord(self) -> Pitches:
        """What to play now."""
        chords = self._masks.chords
        return self._draw(chords, chords)[1]

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
        gap, pitches = self._draw(allowed, self._masks.chords)
        return last + steps[gap], pitches

    def save(self) -> Memento:
        """What to go back to, should what is drawn next never sound."""
        context, recent, state = tuple(self.context), tuple(self._recent), self._engine.save()
        return Memento(context, recent, self.steps, self.nats, state, self._probs, self.memory.now)

    def restore(self, memento: Memento) -> None:
        """Go back to a memento: one since which nothing went back behind it."""
        self.context.clear()
        self.context.extend(memento.context)
        self._recent.clear()
        self._recent.extend(memento.recent)
        self.steps, self.nats, self._probs = memento.steps, memento.nats, memento.probs
        self._engine.restore(memento.engine)
        self.memory.go_back(memento.memory)

    def _draw(self, allowed: Allowed, chords: Allowed) -> tuple[Gap | None, Pitches]:
        """A chord, after a gap perhaps.

        Args:
            allowed: what may come first.
            chords: what may come after a gap.
        """
        worn_out = self._worn_out()
        before = self.save() if worn_out else None
        gap, chord = self._draw_tokens(allowed, chords)
        if before and {gap or chord, chord}.intersection(worn_out):
            self.restore(before)
            gap, chord = self._draw_tokens(
                self._without(worn_out, allowed), self._without(worn_out, chords)
            )
        self._recent.extend([gap, chord] if gap else [chord])
        return gap, chord.pitches

    def _draw_tokens(
        self, allowed: Allowed, chords: Allowed
    ) -> tuple[Gap | None, Chord | PitchClasses]:
        onsets, gaps = allowed & self._vocabulary.onsets, allowed & self._gaps
        gap = None
        if self._rather(gaps, onsets):
            token_id = self._sample(gaps)
            self._take(token_id)
            gap, onsets = self._vocabulary.gaps[token_id], chords
        token_id = self._sample(onsets)
        self._take(token_id)
        chord = self._vocabulary.chords[token_id]
        return gap, self._with_joined(chord) if isinstance(chord, Chord) else chord

    def _with_joined(self, chord: Chord) -> Chord:
        """A chord with the notes that join it, from there up."""
        pitches, largest = chord.pitches, self._sampling.largest_chord
        while len(pitches) < largest and self._rather(
            above := self._masks.joined > pitches[-1], self._next
        ):
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

        Where none of its kind were left, fewer of them are taken away.
        """
        fewer, onsets = allowed.copy(), self._vocabulary.onsets
        fewer[[self._vocabulary.ids([token])[0] for token in tokens]] = False
        needed = onsets if (allowed & onsets).any() else allowed
        return fewer if (fewer & needed).any() else self._without(tokens[:-1], allowed)

    def _take(self, token_id: int, *, own: bool = True) -> None:
        self.nats -= math.log(max(float(self._probs[token_id]), _LEAST))
        self.context.append(token_id)
        self.steps += 1
        self.memory.add(token_id, told=not own)
        self._probs = self._mixed(self._engine.step(token_id))

    def _mixed(self, probs: Array) -> Array:
        return self.memory.mix(probs, self._sampling.memory)
