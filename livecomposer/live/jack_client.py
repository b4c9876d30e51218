"""Clients of a JACK server, which are closed before Python is taken down, whatever ends it.

JACK's threads call Python, and its server waits for them: of a Python that is being taken down they
would never come back, and the server would answer nobody any more.
"""

import atexit
import logging
from typing import Any
from weakref import WeakSet

import jack

log = logging.getLogger(__name__)

_clients: "WeakSet[Any]" = WeakSet()


def open_client(name: str) -> Any:
    """A client of the running server.

    Raises:
        jack.JackOpenError: there is none, or it makes no client.
    """
    client = jack.Client(name, no_start_server=True)
    _clients.add(client)
    return client


def quiet_jack() -> None:
    """Have JACK's own complaints logged: ours says it in one line."""
    jack.set_error_function(lambda message: log.debug("JACK: %s", message))
    jack.set_info_function(lambda message: log.debug("JACK: %s", message))


@atexit.register
def _close_all() -> None:
    for client in list(_clients):
        client.close()  # once more is nothing
