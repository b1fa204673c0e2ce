"""The first screen: every instance, the selected one in detail, what happens now.

Invariant: it shows statuses and events as they came; keys that act open a dialog with the names and
seconds of what would happen.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from engine.messages import InstanceStatus
from hatui.filters import check_text, text_filter
from hatui.journal import EventView
from hatui.journal import when as when_told
from hatui.linked import checks_of
from hatui.peers import Wire, compare
from hatui.screens.instance_keys import InstanceList
from hatui.screens.searching import Searching
from hatui.screens.why import open_why
from hatui.store import Row, Store
from hatui.text import rule
from hatui.whatif import Box
from hatui.widgets.events import EventList, event_text
from hatui.widgets.fields import FilterLine
from hatui.widgets.instances import (
    SORTS,
    InstancePane,
    InstanceRow,
    InstanceTable,
    detail_lines,
    detail_title,
    facts_lines,
)
from hatui.widgets.ladder import AdvertLadder
from hatui.widgets.priorities import PeerPane, PriorityLadder
from hatui.widgets.rows import Rows, bindings


class Dashboard(InstanceList, Searching):
    """Instances, detail, events."""

    PLACE = "dashboard"
    FIRST = "#table"
    BINDINGS: ClassVar[list[BindingType]] = bindings("dashboard")

    def __init__(self) -> None:
        super().__init__()
        self.filter_text = ""
        self.wire = Wire()
        self._sort = ""
        self._toggled: dict[str, frozenset[Box]] = {}
        """What is tried in the ladder of an instance; of this console alone."""
        self.view = EventView()

    def compose_body(self) -> ComposeResult:
        """Table over detail over events."""
        yield InstanceTable(id="table")
        with Horizontal(id="middle"):
            yield InstancePane(id="detail")
            yield PriorityLadder(id="ladder")
            yield PeerPane(id="peers")
        with Horizontal(id="bottom"):
            yield EventList(id="events")
            yield AdvertLadder(id="adverts")
        yield FilterLine(check_text, id="filter")

    def _sized(self, columns: int, rows: int) -> None:
        super()._sized(columns, rows)
        if self.is_mounted and self.is_current:
            self.console.link.subscribe(self.topics)

    @property
    def topics(self) -> tuple[str, ...]:
        """Packets only where the ladder is seen."""
        return ("status", "events", "packets") if self.has_class("wide") else ("status", "events")

    @property
    def idle_keys(self) -> tuple[str, ...]:
        """What needs an instance, a hold, or that there is none."""
        status = self.selected
        if status is None:
            return tuple(f"dashboard.{word}" for word in ("detail", "why", "failover", "release", "drill"))
        return ("dashboard.failover",) if status.hold_kind else ("dashboard.release",)

    # painting ----------------------------------------------------------------------------------

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        matches = text_filter(self.filter_text)
        shown = [
            status
            for status in store.instances.values()
            if not self.filter_text or matches(f"{status.name} {status.interface} {status.vrid} {status.state.value}")
        ]
        if store.nodes:
            shown.sort(key=lambda status: store.order_of(status.name))
        if self._sort:
            shown.sort(key=SORTS[self._sort])
        nothing = (
            "no instance matches the filter; esc clears it"
            if store.instances
            else "no VRRP instance is configured: n makes one"
        )
        self._share_height(max(1, len(shown)))
        self.query_one(InstanceTable).tell(shown, self._row, nothing, self._sort, self.marked)
        self._paint_selection()
        self._paint_events()
        adverts = self.query_one(AdvertLadder)
        if adverts.display:
            self._paint_adverts(adverts, store)

    def _row(self, status: InstanceStatus) -> InstanceRow:
        """An instance as it is now."""
        store, now = self.console.store, self.console.link.now()
        believed = not store.silent(now, status.name)
        wide = self.has_class("wide") or self.query_one(InstanceTable).wide
        cells = store.cells(status.name, now, 30 if wide else 12)
        return InstanceRow(
            status, now, believed, cells, store.updated_at, self.console.fine, checks_of(store, status.name, now)
        )

    def _share_height(self, instances: int) -> None:
        """The table takes what its rows need, at least as in the sketch, at most half of the screen."""
        height = self.app.size.height
        least = 11 if self.has_class("wide") else 8
        rows = max(min(least, instances + 4), min(instances + 1, height // 2 - 3))
        self.query_one(InstanceTable).styles.height = rows

    def _paint_selection(self) -> None:
        store, status = self.console.store, self.selected
        detail, ladder = self.query_one(InstancePane), self.query_one(PriorityLadder)
        peers = self.query_one(PeerPane)
        if status is None:
            detail.show((), rule("no instance", detail.size.width))
            ladder.tell(None, {})
            peers.tell(None, "")
            return
        row = self._row(status)
        columns, height = detail.size.width, max(5, detail.size.height - 1)
        make = facts_lines if self.has_class("wide") else detail_lines
        detail.show(make(row, columns, height), detail_title(row, columns))
        if ladder.display:
            trackers = {tracker.name: tracker for tracker in store.trackers.values()}
            ladder.tell(row, trackers, self._toggled.get(status.name, frozenset()))
            self.wire.update(store.packets, store.packets_seen)
            peers.tell(compare(store, self.wire, row.now, status.name), status.name)

    def search(self) -> int:
        """Events that came, and the next slice of those that were there."""
        store = self.console.store
        self.view.update(store.events, store.events_revision, store.events_older)
        return self.view.unsearched

    def _paint_events(self) -> None:
        events = self.query_one(EventList)
        if self.view.filter != self.filter_text:
            self.view.set_filter(self.filter_text)
        self.search_on(self.search())
        scope = f"/ {self.filter_text}" if self.filter_text else "all instances"
        wall, mode = self.console.link.wall(), self.console.time_mode

        def when(row: Row, before: Row | None, columns: int) -> str:  # noqa: ARG001
            return when_told(row.wall_ns, wall, mode, columns)

        events.tell(self.view, when, rule("Events", events.size.width, scope, strong=events.has_focus))

    def _paint_adverts(self, adverts: AdvertLadder, store: Store) -> None:
        adverts.tell(store.packets, store.packets_seen, {status.source for status in store.instances.values()})

    # what keys do ------------------------------------------------------------------------------

    @property
    def selected(self) -> InstanceStatus | None:
        """The instance of the cursor."""
        name = self.query_one(InstanceTable).key
        store: Store = self.console.store
        return store.instances.get(str(name))

    @property
    def chosen(self) -> str:
        """Its name."""
        status = self.selected
        return status.name if status is not None else ""

    def on_rows_moved(self, message: Rows.Moved) -> None:
        """Another instance is selected."""
        if isinstance(message.rows, InstanceTable):
            self._paint_selection()

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A second click is enter."""
        if isinstance(message.rows, InstanceTable):
            self.action_detail()
        elif isinstance(message.rows, PriorityLadder):
            self.action_whatif()

    def action_instance(self, step: int) -> None:
        """`[` and `]`, wherever the focus is."""
        table = self.query_one(InstanceTable)
        table.move_to((table.cursor + step) % max(1, table.count))

    def action_detail(self) -> None:
        """Everything about one instance."""
        if self.selected is None:
            self.console.say("no instance is selected [E-NOTHING]", "warning")
        else:
            self.console.open_detail(self.selected.name)

    def action_why(self) -> None:
        """Why it changed; `[` goes to the change before."""
        status = self.selected
        if status is None:
            return
        open_why(self.console, status.name)

    def action_new_instance(self) -> None:
        """Ask for a new instance."""
        from hatui.screens.new import NewInstance

        if not self.console.refuse():
            self.app.push_screen(NewInstance())

    def action_edit(self) -> None:
        """The block of the instance in the configuration."""
        status = self.selected
        if status is not None:
            self.console.open_block(status.name)

    def action_sort(self, step: int) -> None:
        """Another column to sort by; round and round."""
        names = list(SORTS)
        self._sort = names[(names.index(self._sort) + step) % len(names)]
        self.console.say(f"sorted by {self._sort}" if self._sort else "in the order of the configuration")
        self.paint()

    def action_whatif(self) -> None:
        """Switch a box of the ladder: only here, nothing is sent."""
        ladder, status = self.query_one(PriorityLadder), self.selected
        if not ladder.display or status is None:
            super().action_whatif()
            return
        if ladder.box is None:
            ladder.focus()
            ladder.to_box()
            return
        self._toggled[status.name] = self._toggled.get(status.name, frozenset()) ^ {ladder.box}
        self.paint()

    def action_filter(self) -> None:
        """Narrow the lists."""
        self.query_one(FilterLine).open()

    def action_back(self) -> None:
        """Everything as it is again."""
        if self._toggled or self.marked:
            self._toggled.clear()
            self.marked = ""
            self.paint()
            return
        self.query_one(FilterLine).clear()

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Show what matches."""
        self.filter_text = message.text
        self.paint()

    def on_filter_line_closed(self) -> None:
        """Back to the table."""
        self.query_one(InstanceTable).focus()

    def copied(self) -> str:
        """What `y` copies: the selected row."""
        focused = self.focused
        if isinstance(focused, EventList) and focused.selected is not None:
            return event_text(focused.selected)
        if isinstance(focused, Rows) and focused.count:
            return "".join(text for text, _ in focused.body_at(focused.cursor)).strip()
        return ""

    def twin(self) -> tuple[str, ...]:
        """The status of the selected instance."""
        status = self.selected
        return ("status", status.name) if status else ("status",)
