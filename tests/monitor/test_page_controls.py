"""The page's controls and buttons, in a real browser: the real program follows them."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from livecomposer.music.keys import SCALES, Key, parse_key
from tests.monitor.jam import wait_for
from tests.monitor.page import is_quiet, pixels

pytestmark = pytest.mark.browser


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
