"""Bytes -> notes, in other processes: a file that ends its reader is refused, like any bad one."""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache as cached
from functools import partial

from livecomposer.extras import install_command
from livecomposer.training.limits import Allowance, allowance, held_to
from livecomposer.training.readers import Notes, UnreadableError, load_parser, read_notes

_CONNECT_S = 4

_START_S, _STALLED = 20, 10
"""A reader is ended when it hasn't used its time within so long, and so many times that time."""

_ENDED_BY_TIME = -signal.SIGPROF if sys.platform != "win32" else None

Finish = Callable[[], list[Notes]]
"""Waits for a file's notes. Raises UnreadableError, or ReaderLostError."""

Begin = Callable[[str, bytes], Finish]
"""Has the content of a file with this suffix parsed."""


class ReaderLostError(RuntimeError):
    """There is nothing left that reads files; the message says why."""


@contextmanager
def readers(cluster: str | None = None, processes: int | None = None) -> Iterator[Begin]:
    """What parses files side by side. It is started at the first file: a full cache needs none.

    Args:
        cluster: the address of a Dask scheduler whose workers parse; by default, processes of
            this machine do, each held to an `allowance`.
        processes: how many; by default, as many as there are cores.
    """
    with ExitStack() as stack:
        if cluster:
            start: Callable[[], Begin] = partial(_cluster, stack, cluster)
        else:
            start = partial(_processes, stack, processes or os.cpu_count() or 1)
        started = cached(start)

        def begin(suffix: str, content: bytes) -> Finish:
            return started()(suffix, content)

        yield begin


def _processes(stack: ExitStack, count: int) -> Begin:
    try:
        from pebble import ProcessExpired, ProcessPool  # not for playing
    except ImportError:
        raise ReaderLostError(f"reading it needs pebble: {install_command('train')}") from None
    # A fork of this process would begin with its memory and threads, whatever these are. The server
    # has the parsers already: a reader that takes another's place starts at once.
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    context.set_forkserver_preload([__name__, "music21.converter"])
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    pool = ProcessPool(count, context=context, initializer=_keep_within, initargs=(folder,))
    stack.callback(pool.join)
    stack.callback(pool.stop)

    def begin(suffix: str, content: bytes) -> Finish:
        allowed = allowance(suffix, len(content))
        try:
            future = pool.schedule(
                _read,
                args=(suffix, content, allowed),
                timeout=_START_S + _STALLED * allowed.seconds,
            )
        except RuntimeError as error:  # of a pool that has ended
            raise ReaderLostError(f"no process reads files any more ({error})") from None

        def finish() -> list[Notes]:
            try:
                return future.result()
            except UnreadableError:
                raise
            except TimeoutError:
                raise UnreadableError("reading it comes to no end") from None
            except ProcessExpired as error:
                raise UnreadableError(_why_ended(error.exitcode, allowed)) from None
            except Exception as error:  # of a pool that can't be started
                raise ReaderLostError(f"no process reads files any more ({error!r})") from error

        return finish

    return begin


def _keep_within(folder: str) -> None:
    """Leave nothing elsewhere: a reader may be ended at any time."""
    tempfile.tempdir = folder


def _read(suffix: str, content: bytes, allowed: Allowance) -> list[Notes]:
    load_parser(suffix)
    try:
        with held_to(allowed):
            return read_notes(suffix, content)
    except MemoryError:
        reason = f"it takes more than {allowed.memory / 1e6:,.0f} MB of memory to read"
    except UnreadableError:
        raise
    except Exception as error:  # what is wrong with one file is never the end of all
        reason = f"it can't be read ({type(error).__name__}: {error})"
    raise UnreadableError(reason)


def _why_ended(exit_code: int | None, allowed: Allowance) -> str:
    if exit_code == _ENDED_BY_TIME:
        return f"it takes more than {allowed.seconds:.1f} s to read"
    return f"its reader ended ({exit_code})"


def _cluster(stack: ExitStack, address: str) -> Begin:
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ReaderLostError(
            f"a cluster is reached by Dask: {install_command('cluster')}"
        ) from None
    try:
        client = stack.enter_context(Client(address, timeout=_CONNECT_S))  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ReaderLostError(f"there is no Dask scheduler at {address} ({error})") from None
    executor = client.get_executor()

    def begin(suffix: str, content: bytes) -> Finish:
        future = executor.submit(read_notes, suffix, content)

        def finish() -> list[Notes]:
            try:
                found: list[Notes] = future.result()
            except UnreadableError:
                raise
            except (KilledWorker, MemoryError):
                raise UnreadableError("its readers ended, or had no memory left") from None
            except Exception as error:  # of the connection's own kinds
                raise ReaderLostError(f"the cluster is lost ({error!r})") from error
            return found

        return finish

    return begin
