"""What can go wrong around a daemon that plays, done to it for real: no note is left sounding."""

import fcntl
import os
import pty
import resource
import signal
import subprocess
import sys
import termios
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import write_midi

# A server that is short of time loses what is in its ports' buffers: nothing of ours can help that.
pytestmark = [pytest.mark.jack, pytest.mark.flaky(reruns=2)]

IN, OUT = "livecomposer in", "livecomposer out"
SOLO = ("jam.mode=solo", "clock.tempo_bpm=240", "record.folder=off", "sampling.longest_rest=1")
END = b"\xb0\x7b\x00"  # all notes off


class Playing:
    """`livecomposer play`, ready, and what it says on stderr."""

    def __init__(self, server, *settings, code="", **options):
        program = ["-c", code] if code else ["-m", "livecomposer"]
        command = [sys.executable, *program, "play"]
        for setting in ("ports.api=jack", *SOLO, *settings):
            command += ["--set", setting]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        options = pipes | {"env": server.environment} | options
        self.process = subprocess.Popen(command, text=True, **options)
        self.said = []

    def __enter__(self):
        if self.process.stdout:
            self.ready = self.process.stdout.readline()
            assert self.ready.startswith("ready: "), self.ready + self.process.stderr.read()
        if self.process.stderr:
            threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        print(*self.said, sep="\n")  # noqa: T201 - shown where a test fails

    def _listen(self):
        for line in self.process.stderr:
            self.said.append(line.rstrip())

    def says(self, text):
        return sum(text in line for line in self.said)

    def end(self):
        self.process.terminate()
        return self.process.wait(10)


@contextmanager
def listening(server):
    """A witness that is connected to the daemon."""
    from tests.live.witness import Witness  # it needs libjack

    with Witness(server) as witness:
        witness.connect(IN, OUT)
        yield witness


def hung(witness):
    """What sounds there at some moment, waited for."""
    witness.wait_for(witness.sounding)
    return witness.sounding()


def has_ended(witness, keys):
    """Whether each of these keys has had a note-off."""
    ended = {(data[0] & 0x0F, data[1]) for _, data in witness.heard if data[0] & 0xF0 == 0x80}
    return keys <= ended


def plays_on(witness):
    """Notes go on coming, and end."""
    heard = len(witness.onsets())
    witness.wait_for(lambda: len(witness.onsets()) > heard + 3)


@pytest.fixture(params=["jack", pytest.param("rtmidi", marks=pytest.mark.faults)])
def backend(request):
    return f"ports.backend={request.param}"


def test_killed_in_the_middle_of_a_note(jack_server, backend):
    with Playing(jack_server, backend) as playing, listening(jack_server) as witness:
        plays_on(witness)
        witness.wait_for(witness.sounding)
        playing.process.kill()
        witness.wait_for(lambda: witness.heard[-1][1] == END, 5)
        assert not witness.sounding()
        witness.wait_for(lambda: not [p for p in witness.ports() if "livecomposer" in p], 5)


def test_disconnected_in_the_middle_of_a_note(jack_server, backend):
    with Playing(jack_server, backend) as playing, listening(jack_server) as witness:
        plays_on(witness)
        witness.wait_for(witness.sounding)
        witness.disconnect(OUT)
        witness.wait_for(lambda: witness.heard[-1][1] == END, 5)
        assert not witness.sounding()
        heard = len(witness.heard)
        time.sleep(1)
        assert len(witness.heard) == heard  # who takes a connection away, wants that
        witness.listen(OUT)
        plays_on(witness)
        assert playing.end() == 0
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()


def test_a_listener_goes_and_comes_back(jack_server, backend):
    with Playing(jack_server, backend) as playing:
        with listening(jack_server) as witness:
            plays_on(witness)
            keys = hung(witness)
        from tests.live.witness import Witness

        for _ in range(2):
            time.sleep(1)
            with Witness(jack_server) as witness:
                witness.wait_for(lambda w=witness, k=keys: has_ended(w, k), 5)
                plays_on(witness)
                keys = hung(witness)
        time.sleep(1)
        assert playing.says("witness ear:in is gone (output): waiting for it") == 3
        assert playing.says("witness ear:in is there again (output)") == 2
        assert playing.says("witness player:out is gone (input): waiting for it") == 3
        assert playing.end() == 0


@pytest.mark.faults
def test_devices_that_rtmidi_has_opened(jack_server, tmp_path):
    """As it is where JACK's own ports can't be had."""
    from tests.live.witness import Witness

    (tmp_path / "jack.py").write_text("raise ImportError")
    environment = {**jack_server.environment, "PYTHONPATH": str(tmp_path)}
    settings = ("ports.backend=rtmidi", "ports.input=witness player", "ports.output=witness ear")
    with ExitStack() as stack:
        with Witness(jack_server) as first:
            playing = stack.enter_context(Playing(jack_server, *settings, env=environment))
            plays_on(first)
        first.wait_for(lambda: playing.says("witness ear:in is gone (output)"))
        with Witness(jack_server) as second:
            second.wait_for(lambda: playing.says("witness player:out is there again (input)"))
            plays_on(second)
            second.wait_for(second.sounding)
            playing.process.kill()
            second.wait_for(lambda: second.heard[-1][1] == END, 5)
            assert not second.sounding()


@pytest.mark.faults
def test_a_key_that_was_held_when_its_keyboard_vanished_is_let_go(jack_server, tmp_path, backend):
    held = write_midi(tmp_path / "held.mid", [(0, 60, 40)])
    phrase = write_midi(tmp_path / "phrase.mid", [(0.5 * i, 0.4, 60 + i) for i in range(4)])
    from tests.live.witness import Witness

    with Playing(jack_server, backend, "jam.mode=call-response") as playing:
        with listening(jack_server) as witness:
            witness.play(held)
            witness.wait_for(lambda: witness.sent)
            time.sleep(0.2)
        with Witness(jack_server) as witness:
            witness.wait_for(lambda: playing.says("witness player:out is there again (input)"))
            witness.play(phrase)
            plays_on(witness)
            assert playing.end() == 0


@pytest.mark.parametrize("how", ["kill", pytest.param("end", marks=pytest.mark.faults)])
def test_a_server_that_dies_and_is_started_again(own_server, backend, how):
    from tests.live.witness import Witness

    with Playing(own_server, backend) as playing:
        with listening(own_server) as witness:
            plays_on(witness)
            keys = hung(witness)
            getattr(own_server, how)()
        time.sleep(2)
        own_server.start()
        with Witness(own_server) as witness:
            witness.wait_for(lambda: playing.says("the ports are there again"))
            witness.wait_for(lambda: has_ended(witness, keys), 5)
            plays_on(witness)
            assert playing.says("the JACK server has let us go") == 1
            assert playing.end() == 0
            witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()


@pytest.mark.faults
def test_ended_while_there_is_no_server(own_server, backend):
    with Playing(own_server, backend) as playing:
        with listening(own_server) as witness:
            plays_on(witness)
            keys = hung(witness)
            own_server.kill()
        witness.wait_for(lambda: playing.says("the JACK server has let us go"))
        assert playing.end() == 0
        assert playing.says("Traceback") == 0
        own_server.start()
        from tests.live.witness import Witness

        with Witness(own_server) as witness:  # whom the guardian looks for
            witness.wait_for(lambda: has_ended(witness, keys), 10)


@pytest.mark.faults
def test_a_server_that_stands_still(own_server, backend):
    with Playing(own_server, backend) as playing, listening(own_server) as witness:
        plays_on(witness)
        witness.wait_for(witness.sounding)
        own_server.stand_still(3)
        plays_on(witness)
        assert playing.end() == 0
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()


@pytest.mark.faults
def test_ended_while_the_server_stands_still(own_server):
    with Playing(own_server) as playing, listening(own_server) as witness:
        plays_on(witness)
        witness.wait_for(witness.sounding)
        still = threading.Thread(target=own_server.stand_still, args=(12,))
        still.start()
        playing.process.terminate()
        assert playing.process.wait(11) == 0
        still.join()
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()


@pytest.mark.faults
@pytest.mark.parametrize("with_server", [False, True], ids=["daemon", "suspended"])
def test_it_stands_still_itself(own_server, backend, with_server):
    """As when a laptop is suspended: everything stands still at once."""
    with Playing(own_server, backend) as playing, listening(own_server) as witness:
        plays_on(witness)
        witness.wait_for(witness.sounding)
        playing.process.send_signal(signal.SIGSTOP)
        if with_server:
            own_server.stand_still(3)
        else:
            time.sleep(3)
        playing.process.send_signal(signal.SIGCONT)
        plays_on(witness)
        onsets = witness.onsets()
        assert max(onsets.count(ns) for ns in onsets) <= 16  # what was missed comes not in a burst
        assert playing.end() == 0
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()


@pytest.mark.faults
def test_ctrl_z_leaves_silence(jack_server, backend):
    with Playing(jack_server, backend) as playing, listening(jack_server) as witness:
        plays_on(witness)
        witness.wait_for(witness.sounding)
        playing.process.send_signal(signal.SIGTSTP)
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()
        time.sleep(0.5)
        playing.process.send_signal(signal.SIGCONT)
        plays_on(witness)
        assert playing.end() == 0


@pytest.mark.faults
def test_the_terminal_is_closed(jack_server, backend):
    ours, its = pty.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(its, termios.TIOCSCTTY, 0)

    with Playing(jack_server, backend, stdout=its, stderr=its, preexec_fn=take_terminal) as playing:
        os.close(its)
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            shown = b""
            while b"ready" not in shown:
                shown += terminal.read(1000)
            with listening(jack_server) as witness:
                plays_on(witness)
                witness.wait_for(witness.sounding)
                terminal.close()
                assert playing.process.wait(10) == 0
                witness.wait_for(lambda: witness.heard[-1][1] == END)
                assert not witness.sounding()


@pytest.mark.faults
def test_nobody_reads_what_it_says(jack_server):
    with Playing(jack_server) as playing, listening(jack_server) as witness:
        playing.process.stdout.close()
        plays_on(witness)
        time.sleep(1)
        plays_on(witness)
        assert playing.end() == 0
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()
        assert playing.says("Traceback") == 0


@pytest.mark.faults
def test_its_output_is_routed_to_its_input(jack_server, tmp_path, backend):
    phrase = write_midi(
        tmp_path / "phrase.mid", [(0.5 * i, 0.4, 60 + i) for i in range(4)], tempo=250_000
    )
    settings = (backend, "jam.mode=call-response", "jam.answer=8", "sampling.seed=1")
    with Playing(jack_server, *settings) as playing, listening(jack_server) as witness:
        witness.route(OUT, IN)
        witness.play(phrase)
        plays_on(witness)
        witness.wait_for(lambda: not witness.sounding())
        time.sleep(2)  # 8 beats: after a phrase, it would have answered
        answered = len(witness.onsets())
        time.sleep(2)
        assert len(witness.onsets()) == answered
        assert playing.says("comes back on ports.input, and is ignored") == 1
        assert playing.end() == 0


@pytest.mark.faults
def test_a_second_daemon_has_names_of_its_own(jack_server, backend):
    with Playing(jack_server, backend) as first, Playing(jack_server, backend) as second:
        from tests.live.witness import Witness

        with Witness(jack_server) as witness:
            names = {port.partition(":")[0] for port in witness.ports()}
        assert len([name for name in names if name.startswith("livecomposer ")]) == 4
        assert second.ready != first.ready
        for number in ("in-01", "in 2"):
            if f"livecomposer {number}" in names:
                assert f"livecomposer {number}" in second.ready
        assert [second.end(), first.end()] == [0, 0]


@pytest.mark.faults
def test_a_full_disk(jack_server, tmp_path):
    """No file may grow beyond a kilobyte: neither the recording, nor what the guardian reads."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    folder = f"record.folder={tmp_path / 'jams'}"
    with Playing(jack_server, folder, preexec_fn=limit) as playing:
        with listening(jack_server) as witness:
            witness.wait_for(lambda: playing.says("this jam is not recorded"), 60)
            plays_on(witness)
            assert playing.end() == 0
            witness.wait_for(lambda: witness.heard[-1][1] == END)
            assert not witness.sounding()
        assert playing.says("Traceback") == 0


@pytest.fixture
def little_memory():
    """Has a process, with all others that come in, have no more than 400 MB together."""
    groups = Path("/sys/fs/cgroup/memory")
    if not os.access(groups, os.W_OK):
        pytest.skip("no groups of processes can be made here")
    group = groups / f"livecomposer-{os.getpid()}"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text("400M")
    yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    group.rmdir()


@pytest.mark.faults
def test_memory_runs_out_in_training_beside(jack_server, tmp_path, little_memory):
    folder = tmp_path / "music"
    folder.mkdir()
    for i in range(2):
        write_midi(folder / f"{i}.mid", [(b / 2, 0.4, 48 + (b * (5 + i)) % 30) for b in range(200)])
    train = [sys.executable, "-m", "livecomposer", "train", folder, "--out", tmp_path / "run"]
    limited = {"preexec_fn": little_memory}
    with Playing(jack_server, **limited) as playing, listening(jack_server) as witness:
        plays_on(witness)
        ended = subprocess.run(train, capture_output=True, check=False, **limited)
        assert ended.returncode == -signal.SIGKILL
        plays_on(witness)
        assert playing.end() == 0
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()


FAULTS = {
    "composing": "livecomposer.live.composer.Composer.advance",
    "listening": "livecomposer.live.composer.Composer.hear",
    "sending": "livecomposer.live.schedule.Schedule.send_due",
    "the input's callback": "livecomposer.live.intake.Intake.put",
    "looking after the ports": "livecomposer.live.patchbay.Patchbay.look",
    "showing": "livecomposer.live.wiring.take_status",
    "recording": "livecomposer.midi.recording.Recording.add",
}
"""Where a fault of our own is put in, by what fails then."""

INJECT = """
import sys, time
from livecomposer.cli import main
import livecomposer.live.composer, livecomposer.live.intake, livecomposer.live.patchbay
import livecomposer.live.schedule, livecomposer.live.wiring, livecomposer.midi.recording
start = time.monotonic()
owner, name = {owner}, {name!r}
right = getattr(owner, name)
failed = []
def wrong(*arguments, **named):
    if time.monotonic() - start > 3 and not failed:
        failed.append(1)
        raise ZeroDivisionError("put in by a test")
    return right(*arguments, **named)
setattr(owner, name, wrong)
main()
"""


@pytest.mark.parametrize(
    "where",
    [
        where if where == "sending" else pytest.param(where, marks=pytest.mark.faults)
        for where in FAULTS
    ],
)
def test_a_fault_of_our_own(jack_server, tmp_path, where, backend):
    owner, _, name = FAULTS[where].rpartition(".")
    code = INJECT.format(owner=owner, name=name)
    settings = (backend, f"record.folder={tmp_path}", "jam.mode=duet", "jam.density=1")
    phrase = write_midi(tmp_path / "phrase.mid", [(0.5 * i, 0.4, 60 + i % 5) for i in range(40)])
    with Playing(jack_server, *settings, code=code) as playing, listening(jack_server) as witness:
        witness.play(phrase)
        witness.wait_for(lambda: playing.says("put in by a test"))
        plays_on(witness)
        assert playing.end() == 0
        witness.wait_for(lambda: witness.heard[-1][1] == END)
        assert not witness.sounding()
