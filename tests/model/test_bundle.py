import dataclasses
import resource

import h5py
import msgspec
import numpy as np
import pytest

from livecomposer.model import bundle
from livecomposer.model.bundle import BundleError, weight_shapes
from tests.conftest import random_bundle

KERNEL = "layers/lstm_1/cell/vars/0"


def save(path, saved, **changes):
    provenance = {"sources": ["here"], "epochs": 3}
    bundle.save(path, dataclasses.replace(saved, **{"provenance": provenance, **changes}))
    return path


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "x.weights.h5", random_bundle())


@pytest.mark.parametrize("input_kind", ["scalar", "embedding"])
@pytest.mark.parametrize("timing", ["gaps", "fixed"])
def test_what_is_saved_is_loaded(tmp_path, input_kind, timing):
    before = random_bundle(input_kind=input_kind, timing=timing, units=5, context=7)
    after = bundle.load(save(tmp_path / "x.weights.h5", before))
    assert after.architecture == before.architecture
    assert after.vocabulary == before.vocabulary
    assert after.tokeniser == before.tokeniser
    assert after.provenance == {"sources": ["here"], "epochs": 3}
    assert list(after.weights) == list(before.weights)
    for name, array in before.weights.items():
        np.testing.assert_array_equal(after.weights[name], array)


def test_nothing_else_is_left_beside(tmp_path, saved):
    assert list(tmp_path.iterdir()) == [saved]


def test_a_failed_save_keeps_the_old_file(tmp_path, saved):
    before, known = saved.read_bytes(), bundle.load(saved)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            bundle.save(saved, known)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved.read_bytes() == before
    assert list(tmp_path.iterdir()) == [saved]


def test_state_is_kept_beside(tmp_path, saved):
    path, known = tmp_path / "y.weights.h5", bundle.load(saved)
    state = {"step": np.array(7), "seeds": np.array([1, 2], np.uint32), "empty": np.zeros((0, 3))}
    bundle.save(path, known, state)
    assert bundle.load(path).provenance == known.provenance
    found = bundle.load_state(path, {name: np.zeros_like(array) for name, array in state.items()})
    for name, array in state.items():
        np.testing.assert_array_equal(found[name], array)
    for wrong in (np.array(7.5), np.array([7])):
        with pytest.raises(BundleError, match=r"y\.weights\.h5: .*expected"):
            bundle.load_state(path, {"step": wrong})
    with pytest.raises(BundleError, match="state/other is missing"):
        bundle.load_state(path, {"other": np.array(1)})


def test_a_missing_file(tmp_path):
    with pytest.raises(BundleError, match=r"none\.h5: no such file"):
        bundle.load(tmp_path / "none.h5")


def test_a_folder(tmp_path):
    with pytest.raises(BundleError, match="a folder, expected a file"):
        bundle.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"MThd", b"\x89HDF\r\n\x1a\n", bytes(5000)])
def test_what_is_not_hdf5(tmp_path, content):
    path = tmp_path / "x.weights.h5"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="not a sound HDF5 file"):
        bundle.load(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BundleError, match=saved.name):
        bundle.load(saved)


def _plain_keras_file(file):
    del file["livecomposer"]


def _external_link(file):
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("other.h5", "/x")


def _soft_link(file):
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/layers/lstm_2/cell/vars/0")


def _soft_linked_group(file):
    file.move("layers/lstm", "elsewhere")
    file["layers/lstm"] = h5py.SoftLink("/elsewhere")


def _external_storage(file):
    shape = file[KERNEL].shape
    del file[KERNEL]
    file.create_dataset(KERNEL, shape, "<f4", external=[("raw.bin", 0, h5py.h5f.UNLIMITED)])


def _virtual(file):
    shape = file[KERNEL].shape
    del file[KERNEL]
    layout = h5py.VirtualLayout(shape, "<f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape)
    file.create_virtual_dataset(KERNEL, layout)


def _replaced(array):
    def replace(file):
        del file[KERNEL]
        file[KERNEL] = array

    return replace


def _bomb(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 20, 1 << 20), "<f4", chunks=(1024, 1024))


def _huge_chunk(file):
    array = file[KERNEL][()]
    del file[KERNEL]
    file.create_dataset(
        KERNEL, data=array, maxshape=(None, None), chunks=(4096, 4096), compression="gzip"
    )


def _unallocated(file):
    shape = file[KERNEL].shape
    del file[KERNEL]
    file.create_dataset(KERNEL, shape, "<f4")


def _group(file):
    del file[KERNEL]
    file.create_group(KERNEL)


def _not_a_number(file):
    file[KERNEL][3, 3] = np.nan


def _negative_variance(file):
    file["layers/batch_normalization/vars/3"][0] = -1


def _endless_group(file):
    file["layers/lstm_1/cell/vars/layers"] = file["layers"]
    _group(file)


def _deep_groups(file):
    del file["layers/lstm_1"]
    deepest = file["layers"]
    for _ in range(2_000):
        deepest = deepest.create_group("lstm_1")


def _attributes_of_any_kind(file):
    file[KERNEL].attrs["to"] = file.ref
    file[KERNEL].attrs["words"] = ["x" * 100] * 100
    file["layers"].attrs["huge"] = np.zeros(8_000)
    file.attrs["livecomposer"] = np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])


def _about(**changes):
    def rewrite(file):
        about = msgspec.json.decode(file["livecomposer/about"][()].tobytes())
        about.update(changes)
        del file["livecomposer/about"]
        file["livecomposer/about"] = np.frombuffer(msgspec.json.encode(about), np.uint8)

    return rewrite


def _garbage_about(file):
    del file["livecomposer/about"]
    file["livecomposer/about"] = np.frombuffer(b"\x80\x04K\x01.", np.uint8)


DAMAGES = [
    (_plain_keras_file, "not weights that livecomposer wrote"),
    (_external_link, "lstm_1/cell/vars/0 is missing"),
    (_soft_link, "lstm_1/cell/vars/0 is missing"),
    (_soft_linked_group, "lstm/cell/vars/0 is missing"),
    (_external_storage, "stored outside the file"),
    (_virtual, "stored outside the file"),
    (_replaced(np.zeros((8, 31), np.float32)), r"has shape \(8, 31\), expected \(8, 32\)"),
    (_replaced(np.zeros((8, 32))), "is of type float64, expected float32"),
    (_replaced(np.array(["x"], dtype=h5py.string_dtype())), "is of type object"),
    (_bomb, "not stored plainly"),
    (_huge_chunk, "not stored plainly"),
    (_unallocated, "not stored plainly"),
    (_group, "is not a dataset"),
    (_endless_group, "is not a dataset"),
    (_deep_groups, "lstm_1/cell/vars/0 is missing"),
    (_replaced(np.zeros((8, 32), ">f4")), "is of type >f4, expected float32"),
    (_replaced(np.zeros((8, 32), "c8")), "is of type complex64"),
    (_replaced(np.zeros((8, 32), [("a", "f4")])), "is of type \\["),
    (_replaced(h5py.Empty("f4")), "is of type float32"),
    (_not_a_number, "not finite"),
    (_negative_variance, "negative variance"),
    (_about(format=2), "format"),
    (_about(vocabulary=["C4", "D4"]), r"expected \(3, 96\) for a vocabulary of 3"),
    (_about(vocabulary=["C4", "C4"]), "twice"),
    (_about(vocabulary=["H4"]), "'H4'"),
    (_about(vocabulary=["C4", "+1e9000000"]), "1e9000000"),
    (_about(vocabulary=7), "vocabulary"),
    (_about(tokeniser={"timing": "gaps", "resolution": 99, "max_gap": 96}), "resolution"),
    (_about(architecture={"input": "embedding", "units": 10**9}), "units"),
    (_about(architecture={"input": "scalar", "units": 4096}), "would take 1,284 MB, expected 128"),
    (_about(surprise=1), "surprise"),
    (_garbage_about, "livecomposer/about"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_unsound_bundles_are_refused_by_name_and_reason(saved, damage, reason):
    with h5py.File(saved, "a") as file:
        damage(file)
    with pytest.raises(BundleError, match=reason) as caught:
        bundle.load(saved)
    assert str(caught.value).startswith(str(saved))
    assert "\n" not in str(caught.value)


def test_other_groups_and_attributes_do_no_harm(saved):
    with h5py.File(saved, "a") as file:
        file["optimizer/vars/0"] = 3
        _attributes_of_any_kind(file)
    bundle.load(saved)


def test_parameters_of_the_plain_network():
    architecture = bundle.Architecture("scalar")
    shapes = weight_shapes(architecture, 110)
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 1_410_926
