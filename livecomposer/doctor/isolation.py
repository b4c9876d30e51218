"""Checks of MIDI in a process of their own: a server that stands still has clients wait for ever.

    python -m livecomposer.doctor.isolation NAME...

It takes the settings as JSON at its standard input, and answers with a line for each check.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from threading import Timer

import msgspec

from livecomposer import children
from livecomposer.config import Config
from livecomposer.config_file import load_config, spell_config
from livecomposer.doctor import midi
from livecomposer.doctor.finding import Finding, attempt

PATIENCE_S = 5.0


def main(names: list[str]) -> None:
    """Do the checks of these names."""
    with os.fdopen(os.dup(1), "wb", 0) as answers, open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)  # libraries may print there
        config = load_config(base=msgspec.json.decode(sys.stdin.buffer.read()))
        for name in names:
            answers.write(msgspec.json.encode(attempt(name, partial(midi.CHECKS[name], config))))
            answers.write(b"\n")


def check_midi(config: Config, patience_s: float = PATIENCE_S) -> Iterator[Finding]:
    """All checks of MIDI, in their order.

    Args:
        config: what is wanted.
        patience_s: for how long each is waited for.
    """
    try:
        yield from _check_midi(config, patience_s)
    except (OSError, msgspec.DecodeError) as error:
        yield Finding("midi", "problem", f"no process can look at it ({error})")


def _check_midi(config: Config, patience_s: float) -> Iterator[Finding]:
    names = list(midi.CHECKS)
    while names:  # those that are left, after one that came to no end
        with children.start(__name__, *names, stdout=subprocess.PIPE) as process:
            assert process.stdin and process.stdout  # noqa: S101, PT018 - they are pipes
            with suppress(BrokenPipeError):  # it has ended, which is seen below
                process.stdin.write(msgspec.json.encode(spell_config(config)))
                process.stdin.close()
            for name in names.copy():
                giving_up = Timer(patience_s, process.kill)
                giving_up.start()
                line = process.stdout.readline()
                giving_up.cancel()
                if not line:
                    break
                names.remove(name)
                yield msgspec.json.decode(line, type=Finding)
            giving_up = Timer(patience_s, process.kill)  # it may come to no end
            giving_up.start()
            process.wait()
            giving_up.cancel()
        if names:
            found = f"no answer in {patience_s:g} s, or it crashed"
            advice = "start the MIDI system (JACK?) anew, or set ports.api to another"
            yield Finding(names.pop(0), "problem", found, advice)


if __name__ == "__main__":
    main(sys.argv[1:])
