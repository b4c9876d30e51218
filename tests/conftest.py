"""What tests share: small bundles with known shapes, real MIDI files, a real JACK server."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from livecomposer.config import Config
from livecomposer.config_file import load_config
from livecomposer.model.bundle import Architecture, Bundle, InputKind, weight_shapes
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.tokens import parse_token
from livecomposer.music.vocabulary import Vocabulary
from tests.live.servers import JackServer

if TYPE_CHECKING:
    from tests.live.witness import Witness


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Jams are recorded, and settings are looked for, in folders of the tests' own."""
    os.environ["XDG_MUSIC_DIR"] = str(tmp_path_factory.mktemp("music"))
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


# A background job of a shell is told to ignore Ctrl-C, and so would be what tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Faults take minutes."""
    parser.addoption("--faults", action="store_true", help="do all faults to it, and nothing else")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """JACK servers want the machine to themselves; most faults are for another day.

    In a browser, on a machine that does much else, what happens may come too late for a test.
    """
    for item in items:
        if item.get_closest_marker("jack"):
            item.add_marker("realtime")
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=2))
    wanted = config.getoption("--faults")
    left_out = [item for item in items if bool(item.get_closest_marker("faults")) != wanted]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


SMALL_VOCABULARY = (
    "C3 C4 D4 E4 F4 G4 A4 B4 C5 C4.E4.G4 F3.A3.C4 C3.C4 +0.25 +1 +1.5 +2 +4"
)  # fmt: skip


def random_bundle(
    tokens: str = SMALL_VOCABULARY,
    *,
    input_kind: InputKind = "embedding",
    units: int = 8,
    context: int = 100,
    seed: int = 0,
    timing: str = "gaps",
) -> Bundle:
    """A bundle of random weights: quick to step, and as good as any for what isn't music."""
    rng = np.random.default_rng(seed)
    architecture = Architecture(input_kind, units, context)
    vocabulary = Vocabulary([parse_token(text) for text in tokens.split()])
    # Larger ones would make the recurrence chaotic: rounding errors would grow with each step.
    most = 1.5 / np.sqrt(units)
    weights = {
        name: (rng.uniform(-most, most, shape) + 2 * name.endswith("vars/3")).astype(np.float32)
        for name, shape in weight_shapes(architecture, len(vocabulary)).items()
    }
    return Bundle(architecture, vocabulary, TokeniserSettings(timing), {}, weights)  # type: ignore[arg-type]


@pytest.fixture
def config() -> Config:
    return load_config()


def write_midi(
    path: Path,
    notes: list[tuple[float, float, int]],
    *,
    division: int = 480,
    channel: int = 0,
    tempo: int | None = None,
) -> Path:
    """A type-0 file of (onset, length, pitch), in beats."""
    timed = [(round(on * division), 1, pitch) for on, _, pitch in notes]
    timed += [(round((on + length) * division), 0, pitch) for on, length, pitch in notes]
    track, now = mido.MidiTrack(), 0
    if tempo is not None:
        track.append(mido.MetaMessage("set_tempo", tempo=tempo))
    for tick, on, pitch in sorted(timed):
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, note=pitch, channel=channel, time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=division, type=0)
    file.tracks.append(track)
    file.save(path)
    return path


@pytest.fixture(scope="session")
def jack_server() -> Iterator[JackServer]:
    """A JACK server of the tests' own: nothing is heard on the one that a musician uses."""
    _require_jack()
    server = JackServer(f"livecomposer-tests-{os.getpid()}")
    server.start()
    yield server
    server.end()


@pytest.fixture
def witness(jack_server: JackServer) -> "Iterator[Witness]":
    """Somebody who plays to programs on that server, and hears them."""
    from tests.live.witness import Witness  # it needs libjack

    with Witness(jack_server) as witness:
        yield witness


@pytest.fixture
def own_server() -> Iterator[JackServer]:
    """A JACK server that a test may do anything to."""
    _require_jack()
    server = JackServer(f"livecomposer-fault-{os.getpid()}")
    server.start()
    yield server
    server.end()


@pytest.fixture
def bare_server() -> Iterator[JackServer]:
    """A JACK server without audio ports: nobody has a latency to make up for."""
    _require_jack()
    server = JackServer(f"livecomposer-bare-{os.getpid()}", "-C", "0", "-P", "0")
    server.start()
    yield server
    server.end()


def _require_jack() -> None:
    jack = pytest.importorskip("jack", exc_type=(ImportError, OSError))  # OSError: no libjack
    jack.set_error_function(lambda _message: None)
    jack.set_info_function(lambda _message: None)
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
