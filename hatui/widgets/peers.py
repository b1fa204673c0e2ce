"""Nodes beside each other, a column each; what differs is marked `<>`.

Invariant: a row is drawn when it is seen; a mark says "differs", colour only repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence

from hatui.peers import Node, PeerRow
from hatui.text import Line, Span, fit
from hatui.widgets.rows import Lines, Rows

LABEL = 12


def columns_of(nodes: int, columns: int) -> int:
    """How wide a node's column is: all of them are seen where that is possible."""
    return max(18, min(38, (columns - LABEL - 3) // max(1, nodes) - 1))


def peers_head(nodes: Sequence[Node], width: int) -> Line:
    """The titles."""
    spans: list[Span] = [(" " * (LABEL + 3), "dim")]
    for node in nodes:
        here = "" if node.store is not None else " (heard)"
        spans.append((fit(node.name + here, width) + " ", "title"))
    return tuple(spans)


def peer_line(row: PeerRow, width: int) -> Line:
    """One row."""
    if row.head:
        return ((" ", "plain"), (row.label, "strong"))
    spans: list[Span] = [(f"   {row.label:<{LABEL}}", "dim")]
    for cell in row.cells:
        room = width - 3 if cell.differs else width
        text = fit(cell.text, room) if len(cell.text) > room else cell.text
        spans.append((text, cell.role))
        if cell.differs:
            spans.append((" <>", "bad" if cell.role == "bad" else "warn"))
        spans.append((" " * (width - len(text) - (3 if cell.differs else 0) + 1), "plain"))
    return tuple(spans)


class PeerTable(Rows):
    """The comparison."""

    WIDENS = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._peer_rows: Sequence[PeerRow] = ()
        self._column = 18

    def tell(self, nodes: Sequence[Node], rows: Sequence[PeerRow], nothing: str) -> None:
        """Show these rows."""
        self._peer_rows = rows
        self._column = columns_of(len(nodes), self.room)
        head = peers_head(nodes, self._column) if rows else ((f"   {nothing}", "dim"),)
        self.show_rows((), [row.key for row in rows], head)

    @property
    def head_scrolls(self) -> bool:
        """It names the nodes."""
        return True

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self._peer_rows)

    def body_at(self, index: int) -> Line:
        """One row, made when it is seen."""
        return peer_line(self._peer_rows[index], self._column)

    @property
    def selected(self) -> PeerRow | None:
        """The row of the cursor."""
        return self._peer_rows[self.cursor] if 0 <= self.cursor < len(self._peer_rows) else None


class ForeignList(Lines):
    """Sources that are not ours."""
