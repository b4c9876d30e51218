"""The sans-I/O core of a jam: `hear` what is played, `advance` time, get notes.

Every onset of the player's advances the model. When the machine plays is up to the mode: see
`modes`. Positions are ticks, given from outside; nothing here waits, sends or reads a clock.
"""

from collections.abc import Callable

from livecomposer.config import JamSection, SamplingSection
from livecomposer.live.continuation import Continuation
from livecomposer.live.line import Line
from livecomposer.live.modes import MODES, SOON, Mode, Situation
from livecomposer.live.performance import Performance
from livecomposer.live.phrase import Touch
from livecomposer.live.stream import Stream
from livecomposer.live.view import Outlook, View
from livecomposer.music.events import Event, Note, NoteOn, Stop
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokeniser import Group, OnsetGroups, TokeniserSettings

LEAD = TICKS_PER_BEAT // 12
"""Notes are handed over so many ticks before they are due."""


class Composer:
    """Listens and plays.

    Args:
        continuation: the model's part.
        tokeniser: the settings that its weights were trained with.
        settings: how turns are taken.
        bars: whether there are bars that others count: answers then have whole ones.

    Attributes:
        most_ways: how many ways to end an answer there is time to try.
    """

    def __init__(
        self,
        continuation: Continuation,
        tokeniser: TokeniserSettings,
        settings: JamSection,
        *,
        bars: bool = False,
    ) -> None:
        self._continuation, self._settings, self._bars = continuation, settings, bars
        self._stream = Stream(continuation, tokeniser)
        self._groups = OnsetGroups(tokeniser)
        self._player = Performance(-settings.phrase_end)
        self._line: Line | None = None
        self._idle_since = -settings.phrase_end  # when the machine's last line ended
        self._level = 0  # of the machine's last note
        self.most_ways = settings.plan
        self._prepared = -1  # when something was drawn ahead
        self._now = 0
        self._changed = 0  # when the mode was
        self._stopped = False  # until something begins

    def interrupt(self, event: Event) -> bool:
        """End the machine's line, if this event of the player's does. It is still to be heard.

        Returns:
            Whether it did: what was handed over and is still to sound, must not.
        """
        ends = isinstance(event, Stop) or (isinstance(event, NoteOn) and self._mode.yields)
        return ends and self._end_line(event.tick)

    def hear(self, event: Event) -> None:
        """Take an event of the player's."""
        self.interrupt(event)
        self._now = max(self._now, event.tick)
        if isinstance(event, Stop):
            self._stop(event)
            return
        self._stopped &= not isinstance(event, NoteOn)
        # Where no answer is awaited, what is played after a silence is something new all the same.
        unawaited = self._line is not None or self._settings.mode == "listen"
        begins = self._player.hear(event, self._settings.phrase_end if unawaited else None)
        if begins and self._line is None:
            self._stream.refresh()
        for group in self._groups.feed(event):
            self._take(group)
        if self._line and not self._mode.yields:
            end = self._mode.ends(self._situation, self._line.start)
            self._line.last_until(end, self._now)

    def change(self, tick: int, settings: JamSection) -> bool:
        """Take turns otherwise from `tick` on. What goes on, goes on where the new mode has it so.

        Returns:
            Whether the machine's line has ended: as `interrupt`.
        """
        self._now = max(self._now, tick)
        if settings == self._settings:
            return False
        other, self._settings = settings.mode != self._settings.mode, settings
        if not self._player.held and tick - self._player.quiet_since > settings.max_response:
            self._player.drop_phrase()  # of long ago
        if other:
            self._changed, self._stopped = self._now, False
        if self._line is None:
            return False
        if other and self._mode.yields and (settings.mode == "listen" or self._player.held):
            return self._end_line(tick)
        if other or not self._mode.yields:
            start = tick if other else self._line.start
            self._line.last_until(self._mode.ends(self._situation, start), self._now)
        return False

    def resume(self, tick: int) -> None:
        """After a stop, begin by itself again, if that is the mode."""
        self._now = max(self._now, tick)
        if self._stopped:
            self._changed, self._stopped = self._now, False

    def constrain(self, tick: int, sampling: SamplingSection) -> None:
        """Draw by other settings, also what was drawn ahead."""
        self._redraw(tick, lambda: self._continuation.constrain(sampling))

    def clear(self, tick: int) -> None:
        """Forget the context."""
        self._redraw(tick, self._stream.clear)

    def exchange(self, tick: int, continuation: Continuation, tokeniser: TokeniserSettings) -> None:
        """Go on with another model from `tick` on: it knows the last onsets.

        Args:
            tick: now.
            continuation: warmed up.
            tokeniser: the settings that its weights were trained with.
        """
        for group in self._groups.flush():
            self._take(group)
        if self._player.key:
            continuation.follow(self._player.key)
        self._continuation, self._groups = continuation, OnsetGroups(tokeniser)
        self._redraw(tick, lambda: self._stream.exchange(continuation, tokeniser))

    def advance(self, tick: int) -> list[Note]:
        """Let time come to `tick`; return the notes that begin within `LEAD` ticks from there."""
        self._now = tick
        for group in self._groups.advance(tick):
            self._take(group)
        if self._line:
            self._prepare(self._line, tick)
        elif (slot := self._slot()) is not None and tick >= slot - self._ahead:
            self._begin_line(slot)
        line, notes = self._line, []
        if line is None:
            return []
        while line.due(tick + LEAD):
            if self._leaves_out(line.next_onset):
                line.rest()
            else:
                notes.append(line.play())
                self._level = notes[-1].velocity
                if self._mode.yields:
                    self._player.drop_phrase()  # it is answered
        if line.end is not None and tick >= line.end:
            self._end_line(line.end)
            self._player.drop_phrase()
        return notes

    def next_tick(self) -> int | None:
        """When to call `advance` next, if nothing is heard before; None if not before then."""
        if self._line:
            onset, end = self._line.next_onset, self._line.end
            ticks = [onset - LEAD if end is None or onset < end else end]
            if not self._line.ready:
                ticks.append(self._now + 1)
            if (closes := self._groups.closes_at) is not None:
                ticks.append(closes)
            return min(ticks)
        slot = self._slot()
        return None if slot is None else slot - self._ahead

    def silent(self, tick: int) -> bool:
        """Whether neither part has sounded for `phrase_end`, and none is about to."""
        over = self._line is None and not self._player.held and self._slot() is None
        since = max(self._player.quiet_since, self._idle_since)
        return over and tick - since >= self._settings.phrase_end

    @property
    def grid(self) -> int:
        """What onsets of the machine's are multiples of, in ticks."""
        return self._continuation.grid

    def view(self, tick: int) -> View:
        """How things stand at `tick`."""
        context, playing = self._continuation.context, self._player.held or self._player.phrase
        return View(
            self._settings.mode,
            "livecomposer" if self._line else "player" if playing else "",
            self._player.key,
            self._stream.last(tick),
            (len(context), context.maxlen or 0),
            (round(self._player.touch.level), self._level),
        )

    def outlook(self, tokens: int, candidates: int) -> Outlook:
        """What the model goes by, and what may come: so much at most."""
        return Outlook(
            self._continuation.last_tokens(tokens),
            self._continuation.candidates(candidates),
            self._line.ahead if self._line else [],
        )

    @property
    def _mode(self) -> Mode:
        return MODES[self._settings.mode]

    @property
    def _ahead(self) -> int:
        """How much before its first slot a line is begun."""
        return LEAD + (self._ways if self._ways > 1 and self._mode.yields else 0)

    @property
    def _situation(self) -> Situation:
        return Situation(
            phrase=self._player.phrase,
            held=self._player.held,
            pedal=self._player.pedal,
            quiet_since=self._player.quiet_since,
            idle_since=self._idle_since,
            settings=self._settings,
            bars=self._bars,
        )

    def _take(self, group: Group) -> None:
        """Let the model hear an onset of the player's."""
        if self._player.key:  # else what a primer was in is still the best guess
            self._continuation.follow(self._player.key)
        if self._line:
            self._line.touch = self._touch()
            self._line.hear(self._now, *group)
        else:
            self._stream.hear(*group)

    def _slot(self) -> int | None:
        """The first slot where the machine may begin; None if it plays, or may not.

        A key that is let go a hair late is no reason to wait for a slot more.
        """
        begins = None if self._line else self._mode.begins(self._situation)
        if begins is None or self._stopped:
            return None
        return self._stream.slot(max(max(begins, self._changed + SOON) - LEAD, self._now))

    def _begin_line(self, start: int) -> None:
        for group in self._groups.flush():
            self._take(group)
        touch = self._touch()
        start = self._stream.slot(start)
        end = self._mode.ends(self._situation, start)
        if not self._mode.yields:
            self._player.drop_phrase()
        self._line = Line(
            self._stream,
            start,
            end,
            max_duration=self._settings.max_duration,
            touch=touch,
            ways=self._ways,
        )
        self._prepare(self._line, self._now)

    def _prepare(self, line: Line, tick: int) -> None:
        """Spread what is to be drawn ahead over the time there is: an onset or a way each tick."""
        if tick != self._prepared:
            self._prepared = tick
            line.prepare()

    @property
    def _ways(self) -> int:
        return min(self._settings.plan, self.most_ways)

    def _leaves_out(self, onset: int) -> bool:
        """Whether the machine rests at an onset, to leave the player room."""
        if not self._mode.thins:
            return False
        onsets_a_slot = self._player.density(onset) * self.grid
        return self._continuation.chance() >= float(self._settings.density**onsets_a_slot)

    def _touch(self) -> Touch:
        """How the machine plays: as the player's last phrase was, or as was asked for."""
        return self._player.touch.asked_for(self._settings)

    def _redraw(self, tick: int, change: Callable[[], None]) -> None:
        """Change the stream; what was drawn ahead is drawn anew."""
        self._now = max(self._now, tick)
        if self._line:
            self._line.redraw(self._now, change)
        else:
            change()

    def _stop(self, stop: Stop) -> None:
        """Forget what is going on, and wait."""
        self._stopped = True
        for group in self._groups.flush():
            self._take(group)
        self._player.hear(stop)
        self._idle_since = max(self._idle_since, stop.tick)

    def _end_line(self, tick: int) -> bool:
        """What would have begun at `tick` or later, never was. Returns whether there was any."""
        if self._line is None:
            return False
        self._line.end_at(tick)
        self._line = None
        self._idle_since = max(self._idle_since, tick)
        return True
