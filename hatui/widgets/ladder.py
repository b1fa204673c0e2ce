"""Adverts between hosts as a ladder: one column per host, an arrow per packet.

Invariant: equal adverts in a row are folded into one line that says how many; what moves an address
(priority 0, gratuitous ARP, a rejected advert) is never folded.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.messages import PacketLine, Verdict
from hatui.frames import summary
from hatui.text import Line, clock, duration, fit, rule
from hatui.widgets.rows import Lines

FOLD_FROM = 3
"""So many alike are folded."""


def ladder(packets: Sequence[PacketLine], ours: set[str], columns: int, rows: int) -> list[Line]:
    """The last rungs that fit, the newest at the bottom."""
    hosts = _hosts(packets, ours)
    if not hosts:
        return [((" no packet was seen yet", "dim"),)]
    shown = hosts[: max(1, min(3, (columns - 16) // 18))]
    step = max(12, (columns - 16) // len(shown))
    head = " " + fit("TIME", 14) + "".join(fit(host, step) for host in shown)
    lines: list[Line] = [((head, "dim"),)]
    for packet, alike in _folded(packets)[-(rows - 1) :] if rows > 1 else []:
        lines.append(_rung(packet, alike, shown, step))
    return lines


def _hosts(packets: Sequence[PacketLine], ours: set[str]) -> list[str]:
    found: list[str] = []
    for packet in packets:
        source = summary(packet.frame).source if packet.kind == "advert" else ""
        if source and source not in found:
            found.append(source)
    return sorted(found, key=lambda host: (host not in ours, host))


def _key(packet: PacketLine) -> tuple[object, ...] | None:
    frame = summary(packet.frame)
    if packet.kind != "advert" or frame.priority == 0 or packet.verdict not in (Verdict.OK, Verdict.SENT):
        return None
    return frame.source, frame.vrid, frame.priority, packet.verdict


def _folded(packets: Sequence[PacketLine]) -> list[tuple[PacketLine, list[PacketLine]]]:
    """Packets, each with those alike that follow it and are folded into one line after it."""
    rungs: list[tuple[PacketLine, list[PacketLine]]] = []
    recent: list[tuple[object, ...]] = []
    folding = False
    for packet in packets:
        key = _key(packet)
        if key is None:
            rungs.append((packet, []))
            recent, folding = [], False
            continue
        if recent.count(key) >= FOLD_FROM:
            if not folding:
                rungs.append((packet, []))
                folding = True
            rungs[-1][1].append(packet)
        else:
            rungs.append((packet, []))
            folding = False
        recent.append(key)
    return rungs


def _rung(packet: PacketLine, alike: list[PacketLine], hosts: Sequence[str], step: int) -> Line:
    time = clock(packet.wall_ns, digits=3)
    if alike:
        spacing = (alike[-1].mono_ns - alike[0].mono_ns) // max(1, len(alike) - 1) if len(alike) > 1 else 0
        words = f"... {len(alike)} more alike" + (f", one each {duration(spacing)}" if spacing else "") + " ..."
        return ((" " * 15 + words, "dim"),)
    frame = summary(packet.frame)
    role = "plain" if packet.verdict in (Verdict.OK, Verdict.SENT, Verdict.NONE) else "bad"
    if packet.kind != "advert":
        address = frame.addresses[0] if frame.addresses else frame.source
        word = "gratuitous ARP" if packet.kind == "arp" else "neighbour advert"
        return ((f" {time:<13} ", "dim"), (f"{word} {address} {packet.direction}", "changed"))
    if frame.source not in hosts:
        return ((f" {time:<13} ", "dim"), (f"{frame.source}: vrid {frame.vrid} prio {frame.priority}", role))
    at = hosts.index(frame.source)
    label = f" {frame.vrid} prio {frame.priority} "
    verdict = "" if packet.verdict in (Verdict.OK, Verdict.SENT) else f" x {packet.verdict.value}"
    if not frame.priority:
        role = "warn" if role == "plain" else role
    arrow = label.center(step - 4, "-")
    if at == len(hosts) - 1 and len(hosts) > 1:
        body = " " * (step * (at - 1)) + "|<" + arrow + "-|" + verdict
    else:
        tail = "|" if len(hosts) > 1 else ""
        body = " " * (step * at) + "|-" + arrow + ">" + tail + verdict
    return ((f" {time:<13} ", "dim"), (body, role))


class AdvertLadder(Lines):
    """The newest adverts."""

    def tell(self, packets: Sequence[PacketLine], ours: set[str]) -> None:
        """Show the last of these packets."""
        columns = self.size.width
        self.show(ladder(packets, ours, columns, self.rows), rule("Live adverts", columns, "folded when alike"))
