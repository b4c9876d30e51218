"""Files from anywhere, opened by a child process that may do little else.

The child has no memory to speak of, no other file, no socket, no child of its own, and not much
time. (That is Linux's. Other Unixes don't bound its memory, Windows bounds nothing: there a file
can still do no more than end the child.) It answers questions, a line of JSON each; an array
follows as plain bytes.
"""

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from livecomposer import children
from livecomposer.model.hdf5 import PlainFile, UnsoundFileError, WeightsFile, explain

MEMORY_MB = 150
"""What the child may take beside what it has when it begins."""
_PATIENCE_S = 20
_CPU_S = 2
_GOING_S = 1
_LONGEST_ANSWER = 1 << 22


class _Question(Struct):
    method: str
    arguments: list[Any]


class _Answer(Struct):
    result: Any = None
    error: str | None = None


@contextmanager
def opened(path: Path, *, trusted: bool = False) -> Iterator[WeightsFile]:
    """A file to be read.

    Args:
        path: where it is.
        trusted: it came with the package, and is opened in this process: that is quicker.

    Raises:
        UnsoundFileError: there is no such file, or it can't be used.
    """
    _check_readable(path)
    file = PlainFile(path) if trusted else _IsolatedFile(path)
    try:
        yield file
    finally:
        file.close()


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise UnsoundFileError("a folder, expected a file")
        if not path.exists():
            raise UnsoundFileError("no such file")
        if not path.is_file():
            raise UnsoundFileError("not a regular file")
        path.open("rb").close()
    except OSError as error:
        raise UnsoundFileError(error.strerror) from None


class _IsolatedFile:
    """A file, opened in a child process (see `WeightsFile`)."""

    def __init__(self, path: Path) -> None:
        try:
            self._process = children.start(__name__, path.absolute(), stdout=subprocess.PIPE)
        except OSError as error:
            raise UnsoundFileError(f"no process to read it can be started: {error}") from None
        self._timer = threading.Timer(_PATIENCE_S, self._process.kill)
        self._timer.start()

    def close(self) -> None:
        """End the child."""
        self._timer.cancel()
        self._process.kill()
        self._process.communicate()

    def has(self, name: str) -> bool:
        """See `WeightsFile`."""
        return bool(self._ask("has", name))

    def shape(self, name: str, dtype: str) -> Sequence[int]:
        """See `WeightsFile`."""
        return tuple(self._ask("shape", name, dtype))

    def array(self, name: str, dtype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
        """See `WeightsFile`."""
        self._ask("array", name, dtype, shape)
        array = np.empty(shape, dtype)
        if self._stdout.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
            raise self._ended()
        return array

    def names(self, group: str, attribute: str) -> list[str]:
        """See `WeightsFile`."""
        return list(self._ask("names", group, attribute))

    def text(self, attribute: str) -> str | None:
        """See `WeightsFile`."""
        found: str | None = self._ask("text", attribute)
        return found

    @property
    def _stdout(self) -> BufferedReader:
        return cast(BufferedReader, self._process.stdout)

    def _ask(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin  # noqa: S101 - it is a pipe
        with suppress(BrokenPipeError):
            question = msgspec.json.encode(_Question(method, list(arguments)))
            self._process.stdin.write(question + b"\n")
            self._process.stdin.flush()
        line = self._stdout.readline(_LONGEST_ANSWER)
        if not line.endswith(b"\n"):
            raise self._ended()
        answer = msgspec.json.decode(line, type=_Answer)
        if answer.error is not None:
            raise UnsoundFileError(answer.error)
        return answer.result

    def _ended(self) -> UnsoundFileError:
        try:
            code = self._process.wait(_GOING_S)
        except subprocess.TimeoutExpired:  # it says what makes no sense
            self._process.kill()
            code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return UnsoundFileError(f"not a sound HDF5 file: what read it broke or was slow ({how})")


def main() -> None:
    """Answer questions about a file: what the child process does."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    with Path(sys.argv[1]).open("rb") as content:
        file: PlainFile | None = None
        while line := questions.readline():
            question = msgspec.json.decode(line, type=_Question)
            result = None
            try:
                if file is None:
                    give_up_all_else()
                    file = PlainFile(content)
                result = getattr(file, question.method)(*question.arguments)
                answer = _Answer(None if isinstance(result, np.ndarray) else result)
            except MemoryError:
                answer = _Answer(error="not a sound HDF5 file: it claims too much memory")
            except Exception as error:  # of many kinds
                answer = _Answer(error=explain(error))
            answers.write(msgspec.json.encode(answer) + b"\n")
            if isinstance(result, np.ndarray):
                answers.write(result.data)
            answers.flush()


def give_up_all_else(cpu_s: int = _CPU_S) -> None:
    """Let this process take no more memory than weights need, and open nothing, for good.

    Args:
        cpu_s: the processor's time that it may still take.
    """
    if sys.platform == "win32":
        return
    import resource

    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + (MEMORY_MB << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for limit, most in (
        (resource.RLIMIT_CPU, math.ceil(time.process_time()) + cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
