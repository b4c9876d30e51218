"""A monitor for each module, a jam for all: what one test leaves behind is for the next to bear."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")

from tests.monitor.jam import YOUR_TURN, Jam, Watcher, wait_for
from tests.monitor.process import Monitor

PROBE = Path(__file__).parent / "probe.js"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def monitor(recordings):
    started = Monitor(recordings)
    yield started
    assert started.end() == (0, "")


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # The system's own: nothing is fetched. As root, it has no sandbox.
        quiet = "disable-background-networking disable-component-update disable-sync no-first-run"
        arguments = [f"--{word}" for word in f"no-sandbox disable-gpu disable-quic {quiet}".split()]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens pages, each in a browser of its own; whatever they complain of is a failure."""
    contexts, complaints = [], []

    def open_page(address, script="", **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        context.add_init_script(path=PROBE)
        context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    # A browser says so itself where it can't connect; only while there is nobody there.
    assert [text for text in complaints if "ERR_CONNECTION_REFUSED" not in text] == []


@pytest.fixture(scope="session")
def jam(tmp_path_factory):
    """`livecomposer demo`, whose own player has played."""
    folder = tmp_path_factory.mktemp("recordings")
    settings = ["clock.tempo_bpm=300", "sampling.seed=1", f"record.folder={folder}"]
    with Jam("demo", *settings, 'model.others=["fixed"]') as jam:
        with Watcher(jam):  # it is waited for
            wait_for(lambda: YOUR_TURN in jam.said)
        yield jam


@pytest.fixture
def watcher(jam):
    with Watcher(jam) as watcher:
        yield watcher


@pytest.fixture
def page(open_page, jam):
    page = open_page(jam.address)
    page.locator("fieldset.trusted:enabled").first.wait_for()
    return page
