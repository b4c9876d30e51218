"""Probabilities + what is allowed + an rng -> an id."""

import numpy as np
import numpy.typing as npt


def sample(
    probs: npt.NDArray[np.float32],
    allowed: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
) -> int:
    """Draw an id.

    Args:
        probs: (vocabulary,), not negative.
        allowed: (vocabulary,); at least one is true.
        rng: where chance comes from.
        temperature: above 0; the probabilities are raised to its inverse.
        top_p: only the likeliest ids whose probabilities together reach this share of what is
            allowed are in play (nucleus sampling: Holtzman et al. 2020, "The curious case of
            neural text degeneration").

    Returns:
        An allowed id. If every allowed id has probability 0, each is as likely as the others.
    """
    candidates = np.flatnonzero(allowed)
    weights = probs[candidates].astype(np.float64)
    if not weights.any():
        return int(rng.choice(candidates))
    weights = (weights / weights.max()) ** (1 / temperature)
    order = np.argsort(-weights, kind="stable")
    sums = np.cumsum(weights[order])
    kept = min(int(np.searchsorted(sums, top_p * sums[-1])) + 1, len(sums))
    drawn = int(np.searchsorted(sums[:kept], rng.random() * sums[kept - 1], side="right"))
    return int(candidates[order[min(drawn, kept - 1)]])
