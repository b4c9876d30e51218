"""Several processes that train together: who this one is, by TensorFlow's `TF_CONFIG`."""

import os
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Worker:
    """One of the processes that share a batch. The first of them writes what is kept.

    Attributes:
        index: from 0.
        number: how many there are.
    """

    index: int
    number: int

    @property
    def chief(self) -> bool:
        """Whether this is the first."""
        return self.index == 0


class WorkerError(ValueError):
    """`TF_CONFIG` is not as TensorFlow wants it."""


class _Task(Struct):
    type: str
    index: int


class _Config(Struct):
    cluster: dict[str, list[str]]
    task: _Task
    environment: Any = None


def this_worker() -> Worker:
    """Who this process is; the only one, where there is no `TF_CONFIG`.

    Raises:
        WorkerError: it can't be told.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return Worker(0, 1)
    try:
        config = msgspec.json.decode(text, type=_Config)
    except msgspec.DecodeError as error:
        raise WorkerError(f"TF_CONFIG is {text!r}: {error}") from None
    members = [(kind, i) for kind in ("chief", "worker")
               for i in range(len(config.cluster.get(kind, ())))]  # fmt: skip
    me = (config.task.type, config.task.index)
    if me not in members:
        raise WorkerError(f"TF_CONFIG is {text!r}: its task {me} is none of its cluster's workers")
    return Worker(members.index(me), len(members))
