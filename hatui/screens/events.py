"""All that has happened, in one list: transitions, near misses, trackers, commands, configuration, the engine.

Invariant: what the engine's journal holds can be reached from here, places where something is missing are rows
of their own, and a filter or an order never hides that it is on.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from engine.errors import EngineLost, Refused
from engine.messages import EventLine, GetEvents
from hatui import journal
from hatui.journal import AUDIT, ORDERS, EventView, check_event
from hatui.late import later
from hatui.screens.pager import Pager
from hatui.screens.save import Save
from hatui.screens.searching import Searching
from hatui.screens.why import open_why
from hatui.store import Connection, Row, SaidRow, Store
from hatui.text import Line, clock, moment, plain, rule, spread
from hatui.widgets.events import EventList, EventPane, journal_head, key_of, lines_about
from hatui.widgets.fields import FilterLine
from hatui.widgets.rows import Lines, Rows, bindings

PAGE = 2000
"""Older events that are fetched at a time."""
NEAR = 50
"""Rows from the end at which older ones are fetched."""


class Events(Searching):
    """Status line, list, the selected event in full; the console's own messages among them."""

    PLACE = "events"
    FIRST = "#journal"
    BINDINGS: ClassVar[list[BindingType]] = bindings("events")

    def __init__(self) -> None:
        super().__init__()
        self.view = EventView(said=True)
        self.filter_text = ""
        self._fetching = False
        self._exhausted = False

    def compose_body(self) -> ComposeResult:
        """Status line over list over detail; beside it where there is room."""
        yield Lines(id="journal-line")
        with Vertical(id="journal-panes"):
            yield EventList(id="journal", whole=True)
            yield EventPane(id="event")
        yield FilterLine(check_event, id="filter")

    # painting ----------------------------------------------------------------------------------

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        self.search()
        events = self.query_one(EventList)
        events.tell(self.view, self._when, self._head(store, events.room))
        self.query_one("#journal-line", Lines).show((self._status(store),))
        self._paint_selected()
        self._fetch_if_near(store)
        self.search_on(self.view.unsearched)

    def search(self) -> int:
        """What came, and the next slice of what was there."""
        store = self.console.store
        self.view.update(store.events, store.events_revision, store.events_older)
        return self.view.unsearched

    def _when(self, row: Row, before: Row | None, columns: int) -> str:
        mode = self.console.time_mode
        if mode == "delta":
            gap = (row.wall_ns - before.wall_ns) / 1e9 if before is not None else 0.0
            return f"{f'+{gap:.3f}' if abs(gap) < 1000 else f'+{gap:.0f}s':>{columns}}"
        return journal.when(row.wall_ns, self.console.link.wall(), mode, columns)

    def _head(self, store: Store, columns: int) -> Line:
        if len(self.view):
            return journal_head(columns)
        if self.view.unsearched:
            return (("   none found so far", "dim"),)
        if self.filter_text or self.view.order == ORDERS[2]:
            return ((f"   0 of {len(store.events)} match; esc clears", "dim"),)
        return (("   nothing has happened yet, as far as this console was told", "dim"),)

    def _status(self, store: Store) -> Line:
        shown = f"/ {plain(self.filter_text)}" if self.filter_text else "all events"
        order = self.view.order
        if self.view.paused:
            state, role = f"PAUSED, {self.view.waiting} new", "warn"
        elif self.view.unsearched:
            state, role = f"searching, {self.view.unsearched} to go", "warn"
        elif self.query_one(EventList).cursor:
            state, role = "scrolled, f follows", "dim"
        else:
            state, role = "FOLLOW", "good"
        if store.link.connection is not Connection.LIVE:
            state, role = "NOT CONNECTED: nothing new is heard", "bad"
        left = [
            (f" {shown}", "changed" if self.filter_text else "dim"),
            (f"   {order}", "dim" if order == ORDERS[0] else "changed"),
        ]
        more = "" if self._exhausted else "+"
        return spread(
            left, [(state, role), (f"   {len(self.view)} of {len(store.events)}{more} ", "dim")], self.size.width
        )

    def _paint_selected(self) -> None:
        row = self.query_one(EventList).selected
        pane = self.query_one(EventPane)
        what = plain(journal.name(row)) if row is not None else ""
        title = rule("Event", pane.size.width, what + ("   enter Why" if journal.transition(row) else ""))
        pane.tell(row, self._in_full(row), title)

    def _in_full(self, row: Row | None) -> str:
        if row is None or not row.wall_ns:
            return "not known"
        mode = "utc" if self.console.time_mode == "utc" else "local"
        wall = self.console.link.wall()
        day = journal.date(row.wall_ns, mode)
        return f"{day} {clock(row.wall_ns, mode, digits=6)}   {moment(row.wall_ns, wall, 'relative').strip()[1:]} ago"

    # older events --------------------------------------------------------------------------------

    def _fetch_if_near(self, store: Store) -> None:
        """The journal of the engine reaches further back than what was told."""
        events = self.query_one(EventList)
        oldest = store.oldest
        if (
            self._fetching
            or self._exhausted
            or self.view.unsearched
            or oldest is None
            or store.link.connection is not Connection.LIVE
        ):
            return
        if events.count - events.cursor > NEAR and events.count > events.rows:
            return
        if len(store.events) == store.events.maxlen or self.console.link.recorded:
            self._exhausted = True
            return
        self._fetching = True
        self.run_worker(later(self._fetch, oldest), exclusive=True)

    async def _fetch(self, oldest: EventLine) -> None:
        try:
            reply = await self.console.perform(GetEvents(PAGE, until_wall_ns=oldest.wall_ns))
        except (EngineLost, Refused):
            return  # asked again with the next paint, when there is a connection
        else:
            self._exhausted = not self.console.store.older(reply.events)
        finally:
            self._fetching = False
        self.paint()

    # what keys do ------------------------------------------------------------------------------

    def on_rows_moved(self, message: Rows.Moved) -> None:
        """Another event."""
        if isinstance(message.rows, EventList):
            self._paint_selected()
            self._fetch_if_near(self.console.store)

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A second click is enter."""
        if isinstance(message.rows, EventList):
            self.action_open()

    def action_open(self) -> None:
        """Why, of a transition; every field of anything else."""
        row = self.query_one(EventList).selected
        if journal.transition(row):
            self.action_why()
        elif row is not None:
            self._open_page(row)

    def _open_page(self, row: Row) -> None:
        def page(store: Store, now: int, columns: int) -> tuple[str, list[Line]]:  # noqa: ARG001
            return "Event", lines_about(row, self._in_full(row), columns)

        self.app.push_screen(Pager(page))

    def action_why(self) -> None:
        """Why the instance of this row changed, then or last before it."""
        row = self.query_one(EventList).selected
        name = getattr(row.event, "instance", "") if isinstance(row, EventLine) else ""
        if isinstance(row, EventLine) and name:
            open_why(self.console, name, row.seq)
        else:
            self.console.say("this event belongs to no instance: enter shows it in full [E-NOTHING]")

    def action_transition(self, step: int) -> None:
        """`[` and `]`."""
        if not self.query_one(EventList).to_transition(-step):
            self.console.say("no further change of a state in this list [E-NOTHING]")

    def action_pause(self) -> None:
        """Freeze the list, or go on."""
        self.view.pause()
        self.paint()

    def action_follow(self) -> None:
        """The newest again."""
        if self.view.paused:
            self.view.pause()
        self.query_one(EventList).move_to(0)
        self.paint()

    def action_order(self, step: int) -> None:
        """Newest first, worst first, faults only; round and round."""
        self.view.set_order(ORDERS[(ORDERS.index(self.view.order) + step) % len(ORDERS)])
        self.query_one(EventList).move_to(0)
        self.paint()

    def problems_here(self) -> None:
        """`!`: the worst first, then faults only, then as before."""
        self.action_order(1)

    def action_filter(self) -> None:
        """Narrow the list."""
        self.query_one(FilterLine).open()

    def action_back(self) -> None:
        """Clear the filter, then the order, then follow."""
        if self.filter_text:
            self._filter("")
        elif self.view.order != ORDERS[0]:
            self.view.set_order(ORDERS[0])
            self.paint()
        else:
            self.action_follow()

    def action_audit(self) -> None:
        """Only what operators did, or everything again."""
        self._filter("" if self.filter_text == AUDIT else AUDIT)

    def action_only_instance(self) -> None:
        """Only events of this one's instance."""
        row = self.query_one(EventList).selected
        name = getattr(row.event, "instance", "") if isinstance(row, EventLine) else ""
        if not name:
            self.console.say("this event belongs to no instance [E-NOTHING]")
            return
        wanted = f'instance=="{name}"'
        self._filter("" if self.filter_text == wanted else wanted)

    def _filter(self, text: str) -> None:
        self.query_one(FilterLine).set(text)
        self._narrow(text)

    def _narrow(self, text: str) -> None:
        self.filter_text = text.strip()
        self.view.set_filter(self.filter_text)
        self.paint()

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Show what matches."""
        self._narrow(message.text)

    def on_filter_line_closed(self) -> None:
        """Back to the list."""
        self.query_one(EventList).focus()

    def show_row(self, row: Row) -> None:
        """The cursor to this event, whatever filter or order hid it."""
        if not self.query(EventList):  # the screen is shown for the first time
            self.call_after_refresh(self.show_row, row)
            return
        self.view.set_order(ORDERS[0])
        self._filter("")
        self.query_one(EventList).move_to_key(key_of(row))

    def action_save(self) -> None:
        """What is shown, as JSONL; what was not looked at yet is looked at now."""
        while self.search():
            pass
        rows = [row for row in self.view if not isinstance(row, SaidRow)]
        if not rows:
            self.console.say("nothing is shown: there is nothing to save [E-NOTHING]", "warning")
            return
        rows.sort(key=lambda row: row.wall_ns)
        name = f"hatui-events-{clock(self.console.link.wall(), 'utc').replace(':', '')}.jsonl"
        what = f"that match {self.filter_text}" if self.filter_text else "of the list"
        words = [f"{len(rows)} events {what}, oldest first, one JSON object a line, as the engine says them."]
        if left := len(self.view) - len(rows):
            words.append(f"Left out: {left} messages of this console, which the engine did not say.")
        count = str(len(rows))
        same = "" if self.filter_text else self.console.twin("watch", "--jsonl", "--last", count, "--count", count)
        self.app.push_screen(Save("Save events", words, name, lambda: b"".join(map(journal.json_line, rows)), same))

    def copied(self) -> str:
        """What `y` copies: the event in one line."""
        row = self.query_one(EventList).selected
        return "" if row is None else f"{self._in_full(row)}  {journal.text(row)}"
