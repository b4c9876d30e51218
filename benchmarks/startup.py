"""What it costs to start: `livecomposer play` to its `ready`, beside `import tensorflow`.

    python benchmarks/startup.py [--times N]

Runs in a dummy JACK server of its own, which needs `jackd`. Each start is of a fresh process, one
after the other, with the files in the system's cache. Memory is what is resident at the end of the
start, less what is shared with other processes (Linux only). TensorFlow is left out where it is
not installed.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from livecomposer.bench import Start, StartError, start_python

PLAY = ["-m", "livecomposer", "play", "--set=ports.api=jack"]
# It stays until it is ended, so that its memory can be read.
IMPORT_TENSORFLOW = ["-c", "import tensorflow, time; print('ready', flush=True); time.sleep(60)"]
NO_MIDI = 3
JACK_PATIENCE_S = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="how often to start `play`")
    options = parser.parse_args()
    if options.times < 1:
        parser.error("--times: expected 1 or more")
    if shutil.which("jackd") is None:
        sys.exit("jackd is not installed")
    subjects = {"`livecomposer play`, to `ready`": (PLAY, options.times)}
    if find_spec("tensorflow"):
        subjects["`python -c 'import tensorflow'`"] = (IMPORT_TENSORFLOW, min(2, options.times))
    else:
        print("TensorFlow is not installed here: it is left out.\n")
    rows: dict[str, list[Start]] = {name: [] for name in subjects}
    try:
        with jack_server():
            for arguments, _ in subjects.values():
                start_python(arguments)  # not counted: it fills the system's cache
            # In turns, so that a busy machine is as unkind to one as to the other.
            for turn in range(options.times):
                for name, (arguments, times) in subjects.items():
                    if turn < times:
                        rows[name].append(start_python(arguments))
    except StartError as error:
        sys.exit(str(error))
    report(rows)
    counts = ", ".join(str(len(starts)) for starts in rows.values())
    print(f"\nPython {sys.version.split()[0]}; starts: {counts}")


@contextmanager
def jack_server() -> Iterator[None]:
    """A server of our own, which the processes that are started find."""
    name = f"livecomposer-startup-{os.getpid()}"
    os.environ |= {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    server = subprocess.Popen(
        ["jackd", "-r", "-n", name, "-d", "dummy", "-r", "48000", "-p", "256"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_server(time.monotonic() + JACK_PATIENCE_S)
        yield
    finally:
        server.terminate()
        server.wait()


def await_server(deadline: float) -> None:
    """Wait until the server lets `play` start."""
    while True:
        try:
            start_python(PLAY)
        except StartError as error:
            if error.exit_code != NO_MIDI or time.monotonic() > deadline:
                raise
        else:
            return


def report(rows: dict[str, list[Start]]) -> None:
    """Print the table; ratios are of medians, to the first row."""
    print("| | p50 s | min s | max s | MB | times as long | times the memory |")
    print("|---|---|---|---|---|---|---|")
    first: tuple[float, float | None] | None = None
    for name, starts in rows.items():
        seconds = [start.seconds for start in starts]
        sizes = [start.memory_mb for start in starts if start.memory_mb is not None]
        p50, memory = statistics.median(seconds), statistics.median(sizes) if sizes else None
        first = first or (p50, memory)
        print(
            f"| {name} | {p50:.2f} | {min(seconds):.2f} | {max(seconds):.2f} "
            f"| {'not known' if memory is None else format(memory, '.0f')} | {p50 / first[0]:.1f} "
            f"| {'' if memory is None or first[1] is None else format(memory / first[1], '.1f')} |"
        )


if __name__ == "__main__":
    main()
