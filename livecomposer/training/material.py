"""Pieces -> what a run learns from and what it is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livecomposer.model.bundle import Bundle
from livecomposer.music.vocabulary import Vocabulary
from livecomposer.training.corpus import Piece
from livecomposer.training.dataset import IdCorpus, TokenisedCorpus
from livecomposer.training.recipe import Recipe
from livecomposer.training.works import digest, split_works

HELD_OUT = 0.05
"""The share of the pieces that is held out."""


class MaterialError(ValueError):
    """There is too little music to learn from; the message says why."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a run works with.

    Attributes:
        vocabulary: the ids' meaning.
        learning: the pieces to learn from.
        held_out: the pieces to judge by: other works than those.
        held_out_onsets: how many chords these have.
        provenance: figures of the music, and the digests of what is held out.
    """

    vocabulary: Vocabulary
    learning: IdCorpus
    held_out: IdCorpus
    held_out_onsets: int
    provenance: dict[str, Any]

    def __str__(self) -> str:
        held_out, reduced = len(self.held_out.streams), self.learning.reduced
        return (
            f"{len(self.learning.streams) + held_out} pieces, {held_out} held out; "
            f"{len(self.learning) + len(self.held_out)} tokens, {reduced:.1%} of them reduced; "
            f"vocabulary {len(self.vocabulary)}"
        )


def prepare(pieces: Sequence[Piece], recipe: Recipe, origin: Bundle | None = None) -> Material:
    """Tokenise pieces, hold some out, and give every token an id.

    Args:
        pieces: the corpus.
        recipe: how.
        origin: weights to go on from: their vocabulary is kept, and works that were held out from
            them stay so.

    Raises:
        MaterialError: the pieces are one work, or too short, or no token is common enough.
    """
    settings = recipe.settings
    known = origin.provenance.get("held_out", ()) if origin else ()
    learning, held_out = split_works(pieces, HELD_OUT, settings.seed, set(known))
    if not learning:
        raise MaterialError(
            f"training needs 2 different works or more, one of them to hold out; found 1 "
            f"({pieces[0].name}" + (f" and {len(pieces) - 1} like it)" if pieces[1:] else ")")
        )
    tokenised, vocabulary = _tokenise(pieces, recipe, origin)
    context = recipe.architecture.context
    tokens = sum(len(tokenised.streams[i]) for i in learning)
    if tokens < context:
        raise MaterialError(
            f"the music to learn from has {tokens} tokens, expected {context} or more: a window's "
            "length"
        )
    corpus = tokenised.ids(vocabulary)
    provenance = {
        "sources": [Path(source).name for source in recipe.sources],
        "parent": recipe.parent,
        "instrument": recipe.instrument,
        "machine": recipe.machine,
        "pieces": len(pieces),
        "tokens": len(corpus),
        "reduced": round(corpus.reduced, 4),
        "seed": settings.seed,
        "held_out": sorted({digest(pieces[i]) for i in held_out}),
    }
    judged = corpus.only(held_out)
    onsets = sum(int(vocabulary.onsets[judged.piece(i)].sum()) for i in range(len(judged.streams)))
    return Material(vocabulary, corpus.only(learning), judged, onsets, provenance)


def _tokenise(
    pieces: Sequence[Piece], recipe: Recipe, origin: Bundle | None
) -> tuple[TokenisedCorpus, Vocabulary]:
    """Pieces as tokens, and their ids: those of the origin, or new ones."""
    settings = recipe.settings
    spelling = origin.vocabulary.spelling if origin else settings.spelling
    notes = spelling == "notes"
    tokenised = TokenisedCorpus(pieces, recipe.tokeniser, notes=notes)
    if origin:
        return tokenised, origin.vocabulary
    counts = tokenised.counts()
    try:
        vocabulary = Vocabulary.build(
            counts, size=settings.vocabulary_size, min_count=settings.min_count
        )
    except ValueError as error:
        raise MaterialError(
            f"with training.min_count = {settings.min_count} {error}; the commonest token "
            f"occurs {max(counts.values())} times"
        ) from None
    if notes and not vocabulary.joined:  # there are next to no chords: what they reduce to matters
        tokenised = TokenisedCorpus(pieces, recipe.tokeniser)
    return tokenised, vocabulary
