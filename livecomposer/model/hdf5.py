"""HDF5 files from anywhere: only what is stored plainly in the file itself is opened.

HDF5's library, in C, believes the sizes that a file claims: for a damaged one it may take
gigabytes, or crash. So what did not come with the package is opened by a child process: see
`isolated`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import h5py
import numpy as np
import numpy.typing as npt

from livecomposer.wording import brief

_MAX_NAMES = 100


class UnsoundFileError(ValueError):
    """A file can't be used as weights; the message says why."""


class WeightsFile(Protocol):
    """What is asked of a file, here or in a child process. Names are paths of hard links."""

    def has(self, name: str) -> bool:
        """Whether there is anything of that name."""
        ...

    def shape(self, name: str, dtype: str) -> Sequence[int]:
        """The shape of a dataset of that type.

        Raises:
            UnsoundFileError: it is missing, no dataset, of another type, or not stored plainly.
        """
        ...

    def array(self, name: str, dtype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
        """What is in a dataset of that type and shape.

        Raises:
            UnsoundFileError: it is missing, no dataset, otherwise than expected, or not stored
                plainly.
        """
        ...

    def names(self, group: str, attribute: str) -> list[str]:
        """The row of names that is kept in an attribute of a group ("" for the file's own).

        Raises:
            UnsoundFileError: there is none, or it is too long.
        """
        ...

    def text(self, attribute: str) -> str | None:
        """The text that is kept in an attribute of the file's own, if it is there."""
        ...


class PlainFile:
    """A file, opened in this process (see `WeightsFile`).

    Raises:
        UnsoundFileError: it is no HDF5 file.
    """

    def __init__(self, file: Path | BinaryIO) -> None:
        try:
            self._file = h5py.File(file, "r")
        except Exception as error:  # of many kinds
            raise UnsoundFileError(explain(error)) from None

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def has(self, name: str) -> bool:
        """See `WeightsFile`."""
        try:
            self._reach(name)
        except UnsoundFileError:
            return False
        return True

    def shape(self, name: str, dtype: str) -> Sequence[int]:
        """See `WeightsFile`."""
        shape: Sequence[int] = self._dataset(name, np.dtype(dtype)).shape
        return shape

    def array(self, name: str, dtype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
        """See `WeightsFile`."""
        dataset = self._dataset(name, np.dtype(dtype))
        if dataset.shape != tuple(shape):
            raise UnsoundFileError(f"{name} has shape {dataset.shape}, expected {tuple(shape)}")
        array = np.empty(dataset.shape, dtype)
        dataset.read_direct(array)
        return array

    def names(self, group: str, attribute: str) -> list[str]:
        """See `WeightsFile`."""
        attributes = self._group(group).attrs
        if attribute not in attributes:
            raise UnsoundFileError(f"it has no {attribute}: not weights in Keras's legacy format")
        kept = attributes.get_id(attribute)
        if len(kept.shape) != 1 or kept.shape[0] > _MAX_NAMES:
            raise UnsoundFileError(f"{attribute} has shape {kept.shape}, expected a row of names")
        values = attributes[attribute]
        return list(map(_decoded, values))

    def text(self, attribute: str) -> str | None:
        """See `WeightsFile`."""
        attributes = self._file.attrs
        return _decoded(attributes[attribute]) if attribute in attributes else None

    def _group(self, name: str) -> h5py.Group:
        node = self._reach(name) if name else self._file
        if not isinstance(node, h5py.Group):
            raise UnsoundFileError(f"{name} is not a group")
        return node

    def _dataset(self, name: str, dtype: np.dtype[Any]) -> h5py.Dataset:
        node = self._reach(name)
        if not isinstance(node, h5py.Dataset):
            raise UnsoundFileError(f"{name} is not a dataset")
        if node.external or node.is_virtual:
            raise UnsoundFileError(f"{name} is stored outside the file")
        if node.shape is None or node.dtype != dtype:
            raise UnsoundFileError(f"{name} is of type {node.dtype}, expected {dtype}")
        # Written plainly, a dataset takes as much of the file as of memory.
        size = math.prod(node.shape) * dtype.itemsize
        if node.chunks is not None or node.id.get_storage_size() != size:
            raise UnsoundFileError(
                f"{name} is not stored plainly: {node.shape} takes {size:,} bytes"
            )
        return node

    def _reach(self, name: str) -> Any:
        node: Any = self._file
        for part in name.split("/"):
            if not isinstance(node, h5py.Group) or not isinstance(
                node.get(part, getlink=True), h5py.HardLink
            ):
                raise UnsoundFileError(f"{name} is missing")
            node = node[part]
        return node


def _decoded(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def explain(error: Exception) -> str:
    """Why a file can't be used, in a line."""
    if isinstance(error, UnsoundFileError):
        return brief(error)
    return f"not a sound HDF5 file ({brief(error) or type(error).__name__})"
