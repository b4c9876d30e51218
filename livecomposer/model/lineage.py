"""Checkpoints of the Classical-Piano-Composer lineage -> bundles.

Such a checkpoint is two files: weights, as Keras wrote them to HDF5 before its version 3, and a
pickle of all notes and chords of its corpus, from which its vocabulary is made: the distinct ones
in alphabetical order. Its chords are pitch classes (`4.7.11`), and it knows no start of a piece.
"""

import json
import pickletools
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from livecomposer.model.bundle import Architecture, Array, Bundle, check_size, weight_shapes
from livecomposer.model.hdf5 import UnsoundFileError, WeightsFile, explain
from livecomposer.model.isolated import opened
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.tokens import NAMES, Chord, PitchClasses, Token
from livecomposer.music.vocabulary import MAX_SIZE, Vocabulary
from livecomposer.wording import brief, spell

_MAX_NOTES_BYTES = 1 << 22
_WEIGHTS = 21  # of three LSTM layers, two normalizations, two dense layers
_NEVER = -1e4
"""The bias of an id that is never to be predicted: its probability is 0 in float32."""

# How layers compute, where that shows in no weight.
_COMPUTED: dict[str, dict[str, object]] = {
    "LSTM": {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False},
    "BatchNormalization": {"epsilon": 0.001},
    "Dense": {"activation": "linear"},
}

# What a pickled list of strings is made of, in any protocol.
_STRING = frozenset(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"))
_LIST = frozenset(("EMPTY_LIST", "LIST"))
_PUT = frozenset(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"))
_GET = frozenset(("GET", "BINGET", "LONG_BINGET"))
_REST = frozenset(("PROTO", "FRAME", "MARK", "APPEND", "APPENDS", "STOP"))

_PITCH = re.compile(r"([A-G])(#{0,2}|-{0,2})(\d)")  # as music21 spells one


class LineageError(ValueError):
    """A checkpoint can't be used; the message names the file and says why."""


def read_checkpoint(weights: Path, notes: Path) -> Bundle:
    """Make a bundle of a checkpoint and its notes.

    Its scalar input was id / n, ours is id / (n + 1) with the start of a piece as id 0: the
    difference is taken up by the first layer's weights.

    Args:
        weights: HDF5, of three LSTM layers and two dense ones, each after a normalization.
        notes: the pickle.

    Raises:
        LineageError: a file can't be read, isn't sound, or the two don't fit each other.
    """
    names = _read_notes(notes)
    try:
        vocabulary = Vocabulary([_parse_name(name) for name in names])
    except ValueError as error:
        raise LineageError(f"{notes}: {error}") from None
    try:
        with opened(weights) as file:
            # One more than fit: it is the shapes that tell.
            found = list(islice(_datasets(file), _WEIGHTS + 1))
            architecture = _check([shape for _, shape in found], len(names))
            arrays = [_read(file, name, shape) for name, shape in found]
            _check_config(file)
    except Exception as error:  # of many kinds, where HDF5 is bad
        raise LineageError(f"{weights}: {explain(error)}") from None
    shapes = weight_shapes(architecture, len(vocabulary))
    fitted = _with_start(arrays, len(names))
    return Bundle(
        architecture,
        vocabulary,
        TokeniserSettings("fixed"),
        {"imported": [weights.name, notes.name]},
        dict(zip(shapes, fitted, strict=True)),
    )


def _read_notes(path: Path) -> list[str]:
    """The distinct names in a pickle, in alphabetical order."""
    try:
        size = path.stat().st_size
        if size > _MAX_NOTES_BYTES:
            raise LineageError(f"{path}: {size:,} bytes, expected {_MAX_NOTES_BYTES:,} at most")
        content = path.read_bytes()
    except OSError as error:
        raise LineageError(f"{path}: {error.strerror}") from None
    try:
        return sorted(_strings(content))
    except Exception as error:  # on bad bytes, of many kinds
        raise LineageError(
            f"{path}: not a sound pickle of a list of strings ({brief(error)})"
        ) from None


def _strings(content: bytes) -> set[str]:
    """The strings of a pickled list of strings; a pickle is looked through, and never loaded.

    Raises:
        ValueError: it makes something else.
    """
    found: dict[str, str] = {}
    memo: list[str | None] = []  # None for the list
    last: str | None = None
    lists = 0
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in _STRING:
            last = found.setdefault(str(argument), str(argument))
        elif opcode.name in _LIST:
            lists, last = lists + 1, None
        elif opcode.name in _PUT:
            place = len(memo) if argument is None else int(str(argument))
            if not 0 <= place <= len(memo) + 1:  # some count from 1
                raise ValueError(f"memo {place}")
            memo += [None] * (place + 1 - len(memo))
            memo[place] = last
        elif opcode.name in _GET:
            last = memo[int(str(argument))]
        elif opcode.name not in _REST:
            raise ValueError(f"it holds more than that: {opcode.name}")
        if len(found) > MAX_SIZE:
            raise ValueError(f"more than {MAX_SIZE:,} names")
    if lists != 1 or not found:
        raise ValueError("expected a list of strings")
    return set(found)


def _parse_name(name: str) -> Token:
    """A note as music21 spells it, such as `F#4` or `B-3`, or a chord's pitch classes."""
    if re.fullmatch(r"\d+(\.\d+)*", name, re.ASCII):
        classes = tuple(map(int, name.split(".")))
        if max(classes) < 12 and len(set(classes)) == len(classes):
            return PitchClasses(classes)
    elif match := _PITCH.fullmatch(name):
        letter, accidentals, octave = match.groups()
        alter = len(accidentals) * (-1 if "-" in accidentals else 1)
        return Chord((NAMES.index(letter) + alter + 12 * (int(octave) + 1),))
    raise ValueError(
        f"{spell(name)} is neither a note, such as F#4 or B-3, nor a chord, such as 4.7.11"
    )


def _datasets(file: WeightsFile) -> Iterator[tuple[str, tuple[int, ...]]]:
    """All layers' weights in their order: name and shape."""
    root = "model_weights" if file.has("model_weights") else ""
    for layer in file.names(root, "layer_names"):
        group = f"{root}/{layer}".lstrip("/")
        for weight in file.names(group, "weight_names"):
            name = f"{group}/{weight}"
            yield name, tuple(file.shape(name, "<f4"))


def _read(file: WeightsFile, name: str, shape: tuple[int, ...]) -> Array:
    array: Array = file.array(name, "<f4", shape)
    if not np.isfinite(array).all():
        raise UnsoundFileError(f"{name} holds values that are not finite numbers")
    return array


def _check(shapes: list[tuple[int, ...]], names: int) -> Architecture:
    """The architecture of these weights, whose last layer must fit the vocabulary."""
    if not shapes or len(shapes[0]) != 2 or shapes[0][1] % 4 or not shapes[0][1]:
        raise UnsoundFileError("its first weights are not an LSTM layer's")
    if shapes[-1] != (names,):
        raise UnsoundFileError(
            f"its last layer has shape {shapes[-1]}, but the notes make a vocabulary of {names}"
        )
    architecture = Architecture("scalar", units=shapes[0][1] // 4)
    named = weight_shapes(architecture, names)
    check_size(named)
    expected = list(named.values())
    if shapes != expected:
        raise UnsoundFileError(
            f"its weights have the shapes {shapes}, expected {expected}: three LSTM layers, and "
            "two dense ones, each after a batch normalization"
        )
    return architecture


def _check_config(file: WeightsFile) -> None:
    """Where Keras has kept how layers compute: as here?

    Raises:
        UnsoundFileError: some layer computes otherwise.
    """
    described = file.text("model_config")
    if described is None:
        return  # weights alone say nothing of it
    waiting = [json.loads(described)]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            kind, config = found.get("class_name"), found.get("config")
            if isinstance(config, dict):
                for name, expected in _COMPUTED.get(str(kind), {}).items():
                    if config.get(name, expected) != expected:
                        raise UnsoundFileError(
                            f"{name} of a layer {kind} is {config[name]!r}, expected {expected!r}"
                        )
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _with_start(arrays: list[Array], names: int) -> list[Array]:
    """The same network with the start of a piece as id 0, and every other id one higher.

    The input x = i / n is (i + 1) / (n + 1) now: x = x' (n + 1) / n - 1 / n.
    """
    kernel, recurrent, bias, *middle, last_kernel, last_bias = arrays
    return [
        kernel * np.float32((names + 1) / names),
        recurrent,
        bias - kernel[0] / np.float32(names),
        *middle,
        np.pad(last_kernel, ((0, 0), (1, 0))),
        np.pad(last_bias, (1, 0), constant_values=_NEVER),
    ]
