"""Two packets side by side, and what a verdict means: pages made of packets alone.

Invariant: pure; fields that are the same are folded and counted, secrets are compared and never shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.codes import VERDICTS, explain
from engine.messages import PacketLine, Verdict
from engine.protocol.packet.dissect import SECRET, Field
from hatui import frames
from hatui.folding import ABSENT, NAME, differing, same_line
from hatui.text import Line, clock, fit, plain, seconds, wrap

TESTS = tuple(Verdict)[tuple(Verdict).index(Verdict.LENGTH) : tuple(Verdict).index(Verdict.NONE)]
"""The engine's tests, in their order."""

Side = tuple[str, bytes] | None
"""Value and octets of a field; None where a packet has no such field."""
Named = tuple[str, str, str, bytes]
"""Layer, name (numbered where it comes more than once), value, octets."""


def fields_of(packet: PacketLine) -> list[Named]:
    """All fields of a packet below its layers, names made unique within their layer."""
    found: list[Named] = []
    counts: dict[tuple[str, str], int] = {}
    for row in frames.rows(packet):
        if not row.depth:
            continue
        layer, name = _layer(row.layer), row.field.name
        counts[layer, name] = number = counts.get((layer, name), 0) + 1
        name = f"{name} {number}" if number > 1 else name
        found.append((layer, name, _value(row.field), packet.frame[row.field.start : row.field.end]))
    return found


def _layer(name: str) -> str:
    """VRRPv2 and VRRPv3 are compared with each other, IPv4 and IPv6 too."""
    if name.startswith("VRRP"):
        return "VRRP"
    return "IP" if name in ("IPv4", "IPv6") else name


def _value(field: Field) -> str:
    return f"{field.value} ({field.note})" if field.note else field.value


def compare_page(older: PacketLine, newer: PacketLine, columns: int, mode: str = "local") -> tuple[str, list[Line]]:
    """Title and lines: the differences, each run of equal fields as one line."""
    room = (columns - NAME - 6) // 2
    apart = newer.mono_ns - older.mono_ns
    sides = [f"{plain(packet.interface)} {clock(packet.wall_ns, mode, digits=3)}" for packet in (older, newer)]
    lines: list[Line] = [(("   " + fit("", NAME) + " " + fit(sides[0], room) + "  " + fit(sides[1], room), "title"),)]
    about: list[tuple[str, str, str]] = [
        ("verdict", older.verdict.value, newer.verdict.value),
        ("instance", older.instance or "none", newer.instance or "none"),
        ("reason", older.detail or "none", newer.detail or "none"),
        ("direction", older.direction, newer.direction),
        ("kind", older.kind, newer.kind),
    ]
    left, right = ({one[:2]: one[2:] for one in fields_of(packet)} for packet in (older, newer))
    rows: list[tuple[str, str, Side, Side]] = [("about it", name, (a, b""), (b, b"")) for name, a, b in about]
    rows += [(layer, name, left.get((layer, name)), right.get((layer, name))) for layer, name in _merged(left, right)]
    count, layer, same = 0, "", 0
    for home, name, a, b in rows:
        if a == b or (a and b and a[0] == b[0] != SECRET):
            same += 1
            continue
        lines += same_line(same, "field")
        same = 0
        if home != layer:
            layer = home
            lines.append(((f" {layer}", "strong"),))
        count += 1
        lines += _difference(name, a, b, room)
    lines += same_line(same, "field")
    title = f"{count} differences, {seconds(abs(apart), 3)} apart"
    return title, lines


def _merged(
    left: dict[tuple[str, str], tuple[str, bytes]], right: dict[tuple[str, str], tuple[str, bytes]]
) -> list[tuple[str, str]]:
    """All names: in the order of the left side, those of the right alone at the end of their layer."""
    layers = list(dict.fromkeys(layer for layer, _ in (*left, *right)))
    return [one for layer in layers for one in dict.fromkeys((*left, *right)) if one[0] == layer]


def _difference(name: str, a: Side, b: Side, room: int) -> Iterator[Line]:
    left, right = (side[0] if side else ABSENT for side in (a, b))
    if left == right:
        left, right = f"{left} one", f"{right} another"  # a secret: it differs, and is not shown
    return differing(name, left, right, room)


def failed_test(verdict: Verdict) -> str:
    """`test 6 of 20: auth-type`; empty when the packet failed none."""
    if verdict not in TESTS:
        return ""
    return f"test {TESTS.index(verdict) + 1} of {len(TESTS)}: {verdict.value}"


def code_of(verdict: Verdict) -> str:
    """The code that explains a verdict; empty when there is none."""
    return VERDICTS.get(verdict.value, "")


def verdict_page(packet: PacketLine, columns: int, mode: str = "local") -> tuple[str, list[Line]]:
    """Why this packet was rejected: what the engine said of it, then its code in full."""
    code = code_of(packet.verdict)
    frame = frames.summary(packet.frame)
    facts = [
        ("packet", f"{frame.source} > {frame.destination} on {packet.interface}, {frame.source_mac}"),
        ("at", clock(packet.wall_ns, mode, digits=6)),
        ("by", packet.instance or "no instance"),
        ("failed", failed_test(packet.verdict) or packet.verdict.value),
    ]
    facts += [("because", packet.detail)] if packet.detail else []
    lines: list[Line] = []
    for name, text in facts:
        for number, piece in enumerate(wrap(plain(text), columns - 14) or [""]):
            lines.append(((f"   {name if not number else '':<9} ", "dim"), (piece, "plain")))
    lines.append(())
    if code:
        lines += [((f" {line}", "plain"),) for line in explain(code, max(40, columns - 3)).splitlines()]
    elif packet.verdict is Verdict.VRID:
        lines.append(((" No instance here has this VRID on this interface: it is another group's advert.", "plain"),))
    elif packet.verdict is Verdict.NOT_RUNNING:
        lines.append(
            ((" The instance is in INIT or FAULT and takes no advert; `hatui why` tells since when.", "plain"),)
        )
    title = f"Why was it rejected?  {code or packet.verdict.value}"
    return title, lines


def has_reason(packet: PacketLine, /) -> bool:
    """There is something to explain: the engine did not accept it."""
    return packet.verdict not in frames.PASSED
