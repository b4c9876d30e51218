"""The page, in a real browser, with the real program behind it."""

import re
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from livecomposer.music.tokens import spell_pitch
from tests.conftest import write_midi
from tests.monitor.jam import Jam, Watcher, wait_for
from tests.monitor.page import is_quiet, pixels, sounds

pytestmark = pytest.mark.browser


@pytest.fixture
def demo():
    with Jam("demo", "clock.tempo_bpm=300") as demo:
        yield demo


def test_the_demo_is_seen(open_page, demo):
    page = open_page(demo.address)
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.reload()
    expect(page.locator("#stage[data-turn=player]")).to_have_text(re.compile("You play"))
    expect(page.locator("#turn")).to_have_text("livecomposer plays", timeout=20_000)
    assert pixels(page, "player")
    wait_for(lambda: pixels(page, "machine"))
    expect(page.locator("#tempo-fact")).to_have_text("300.0")
    expect(page.locator("#mode-fact")).to_have_text("call-response")
    expect(page.locator("#candidates li")).to_have_count(6)
    assert page.locator("#context li").count() > 4
    line = page.locator("#played li", has_text="livecomposer played")
    expect(line.first).to_have_text(re.compile(r"played( [A-G]#?\d)+"), timeout=20_000)
    expect(page.locator("#version")).to_have_text(re.compile(r"livecomposer \d"))
    assert hosts == {f"127.0.0.1:{demo.port}"}


OUTSIDE = """async () => {
  const seen = new Set();
  for (const end = performance.now() + 600; performance.now() < end;) {
    await new Promise(requestAnimationFrame);
    seen.add(probe.column('roll', 20).split(',').slice(-3 * 18).join(''));
  }
  return [...seen].join();
}"""


def test_a_white_key_that_sounds_is_seen_whole_and_no_row_outside_the_roll(page, watcher):
    colour = page.evaluate("probe.rgb(probe.ofTheme('player')).slice(0, 3).join()")
    page.keyboard.down("KeyS")
    wait_for(lambda: colour in page.evaluate("probe.column('roll', 40)"))
    page.keyboard.up("KeyS")
    wait_for(lambda: colour not in page.evaluate("probe.column('roll', 40)"))
    for key in ("KeyX", "KeyX", "KeyA"):  # far up, so that the range comes to be another
        page.keyboard.press(key)
    assert not page.evaluate(OUTSIDE).strip("0")
    wait_for(lambda: 84 in watcher.onsets(0))


def test_recordings(page, watcher):
    items = page.locator("#recordings li")
    before = items.count()
    record = page.get_by_role("button", name="Record")
    record.click()
    expect(record).to_have_attribute("aria-pressed", "true")
    for key in ("KeyA", "KeyD", "KeyG"):
        page.keyboard.press(key)
    begun = len(watcher.onsets(1))
    wait_for(lambda: len(watcher.onsets(1)) > begun)
    is_quiet(watcher)
    record.click()
    expect(items).to_have_count(before + 1)
    item = items.first
    item.get_by_role("button", name="Show").click()
    expect(page.locator("#viewer")).to_be_visible()
    expect(item).to_have_attribute("aria-current", "true")
    expect(item.locator("p")).to_have_text(re.compile(r"\d:\d\d:\d\d.* \d:\d\d, \d+ kB"))
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#recordings [aria-current=true]")).to_have_count(1)
    wait_for(lambda: pixels(page, "player", "still") and pixels(page, "machine", "still"))
    answer = watcher.onsets(1)[begun:]
    page.evaluate("sounds.length = 0")
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for(lambda: sounds(page, 0) == [60, 64, 67])
    wait_for(lambda: sounds(page, 1) == answer)
    page.get_by_role("button", name="Stop").click()
    play = page.get_by_role("button", name="Play", exact=True)
    expect(play).to_be_visible()
    play.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Space")  # panic is for all that sounds
    expect(play).to_be_visible()
    with page.expect_download() as download:
        item.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".mid")
    assert download.value.path().read_bytes().startswith(b"MThd")


def test_with_little_motion_the_roll_stands(open_page, jam):
    page = open_page(jam.address, reduced_motion="reduce")
    expect(page.locator("#tempo-fact")).to_have_text("300.0")
    seen = set()
    for _ in range(8):
        page.wait_for_timeout(60)
        seen.add(page.evaluate("probe.column('roll', 100)"))
    assert len(seen) <= 3  # the playhead may pass, and a page may turn


def test_it_comes_back_when_the_daemon_does(open_page):
    with Jam("demo") as jam:
        page = open_page(jam.address)
        expect(page.locator("#turn")).to_have_text("You play")
        page.keyboard.down("KeyA")
    told = page.locator("#connection")
    expect(told).to_contain_text("trying again")
    expect(page.locator("#turn")).to_have_text("Not connected")
    expect(page.locator("fieldset.trusted :enabled")).to_have_count(0)
    for fact in ("tempo-fact", "position", "clock", "key-fact", "mode-fact"):
        expect(page.locator(f"#{fact}")).to_have_text("\N{EN DASH}")
    with Jam("demo", "jam.mode=fill", port=jam.port) as again, Watcher(again) as watcher:
        assert again.address == jam.address
        expect(told).to_be_hidden(timeout=10_000)
        expect(page.locator("#mode-fact")).to_have_text("fill")
        page.keyboard.up("KeyA")
        page.keyboard.press("KeyS")
        wait_for(lambda: 62 in watcher.onsets(0))
        assert (0, 60) not in watcher.sounding(0)


PHRASE = [(0.5 * i, 0.4, pitch) for i, pitch in enumerate((60, 62, 64, 65, 67, 65, 64, 62))]


@pytest.mark.jack
def test_a_file_that_is_played_in_through_jack_is_seen(open_page, jack_server, tmp_path):
    from tests.live.witness import Witness  # it needs libjack

    settings = ["ports.api=jack", "clock.tempo_bpm=200", "sampling.seed=1", "record.folder=off"]
    with (
        Jam("play", *settings, environment=jack_server.environment) as jam,
        Witness(jack_server) as witness,
    ):
        page = open_page(jam.address)
        expect(page.locator("#listeners")).to_have_text("nobody")
        witness.connect("livecomposer in", "livecomposer out")
        expect(page.locator("#listeners")).to_have_text(re.compile("witness ear"), timeout=10_000)
        witness.play(write_midi(tmp_path / "phrase.mid", PHRASE, tempo=300_000))
        witness.wait_for(lambda: len(witness.onsets()) >= 6)
        wait_for(lambda: pixels(page, "player") and pixels(page, "machine"))
        spelled = [" ".join(map(spell_pitch, pitches)) for pitches in (
            [pitch for _, _, pitch in PHRASE],
            [data[1] for _, data in witness.heard if data[0] == 0x90 and data[2]][:4],
        )]  # fmt: skip
        expect(page.locator("#played")).to_contain_text(f"You played {spelled[0]}")
        expect(page.locator("#played")).to_contain_text(f"livecomposer played {spelled[1]}")
        # An instrument sounds already.
        assert page.evaluate("sounds") == []
        expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "false")


@pytest.mark.jack
@pytest.mark.parametrize(
    ("source", "name", "told"),
    [("jack", "JACK", "JACK's transport leads."), ("midi", "MIDI", "MIDI clock leads.")],
)
def test_where_another_leads_the_tempo_is_seen_and_not_set(
    open_page, jack_server, source, name, told
):
    from tests.live.test_jack import BPM, IN, MASTER, midi_clock_master
    from tests.live.witness import Witness

    settings = ["ports.api=jack", f"clock.source={source}", "record.folder=off"]
    with (
        Jam("play", *settings, environment=jack_server.environment) as jam,
        Witness(jack_server) as witness,
        midi_clock_master(jack_server),
    ):
        page = open_page(jam.address)
        expect(page.locator("#clock")).to_have_text(f"{name}, waiting")
        expect(page.get_by_text(told)).to_be_visible()
        for control in (page.get_by_label("Tempo"), page.get_by_role("button", name="Tap")):
            expect(control).to_be_disabled()
        expect(page.get_by_label("Temperature")).to_be_enabled()
        witness.wait_for(lambda: f"{IN}:{IN}" in witness.connections(MASTER))
        if source == "jack":
            witness.lead(BPM)
        witness.roll()
        expect(page.locator("#clock")).to_have_text(f"{name}, locked", timeout=10_000)
        wait_for(lambda: abs(float(page.locator("#tempo-fact").text_content()) - BPM) < 10)
        witness.stop_transport()
        expect(page.locator("#clock")).to_have_text(f"{name}, waiting", timeout=10_000)
