"""One HDF5 file: a network's weights, and all that is needed to play them.

Keras loads the weights from it as from any `.weights.h5` file; playing reads it with h5py and
NumPy only. Beside Keras's own groups it has one named `livecomposer`, whose dataset `about` is
JSON: architecture, vocabulary, the tokeniser's settings, and how it was trained. A file may come
from anywhere: only the names on a list are opened, only after their kind and size are checked, and
by a process of its own (see `isolated`).
"""

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import h5py
import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from livecomposer.atomic import write_whole
from livecomposer.model.hdf5 import UnsoundFileError, WeightsFile, explain
from livecomposer.model.isolated import opened
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.tokens import parse_token
from livecomposer.music.vocabulary import MAX_SIZE, Vocabulary

SUFFIX = ".weights.h5"
"""What Keras wants a weights file's name to end in."""

UNITS, EMBEDDING = 256, 96
DENSE_UNITS = 256
_ABOUT, _STATE = "livecomposer/about", "livecomposer/state"
_MAX_ABOUT_BYTES = 1 << 22
MAX_MB = 128
"""The most that weights may take: far more than can be played live."""
_MAX_UNITS = 4096

InputKind = Literal["scalar", "embedding"]
Array = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]
_NO_STATE: Mapping[str, AnyArray] = MappingProxyType({})


class BundleError(UnsoundFileError):
    """A file can't be used as weights; the message names it and says why."""


class Architecture(Struct, frozen=True, forbid_unknown_fields=True):
    """Which network the weights are of (see `network.build_network`)."""

    input: InputKind
    units: Annotated[int, Meta(ge=1, le=_MAX_UNITS)] = UNITS
    context: Annotated[int, Meta(ge=1, le=100_000)] = 100
    embedding: Annotated[int, Meta(ge=1, le=_MAX_UNITS)] = EMBEDDING


class _About(Struct, forbid_unknown_fields=True):
    format: Literal[1]
    architecture: Architecture
    tokeniser: TokeniserSettings
    vocabulary: Annotated[list[str], Meta(max_length=MAX_SIZE)]
    provenance: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a weights file holds.

    Attributes:
        architecture: the network's.
        vocabulary: the ids' meaning.
        tokeniser: how the training music was tokenised; live input is tokenised likewise.
        provenance: how the weights came about; plain JSON values.
        weights: name in the file -> array, as listed by `weight_shapes`.
    """

    architecture: Architecture
    vocabulary: Vocabulary
    tokeniser: TokeniserSettings
    provenance: dict[str, Any]
    weights: Mapping[str, Array]


def weight_shapes(architecture: Architecture, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a network's weights, as Keras 3 names them in a file."""
    units = architecture.units
    shapes: dict[str, tuple[int, ...]] = {}
    width = 1
    if architecture.input == "embedding":
        width = architecture.embedding
        shapes["layers/embedding/vars/0"] = (vocabulary_size, width)
    for layer in ("lstm", "lstm_1", "lstm_2"):
        cell = f"layers/{layer}/cell/vars"
        shapes[f"{cell}/0"] = (width, 4 * units)  # kernel
        shapes[f"{cell}/1"] = (units, 4 * units)  # recurrent kernel
        shapes[f"{cell}/2"] = (4 * units,)  # bias
        width = units
    for norm, dense, outputs in (
        ("batch_normalization", "dense", DENSE_UNITS),
        ("batch_normalization_1", "dense_1", vocabulary_size),
    ):
        for i in range(4):  # gamma, beta, moving mean, moving variance
            shapes[f"layers/{norm}/vars/{i}"] = (width,)
        shapes[f"layers/{dense}/vars/0"] = (width, outputs)
        shapes[f"layers/{dense}/vars/1"] = (outputs,)
        width = DENSE_UNITS
    return shapes


def check_size(shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Weights for more than can be played live are neither trained nor read.

    Raises:
        UnsoundFileError: they are more than `MAX_MB`.
    """
    size = sum(4 * math.prod(shape) for shape in shapes.values()) / 2**20
    if size > MAX_MB:
        raise UnsoundFileError(f"the weights would take {size:,.0f} MB, expected {MAX_MB} at most")


def save(path: Path, bundle: Bundle, state: Mapping[str, AnyArray] = _NO_STATE) -> None:
    """Write a bundle: whole or not at all.

    Args:
        path: where to; its name ends in `SUFFIX`.
        bundle: what to write.
        state: more arrays to keep in it, by name; playing doesn't look at them.

    Raises:
        OSError: it can't be written.
    """
    spelled = list(map(str, bundle.vocabulary.tokens))
    about = _About(1, bundle.architecture, bundle.tokeniser, spelled, bundle.provenance)
    image = io.BytesIO()  # a full disk is met by Python's own writing, not by HDF5's
    with h5py.File(image, "w") as file:
        for name, array in bundle.weights.items():
            file[name] = array
        for name, array in state.items():
            file[f"{_STATE}/{name}"] = array
        file[_ABOUT] = np.frombuffer(msgspec.json.encode(about), np.uint8)
    write_whole(path, image.getbuffer())


def load_state(path: Path, like: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Read what `save` was given beside a bundle.

    Args:
        path: the file.
        like: arrays of the names, shapes and types that are expected.

    Raises:
        BundleError: it isn't there, or is otherwise than expected.
    """
    with _opened(path) as file:
        return {
            name: file.array(f"{_STATE}/{name}", array.dtype.str, array.shape)
            for name, array in like.items()
        }


def load(path: Path, *, trusted: bool = False) -> Bundle:
    """Read a bundle.

    Args:
        path: the file.
        trusted: it came with the package.

    Raises:
        BundleError: there is no such file, or it isn't a sound bundle.
    """
    with _opened(path, trusted=trusted) as file:
        return read(file)


@contextmanager
def _opened(path: Path, *, trusted: bool = False) -> Iterator[WeightsFile]:
    """A file to be read; what is wrong with it becomes a `BundleError` that names it."""
    try:
        with opened(path, trusted=trusted) as file:
            yield file
    except Exception as error:  # of many kinds, where HDF5 is bad
        raise BundleError(f"{path}: {explain(error)}") from None


def read(file: WeightsFile) -> Bundle:
    """Read a bundle from an opened file.

    Raises:
        UnsoundFileError: it isn't a sound one.
    """
    about = _read_about(file)
    try:
        vocabulary = Vocabulary([parse_token(text) for text in about.vocabulary])
    except ValueError as error:
        raise UnsoundFileError(f"{_ABOUT}: {error}") from None
    shapes = weight_shapes(about.architecture, len(vocabulary))
    check_size(shapes)
    weights: dict[str, Array] = {}
    for name, shape in shapes.items():
        found = file.shape(name, "<f4")
        if found != shape:
            raise UnsoundFileError(
                f"{name} has shape {found}, expected {shape} for a vocabulary of "
                f"{len(vocabulary)} and {about.architecture.units} units"
            )
        weights[name] = file.array(name, "<f4", shape)
        if not np.isfinite(weights[name]).all():
            raise UnsoundFileError(f"{name} holds values that are not finite numbers")
        if name.endswith("vars/3") and weights[name].min(initial=0) < 0:
            raise UnsoundFileError(f"{name} holds a negative variance")
    return Bundle(about.architecture, vocabulary, about.tokeniser, about.provenance, weights)


def _read_about(file: WeightsFile) -> _About:
    if not file.has(_ABOUT):
        raise UnsoundFileError(f"not weights that livecomposer wrote: {_ABOUT} is missing")
    shape = file.shape(_ABOUT, "|u1")
    if len(shape) != 1 or shape[0] > _MAX_ABOUT_BYTES:
        raise UnsoundFileError(f"{_ABOUT} has shape {shape}, expected one row of bytes")
    try:
        return msgspec.json.decode(file.array(_ABOUT, "|u1", shape).tobytes(), type=_About)
    except (ValueError, RecursionError) as error:  # msgspec's, and the text's encoding
        raise UnsoundFileError(f"{_ABOUT}: {error}") from None
