"""`w`: why an instance changed its state, one page a change, `[` and `]` to the changes before and after.

Invariant: a page is a change that the engine told; which one it is does not move when further ones happen. Changes
before those that this console has come from the engine's history, and so does the record around each. Where several
engines are seen, the others give their own account of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import EngineLost, Refused
from engine.messages import EventLine, GetEvents
from hatui import accounts, explanation
from hatui.late import later
from hatui.nodes import SEPARATOR, NodeEventLine
from hatui.pages import transitions
from hatui.screens.pager import Page
from hatui.screens.why_keys import WhyKeys
from hatui.store import Row, Store
from hatui.text import Line

if TYPE_CHECKING:
    from hatui.app import HatuiApp

CHANGES = 500
"""Changes of one instance that are asked for."""


def open_why(app: HatuiApp, name: str, seq: int = 0) -> None:
    """Explain the change with this number, or the last one of the instance."""
    app.push_screen(Why(app, name, seq))


class Why(WhyKeys):
    """The explanations of one instance's changes."""

    def __init__(self, app: HatuiApp, name: str, seq: int) -> None:
        super().__init__(self._made, turn=self._turned, command=app.twin("why", name))
        self._instance = name
        self._older: dict[int, EventLine] = {}
        self._records: dict[int, list[EventLine]] = {}
        """The record around a change, by its number."""
        self._seq = _place(transitions(app.store, name), seq)[1]

    def on_mount(self) -> None:
        """Ask for what came before this console did."""
        super().on_mount()
        self.run_worker(later(self._fetch_changes), exit_on_error=False)

    def _changes(self, store: Store) -> list[EventLine]:
        known = self._older | {row.seq: row for row in transitions(store, self._instance)}
        return [known[seq] for seq in sorted(known)]

    def _made(self, store: Store, now: int, columns: int) -> tuple[str, list[Line]]:  # noqa: ARG002
        title = explanation.title(self._instance)
        changes = self._changes(store)
        if not changes:
            nothing = " No change of its state is in the events that this console has."
            return title, [((nothing, "dim"),)]
        change = changes[_place(changes, self._seq)[0]]
        rows: Sequence[Row] = self._records.get(change.seq) or list(store.events)
        said: list[accounts.Account] = []
        status = store.instances.get(self._instance)
        if isinstance(change, NodeEventLine) and change.node in store.nodes:
            # as its own node tells it, and the others beside it
            own = store.nodes[change.node]
            rows = list(own.events)
            status = own.instances.get(self._instance.partition(SEPARATOR)[2])
            said = accounts.told_by_nodes(store, change.node, change, status) if status else []
            change = next((row for row in rows if isinstance(row, EventLine) and row.seq == change.own), change)
        interface, down = (status.interface, status.master_down_interval) if status else ("", 0)
        found = explanation.explain(change, rows, interface=interface, down=down, accounts=said)
        self.shown = (change, found)
        return title, explanation.lines(change, found, columns, self.console.time_mode)

    def _turned(self, step: int) -> Page:
        changes = self._changes(self.console.store)
        if changes:
            index = max(0, min(len(changes) - 1, _place(changes, self._seq)[0] + step))
            self._seq = changes[index].seq
            self.run_worker(later(self._fetch_record, changes[index]), exit_on_error=False)
        return self._made

    async def _fetch_changes(self) -> None:
        """All changes that the engine's history has; one engine's numbers must not meet another's."""
        if self.console.store.nodes:
            return
        found = await self._ask(GetEvents(CHANGES, self._instance, ("state-changed",)))
        self._older = {row.seq: row for row in explanation.changes_of(found, self._instance)}
        changes = self._changes(self.console.store)
        if changes:
            self._seq = self._seq or changes[-1].seq
            await self._fetch_record(changes[_place(changes, self._seq)[0]])

    async def _fetch_record(self, change: EventLine) -> None:
        """The record around a change, where this console's events do not reach."""
        store = self.console.store
        first = next((row.seq for row in store.events if isinstance(row, EventLine)), 0)
        if store.nodes or change.seq in self._records or (first and first < change.seq - explanation.ENOUGH):
            return
        status = store.instances.get(self._instance)
        found = await self._ask(explanation.window_of(change, status.master_down_interval if status else 0))
        if any(row.seq == change.seq for row in found):
            self._records[change.seq] = found
            self.paint()

    async def _ask(self, wish: GetEvents) -> list[EventLine]:
        try:
            return list((await self.console.perform(wish)).events)
        except (EngineLost, Refused):
            return []  # a recording, or the engine is away: what this console has will do


def _place(changes: list[EventLine], seq: int) -> tuple[int, int]:
    """Index and number of the last change at or before a number; 0 is the last of all."""
    for index in range(len(changes) - 1, -1, -1):
        if not seq or changes[index].seq <= seq:
            return index, changes[index].seq
    return 0, changes[0].seq if changes else 0
