"""The list of packets, the fields of one, its octets.

Invariant: rows are drawn when they are seen, the verdict shown is the engine's own, and octets of a
password or digest are never drawn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Container, Hashable, Mapping, Sequence

from textual.events import Click, Key
from textual.message import Message
from textual.widgets import Input

from engine.messages import PacketLine, Verdict
from engine.protocol.packet.dissect import Field
from hatui import frames
from hatui.compare import code_of, failed_test
from hatui.filters import completions
from hatui.frames import Row
from hatui.keytable import Key as Entry
from hatui.text import Line, Span, fit, plain, rule, verdict_role, wrap
from hatui.widgets.fields import CLEAR, KEEP, FilterLine
from hatui.widgets.rows import Following, Rows

Moment = Callable[[PacketLine, PacketLine | None], str]
"""A packet and the one before -> the time as shown, 12 columns."""


NODE = 10
"""Columns of the node that saw a packet, where there are several."""


def _columns(columns: int, *, several: bool = False) -> list[tuple[str, int]]:
    if several:
        rest = _columns(columns - NODE - 1)
        wide = columns - NODE - 1 >= 96
        return [("NODE", NODE), *(one for one in rest if wide or one[0] != "DST")]
    if columns >= 120:
        return [("IF", 8), ("SRC", 25), ("DST", 17), ("VER", 3), ("VRID", 4), ("PRI", 3), ("ADV", 5), ("AUTH", 4)]
    if columns >= 96:
        return [("IF", 6), ("SRC", 18), ("DST", 11), ("VER", 3), ("VRID", 4), ("PRI", 3), ("ADV", 5), ("AUTH", 4)]
    return [("SRC", 12), ("DST", 10), ("VER", 3), ("VRID", 4), ("PRI", 3), ("ADV", 4), ("AUTH", 4)]


def list_head(columns: int, *, several: bool = False) -> Line:
    """The titles; of `several` nodes each packet says which saw it."""
    titles = "".join(fit(title, size) + " " for title, size in _columns(columns, several=several))
    return ((f"   {'TIME':<12} {'dT':<6} {titles}VERDICT", "dim"),)


def packet_mark(packet: PacketLine) -> str:
    """`x` rejected, `.` received, `+` sent (`>` would be the cursor)."""
    if verdict_role(packet.verdict) == "bad":
        return "x"
    return "+" if packet.direction == "out" else "."


def spacing(ns: int) -> str:
    """Time since the packet before in six characters: `+1.003`, `+82.30`, `+311.4`, `+4000s`, `+9h`."""
    passed = max(0, ns) / 1e9
    for digits, limit in ((3, 10), (2, 100), (1, 1000)):
        if round(passed, digits) < limit:
            return f"+{passed:.{digits}f}"
    return f"+{passed:.0f}s" if passed < 9999 else f"+{passed / 3600:.0f}h"


def packet_line(
    packet: PacketLine, before: PacketLine | None, moment: Moment, columns: int, *, marked: bool = False
) -> Line:
    """One row; `#` stands behind its mark when it is marked."""
    frame = frames.summary(packet.frame)
    role = verdict_role(packet.verdict)
    node = getattr(packet, "node", "")
    shown = _columns(columns, several=bool(node))
    delta = spacing(packet.mono_ns - before.mono_ns) if before else ""
    if packet.kind == "advert":
        verdict = "in order" if packet.verdict is Verdict.NONE else packet.verdict.value
    else:
        verdict = f"{'garp' if packet.kind == 'arp' else packet.kind} {packet.direction}"
    if columns >= 120 and packet.detail:
        verdict += f": {packet.detail}"
    if packet.kind != "advert":
        room = sum(size + 1 for _, size in shown) - 1
        word = "gratuitous ARP" if packet.kind == "arp" else "neighbour advertisement"
        seen_by = fit(node, NODE) + " " if node else ""
        body = fit(f"{seen_by}{frame.source}  {word} for {' '.join(frame.addresses) or frame.destination}", room)
    else:
        values = {
            "NODE": node,
            "IF": packet.interface,
            "SRC": frame.source,
            "DST": frame.destination,
            "VER": _text(frame.version, "v{}"),
            "VRID": _text(frame.vrid),
            "PRI": _text(frame.priority),
            "ADV": "" if frame.interval_cs is None else f"{frame.interval_cs / 100:g}s",
            "AUTH": frame.authentication,
        }
        body = " ".join(
            tail(values[title], size) if title in ("SRC", "DST") else fit(values[title], size) for title, size in shown
        )
    resigns = frame.priority == 0 and packet.kind == "advert"
    text_role = "bad" if role == "bad" else "warn" if resigns else "changed" if packet.kind != "advert" else "plain"
    spans: list[Span] = [
        (" ", "plain"),
        (packet_mark(packet), role),
        ("#" if marked else " ", "key"),
        (moment(packet, before) + " ", "dim"),
    ]
    spans += [(fit(delta, 7)[:7], "dim"), (body + " ", text_role), (plain(verdict), role)]
    return tuple(spans)


def tail(text: str, columns: int) -> str:
    """Exactly `columns` wide; of an address that does not fit, the end tells it from others."""
    return text.ljust(columns) if len(text) <= columns else "~" + text[-(columns - 1) :]


def _text(value: int | None, form: str = "{}") -> str:
    return "" if value is None else form.format(value)


class PacketList(Following):
    """Packets, the newest at the bottom. While it follows, the cursor stays on the newest."""

    WIDENS = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._packets: deque[PacketLine] = deque()
        self._numbers: deque[int] = deque()
        self._marked: Container[int] = ()
        self._number: int | None = None
        """Of the packet of the cursor when it was last told."""
        self._moment: Moment = lambda packet, before: ""  # noqa: ARG005

    @property
    def head_scrolls(self) -> bool:
        """It names the columns."""
        return True

    @property
    def count(self) -> int:
        """How many packets."""
        return len(self._packets)

    @property
    def key(self) -> Hashable | None:
        """The packet of the cursor."""
        return self._numbers[self.cursor] if 0 <= self.cursor < len(self._numbers) else None

    @property
    def selected(self) -> PacketLine | None:
        """The packet of the cursor."""
        return self._packets[self.cursor] if 0 <= self.cursor < len(self._packets) else None

    def tell(
        self,
        packets: deque[PacketLine],
        numbers: deque[int],
        marked: Container[int],
        moment: Moment,
        nothing: str,
    ) -> None:
        """Show these packets; the cursor stays on the one that had its number."""
        before = self._number
        self._packets, self._numbers, self._marked, self._moment = packets, numbers, marked, moment
        head = list_head(self.room, several=bool(packets) and bool(getattr(packets[-1], "node", "")))
        self._head = head if self.count or not nothing else ((f"   {nothing}", "dim"),)
        self.grown(None if before is None else bisect_left(numbers, before))
        self._remember()
        if self._number != before:
            self.post_message(self.Moved(self))

    def _remember(self) -> None:
        self._number = self._numbers[self.cursor] if 0 <= self.cursor < len(self._numbers) else None

    def move_to(self, index: int, *, tell: bool = True) -> None:
        """To another packet."""
        super().move_to(index, tell=tell)
        self._remember()

    def body_at(self, index: int) -> Line:
        """One packet."""
        before = self._packets[index - 1] if index else None
        marked = self._numbers[index] in self._marked
        return packet_line(self._packets[index], before, self._moment, self.room, marked=marked)

    def under_at(self, index: int) -> str:
        """Marked rows are shaded too."""
        return super().under_at(index) or ("marked" if self._numbers[index] in self._marked else "")


def field_rows(packet: PacketLine, columns: int, shut: frozenset[str]) -> tuple[list[Line], list[Row | None]]:
    """The verdict and the tree of fields, each line with its row. Layers in `shut` show only their heading."""
    lines: list[Line] = []
    shown: list[Row | None] = []
    for text in wrap(plain(verdict_words(packet)), columns - 3):
        lines.append(((" ", "plain"), (text, verdict_role(packet.verdict) if packet.kind == "advert" else "dim")))
        shown.append(None)
    for row in frames.rows(packet):
        if row.depth and row.layer in shut and not row.failed:
            continue
        mark = ("+ " if row.layer in shut else "- ") if not row.depth else "x   " if row.failed else "    "
        role = "strong" if not row.depth else "bad" if row.failed else "warn" if _strange(row.field) else "plain"
        lines.append(((" ", "plain"), (mark + plain(frames.text(row.field)), role)))
        shown.append(row)
    return lines, shown


def _strange(field: Field) -> bool:
    return field.note.startswith(("wrong", "not ", "only ", "no ", "neither ", "unknown"))


def verdict_words(packet: PacketLine) -> str:
    """What the engine did with it."""
    who = packet.instance or "no instance"
    detail = f": {packet.detail}" if packet.detail else ""
    match packet.verdict:
        case Verdict.OK:
            return f"accepted by {who}{detail}"
        case Verdict.SENT:
            return f"sent by {who}{detail}"
        case Verdict.NONE if packet.kind == "advert":
            return "from a file, no engine has judged it: its octets are in order"
        case Verdict.NONE:
            return f"announcement, {packet.direction}{detail}"
        case Verdict.UNSEEN:
            return f"UNSEEN: on the wire, but not at the engine's socket: a firewall or filter of this host{detail}"
    test, code = failed_test(packet.verdict), code_of(packet.verdict)
    return f"x REJECTED by {who}, {test}{detail}" + (f". Code {code}, w explains" if code else "")


class FieldTree(Rows):
    """The fields of one packet."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: Sequence[Row | None] = ()
        self._shut = frozenset({"Ethernet", "IPv4", "IPv6", "Authentication header", "padding"})
        self._packet: PacketLine | None = None

    def tell(self, packet: PacketLine | None) -> None:
        """Show one packet."""
        self._packet = packet
        columns = self.size.width
        if packet is None:
            self._shown = ()
            self.show_rows([((" no packet is selected", "dim"),)], [], rule("Decode", columns))
            return
        lines, self._shown = field_rows(packet, columns, self._shut)
        self.show_rows(lines, list(range(len(lines))), rule("Decode", columns, packet.interface, strong=self.has_focus))

    def show_octet(self, at: int) -> None:
        """Put the cursor on the innermost field that holds this octet, and open its layer."""
        if self._packet is None:
            return
        holding = [row for row in frames.rows(self._packet) if row.field.start <= at < row.field.end]
        if not holding:
            return
        found = min(holding, key=lambda row: (row.field.end - row.field.start, -row.depth))
        if found.layer in self._shut:
            self._shut -= {found.layer}
            self.tell(self._packet)
        here = (place for place, row in enumerate(self._shown) if row is not None and row.field == found.field)
        self.move_to(next(here, self.cursor), tell=False)

    def fold(self) -> None:
        """Open or shut the layer of the cursor."""
        row = self._shown[self.cursor] if self.cursor < len(self._shown) else None
        if row is not None:
            self._shut ^= {row.layer}
            self.tell(self._packet)
            self.move_to(next((at for at, one in enumerate(self._shown) if one and one.layer == row.layer), 0))

    @property
    def field(self) -> Field | None:
        """The field of the cursor."""
        row = self._shown[self.cursor] if 0 <= self.cursor < len(self._shown) else None
        return row.field if row else None

    @property
    def failed(self) -> Field | None:
        """The field that failed the engine's test."""
        return next((row.field for row in self._shown if row and row.failed), None)


def octet_lines(packet: PacketLine, lit: range, per_row: int, cursor: int = -1) -> list[Line]:
    """The octets, those in `lit` marked, the one of the cursor too, secret ones as dots."""
    secret = frames.secret_octets(packet.frame)
    lines: list[Line] = []
    for start in range(0, len(packet.frame), per_row):
        spans: list[Span] = [(f" {start:04x}  ", "dim")]
        for at in range(start, min(start + per_row, len(packet.frame))):
            text = ".." if at in secret else f"{packet.frame[at]:02x}"
            spans.append((text, "alarm" if at == cursor else "lit" if at in lit else "plain"))
            inside = at in lit and at + 1 in lit and at + 1 < start + per_row and cursor not in (at, at + 1)
            spans.append((" ", "lit" if inside else "plain"))
        lines.append(tuple(spans))
    if secret:
        lines.append(((" octets shown as .. are secret", "dim"),))
    return lines


class Octets(Rows):
    """The octets of one packet. With the keys, a cursor goes from octet to octet and its field is shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._packet: PacketLine | None = None
        self.octet = 0

    @property
    def per_row(self) -> int:
        """Octets in a row."""
        return 16 if self.size.width >= 56 else 8

    def tell(self, packet: PacketLine | None, field: Field | None, *, failed: bool = False) -> None:
        """Show them, with those of one field marked; `failed`: it is the field that failed the engine's test."""
        self._packet = packet
        columns, per_row = self.size.width, self.per_row
        if packet is None:
            self.show((), rule("Hex", columns, strong=self.has_focus))
            return
        size = len(packet.frame)
        self.octet = max(0, min(self.octet, size - 1))
        lit = range(field.start, field.end) if field else range(0)
        where = f"{field.start}..{field.end - 1} of {size}" if field else f"{size} octets"
        if failed and field:
            where = f"fails at octet {field.start} of {size}"
        cursor = -1
        if self.has_focus:
            cursor = self.octet
            where = f"octet {cursor}" + (f": {field.name}" if field else f" of {size}")
        self.cursor = cursor // per_row if cursor >= 0 else -1
        lines = octet_lines(packet, lit, per_row, cursor)
        self.show(lines, rule("Hex", columns, where, strong=self.has_focus))
        at = cursor if cursor >= 0 else field.start if field else -1
        if at >= 0 and not self.scroll_offset.y <= at // per_row < self.scroll_offset.y + self.rows:
            self.scroll_rows(y=min(at // per_row, max(0, len(lines) - self.rows)))

    def under_at(self, index: int) -> str:  # noqa: ARG002
        """The octet is marked, not its row."""
        return ""

    def body_at(self, index: int) -> Line:
        """One row of octets."""
        return self._lines[index]

    def move_octet(self, at: int) -> None:
        """Put the cursor on an octet."""
        if self._packet is None:
            return
        self.octet = max(0, min(at, len(self._packet.frame) - 1))
        self.post_message(self.Moved(self))

    def action_cursor(self, step: int) -> None:
        """A row down or up."""
        at = self.octet + step * self.per_row
        if self._packet is not None and 0 <= at < len(self._packet.frame):
            self.move_octet(at)

    def action_sideways(self, columns: int) -> None:
        """An octet to the left or right."""
        self.move_octet(self.octet + (1 if columns > 0 else -1))

    def action_edge(self, side: int) -> None:
        """First or last octet."""
        self.move_octet(0 if side < 0 or self._packet is None else len(self._packet.frame) - 1)

    def action_page(self, step: int) -> None:
        """Some rows."""
        self.move_octet(self.octet + step * self.per_row * max(1, self.rows // 2))

    def on_click(self, event: Click) -> None:
        """The octet under the mouse."""
        event.prevent_default()
        row = event.y - 1 + self.scroll_offset.y
        place = (event.x - 7) // 3
        if row >= 0 and 0 <= place < self.per_row:
            self.move_octet(row * self.per_row + place)


COMPLETE = Entry("filter.complete", "tab,ctrl+space,ctrl+@", "Complete", "What may follow.", "complete")


class PacketFilterLine(FilterLine):
    """The filter of packets: tab (or ctrl+space) completes it; its hint and what is wrong stand beside it."""

    TYPING = (KEEP, COMPLETE, CLEAR)

    class Typed(Message):
        """Another text stands there, a filter or not."""

    def __init__(self, check: Callable[[str], str], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(check, id=id)
        self.values: Mapping[str, Sequence[str]] = {}
        """What was seen of a word, for completion."""
        self.hint = ""
        """What may follow, after tab."""
        self._offered: list[str] = []

    @property
    def wrong(self) -> str:
        """What is wrong with the text that stands there."""
        return self._check(self.query_one(Input).value) if self.has_class("open") else ""

    def on_input_changed(self, event: Input.Changed) -> None:
        """The hint is of the text before."""
        if event.value not in self._offered:
            self._offered, self.hint = [], ""
        self.post_message(self.Typed())

    def on_key(self, event: Key) -> None:
        """Tab completes."""
        if event.key in ("tab", "ctrl+@", "ctrl+space"):
            event.stop()
            event.prevent_default()
            self._complete()

    def _complete(self) -> None:
        field = self.query_one(Input)
        text = field.value[: field.cursor_position]
        if self._offered and field.value in self._offered:  # again: the next one
            offered = self._offered
            found = offered[(offered.index(field.value) + 1) % len(offered)]
        else:
            offered = completions(text, self.values)
            if not offered:
                self.hint = "nothing completes this"
                self.post_message(self.Typed())
                return
            common = _common(offered)
            found = common if len(common) > len(text) else offered[0]
        rest = field.value[field.cursor_position :] if field.value not in self._offered else ""
        self._offered = [*offered, found + rest] if found not in offered else offered
        begun = max(text.rfind(" "), text.rfind("("), text.rfind("!")) + 1
        self.hint = " ".join(one[begun:] for one in offered) if len(offered) > 1 else ""
        field.value = found + rest
        field.cursor_position = len(found)
        self.post_message(self.Typed())


def _common(texts: Sequence[str]) -> str:
    """What all begin with."""
    first, last = min(texts), max(texts)
    size = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:size]
