"""A page of lines over the screen: help, all problems, why, the detail of an instance.

Invariant: a page is a function of the store and the time, painted again like any screen: an age on it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from hatui.screens.frame import Dialog
from hatui.store import Store
from hatui.text import Line, rule
from hatui.widgets.rows import Rows, bindings

Page = Callable[[Store, int, int], tuple[str, Sequence[Line]]]
"""Store, now, columns -> title and lines."""


class Pager(Dialog):
    """Shows one page; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("page")

    def __init__(
        self, page: Page, *, turn: Callable[[int], Page] | None = None, command: str = "", is_help: bool = False
    ) -> None:
        """`command` prints the same on the command line."""
        super().__init__()
        self._page = page
        self._turn = turn
        self._command = command
        self._is_help = is_help

    def compose(self) -> ComposeResult:
        """The page."""
        with Vertical(classes="dialog tall-dialog wide-dialog"):
            yield Rows(id="page")

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.query_one(Rows).focus()
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Make the page again."""
        if not self.is_mounted or not self.query("#page"):
            return
        rows = self.query_one(Rows)
        columns = rows.size.width or 76
        title, lines = self._page(self.console.store, self.console.link.now(), columns)
        hint = "[ ] before, next   y copy   esc back" if self._turn else "y copy   esc back"
        if self._command and columns > len(title) + len(self._command) + len(hint) + 24:
            hint = f"same as {self._command}   {hint}"
        rows.show_rows(lines, list(range(len(lines))), rule(title, columns, hint, strong=True))

    def action_close(self) -> None:
        """Back."""
        self.dismiss()

    def action_turn(self, step: int) -> None:
        """The page before or after."""
        if self._turn is not None:
            self._page = self._turn(step)
            self.query_one(Rows).move_to(0)
            self.paint()

    def action_help(self) -> None:
        """The keys of a page; on that page itself, back."""
        if self._is_help:
            self.dismiss()
        else:
            self.console.action_help()

    def action_copy_command(self) -> None:
        """What prints the same."""
        if self._command:
            self.console.copy(self._command)
        else:
            self.console.say("no command prints this page")

    def action_copy(self) -> None:
        """All of it as text."""
        _, lines = self._page(self.console.store, self.console.link.now(), 100)
        self.console.copy("\n".join("".join(text for text, _ in line).rstrip() for line in lines))
