"""A composer in virtual time, stepped as the daemon steps it."""

import msgspec
import numpy as np

from livecomposer.config_file import load_config
from livecomposer.live.composer import LEAD, Composer
from livecomposer.live.continuation import Continuation
from livecomposer.model.engine import Engine
from livecomposer.music.events import NoteOff, NoteOn
from tests.conftest import random_bundle

ONE_CHORD = "C4.E4"  # with a vocabulary of one chord, what is answered is known


class Stage:
    """A composer, stepped as the daemon steps it, and all that came of it."""

    def __init__(
        self,
        tokens=ONE_CHORD,
        seed=1,
        timing="gaps",
        every_tick=False,
        sampling=None,
        bars=False,
        **changes,
    ):
        config = load_config()
        self.bundle = random_bundle(tokens, timing=timing)
        self.engine = Engine(self.bundle)
        sampling = msgspec.structs.replace(config.sampling, max_repeats=0, **(sampling or {}))
        self.continuation = Continuation(
            self.bundle, self.engine, sampling, np.random.default_rng(seed)
        )
        self.jam = msgspec.structs.replace(
            config.jam, **{"min_phrase": 1, "gate": 1.0, "plan": 1, **changes}
        )
        self.composer = Composer(self.continuation, self.bundle.tokeniser, self.jam, bars=bars)
        self.now, self.every_tick = 0, every_tick
        self.notes, self.cuts = [], []

    def play(self, *events):
        for event in sorted(events, key=lambda event: event.tick):
            self.wait_until(event.tick - 1)
            self.now = max(self.now, event.tick)
            if self.composer.interrupt(event):
                self.cut(event.tick)
            self.composer.hear(event)
        return self

    def change(self, tick, **changes):
        self.wait_until(tick - 1)
        self.now = max(self.now, tick)
        self.jam = msgspec.structs.replace(self.jam, **changes)
        if self.composer.change(tick, self.jam):
            self.cut(tick)
        return self

    def cut(self, tick):
        self.cuts.append(tick)
        self.notes = [note for note in self.notes if note.onset < tick]

    def wait_until(self, tick):
        while True:
            due = self.composer.next_tick()
            if self.every_tick:
                due = self.now + 1 if due is None else min(due, self.now + 1)
            if due is None or due > tick:
                return self
            self.now = max(self.now, due)
            self._advance()

    def _advance(self):
        if self.every_tick:  # whoever looks on changes nothing
            self.composer.view(self.now)
        for note in self.composer.advance(self.now):
            assert self.now <= note.onset <= self.now + LEAD
            self.notes.append(note)
        upcoming = self.composer.next_tick()
        assert upcoming is None or upcoming > self.now, "it would be called for ever"

    @property
    def onsets(self):
        return [note.onset for note in self.notes]

    @property
    def heard(self):
        words = [str(self.bundle.vocabulary.token(i)) for i in self.continuation.context if i]
        return " ".join(words)


def keys(*played, velocity=80):
    """Note-ons and note-offs from (tick, length, pitch)."""
    return [NoteOn(tick, pitch, velocity) for tick, _, pitch in played] + [
        NoteOff(tick + length, pitch) for tick, length, pitch in played
    ]
