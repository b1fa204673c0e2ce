"""Nodes beside each other: what each says of itself or was heard to say, and what differs.

Invariant: what is shown of a node without a link is what it sent; everything else is unknown.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from hatui.filters import check_text, text_filter
from hatui.peers import Comparison, PeerRow, Wire, compare
from hatui.screens.frame import FrameScreen
from hatui.store import Store
from hatui.text import Line, plain, rule, spread
from hatui.widgets.fields import FilterLine
from hatui.widgets.peers import ForeignList, PeerTable
from hatui.widgets.rows import Lines, Rows, bindings

FOREIGN = 4
"""Lines for sources that are not ours, at least one."""


class Peers(FrameScreen):
    """Status line, table, foreign sources."""

    PLACE = "peers"
    FIRST = "#peer-table"
    BINDINGS: ClassVar[list[BindingType]] = bindings("peers")

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.filter_text = ""
        self.only_differences = False

    @property
    def topics(self) -> tuple[str, ...]:
        """Adverts say what is known of routers without a link."""
        return ("status", "events", "packets")

    def compose_body(self) -> ComposeResult:
        """Status line over table over foreign sources."""
        yield Lines(id="peers-line")
        yield PeerTable(id="peer-table")
        yield ForeignList(id="foreign")
        yield FilterLine(check_text, id="filter")

    def paint_body(self, store: Store, now: int) -> None:
        """All panes."""
        self.wire.update(store.packets, store.packets_seen)
        found = compare(store, self.wire, now)
        rows = self._shown(found)
        self.query_one(PeerTable).tell(found.nodes, rows, "nothing differs" if self.only_differences else "no match")
        self.query_one("#peers-line", Lines).show((self._status(found),))
        self._paint_foreign(found)

    def _shown(self, found: Comparison) -> list[PeerRow]:
        rows = list(found.rows)
        if self.only_differences:
            rows = [row for row in rows if any(cell.differs for cell in row.cells)]
        if self.filter_text:
            matches = text_filter(self.filter_text)
            rows = [row for row in rows if matches(f"{row.key[0]} {row.label} {' '.join(c.text for c in row.cells)}")]
        differing = {row.key[0] for row in rows if not row.head}
        heads = {row.key: row for row in found.rows if row.head}
        shown: list[PeerRow] = []
        headed = set[str]()
        for row in rows:
            head = heads.get((row.key[0], ""))
            if head is not None and row.key[0] not in headed and row.key[0] in differing:
                headed.add(row.key[0])
                shown.append(head)
            if not row.head or not differing:
                shown.append(row)
        return shown

    def _status(self, found: Comparison) -> Line:
        shown = f"/ {plain(self.filter_text)}" if self.filter_text else "all rows"
        if self.only_differences:
            shown += ", differences only"
        links = sum(node.store is not None for node in found.nodes)
        count = found.differences
        words = f"{count} rows differ <>" if count else "nothing known differs"
        left = [(f" {shown}", "changed" if self.filter_text or self.only_differences else "dim")]
        right = [(words, "warn" if count else "good"), (f"   {links} of {len(found.nodes)} nodes by link ", "dim")]
        return spread(left, right, self.size.width)

    def _paint_foreign(self, found: Comparison) -> None:
        pane = self.query_one(ForeignList)
        lines: list[Line] = [((f" {text}", role),) for text, role in found.foreign[:FOREIGN]]
        if len(found.foreign) > FOREIGN:
            lines.append(((f" and {len(found.foreign) - FOREIGN} more", "dim"),))
        if not lines:
            lines = [((" none was heard while this screen was open", "dim"),)]
        pane.styles.height = len(lines) + 1
        pane.show(lines, rule("Not ours, or not obeyed", pane.size.width))

    # what keys do ------------------------------------------------------------------------------

    def on_rows_chosen(self) -> None:
        """A second click is enter."""
        self.action_open()

    def action_open(self) -> None:
        """Everything about the instance of this row."""
        row = self.query_one(PeerTable).selected
        if row is None or not row.instance:
            self.console.say("this row is of no instance [E-NOTHING]")
        else:
            self.console.open_detail(row.instance)

    def action_differences(self) -> None:
        """Only what differs, or everything."""
        self.only_differences = not self.only_differences
        self.paint()

    def action_filter(self) -> None:
        """Narrow the table."""
        self.query_one(FilterLine).open()

    def action_back(self) -> None:
        """Everything again."""
        self.only_differences = False
        self.query_one(FilterLine).clear()
        self.paint()

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Show what matches."""
        self.filter_text = message.text.strip()
        self.paint()

    def on_filter_line_closed(self) -> None:
        """Back to the table."""
        self.query_one(Rows).focus()

    def copied(self) -> str:
        """What `y` copies: the selected row."""
        table = self.query_one(PeerTable)
        return "".join(text for text, _ in table.body_at(table.cursor)).strip() if table.count else ""
