"""Settings, links and pictures in what is written for users, and the page that is made of code."""

import ast
import os
import re
import subprocess
import sys

import pytest

from livecomposer.config_file import load_config
from tests.pages import PAGES, README, ROOT, anchors, fences, links, tokens_of

TOML = [snippet for page in PAGES for snippet in fences(page, "toml")]


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("snippet", TOML)
def test_settings_are_good(snippet, tmp_path):
    (tmp_path / "mine.toml").write_text(snippet)
    assert load_config(tmp_path / "mine.toml")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_is_of_a_kind_that_is_tested(page):
    kinds = {each.info for each in tokens_of(page) if each.type in ("fence", "code_block")}
    assert kinds <= {"sh", "toml", "text"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for link in links(page):
        place, _, anchor = link.partition("#")
        assert "://" not in place, "tests ask nobody else"
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme():
    reached, new = set(), {README}
    while new:
        page = new.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        new |= (targets & set(PAGES)) - reached
    assert reached >= set(PAGES)


def test_the_reference_of_settings_is_what_the_code_makes():
    made = subprocess.run(
        [sys.executable, "scripts/config_reference.py"], cwd=ROOT, check=True,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (ROOT / "docs" / "config.md").read_text("utf-8") == made.stdout


def test_pictures_are_small():
    pictures = [*(ROOT / "docs").rglob("*.png"), *(ROOT / "docs").rglob("*.svg")]
    assert pictures
    assert all(picture.stat().st_size < 100_000 for picture in pictures)


def test_what_is_quoted_is_what_is_said():
    """Messages in the troubleshooting page are in the code; what varies in them is left out."""
    said = [
        node.value
        for path in (ROOT / "livecomposer").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    quoted = [
        match[1]
        for each in tokens_of(ROOT / "docs" / "troubleshooting.md")
        if each.type == "code_inline"
        and (match := re.match(r"(?:Error|ERROR|WARNING|INFO|DEBUG): (.+)", each.content))
    ]
    assert len(quoted) > 20
    for message in quoted:
        varied = re.sub(r"0\.5|\(input\)|keras", "…", message)  # values that are quoted
        for text in filter(None, (piece.strip() for piece in varied.split("…"))):
            assert any(text in each for each in said), message


def test_the_picture_is_of_the_jam_that_the_demo_plays(tmp_path):
    from matplotlib.image import imread

    for command in ("demo --fast --out jam.mid", "render jam.mid --out made.png"):
        subprocess.run(
            [sys.executable, "-m", "livecomposer", *command.split()], cwd=tmp_path, check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        )  # fmt: skip
    made, kept = (imread(path) for path in (tmp_path / "made.png", ROOT / "docs/pictures/jam.png"))
    assert made.shape == kept.shape
    assert (abs(made - kept).max(axis=2) > 0.2).mean() < 0.02  # but for the fonts
