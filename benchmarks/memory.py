"""What remembering the jam is worth: an n-gram of it, or a continuous cache over hidden states.

    python benchmarks/memory.py default MUSIC

Each piece that was held out is a jam, from its first token to its last. Printed is the loss in nats
an onset: of the network alone; with `sampling.memory` (an n-gram of the jam, of tokens as they are
and of distances); and with a continuous cache as Grave, Joulin and Usunier (2017) have it: what
followed the hidden states before, weighted by exp(theta cos) of each with the present one, has the
share lambda. Then, how much of primers of 32 beats comes back in answers of 16 beats, and what a
step costs when the memory is full.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from livecomposer.config_file import find_weights, load_config
from livecomposer.evaluation.continuations import choose_primers, events_of
from livecomposer.evaluation.report import choose_held_out
from livecomposer.live.continuation import Continuation
from livecomposer.live.offline import prime
from livecomposer.model import bundle
from livecomposer.model.bundle import Bundle
from livecomposer.model.engine import Engine
from livecomposer.music.memory import SIZE, Memory
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokeniser import encode
from livecomposer.music.vocabulary import START
from livecomposer.training.cache import default_cache
from livecomposer.training.corpus import Piece, find_files, load_corpus

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
THETAS, LAMBDAS = (20, 40, 80), (0.1, 0.3, 0.5)
PRIMERS = 100
ANSWER = 16 * TICKS_PER_BEAT
_LEAST = 1e-12


@dataclass(frozen=True)
class Jam:
    """A piece as the network hears it.

    Attributes:
        ids: (N,) of its tokens, without the start.
        probs: (N, V) that the network gave each.
        hidden: (N, units) the last layer's outputs before each, of length 1.
    """

    ids: npt.NDArray[np.intp]
    probs: npt.NDArray[np.float32]
    hidden: npt.NDArray[np.float32]


def listen(saved: Bundle, piece: Piece) -> Jam:
    """Run the network along a piece."""
    engine = Engine(saved)
    ids = saved.vocabulary.ids(encode(piece.events(), saved.tokeniser))
    probs, hidden = [engine.prime([START])], [_last_layer(engine)]
    for token_id in ids[:-1]:
        probs.append(engine.step(token_id))
        hidden.append(_last_layer(engine))
    states = np.array(hidden)
    states /= np.linalg.norm(states, axis=1, keepdims=True) + 1e-9
    return Jam(np.array(ids), np.array(probs), states)


def _last_layer(engine: Engine) -> npt.NDArray[np.float32]:
    return engine._outputs[2].copy()  # of interest nowhere else


def with_memory(jam: Jam, saved: Bundle, share: float) -> float:
    """The loss of a jam with an n-gram of it."""
    memory, nats = Memory(saved.vocabulary), 0.0
    for token_id, probs in zip(jam.ids.tolist(), jam.probs, strict=True):
        nats -= np.log(max(_LEAST, float(memory.mix(probs, share)[token_id])))
        memory.add(token_id)
    return nats


def with_cache(jam: Jam, theta: float, share: float) -> float:
    """The loss of a jam with a continuous cache."""
    scores = np.exp(theta * (jam.hidden @ jam.hidden.T - 1))
    same = jam.ids[:, None] == jam.ids[None, :]
    before = np.tri(len(jam.ids), k=-1, dtype=bool)
    total = np.where(before, scores, 0).sum(axis=1)
    right = np.where(before & same, scores, 0).sum(axis=1)
    cached = np.divide(right, total, out=np.zeros_like(total), where=total > 0)
    own = jam.probs[np.arange(len(jam.ids)), jam.ids]
    mixed = np.where(total > 0, (1 - share) * own + share * cached, own)
    return float(-np.log(np.maximum(mixed, _LEAST)).sum())


def returning(saved: Bundle, pieces: list[Piece], share: float) -> float:
    """The share of the primers' runs of four tokens that come back in answers."""
    rng = np.random.default_rng(1)
    config = load_config()
    sampling = msgspec.structs.replace(config.sampling, memory=share)
    shares = []
    for primer, _ in choose_primers(pieces, PRIMERS, rng):
        events = events_of(primer)
        primed = prime(events, Continuation(saved, Engine(saved), sampling, rng), saved.tokeniser)
        notes = primed.go_on(length=ANSWER, max_duration=TICKS_PER_BEAT, ways=1)
        answer = [(note.onset, note.pitches) for note in notes]
        asked, given = (four(encode(each, saved.tokeniser)) for each in (events, events_of(answer)))
        shares.append(len(asked & given) / max(1, len(asked)))
    return float(np.mean(shares))


def four(tokens: list[object]) -> set[tuple[object, ...]]:
    """Runs of four tokens."""
    return {tuple(tokens[i : i + 4]) for i in range(len(tokens) - 3)}


def step_ms(steps: Iterable[int], step: Callable[[int], object]) -> float:
    """The median time of a step."""
    times = []
    for token_id in steps:
        start = time.perf_counter()
        step(token_id)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000


def main() -> None:
    """Measure, and print tables (Markdown)."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights")
    parser.add_argument("music", nargs="+")
    options = parser.parse_args()
    saved = bundle.load(find_weights(options.weights))
    pieces = load_corpus(find_files(options.music), cache=default_cache(), progress=True).pieces
    _, chosen = choose_held_out(pieces, saved, unseen=False, seed=1)
    held_out = [pieces[i] for i in chosen]
    jams = [listen(saved, piece) for piece in held_out]
    onsets = sum(int(saved.vocabulary.onsets[jam.ids].sum()) for jam in jams)

    def row(name: str, loss: Callable[[Jam], float]) -> None:
        print(f"| {name} | {sum(map(loss, jams)) / onsets:.3f} |", flush=True)

    print(f"{len(jams)} pieces held out, {onsets:,} onsets.\n\n| | nats an onset |\n|---|---|")
    row("the network alone", lambda jam: with_memory(jam, saved, 0))
    for share in SHARES:
        row(f"memory {share}", lambda jam, share=share: with_memory(jam, saved, share))
    for theta in THETAS:
        for share in LAMBDAS:
            row(f"cache, theta {theta}, lambda {share}",
                lambda jam, theta=theta, share=share: with_cache(jam, theta, share))  # fmt: skip

    print("\n| memory | runs of four that come back |\n|---|---|")
    for share in (0, *SHARES[::2]):
        print(f"| {share} | {returning(saved, held_out, share):.1%} |", flush=True)

    stream = np.concatenate([jam.ids for jam in jams]).tolist()
    stream = (stream * (1 + SIZE // len(stream)))[: SIZE + 2000]
    memory, engine = Memory(saved.vocabulary), Engine(saved)
    for token_id in stream[:SIZE]:
        memory.add(token_id)

    def remember(token_id: int) -> None:
        memory.add(token_id)
        memory.mix(jams[0].probs[0], 0.3)

    alone, full = step_ms(stream[SIZE:], engine.step), step_ms(stream[SIZE:], remember)
    print(f"\nA step of the network: {alone:.3f} ms; of a full memory: {full:.3f} ms more.")


if __name__ == "__main__":
    main()
