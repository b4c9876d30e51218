"""`livecomposer evaluate`, as a user gives it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.model import bundle
from livecomposer.training.corpus import read_pieces
from livecomposer.training.works import digest
from tests.conftest import random_bundle, write_midi

pytest.importorskip("music21")

TOKENS = "C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4 A#4 B4 C5 C4.E4 +1 +0.25"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Eight pieces of 80 beats, weights that one of them was held out from, and others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "music").mkdir()
    for i in range(8):
        pitches = (60 + np.random.default_rng(i).integers(0, 12, 160)).tolist()
        write_midi(
            tmp_path / "music" / f"{i}.mid",
            [(n / 2, 0.5, pitch) for n, pitch in enumerate(pitches)],
        )
    (held_out,) = read_pieces(tmp_path / "music" / "3.mid")
    saved = random_bundle(TOKENS)
    saved.provenance["held_out"] = [digest(held_out)]
    bundle.save(tmp_path / "mine.weights.h5", saved)
    bundle.save(tmp_path / "other.weights.h5", random_bundle(TOKENS))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["evaluate", *arguments])


def test_the_same_figures_as_json_and_as_tables(folder):
    result = run("mine.weights.h5", "music", "--json", "--plot", "x.png")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["held_out"], found["learned"], found["tokens"]) == (1, 7, 160)
    assert found["onsets"] == 160
    assert found["reduced"] == 0
    likelihood = found["likelihood"]
    assert set(likelihood) == {"model", "repeat_last", "unigram", "witten_bell_5"}
    # Random pitches: nothing does much better than chance among the twelve (and 19 in all keys).
    assert 2.4 < likelihood["unigram"]["nats_per_onset"] < 3.1
    assert likelihood["repeat_last"]["nats_per_token"] is None
    assert 0 <= likelihood["repeat_last"]["top_1"] < 0.3
    for each in likelihood.values():
        assert set(each) == {"nats_per_token", "nats_per_onset", "top_1", "top_5"}
    assert set(found["by_context"]) == {"1", "4", "16", "64", "100", "300", "1000"}
    assert found["by_context"]["100"] is not None
    assert found["by_context"]["1000"] is None
    continuations = found["continuations"]
    assert 10 <= continuations["primers"] <= 200
    assert continuations["real"]["looping"] == 0
    assert continuations["real"]["onsets_per_beat"] == 2
    assert continuations["real"]["notes_per_onset"] == 1
    assert continuations["real"]["recited"] == 0
    assert set(continuations["model"]) == set(continuations["real"])
    endings = found["endings"]
    assert set(endings) == {"as_it_comes", "planned"}
    assert endings["planned"]["well"] > endings["as_it_comes"]["well"]
    for each in endings.values():
        assert each["well"] <= min(each[part] for part in ("on_strong_beat", "on_stable_note",
                                                           "in_key"))  # fmt: skip
        assert each["nats_per_onset"] > 1
    assert (folder / "x.png").read_bytes().startswith(b"\x89PNG")

    result = run("mine.weights.h5", "music")
    assert result.exit_code == 0, result.output
    assert "1 pieces held out: 160 tokens, 160 onsets" in result.stdout
    ngram, model = likelihood["witten_bell_5"]["nats_per_token"], continuations["model"]
    assert f"| Witten-Bell 5-gram | {ngram:.3f} |" in result.stdout
    for name in model:
        assert f"| {name.replace('_', ' ')} | {model[name]:.3g} |" in result.stdout
    planned = endings["planned"]["in_key"]
    assert f"| in key | {endings['as_it_comes']['in_key']:.3g} | {planned:.3g} |" in result.stdout


def test_music_that_is_new(folder):
    result = run("other.weights.h5", "music", "--unseen", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["held_out"], found["learned"]) == (1, 7)


WRONG = [
    (["other.weights.h5", "music"], 1, "none of 8 pieces was held out"),
    (["mine.weights.h5", "music/3.mid"], 1, "nothing for the n-grams"),
    (["none.weights.h5", "music"], 1, "none.weights.h5: no such file"),
    (["mine.weights.h5", "nowhere"], 2, "nowhere: no such file or folder"),
    (["mine.weights.h5", "music", "--plot", "nowhere/x.png"], 2, "nowhere is no folder"),
    (["mine.weights.h5"], 2, "PATH..."),
]


@pytest.mark.parametrize(("arguments", "code", "reason"), WRONG)
def test_wrong_usage(folder, arguments, code, reason):
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert reason in result.stderr
