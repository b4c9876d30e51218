"""How a jam stands, in a terminal: a few lines that change, or a line for each turn."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from livecomposer.live.status import Status


def clock_line(status: "Status") -> str:
    """Tempo and position; or that the beat is waited for."""
    if not status.running:
        return "waiting for the clock"
    bar, beat = divmod(status.beat, 4)
    return f"{status.tempo_bpm:.1f} BPM, bar {int(bar) + 1}, beat {int(beat) + 1}"


class TurnLines:
    """For output that is no terminal: a line when the turn or the mode changes."""

    def __init__(self) -> None:
        self._last: tuple[str, str] = ("", "")

    def show(self, status: "Status") -> None:
        """See `Display`."""
        view = status.view
        now = (view.mode, view.turn)
        if now == self._last:
            return
        if now[0] != self._last[0]:
            click.echo(f"mode: {view.mode}")
        self._last = now
        if view.turn:
            key = f", {view.key}" if view.key else ""
            click.echo(f"{view.turn} plays ({clock_line(status)}{key})")

    def close(self) -> None:
        """See `Display`."""


class LivePanel:
    """For a terminal: a panel that is kept up to date."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False, transient=True)

    def show(self, status: "Status") -> None:
        """See `Display`."""
        self._live.start()  # the first time
        self._live.update(_table(status), refresh=True)

    def close(self) -> None:
        """See `Display`."""
        self._live.stop()


def _table(status: "Status") -> "Table":
    from rich.table import Table

    view, (middle, most) = status.view, status.late_ms
    late = f"late by {middle:.2f} ms, {most:.1f} at most"
    if status.skipped:
        late += f"; {status.skipped} notes skipped"
    rows = {
        "mode": f"{view.mode}{f'; {view.turn} plays' if view.turn else ''}",
        "clock": f"{clock_line(status)} ({status.leader})",
        "key": str(view.key or "not known yet"),
        "player": status.spelled(0),
        "livecomposer": status.spelled(1),
        "context": f"{view.context[0]} of {view.context[1]} tokens",
        "levels": "player {}, livecomposer {}".format(*(level or "-" for level in view.levels)),
        "output": late,
    }
    table = Table.grid(padding=(0, 2))
    for name, text in rows.items():
        table.add_row(f"[dim]{name}[/]", text)
    return table
