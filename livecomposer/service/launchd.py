"""A launchd agent: see launchd.plist(5) and launchctl(1)."""

import os
import plistlib
from collections.abc import Sequence
from pathlib import Path

from livecomposer.atomic import write_whole
from livecomposer.service.manager import NAME, ServiceError, ask, order

_RESTART_S = 10


class Launchd:
    """The user's launchd, for as long as they are logged in.

    Unlike systemd, it starts a program again whatever the exit code of its failure was.
    """

    def __init__(self) -> None:
        library = Path.home() / "Library"
        self.file = library / "LaunchAgents" / f"{NAME}.plist"
        self._log = library / "Logs" / f"{NAME}.log"
        self.log = f"tail -f {self._log}"

    def definition(self, command: Sequence[str]) -> bytes:
        """See `Manager`."""
        try:
            return plistlib.dumps(
                {
                    "Label": NAME,
                    "ProgramArguments": list(command),
                    "RunAtLoad": True,
                    "KeepAlive": {"SuccessfulExit": False},
                    "ThrottleInterval": _RESTART_S,
                    "ProcessType": "Interactive",  # else its processor time is limited
                    "AbandonProcessGroup": True,  # its guardian ends by itself
                    "StandardOutPath": str(self._log),
                    "StandardErrorPath": str(self._log),
                }
            )
        except ValueError as error:
            raise ServiceError(f"launchd can't be told {' '.join(command)!r}: {error}") from None

    def install(self, command: Sequence[str]) -> None:
        """See `Manager`."""
        definition = self.definition(command)
        _reach()
        for folder in (self.file.parent, self._log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, definition)
        ask("launchctl", "bootout", _service())  # one that runs; else it says that there is none
        order("launchctl", "bootstrap", _domain(), str(self.file))

    def remove(self) -> None:
        """See `Manager`."""
        _reach()
        ask("launchctl", "bootout", _service())
        self.file.unlink()

    def state(self) -> str:
        """See `Manager`."""
        _reach()
        done = ask("launchctl", "print", _service())
        if done.returncode:
            return "not loaded"
        return "running" if "state = running" in done.stdout else "not running"


def _domain() -> str:
    """Of the user who is logged in."""
    return f"gui/{os.getuid()}"


def _service() -> str:
    return f"{_domain()}/{NAME}"


def _reach() -> None:
    """Make sure that the user is logged in at the screen."""
    if ask("launchctl", "print", _domain()).returncode:
        raise ServiceError("launchd can't be reached: log in on the machine itself, not from afar")
