"""fluidsynth sounds what we send: it is heard while we play, and silent after stop."""

import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.live.test_jack import OUT, playing

pytestmark = [pytest.mark.jack, pytest.mark.flaky(reruns=2)]

SOUNDFONT = Path("/usr/share/sounds/sf2/default-GM.sf2")
MS = 1_000_000
# Of full scale. Measured: 0.01 and more while notes sound, 1e-5 a quarter of a second after they
# were released, and nothing after half a second.
AUDIBLE, SILENT = 1e-3, 1e-5


class AudioEar:
    """A JACK client that keeps what fluidsynth's left output sounds like."""

    def __init__(self, server):
        import jack

        self._client = jack.Client("audio ear", no_start_server=True, servername=server.name)
        self._in = self._client.inports.register("in")
        self._blocks = []  # (nanoseconds, samples)
        self._client.set_process_callback(self._keep)
        self._client.activate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.deactivate()
        self._client.close()

    def hears(self):
        """Whether fluidsynth is there; from then on it is heard."""
        outputs = self._client.get_ports("fluidsynth.*left", is_audio=True, is_output=True)
        for port in outputs[: not self._in.connections]:
            self._client.connect(port, self._in)
        return bool(outputs)

    def rms(self, begin_ns, end_ns):
        """How loud it was between two moments of the monotonic clock."""
        samples = [block for ns, block in list(self._blocks) if begin_ns <= ns < end_ns]
        return float(np.sqrt(np.mean(np.square(samples, dtype=float))))

    def _keep(self, _frames):
        self._blocks.append((time.monotonic_ns(), self._in.get_array().copy()))


@contextmanager
def fluidsynth(server):
    """The synthesiser, without the reverb and the chorus that would sound on."""
    process = subprocess.Popen(
        ["fluidsynth", "-a", "jack", "-m", "jack", "-r", "48000", "-R", "0", "-C", "0", SOUNDFONT],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=server.environment,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
        process.stdin.close()


def test_it_is_heard_while_we_play_and_silent_after_stop(jack_server):
    from tests.live.witness import Witness  # it needs libjack

    if shutil.which("fluidsynth") is None or not SOUNDFONT.exists():
        pytest.skip("fluidsynth or its soundfont is not installed")
    with Witness(jack_server) as witness, AudioEar(jack_server) as ear, fluidsynth(jack_server):
        witness.wait_for(ear.hears)
        begin = time.monotonic_ns()
        with playing(jack_server, "jam.mode=solo") as process:
            witness.listen(OUT)
            witness.route(OUT, "fluidsynth")
            witness.wait_for(lambda: len(witness.onsets()) >= 16)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        assert not witness.sounding()
        stop = time.monotonic_ns()
        time.sleep(2)
        onsets = witness.onsets()
        assert ear.rms(begin, onsets[0] - 10 * MS) < SILENT
        assert min(ear.rms(ns + 20 * MS, ns + 70 * MS) for ns in onsets) > AUDIBLE
        assert ear.rms(stop + 1000 * MS, stop + 2000 * MS) < SILENT
