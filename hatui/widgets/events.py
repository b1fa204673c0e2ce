"""Events as rows, the newest on top.

Invariant: a row is drawn when it is seen, so a hundred thousand events cost what the visible ones cost; a
place where events are missing is a row of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

from engine.messages import EventLine
from hatui.sentences import event
from hatui.text import Line, fit, plain
from hatui.widgets.rows import Rows

if TYPE_CHECKING:
    from hatui.store import Row

Moment = Callable[[int, int], str]
"""Wall clock and columns -> the time as shown."""


def event_text(row: Row) -> str:
    """One row as text, for filters and copying."""
    if not isinstance(row, EventLine):
        return f"{row.events} events missed"
    told = event(row.event)
    return f"{told.instance}  {told.what}  {told.detail}"


def event_line(row: Row, moment: Moment, columns: int) -> Line:
    """One row."""
    if not isinstance(row, EventLine):
        return ((f" -- {row.events} events missed --", "warn"),)
    told = event(row.event)
    wide = columns >= 100
    time = moment(row.wall_ns, 12 if wide else 8)
    name, what = (12, 26) if wide else (8, 20)
    role = {"bad": "bad", "warn": "warn", "good": "good"}.get(told.severity, "plain")
    return (
        (f" {time}  ", "dim"),
        (fit(told.instance, name) + " ", "strong"),
        (fit(told.what, what) if len(told.what) < what else told.what, role),
        (" " + plain(told.detail), "plain" if role != "bad" else role),
    )


class EventList(Rows):
    """Events, newest first. Keys are sequence numbers."""

    STICKS = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._moment: Moment = lambda wall, columns: ""  # noqa: ARG005

    def tell(self, rows: Sequence[Row], moment: Moment, head: Line) -> None:
        """Show these rows, the newest first."""
        self._rows = rows
        self._moment = moment
        keys: list[Hashable] = [row.seq if isinstance(row, EventLine) else ("gap", row.mono_ns) for row in rows]
        self.show_rows((), keys, head)
        if self.sticks_to_top and self.scroll_offset.y:
            self.scroll_rows(y=0)

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self._rows)

    def body_at(self, index: int) -> Line:
        """One row, made when it is seen."""
        return event_line(self._rows[index], self._moment, self.size.width)

    @property
    def selected(self) -> Row | None:
        """The row of the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
