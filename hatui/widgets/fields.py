"""A field that opens at the edge of a screen: the filter.

Invariant: typing here never reaches single-letter keys; what is wrong with the text is said while typing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.widgets import Input, Label

from hatui.keytable import Key as Entry
from hatui.text import coded

LEAST = 20
"""Columns that the text keeps beside what is wrong with it."""
KEEP = Entry("filter.keep", "enter", "Keep", "Back to the list with this filter.", "keep")
CLEAR = Entry("filter.clear", "escape", "Clear", "Everything again.", "clear")


class FilterLine(Horizontal):
    """`filter> ` and what is wrong with it. Enter keeps it, escape clears it."""

    class Changed(Message):
        """Another filter text; empty shows everything."""

        def __init__(self, line: FilterLine, text: str) -> None:
            super().__init__()
            self.line = line
            self.text = text

        @property
        def control(self) -> FilterLine:
            """The line."""
            return self.line

    class Closed(Message):
        """The field was left; the list should have the focus again."""

    TYPING: ClassVar[tuple[Entry, ...]] = (KEEP, CLEAR)
    """Its own keys, for the last line."""

    def __init__(
        self,
        check: Callable[[str], str],
        *,
        id: str | None = None,  # noqa: A002
        label: str = "filter",
    ) -> None:
        super().__init__(id=id, classes="field-line")
        self._check = check
        self._label = label

    def compose(self) -> ComposeResult:
        """Label, field, verdict."""
        yield Label(f" {self._label}> ", markup=False)
        yield Input(id="filter-input", select_on_focus=False)
        yield Label("", id="filter-verdict", markup=False)

    def open(self) -> None:
        """Begin to type."""
        self.add_class("open")
        self.query_one(Input).focus()

    def set(self, text: str) -> None:
        """Show a filter that came from elsewhere; empty closes the line."""
        with self.prevent(Input.Changed):
            self.query_one(Input).value = text
        self.set_class(bool(text), "open")

    def clear(self) -> None:
        """Everything again."""
        self.query_one(Input).value = ""
        self.remove_class("open")

    @property
    def text(self) -> str:
        """What is typed, if it is valid."""
        text = self.query_one(Input).value
        return "" if self._check(text) else text

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow while typing."""
        event.stop()
        wrong = self._check(event.value)
        room = max(20, self.size.width - LEAST - len(self._label) - 5)
        self.query_one("#filter-verdict", Label).update(f" {coded(wrong, room)} " if wrong else "")
        if not wrong:
            self.post_message(self.Changed(self, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it."""
        event.stop()
        if not event.value:
            self.remove_class("open")
        self.post_message(self.Closed())

    def on_key(self, event: Key) -> None:
        """Escape clears it."""
        if event.key == "escape":
            event.stop()
            self.clear()
            self.post_message(self.Closed())
