"""The token in the page's address: the same for each start, so that an open page goes on."""

import re
import secrets
from pathlib import Path

import platformdirs

from livecomposer.atomic import write_whole

_TOKEN = re.compile(r"[\w-]{22,100}", re.ASCII)


def token_file() -> Path:
    """Where it is kept."""
    return platformdirs.user_state_path("livecomposer") / "monitor-token"


def own_token(file: Path) -> str:
    """The token in a file that nobody else may read; a new one where there is none.

    Raises:
        OSError: it can't be read or kept.
    """
    try:
        found = file.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        found = ""
    if _TOKEN.fullmatch(found):
        return found
    token = secrets.token_urlsafe(16)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(file, f"{token}\n".encode(), private=True)
    return token
