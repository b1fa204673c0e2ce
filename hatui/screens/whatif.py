"""What if, where the screen has no room for the ladder: the same ladder and its boxes in a dialog.

Invariant: it is a SIMULATION and says so; nothing is sent, and closing it forgets what was tried.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from hatui.screens.frame import Dialog
from hatui.text import plain
from hatui.whatif import Box, boxes
from hatui.widgets.instances import InstanceRow
from hatui.widgets.priorities import PriorityLadder
from hatui.widgets.rows import Lines, Rows, bindings


class WhatIf(Dialog):
    """The priority ladder of one instance."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("whatif")

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance
        self._toggled: frozenset[Box] = frozenset()
        self._chosen = False
        """The cursor stands on a box; it does at first."""

    def compose(self) -> ComposeResult:
        """Ladder over a hint."""
        with Vertical(classes="dialog"):
            yield PriorityLadder(id="whatif-ladder")
            yield Lines(id="hint")

    def on_mount(self) -> None:
        """On the first box."""
        self.query_one("#hint", Lines).styles.height = 1
        self.query_one(PriorityLadder).focus()
        self.paint()

    def paint(self) -> None:
        """As the engine says it now, with what is tried."""
        store, now = self.console.store, self.console.link.now()
        status = store.instances.get(self._instance)
        if not self.is_mounted or not self.query("#hint"):
            return
        ladder, hint = self.query_one(PriorityLadder), self.query_one("#hint", Lines)
        if status is None:
            ladder.tell(None, {})
            hint.show((((f" {plain(self._instance)} is not there any more   esc Close", "warn"),),))
            return
        row = InstanceRow(status, now, not store.silent(now, status.name), "", store.updated_at, self.console.fine)
        trackers = {tracker.name: tracker for tracker in store.trackers.values()}
        ladder.tell(row, trackers, self._toggled)
        ladder.styles.height = min(ladder.count + 1, self.app.size.height - 4)
        if not self._chosen:
            ladder.to_box()
            self._chosen = ladder.box is not None
        if not row.believed:
            words, role = "the engine is silent: nothing can be tried on states that are not known", "warn"
        elif not boxes(status):
            words, role = "nothing is tracked here that could fail: the priority stays as it is", "dim"
        else:
            words, role = "space switches a box   esc Close   nothing is sent", "dim"
        hint.show((((f" {words}", role),),))

    def action_switch(self) -> None:
        """The box of the cursor, or to the first one."""
        ladder = self.query_one(PriorityLadder)
        if ladder.box is None:
            ladder.to_box()
            return
        self._toggled ^= {ladder.box}
        self.paint()

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A second click switches."""
        message.stop()
        self.action_switch()

    def action_close(self) -> None:
        """Everything as it was."""
        self.dismiss()
