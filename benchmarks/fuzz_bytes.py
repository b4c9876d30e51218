"""Any bytes at the input port: what is made of them, and that nothing is left sounding.

    python benchmarks/fuzz_bytes.py --megabytes 10
    python benchmarks/fuzz_bytes.py --megabytes 10 --guided

Bytes go the way that a port's go: through the intake, in portions of any size, with time between,
into the jam, with controls, thru, feedback and a recording. They are random, MIDI-like or cut from
good messages; with `--guided`, atheris (extra `fuzz`) looks for bytes that reach more of the code.
Each run of them ends with a check that all is silent and that what can be held is bounded.
"""

import argparse
import logging
import os
import random
import sys
import time
from collections.abc import Iterator
from functools import cache

from livecomposer.cli.common import load_models
from livecomposer.config import Config
from livecomposer.config_file import load_config
from livecomposer.config_instrument import CONTROLS
from livecomposer.live.clock import Clock, InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.desk import Desk
from livecomposer.live.echoes import Echoes
from livecomposer.live.intake import Intake
from livecomposer.live.jam import Jam
from livecomposer.live.midi_clock import MidiClock
from livecomposer.live.offline import VirtualVoice, play_into
from livecomposer.live.recorder import PARTS, RecordedJam
from livecomposer.live.tuning import LoadedModel
from livecomposer.midi.recording import Recording

MODES = ("call-response", "duet", "fill", "solo", "listen")
SETTINGS = (
    "listen.thru=true", "controls.feedback=true", "jam.plan=1", "sampling.seed=1",
    *(f"controls.{name}=cc {20 + i} channel 16" for i, name in enumerate(CONTROLS)
      if name not in ("tempo", "tap")),
)  # fmt: skip
LONGEST_NS = 300_000_000


class Fuzzed:
    """A jam in virtual time that takes any bytes.

    Args:
        model: what is played; it begins anew.
        mode: how turns are taken.
        follows: whether a MIDI clock is followed.

    Attributes:
        sounding: (channel, pitch) that a listener hears.
        messages: how many were heard.
    """

    def __init__(self, model: LoadedModel, mode: str, *, follows: bool) -> None:
        config = _settings(mode, follows)
        clock: Clock = MidiClock(120) if follows else InternalClock(120, 0)
        composer = Composer(model.continuation, model.tokeniser, config.jam)
        composer.clear(0)
        model.continuation.forget()
        model.continuation.reseed(1)
        self._voice, self._intake = VirtualVoice(0), Intake()
        desk = Desk(config, composer, [model], self._voice, seed=1)
        recording = Recording(PARTS, "")
        jam = Jam(composer, clock, self._voice, desk=desk, echoes=Echoes())
        mappings = config.controls.mappings.values()
        self._jam = RecordedJam(jam, clock, mappings, lambda entry: recording.add(*entry))
        self._voice.schedule.witness = self._jam.send
        self.sounding: set[tuple[int, int]] = set()
        self.messages = 0

    def play(self, portions: Iterator[tuple[int, bytes]]) -> None:
        """Take portions of bytes, each so many nanoseconds after the one before."""
        self._jam.begin(0)
        now = 0
        for after_ns, data in portions:
            now += after_ns
            self._intake.put([(now, data)])
            for ns, message in self._intake.take():
                play_into(self._jam, self._voice, [(ns, message)], ns)
                self.messages += 1
            self._listen()
        play_into(self._jam, self._voice, [], now + LONGEST_NS)
        self._voice.silence()
        self._jam.end(now + LONGEST_NS)
        self._listen()

    def _listen(self) -> None:
        self._voice.send_due()
        for _, message in self._voice.sent:
            status, key = message[0] & 0xF0, (message[0] & 0x0F, message[-2:][0])
            if status == 0x90 and message[2]:
                self.sounding.add(key)
            elif status in (0x80, 0x90):
                self.sounding.discard(key)
        self._voice.sent.clear()


@cache
def _settings(mode: str, follows: bool) -> Config:
    source = ["clock.source=midi"] if follows else []
    return load_config(None, [*SETTINGS, f"jam.mode={mode}", *source])


def portions_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Bytes in portions: two bytes say how long one is, and how long after the one before."""
    place = 0
    while place < len(data):
        size, after = data[place] % 48 + 1, data[place + 1 : place + 2] or b"\0"
        yield after[0] ** 2 * LONGEST_NS // 255**2, data[place + 2 : place + 2 + size]
        place += 2 + size


def random_bytes(rng: random.Random, size: int) -> bytes:
    """Bytes of one of three kinds."""
    kind = rng.randrange(3)
    if kind == 0:
        return rng.randbytes(size)
    data = bytearray()
    while len(data) < size:
        status = rng.choice((0x80, 0x90, 0x90, 0xA0, 0xB0, 0xB0, 0xBF, 0xC0, 0xD0, 0xE0, 0xF0))
        status |= rng.randrange(16) if status < 0xF0 and rng.random() < 0.3 else 0
        message = [status, *(rng.randrange(128) for _ in range(rng.choice((1, 2, 2, 2, 3))))]
        if rng.random() < 0.2:
            message.insert(rng.randrange(len(message) + 1), rng.randrange(0xF0, 0x100))
        if kind == 2 and rng.random() < 0.1:
            del message[rng.randrange(len(message))]
        data += bytes(message)
    return bytes(data[:size])


def run(model: LoadedModel, data: bytes) -> Fuzzed:
    """Play bytes to a jam; the first says of which kind.

    Raises:
        AssertionError: notes are left sounding.
    """
    how = data[0] if data else 0
    fuzzed = Fuzzed(model, MODES[how % len(MODES)], follows=how >= 128)
    fuzzed.play(portions_of(data[1:]))
    assert not fuzzed.sounding, f"left sounding: {sorted(fuzzed.sounding)}"
    return fuzzed


def main() -> None:
    """Feed bytes until there were enough, and print what they came to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=1, help="how many bytes in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help="let atheris choose the bytes")
    options, rest = parser.parse_known_args()
    logging.disable()  # what a jam says of such bytes would fill the screen
    (model,) = load_models(load_config(None, SETTINGS), 1)
    begun, bytes_, messages = time.monotonic(), 0, 0
    wanted = options.megabytes * 1e6

    def take(data: bytes) -> None:
        nonlocal bytes_, messages
        bytes_ += len(data)
        messages += run(model, data).messages
        if bytes_ >= wanted:
            seconds = time.monotonic() - begun
            print(
                f"{bytes_:,} bytes, {messages:,} messages, {seconds:.0f} s: 0 exceptions, 0 notes"
            )
            sys.stdout.flush()
            os._exit(0)  # an exit that atheris doesn't take for a crash

    if options.guided:
        import atheris

        atheris.instrument_all()
        atheris.Setup(
            [sys.argv[0], "-max_len=4096", "-len_control=0", "-rss_limit_mb=4096", *rest], take
        )
        atheris.Fuzz()
    rng = random.Random(options.seed)
    while True:
        take(random_bytes(rng, rng.choice((100, 1_000, 10_000))))


if __name__ == "__main__":
    main()
