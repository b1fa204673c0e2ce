"""A revision as a row: number, age, author, what it is, comment.

Invariant: pure; the columns stand under their heads at every width.
"""

from __future__ import annotations

from engine.messages import RevisionInfo
from hatui.text import Line, clock, duration, fit, plain

BY = 16


def revision_head(columns: int) -> Line:
    """The names of the columns, and the keys."""
    hint = "enter Diff  space Mark  = Compare  l Load"
    left = f"    REV  {'WHEN':<18} {'BY':<{BY}} "
    return ((left, "title"), (fit("COMMENT", max(0, columns - len(left) - len(hint) - 1)), "title"), (hint, "dim"))


def revision_line(
    one: RevisionInfo, columns: int, wall: int, *, mode: str, marked: bool, in_use: bool, waits: bool
) -> Line:
    """One row."""
    when = f"{clock(one.wall_ns, mode)} {duration(wall - one.wall_ns):>6} ago"
    words = f'"{plain(one.comment)}"' if one.comment else f"{len(one.changed)} files" if len(one.changed) > 1 else ""
    state = "NOT CONFIRMED " if waits else "in use " if in_use else ""
    used = 9 + 19 + BY + 1 + len(state)
    return (
        (" ", "plain"),
        ("*" if marked else " ", "key"),
        (f" {one.number:>4}  ", "strong" if in_use else "plain"),
        (fit(when, 18) + " ", "dim"),
        (fit(plain(one.by), BY) + " ", "plain"),
        (state, "warn" if waits else "good"),
        (fit(words, max(0, columns - used)), "plain"),
    )
