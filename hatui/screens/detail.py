"""One instance from all sides, in tabs; its state and its running timer stay in sight.

Invariant: what a tab needs beyond the statuses is asked for when the tab is opened, not before; while there is no
engine the tab keeps what it had, and says that it is from the past.
"""

from __future__ import annotations

import sys
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from engine.errors import EngineLost, Refused
from engine.messages import (
    Command,
    ConfigText,
    EventLine,
    GetConfig,
    GetEvents,
    GetTrackerRuns,
    InstanceStatus,
    Outcome,
    Reply,
    RunTracker,
    TrackerRun,
)
from hatui import facets, journal
from hatui.facets import TABS, Item
from hatui.filters import check_text, text_filter
from hatui.late import later
from hatui.linked import checks_of
from hatui.nodes import parted, whole
from hatui.screens.ask import ask_command
from hatui.screens.instance_keys import InstanceKeys
from hatui.screens.why import open_why
from hatui.store import Store
from hatui.text import Line, plain
from hatui.widgets.detail import TabLine, detail_head
from hatui.widgets.fields import FilterLine
from hatui.widgets.instances import InstanceRow
from hatui.widgets.rows import Lines, Rows, bindings

HISTORY = 2000
"""Events of the instance that are asked for."""
RUNS_S = 1.0
"""Seconds between two questions for the last runs, while they are looked at."""


class Detail(InstanceKeys):
    """Head, tabs, rows."""

    PLACE = "detail"
    TAB = "dashboard"
    FIRST = "#tab-rows"
    BINDINGS: ClassVar[list[BindingType]] = bindings("detail")

    def __init__(self, name: str, tab: str = TABS[0]) -> None:
        super().__init__()
        self.instance = name
        self.tab = tab
        self.filter_text = ""
        self._items: list[Item] = []
        self._past: list[EventLine] = []
        self._runs: list[TrackerRun] | None = None
        self._files: tuple[ConfigText, ...] = ()
        self._config_of = ""
        self._config_said = "asking the engine ..."

    @property
    def topics(self) -> tuple[str, ...]:
        """Announcements are only watched for where they are shown."""
        return ("status", "events", "packets") if self.tab == "VIPs" else ("status", "events")

    @property
    def idle_keys(self) -> tuple[str, ...]:
        """What needs an instance, a hold, a row that opens something."""
        status, item = self.status, self.selected
        idle = () if item is not None and item.opens else ("detail.open",)
        if status is None:
            return (*idle, "detail.why", "detail.failover", "detail.release")
        return (*idle, "detail.failover" if status.hold_kind else "detail.release")

    def compose_body(self) -> ComposeResult:
        """Two lines over the rows."""
        yield Lines(id="detail-head")
        yield TabLine(id="detail-tabs")
        yield Rows(id="tab-rows")
        yield FilterLine(check_text, id="filter")

    def on_mount(self) -> None:
        """The past is asked for at once."""
        super().on_mount()
        self._ask(GetEvents(HISTORY, self.instance))
        self.set_interval(RUNS_S, self._look)
        self._look()

    # asking ------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Ask for what the open tab shows beyond the statuses."""
        store = self.console.store
        if not self.is_current or store.silent(self.console.link.now(), self.instance):
            return
        if self.tab == "Trackers":
            self._ask(GetTrackerRuns(instance=self.instance))
        node, _ = parted(self.instance, store.nodes)
        engine, hello = store.node_of(self.instance).engine, store.node_of(self.instance).hello
        fingerprint = f"{whole(node)}{engine.config_fingerprint}" if engine else ""
        if self.tab == "Config" and fingerprint and self._config_of != fingerprint:
            self._config_of = fingerprint
            if hello is not None and hello.role != "operator":
                why = self.console.why_not_at(self.instance).partition(" [")[0]
                self._files = ()
                self._config_said = f"the text of the configuration is for operators [E-ROLE]: {why}"
                self.paint()
            else:
                self._ask(GetConfig())

    def _ask(self, command: Command) -> None:
        self.run_worker(later(self._answered, command), group=str(command.__struct_config__.tag), exclusive=True)

    async def _answered(self, command: Command) -> None:
        try:
            reply = await self.console.perform(command, node=parted(self.instance, self.console.store.nodes)[0])
        except (EngineLost, Refused) as error:
            if isinstance(command, GetConfig):
                self._config_of, self._config_said = "", f"not known: {error}"
            return
        self._take(command, reply)
        if self.is_mounted:
            self.paint()

    def _take(self, command: Command, reply: Reply) -> None:
        if reply.outcome is not Outcome.DONE:
            self._config_said = f"refused [{reply.code}]: {reply.text}"
        elif isinstance(command, GetEvents):
            self._past = list(reply.events)
        elif isinstance(command, GetTrackerRuns):
            self._runs = list(reply.runs)
        elif isinstance(command, GetConfig):
            self._files = reply.files

    # painting ----------------------------------------------------------------------------------

    @property
    def status(self) -> InstanceStatus | None:
        """The instance, while the configuration has it."""
        store: Store = self.console.store
        return store.instances.get(self.instance)

    def paint_body(self, store: Store, now: int) -> None:
        """Head, tabs and the rows of the open tab."""
        status, believed = self.status, not store.silent(now, self.instance)
        head, rows = self.query_one("#detail-head", Lines), self.query_one("#tab-rows", Rows)
        self.query_one(TabLine).tell(TABS, self.tab)
        if status is None:
            gone = f" {plain(self.instance)} is gone: the configuration no longer has it. esc goes back"
            head.show((((gone, "warn"),),))
            rows.show_rows((), [])
            return
        linked = checks_of(store, self.instance, now)
        row = InstanceRow(status, now, believed, store.cells(self.instance, now, 12), store.updated_at, linked=linked)
        head.show((detail_head(row, self.size.width),))
        matches = text_filter(self.filter_text)
        self._items = self._tab_items(status, store, now, believed=believed)
        if self.filter_text:
            self._items = [item for item in self._items if matches("".join(text for text, _ in item.line))]
        none: Line | None = ((f"   0 rows match {plain(self.filter_text)}; esc clears", "dim"),)
        # the configuration stands there as it is written
        columns = self.size.width - 1 if self.tab != "Config" else sys.maxsize
        folded = facets.folded(self._items, columns)
        self._items = [item for item, _, _ in folded]
        lines, keys = [line for _, _, line in folded], [(item.key, at) for item, at, _ in folded]
        rows.show_rows(lines, keys, None if lines else none)

    def _tab_items(self, status: InstanceStatus, store: Store, now: int, *, believed: bool) -> list[Item]:
        if self.tab == "State":
            return facets.state_tab(status, now, believed=believed, linked=checks_of(store, self.instance, now))
        if self.tab == "Trackers":
            return facets.trackers_tab(status, store.trackers.values(), self._runs, now)
        if self.tab == "Config":
            name = parted(status.name, store.nodes)[1]
            return facets.block_of(self._files, name) if self._files else [facets.said(self._config_said)]
        events = facets.merged(store.events, self._past, several=bool(store.nodes))
        if self.tab == "VIPs":
            return facets.vips_tab(status, store.interfaces, events, store.packets, now, believed=believed)
        if self.tab == "Notify":
            return facets.notify_tab(status, events, now)
        wall, mode = self.console.link.wall(), self.console.time_mode
        when = [journal.when(row.wall_ns, wall, mode, 12) for row in events]
        return facets.history_tab(status.name, events, when, now)

    # what keys do ------------------------------------------------------------------------------

    @property
    def chosen(self) -> str:
        """The instance that this screen is about."""
        return self.instance

    def show_tab(self, tab: str) -> None:
        """Another tab."""
        self.tab = tab
        self.query_one(Rows).move_to(0, tell=False)
        self.console.link.subscribe(self.topics)
        self._look()
        self.paint()

    def focus_next(self, selector: str | type[Widget] = "*") -> Widget | None:  # noqa: ARG002
        """The tabs are the panes of this screen."""
        self.show_tab(TABS[(TABS.index(self.tab) + 1) % len(TABS)])
        return self.focused

    def focus_previous(self, selector: str | type[Widget] = "*") -> Widget | None:  # noqa: ARG002
        """The same backwards."""
        self.show_tab(TABS[TABS.index(self.tab) - 1])
        return self.focused

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        """The mouse may do what the keys do."""
        self.show_tab(message.tab)

    @property
    def selected(self) -> Item | None:
        """The row of the cursor."""
        cursor = self.query_one(Rows).cursor
        return self._items[cursor] if cursor < len(self._items) else None

    def on_rows_chosen(self) -> None:
        """A second click is enter."""
        self.action_open()

    def action_open(self) -> None:
        """Run a tracker now, or explain a change."""
        item = self.selected
        if item is None or not item.opens:
            self.console.say("this row opens nothing: those of Trackers and History do [E-NOTHING]")
        elif item.opens == "why":
            open_why(self.console, self.instance, self._number(item))
        elif not self.console.refuse():
            words = [
                f"Runs the script {item.name} once, besides its interval.",
                "Its result counts for rise and fall as any other does, so it may change the priority.",
            ]
            self.app.push_screen(ask_command(f"Run {item.name} now?", RunTracker(item.name), words))

    def _number(self, item: Item) -> int:
        """The change's number; of several engines only the last change can be told by this console."""
        return 0 if self.console.store.nodes else item.seq

    def action_why(self) -> None:
        """Why of the selected change, else of the last one."""
        item = self.selected
        open_why(self.console, self.instance, self._number(item) if item is not None else 0)

    def action_instance(self, step: int) -> None:
        """`[` and `]`."""
        names = list(self.console.store.instances)
        if not names:
            return
        at = names.index(self.instance) if self.instance in names else 0
        self.instance = names[(at + step) % len(names)]
        self._past, self._runs = [], None
        self._ask(GetEvents(HISTORY, self.instance))
        self.show_tab(self.tab)

    def action_filter(self) -> None:
        """Narrow the rows."""
        self.query_one(FilterLine).open()

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Show what matches."""
        self.filter_text = message.text
        self.paint()

    def on_filter_line_closed(self) -> None:
        """Back to the rows."""
        self.query_one(Rows).focus()

    def action_back(self) -> None:
        """Clear the filter; then back to where this was opened."""
        if self.filter_text:
            self.query_one(FilterLine).clear()
        else:
            self.app.pop_screen()

    def copied(self) -> str:
        """What `y` copies: the selected row."""
        item = self.selected
        return "" if item is None else "".join(text for text, _ in item.line).strip()
