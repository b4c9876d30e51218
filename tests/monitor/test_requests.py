"""What is asked by HTTP: by whom it may be, and which files it can reach."""

import os
import shutil
from datetime import datetime

import msgspec
import pytest

from livecomposer.midi.files import TimedNote, write_midi
from tests.conftest import write_midi as write_any
from tests.monitor.process import TOKEN


@pytest.fixture
def folder(recordings):
    """What is in it, goes."""
    yield recordings
    shutil.rmtree(recordings)
    recordings.mkdir()


def listed(monitor):
    answer = monitor.ask("/recordings", token=TOKEN)
    assert answer.status == 200
    return msgspec.json.decode(answer.body)


def test_the_page_and_what_belongs_to_it(monitor):
    page = monitor.ask("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for path, kind in (("theme.css", "text/css"), ("icon.svg", "image/svg+xml")):
        answer = monitor.ask(f"/static/{path}")
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert answer.headers["cache-control"] == "no-cache"
        again = monitor.ask(f"/static/{path}", if_none_match=answer.headers["etag"])
        assert (again.status, again.body) == (304, b"")
    assert monitor.ask("/", "HEAD").body == b""


UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec_websocket_version": "13",
    "sec_websocket_key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

HOSTS = {
    "127.0.0.1:{port}": True,
    "localhost:{port}": True,
    "127.0.0.1": False,
    "localhost": False,
    "127.0.0.1:1": False,
    "localhost:{port}.evil.example": False,
    "evil.example": False,
    "evil.example:{port}": False,
    "127.0.0.1.evil.example:{port}": False,
    "user@127.0.0.1:{port}": False,
    "[::1]:{port}": False,
    "0.0.0.0:{port}": False,
    "": False,
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/", "/static/theme.css", "/recordings", "/live"])
def test_hosts(monitor, host, path):
    named = host.format(port=monitor.port)
    refused = monitor.ask(path, token=TOKEN, host=named).status == 421
    assert refused != HOSTS[host]
    if path == "/live":
        answer = monitor.ask(path, host=named, origin=f"http://{named}", **UPGRADE)
        assert answer.status == (101 if HOSTS[host] else 421)


def test_two_hosts_or_none_are_no_request(monitor):
    for hosts in (b"", b"Host: evil.example\r\n" + b"Host: %b\r\n" % monitor.host.encode()):
        with monitor.plain_socket() as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")
            assert plain.recv(100).startswith(b"HTTP/1.1 400 ")


ORIGINS = {
    None: True,
    "http://127.0.0.1:{port}": True,
    "http://localhost:{port}": False,  # of the other name: another origin, to a browser
    "https://127.0.0.1:{port}": False,
    "http://127.0.0.1:1": False,
    "http://127.0.0.1": False,
    "http://evil.example": False,
    "http://127.0.0.1:{port}.evil.example": False,
    "null": False,
    "": False,
    "file://": False,
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_origins(monitor, origin):
    named = {} if origin is None else {"origin": origin.format(port=monitor.port)}
    answer = monitor.ask("/recordings", token=TOKEN, **named)
    assert answer.status == (200 if ORIGINS[origin] else 403)
    assert "access-control-allow-origin" not in answer.headers
    let_in = ORIGINS[origin] and origin is not None
    assert monitor.ask("/live", **named, **UPGRADE).status == (101 if let_in else 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "X"])
@pytest.mark.parametrize("path", ["/", "/static/theme.css", "/recordings", "/recordings/a.mid"])
def test_nothing_is_asked_but_to_be_shown(monitor, path, method):
    answer = monitor.ask(path, method, token=TOKEN)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/static/theme.css", "/nothing", "/recordings", "/%00"])
def test_a_browser_is_told_to_be_strict(monitor, path):
    headers = monitor.ask(path, token=TOKEN).headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy.pop("connect-src").split()[0] == policy.pop("default-src") == "'self'"
    assert policy == dict.fromkeys(
        ("object-src", "base-uri", "form-action", "frame-ancestors"), "'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    kept = "no-store" if path == "/recordings" else "no-cache"
    assert headers["cache-control"] == kept


@pytest.mark.parametrize("path", ["", "/a.mid", "/a.mid/notes", "/none"])
@pytest.mark.parametrize(
    "given", [None, "", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer x", f"Bearer {TOKEN}x",
              "Bearer \xe4"]
)  # fmt: skip
def test_recordings_are_shown_to_who_has_the_token(monitor, folder, path, given):
    write_midi(folder / "a.mid", [("player", [TimedNote(0, 480, 60, 64)])])
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    answer = monitor.ask(f"/recordings{path}", **headers)
    assert answer.status == 403
    assert answer.body == b"recordings are shown to who has the token only\n"


def test_recordings_are_listed_the_newest_first(monitor, folder):
    assert listed(monitor) == []
    for name in ("2026-01-02 03.04.05.mid", "2026-01-02 03.04.05 2.mid", "2025-12-31 23.00.00.mid"):
        (folder / name).write_bytes(b"MThd")
    (folder / "another.mid").write_bytes(b"12")
    os.utime(folder / "another.mid", (5.5, 5.5))
    found = listed(monitor)
    assert {each["name"] for each in found[:2]} == {
        "2026-01-02 03.04.05.mid", "2026-01-02 03.04.05 2.mid",
    }  # fmt: skip
    assert found[0]["begun"] == datetime(2026, 1, 2, 3, 4, 5).timestamp()
    assert [each["name"] for each in found[2:]] == ["2025-12-31 23.00.00.mid", "another.mid"]
    assert found[3] == {"name": "another.mid", "seconds": None, "bytes": 2, "begun": 5.5}


def test_the_notes_of_a_jam(monitor, folder):
    jam = folder / "jam.mid"
    parts = [
        ("player", [TimedNote(0, 480, 60, 64)]),
        ("livecomposer", [TimedNote(480, 600, 64, 1)]),
    ]
    write_midi(jam, parts, [(0, 1_000_000), (480, 500_000)])
    answer = monitor.ask("/recordings/jam.mid/notes", token=TOKEN)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert msgspec.json.decode(answer.body) == {
        "seconds": 1.125, "notes": [[0, 0, 1, 60, 64], [1, 1, 1.125, 64, 1]]
    }  # fmt: skip
    assert listed(monitor)[0]["seconds"] == 1.125
    write_any(jam, [(0, 1, 50)])  # of something else than a jam
    assert listed(monitor)[0]["seconds"] is None
    answer = monitor.ask("/recordings/jam.mid/notes", token=TOKEN)
    assert msgspec.json.decode(answer.body)["notes"] == [[0, 0, 0.5, 50, 64]]


def test_a_recording_is_downloaded_as_it_is(monitor, folder):
    content = bytes(range(256)) * 2000
    (folder / "ein Stück '1'.mid").write_bytes(content)
    path = "/recordings/ein%20St%C3%BCck%20'1'.mid"
    answer = monitor.ask(path, token=TOKEN)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-type"] == "audio/midi"
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=utf-8''ein%20St%C3%BCck%20%271%27.mid"
    )
    assert monitor.ask(path, "HEAD", token=TOKEN).headers["content-length"] == str(len(content))


NAMES = [
    "..%2fsecret.mid", "../secret.mid", "%2e%2e%2fsecret.mid", "..%5csecret.mid", "..", ".",
    "%2e%2e", "{folder}/a.mid", "%2fetc%2fpasswd", "/etc/passwd", "a.mid%00", "a.mid%00.txt", "%00",
    "a.mid%2f",
    "./a.mid", ".%2fa.mid", "inside%2fb.mid", "inside/b.mid", "folder.mid", "link.mid", "hard.txt",
    ".hidden.mid", "fifo.mid", "A.MID", "a", "a.mid%20", "*.mid", "a.mid%0a", "%ff.mid", "x" * 5000,
]  # fmt: skip
PATHS = [
    "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/../../etc/passwd",
    "/static//etc/passwd", "/static/%00", "/%2e%2e/app.py", "/static", "/static/", "//",
]  # fmt: skip


@pytest.mark.parametrize("ending", ["", "/notes"])
def test_no_request_names_a_file_outside(monitor, folder, ending):
    write_midi(folder / "a.mid", [])
    write_midi(folder / ".hidden.mid", [])
    secret = write_any(folder.parent / "secret.mid", [(0, 1, 50)])
    (folder / "link.mid").symlink_to(secret)
    (folder / "hard.txt").write_bytes(b"no")
    (folder / "line\nbreak.mid").write_bytes(b"no")
    os.mkfifo(folder / "fifo.mid")
    (folder / "folder.mid").mkdir()
    inside = folder / "inside"
    inside.mkdir()
    write_midi(inside / "b.mid", [])
    assert [each["name"] for each in listed(monitor)] == ["a.mid"]
    assert monitor.ask(f"/recordings/a.mid{ending}", token=TOKEN).status == 200
    for name in NAMES:
        named = name.format(folder=str(folder).replace("/", "%2f"))
        answer = monitor.ask(f"/recordings/{named}{ending}", token=TOKEN)
        assert answer.status == 404, name
    for path in PATHS:
        assert monitor.ask(path).status == 404, path


UNREADABLE = {
    b"": "the file is empty",
    b"MThd": "it is cut off in its header",
    b"no MIDI": "it is not a sound MIDI file (it doesn't begin with MThd)",
    b"MThd" + bytes(2_000_000): "it has more than 2,000,000 bytes",
}


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: str(len(content)))
def test_a_recording_that_cant_be_read(monitor, folder, content):
    (folder / "a.mid").write_bytes(content)
    answer = monitor.ask("/recordings/a.mid/notes", token=TOKEN)
    assert (answer.status, answer.body.decode()) == (422, UNREADABLE[content] + "\n")
    assert monitor.ask("/recordings/a.mid", token=TOKEN).body == content


def test_there_is_no_folder_yet(monitor, folder):
    folder.rmdir()
    assert listed(monitor) == []
    assert monitor.ask("/recordings/a.mid", token=TOKEN).status == 404
    folder.mkdir()
