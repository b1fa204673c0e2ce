"""The priority of one instance as a ladder of figures, with boxes to try what would be; its nodes beside it.

Invariant: the figures of the ladder are the engine's; as soon as a box is switched the pane is titled SIMULATION, and
what would be stands below the boxes. Nothing is sent, and no other pane shows it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from engine.messages import InstanceStatus, LedgerLine, State, TrackerStatus
from hatui import whatif
from hatui.peers import Comparison
from hatui.text import Line, Span, fit, plain, rule, wrap
from hatui.whatif import Box
from hatui.widgets.instances import InstanceRow, ladder_lines
from hatui.widgets.rows import Lines, Rows

Key = tuple[str, str, str]
"""line or box, kind, name."""


def box_line(line: LedgerLine, toggled: Collection[Box]) -> Line:
    """`   [x] chk_haproxy   works`, and of a file `   [#] drain_file   value 3`"""
    works, switched = whatif.good(line, toggled), (line.kind, line.name) in toggled
    if line.kind == "file":
        value, now = whatif.value(line, toggled), whatif.value(line)
        words = f"{fit(plain(line.name), 16)} value {value}"
        was = f"  (now it is {now})" if switched else ""
        return (
            (f"   [{'0' if not value else '#'}] ", "key"),
            (words, "changed" if switched else "plain"),
            (was, "dim"),
        )
    word = "works" if works else "fails"
    role = "changed" if switched else "plain"
    was = f"  (now it {'works' if line.good else 'fails'})" if switched else ""
    name = fit(plain(line.name), 16)
    return ((f"   [{'x' if works else ' '}] ", "key"), (f"{name} {word}", role), (was, "dim"))


def ladder_rows(
    row: InstanceRow, trackers: Mapping[str, TrackerStatus], toggled: Collection[Box], columns: int
) -> tuple[list[Line], list[Key]]:
    """The ladder as it is, the boxes, and what would be."""
    status = row.status
    lines = list(ladder_lines(row, dict(trackers)))
    keys: list[Key] = [("line", "", str(at)) for at in range(len(lines))]
    found = whatif.boxes(status)
    if not found or not row.believed:
        return lines, keys
    title = "What if: SIMULATION, nothing is sent" if toggled else "What if   (space switches a box)"
    lines += [(), ((f"  {title}", "changed" if toggled else "dim"),)]
    keys += [("line", "", "blank"), ("line", "", "title")]
    for line in found:
        lines.append(box_line(line, toggled))
        keys.append(("box", line.kind, line.name))
    if toggled:
        for at, text in enumerate(result_lines(status, toggled, row.now, columns)):
            lines.append(text)
            keys.append(("line", "result", str(at)))
    return lines, keys


def result_lines(status: InstanceStatus, toggled: Collection[Box], now: int, columns: int) -> list[Line]:
    """What the simulation ends with."""
    found = whatif.simulate(status, toggled, now)
    used = "FAULT" if found.fault else str(found.priority)
    now_used = "--" if status.state in (State.FAULT, State.INIT) else str(status.priority)
    role = "warn" if found.moves or found.fault or found.master == "?" else "good"
    first, *more = wrap(f"{now_used} -> {used}; {found.words}", max(20, columns - 7)) or [""]
    head: list[Line] = [(("    => ", "strong"), (first, role))]
    return head + [((f"       {text}", role),) for text in more]


class PriorityLadder(Rows):
    """The ladder; the cursor chooses boxes."""

    def tell(
        self, row: InstanceRow | None, trackers: Mapping[str, TrackerStatus], toggled: Collection[Box] = ()
    ) -> None:
        """Show one instance."""
        columns = self.size.width
        if row is None:
            self.show_rows((), [], rule("Priority ladder", columns))
            return
        lines, keys = ladder_rows(row, trackers, toggled, columns)
        title = "SIMULATION of the priority" if toggled else "Priority ladder"
        self.show_rows(lines, keys, rule(title, columns, plain(row.status.name), strong=self.has_focus))

    @property
    def box(self) -> Box | None:
        """The tracker whose box the cursor stands on."""
        key = self.key
        if isinstance(key, tuple) and key and key[0] == "box":
            return str(key[1]), str(key[2])
        return None

    def to_box(self) -> None:
        """The cursor to the first box."""
        for at, key in enumerate(self._keys):
            if isinstance(key, tuple) and key and key[0] == "box":
                self.move_to(at)
                return


class PeerPane(Lines):
    """The nodes of one instance: state, priority, when it was heard; and who else is on the wire."""

    def tell(self, found: Comparison | None, name: str) -> None:
        """Show them."""
        columns = self.size.width
        if found is None:
            self.show((), rule("Peers", columns))
            return
        cells = {row.key[1]: row.cells for row in found.rows if row.key[0] != "node"}
        node_rows = {row.key[1]: row.cells for row in found.rows if row.key[0] == "node"}
        lines: list[Line] = [((f" {'NODE':<15} {'STATE':<8} {'PRIO':<8} HEARD", "dim"),)]
        for at, node in enumerate(found.nodes):
            state, priority, heard = (cells.get(label, ())[at : at + 1] for label in ("state", "priority", "heard"))
            spans: list[Span] = [(f" {fit(node.name, 15)} ", "strong")]
            word = state[0].text.partition(",")[0] if state else "-"
            spans.append((fit(word, 8) + " ", state[0].role if state and state[0].role != "fault" else "bad"))
            spans.append((fit(priority[0].text.partition(",")[0] if priority else "-", 8) + " ", "plain"))
            spans.append((heard[0].text if heard else "-", "dim"))
            lines.append(tuple(spans))
        lines.append(())
        for label, key in (("addresses", "addresses"), ("adverts", "adverts")):
            lines.append(_equal(label, cells.get(key, ())))
        lines.append(_equal("config", node_rows.get("config", ())))
        lines += [((f" {text}", role),) for text, role in found.foreign[:2]]
        self.show(lines, rule("Peers", columns, plain(name)))


def _equal(label: str, cells: Sequence[object]) -> Line:
    """Whether all nodes say the same of one thing, as far as they say anything."""
    roles = [str(getattr(cell, "role", "")) for cell in cells]
    known = [cell for cell, role in zip(cells, roles, strict=True) if role != "unknown"]
    if any(getattr(cell, "differs", False) for cell in cells):
        word, role = "differ <>", "warn"
    elif len(known) < 2:
        word, role = "unknown: one node says it", "unknown"
    else:
        word, role = "the same on all" if len(known) == len(cells) else "the same, as far as it is known", "good"
    return ((f" {label:<15} ", "dim"), (word, role))
