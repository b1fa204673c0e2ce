"""A revision as a row: number, when, author, what it is, comment.

Invariant: pure; the columns stand under each other at every width.
"""

from __future__ import annotations

from datetime import UTC, datetime

from engine.messages import RevisionInfo
from hatui.text import NS, Line, duration, fit, plain

BY, WHEN = 14, 22
"""Columns."""


def stamp(wall_ns: int, mode: str) -> str:
    """Day and minute, local or UTC: `11-22 14:02`."""
    moment = datetime.fromtimestamp(wall_ns // NS, tz=UTC)
    return (moment if mode == "utc" else moment.astimezone()).strftime("%m-%d %H:%M")


def revision_line(
    one: RevisionInfo, columns: int, wall: int, *, mode: str, marked: bool, in_use: bool, waits: bool
) -> Line:
    """One row."""
    when = f"{stamp(one.wall_ns, mode)} {duration(wall - one.wall_ns):>6} ago"
    words = f'"{plain(one.comment)}"' if one.comment else f"{len(one.changed)} files" if len(one.changed) > 1 else ""
    state = "NOT CONFIRMED " if waits else "in use " if in_use else ""
    by = plain(one.by).removeprefix("operator ")
    used = 9 + WHEN + 1 + BY + 1 + len(state)
    return (
        (" ", "plain"),
        ("*" if marked else " ", "key"),
        (f"#{one.number:<5} ", "strong" if in_use else "plain"),
        (fit(when, WHEN) + " ", "dim"),
        (fit(by, BY) + " ", "plain"),
        (state, "warn" if waits else "good"),
        (fit(words, max(0, columns - used)), "plain"),
    )
