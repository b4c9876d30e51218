"""Clients of a JACK server, which are closed while their threads are not in Python.

JACK 2 ends the thread that brings a client its notifications, and that complains where the server
has died, wherever it is (`pthread_cancel`). From Python, it would take the interpreter's lock with
it, and all would stand still.
"""

import atexit
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakSet

import jack

log = logging.getLogger(__name__)

T = TypeVar("T")

_TIMES, _BETWEEN_S = 10, 0.01
"""A program that ends takes its ports away within milliseconds."""
_HEARD_S = 0.05
"""In which the last notification has been heard: none takes a millisecond of its own."""

_clients: "WeakSet[Any]" = WeakSet()


def open_client(name: str) -> Any:
    """A client of the running server.

    Raises:
        jack.JackOpenError: there is none, or it makes no client.
    """
    client = jack.Client(name, no_start_server=True)
    _clients.add(client)
    return client


def close_client(client: Any) -> None:
    """Close a client when none of its notifications is being heard any more."""
    _clients.discard(client)
    client.deactivate()  # it is brought no more of them
    time.sleep(_HEARD_S)
    client.close()


def ask(question: Callable[[], T]) -> T:
    """What is answered about ports, asked again where one has gone while they were listed.

    Raises:
        jack.JackError: there is no answer, however often it is asked.
    """
    for _ in range(_TIMES - 1):
        with suppress(jack.JackError):
            return question()
        time.sleep(_BETWEEN_S)
    return question()


def quiet_jack() -> None:
    """Have JACK's own complaints logged: ours says it in one line."""
    jack.set_error_function(lambda message: log.debug("JACK: %s", message))
    jack.set_info_function(lambda message: log.debug("JACK: %s", message))


@atexit.register
def _close_all() -> None:
    for client in list(_clients):
        close_client(client)
