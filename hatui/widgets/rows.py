"""Lines of roles on the screen: the one way in which the console draws.

Invariant: a widget here is given lines (text and what it means), never a status, a store or a file; and
it repaints only the cells that changed, which keeps a slow SSH link calm. How a role looks is said in
`hatui.tcss` alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hatui import keys
from hatui.text import ROLES, Line, clip, joined, width

ROLE_CLASSES = {f"role-{role}" for role in (*ROLES, "cursor", "cursor-far", "marked")}
"""Component classes of the app, which has the looks of all roles once for all lines."""

WIDE = 160
"""Columns for which a table is laid out while it is wide."""


def bindings(place: str) -> list[BindingType]:
    """The bindings of one place of the key table."""
    return [
        Binding(key.key, key.action, key.label, show=False, id=key.id, priority=key.priority) for key in keys.at(place)
    ]


class Lines(ScrollView, can_focus=False):
    """Lines to read. `show` replaces them all; a head line, if given, stays on top while they scroll."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Line] = ()
        self._head: Line | None = None
        self._painted: list[tuple[Line, str]] = []
        self._styles_of: dict[tuple[str, str], Style] = {}

    # what there is to show -------------------------------------------------------------------

    def show(self, lines: Sequence[Line], head: Line | None = None) -> None:
        """Replace all lines (and the head)."""
        self._lines = lines
        self._head = head
        self.changed()

    @property
    def count(self) -> int:
        """How many lines there are below the head."""
        return len(self._lines)

    def line_at(self, index: int) -> Line:
        """One line."""
        return self._lines[index]

    def under_at(self, index: int) -> str:  # noqa: ARG002  lists with a cursor use it
        """The role that lies under a whole row, such as the cursor's; empty for none."""
        return ""

    @property
    def rows(self) -> int:
        """How many lines are visible below the head."""
        return max(0, self.size.height - (1 if self._head is not None else 0))

    @property
    def head_scrolls(self) -> bool:
        """The head names columns, so it goes sideways with them."""
        return False

    def scroll_rows(self, y: int | None = None, x: int | None = None) -> None:
        """Show from this row (and column) on, at once."""
        self.scroll_to(x=x, y=y, animate=False, immediate=True, force=True)
        self.changed()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(y=min(self.scroll_offset.y + 3, max(0, self.count - self.rows)))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(y=max(0, self.scroll_offset.y - 3))

    def written(self, most: int) -> Iterator[Line]:
        """The head and all lines, also those out of sight, but not more than `most`."""
        if self._head is not None:
            yield self._head
        for index in range(min(self.count, most)):
            yield self.line_at(index)
        if self.count > most:
            yield ((f" ... and {self.count - most} more", "dim"),)

    # painting ----------------------------------------------------------------------------------

    def changed(self) -> None:
        """Repaint the cells that differ from what stands on the screen."""
        head = 1 if self._head is not None else 0
        self._extend(self.size.width, self.count + head)
        fresh = [self._row(y) for y in range(self.size.height)]
        if len(fresh) != len(self._painted):
            self._painted = fresh
            self.refresh()
            return
        regions = [
            Region(0, y, self.size.width, 1)
            for y, (new, old) in enumerate(zip(fresh, self._painted, strict=True))
            if new != old
        ]
        self._painted = fresh
        if regions:
            self.refresh(*regions)

    def _extend(self, columns: int, rows: int) -> None:
        """How far there is to scroll. No bar shows it, so nothing has to be laid out again."""
        self.set_reactive(Lines.virtual_size, Size(columns, rows))

    def _row(self, y: int) -> tuple[Line, str]:
        if self._head is not None:
            if y == 0:
                return self._head, ""
            y -= 1
        index = y + self.scroll_offset.y
        if not 0 <= index < self.count:
            return (), ""
        return self.line_at(index), self.under_at(index)

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line."""
        line, under = self._painted[y] if y < len(self._painted) else self._row(y)
        columns = self.size.width
        left = self.scroll_offset.x if y or self._head is None or self.head_scrolls else 0
        if not left:
            line = clip(line, columns)
        strip = Strip([Segment(text, self._style(role, under)) for text, role in joined(line)], width(line))
        if left:
            strip = strip.crop(left, left + columns)
        return strip.adjust_cell_length(columns, self._style("plain", under))

    def _style(self, role: str, under: str) -> Style:
        style = self._styles_of.get((role, under))
        if style is None:
            style = self.rich_style
            if under:
                style += self.app.get_component_styles(f"role-{under}").partial_rich_style
            if role != "plain":
                style += self.app.get_component_styles(f"role-{role}").partial_rich_style
            self._styles_of[role, under] = style
        return style

    def notify_style_update(self) -> None:
        """The theme changed."""
        self._styles_of.clear()
        self._painted = []
        super().notify_style_update()

    def on_resize(self) -> None:
        """More or fewer lines are visible."""
        self._painted = []
        self.changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling shows other lines."""
        super().watch_scroll_y(old_value, new_value)
        self._painted = []


class Rows(Lines, can_focus=True, inherit_bindings=False):
    """A list with a cursor. Rows have keys, so the cursor stays on its row when others come and go.

    The first cell of every line belongs to the list: `>` stands there on the row of the cursor.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(keys.LIST)

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: Rows) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    class Chosen(Moved):
        """Enter, or a click on the row of the cursor."""

    class Widened(Moved):
        """The columns have more room now, or less again: the rows are to be shown anew."""

    STICKS: ClassVar[bool] = False
    """The cursor on the first row stays on the first row, whatever comes there: newest on top."""
    WIDENS: ClassVar[bool] = False
    """A table whose columns may be wider than the screen."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self.wide = False
        """The columns have the room of a large screen, and what does not fit is reached sideways."""
        self._keys: Sequence[Hashable] = ()

    @property
    def room(self) -> int:
        """Columns that a row is laid out for."""
        return max(self.size.width, WIDE) if self.wide else self.size.width

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a table has columns."""
        return self.WIDENS if action == "wide" else super().check_action(action, parameters)

    def action_wide(self) -> None:
        """The columns of a large screen, or those that fit."""
        self.wide = not self.wide
        self.scroll_rows(x=0)
        self.post_message(self.Widened(self))

    def show_rows(self, lines: Sequence[Line], row_keys: Sequence[Hashable], head: Line | None = None) -> None:
        """Replace all rows; the cursor stays on the row with the same key."""
        key = self.key
        self._keys = row_keys
        if (
            key is not None
            and not self.sticks_to_top
            and (self.cursor >= len(row_keys) or row_keys[self.cursor] != key)
        ):
            self.cursor = next((at for at, other in enumerate(row_keys) if other == key), self.cursor)
        self.cursor = max(0, min(self.cursor, len(row_keys) - 1))
        self.show(lines, head)
        if self.key != key:
            self.post_message(self.Moved(self))

    @property
    def sticks_to_top(self) -> bool:
        """The cursor does not follow its row now."""
        return self.STICKS and self.cursor == 0

    @property
    def key(self) -> Hashable | None:
        """The key of the row of the cursor."""
        return self._keys[self.cursor] if 0 <= self.cursor < len(self._keys) else None

    def move_to(self, index: int, *, tell: bool = True) -> None:
        """Put the cursor on a row, and the row into view."""
        index = max(0, min(index, self.count - 1))
        moved = index != self.cursor
        self.cursor = index
        self._into_view()
        self.changed()
        if moved and tell:
            self.post_message(self.Moved(self))

    def move_to_key(self, key: Hashable) -> bool:
        """Put the cursor on the row with this key; False when there is none."""
        for index, other in enumerate(self._keys):
            if other == key:
                self.move_to(index)
                return True
        return False

    def _into_view(self) -> None:
        top, rows = self.scroll_offset.y, self.rows
        if self.cursor < top:
            self.scroll_rows(y=self.cursor)
        elif rows and self.cursor >= top + rows:
            self.scroll_rows(y=self.cursor - rows + 1)

    def line_at(self, index: int) -> Line:
        """One line, with the cursor's mark in its first cell."""
        line = self.body_at(index)
        if index != self.cursor or not line:
            return line
        text, role = line[0]
        return ((">", "key"), (text[1:], role), *line[1:])

    def body_at(self, index: int) -> Line:
        """One line without the cursor."""
        return super().line_at(index)

    def under_at(self, index: int) -> str:
        """The cursor's row is shaded, more where the keys go."""
        if index != self.cursor:
            return ""
        return "cursor" if self.has_focus else "cursor-far"

    def on_resize(self) -> None:
        """The row of the cursor stays in view."""
        self.call_after_refresh(self._into_view)

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self.changed()

    def on_blur(self) -> None:
        """And without it."""
        self.changed()

    def action_cursor(self, step: int) -> None:
        """Down or up."""
        self.move_to(self.cursor + step)

    def action_edge(self, side: int) -> None:
        """First or last row."""
        self.move_to(0 if side < 0 else self.count - 1)

    def action_page(self, step: int) -> None:
        """Half a page."""
        self.move_to(self.cursor + step * max(1, self.rows // 2))

    def action_sideways(self, columns: int) -> None:
        """Scroll sideways, as far as the longest visible line goes."""
        visible = range(self.scroll_offset.y, min(self.count, self.scroll_offset.y + self.rows))
        longest = max((width(self.line_at(index)) for index in visible), default=0)
        x = max(0, min(self.scroll_offset.x + columns, longest - self.size.width))
        self._extend(max(longest, self.size.width), self.virtual_size.height)
        self.scroll_rows(x=x)
        self.refresh()

    def on_click(self, event: Click) -> None:
        """A click puts the cursor there; another one chooses the row."""
        index = event.y - (1 if self._head is not None else 0) + self.scroll_offset.y
        if not 0 <= index < self.count:
            return
        if index == self.cursor:
            self.post_message(self.Chosen(self))
        else:
            self.move_to(index)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        event.stop()
        event.prevent_default()
        self.move_to(self.cursor + 3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        event.stop()
        event.prevent_default()
        self.move_to(self.cursor - 3)


class Following(Rows):
    """A list that grows at its end: while it follows, the cursor stays on the last row."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.following = True

    def grown(self, cursor: int | None) -> None:
        """The rows are others now: that of the cursor is the row `cursor`, or gone (None)."""
        last = max(0, self.count - 1)
        if self.following:
            self.cursor, top = last, self.count - self.rows
        else:
            at = min(self.cursor if cursor is None else cursor, last)
            top = self.scroll_offset.y + at - self.cursor
            self.cursor = at
        top = max(0, min(top, self.count - self.rows))
        if top == self.scroll_offset.y:
            self.changed()
            return
        self._extend(self.size.width, self.count + (1 if self._head is not None else 0))
        self.scroll_rows(y=top)

    def move_to(self, index: int, *, tell: bool = True) -> None:
        """Scrolling up stops following; the last row follows again."""
        self.following = index >= self.count - 1
        super().move_to(index, tell=tell)
