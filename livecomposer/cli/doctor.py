"""What is missing here, and what to do: `doctor`."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livecomposer.cli.common import FAILED
from livecomposer.cli.options import config_option, own_file, set_option

if TYPE_CHECKING:
    from rich.table import Table

    from livecomposer.doctor.finding import Finding, State

_COLOURS: "dict[State, str]" = {
    "ok": "green",
    "warning": "yellow",
    "problem": "bold red",
    "not-here": "dim",
}
_STATE_WIDTH, _NAME_WIDTH = 8, 15


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
@config_option
@set_option
def doctor(config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Look at this machine: what is there, what is missing, and what to do about it.

    Python, packages, settings, MIDI, the ports that `play` would have, clock, real-time priority,
    weights, how punctual messages are, recordings. Each is ok, a warning (it plays, but could do
    better), a problem (exit code 1), or not-here (and nothing needs it). With --json, each has a
    name, state, found and advice.
    """
    from livecomposer.doctor.examination import examine

    findings = examine(config_file or own_file(), assignments)
    if as_json:
        found = list(findings)
        click.echo(json.dumps(list(map(asdict, found)), indent=1))
    else:
        found = _show_all(findings)
    if any(each.state == "problem" for each in found):
        click.get_current_context().exit(FAILED)


def _show_all(findings: "Iterable[Finding]") -> "list[Finding]":
    """Print findings as they come, and a line that sums them up; returns them."""
    from rich.console import Console

    if isinstance(sys.stdout, TextIOWrapper):  # a path may have letters that it hasn't
        sys.stdout.reconfigure(errors="replace")
    console, seen = Console(highlight=False), []
    for finding in findings:
        console.print(_row(finding))
        seen.append(finding)
    counts = Counter(finding.state for finding in seen)
    summary = ", ".join(f"{counts[state]} {state}" for state in _COLOURS if counts[state])
    console.print(f"\n{summary}", style="bold")
    return seen


def _row(finding: "Finding") -> "Table":
    """A finding, and below it what to do."""
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 2))
    row.add_column(width=_STATE_WIDTH)
    row.add_column(width=_NAME_WIDTH)
    row.add_column(overflow="fold")
    colour = _COLOURS[finding.state]
    row.add_row(Text(finding.state, colour), Text(finding.name), Text(finding.found))
    if finding.advice:
        row.add_row("", "", Text(f"-> {finding.advice}", colour))
    return row
