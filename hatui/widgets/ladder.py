"""Adverts between nodes as a ladder: a column for each node, an arrow for each packet.

Invariant: adverts that are alike are folded into one line that says how many and how far apart; what moves an
address (priority 0, gratuitous ARP, NA) is never folded, and what was not heard is drawn as a silence.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container, Hashable, Mapping, Sequence

import msgspec

from engine.messages import PacketLine
from engine.protocol.packet.dissect import Summary
from hatui.frames import summary
from hatui.rungs import Ladder, Rung, Sightings
from hatui.text import Line, Span, clock, fit, plain, rule, seconds, verdict_role
from hatui.widgets.packets import tail
from hatui.widgets.rows import Following, Lines

FIRST = 16
"""Column of the first node."""
TAIL = 14
"""Columns behind the last node: the verdict."""
NARROW, WIDE = 12, 26
"""Columns between two nodes."""

When = Callable[[PacketLine], str]
"""A packet -> its time as shown, 12 columns."""


class Nodes(msgspec.Struct, frozen=True):
    """The columns of a ladder."""

    names: tuple[str, ...]
    """Addresses, from the left."""
    step: int
    """Columns from one to the next."""
    more: int
    """How many nodes have no column."""

    def at(self, name: str) -> int | None:
        """Where the line of this node stands."""
        return FIRST + self.names.index(name) * self.step if name in self.names else None


def nodes_of(ladder: Ladder, ours: Mapping[str, str], columns: int) -> Nodes:
    """Columns for the nodes heard last; ours come first, the others by address."""
    room = columns - FIRST - TAIL
    most = max(1, room // NARROW + 1)
    heard = list(ladder.nodes)[-most:]
    shown = sorted(heard, key=lambda name: (name not in ours, _order(name)))
    step = max(NARROW, min(WIDE, room // max(1, len(shown) - 1)))
    return Nodes(tuple(shown), step, len(ladder.nodes) - len(shown))


def _order(name: str) -> tuple[int, int]:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return 9, 0
    return address.version, int(address)


def head_line(nodes: Nodes, ours: Mapping[str, str], columns: int) -> Line:
    """The titles: name and address of each node."""
    text = fit("   TIME", FIRST)
    for number, name in enumerate(nodes.names):
        room = nodes.step if number + 1 < len(nodes.names) else columns - len(text)
        title = f"{plain(ours[name])} {name}" if name in ours else name
        title = title if len(title) < room else name
        text += fit(title if len(title) < room else tail(name, room - 1), room)
    more = f"+{nodes.more} more " if nodes.more else ""
    return ((fit(text, columns - len(more)) + more, "dim"),)


def rung_line(rung: Rung, nodes: Nodes, ladder: Ladder, when: When, columns: int) -> Line:
    """One line."""
    time: Span = (f"   {when(rung.last if rung.kind == 'alike' else rung.packet)} ", "dim")
    match rung.kind:
        case "alike" if rung.count > 1:
            mark: Span = (" x " if rung.rejected else "   ", "bad" if rung.rejected else "plain")
            return (
                mark,
                (time[0][3:], "dim"),
                (f"  {fold_words(rung, columns - FIRST - 2)}", "warn" if rung.rejected else "dim"),
            )
        case "silence":
            vrid = summary(rung.packet.frame).vrid or 0
            return ((" " * FIRST, "plain"), (silence_words(rung.silence, vrid, alone=len(ladder.streams) < 2), "warn"))
        case "break":
            return ((" " * FIRST, "plain"), ("-- capture was interrupted --", "dim"))
    frame = summary(rung.packet.frame)
    role = verdict_role(rung.packet.verdict)
    role = role if role in ("bad", "warn") else "plain"
    mark = (" x " if role == "bad" else "   ", role)
    if rung.packet.kind != "advert":
        body = _announcement(rung.packet, frame, nodes, ladder, columns)
    else:
        body = _arrow(rung.packet, frame, nodes, role, columns)
    return (mark, (time[0][3:], "dim"), *body)


def fold_words(rung: Rung, room: int = 200) -> str:
    """What a fold says: how many, how far apart; in fewer words where there is no room."""
    about = [f"{rung.streams} kinds"] if rung.streams > 1 else []
    about += [f"{rung.rejected} rejected"] if 0 < rung.rejected < rung.count else []
    kinds = f" ({', '.join(about)})" if about else ""
    if rung.jitter * 4 > rung.spacing:
        spacing = f"{seconds(rung.least, 3)} to {seconds(rung.most, 3)}"
    else:
        spacing = f"{seconds(rung.spacing, 3)} +/- {round(rung.jitter / 1_000_000)}ms"
    forms = (f"folded{kinds}, spacing {spacing}", f"folded{kinds}, {spacing}", f"folded, {spacing}")
    texts = [f"... {rung.count} alike {form} ..." for form in forms]
    return next((text for text in texts if len(text) <= room), texts[-1])


def silence_words(ns: int, vrid: int, *, alone: bool, lasts: bool = False) -> str:
    """`-- 2.0s silence --`, with the VRID where there are several."""
    which = "" if alone else f" of vrid {vrid}"
    return f"-- {seconds(ns, 1)} silence{which}{', and on' if lasts else ''} --"


def _lifelines(nodes: Nodes, columns: int) -> list[tuple[str, str]]:
    cells = [(" ", "plain")] * (columns - FIRST)
    for number in range(len(nodes.names)):
        at = number * nodes.step
        if at < len(cells):
            cells[at] = ("|", "dim")
    return cells


def _draw(cells: list[tuple[str, str]], at: int, text: str, role: str) -> None:
    for offset, char in enumerate(text):
        if 0 <= at + offset < len(cells):
            cells[at + offset] = (char, role)


def _spans(cells: Sequence[tuple[str, str]]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for char, role in cells:
        if spans and spans[-1][1] == role:
            spans[-1] = (spans[-1][0] + char, role)
        else:
            spans.append((char, role))
    return tuple(spans)


def _arrow(packet: PacketLine, frame: Summary, nodes: Nodes, role: str, columns: int) -> tuple[Span, ...]:
    """From its sender to the node it is sent to, or as multicast to the next one."""
    cells = _lifelines(nodes, columns)
    role = "warn" if role == "plain" and frame.priority == 0 else role
    label = f" {frame.vrid} prio {frame.priority} "
    if frame.priority == 0:
        label = f" {frame.vrid} prio 0 resigns "
    at = nodes.at(frame.source)
    if at is None:
        _draw(cells, 1, f" {frame.source}:{label}", role)
        return _spans(cells)
    if len(label) > nodes.step - 5:
        label = f"{frame.vrid}:{frame.priority}"
    number, last = nodes.names.index(frame.source), len(nodes.names) - 1
    target = nodes.names.index(frame.destination) if frame.destination in nodes.names else -1
    if target < 0 or target == number:
        target = number + 1 if number < last or not last else number - 1
    start, end = number * nodes.step, target * nodes.step
    verdict = "" if role == "plain" or packet.verdict.value == "sent" else packet.verdict.value
    if role == "bad":
        label += "x "
    if start < end:
        _draw(cells, start + 1, ("--" + label).ljust(end - start - 2, "-") + ">", role)
    else:
        _draw(cells, end + 1, "<" + ("--" + label).ljust(start - end - 2, "-"), role)
    if verdict and verdict != "ok":
        text = ("x " if role == "bad" else "") + verdict
        _draw(cells, max(last * nodes.step, start, end) + 2, fit(text, TAIL - 2), role)
    return _spans(cells)


def _announcement(packet: PacketLine, frame: Summary, nodes: Nodes, ladder: Ladder, columns: int) -> tuple[Span, ...]:
    """ARP and NA in full, from the node that has the MAC address."""
    word = "gratuitous ARP" if packet.kind == "arp" else "neighbour advert"
    address = " ".join(frame.addresses) or frame.source
    cells = _lifelines(nodes, columns)
    node = ladder.node_of_mac.get(frame.source_mac, "")
    at = nodes.at(node) if node else None
    text = f"== {word} {address} ==" if at is not None else f" {word} {address} by {frame.source_mac}"
    start = (at or FIRST) - FIRST + 1
    if start + len(text) < len(cells):
        _draw(cells, start, text + (">" if at is not None else ""), "changed")
    else:
        _draw(cells, max(0, start - 2 - len(text)), ("<" if at is not None else "") + text, "changed")
    return _spans(cells)


class LadderList(Following):
    """A ladder with a cursor."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._ladder = Ladder()
        self._ours: Mapping[str, str] = {}
        self._marked: Container[int] = ()
        self._shown = Nodes((), NARROW, 0)
        self._when: When = lambda packet: ""  # noqa: ARG005
        self._now: tuple[Line, ...] = ()
        self._key: Hashable | None = None

    @property
    def count(self) -> int:
        """Rungs, and the silence that lasts."""
        return len(self._ladder.rungs) + len(self._now)

    @property
    def selected(self) -> Rung | None:
        """The rung of the cursor."""
        return self._ladder.rungs[self.cursor] if self.cursor < len(self._ladder.rungs) else None

    @property
    def key(self) -> Hashable | None:
        """The rung of the cursor, as long as it is there."""
        rung = self.selected
        return None if rung is None else (rung.number, rung.kind, rung.count)

    def tell(
        self,
        ladder: Ladder,
        ours: Mapping[str, str],
        when: When,
        nothing: str,
        silent: Sequence[tuple[int, int]],
        marked: Container[int],
    ) -> None:
        """Show this ladder; `ours` names our own addresses, `silent` the VRIDs that are overdue, `marked` the
        numbers of marked packets."""
        before = self.key
        rung = self.selected if ladder is self._ladder else None
        shift = ladder.dropped - self._dropped if ladder is self._ladder else 0
        self._ladder, self._ours, self._when, self._dropped = ladder, ours, when, ladder.dropped
        self._marked = marked
        columns = self.size.width
        self._shown = nodes_of(ladder, ours, columns)
        alone = len(ladder.streams) < 2
        self._now = tuple(
            ((" " * FIRST, "plain"), (silence_words(ns, vrid, alone=alone, lasts=True), "bad")) for vrid, ns in silent
        )
        head = head_line(self._shown, ours, columns)
        self._head = head if self.count or not nothing else ((f"   {nothing}", "dim"),)
        self.grown(max(0, self.cursor - shift) if rung is not None else None)
        if self.key != before:
            self.post_message(self.Moved(self))

    _dropped = 0

    def body_at(self, index: int) -> Line:
        """One rung."""
        if index >= len(self._ladder.rungs):
            return self._now[index - len(self._ladder.rungs)]
        line = rung_line(self._ladder.rungs[index], self._shown, self._ladder, self._when, self.size.width)
        if not self._is_marked(index):
            return line
        (mark, role), *rest = line
        return ((mark[:2], role), ("#", "key"), *rest)

    def under_at(self, index: int) -> str:
        """The rungs of marked packets are shaded too."""
        return super().under_at(index) or ("marked" if self._is_marked(index) else "")

    def _is_marked(self, index: int) -> bool:
        rung = self._ladder.rungs[index] if index < len(self._ladder.rungs) else None
        return rung is not None and rung.kind in ("packet", "alike") and rung.number in self._marked


_ADVERTS = 200
"""Packets that are looked through where the ladder begins anew."""


class AdvertLadder(Lines):
    """The newest adverts: those of the last look and what has come since."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._ladder, self._sightings = Ladder(silences=False), Sightings()
        self._newest: PacketLine | None = None
        self._seen = 0

    def tell(self, packets: Sequence[PacketLine], seen: int, ours: set[str]) -> None:
        """Show the last of these packets. `seen`: how many ever came."""
        self._take(packets, seen)
        columns, ladder = self.size.width, self._ladder
        title = rule("Live adverts: ladder", columns, "folded when alike")
        if not ladder.rungs:
            self.show([((" no packet was seen yet", "dim"),)], title)
            return
        names = dict.fromkeys(ours, "")
        nodes = nodes_of(ladder, names, columns)

        def when(packet: PacketLine) -> str:
            return clock(packet.wall_ns, digits=3)

        rows = [rung_line(rung, nodes, ladder, when, columns) for rung in list(ladder.rungs)[-max(1, self.rows - 1) :]]
        self.show([head_line(nodes, {}, columns), *rows], title)

    def _take(self, packets: Sequence[PacketLine], seen: int) -> None:
        """Put what is new on the ladder; where it does not follow what was there, begin anew."""
        fresh = seen - self._seen
        if not (0 <= fresh < min(len(packets), _ADVERTS) and packets[-1 - fresh] is self._newest):
            fresh = min(len(packets), _ADVERTS)
            self._ladder, self._sightings = Ladder(silences=False), Sightings()  # nobody tells where capture stopped
        for index in range(-fresh, 0):
            if not self._sightings.again(packets[index]):
                self._ladder.add(seen + index, packets[index])
        self._seen, self._newest = seen, packets[-1] if packets else None
