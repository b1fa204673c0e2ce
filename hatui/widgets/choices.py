"""The list of words over the editor: what may stand at the cursor.

Invariant: the editor keeps the focus; this only shows, and lies where it covers neither the word that is
typed nor the edge of the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Offset, Size

from hatui.assist import Candidate
from hatui.widgets.candidate import choice_line
from hatui.widgets.rows import Rows

TOP = 3
"""Rows of the frame above the body, in which the list lies."""
MOST = 10
"""Rows that are shown at once."""
WIDEST = 50
"""Columns at most: what stands beside the list stays readable."""


class Choices(Rows, can_focus=False):
    """Opens at a place of the screen, takes up and down, knows the chosen word."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.offered: Sequence[Candidate] = ()

    def open(self, offered: Sequence[Candidate], at: Offset, screen: Size) -> None:
        """Show these words below the place, or above it where there is no room below."""
        self.offered = offered
        self.cursor = 0
        word = max(len(one.word) for one in offered)
        columns = min(
            WIDEST, screen.width - 2, word + 3 + max(len(one.note) + 13 * (not one.effective) for one in offered)
        )
        rows = min(MOST, len(offered))
        below = at.y + 1 + rows <= screen.height - 1
        top = at.y + 1 if below else max(TOP, at.y - rows)
        self.styles.width, self.styles.height = columns, rows
        self.styles.offset = (max(0, min(at.x, screen.width - columns)), top - TOP)
        self.display = True
        lines = [choice_line(one, word, columns) for one in offered]
        self.show_rows(lines, list(range(len(lines))))
        self.call_after_refresh(self.move_to, 0, tell=False)

    def close(self) -> None:
        """Away."""
        self.display = False
        self.offered = ()

    @property
    def chosen(self) -> Candidate | None:
        """The word of the cursor."""
        return self.offered[self.cursor] if self.cursor < len(self.offered) else None

    def under_at(self, index: int) -> str:
        """The chosen row is shaded as if it had the focus."""
        return "cursor" if index == self.cursor else ""
