"""Events as rows, the first on top, and one of them in full.

Invariant: a row is drawn when it is seen, so a hundred thousand events cost what the visible ones cost; a
place where events are missing is a row of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, overload

from engine.messages import CommandLogged, EventLine
from hatui import journal
from hatui.sentences import event
from hatui.text import Line, fit, plain, wrap
from hatui.widgets.rows import Lines, Rows

if TYPE_CHECKING:
    from hatui.store import GapRow, Row, SaidRow

Moment = Callable[["Row", "Row | None", int], str]
"""An event, the one before it in time, and columns -> the time as shown."""
ROLES = {"bad": "bad", "warn": "warn", "good": "good"}
event_text = journal.text


def key_of(row: Row) -> Hashable:
    """What tells a row from all others."""
    return row.seq if isinstance(row, EventLine) else (journal.kind(row), row.mono_ns, row.words)


def time_columns(columns: int) -> int:
    """How wide the time is."""
    return 12 if columns >= 100 else 8


def event_line(row: Row, before: Row | None, moment: Moment, columns: int) -> Line:
    """One row of a short list: when, where, what, how."""
    if not isinstance(row, EventLine):
        return ((f" -- {row.words} --", "warn"),)
    told = event(row.event)
    wide = columns >= 100
    name, what = (12, 26) if wide else (8, 20)
    role = ROLES.get(told.severity, "plain")
    return (
        (f" {moment(row, before, time_columns(columns))}  ", "dim"),
        (_place(row, journal.where(row, told.instance), name) + " ", "strong"),
        (fit(told.what, what) if len(told.what) < what else told.what, role),
        (" " + plain(told.detail), "plain" if role != "bad" else role),
    )


def _place(row: EventLine, words: str, columns: int) -> str:
    """Exactly `columns` wide; of a node's name the end is kept, in which nodes differ, and the instance."""
    if getattr(row, "node", "") and len(words) > columns:
        return "~" + words[len(words) - columns + 1 :]
    return fit(words, columns)


def journal_head(columns: int) -> Line:
    """The titles of the whole list."""
    kind = f"{'KIND':<10} " if columns >= 100 else ""
    name, what = (12, 26) if columns >= 100 else (8, 22)
    return ((f"   {'TIME':<{time_columns(columns)}} SEV  {kind}{'WHERE':<{name}} {'WHAT':<{what}} DETAIL", "dim"),)


def journal_line(row: Row, before: Row | None, moment: Moment, columns: int) -> Line:
    """One row of the whole list: the severity is a word, too."""
    wide = columns >= 100
    if not isinstance(row, EventLine):
        if journal.kind(row) == journal.CONSOLE:
            return _said_line(row, moment(row, before, time_columns(columns)), wide=wide)
        return ((f"   -- {row.words} --", "warn"),)
    told = event(row.event)
    name, what = (12, 26) if wide else (8, 22)
    role = ROLES.get(told.severity, "plain")
    mark = {"bad": "!", "warn": "~"}.get(told.severity, " ")
    kind = f"{journal.kind(row):<10} " if wide else ""
    where = row.event.by if isinstance(row.event, CommandLogged) else journal.where(row, told.instance)
    shown = f"{told.what} " if len(told.what) >= what else fit(told.what, what) + " "
    return (
        (" ", "plain"),
        (mark + " ", role),
        (moment(row, before, time_columns(columns)) + " ", "dim"),
        (f"{told.severity:<4} ", role if role != "plain" else "dim"),
        (kind, "dim"),
        (_place(row, plain(where), name) + " ", "strong"),
        (shown, role),
        (plain(told.detail), "plain"),
    )


def _said_line(row: SaidRow | GapRow, when: str, *, wide: bool) -> Line:
    """A message of the console itself, marked as such where others have their kind or their instance."""
    severity = journal.severity(row)
    mark, role = {"bad": "!", "warn": "~"}.get(severity, " "), ROLES.get(severity, "dim")
    where = f"{journal.CONSOLE:<10} {'-':<12} " if wide else f"{journal.CONSOLE:<8} "
    return (
        (f" {mark} ", role),
        (f"{when} ", "dim"),
        (f"{severity:<4} {where}", "dim"),
        (plain(row.words), "plain" if role == "dim" else role),
    )


class _Keys(Sequence[Hashable]):
    """Keys of rows, each made when it is asked for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Hashable: ...

    @overload
    def __getitem__(self, index: slice) -> list[Hashable]: ...

    def __getitem__(self, index: int | slice) -> Hashable | list[Hashable]:
        if isinstance(index, slice):
            return [key_of(row) for row in self._rows[index]]
        return key_of(self._rows[index])


class EventList(Rows):
    """Events. Keys are sequence numbers; `whole` shows severity and kind as well."""

    STICKS = True
    WIDENS = True

    def __init__(self, *, id: str | None = None, whole: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._moment: Moment = lambda row, before, columns: ""  # noqa: ARG005
        self._whole = whole
        self._line = journal_line if whole else event_line
        self._told: Hashable | None = None
        """The key of the row of the cursor; the rows may be another's living list."""

    @property
    def head_scrolls(self) -> bool:
        """It names the columns where all of them are shown."""
        return self._whole

    def tell(self, rows: Sequence[Row], moment: Moment, head: Line) -> None:
        """Show these rows, the first on top."""
        before = self._told
        self._rows = rows
        self._moment = moment
        if before is not None and not self.sticks_to_top:
            self.cursor = self._near(before)
        self.cursor = max(0, min(self.cursor, len(rows) - 1))
        self.show_rows((), _Keys(rows), head)
        self._told = self.key
        if self.sticks_to_top and self.scroll_offset.y:
            self.scroll_rows(y=0)

    def _near(self, key: Hashable) -> int:
        """Where that row is now: it is looked for from where it was, outwards."""
        for step in range(len(self._rows)):
            for index in (self.cursor + step, self.cursor - step):
                if 0 <= index < len(self._rows) and key_of(self._rows[index]) == key:
                    return index
        return self.cursor

    def move_to(self, index: int, *, tell: bool = True) -> None:
        """Another row."""
        super().move_to(index, tell=tell)
        self._told = self.key

    @property
    def key(self) -> Hashable | None:
        """The key of the row of the cursor."""
        row = self.selected
        return None if row is None else key_of(row)

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self._rows)

    def body_at(self, index: int) -> Line:
        """One row, made when it is seen."""
        before = self._rows[index + 1] if index + 1 < len(self._rows) else None
        return self._line(self._rows[index], before, self._moment, self.room)

    @property
    def selected(self) -> Row | None:
        """The row of the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def to_transition(self, step: int) -> bool:
        """The cursor to the next change of a state, down (1) or up (-1); False when there is none."""
        index = self.cursor + step
        while 0 <= index < len(self._rows):
            if journal.transition(self._rows[index]):
                self.move_to(index)
                return True
            index += step
        return False


def lines_about(row: Row, when: str, columns: int) -> list[Line]:
    """One event in full, a line for each field and more where it is long."""
    lines: list[Line] = []
    for label, text in [("when", when), *journal.about(row)]:
        for at, part in enumerate(wrap(plain(text), max(20, columns - 15)) or [""]):
            lines.append(((f" {label if not at else '':<12} ", "dim"), (part, "plain")))
    return lines


class EventPane(Lines):
    """One event in full."""

    def tell(self, row: Row | None, when: str, head: Line) -> None:
        """Show it."""
        if row is None:
            self.show((), head)
            return
        self.show(lines_about(row, when, self.size.width), head)
