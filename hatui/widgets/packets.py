"""The list of packets, the fields of one, its octets.

Invariant: rows are drawn when they are seen, the verdict shown is the engine's own, and octets of a
password or digest are never drawn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence

from engine.messages import PacketLine, Verdict
from engine.protocol.packet.dissect import Field
from hatui import frames
from hatui.frames import Row
from hatui.text import Line, Span, fit, plain, rule, verdict_role, wrap
from hatui.widgets.rows import Lines, Rows

Moment = Callable[[PacketLine, PacketLine | None], str]
"""A packet and the one before -> the time as shown, 12 columns."""


def _columns(columns: int) -> list[tuple[str, int]]:
    if columns >= 120:
        return [("IF", 8), ("SRC", 25), ("DST", 17), ("VER", 3), ("VRID", 4), ("PRI", 3), ("ADV", 5), ("AUTH", 4)]
    if columns >= 96:
        return [("IF", 6), ("SRC", 18), ("DST", 11), ("VER", 3), ("VRID", 4), ("PRI", 3), ("ADV", 5), ("AUTH", 4)]
    return [("SRC", 13), ("DST", 11), ("VER", 3), ("VRID", 4), ("PRI", 3), ("ADV", 4), ("AUTH", 4)]


def list_head(columns: int) -> Line:
    """The titles."""
    titles = "".join(fit(title, size) + " " for title, size in _columns(columns))
    return ((f"   {'TIME':<12} {'dT':<6} {titles}VERDICT", "dim"),)


def packet_mark(packet: PacketLine) -> str:
    """`x` rejected, `<` received, `>` would be the cursor: sent is `+`."""
    if verdict_role(packet.verdict) == "bad":
        return "x"
    return "+" if packet.direction == "out" else "."


def packet_line(packet: PacketLine, before: PacketLine | None, moment: Moment, columns: int) -> Line:
    """One row."""
    frame = frames.summary(packet.frame)
    role = verdict_role(packet.verdict)
    delta = f"+{min(99.999, max(0, packet.mono_ns - before.mono_ns) / 1e9):.3f}" if before else ""
    verdict = packet.verdict.value if packet.kind == "advert" else f"{packet.kind} {packet.direction}"
    if columns >= 120 and packet.detail:
        verdict += f": {packet.detail}"
    if packet.kind != "advert":
        room = sum(size + 1 for _, size in _columns(columns)) - 1
        word = "gratuitous ARP" if packet.kind == "arp" else "neighbour advertisement"
        body = fit(f"{frame.source}  {word} for {' '.join(frame.addresses) or frame.destination}", room)
    else:
        values = {
            "IF": packet.interface,
            "SRC": frame.source,
            "DST": frame.destination,
            "VER": _text(frame.version, "v{}"),
            "VRID": _text(frame.vrid),
            "PRI": _text(frame.priority),
            "ADV": "" if frame.interval_cs is None else f"{frame.interval_cs / 100:g}s",
            "AUTH": frame.authentication,
        }
        body = " ".join(fit(values[title], size) for title, size in _columns(columns))
    resigns = frame.priority == 0 and packet.kind == "advert"
    text_role = "bad" if role == "bad" else "warn" if resigns else "changed" if packet.kind != "advert" else "plain"
    spans: list[Span] = [(" ", "plain"), (packet_mark(packet) + " ", role), (moment(packet, before) + " ", "dim")]
    spans += [(fit(delta, 7)[:7], "dim"), (body + " ", text_role), (plain(verdict), role)]
    return tuple(spans)


def _text(value: int | None, form: str = "{}") -> str:
    return "" if value is None else form.format(value)


class PacketList(Rows):
    """Packets, the newest at the bottom. While it follows, the cursor stays on the newest."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._packets: deque[PacketLine] = deque()
        self._dropped = 0
        self._moment: Moment = lambda packet, before: ""  # noqa: ARG005
        self.following = True

    @property
    def count(self) -> int:
        """How many packets."""
        return len(self._packets)

    @property
    def key(self) -> Hashable | None:
        """The packet of the cursor."""
        packet = self.selected
        return None if packet is None else (packet.mono_ns, packet.seq)

    @property
    def selected(self) -> PacketLine | None:
        """The packet of the cursor."""
        return self._packets[self.cursor] if 0 <= self.cursor < len(self._packets) else None

    def tell(self, packets: deque[PacketLine], dropped: int, moment: Moment, nothing: str) -> None:
        """Show these packets, of which so many older ones were dropped, ever."""
        before = self.key
        self._packets, self._moment = packets, moment
        self.cursor = max(0, self.cursor - (dropped - self._dropped))
        self._dropped = dropped
        self.cursor = self.count - 1 if self.following else min(self.cursor, self.count - 1)
        self.cursor = max(0, self.cursor)
        head = list_head(self.size.width)
        self._head = head if self.count or not nothing else ((f"   {nothing}", "dim"),)
        self.changed()
        if self.following:
            self.scroll_rows(y=max(0, self.count - self.rows))
        if self.key != before:
            self.post_message(self.Moved(self))

    def body_at(self, index: int) -> Line:
        """One packet."""
        before = self._packets[index - 1] if index else None
        return packet_line(self._packets[index], before, self._moment, self.size.width)

    def move_to(self, index: int, *, tell: bool = True) -> None:
        """Scrolling up stops following; the last row follows again."""
        self.following = index >= self.count - 1
        super().move_to(index, tell=tell)


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
        case Verdict.NONE:
            return f"announcement, {packet.direction}{detail}"
        case Verdict.UNSEEN:
            return f"UNSEEN: on the wire, but not at the engine's socket: a firewall or filter of this host{detail}"
    return f"x REJECTED by {who}, test {packet.verdict.value}{detail}"


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


def octet_lines(packet: PacketLine, lit: range, per_row: int) -> list[Line]:
    """The octets, those in `lit` marked, secret ones as dots."""
    secret = frames.secret_octets(packet.frame)
    lines: list[Line] = []
    for start in range(0, len(packet.frame), per_row):
        spans: list[Span] = [(f" {start:04x}  ", "dim")]
        for at in range(start, min(start + per_row, len(packet.frame))):
            text = ".." if at in secret else f"{packet.frame[at]:02x}"
            spans.append((text, "lit" if at in lit else "plain"))
            spans.append((" ", "lit" if at in lit and at + 1 in lit and at + 1 < start + per_row else "plain"))
        lines.append(tuple(spans))
    if secret:
        lines.append(((" octets shown as .. are secret", "dim"),))
    return lines


class Octets(Lines):
    """The octets of one packet."""

    def tell(self, packet: PacketLine | None, field: Field | None) -> None:
        """Show them, with those of one field marked."""
        columns = self.size.width
        if packet is None:
            self.show((), rule("Hex", columns))
            return
        lit = range(field.start, field.end) if field else range(0)
        where = f"{field.start}..{field.end - 1} of {len(packet.frame)}" if field else f"{len(packet.frame)} octets"
        per_row = 16 if columns >= 56 else 8
        lines = octet_lines(packet, lit, per_row)
        self.show(lines, rule("Hex", columns, where))
        if field:
            row = field.start // per_row
            if not self.scroll_offset.y <= row < self.scroll_offset.y + self.rows:
                self.scroll_rows(y=row)
