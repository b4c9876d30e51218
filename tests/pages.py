"""What is written for users, and what can be tried in it: commands, settings, links."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "weights" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


@cache
def tokens_of(page: Path) -> list[Token]:
    """A page's parts, in order, with those inside of paragraphs and cells."""
    blocks = MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))
    return [each for block in blocks for each in (block, *(block.children or ()))]


def fences(page: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    tokens = tokens_of(page)
    return [each.content for each in tokens if (each.type, each.info) == ("fence", language)]


def links(page: Path) -> set[str]:
    """Where links and pictures lead."""
    named = ((each.type, each.attrGet("href") or each.attrGet("src")) for each in tokens_of(page))
    return {str(target) for kind, target in named if kind in ("link_open", "image")}


def anchors(page: Path) -> set[str]:
    """The names that a page's headings can be linked by, as GitHub makes them."""
    tokens = tokens_of(page)
    headings = [after.content for each, after in pairwise(tokens) if each.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def lines_of(block: str) -> Iterator[str]:
    """A shell block's commands, each in one piece, whether it ends in its line or goes on."""
    held = ""
    for line in block.splitlines():
        held += line
        if held.endswith("\\"):
            held = held[:-1]
            continue
        try:
            words = shlex.split(held, comments=True)
        except ValueError:  # an open quote
            held += "\n"
            continue
        if words:
            yield from " ".join(map(shlex.quote, words)).split(" '&&' ")
        held = ""


def commands(page: Path) -> list[str]:
    """What a page tells its readers to type: in shell blocks, and in sentences with an option."""
    blocks = [line for block in fences(page, "sh") for line in lines_of(block)]
    typed = re.compile(r"(nice )?(livecomposer [\w-]+|python3?) .*|scripts/\w+.*")
    found = [*blocks, *(text for text in _inline(page) if typed.fullmatch(text))]
    return [re.sub(r"^(nice )?(\.venv/bin/)?", "", command) for command in found]


def names(page: Path) -> list[str]:
    """What is named in sentences as livecomposer's own: commands, and others."""
    return [text.split()[1] for text in _inline(page) if re.fullmatch(r"livecomposer [\w-]+", text)]


def _inline(page: Path) -> list[str]:
    return [each.content for each in tokens_of(page) if each.type == "code_inline"]
