"""The page's keyboard and its sound, in a real browser."""

import re

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from livecomposer.music.tokens import spell_pitch
from tests.monitor.jam import wait_for
from tests.monitor.page import Untouched, is_quiet, middle_of, pixels, sounds

pytestmark = pytest.mark.browser


@pytest.fixture
def untouched(open_page, jam):
    return Untouched(open_page, jam)


def test_the_keyboard_is_played_and_the_answer_is_heard(page, watcher):
    is_quiet(watcher)
    played, answered = watcher.onsets(0), watcher.onsets(1)
    page.locator("#piano").scroll_into_view_if_needed()
    keys = [middle_of(page, name) for name in ("C4", "E4", "G4")]
    for place in keys:  # in one go: a pause would end the phrase
        page.mouse.click(*place)
    page.keyboard.press("KeyK")
    wait_for(lambda: watcher.onsets(0) == [*played, 60, 64, 67, 72])
    wait_for(lambda: len(watcher.onsets(1)) > len(answered))
    is_quiet(watcher)
    answer = watcher.onsets(1)[len(answered) :]
    wait_for(lambda: sounds(page, 1)[-len(answer) :] == answer)
    assert sounds(page, 0)[-4:] == [60, 64, 67, 72]
    expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
    # A line may begin with what was played just before.
    told = page.locator("#played")
    expect(told).to_have_text(re.compile("You played .*C4 E4 G4 C5"))
    spelled = " ".join(map(spell_pitch, answer[:8]))
    expect(told).to_have_text(re.compile(f"livecomposer played .*{re.escape(spelled)}"))


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
    page.mouse.click(*untouched.middle(re.compile("(Turn on s|S)ound")))
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
    points = [
        {"x": x, "y": y, "id": i}
        for i, (x, y) in enumerate(middle_of(page, name) for name in ("C4", "E4"))
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
    for i, place in enumerate([middle_of(page, name) for name in ("C4", "D4", "E4")]):
        page.mouse.move(*place)
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


def test_without_webaudio_all_else_works(open_page, jam, watcher):
    script = "delete window.AudioContext; delete window.webkitAudioContext"
    page = open_page(jam.address, script)
    expect(page.locator("#sound-told")).to_contain_text("no WebAudio")
    expect(page.get_by_role("button", name="Sound")).to_be_disabled()
    before = watcher.onsets(0)
    page.get_by_role("button", name="F4", exact=True).click()
    wait_for(lambda: watcher.onsets(0) == [*before, 65])
    wait_for(lambda: pixels(page, "player"))
