"""HDF5 files from anywhere: only what is stored plainly in the file itself is opened."""

import math
from typing import Any

import h5py
import numpy as np


class UnsoundFileError(ValueError):
    """A file can't be used as weights; the message says why."""


def plain_group(file: h5py.Group, name: str) -> h5py.Group:
    """The group of that name, reached by hard links only.

    Raises:
        UnsoundFileError: it is missing, or no group.
    """
    node = _reach(file, name)
    if not isinstance(node, h5py.Group):
        raise UnsoundFileError(f"{name} is not a group")
    return node


def plain_dataset(file: h5py.Group, name: str, dtype: np.dtype[Any]) -> h5py.Dataset:
    """The dataset of that name, reached by hard links only and stored in this file only.

    Raises:
        UnsoundFileError: it is missing, no dataset, of another type, or not stored plainly.
    """
    node = _reach(file, name)
    if not isinstance(node, h5py.Dataset):
        raise UnsoundFileError(f"{name} is not a dataset")
    if node.external or node.is_virtual:
        raise UnsoundFileError(f"{name} is stored outside the file")
    if node.shape is None or node.dtype != dtype:
        raise UnsoundFileError(f"{name} is of type {node.dtype}, expected {dtype}")
    # Written plainly, a dataset takes as much of the file as of memory.
    size = math.prod(node.shape) * dtype.itemsize
    if node.chunks is not None or node.id.get_storage_size() != size:
        raise UnsoundFileError(f"{name} is not stored plainly: {node.shape} takes {size:,} bytes")
    return node


def _reach(file: h5py.Group, name: str) -> Any:
    node: Any = file
    for part in name.split("/"):
        if not isinstance(node, h5py.Group) or not isinstance(
            node.get(part, getlink=True), h5py.HardLink
        ):
            raise UnsoundFileError(f"{name} is missing")
        node = node[part]
    return node
