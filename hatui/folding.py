"""Two things beside each other in two columns: what differs stands in rows, each run of what is the same in one line.

Invariant: pure; both sides have the same room, and no text is cut: it goes on in the next row.
"""

from __future__ import annotations

from collections.abc import Iterator

from hatui.text import Line, fit, plain, wrap

NAME = 22
"""Columns of the name of a row."""
ABSENT = "--"
"""What stands on a side that has no such thing."""


def same_line(count: int, noun: str) -> list[Line]:
    """`... 3 facts are the same ...`; nothing for none."""
    words = f"1 {noun} is the same" if count == 1 else f"{count} {noun}s are the same"
    return [((f"   ... {words} ...", "dim"),)] if count else []


def differing(name: str, left: str, right: str, room: int) -> Iterator[Line]:
    """A row of its own, as many lines as its longer side needs."""
    cells = [wrap(plain(text), room) or [""] for text in (left, right)]
    for number in range(max(map(len, cells))):
        first, second = (cell[number] if number < len(cell) else "" for cell in cells)
        mark, label = ("<>", plain(name)) if not number else ("  ", "")
        yield (
            (f" {mark} {fit(label, NAME)}", "changed"),
            (fit(first, room) + "  ", "plain"),
            (fit(second, room).rstrip(), "plain"),
        )
