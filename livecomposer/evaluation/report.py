"""All figures of a weights file, on pieces that it has not learned from."""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from livecomposer.config import SamplingSection
from livecomposer.evaluation.continuations import (
    Stretch,
    choose_primers,
    continue_primers,
    events_of,
)
from livecomposer.evaluation.endings import Endings, measure_endings
from livecomposer.evaluation.likelihood import (
    Ids,
    Likelihood,
    Network,
    RepeatLast,
    by_context,
    measure,
)
from livecomposer.evaluation.ngram import WittenBell
from livecomposer.evaluation.resemblance import Recitation, Resemblance, resemblance
from livecomposer.live.continuation import Continuation
from livecomposer.model.bundle import Bundle
from livecomposer.model.engine import StepEngine
from livecomposer.music.tokeniser import encode
from livecomposer.music.tokens import Token, whole
from livecomposer.training.corpus import Piece
from livecomposer.training.dataset import IdCorpus, TokenisedCorpus
from livecomposer.training.works import digest, split_works

CONTEXTS = (1, 4, 16, 64, 100, 300, 1000)
IN_CONTEXT = 200
"""Tokens that are predicted in each of these contexts."""

ORDER = 5
PRIMERS = 200
UNSEEN_SHARE = 0.1


class EvaluationError(ValueError):
    """There is nothing to evaluate on; the message says why."""


class Continuations(Struct, frozen=True):
    """What follows primers: as the model goes on, and as the pieces do."""

    primers: int
    model: Resemblance
    real: Resemblance


class Evaluation(Struct, frozen=True):
    """The figures of a weights file.

    Attributes:
        held_out: pieces that were predicted.
        learned: pieces that the n-grams learned from, in every key that the network did.
        tokens: predicted.
        onsets: among these.
        reduced: the share of these tokens that were outside the vocabulary, and made simpler.
        likelihood: by predictor: `model`, `repeat_last`, `unigram`, `witten_bell_5`.
        by_context: the model's nats per token, of the same tokens after so many before them.
        continuations: None where no piece is long enough for a primer.
        endings: of answers: `as_it_comes`, and `planned`, with as many ways as are set.
    """

    held_out: int
    learned: int
    tokens: int
    onsets: int
    reduced: float
    likelihood: dict[str, Likelihood]
    by_context: dict[str, float | None]
    continuations: Continuations | None
    endings: dict[str, Endings]


def choose_held_out(
    pieces: Sequence[Piece], bundle: Bundle, *, unseen: bool, seed: int
) -> tuple[list[int], list[int]]:
    """Which pieces to learn baselines from, and which to predict.

    Args:
        pieces: the music.
        bundle: knows what was held out when it was trained.
        unseen: the music is new to it: hold out a tenth of the works.
        seed: for `unseen`.

    Raises:
        EvaluationError: nothing was held out, or nothing is left to learn from.
    """
    if unseen:
        learned, held_out = split_works(pieces, UNSEEN_SHARE, seed)
    else:
        names = set(bundle.provenance.get("held_out", ()))
        held_out = [i for i, piece in enumerate(pieces) if digest(piece) in names]
        learned = sorted(set(range(len(pieces))) - set(held_out))
        if not held_out:
            raise EvaluationError(
                f"none of {len(pieces)} pieces was held out when the weights were trained; if all "
                "are new to them, say --unseen"
            )
    if not learned:
        raise EvaluationError(f"all of {len(pieces)} pieces are held out: nothing for the n-grams")
    return learned, held_out


def evaluate(
    bundle: Bundle,
    engine: StepEngine,
    pieces: tuple[Sequence[Piece], Sequence[Piece]],
    sampling: SamplingSection,
    *,
    ways: int,
    seed: int,
    tell: Callable[[str], None],
) -> Evaluation:
    """Measure weights beside baselines, in one run on the same pieces.

    Args:
        bundle: the weights.
        engine: computes them.
        pieces: those for the n-grams to learn from, and those to predict.
        sampling: how continuations are drawn.
        ways: how many ways to end an answer are tried.
        seed: for primers and continuations.
        tell: called with what is done next.
    """
    learned, held_out = pieces
    tell("tokens")
    notes = bundle.vocabulary.spelling == "notes"
    tokenised = TokenisedCorpus([*learned, *held_out], bundle.tokeniser, notes=notes)
    corpus = tokenised.ids(bundle.vocabulary)
    training = corpus.only(range(len(learned)))
    streams = [corpus.piece(len(learned) + i) for i in range(len(held_out))]
    size = len(bundle.vocabulary)
    onsets = bundle.vocabulary.onsets
    likelihood = {}
    for name, make in (
        ("model", lambda: Network(engine)),
        ("repeat_last", lambda: RepeatLast(size)),
        ("unigram", lambda: WittenBell(_all_keys(training), size, order=1)),
        (f"witten_bell_{ORDER}", lambda: WittenBell(_all_keys(training), size, ORDER)),
    ):
        tell(name)
        likelihood[name] = measure(make(), streams, onsets)
    tell("contexts")
    rng = np.random.default_rng(seed)
    context = by_context(Network(engine), streams, CONTEXTS, IN_CONTEXT, rng)
    rng = np.random.default_rng(seed)
    primers = choose_primers(held_out, PRIMERS, rng)

    def fresh() -> Continuation:
        return Continuation(bundle, engine, sampling, rng)

    tell("continuations")
    continuations = _continuations(bundle, training, primers, fresh)
    tell("endings")
    endings = {
        name: measure_endings([primer for primer, _ in primers], fresh, bundle.tokeniser, number)
        for name, number in (("as_it_comes", 1), ("planned", ways))
        if primers
    }
    targets = np.concatenate([stream[1:] for stream in streams])
    return Evaluation(
        held_out=len(held_out),
        learned=len(learned),
        tokens=len(targets),
        onsets=int(onsets[targets].sum()),
        reduced=corpus.reduced,
        likelihood=likelihood,
        by_context={str(length): nats for length, nats in context.items()},
        continuations=continuations,
        endings=endings,
    )


def _all_keys(corpus: IdCorpus) -> list[Ids]:
    """Pieces at every transposition that a network is shown them at."""
    return [corpus.piece(i, shift) for i, shifts in enumerate(corpus.shifts) for shift in shifts]


def _continuations(
    bundle: Bundle,
    training: IdCorpus,
    primers: Sequence[tuple[Stretch, Stretch]],
    fresh: Callable[[], Continuation],
) -> Continuations | None:
    if not primers:
        return None
    vocabulary = bundle.vocabulary

    def spell(stretch: Stretch) -> list[Token]:
        return vocabulary.heard(encode(events_of(stretch), bundle.tokeniser))

    cases = list(continue_primers(primers, fresh, bundle.tokeniser))
    # Note by note, a piece is the same in every key.
    same = vocabulary.spelling == "notes"
    learned = map(training.piece, range(len(training.streams))) if same else _all_keys(training)
    recitation = Recitation(whole(map(vocabulary.token, stream[1:].tolist())) for stream in learned)
    return Continuations(
        primers=len(cases),
        model=resemblance([(case.primer, case.machine) for case in cases], spell, recitation),
        real=resemblance([(case.primer, case.real) for case in cases], spell, recitation),
    )
