"""Jump letters: `ctrl+o` writes a letter on every pane, and that letter goes there.

Invariant: it only moves the focus; any other key, or a click, closes it with the focus as it was.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Click, Key
from textual.widget import Widget
from textual.widgets import Label

from hatui.screens.frame import Dialog
from hatui.widgets.rows import bindings

LETTERS = "asdfghjklqwertyuiop"


class JumpScreen(Dialog):
    """Letters over the panes of the screen below."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("jump")

    def __init__(self, panes: list[Widget]) -> None:
        super().__init__()
        self._panes = dict(zip(LETTERS, panes, strict=False))

    def compose(self) -> ComposeResult:
        """One label for each pane, at its corner."""
        for letter, pane in self._panes.items():
            label = Label(f"[{letter}]", classes="jump", markup=False)
            label.styles.offset = (pane.region.x, pane.region.y)
            yield label

    def on_key(self, event: Key) -> None:
        """To that pane, or back."""
        if event.key in ("escape", "ctrl+o", "ctrl+g", "f1", "question_mark"):
            return
        event.stop()
        self._go(event.key)

    def on_click(self, event: Click) -> None:
        """The pane under the mouse."""
        at = event.screen_offset
        self._go(next((letter for letter, pane in self._panes.items() if pane.region.contains_point(at)), ""))

    def _go(self, letter: str) -> None:
        self.dismiss()
        if pane := self._panes.get(letter):
            self.app.call_later(pane.focus)

    def action_close(self) -> None:
        """As it was."""
        self.dismiss()
