"""The settings' reference, made of their file and their types.

`python scripts/config_reference.py > docs/config.md`
"""

import sys
from collections.abc import Iterable, Iterator
from functools import singledispatch
from itertools import groupby
from typing import Any, NamedTuple

import msgspec.inspect as kinds

from livecomposer.config import AnswerLength, Config
from livecomposer.config_file import shipped

_HEAD = """\
# Settings

Made of [`config.toml`](../config.toml) and the code by `python scripts/config_reference.py`; a test
holds them together.

A file of settings needs to hold only what it changes. All commands read your own, `config.toml` in

- Linux: `~/.config/livecomposer`
- macOS: `~/Library/Application Support/livecomposer`
- Windows: `%LOCALAPPDATA%\\livecomposer\\livecomposer`

or, with `--config my.toml`, that file in its place. `--set section.key=value` changes one setting
over either. An unknown key or a bad value is refused in a line that says what is allowed.

Lengths are in beats, a beat being a quarter note, and multiples of 1/24; thirds are written as
fractions, such as `"1/3"`."""


class Group(NamedTuple):
    """Settings and their defaults that share a comment; or a comment alone."""

    section: str
    comment: str
    settings: dict[str, str]


def read_groups(text: str) -> Iterator[Group]:
    """What a file of settings says. A comment is about what is right below it, if anything is."""
    section, comment, settings = "", "", dict[str, str]()
    for line in [*text.splitlines(), ""]:
        name, equals, default = line.partition(" = ")
        if equals and not line.startswith("#"):
            settings[name] = default
            continue
        if settings:
            yield Group(section, comment, settings)
            comment, settings = "", {}
        if line.startswith("#"):
            comment = f"{comment} {line[1:].strip()}".strip()
        elif line.startswith("["):
            section = line.strip("[]")
        elif comment:
            yield Group(section, comment, {})
            comment = ""


@singledispatch
def describe(kind: kinds.Type) -> str:
    """What a setting can be, in words."""
    raise TypeError(f"{kind}: there are no words for it yet")


@describe.register
def _(kind: kinds.LiteralType) -> str:
    return ", ".join(f'`"{value}"`' for value in kind.values)


@describe.register
def _(_kind: kinds.BoolType) -> str:
    return "`true`, `false`"


@describe.register(kinds.IntType)
@describe.register(kinds.FloatType)
def _(kind: kinds.IntType | kinds.FloatType) -> str:
    name = "whole number" if isinstance(kind, kinds.IntType) else "number"
    if kind.gt is not None:
        return f"{name} above {kind.gt:g}, up to {kind.le:g}"
    if kind.le is None or kind.le >= 2**31 - 1:
        return f"{name}, {kind.ge:g} or more"
    return f"{name}, {kind.ge:g} to {kind.le:g}"


@describe.register
def _(kind: kinds.StrType) -> str:
    return f"text, up to {kind.max_length} characters" if kind.max_length else "text"


@describe.register
def _(kind: kinds.ListType) -> str:
    most = f" of up to {kind.max_length}" if kind.max_length else ""
    return f"list{most}, each: {describe(kind.item_type)}"


@describe.register
def _(kind: kinds.CustomType) -> str:
    return '`"match"`, or beats' if kind.cls is AnswerLength else "beats"


@describe.register
def _(kind: kinds.UnionType) -> str:
    return "; or ".join(map(describe, kind.types))


def table(groups: Iterable[Group], types: dict[str, kinds.Type]) -> Iterator[str]:
    """A section's lines: tables of settings, and what is between them."""
    for alone, run in groupby(groups, key=lambda group: not group.settings):
        yield ""
        if alone:
            yield from (group.comment for group in run)
            continue
        yield "| setting | default | can be | what it is |"
        yield "|---|---|---|---|"
        for group in run:
            columns = (
                [f"`{name}`" for name in group.settings],
                [f"`{default}`" for default in group.settings.values()],
                dict.fromkeys(describe(types[name]) for name in group.settings),
                [group.comment],
            )
            yield f"| {' | '.join('<br>'.join(column) for column in columns)} |"


def page() -> Iterator[str]:
    """All lines."""
    yield _HEAD
    structs: dict[str, Any] = {
        field.name: field.type
        for field in kinds.type_info(Config).fields  # type: ignore[attr-defined]
    }
    groups = read_groups(shipped("config.toml").read_text("utf-8"))
    for section, run in groupby(groups, key=lambda group: group.section):
        if section:
            yield f"\n## [{section}]"
            yield from table(run, {each.name: each.type for each in structs[section].fields})


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in page())
