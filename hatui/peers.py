"""All nodes beside each other: what each says of itself, or was heard to say, and where they differ.

Invariant: pure; a node without a link is known by its adverts alone, and a backup is silent: what nobody told is
`unknown`, never a pass and never a difference. Only what ought to be equal on all nodes is compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

import msgspec

from engine.messages import InstanceStatus, PacketLine, State, Verdict
from engine.protocol.packet.dissect import Summary
from hatui.frames import summary
from hatui.store import Store
from hatui.text import NS, ago, interval, plain, priorities, state_word, verdict_role

UNKNOWN = "unknown"
SOURCES = 1000
"""Sources that are remembered; beyond it the one that was heard longest ago is forgotten."""


class Heard(msgspec.Struct, frozen=True):
    """The last advert of one source for one virtual router."""

    packet: PacketLine
    said: Summary
    count: int

    @property
    def foreign(self) -> bool:
        """No instance here obeys it."""
        return not self.packet.instance or verdict_role(self.packet.verdict) == "bad"


class Wire:
    """What was heard from others, each packet looked at once."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, int | None, str], Heard] = {}
        """By source, VRID and interface; the one heard last stands last."""
        self._last: dict[tuple[str, int | None], Heard] = {}
        """The same by source and VRID alone."""
        self.looked = 0
        """How many packets were ever looked at."""
        self._seen = 0

    def update(self, packets: deque[PacketLine], seen: int) -> None:
        """Take what came since the last time; `seen` counts all that ever came: fewer are those of another time."""
        if seen < self._seen:  # a replay has begun: what was heard live is no fact of then
            self.heard.clear()
            self._last.clear()
            self._seen = 0
        fresh = min(seen - self._seen, len(packets))
        self._seen = seen
        for packet in reversed(list(islice(reversed(packets), max(0, fresh)))):
            self.looked += 1
            if packet.kind != "advert" or packet.direction != "in" or packet.verdict is Verdict.OWN:
                continue
            said = summary(packet.frame)
            key = (said.source, said.vrid, packet.interface)
            before = self.heard.pop(key, None)
            self.heard[key] = self._last[key[:2]] = Heard(packet, said, before.count + 1 if before else 1)
            if len(self.heard) > SOURCES:
                oldest = next(iter(self.heard))
                gone = self.heard.pop(oldest)
                if self._last[oldest[:2]] is gone:
                    del self._last[oldest[:2]]

    def last(self, source: str, vrid: int) -> Heard | None:
        """The last advert of a router for a VRID, on whichever interface."""
        return self._last.get((source, vrid))


class Cell(msgspec.Struct, frozen=True):
    """What one node says of one thing."""

    text: str
    role: str = "plain"
    differs: bool = False


class PeerRow(msgspec.Struct, frozen=True):
    """One thing, and each node's word on it."""

    key: tuple[str, str]
    """Group (an instance, or "node") and label."""
    label: str
    cells: tuple[Cell, ...] = ()
    head: bool = False
    instance: str = ""
    """Of the console's names; for `enter`."""


class Node(msgspec.Struct, frozen=True):
    """One column."""

    name: str
    store: Store | None
    """What its engine says; None when there is no link to it."""
    silent: bool = False


class Comparison(msgspec.Struct, frozen=True):
    """The whole table."""

    nodes: tuple[Node, ...]
    rows: tuple[PeerRow, ...]
    foreign: tuple[tuple[str, str], ...]
    """Sources that are not ours, in words, with a role."""

    @property
    def differences(self) -> int:
        """How many rows hold a difference."""
        return sum(any(cell.differs for cell in row.cells) for row in self.rows)


def compare(store: Store, wire: Wire, now: int, only: str = "") -> Comparison:
    """Everything beside each other; `only` one instance, by the console's name of it."""
    engines = [Node(plain(name), one, one.silent(now)) for name, one in store.nodes.items()]
    if not engines:
        engines = [Node(plain(store.hello.host) if store.hello else "this node", store, store.silent(now))]
    own = {status.source for node in engines if node.store for status in node.store.instances.values()} - {""}
    routers: dict[str, None] = {}
    for node in engines:
        for status in node.store.instances.values() if node.store else ():
            routers.update(dict.fromkeys(one for one in (status.master, status.peer) if one and one not in own))
    for one in wire.heard.values():
        if not one.foreign and one.said.source not in own:
            routers[one.said.source] = None
    nodes = (*engines, *(Node(plain(address), None) for address in sorted(routers)))
    rows = [_row("node", "engine", nodes, _version, same=True), _row("node", "link", nodes, _link(now))]
    rows.append(_row("node", "config", nodes, _fingerprint, same=True))
    if len(engines) > 1:
        rows.append(_row("node", "clock", nodes, _clock(engines[0])))
    for label, name, keyed in _instances(engines, store):
        if not only or name == only:
            rows += _of_instance(label, name, keyed, nodes, wire, now)
    return Comparison(nodes, tuple(rows), tuple(_foreign(wire, own, now)))


def _instances(engines: list[Node], store: Store) -> list[tuple[str, str, tuple[int, int]]]:
    """Label, the console's name, and VRID with family of each virtual router."""
    found: dict[tuple[int, int, str], tuple[str, str, tuple[int, int]]] = {}
    for node in engines:
        for status in node.store.instances.values() if node.store else ():
            name = status.name if node.store is store else f"{node.name}:{status.name}"
            key = (status.vrid, status.family, status.name)
            found.setdefault(key, (plain(status.name), name, (status.vrid, status.family)))
    return list(found.values())


def _status(node: Node, label: str, keyed: tuple[int, int]) -> InstanceStatus | None:
    if node.store is None:
        return None
    named = node.store.instances.get(label)
    if named is not None and (named.vrid, named.family) == keyed:
        return named
    return None


def _of_instance(
    label: str, name: str, keyed: tuple[int, int], nodes: tuple[Node, ...], wire: Wire, now: int
) -> list[PeerRow]:
    statuses = [_status(node, label, keyed) for node in nodes]
    engine = next((status for status in statuses if status is not None), None)
    if engine is None:
        return []
    heads = PeerRow((label, ""), f"{label}  vrid {keyed[0]} IPv{keyed[1]}", head=True, instance=name)
    rows = [heads]

    def row(title: str, cell: Callable[[Node, InstanceStatus | None], Cell], *, same: bool = False) -> None:
        cells = [cell(node, status) for node, status in zip(nodes, statuses, strict=True)]
        rows.append(PeerRow((label, title), title, _marked(cells) if same else tuple(cells), instance=name))

    def heard(node: Node) -> Heard | None:
        return wire.last(node.name, keyed[0])

    def state(node: Node, status: InstanceStatus | None) -> Cell:
        if status is not None:
            if node.silent:
                return Cell(f"UNKNOWN (was {state_word(status.state)})", "unknown")
            return Cell(state_word(status.state), status.state.value.lower())
        return _state_from_outside(node, engine, statuses, nodes, now)

    def priority(node: Node, status: InstanceStatus | None) -> Cell:
        if status is not None:
            return Cell(UNKNOWN, "unknown") if node.silent else Cell(priorities(status).strip())
        last = heard(node)
        if last is not None and last.said.priority is not None:
            return Cell(str(last.said.priority))
        if node.name == engine.peer and engine.peer_priority:
            return Cell(f"{engine.peer_priority}, said {ago(engine.heard_at, now)}")
        return Cell(UNKNOWN, "unknown")

    def addresses(node: Node, status: InstanceStatus | None) -> Cell:
        if status is not None:
            return Cell(_addresses(one.address for one in status.addresses if one.advertised))
        last = heard(node)
        return Cell(UNKNOWN, "unknown") if last is None else Cell(_addresses(last.said.addresses))

    def adverts(node: Node, status: InstanceStatus | None) -> Cell:
        if status is not None:
            return Cell(f"v{status.version} {interval(status.advert_interval)}")
        last = heard(node)
        if last is None or last.said.interval_cs is None:
            return Cell(UNKNOWN, "unknown")
        return Cell(f"v{last.said.version} {interval(last.said.interval_cs * 10_000_000)}")

    def on_the_wire(node: Node, status: InstanceStatus | None) -> Cell:
        if status is not None:
            return Cell("itself", "dim")
        last = heard(node)
        at = max(last.packet.mono_ns if last else 0, engine.heard_at if node.name == engine.peer else 0)
        return Cell(ago(at, now)) if at else Cell("never", "unknown")

    row("state", state)
    row("priority", priority)
    row("addresses", addresses, same=True)
    row("adverts", adverts, same=True)
    row("heard", on_the_wire)
    masters = [at for at, cell in enumerate(rows[1].cells) if cell.role == "master"]
    if len(masters) > 1:
        marked = tuple(
            msgspec.structs.replace(cell, role="bad", differs=True) if at in masters else cell
            for at, cell in enumerate(rows[1].cells)
        )
        rows[1] = msgspec.structs.replace(rows[1], cells=marked)
    return rows


def _state_from_outside(
    node: Node,
    engine: InstanceStatus,
    statuses: list[InstanceStatus | None],
    nodes: tuple[Node, ...],
    now: int,
) -> Cell:
    """A router without a link: MASTER while the engines that live obey it, otherwise nobody knows."""
    believed = [status for one, status in zip(nodes, statuses, strict=True) if status is not None and not one.silent]
    if any(status.master == node.name and status.state is not State.MASTER for status in believed):
        return Cell("MASTER", "master")
    if node.store is not None:
        return Cell("not configured", "dim")
    if node.name == engine.peer and engine.heard_at:
        return Cell(f"{UNKNOWN}, heard {ago(engine.heard_at, now)}", "unknown")
    return Cell(UNKNOWN, "unknown")


def _addresses(found: Iterable[str]) -> str:
    return " ".join(sorted(plain(one) for one in found)) or "none"


def _row(
    group: str, label: str, nodes: tuple[Node, ...], cell: Callable[[Node], Cell], *, same: bool = False
) -> PeerRow:
    cells = [cell(node) for node in nodes]
    return PeerRow((group, label), label, _marked(cells) if same else tuple(cells))


def _marked(cells: list[Cell]) -> tuple[Cell, ...]:
    """Those that differ from the first one known."""
    known = next((cell.text for cell in cells if cell.role != "unknown"), "")
    return tuple(
        cell
        if cell.role == "unknown" or cell.text == known
        else msgspec.structs.replace(cell, role="warn", differs=True)
        for cell in cells
    )


def _version(node: Node) -> Cell:
    engine = node.store.engine if node.store else None
    return Cell(UNKNOWN, "unknown") if engine is None else Cell(f"hatui {plain(engine.version)}")


def _link(now: int) -> Callable[[Node], Cell]:
    def cell(node: Node) -> Cell:
        if node.store is None:
            return Cell("none: adverts only", "dim")
        if node.silent:
            return Cell(f"SILENT, {node.store.link.connection.value}", "bad")
        return Cell(f"live {ago(node.store.vrrp_heard, now)}", "good")

    return cell


def _clock(first: Node) -> Callable[[Node], Cell]:
    """How far its wall clock is ahead of the first node's; what the way took either way is the doubt about it."""

    def cell(node: Node) -> Cell:
        ours, theirs = first.store, node.store
        if theirs is None or ours is None or node.silent or not theirs.wall_offset or not ours.wall_offset:
            return Cell(UNKNOWN, "unknown")
        if node is first:
            return Cell("the measure", "dim")
        apart = theirs.wall_offset - ours.wall_offset
        doubt = (ours.link.round_trip + theirs.link.round_trip) // 2
        words = f"{apart / 1e6:+.0f}ms" if abs(apart) < NS else f"{apart / NS:+.1f}s"
        words += f" +/- {max(1, round(doubt / 1e6))}ms" if doubt else ""
        return Cell(words, "warn" if abs(apart) > NS + doubt else "plain", differs=abs(apart) > NS + doubt)

    return cell


def _fingerprint(node: Node) -> Cell:
    engine = node.store.engine if node.store else None
    return Cell(UNKNOWN, "unknown") if engine is None else Cell(plain(engine.config_fingerprint[:8]))


def _foreign(wire: Wire, own: set[str], now: int) -> Iterable[tuple[str, str]]:
    for one in sorted(wire.heard.values(), key=lambda one: -one.packet.mono_ns):
        if not one.foreign or one.said.source in own:
            continue
        packet, said = one.packet, one.said
        why = "foreign VRID" if not packet.instance else f"not obeyed by {packet.instance}: {packet.verdict.value}"
        text = f"{said.source} on {packet.interface} vrid {said.vrid} prio {said.priority} v{said.version}"
        text += f" {_addresses(said.addresses)}: {why}; {one.count} adverts, last {ago(packet.mono_ns, now)}"
        yield plain(text), "warn" if not packet.instance else "bad"
