"""How well the next token is predicted: by a network, and by what it has to beat.

Losses are in nats, natural logarithms of 1 / probability. Tokenisations are compared by nats per
onset: the losses of all tokens, gaps included, over the number of onsets they spell.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from livecomposer.model.engine import StepEngine

Ids = npt.NDArray[np.int32]
Probabilities = npt.NDArray[np.float32]


class Predictor(Protocol):
    """Anything that gives probabilities of what comes next."""

    def predict(self, ids: Ids) -> Probabilities:
        """The probabilities of each id but the first, given those before it: (T - 1, V)."""
        ...


class Likelihood(Struct, frozen=True):
    """What predictions came to, over all tokens.

    Attributes:
        nats_per_token: the mean loss; None where something that happened had no probability.
        nats_per_onset: the loss of all tokens over the number of onsets; None likewise.
        top_1: the share of tokens that were the likeliest one.
        top_5: the share of tokens among the five likeliest.
    """

    nats_per_token: float | None
    nats_per_onset: float | None
    top_1: float
    top_5: float


class Network:
    """A network, by stepwise inference: its state is carried from a stream's start to its end."""

    def __init__(self, engine: StepEngine) -> None:
        self._engine = engine

    def predict(self, ids: Ids) -> Probabilities:
        """See `Predictor`."""
        first, *others = ids[:-1].tolist()
        return np.stack([self._engine.prime([first]), *map(self._engine.step, others)])


class RepeatLast:
    """Nothing ever changes.

    Args:
        size: the number of ids, V.
    """

    def __init__(self, size: int) -> None:
        self._size = size

    def predict(self, ids: Ids) -> Probabilities:
        """See `Predictor`."""
        probs = np.zeros((len(ids) - 1, self._size), np.float32)
        probs[np.arange(len(ids) - 1), ids[:-1]] = 1
        return probs


def losses(predictor: Predictor, ids: Ids) -> npt.NDArray[np.float64]:
    """The loss in nats of each id but the first: (T - 1,)."""
    return _losses_and_ranks(predictor, ids)[0]


def measure(
    predictor: Predictor, streams: Iterable[Ids], onsets: npt.NDArray[np.bool_]
) -> Likelihood:
    """Predict every token of streams, but each one's first.

    Args:
        predictor: of V ids.
        streams: (T,) each, two ids or more.
        onsets: (V,), of the vocabulary.
    """
    parts = [(*_losses_and_ranks(predictor, ids), onsets[ids[1:]]) for ids in streams]
    nats, ranks, are_onsets = (np.concatenate(each) for each in zip(*parts, strict=True))
    finite = bool(np.isfinite(nats).all())
    return Likelihood(
        nats_per_token=float(nats.mean()) if finite else None,
        nats_per_onset=float(nats.sum() / are_onsets.sum()) if finite else None,
        top_1=float((ranks < 1).mean()),
        top_5=float((ranks < 5).mean()),
    )


def by_context(
    predictor: Predictor,
    streams: Sequence[Ids],
    lengths: Sequence[int],
    number: int,
    rng: np.random.Generator,
) -> dict[int, float | None]:
    """The mean loss of the same tokens, each time after so many of those before them only.

    Args:
        predictor: of V ids.
        streams: (T,) each.
        lengths: of contexts, ascending.
        number: how many tokens to predict, or a quarter as many at least.
        rng: chooses them.

    Returns:
        Nats by length; None where fewer tokens than that have so many before them.
    """
    for longest in reversed(lengths):
        places = [
            (ids, end) for ids in streams for end in range(longest, len(ids))
        ]  # those that have the longest context can be had with all shorter ones
        if 4 * len(places) >= number:
            break
    else:
        return dict.fromkeys(lengths)
    chosen = [places[i] for i in rng.permutation(len(places))[:number].tolist()]
    return {
        length: float(
            np.mean([losses(predictor, ids[end - length : end + 1])[-1] for ids, end in chosen])
        )
        if length <= longest
        else None
        for length in lengths
    }


def _losses_and_ranks(
    predictor: Predictor, ids: Ids
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Each token's loss, and how many were thought likelier: all, if it was impossible."""
    probs = predictor.predict(ids)
    happened = probs[np.arange(len(probs)), ids[1:]]
    with np.errstate(divide="ignore"):
        nats = -np.log(happened.astype(np.float64))
    ranks = (probs > happened[:, np.newaxis]).sum(axis=1)
    return nats, np.where(happened > 0, ranks, probs.shape[1])
