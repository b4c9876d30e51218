"""How the page looks: nothing is cut off, nothing lies on anything, and all can be read.

Pictures go to the folder that LIVECOMPOSER_SHOTS names, to be looked at.
"""

import os
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.conftest import write_midi
from tests.monitor.jam import YOUR_TURN, Jam, Watcher, wait_for

pytestmark = pytest.mark.browser

READABLE, VISIBLE = 4.5, 3.0
"""The least contrasts of WCAG 2.2, AA (1.4.3 and 1.4.11): of text, and of what is drawn."""

FINGER = 44
"""Pixels (WCAG 2.2, 2.5.5)."""

WRITTEN = [("soft", "sunken"), ("on-player", "player"), ("on-machine", "machine"),
           ("on-white-key", "white-key")]  # fmt: skip
DRAWN = [(part, on) for part in ("player", "machine") for on in ("surface", "row", "white-key")] + [
    ("edge", "surface"), ("edge", "ground"), ("ink", "row"), ("focus", "surface")
]  # fmt: skip


@pytest.fixture(scope="module")
def jam(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    notes = [(i / 2, 0.45, 48 + 5 * i % 31) for i in range(64)]
    write_midi(folder / "2026-11-26 20.15.00.mid", notes)
    settings = ["clock.tempo_bpm=300", "sampling.seed=1", f"record.folder={folder}"]
    with Jam("demo", *settings) as jam:
        yield jam


@pytest.fixture
def shots(tmp_path):
    folder = Path(os.environ.get("LIVECOMPOSER_SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (768, 1024), (1440, 900)])
def test_it_looks_right(open_page, jam, shots, width, height, scheme):
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    page = open_page(jam.address, **options, has_touch=width < 1000)
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#viewer")).to_be_visible()
    expect(page.locator("#candidates li")).to_have_count(6)
    with Watcher(jam) as watcher:
        watcher.set("sampling.key", "G# major pentatonic")  # as long as they come
        wait_for(lambda: watcher.state["turn"])
    page.evaluate("scrollTo(0, 0)")
    for name in ("top", "whole"):
        page.screenshot(path=shots / f"{width}-{scheme}-{name}.png", full_page=name == "whole")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("probe.clipped()") == []
    assert page.evaluate("probe.overlaps()") == []
    assert page.evaluate(f"probe.faint({READABLE})") == []
    assert page.evaluate(f"probe.small({FINGER if width < 1000 else 20})") == []
    assert page.evaluate("probe.nameless()") == []
    for pairs, least in ((WRITTEN, READABLE), (DRAWN, VISIBLE)):
        for pair in pairs:
            assert page.evaluate("(pair) => probe.themeContrast(...pair)", pair) >= least, pair


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_may_only_watch_can_read_it(open_page, jam, shots, scheme):
    size = {"width": 360, "height": 740}
    wait_for(lambda: YOUR_TURN in jam.said)  # the demo's own player would begin again
    page = open_page(jam.address[:-1] + "_", viewport=size, color_scheme=scheme)
    expect(page.locator("#trust")).to_be_visible()
    with Watcher(jam) as watcher:
        watcher.set("jam.mode", "solo")
        expect(page.locator("#turn")).to_have_text("livecomposer plays")
        page.screenshot(path=shots / f"360-{scheme}-watching.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.evaluate("probe.clipped()") == []
        assert page.evaluate("probe.overlaps()") == []
        assert page.evaluate(f"probe.faint({READABLE})") == []
        watcher.tell(type="press", button="panic")
        expect(page.locator("#turn")).to_contain_text("choose a mode")
        for wide in (size, {"width": 1280, "height": 720}):
            page.set_viewport_size(wide)
            assert page.evaluate("probe.clipped()") == []
        page.screenshot(path=shots / f"1280-{scheme}-stopped.png")
        watcher.set("jam.mode", "call-response")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (1024, 768), (360, 740)])
def test_roll_and_keyboard_are_on_the_first_screen(open_page, jam, width, height):
    size = {"width": width, "height": height}
    page = open_page(jam.address, viewport=size, has_touch=width < 1000)
    expect(page.get_by_label("Temperature")).to_be_enabled()
    for part, least in (("#roll", 200), (".keyboard", 200), ("[data-press=panic]", 44)):
        box = page.locator(part).bounding_box()
        assert box["height"] >= least
        assert box["y"] + box["height"] <= height


POINTED_AT = ["#mute", "#record", "[data-press=panic]", ".black:has(.letter)", "#refresh"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_pressed_pointed_at_and_focused_is_seen(open_page, jam, scheme):
    page = open_page(jam.address, color_scheme=scheme)
    expect(page.get_by_label("Temperature")).to_be_enabled()
    mute = page.get_by_role("button", name="Mute")
    for state in ("false", "true"):
        expect(mute).to_have_attribute("aria-pressed", state)
        for button in POINTED_AT:
            page.locator(button).first.hover()
            assert page.evaluate(f"probe.faint({READABLE})") == []
        mute.click()
    with Watcher(jam) as watcher:
        key = {"type": "play", "pitch": 60}
        mode = {"type": "set", "setting": "jam.mode"}
        for turn, begin, end in (
            ("player", {**key, "velocity": 90}, {**key, "velocity": 0}),
            ("livecomposer", {**mode, "value": "solo"}, {**mode, "value": "call-response"}),
        ):
            watcher.tell(**begin)
            expect(page.locator(f"#stage[data-turn={turn}]")).to_be_visible()
            page.locator("#skip").focus()
            page.keyboard.press("Tab")
            expect(mute).to_be_focused()
            assert page.evaluate("probe.ringContrast()") >= VISIBLE
            watcher.tell(**end)


FILL = "(element) => getComputedStyle(element).backgroundColor"


def test_what_is_chosen_is_seen_in_the_systems_own_colours(open_page, jam):
    page = open_page(jam.address, forced_colors="active")
    expect(page.get_by_label("Temperature")).to_be_enabled()
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    for one, other in (
        ("#mute", "#record"),
        (".modes :checked + span", ".modes :not(:checked) + span"),
        (".swatch.player", ".swatch.planned"),
        (".piano .black:not([data-part])", ".piano button:not(.black, [data-part])"),
    ):
        fills = [page.locator(each).first.evaluate(FILL) for each in (one, other)]
        assert fills[0] != fills[1], (one, other)
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "false")


def test_it_is_in_order_for_the_keyboard_alone(open_page, jam):
    page = open_page(jam.address)
    expect(page.get_by_label("Temperature")).to_be_enabled()
    expect(page.locator("#recordings li")).to_have_count(1)
    reached = []
    while True:
        page.keyboard.press("Tab")
        name, outline = page.evaluate("probe.focused()")
        if name in reached or not name:
            break
        reached.append(name)
        assert outline == "solid", name
    expected = page.evaluate("probe.reachable()")
    assert reached == expected
    assert reached[:4] == ["skip", "mute", "record", "Panic space"]
    assert len(reached) > 25
