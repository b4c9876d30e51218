"""The page, in a real browser, with the real program behind it."""

import re
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from livecomposer.music.keys import SCALES, Key, parse_key
from livecomposer.music.tokens import spell_pitch
from tests.conftest import write_midi
from tests.monitor.jam import Jam, Watcher, wait_for

# On a machine that does much else, what happens in real time may come too late for a test.
pytestmark = [pytest.mark.browser, pytest.mark.flaky(reruns=2)]


@pytest.fixture(scope="module")
def jam(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    settings = ["clock.tempo_bpm=300", "sampling.seed=1", f"record.folder={folder}"]
    with Jam("demo", *settings, 'model.others=["fixed"]') as jam:
        with Watcher(jam):  # it is waited for
            wait_for(lambda: "it is your turn; Ctrl-C ends" in jam.said)
        yield jam


@pytest.fixture
def watcher(jam):
    with Watcher(jam) as watcher:
        yield watcher


@pytest.fixture
def page(open_page, jam):
    page = open_page(jam.address)
    expect(page.get_by_label("Temperature")).to_be_enabled()
    return page


class Untouched:
    """A page in which nobody has done anything yet.

    What a test asks of a page, the browser takes for the user's doing. So this one is asked
    nothing: where things are in it, they are in another one.
    """

    def __init__(self, open_page, jam, **options):
        self._before = open_page(jam.address, **options)
        expect(self._before.get_by_label("Temperature")).to_be_enabled()
        self.page = open_page("about:blank", **options)
        with self.page.expect_websocket() as live:
            self.page.goto(jam.address)
        live.value.wait_for_event("framereceived", lambda frame: '"state"' in frame)

    def middle(self, name):
        box = self._before.get_by_role("button", name=name, exact=True).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] - 10


@pytest.fixture
def untouched(open_page, jam):
    return Untouched(open_page, jam)


def pixels(page, colour, canvas="roll"):
    """How many of a canvas's pixels are of a colour of the theme."""
    return page.evaluate("([id, colour]) => probe.count(id, colour)", [canvas, colour])


def sounds(page, part):
    """The pitches that began to sound in the browser."""
    return [
        each["pitch"] for each in page.evaluate("sounds") if each["part"] == part and each["on"]
    ]


def is_quiet(watcher):
    """Wait until nobody plays."""
    wait_for(lambda: watcher.state["turn"] == "" and not watcher.state["planned"])


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


def press(page, label, key):
    page.get_by_label(label, exact=True).press(key)


def choose(page, label, option):
    page.get_by_label(label).select_option(option)


SETTINGS = {
    "jam.mode": (lambda page: page.get_by_label("Duet").check(), "duet"),
    "clock.tempo_bpm": (lambda page: press(page, "Tempo", "ArrowRight"), 301),
    "sampling.temperature": (lambda page: press(page, "Temperature", "End"), 5),
    "sampling.top_p": (lambda page: press(page, "Top-p", "Home"), 0.01),
    "jam.density": (lambda page: press(page, "Density", "End"), 1),
    "sampling.memory": (lambda page: press(page, "Memory", "Home"), 0),
    "sampling.lowest": (lambda page: press(page, "Lowest note", "ArrowRight"), "A#0"),
    "sampling.highest": (lambda page: press(page, "Highest note", "ArrowLeft"), "B7"),
    "sampling.key": (lambda page: choose(page, "Key lock", "D dorian"), "D dorian"),
    "jam.answer": (lambda page: choose(page, "Answer", "4 beats"), 4),
    "sampling.grid": (lambda page: choose(page, "Grid", "1/3 beat"), "1/3"),
    "model.weights": (lambda page: choose(page, "Weights", "fixed"), "fixed"),
}  # fmt: skip

SHOWN = """(element) => element.querySelector(':checked')?.value
  ?? (element.type === 'range' ? element.getAttribute('aria-valuetext') : element.value)"""


def test_the_daemon_and_another_browser_follow_each_control(page, open_page, jam, watcher):
    other = open_page(jam.address)
    controls = page.locator("[data-setting]")
    assert {each.get_attribute("data-setting") for each in controls.all()} == set(SETTINGS)
    before = watcher.state["settings"]
    for setting, (change, value) in SETTINGS.items():
        assert before[setting] != value
        change(page)
        wait_for(lambda: watcher.state["settings"][setting] in (value, str(value)))  # noqa: B023
        control = f'[data-setting="{setting}"]'
        shown = page.locator(control).evaluate(SHOWN)
        wait_for(lambda: other.locator(control).evaluate(SHOWN) == shown)  # noqa: B023
    expect(page.get_by_role("alert")).to_be_hidden()
    for setting in SETTINGS:
        watcher.tell(type="set", setting=setting, value=before[setting])
    wait_for(lambda: watcher.state["settings"] == before)


def test_a_control_stays_under_the_finger(page, watcher):
    slider = page.get_by_label("Memory")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.mouse.down()
    wait_for(lambda: watcher.state["settings"]["sampling.memory"] > 0.6)
    page.wait_for_timeout(200)  # the mouse may have made two steps
    held = slider.input_value()
    watcher.set("sampling.memory", 0.1)
    page.wait_for_timeout(1000)
    assert slider.input_value() == held
    page.mouse.up()
    expect(slider).to_have_value("0.1")
    watcher.set("sampling.memory", 0.3)


SOLID = "(element) => probe.rgb(getComputedStyle(element).backgroundColor)[3]"


def test_mute_record_and_the_other_buttons(page, watcher):
    for name, told in (("Mute", "muted"), ("Record", "recording")):
        button = page.get_by_role("button", name=name)
        for on in (True, False):
            button.click()
            wait_for(lambda: watcher.state[told] == on)  # noqa: B023
            expect(button).to_have_attribute("aria-pressed", str(on).lower())
            filled = page.locator("#record .dot").evaluate(SOLID)
            assert filled == (told == "recording" and on)
    tempo = watcher.state["tempo_bpm"]
    for _ in range(4):
        page.get_by_role("button", name="Tap").click()
        page.wait_for_timeout(400)
    wait_for(lambda: watcher.state["tempo_bpm"] != tempo)
    watcher.set("clock.tempo_bpm", tempo)
    answered = len(watcher.onsets(1))
    for key in ("KeyA", "KeyD"):
        page.keyboard.press(key)
    wait_for(lambda: len(watcher.onsets(1)) > answered)
    is_quiet(watcher)
    for name in ("Forget memory", "New seed", "Same again", "Clear context"):
        told = page.locator("#pressed-told").text_content()
        page.get_by_role("button", name=name).click()
        expect(page.locator("#pressed-told")).not_to_have_text(told)
    wait_for(lambda: watcher.state["context_size"][0] <= 1)  # the start of a piece is a token
    expect(page.get_by_role("alert")).to_be_hidden()


def test_what_is_refused_is_said_and_taken_back(page, jam):
    key = page.get_by_label("Key lock")
    key.evaluate("(select) => select.add(new Option('H major'))")
    key.select_option("H major")
    expect(page.get_by_role("alert")).to_contain_text("'H major' is no key")
    expect(key).to_have_value("off")
    page.evaluate("location.hash += ''; dispatchEvent(new Event('hashchange'))")  # opens it anew
    expect(page.get_by_role("alert")).to_be_hidden(timeout=3000)


def test_a_range_has_its_ends_in_order(page, watcher):
    watcher.set("sampling.highest", "C5")
    expect(page.locator("output[for=highest]")).to_have_text("C5")
    press(page, "Lowest note", "End")
    wait_for(lambda: watcher.state["settings"]["sampling.lowest"] == "C5")
    press(page, "Highest note", "Home")
    expect(page.locator("output[for=highest]")).to_have_text("C5")
    expect(page.get_by_role("alert")).to_be_hidden()
    watcher.set("sampling.lowest", "A0")
    watcher.set("sampling.highest", "C8")


def test_the_keys_that_can_be_chosen_are_those_that_there_are(page):
    names = page.locator("#key option").evaluate_all("(all) => all.map(({ value }) => value)")
    assert names[:2] == ["off", "auto"]
    assert sorted(map(str, map(parse_key, names[2:]))) == sorted(
        str(Key(tonic, scale)) for scale in SCALES for tonic in range(12)
    )


def test_it_says_whose_turn_it_is(page, watcher):
    is_quiet(watcher)
    turn = page.locator("#turn")
    for mode, told in (
        ("fill", "Your turn"),
        ("duet", "Your turn"),
        ("listen", "Listening"),
        ("call-response", "Your turn"),
        ("solo", "livecomposer plays"),
    ):
        watcher.set("jam.mode", mode)
        expect(turn).to_have_text(told)
        expect(page.get_by_label("Density")).to_be_enabled(enabled=mode == "duet")
    watcher.tell(type="mute", on=True)
    expect(turn).to_have_text("Muted")
    expect(page.locator("#stage")).to_have_attribute("data-turn", "")
    watcher.tell(type="mute", on=False)
    expect(turn).to_have_text("livecomposer plays")
    page.keyboard.press("Space")
    expect(turn).to_have_text("Stopped: play, or choose a mode")
    watcher.set("jam.mode", "call-response")


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


def test_the_keyboard_is_played_and_the_answer_is_heard(page, watcher):
    is_quiet(watcher)
    played, answered = watcher.onsets(0), watcher.onsets(1)
    for name in ("C4", "E4", "G4"):
        page.get_by_role("button", name=name, exact=True).click()
    page.keyboard.press("KeyK")
    wait_for(lambda: watcher.onsets(0) == [*played, 60, 64, 67, 72])
    wait_for(lambda: len(watcher.onsets(1)) > len(answered))
    is_quiet(watcher)
    answer = watcher.onsets(1)[len(answered) :]
    wait_for(lambda: sounds(page, 1)[-len(answer) :] == answer)
    assert sounds(page, 0) == [60, 64, 67, 72]
    expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#played")).to_contain_text("You played C4 E4 G4 C5")
    expect(page.locator("#played")).to_contain_text(
        f"livecomposer played {' '.join(map(spell_pitch, answer[:8]))}"
    )


HEARD = """async (pitch) => {
  const { Voice } = await import('/static/voice.js');
  const context = new OfflineAudioContext(1, 3 * 48000, 48000);
  const voice = new Voice(context);
  voice.play('note', pitch, 90, 0.5);
  voice.play('note', pitch, 0, 1.5);
  const samples = (await context.startRendering()).getChannelData(0);
  const loudness = (from, to) => Math.max(...samples.slice(from * 48000, to * 48000).map(Math.abs));
  const alike = (lag) => {
    let sum = 0;
    for (let i = 48000; i < 52800; i += 1) sum += samples[i] * samples[i + lag];
    return sum;
  };
  const lags = Array.from({ length: 400 }, (_, i) => i + 40);
  const period = lags.reduce((best, lag) => (alike(lag) > alike(best) * 1.01 ? lag : best));
  return [loudness(0, 0.49), loudness(0.5, 1.5), loudness(2.5, 3), 48000 / period];
}"""


@pytest.mark.parametrize(("pitch", "hertz"), [(57, 220), (69, 440), (81, 880)])
def test_the_voice_sounds_as_long_and_as_high_as_it_is_asked_to(page, pitch, hertz):
    before, sounding, after, heard = page.evaluate(HEARD, pitch)
    assert before == 0
    assert 0.03 < sounding < 1
    assert after < sounding / 1000
    assert heard == pytest.approx(hertz, rel=0.02)


def test_the_first_click_may_turn_the_sound_on(untouched):
    page = untouched.page
    page.mouse.click(*untouched.middle("Sound"))
    sound = page.get_by_role("button", name="Sound")
    expect(sound).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#sound-told")).to_contain_text("is heard")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#sound-told")).to_contain_text("Off, by your choice")


def test_the_first_key_is_heard(untouched):
    untouched.page.mouse.click(*untouched.middle("C4"))
    wait_for(lambda: sounds(untouched.page, 0) == [60])


def test_the_first_tap_is_heard(open_page, jam):
    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 360, "height": 1200}}
    untouched = Untouched(open_page, jam, **phone)
    untouched.page.touchscreen.tap(*untouched.middle("C4"))
    wait_for(lambda: sounds(untouched.page, 0) == [60])
    wait_for(lambda: not untouched.page.evaluate("sounds.at(-1).on"))


def test_whether_it_sounds_is_the_users_choice(page):
    sound = page.get_by_role("button", name="Sound")
    page.keyboard.press("KeyA")
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(page.get_by_label("Temperature")).to_be_enabled()
    heard = page.evaluate("sounds.length")
    page.keyboard.press("KeyA")
    expect(sound).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("sounds.length") == heard


def test_two_fingers_hold_two_keys(open_page, jam, watcher):
    page = open_page(jam.address, has_touch=True, viewport={"width": 360, "height": 740})
    expect(page.get_by_label("Temperature")).to_be_enabled()
    page.locator("#piano").scroll_into_view_if_needed()
    keys = [page.get_by_role("button", name=name, exact=True) for name in ("C4", "E4")]
    points = [
        {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] - 10, "id": i}
        for i, box in enumerate(key.bounding_box() for key in keys)
    ]
    fingers = page.context.new_cdp_session(page)
    for kind, changed, held in (
        ("touchStart", points, {60, 64}),
        ("touchEnd", points[:1], {64}),
        ("touchEnd", [], set()),
    ):
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": changed})
        wait_for(lambda: {pitch for _, pitch in watcher.sounding(0)} == held)  # noqa: B023


def test_a_finger_glides_and_nothing_hangs(page, watcher):
    held = watcher.onsets(0)
    page.locator("#piano").scroll_into_view_if_needed()
    boxes = [
        page.get_by_role("button", name=name, exact=True).bounding_box()
        for name in "C4 D4 E4".split()
    ]
    for i, box in enumerate(boxes):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
        if not i:
            page.mouse.down()
    wait_for(lambda: watcher.onsets(0) == [*held, 60, 62, 64])
    assert [pitch for _, pitch in watcher.sounding(0)] == [64]
    page.keyboard.down("KeyJ")
    wait_for(lambda: len(watcher.sounding(0)) == 2)
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    wait_for(lambda: not watcher.sounding(0))
    page.mouse.up()
    page.keyboard.up("KeyJ")


def test_octaves_and_the_keyboard_alone(page, watcher):
    before = watcher.onsets(0)
    page.keyboard.press("KeyX")
    page.keyboard.press("KeyA")
    page.keyboard.press("KeyZ")
    page.get_by_role("button", name="C4", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_label("Computer keys play").uncheck()
    page.keyboard.press("KeyA")
    page.get_by_label("Computer keys play").check()
    page.keyboard.press("Tab")
    page.get_by_label("Answer").focus()
    page.keyboard.press("KeyD")  # picks among options
    page.get_by_label("Temperature").focus()
    page.keyboard.press("KeyG")
    wait_for(lambda: watcher.onsets(0) == [*before, 72, 61, 67])


def test_a_list_that_the_mouse_has_opened_takes_no_keys(page, watcher):
    before = watcher.onsets(0)
    answer = page.get_by_label("Answer")
    answer.click()
    page.keyboard.press("Escape")
    expect(answer).to_be_focused()
    for key in ("KeyD", "KeyJ"):  # one of them would pick "match yours"
        page.keyboard.press(key)
    wait_for(lambda: watcher.onsets(0) == [*before, 64, 71])
    expect(answer).to_have_value("match")


@pytest.mark.parametrize("by", ["button", "space"])
def test_panic(page, watcher, by):
    watcher.set("jam.mode", "solo")
    begun = len(watcher.onsets(1))
    wait_for(lambda: len(watcher.onsets(1)) > begun + 2)
    if by == "button":
        page.get_by_role("button", name="Panic").click()
    else:
        # What the mouse has clicked last is not what the space bar presses.
        mute = page.get_by_role("button", name="Mute")
        for on in (True, False):
            mute.click()
            expect(mute).to_have_attribute("aria-pressed", str(on).lower())
        page.keyboard.press("Space")
    wait_for(lambda: watcher.state["turn"] == "" and not watcher.sounding(1))
    begun = len(watcher.onsets(1))
    page.wait_for_timeout(700)
    assert len(watcher.onsets(1)) == begun
    assert not watcher.state["muted"]
    watcher.set("jam.mode", "call-response")


def test_the_space_bar_is_a_buttons_where_the_keyboard_has_gone_to_it(page, watcher):
    page.locator("#skip").focus()
    page.keyboard.press("Tab")
    mute = page.get_by_role("button", name="Mute")
    expect(mute).to_be_focused()
    for on in (True, False):
        page.keyboard.press("Space")
        wait_for(lambda: watcher.state["muted"] == on)  # noqa: B023
        expect(mute).to_have_attribute("aria-pressed", str(on).lower())


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


def test_without_webaudio_all_else_works(open_page, jam, watcher):
    script = "delete window.AudioContext; delete window.webkitAudioContext"
    page = open_page(jam.address, script)
    expect(page.locator("#sound-told")).to_contain_text("no WebAudio")
    expect(page.get_by_role("button", name="Sound")).to_be_disabled()
    before = watcher.onsets(0)
    page.get_by_role("button", name="F4", exact=True).click()
    wait_for(lambda: watcher.onsets(0) == [*before, 65])
    wait_for(lambda: pixels(page, "player"))


def test_with_a_wrong_token_one_may_watch(open_page, jam, watcher):
    page = open_page(jam.address[:-4] + "nono")
    expect(page.get_by_text("You can watch; to play and change things")).to_be_visible()
    wishes = "fieldset.trusted :is(button, input, select), [data-pitch]"
    assert page.locator(wishes).count() > 40
    expect(page.locator(f":is({wishes}):enabled")).to_have_count(0)
    watcher.tell(type="play", pitch=60, velocity=90)
    watcher.tell(type="play", pitch=60, velocity=0)
    wait_for(lambda: pixels(page, "player"))
    page.goto(jam.address)  # only what is behind the # changes
    expect(page.get_by_label("Temperature")).to_be_enabled()
    expect(page.get_by_text("You can watch; to play and change things")).to_be_hidden()


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
@pytest.mark.flaky(reruns=2)
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
