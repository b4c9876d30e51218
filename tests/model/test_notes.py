"""Pickles of notes, looked through and never loaded: hostile ones, and every good kind."""

import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.model.lineage import LineageError, read_checkpoint

NOTES = ["C4", "E-4", "4.7.11", "C4"]


class Evil:
    def __reduce__(self):
        return (print, ("unpickled",))


def refusal(folder, content):
    """Why notes are refused; good ones are looked at first, and then there are no weights."""
    (folder / "notes").write_bytes(content)
    with pytest.raises(LineageError) as raised:
        read_checkpoint(folder / "none.hdf5", folder / "notes")
    said = str(raised.value)
    assert "\n" not in said
    assert len(said) < 500 + len(str(folder))
    return said.removeprefix(f"{folder}/")


PYTHON_2 = b"(lp1\nS'C4'\np2\na."
HOSTILE = {
    "a class": pickle.dumps([Evil()]),
    "a class in an old protocol": pickle.dumps([Evil()], 0),
    "an instance": pickle.dumps([object()], 2),
    "a persistent id": b"(lPx\na.",
    "a number": pickle.dumps([1]),
    "bytes": pickle.dumps([b"C4"]),
    "byte strings of Python 2": PYTHON_2,
    "lists in lists": b"]" * 1_000_000 + b"\x8c\x02C4" + b"a" * 1_000_000 + b".",
    "marks": b"(" * 1_000_000,
    "memos of nothing": b"]" + b"\x94" * 400_000,
    "a memo far out": b"]r\xff\xff\xff\x7f.",
    "a memo below 0": b"(lp-5\n.",
    "a memo that isn't there": b"]h\x07a.",
    "a string that claims much": b"]\x8d" + (1 << 62).to_bytes(8, "little") + b"C4a.",
    "a frame that claims much": b"\x80\x04\x95" + (1 << 62).to_bytes(8, "little") + b"].",
    "a string of a megabyte": pickle.dumps(["C" * 1_000_000]),
    "control characters": pickle.dumps(["\x1b[2J\n"]),
    "half of a surrogate": b"]\x8c\x03\xed\xa0\x80a.",
    "a hundred thousand names": pickle.dumps([f"C{i}" for i in range(100_000)]),
    "a code of the registry": b"]\x82\x01a.",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_notes_are_refused(tmp_path, content, capsys):
    assert refusal(tmp_path, content).startswith("notes: ")
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_good_notes_are_read(tmp_path, protocol):
    once = pickle.dumps(NOTES, protocol)
    same = pickle.dumps([name for name in NOTES for _ in range(3)] * 100, protocol)
    for content in (once, same, b"(lp1\nVC4\np2\nag2\na."):
        assert refusal(tmp_path, content) == "none.hdf5: no such file"


@given(st.binary(max_size=200) | st.permutations(list(pickle.dumps(NOTES))).map(bytes))
def test_any_bytes_are_notes_or_refused(tmp_path_factory, content):
    assert refusal(tmp_path_factory.getbasetemp(), content)


def test_the_most_memory_that_notes_can_take(tmp_path):
    bombs = [b"]" + b"\x8c\x00\x94" * 1_398_000, b"]" + b"\x94" * 4_194_000]
    script = (
        "import pathlib, resource, sys\n"
        "from livecomposer.model.lineage import LineageError, read_checkpoint\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for name in sys.argv[1:]:\n"
        "    try: read_checkpoint(pathlib.Path('none'), pathlib.Path(name))\n"
        "    except LineageError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    for i, bomb in enumerate(bombs):
        (tmp_path / str(i)).write_bytes(bomb)
    names = [tmp_path / str(i) for i in range(len(bombs))]
    ended = subprocess.run(
        [sys.executable, "-c", script, *names], capture_output=True, text=True, check=True
    )
    assert int(ended.stdout) < 200 << 10
