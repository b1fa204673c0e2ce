"""The dialog about a change of the configuration that waits: keep it, or take it back now.

Invariant: the engine holds the timer; closing this changes nothing, and when somebody else decides meanwhile
the dialog says so and offers nothing any more.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from engine.messages import Command, ConfirmConfig, RollbackConfig
from hatui.late import later
from hatui.nodes import whole
from hatui.pending import Waiting, countdown, told, waiting
from hatui.screens.ask import COLUMNS, performed
from hatui.screens.frame import Dialog
from hatui.store import Store
from hatui.text import Line, ago, plain, priorities, rule, state_word, wrap
from hatui.widgets.rows import Lines, bindings

STATES = 6
"""Instances that are listed."""


class ConfirmDialog(Dialog):
    """Who changed what, how long it still holds, and the two ways on."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("confirmation")]

    def __init__(self) -> None:
        super().__init__()
        self._about: Waiting | None = None
        self._phase = "asking"
        self._result: list[Line] = []

    def compose(self) -> ComposeResult:
        """Text and buttons."""
        with Vertical(classes="dialog"):
            yield Lines(id="text")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Confirm", id="confirm")
                yield Button("Take back now", id="take-back")

    def on_mount(self) -> None:
        """The answer that does nothing has the focus."""
        self._about = waiting(self.console.store)
        self.query_one("#cancel").focus()
        self.paint()

    # what is shown -----------------------------------------------------------------------------

    @property
    def _waits(self) -> bool:
        """The change that this was opened for still waits."""
        now = waiting(self.console.store)
        return (
            now is not None
            and self._about is not None
            and (now.node, now.number) == (self._about.node, self._about.number)
        )

    @property
    def _why_not(self) -> str:
        about = self._about
        return self.console.why_not_at(whole(about.node)) if about is not None else ""

    def _store(self) -> Store:
        """What the engine says on which it waits."""
        store: Store = self.console.store
        return store.nodes.get(self._about.node, store) if self._about is not None else store

    def paint(self) -> None:
        """The countdown runs here too."""
        if not self.is_mounted or not self.query("#text") or self._about is None:
            return
        may = self._phase == "asking" and self._waits and not self._why_not
        for name in ("#confirm", "#take-back"):
            self.query_one(name, Button).disabled = not may
        lines = [*self._facts(self._about), (), *(self._result or self._outlook(self._about))]
        hint = "y Confirm   T Take back now   esc Cancel   c Copy command" if may else "esc Close"
        lines += [(), ((f" {hint}", "dim"),)]
        text = self.query_one("#text", Lines)
        text.styles.height = len(lines) + 1
        text.show(lines, rule(f"Keep {self._about.where}config #{self._about.number}?", COLUMNS, strong=True))

    def _facts(self, about: Waiting) -> list[Line]:
        store, now = self._store(), self.console.link.now()
        since = f", {ago(about.since, now)}" if about.since else ""
        lines = [_fact("Applied", f"by {about.by}{since}")]
        if about.comment:
            lines.append(_fact("Comment", f'"{about.comment}"'))
        for at, change in enumerate(about.changes[:STATES]):
            for text in wrap(change, COLUMNS - 13):
                lines.append(_fact("Changes" if not at else "", text))
                at += 1
        silent = store.silent(now)
        for at, status in enumerate(list(store.instances.values())[:STATES]):
            word = "UNKNOWN" if silent else state_word(status.state)
            figures = "" if silent else f"{word:<7} {priorities(status)}"
            role = "unknown" if silent else status.state.value.lower()
            lines.append((*_fact("Now" if not at else "", f"{plain(status.name):<16} "), (figures or word, role)))
        return lines

    def _outlook(self, about: Waiting) -> list[Line]:
        store, now = self._store(), self.console.link.now()
        if not self._waits:
            last = told(store.config_told[-1]) if store.config_told else ""
            return [((f" It waits no longer. {last}".rstrip(), "warn"),)]
        if store.silent(now):
            return [((" The engine is not heard: whether it still waits is not known.", "unknown"),)]
        back = f"#{about.previous} comes back" if about.previous else "the text before it comes back"
        return [
            ((f" Reverts in {countdown(about.deadline - now)} by itself: {back}.", "warn"),),
            _fact("Same as", self.console.command_line(ConfirmConfig(about.number), node=about.node)),
        ]

    # what is done ------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter."""
        match event.button.id:
            case "confirm":
                self.action_confirm()
            case "take-back":
                self.action_take_back()
            case _:
                self.action_cancel()

    def action_cancel(self) -> None:
        """Nothing is done; the engine's timer runs on."""
        self.dismiss()

    def action_copy_command(self) -> None:
        """The command line."""
        if self._about is not None:
            about = self._about
            self.console.copy(self.console.command_line(ConfirmConfig(about.number), node=about.node))

    def action_confirm(self) -> None:
        """Keep it."""
        if self._about is not None:
            self._do(ConfirmConfig(self._about.number))

    def action_take_back(self) -> None:
        """Undo it now. The engine takes 0 as the change that waits."""
        self._do(RollbackConfig(0))

    def _do(self, command: Command) -> None:
        if self._about is None or self._phase != "asking" or not self._waits:
            self.say_decided()
            return
        if self.console.refuse(whole(self._about.node)):
            return
        self._phase = "waiting"
        self._result = [((" asking the engine ...", "dim"),)]
        self.query_one("#cancel", Button).label = "Close"
        self.query_one("#cancel").focus()
        self.paint()
        self.run_worker(later(self._perform, command, self._about.node))

    async def _perform(self, command: Command, node: str) -> None:
        self._result, _ = await performed(self.console, command, node=node)
        self._phase = "done"
        self.paint()


def _fact(label: str, text: str) -> Line:
    return ((f" {label:<10} ", "dim"), (text, "plain"))
