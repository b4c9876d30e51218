"""Checkpoints as the tutorial lineage leaves them, built by Keras itself."""

import pickle
import pickletools

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.model import bundle
from livecomposer.model.engine import Engine
from livecomposer.music.tokens import Chord, PitchClasses

keras = pytest.importorskip("keras")

NOTES = ["C4", "E-4", "4.7.11", "B-3", "F#5", "0.4.7", "9.0.4", "C4", "4", "E4"]
NAMES = sorted(set(NOTES))


def tutorial_network(size, units):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((100, 1)),
            layers.LSTM(units, return_sequences=True, recurrent_dropout=0.3),
            layers.LSTM(units, return_sequences=True, recurrent_dropout=0.3),
            layers.LSTM(units),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(256),
            layers.Activation("relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(size),
            layers.Activation("softmax"),
        ]
    )


def write_checkpoint(folder, *, units=8, size=None, notes=NOTES, protocol=None):
    keras.utils.set_random_seed(1)
    network = tutorial_network(size or len(NAMES), units)
    rng = np.random.default_rng(1)
    most = 1.5 / np.sqrt(units)
    network.set_weights([rng.uniform(0, most, w.shape) for w in network.get_weights()])
    network.save(folder / "weights.hdf5")
    (folder / "notes").write_bytes(pickle.dumps(notes, protocol))
    return network


def run(folder, *arguments):
    paths = [folder / "weights.hdf5", "--notes", folder / "notes", "--out", folder / "x.weights.h5"]
    return CliRunner().invoke(main, ["import-checkpoint", *map(str, [*paths, *arguments])])


@pytest.mark.parametrize("units", [256, 512])
def test_a_checkpoint_plays_as_keras_plays_it(tmp_path, units):
    network = write_checkpoint(tmp_path, units=units)
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert f"{units} units, a vocabulary of {len(NAMES)}" in result.output
    saved = bundle.load(tmp_path / "x.weights.h5")
    assert [str(token) for token in saved.vocabulary.tokens] == [
        {"E-4": "D#4", "B-3": "A#3"}.get(name, name) for name in NAMES
    ]
    assert saved.tokeniser.timing == "fixed"
    windows = np.random.default_rng(2).integers(0, len(NAMES), (3, 100))
    inputs = windows[..., np.newaxis] / np.float32(len(NAMES))
    for window, expected in zip(windows, network.predict(inputs, verbose=0), strict=True):
        probs = Engine(saved).prime([int(each) + 1 for each in window])
        np.testing.assert_allclose(probs[1:], expected, atol=1e-5)
        assert probs[0] == 0


def test_it_is_played_from_start_to_end(tmp_path, monkeypatch):
    write_checkpoint(tmp_path)
    assert run(tmp_path).exit_code == 0
    monkeypatch.chdir(tmp_path)
    for engine in ("numpy", "keras"):
        demo = ["demo", "--fast", "--set", "model.weights=x.weights.h5"]
        result = CliRunner().invoke(main, [*demo, "--set", f"model.engine={engine}"])
        assert result.exit_code == 0, result.output


def test_its_chords_have_no_octaves(tmp_path):
    write_checkpoint(tmp_path)
    assert run(tmp_path).exit_code == 0
    vocabulary = bundle.load(tmp_path / "x.weights.h5").vocabulary

    def heard(*pitches):
        return str(vocabulary.token(vocabulary.id(Chord(pitches))))

    assert PitchClasses((4, 7, 11)).pitches == (64, 67, 71)
    assert PitchClasses((9, 0, 4)).pitches == (60, 64, 69)
    assert heard(33, 64, 72) == "9.0.4"
    assert heard(40, 64, 76) == "4"
    assert heard(64) == "E4"
    assert heard(48, 50, 52, 55) == "0.4.7"
    assert heard(30, 42) == "F#5"


def tamper(edit):
    def change(folder):
        with h5py.File(folder / "weights.hdf5", "a") as file:
            edit(file)

    return change


def _link(file):
    file["model_weights"]["away"] = h5py.ExternalLink("elsewhere.h5", "/")
    names = [*file["model_weights"].attrs["layer_names"], "away"]
    file["model_weights"].attrs["layer_names"] = names


def _infinite(file):
    def first(name, node):
        return node if isinstance(node, h5py.Dataset) else None

    file["model_weights"].visititems(first)[...] = np.inf


def _computing(name, usual, other):
    def change(file):
        config = file.attrs["model_config"]
        assert f'"{name}": {usual}' in config
        file.attrs["model_config"] = config.replace(f'"{name}": {usual}', f'"{name}": {other}')

    return tamper(change)


class Evil:
    def __reduce__(self):
        return (print, ("unpickled",))


def notes(content):
    return lambda folder: (folder / "notes").write_bytes(content)


BAD = {
    "a vocabulary of another size": (
        lambda f: write_checkpoint(f, size=40),
        f"shape (40,), but the notes make a vocabulary of {len(NAMES)}",
    ),
    "no weights": (lambda f: (f / "weights.hdf5").write_bytes(b"no"), "weights.hdf5: "),
    "other HDF5": (tamper(lambda file: file.pop("model_weights")), "no layer_names"),
    "a link elsewhere": (tamper(_link), "away is missing"),
    "infinite weights": (tamper(_infinite), "not finite"),
    "gates as before Keras 2.3": (
        _computing("recurrent_activation", '"sigmoid"', '"hard_sigmoid"'),
        "recurrent_activation of a layer LSTM is 'hard_sigmoid', expected 'sigmoid'",
    ),
    "cells of another kind": (
        _computing("activation", '"tanh"', '"relu"'),
        "activation of a layer LSTM is 'relu', expected 'tanh'",
    ),
    "other normalizations": (
        _computing("epsilon", "0.001", "0.1"),
        "epsilon of a layer BatchNormalization is 0.1",
    ),
    "a config that is none": (
        tamper(lambda file: file.attrs.modify("model_config", "{")),
        "not a sound HDF5 file",
    ),
    "a class in the notes": (notes(pickle.dumps([Evil()])), "it holds more than that"),
    "numbers in the notes": (notes(pickle.dumps([1, 2])), "it holds more than that"),
    "only a string": (notes(pickle.dumps("C4")), "expected a list of strings"),
    "no notes at all": (notes(pickle.dumps([])), "expected a list of strings"),
    "a cut pickle": (notes(pickle.dumps(NOTES)[:-9]), "not a sound pickle"),
    "no pickle": (notes(b"C4 E4 G4"), "notes: "),
    "a memo out of bounds": (notes(b"]r\xff\xff\xff\x7f."), "not a sound pickle"),
    "a name that is no note": (notes(pickle.dumps(["H4"])), "'H4' is neither a note"),
    "one key by two names": (notes(pickle.dumps(["E-4", "D#4"])), "twice"),
    "a pitch class of 12": (notes(pickle.dumps(["0.12"])), "'0.12' is neither"),
    "a folder of notes": (
        lambda f: ((f / "notes").unlink(), (f / "notes").mkdir()),
        "is a directory",
    ),
}


@pytest.mark.parametrize(("damage", "reason"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path, damage, reason):
    write_checkpoint(tmp_path)
    damage(tmp_path)
    result = run(tmp_path)
    assert result.exit_code in (1, 2), result.output
    assert isinstance(result.exception, SystemExit)
    assert reason in result.output
    assert not (tmp_path / "x.weights.h5").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_notes_of_every_protocol(tmp_path, protocol):
    repeated = [name for name in NOTES for _ in range(3)] * 100
    write_checkpoint(tmp_path, notes=repeated, protocol=protocol)
    used = {opcode.name for opcode, *_ in pickletools.genops((tmp_path / "notes").read_bytes())}
    assert any("GET" in name for name in used)
    assert run(tmp_path).exit_code == 0


def test_notes_that_are_too_many(tmp_path):
    write_checkpoint(tmp_path)
    with (tmp_path / "notes").open("wb") as file:
        file.truncate(1 << 27)
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "expected 4,194,304 at most" in result.output


def test_the_name_of_the_weights(tmp_path):
    write_checkpoint(tmp_path)
    result = run(tmp_path, "--out", tmp_path / "x.h5")
    assert result.exit_code == 2
    assert "ending in .weights.h5" in " ".join(result.output.split())
