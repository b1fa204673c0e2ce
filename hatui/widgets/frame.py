"""The frame around every screen: who and how alive, tabs and mode, the worst problem; the keys below.

Invariant: the frame is the same on every screen and never taller than three lines above and one below.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual.events import Click
from textual.message import Message

from hatui import keys
from hatui.text import Line, Span, clip, spread, width
from hatui.widgets.rows import Lines

TABS = (
    ("1", "dashboard", "Dashboard"),
    ("2", "packets", "Packets"),
    ("3", "config", "Config"),
    ("4", "drills", "Drills"),
    ("5", "events", "Events"),
    ("6", "peers", "Peers"),
)
"""Key, mode and title of each main screen; a number always means the same screen."""


WIDE = 140
"""Columns from which the last line names more keys."""


class Identity(msgspec.Struct, frozen=True):
    """What the first two lines say."""

    host: str
    masters: int
    backups: int
    faults: int
    unknown: int
    liveness: str
    """Such as "engine live 0.2s"."""
    alive: bool
    clock: str
    mode: str
    """READ-WRITE, VIEWER, READ-ONLY, REPLAY."""
    tab: str
    config: str = ""
    """Such as "config 9f2c01ab loaded 3d04h ago"; shown where there is room."""


def identity_line(about: Identity, columns: int) -> Line:
    """Line 1."""
    left: list[Span] = [(" hatui  ", "strong"), (about.host, "title")]
    wide = columns >= 140
    parts: list[tuple[int, Span]] = [
        (about.masters, (f"* {about.masters} MASTER", "master")),
        (about.backups, (f"- {about.backups} backup", "backup")),
        (about.faults, (f"! {about.faults} FAULT", "fault" if about.faults else "dim")),
    ]
    if about.unknown or wide:
        parts.append((about.unknown, (f"? {about.unknown} UNKNOWN", "unknown" if about.unknown else "dim")))
    right: list[Span] = [(about.liveness, "good" if about.alive else "bad"), ("  ", "plain")]
    right += [(about.clock, "strong"), (" ", "plain")]
    if width(left) + width(_counts(parts, wide=wide)) + width(right) >= columns:  # what is none is not counted
        parts = [part for part in parts if part[0]]
    return spread([*left, *_counts(parts, wide=wide)], right, columns)


def _counts(parts: Sequence[tuple[int, Span]], *, wide: bool) -> list[Span]:
    spans: list[Span] = [("         " if wide else "   ", "plain")]
    for at, (_, span) in enumerate(parts):
        spans += [("  ", "plain"), span] if at else [span]
    return spans


def tabs_line(about: Identity, columns: int) -> Line:
    """Line 2."""
    left: list[Span] = []
    for number, mode, title in TABS:
        here = mode == about.tab
        left.append((f" {number}[{title}]" if here else f" {number} {title} ", "selected" if here else "plain"))
    right: list[Span] = []
    if about.config and width(left) + len(about.config) + len(about.mode) + 8 <= columns:
        right.append((about.config + "    ", "dim"))
    room = columns - width(left) - 2
    mode = about.mode if len(about.mode) <= room else about.mode.removesuffix("  READ-WRITE")  # the usual one
    right += [*clip([(mode, "mode")], room), (" ", "plain")]
    return spread(left, right, columns)


def problem_line(text: str, role: str, more: int, columns: int, timer: Line = ()) -> Line:
    """Line 3: the worst problem in words, and the timer of a change that waits, which is never cut."""
    if not text:
        return spread([("!  ", "warn"), *timer], (), columns) if timer else ()
    hint = f"  ! all ({more})" if more > 1 else ""
    mark = "!! " if role in ("alarm", "bad") else "!  "
    right = [("  ", "plain"), *timer, (" ", "plain")] if timer else [(hint, "dim")]
    return spread([(mark + text, role)], right, columns)


class Head(Lines):
    """Lines 1 to 3. A click on a tab goes there."""

    class TabClicked(Message):
        """Somebody clicked on a tab."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    class TimerClicked(Message):
        """Somebody clicked on line 3 while a change waits."""

    class ProblemClicked(Message):
        """Somebody clicked on the problem in line 3."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._timed = False

    def tell(self, about: Identity, problem: tuple[str, str, int], timer: Line = ()) -> None:
        """Show all three; `timer` is that of a change that waits for its confirmation."""
        columns = self.size.width or 80
        text, role, count = problem
        self._timed = bool(timer)
        third = problem_line(text, role, count, columns, timer)
        self.show((identity_line(about, columns), tabs_line(about, columns), third))

    def on_click(self, event: Click) -> None:
        """Which tab is it?"""
        if event.y == 2:
            self.post_message(self.TimerClicked() if self._timed else self.ProblemClicked())
        if event.y != 1:
            return
        at = 0
        for _, mode, title in TABS:
            if at <= event.x < at + len(title) + 4:
                self.post_message(self.TabClicked(mode))
                return
            at += len(title) + 4


def footer_line(valid: Sequence[keys.Key], columns: int, *, may_act: bool) -> Line:
    """The keys that are valid now, as many as fit; what a viewer may not do is dim."""
    line: list[Span] = []
    for key in valid:
        role = "plain" if may_act or not key.acts else "dim"
        shown = keys.show(key.key.split(",")[0])
        spans: list[Span] = [(f" {shown}", "key" if role == "plain" else "dim"), (f" {key.label} ", role)]
        if width(line) + width(spans) > columns:
            break
        line += spans
    return tuple(line)


class Foot(Lines):
    """The last line. A click on a key presses it."""

    class KeyClicked(Message):
        """Somebody clicked on a key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._valid: Sequence[keys.Key] = ()

    def tell(
        self,
        place: str,
        *,
        may_act: bool,
        without: frozenset[str] = frozenset(),
        table: Sequence[keys.Key] = keys.KEYS,
        typing: Sequence[keys.Key] = (),
    ) -> None:
        """Show the keys of a place, `without` those that would do nothing now; `table` holds the user's own keys.

        `typing`: those of the field that letters go into, in place of the screen's.
        """
        wide = self.size.width >= WIDE
        valid = keys.beside_letters(typing, table) if typing else keys.footer(place, table, without, wide=wide)
        self._valid = valid
        self.show((footer_line(valid, self.size.width or 80, may_act=may_act),))

    def on_click(self, event: Click) -> None:
        """Which key is it? Each one is two spans of the line: the key, and what it does."""
        at = 0
        line = self.line_at(0)
        for number, key in enumerate(self._valid[: len(line) // 2]):
            at += width(line[2 * number : 2 * number + 2])
            if event.x < at:
                self.post_message(self.KeyClicked(key.key.split(",")[0]))
                return
