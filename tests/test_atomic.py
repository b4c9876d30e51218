"""Files are written whole or not at all, by nobody's leave but the user's."""

import os
import stat
from pathlib import Path

import pytest

from livecomposer.atomic import whole_file, write_whole


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_permissions(tmp_path):
    write_whole(tmp_path / "new", b"1")
    write_whole(tmp_path / "private", b"1", private=True)
    assert (mode(tmp_path / "new"), mode(tmp_path / "private")) == (0o640, 0o600)
    for kept in (0o600, 0o644, 0o664):
        (tmp_path / "new").chmod(kept)
        write_whole(tmp_path / "new", b"2", b"3")
        assert (mode(tmp_path / "new"), (tmp_path / "new").read_bytes()) == (kept, b"23")


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("there/real")
    (tmp_path / "dangling").symlink_to("there/new")
    for name, real in (("link", "real"), ("dangling", "new")):
        write_whole(tmp_path / name, b"new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "there" / real).read_bytes() == b"new"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        write_whole(tmp_path / "loop", b"new")


def test_the_name_beside_is_new_and_cannot_be_guessed(tmp_path):
    names = set()
    for _ in range(3):
        with whole_file(tmp_path / "x") as file:
            beside = Path(file.name)
            assert beside.parent == tmp_path
            names.add(beside.name)
            file.write(b"x")
    assert len(names) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_link_planted_beside_is_not_followed(tmp_path, monkeypatch):
    """Even if its name were guessed."""
    monkeypatch.setattr("secrets.token_hex", lambda _size: "guessed")
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / ".x.guessed").symlink_to("mine")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "x", b"theirs")
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_an_exception_keeps_what_was_there(tmp_path):
    write_whole(tmp_path / "x", b"old")
    with pytest.raises(TypeError), whole_file(tmp_path / "x") as file:
        file.writelines([b"new", "and what can't be written"])
    assert (tmp_path / "x").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_device_stays_a_device(tmp_path):
    write_whole(Path(os.devnull), b"x")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    reading, writing = os.pipe()
    write_whole(Path(f"/dev/fd/{writing}"), b"x")
    assert os.read(reading, 9) == b"x"
    os.close(reading)
    os.close(writing)
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_name_as_long_as_can_be(tmp_path):
    write_whole(tmp_path / ("x" * 255), b"x")
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]
