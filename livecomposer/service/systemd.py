"""A systemd user unit: see systemd.service(5), systemd.kill(5), systemd.exec(5)."""

import re
from collections.abc import Sequence

import platformdirs

from livecomposer.atomic import write_whole
from livecomposer.service.manager import NAME, ServiceError, ask, last_line, order

_UNIT = """\
# Written by `livecomposer service install`, which writes it anew; `remove` takes it away.

[Unit]
Description=livecomposer, a live MIDI partner
After=sound.target pipewire.service wireplumber.service jack.service
# Where there is no MIDI system yet (exit code 3), it is waited for.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=5
# Wrong settings are wrong the next time, too.
RestartPreventExitStatus=2
# A guardian beside it ends what sounds when it is killed, and then itself: no signal may reach that
# one. With "mixed", what is left is killed as soon as the main process is gone; with
# "control-group", both are killed together where SIGTERM is of no avail.
KillMode=process
TimeoutStopSec=15
SyslogIdentifier=livecomposer
# Real-time priority and JACK's locked memory, as far as the user may have them.
LimitRTPRIO=95
LimitMEMLOCK=infinity
# What MIDI, JACK and recordings don't need. (JACK needs the real /dev/shm and /tmp.)
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
UMask=0077

[Install]
WantedBy=default.target
"""
_ESCAPES = str.maketrans(
    {chr(code): f"\\x{code:02x}" for code in (*range(1, 32), 127)}
    | {'"': '\\"', "\\": "\\\\", "%": "%%", "$": "$$"}
)
_UNIT_NAME = f"{NAME}.service"
_SYSTEMCTL = ("systemctl", "--user")


class Systemd:
    """The user's systemd."""

    def __init__(self) -> None:
        self.file = platformdirs.user_config_path() / "systemd" / "user" / _UNIT_NAME
        self.log = f"journalctl --user --unit {NAME}"

    def definition(self, command: Sequence[str]) -> bytes:
        """See `Manager`."""
        program, *arguments = command
        if re.search(r"""["'\\\x00-\x1f\x7f]""", program):
            raise ServiceError(
                f"systemd starts no program at {program!r}: its path has quotes, or so"
            )
        # A variable is not expanded in a program's path, and $$ not read as $.
        words = [f'"{program.replace("%", "%%")}"', *map(_quote, arguments)]
        try:
            return _UNIT.format(command=" ".join(words)).encode()
        except UnicodeEncodeError:
            raise ServiceError(f"systemd takes UTF-8 only: {' '.join(command)!r}") from None

    def install(self, command: Sequence[str]) -> None:
        """See `Manager`."""
        definition = self.definition(command)
        _reach()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, definition)
        order(*_SYSTEMCTL, "daemon-reload")
        order(*_SYSTEMCTL, "enable", _UNIT_NAME)
        order(*_SYSTEMCTL, "restart", _UNIT_NAME)

    def remove(self) -> None:
        """See `Manager`."""
        _reach()
        order(*_SYSTEMCTL, "disable", "--now", _UNIT_NAME)
        self.file.unlink()
        order(*_SYSTEMCTL, "daemon-reload")

    def state(self) -> str:
        """See `Manager`."""
        _reach()
        said = ask(*_SYSTEMCTL, "is-active", _UNIT_NAME).stdout.strip()
        return "running" if said == "active" else said


def _reach() -> None:
    """Make sure that there is a manager to talk to."""
    done = ask(*_SYSTEMCTL, "show-environment")
    if done.returncode:
        raise ServiceError(
            f"your systemd can't be reached ({last_line(done)}): log in on the machine itself, or "
            "have root allow it without (loginctl enable-linger NAME); where there is no systemd, "
            "have `livecomposer play --quiet` started by what is there"
        )


def _quote(argument: str) -> str:
    """An argument, as a word of a command line in a unit."""
    return f'"{argument.translate(_ESCAPES)}"'
