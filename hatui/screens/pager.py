"""A page of lines over the screen: help, all problems, why, the detail of an instance.

Invariant: a page is a function of the store and the time, painted again like any screen: an age on it grows. A search
on it hides nothing: it shades the lines that match and goes from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from hatui.filters import check_text, text_filter
from hatui.screens.frame import Dialog
from hatui.store import Store
from hatui.text import Line, fit, plain, rule
from hatui.widgets.fields import FilterLine
from hatui.widgets.rows import Rows, bindings

Page = Callable[[Store, int, int], tuple[str, Sequence[Line]]]
"""Store, now, columns -> title and lines."""


class PageRows(Rows):
    """Lines of a page; those that a search has found are shaded."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.found: tuple[int, ...] = ()

    def under_at(self, index: int) -> str:
        """The cursor's row, then what was found."""
        return super().under_at(index) or ("marked" if index in self.found else "")


class Pager(Dialog):
    """Shows one page; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("page")

    def __init__(
        self,
        page: Page,
        *,
        turn: Callable[[int], Page] | None = None,
        command: str = "",
        is_help: bool = False,
        follow: bool = False,
    ) -> None:
        """`command` prints the same on the command line. `follow`: the cursor stays on the last line as more come."""
        super().__init__()
        self._page = page
        self._turn = turn
        self._command = command
        self._is_help = is_help
        self._follow = follow
        self._search = ""

    def compose(self) -> ComposeResult:
        """The page."""
        with Vertical(classes="dialog tall-dialog wide-dialog"):
            yield PageRows(id="page")
            yield FilterLine(check_text, id="search", label="search")

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.query_one(Rows).focus()
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Make the page again."""
        if not self.is_mounted or not self.query("#page"):
            return
        rows = self.query_one(PageRows)
        columns = rows.size.width or 76
        title, lines = self._page(self.console.store, self.console.link.now(), columns)
        matches = text_filter(self._search)
        texts = ["".join(text for text, _ in line) for line in lines] if self._search else []
        rows.found = tuple(at for at, text in enumerate(texts) if matches(text))
        hint = self._hint(rows)
        if self._command and columns > len(title) + len(self._command) + len(hint) + 24:
            hint = f"same as {self._command}   {hint}"
        last = rows.cursor >= rows.count - 1
        rows.show_rows(lines, list(range(len(lines))), rule(title, columns, hint, strong=True))
        if self._follow and last:
            rows.move_to(len(lines) - 1)

    def _hint(self, rows: PageRows) -> str:
        if self._search:
            at = sum(found <= rows.cursor for found in rows.found)
            words = plain(self._search)
            return f"/ {fit(words, min(16, len(words)))}: {at} of {len(rows.found)}   n N   esc clears"
        return "[ ] before, next   y copy   esc back" if self._turn else "y copy   esc back"

    def action_close(self) -> None:
        """Forget the search; then back."""
        if self._search:
            self.query_one(FilterLine).clear()
        else:
            self.dismiss()

    # search ------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Look for words on this page."""
        self.query_one(FilterLine).open()

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """To the first line that matches, from the cursor on."""
        self._search = message.text
        self.paint()
        rows = self.query_one(PageRows)
        if rows.found:
            rows.move_to(next((at for at in rows.found if at >= rows.cursor), rows.found[0]))
            self.paint()

    def on_filter_line_closed(self) -> None:
        """Back to the page."""
        self.query_one(PageRows).focus()

    def action_match(self, step: int) -> None:
        """The next line that was found, or the one before; round and round."""
        rows = self.query_one(PageRows)
        if not rows.found:
            self.console.say("nothing is found on this page: / looks for words [E-NOTHING]")
            return
        after = [at for at in rows.found if (at > rows.cursor if step > 0 else at < rows.cursor)]
        rows.move_to((after or rows.found)[0 if step > 0 else -1])
        self.paint()

    def action_save(self) -> None:
        """The page as a file of text."""
        from hatui.screens.save import Save, file_name

        title, lines = self._page(self.console.store, self.console.link.now(), 100)
        text = "\n".join((title, "", *("".join(text for text, _ in line).rstrip() for line in lines))) + "\n"
        words = ["This page as text."]
        name = file_name(self.console, "help" if self._is_help else "page")
        self.app.push_screen(Save("Save page", words, name, text.encode, self._command and f"{self._command} > FILE"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A page that is alone has none before it and none behind it."""
        return self._turn is not None if action == "turn" else super().check_action(action, parameters)

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
            self.console.say("no command prints this page [E-NOTHING]")

    def action_copy(self) -> None:
        """All of it as text."""
        _, lines = self._page(self.console.store, self.console.link.now(), 100)
        self.console.copy("\n".join("".join(text for text, _ in line).rstrip() for line in lines))
