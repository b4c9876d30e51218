"""Checkpoints of the Classical-Piano-Composer lineage -> bundles.

Such a checkpoint is two files: weights, as Keras wrote them to HDF5 before its version 3, and a
pickle of all notes and chords of its corpus, from which its vocabulary is made: the distinct ones
in alphabetical order. Its chords are pitch classes (`4.7.11`), and it knows no start of a piece.
"""

import io
import json
import pickle
import pickletools
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import h5py
import numpy as np

from livecomposer.model.bundle import Architecture, Array, Bundle, weight_shapes
from livecomposer.model.hdf5 import UnsoundFileError, plain_dataset, plain_group
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.tokens import NAMES, Chord, PitchClasses, Token
from livecomposer.music.vocabulary import Vocabulary

_MAX_NOTES_BYTES = 1 << 26
_MAX_LAYERS = 100
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
_LIST_OF_STRINGS = frozenset(
    (
        "PROTO", "FRAME", "MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "MEMOIZE", "PUT",
        "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET", "UNICODE", "BINUNICODE",
        "SHORT_BINUNICODE", "BINUNICODE8", "STOP",
    )
)  # fmt: skip

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
    names = sorted(set(_read_notes(notes)))
    try:
        vocabulary = Vocabulary([_parse_name(name) for name in names])
    except ValueError as error:
        raise LineageError(f"{notes}: {error}") from None
    try:
        with h5py.File(weights, "r") as file:
            # One more than fit: it is the shapes that tell.
            datasets = list(islice(_datasets(file), _WEIGHTS + 1))
            architecture = _check([dataset.shape for dataset in datasets], len(names))
            arrays = list(map(_read, datasets))
            _check_config(file)
    except UnsoundFileError as error:
        raise LineageError(f"{weights}: {error}") from None
    except OSError as error:
        raise LineageError(f"{weights}: {error.strerror or 'not a sound HDF5 file'}") from None
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise LineageError(f"{weights}: not a sound HDF5 file ({error})") from None
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
    try:
        if path.stat().st_size > _MAX_NOTES_BYTES:
            raise LineageError(
                f"{path}: {path.stat().st_size:,} bytes, expected {_MAX_NOTES_BYTES:,} at most"
            )
        content = path.read_bytes()
    except OSError as error:
        raise LineageError(f"{path}: {error.strerror}") from None
    try:
        _check_opcodes(content)
        found = _Strings(io.BytesIO(content)).load()
    except Exception as error:  # on bad bytes, of many kinds
        raise LineageError(f"{path}: not a sound pickle of a list of strings ({error})") from None
    if not isinstance(found, list) or not found or not all(isinstance(n, str) for n in found):
        raise LineageError(f"{path}: expected a list of strings")
    return found


def _check_opcodes(content: bytes) -> None:
    """Look through a pickle without loading it.

    Raises:
        ValueError: it makes more than lists and strings, or wants room for more than it holds.
    """
    for number, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name not in _LIST_OF_STRINGS:
            raise ValueError(f"it holds more than that: {opcode.name}")
        if "PUT" in opcode.name and not 0 <= int(str(argument)) <= number:
            raise ValueError(f"memo {argument}")


class _Strings(pickle.Unpickler):
    """Reads lists and strings, refuses all else."""

    def find_class(self, module_name: str, global_name: str) -> None:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not allowed")


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
    raise ValueError(f"{name!r} is neither a note, such as F#4 or B-3, nor a chord, such as 4.7.11")


def _datasets(file: h5py.File) -> Iterator[h5py.Dataset]:
    """All layers' weights in their order; nothing of them is read yet."""
    model = plain_group(file, "model_weights") if "model_weights" in file else file
    for layer in _names(model, "layer_names"):
        for weight in _names(plain_group(model, layer), "weight_names"):
            yield plain_dataset(model, f"{layer}/{weight}", np.dtype(np.float32))


def _read(dataset: h5py.Dataset) -> Array:
    array: Array = dataset[()]
    if not np.isfinite(array).all():
        raise UnsoundFileError(f"{dataset.name} holds values that are not finite numbers")
    return array


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """The names that legacy Keras keeps in an attribute."""
    if attribute not in group.attrs:
        raise UnsoundFileError(f"it has no {attribute}: not weights in Keras's legacy format")
    kept = group.attrs.get_id(attribute)
    if len(kept.shape) != 1 or kept.shape[0] > _MAX_LAYERS:
        raise UnsoundFileError(f"{attribute} has shape {kept.shape}, expected a row of names")
    values = group.attrs[attribute]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _check(shapes: list[tuple[int, ...]], names: int) -> Architecture:
    """The architecture of these weights, whose last layer must fit the vocabulary."""
    if not shapes or len(shapes[0]) != 2 or shapes[0][1] % 4 or not shapes[0][1]:
        raise UnsoundFileError("its first weights are not an LSTM layer's")
    if shapes[-1] != (names,):
        raise UnsoundFileError(
            f"its last layer has shape {shapes[-1]}, but the notes make a vocabulary of {names}"
        )
    architecture = Architecture("scalar", units=shapes[0][1] // 4)
    expected = list(weight_shapes(architecture, names).values())
    if shapes != expected:
        raise UnsoundFileError(
            f"its weights have the shapes {shapes}, expected {expected}: three LSTM layers, and "
            "two dense ones, each after a batch normalization"
        )
    return architecture


def _check_config(file: h5py.File) -> None:
    """Where Keras has kept how layers compute: as here?

    Raises:
        UnsoundFileError: some layer computes otherwise.
    """
    if "model_config" not in file.attrs:
        return  # weights alone say nothing of it
    waiting = [json.loads(file.attrs["model_config"])]
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
