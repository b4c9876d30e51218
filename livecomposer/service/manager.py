"""What starts services for a user: what is asked of it, and which there is."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

NAME = "livecomposer"
_PATIENCE_S = 60


class ServiceError(RuntimeError):
    """It can't be done; the message says why, and what else to do."""


class Manager(Protocol):
    """Starts a service at each login, and again when it fails.

    Attributes:
        file: where a service of ours is defined.
        log: how to see what it says.
    """

    file: Path
    log: str

    def definition(self, command: Sequence[str]) -> bytes:
        """What `file` is to hold.

        Raises:
            ServiceError: the command can't be written there.
        """
        ...

    def install(self, command: Sequence[str]) -> None:
        """Write the file, and start the service, or start it anew.

        Raises:
            ServiceError: the manager can't be reached, and nothing is written; or it refuses.
            OSError: the file can't be written.
        """
        ...

    def remove(self) -> None:
        """End the service, and take the file away.

        Raises:
            ServiceError: the manager can't be reached, and all stays as it is; or it refuses.
            OSError: the file can't be removed.
        """
        ...

    def state(self) -> str:
        """How the service is: "running", or what the manager says instead.

        Raises:
            ServiceError: the manager can't be reached.
        """
        ...


def play_command(config: Path | None) -> list[str]:
    """`play` for a service, which has a folder and an environment of its own.

    Args:
        config: settings to play with, if not the user's own.
    """
    # -P: a folder `livecomposer` in the home is no module.
    command = [sys.executable, "-P", "-m", "livecomposer", "play", "--quiet"]
    return command + (["--config", str(config.absolute())] if config else [])


def find_manager(platform: str) -> Manager:
    """What a system has.

    Args:
        platform: as `sys.platform`.

    Raises:
        ServiceError: nothing that is known.
    """
    from livecomposer.service.launchd import Launchd
    from livecomposer.service.systemd import Systemd

    if platform == "linux":
        return Systemd()
    if platform == "darwin":
        return Launchd()
    if platform == "win32":
        raise ServiceError(
            "there are services on Linux and macOS only: on Windows, put a shortcut to "
            "`livecomposer play` into the folder that Win+R, shell:startup opens"
        )
    raise ServiceError(
        f"there are services on Linux and macOS only, not on {platform!r}: have your system start "
        "`livecomposer play --quiet`"
    )


def ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a manager's own tool.

    Raises:
        ServiceError: it isn't there, or comes to no end.
    """
    try:
        return subprocess.run(  # noqa: S603 - the commands are our own
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"{command[0]}: {getattr(error, 'strerror', error)}") from None


def order(*command: str) -> None:
    """Have a manager's own tool do something.

    Raises:
        ServiceError: it doesn't.
    """
    done = ask(*command)
    if done.returncode:
        raise ServiceError(f"{' '.join(command)}: {last_line(done)}")


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a tool said in the end."""
    return (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").split(
        "\n"
    )[-1]
