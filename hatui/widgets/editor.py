"""The editor of the configuration: text with marks at the left, problems underlined, words in colour.

Invariant: it knows lines and marks, not what they mean, and no file; typing is never delayed by checking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Key
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from engine.config.diagnostic import Diagnostic
from hatui.text import Line
from hatui.widgets.rows import Lines

_WORDS = re.compile(
    r'(?P<comment>[#!].*)|(?P<string>"[^"]*")|(?P<brace>[{}])|(?P<secret><secret [0-9a-f]+>)|(?P<word>[^\s"{}#!]+)'
)


STEP = "    "
"""How much deeper the line below an opening brace begins."""
CHOICE_KEYS = ("up", "down", "enter", "tab", "escape")
_MOVES = (
    ("j", "cursor_down", "Line below, while nobody types"),
    ("k", "cursor_up", "Line above"),
    ("g", "top", "First line"),
    ("G", "bottom", "Last line"),
    ("h", "cursor_left", "To the left"),
    ("l", "cursor_right", "To the right"),
)
"""Letters that move while nobody types; while somebody does, they never come as far as a binding."""


class Underline(msgspec.Struct, frozen=True):
    """A stretch of one line that is wrong; rows and columns count from 0."""

    row: int
    start: int
    end: int
    severity: str


class ConfigEditor(TextArea):
    """A TextArea that colours keepalived.conf and underlines problems.

    It has two ways: looking, in which letters are keys and `j k g G h l` move the cursor, and typing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "undo", show=False, priority=False),
        *(Binding(key, action, words, show=False) for key, action, words in _MOVES),
    ]

    class Left(Message):
        """Escape while typing: single keys should work again."""

    class Chosen(Message):
        """A key for the list of words that is open over the editor: up, down, enter, tab, escape."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", show_line_numbers=True, soft_wrap=False, tab_behavior="indent", read_only=True, id=id)
        self._underlines: dict[int, list[Underline]] = {}
        self.choosing = False
        """A list of words is open over the text and takes some keys."""

    async def _on_key(self, event: Key) -> None:
        """Escape leaves, enter goes on at the same depth; a list that is open takes its keys first."""
        if self.choosing and event.key in CHOICE_KEYS:
            event.stop()
            event.prevent_default()
            self.post_message(self.Chosen(event.key))
            return
        if event.key == "escape" and not self.read_only:
            event.stop()
            event.prevent_default()
            self.post_message(self.Left())
            return
        if event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            row, column = self.cursor_location
            before = self.document.get_line(row)[:column]
            indent = before[: len(before) - len(before.lstrip())]
            self.insert("\n" + indent + STEP * before.rstrip().endswith("{"))
            return
        await super()._on_key(event)

    @property
    def place(self) -> Offset:
        """Where the cursor stands, in cells of the screen."""
        return self.cursor_screen_offset

    def action_top(self) -> None:
        """First line."""
        self.move_cursor((0, 0))

    def action_bottom(self) -> None:
        """Last line."""
        self.move_cursor((self.document.line_count - 1, 0))

    def on_mount(self) -> None:
        """Colours follow the theme, also when another is put on."""
        self.recolour()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.recolour())

    def recolour(self) -> None:
        """Take the colours of the theme."""
        colours = self.app.theme_variables

        def style(name: str, *, bold: bool = False, italic: bool = False, underline: bool = False) -> Style:
            value = colours.get(name, "")
            colour = value if value.startswith("#") and len(value) == 7 else None
            return Style(color=colour, bold=bold or None, italic=italic or None, underline=underline or None)

        name = f"hatui-{self.app.theme}"
        theme = TextAreaTheme(
            name=name,
            syntax_styles={
                "comment": style("hatui-text-dim", italic=True),
                "string": style("hatui-text-good"),
                "brace": style("hatui-text-dim"),
                "secret": style("hatui-state-unknown"),
                "keyword": style("hatui-title"),
                "block": style("hatui-title", bold=True),
                "error": style("hatui-text-bad", bold=True, underline=True),
                "warning": style("hatui-text-warn", underline=True),
                "info": style("hatui-text-dim", underline=True),
            },
        )
        self.register_theme(theme)
        self.theme = name
        self._set_theme(name)  # the same name may have other colours now: a user's theme was changed
        self._build_highlight_map()
        self.notify_style_update()

    def mark(self, underlines: Sequence[Underline]) -> None:
        """Underline these stretches."""
        self._underlines = {}
        for one in underlines:
            self._underlines.setdefault(one.row, []).append(one)
        self._build_highlight_map()
        self._line_cache.clear()
        self.refresh()

    def _build_highlight_map(self) -> None:
        """Colour by words; Textual calls this after each change."""
        highlights = self._highlights
        highlights.clear()
        for row, line in enumerate(self.document.lines):
            spans = [*_coloured(line)]
            underlined = getattr(self, "_underlines", {}).get(row, ())
            for one in underlined:
                start, end = _octets(line, one.start), _octets(line, max(one.end, one.start + 1))
                spans.append((start, end, one.severity))
            if spans:
                highlights[row] = spans

    def goto(self, row: int, column: int) -> None:
        """Put the cursor there and show it."""
        row = max(0, min(row, self.document.line_count - 1))
        self.move_cursor((row, min(column, len(self.document.get_line(row)))), center=True)

    def take(self, start: tuple[int, int], word: str) -> None:
        """Put a word where the cursor's begins."""
        self.replace(word, start, self.cursor_location)


def _octets(line: str, column: int) -> int:
    """Highlights are counted in octets of UTF-8."""
    return len(line[:column].encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=8192)
def _coloured(line: str) -> tuple[tuple[int, int | None, str], ...]:
    spans: list[tuple[int, int | None, str]] = []
    first = True
    for match in _WORDS.finditer(line):
        kind = match.lastgroup or ""
        if kind == "word":
            if not first:
                continue
            kind = "block" if line.rstrip().endswith("{") else "keyword"
        first = False
        spans.append((_octets(line, match.start()), _octets(line, match.end()), kind))
    return tuple(spans)


class Margin(Lines):
    """One column left of the editor: `!` error, `~` warning, `+` `-` `|` changed."""

    def tell(self, marks: Mapping[int, tuple[str, str]], top: int) -> None:
        """Marks by row (mark, role), and the first visible row."""
        rows: list[Line] = []
        for row in range(top, top + self.size.height):
            mark = marks.get(row)
            rows.append(((mark[0], mark[1]),) if mark else ())
        self.show(rows)


class FileTabs(Lines):
    """The files of the configuration in one line; a click picks one."""

    class Picked(Message):
        """Somebody clicked at a column."""

        def __init__(self, column: int) -> None:
            super().__init__()
            self.column = column

    def on_click(self, event: Click) -> None:
        """Which file it is, the screen knows."""
        self.post_message(self.Picked(event.x))


def underline(one: Diagnostic, text: str) -> Underline:
    """Where a problem is underlined."""
    line = text.split("\n")[one.line - 1] if one.line <= text.count("\n") + 1 else ""
    end = one.end_column - 1 if one.end_column else len(line.rstrip())
    return Underline(one.line - 1, one.column - 1, end, one.severity)
