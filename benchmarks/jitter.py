"""How exactly notes fall: `livecomposer play` on JACK, against the ideal grid, for minutes.

    python benchmarks/jitter.py --minutes 10 --plot jitter.png

Each case is the real daemon on a dummy server of its own, answering without end at 400 beats a
minute with a note in every slot (75 ms, 3,600 frames), while the model steps. A JACK client notes
each onset's frame. With `--backend rtmidi`, two naive players beside it play the same grid through
rtmidi: one that sleeps `dt` after each note, one that sleeps until absolute deadlines.

With `--shown`, the cases are `play --quiet`, with lines as it is in a pipe, and with the panel that
it draws in a terminal. With `--pages N`, they are without the monitor, with so many of its pages
open in a headless Chromium, and with it flooded by `monitor_flood.py`.

Errors are distances from the grid that fits best, of which only the phase is free. On the monotonic
clock, a frame is when its cycle would have begun had its callback not been late; the 0.2 s after a
loss of frames by the server (an xrun) are counted apart. In frames, what is looked at is the step
from one onset to the next.
"""

import argparse
import shutil
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue

import jack
import numpy as np
import psutil
import rtmidi
from jack_rig import RATE, daemon, environment, jack_server, livecomposer, running
from onsets import HEADER, Figures, figures

STEP_S = 0.075
STEP_FRAMES = round(STEP_S * RATE)
SETTINGS = (
    "model.weights=fixed", "clock.tempo_bpm=400", "clock.anchor=fixed", "sampling.max_repeats=100",
    "jam.min_response=256", "jam.max_response=256", "sampling.seed=1",
)  # fmt: skip
CALL = ((0.0, b"\x90\x3c\x40"), (0.1, b"\x80\x3c\x00"))
FLOODER = Path(__file__).with_name("monitor_flood.py")
SHOWN = ("quiet", "lines", "panel")
PAGES, FLOOD = "pages", "flood"
TITLES = {
    "hog": "with a hog", "quiet": "quiet", "lines": "with lines", "panel": "with a panel",
    PAGES: "with the monitor and pages", FLOOD: "with the monitor, flooded",
}  # fmt: skip
ABSOLUTE = ("jack", "rtmidi", "absolute")
NAIVE = {"sleep": "sleep(dt)", "absolute": "sleep until a deadline"}


class Witness:
    """Notes the frame of every onset at each of its ports, and the time of every cycle."""

    def __init__(self, server: str, names: list[str]) -> None:
        self._player, self._ear = (
            jack.Client(name, no_start_server=True, servername=server)
            for name in ("jitter player", "jitter ear")
        )
        self._out = self._player.midi_outports.register("out")
        self._ins = {name: self._ear.midi_inports.register(name) for name in names}
        self.onsets: dict[str, array[int]] = {name: array("q") for name in names}
        self.cycles = array("q")  # frame, monotonic nanoseconds, frame, ...
        self._first = names[0]
        self.last_ns = 0  # when a note-on came to the first port
        self.losses: list[int] = []  # when the server had lost frames
        self._call: list[bytes] = []
        self._player.set_process_callback(self._play)
        self._ear.set_process_callback(self._record)
        self._ear.set_xrun_callback(lambda _us: self.losses.append(time.monotonic_ns()))
        self._player.activate()
        self._ear.activate()

    def close(self) -> None:
        """Leave the server."""
        for client in (self._player, self._ear):
            client.deactivate()
            client.close()

    def listen(self, name: str, out_of: str) -> None:
        """Connect a port of another client's to one of ours, as soon as it is there."""
        deadline = time.monotonic() + 10
        while not (ports := self._ear.get_ports(out_of, is_midi=True, is_output=True)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{out_of} never came")
            time.sleep(0.05)
        self._ear.connect(ports[0], self._ins[name])

    def play_into(self, port: str) -> None:
        """Connect our output."""
        self._player.connect(self._out, self._player.get_ports(port, is_input=True)[0])

    def call(self) -> None:
        """Play a short note, to be answered."""
        for pause, message in CALL:
            time.sleep(pause)
            self._call.append(message)

    def _play(self, _frames: int) -> None:
        self._out.clear_buffer()
        while self._call:
            self._out.write_midi_event(0, self._call.pop(0))

    def _record(self, _frames: int) -> None:
        now, start = time.monotonic_ns(), self._ear.last_frame_time
        self.cycles.extend((start, now))
        for name, port in self._ins.items():
            for offset, data in port.incoming_midi_events():
                message = bytes(data)
                if message[0] & 0xF0 == 0x90 and message[2]:
                    self.onsets[name].append(start + offset)
                    if name == self._first:
                        self.last_ns = now


def naive(kind: str) -> None:
    """A player as many are written, on rtmidi's JACK."""
    out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name=f"naive {kind}")
    out.open_virtual_port("out")
    deadline = time.monotonic()
    while True:
        out.send_message(CALL[0][1])
        if kind == "sleep":
            time.sleep(STEP_S)
        else:
            deadline += STEP_S
            time.sleep(max(0, deadline - time.monotonic()))


@contextmanager
def hog() -> Iterator[None]:
    """A process that never sleeps."""
    with running([sys.executable, "-c", "while True: pass"]):
        yield


@contextmanager
def pages(address: str, count: int) -> Iterator[None]:
    """The monitor's page, open so many times."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for _ in range(count):
            browser.new_page().goto(address)
        yield
        browser.close()


@contextmanager
def flood(address: str) -> Iterator[None]:
    """Requests and messages without end, in a process of their own, which says how many."""
    with running([sys.executable, FLOODER, address], stdin=subprocess.PIPE) as process:
        yield
        process.communicate()


def load_of(process: psutil.Process) -> tuple[float, float]:
    """CPU seconds used, and MB of its own."""
    times = process.cpu_times()
    return times.user + times.system, process.memory_full_info().uss / 1e6


def measure(backend: str, minutes: float, period: int, case: str, count: int = 0) -> list[Figures]:
    """One case: "", "hog", what is shown, or what is done to the monitor, with so many pages."""
    names = [backend, *(NAIVE if backend == "rtmidi" else ())]
    with ExitStack() as stack:
        server = stack.enter_context(jack_server(period))
        witness = Witness(server, names)
        stack.callback(witness.close)
        for kind in names[1:]:
            command = [sys.executable, __file__, "--naive", kind]
            stack.enter_context(running(command, env=environment(server)))
            witness.listen(kind, f"naive {kind}")
        shown = case if case in SHOWN else "lines"
        monitor = SimpleQueue[str]() if case in (PAGES, FLOOD) else None
        settings = (f"ports.backend={backend}", *SETTINGS)
        stack.enter_context(livecomposer(server, *settings, shown=shown, monitor=monitor))
        process = daemon()
        witness.play_into("livecomposer in")
        witness.listen(backend, "livecomposer out")
        if case == "hog":
            stack.enter_context(hog())
        if monitor is not None:
            address = monitor.get(timeout=20)
            stack.enter_context(pages(address, count) if case == PAGES else flood(address))
        time.sleep(1)
        begin = time.monotonic()
        before = load_of(process)
        while time.monotonic() - begin < 60 * minutes:
            if time.monotonic_ns() - witness.last_ns > 1e9:
                witness.call()
            time.sleep(0.5)
        after, seconds = load_of(process), time.monotonic() - begin
        witness._ear.deactivate()
        title = {"jack": "`jack`", "rtmidi": "`rtmidi`", **NAIVE}
        found = [
            figures(
                name, onsets, witness.cycles, witness.losses, STEP_FRAMES,
                one_grid=name in ABSOLUTE,
            )
            for name, onsets in witness.onsets.items()
        ]  # fmt: skip
        for each in found:
            each.name = title[each.name] + (f", {TITLES[case]}" if case else "")
        cpu = 100 * (after[0] - before[0]) / seconds
        found[0].load = f"{cpu:.1f} %, {before[1]:.1f} -> {after[1]:.1f}"
        return found


def plot(results: list[Figures], file: Path) -> None:
    """Histograms of the errors, one below the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.6 * len(results)), layout="constrained")
    edges = np.geomspace(1e-3, 100, 120)
    for axes, result in zip(figure.subplots(len(results), sharex=True), results, strict=True):
        axes.hist(result.errors.clip(1e-3), edges)
        axes.set(xscale="log", yscale="log", ylabel="onsets")
        axes.set_title(result.name, fontsize=9, loc="left")
    axes.set_xlabel("distance from the grid, ms")
    figure.savefig(file)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10, help="of each case")
    parser.add_argument("--period", type=int, default=64, help="of the server, in frames")
    parser.add_argument("--backend", choices=["jack", "rtmidi"], action="append")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw histograms")
    parser.add_argument("--shown", action="store_true", help="compare ways to show what it does")
    parser.add_argument("--pages", type=int, metavar="N", help="compare ways to use the monitor")
    parser.add_argument("--naive", choices=list(NAIVE), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.naive:
        naive(options.naive)
    print(HEADER, flush=True)
    results = []
    cases = SHOWN if options.shown else ("", PAGES, FLOOD) if options.pages else ("", "hog")
    for backend in options.backend or ["jack", "rtmidi"]:
        for case in cases:
            for found in measure(backend, options.minutes, options.period, case, options.pages):
                print(found.row(), flush=True)
                results.append(found)
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
