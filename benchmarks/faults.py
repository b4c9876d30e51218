"""How long until there is silence, or music again: faults done to a daemon that plays.

    python benchmarks/faults.py --times 10

Each is done so many times to `livecomposer play`, in the middle of a note, on a dummy JACK server
of its own. What is measured: from the fault to the last message at a JACK client that listens, when
no note sounds there any more; and from when what was lost is there again to the next note.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
from jack_rig import OUT, Witness, environment, jack_server, running

SETTINGS = ("jam.mode=solo", "clock.tempo_bpm=240", "record.folder=off", "sampling.longest_rest=1")
PATIENCE_S = 10


@contextmanager
def soloist(server: str, backend: str) -> Iterator[subprocess.Popen[str]]:
    """A daemon that plays by itself."""
    command = [sys.executable, "-m", "livecomposer", "play", "--quiet"]
    for setting in (*SETTINGS, f"ports.backend={backend}", "ports.api=jack"):
        command += ["--set", setting]
    with (
        tempfile.TemporaryFile("w+") as log,
        running(command, stdout=subprocess.PIPE, stderr=log, env=environment(server)) as process,
    ):
        assert process.stdout
        if not process.stdout.readline().startswith("ready: "):
            log.seek(0)
            raise RuntimeError("livecomposer isn't ready: " + log.read())
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)


def sounding(witness: Witness) -> set[bytes]:
    """The notes that a listener hears."""
    notes = set()
    for _, message in witness.heard.copy():
        if message[0] & 0xF0 == 0x90 and message[2]:
            notes.add(bytes((message[0] & 0x0F, message[1])))
        elif message[0] & 0xF0 in (0x80, 0x90):
            notes.discard(bytes((message[0] & 0x0F, message[1])))
    return notes


def until(what: Callable[[], object]) -> bool:
    """Wait; whether it came."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.0005)
    return True


class Case:
    """A listener, a daemon that plays, and a fault."""

    def __init__(self, server: str, witness: Witness, process: "subprocess.Popen[str]") -> None:
        self.server, self.witness, self.process = server, witness, process

    def onsets(self) -> int:
        """How many notes have begun."""
        return sum(m[0] & 0xF0 == 0x90 and m[2] > 0 for _, m in self.witness.heard.copy())

    def silenced_ms(self, fault: Callable[[], None]) -> float:
        """Do it in the middle of a note; how long that goes on."""
        begun = self.onsets()
        until(lambda: self.onsets() > begun + 2 and sounding(self.witness))
        before = time.monotonic_ns()
        fault()
        silent = until(lambda: not sounding(self.witness) and self.witness.heard[-1][0] > before)
        return (self.witness.heard[-1][0] - before) / 1e6 if silent else np.inf

    def music_ms(self) -> float:
        """How long until the next note."""
        begun, before = self.onsets(), time.monotonic_ns()
        played = until(lambda: self.onsets() > begun)
        return (time.monotonic_ns() - before) / 1e6 if played else np.inf

    def send(self, number: signal.Signals) -> Callable[[], None]:
        """A fault: the daemon gets this signal."""
        return lambda: os.kill(self.process.pid, number)

    def disconnect(self) -> None:
        """A fault: the listener listens no more."""
        self.witness.ear.disconnect(OUT, "witness ear:in")


def measure(backend: str, fault: str) -> tuple[float, float]:
    """One fault; milliseconds to silence, and to music."""
    with ExitStack() as stack:
        server = stack.enter_context(jack_server(256))
        process = stack.enter_context(soloist(server, backend))
        witness = stack.enter_context(Witness(server))
        witness.connect()
        case = Case(server, witness, process)
        match fault:
            case "Ctrl-Z, and fg":
                silent = case.silenced_ms(case.send(signal.SIGTSTP))
                time.sleep(0.5)
                os.kill(process.pid, signal.SIGCONT)
                return silent, case.music_ms()
            case "output disconnected, and connected":
                silent = case.silenced_ms(case.disconnect)
                witness.ear.connect(OUT, "witness ear:in")
                return silent, case.music_ms()
            case "listener gone, and back":
                until(lambda: case.onsets() > 2)
                witness.__exit__()
                time.sleep(1)
                witness = Witness(server)
                stack.callback(witness.__exit__)
                case.witness = witness
                witness.__enter__()
                return float("nan"), case.music_ms()
        return case.silenced_ms(case.send(getattr(signal, fault))), float("nan")


FAULTS = (
    "SIGINT", "SIGTERM", "SIGKILL", "Ctrl-Z, and fg", "output disconnected, and connected",
    "listener gone, and back",
)  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    print("| backend | fault | times | silent after ms, p50 | max | never | music after ms | max |")
    print("|---" * 8 + "|")
    for backend in ("jack", "rtmidi"):
        for fault in FAULTS:
            found = np.array([measure(backend, fault) for _ in range(options.times)])
            silent, music = found[:, 0], found[:, 1]
            never = str(np.isinf(silent).sum()) if (~np.isnan(silent)).any() else "-"
            cells = [*spelled(silent), never, *spelled(music)]
            print(f"| `{backend}` | {fault} | {options.times} | {' | '.join(cells)} |", flush=True)


def spelled(values: np.ndarray) -> list[str]:
    """The median and the greatest of those that there are."""
    known = values[np.isfinite(values)]
    return [f"{np.median(known):.0f}", f"{known.max():.0f}"] if len(known) else ["-", "-"]


if __name__ == "__main__":
    main()
