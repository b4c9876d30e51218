"""Ardour, as a DAW: a phrase goes out of one of its tracks, the answers are recorded on another."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pretty_midi
import pytest

from tests.conftest import write_midi
from tests.live.test_jack import OUT, PHRASE, playing

pytestmark = [pytest.mark.jack, pytest.mark.flaky(reruns=2)]

SESSION = Path(__file__).parent / "ardour"
PHRASE_END = 4  # beats
BEATS = 11.7  # that Ardour plays: the phrase, a beat of silence, and an answer that it cuts short
# Ardour keeps notes in 1920ths of a beat.
GRAIN = 1 / 1920


def play_in_ardour(server, source, folder):
    """Play the session; return what Ardour said, and the MIDI file that was recorded, if it was.

    JACK 2 throws a client out whose threads speak to it at the same time, and Ardour 7.3 has a
    thread that names a port while a session is loaded: it happens to one start in five.
    """
    midi_files = folder / "interchange" / "jam" / "midifiles"
    midi_files.mkdir(parents=True)
    write_midi(midi_files / "me.mid", PHRASE)
    shutil.copy(SESSION / "jam.ardour", folder)
    (folder / "ardour7").mkdir()
    shutil.copy(SESSION / "config", folder / "ardour7")
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    process = subprocess.run(
        ["ardour7-lua", "-X", SESSION / "jam.lua", folder, source, str(BEATS)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
        env={**server.environment, **own},
    )  # fmt: skip
    if process.returncode:
        return process.stdout, None
    (recorded,) = midi_files.glob("*answers*.mid")
    return process.stdout, recorded


@pytest.mark.parametrize("source", ["midi", pytest.param("jack", marks=pytest.mark.faults)])
def test_the_recorded_region_has_our_notes_on_the_grid(bare_server, tmp_path, source):
    from tests.live.witness import Witness  # it needs libjack

    if shutil.which("ardour7-lua") is None:
        pytest.skip("ardour is not installed")
    for attempt in range(6):
        with (
            Witness(bare_server) as witness,
            playing(bare_server, f"clock.source={source}", "jam.answer=16") as process,
        ):
            witness.listen(OUT)
            said, file = play_in_ardour(bare_server, source, tmp_path / str(attempt))
            if file is None:
                continue
            assert not witness.sounding(), "it sounds after stop"
            heard = [data[1] for _, data in witness.heard if data[0] & 0xF0 == 0x90 and data[2]]
            time.sleep(1)
            assert len(witness.onsets()) == len(heard), "it plays after stop"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        break
    else:
        pytest.fail(f"Ardour failed each time:\n{said}")
    midi = pretty_midi.PrettyMIDI(str(file))
    notes = [note for part in midi.instruments for note in part.notes]
    assert sorted(note.pitch for note in notes) == sorted(heard)
    onsets = sorted({midi.time_to_tick(note.start) / midi.resolution for note in notes})
    assert len(onsets) > 3
    assert onsets[0] > PHRASE_END
    assert onsets[-1] < BEATS + 0.3
    assert [2 * onset for onset in onsets] == pytest.approx(
        [round(2 * onset) for onset in onsets], abs=2 * GRAIN
    )
    assert all(note.end > note.start for note in notes)
