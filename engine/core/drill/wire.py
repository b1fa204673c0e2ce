"""PURE. Frames of the link, read for a drill: who advertises, who announces, and the ladder for people.

Invariant: equal adverts of one router in a row are folded into one line with their count.
"""

from __future__ import annotations

import ipaddress

from engine.core.drill.measure import Wire
from engine.core.frames import dissect
from engine.messages import InstanceStatus, PacketLine

LINES = 200


class Listener:
    """What happens on the wire of one instance."""

    def __init__(self, status: InstanceStatus) -> None:
        self._status = status
        self._addresses = {one.address for one in status.addresses}
        self.wire = Wire()
        self.acted = 0
        """Wall clock of the act; 0 before it."""
        self.zero = 0
        """Where the ladder's time begins."""
        self._ladder: list[tuple[int, str, int, int]] = []
        """First instant, text, how often, last instant."""

    def act(self, instant: int) -> None:
        """The act begins: what comes from now on counts."""
        own = self.wire.own
        self.wire, self.acted, self.zero = Wire(own=own), instant, self.zero or instant

    def packet(self, line: PacketLine) -> None:
        """One frame."""
        frame = dissect(line.frame)
        if frame is None or line.interface != self._status.interface:
            return
        if frame.kind == "advert":
            if frame.vrid == self._status.vrid and frame.family == self._status.family and frame.message:
                self._advert(line, line.frame, frame.message, frame.family)
        elif frame.address in self._addresses:
            self._announced(line, frame.kind, frame.address)

    def _advert(self, line: PacketLine, octets: bytes, message: int, family: int) -> None:
        if len(octets) <= message + 2:
            return
        sender = str(ipaddress.ip_address(octets[26:30] if family == 4 else octets[22:38]))
        priority, wire = octets[message + 2], self.wire
        if line.direction == "out":
            if priority == 0:
                wire.farewell = wire.farewell or line.wall_ns
            elif not wire.other:
                wire.own = line.wall_ns
        elif priority and self.acted and line.wall_ns >= self.acted and not wire.other:
            wire.other, wire.sender = line.wall_ns, sender
        self._say(line.wall_ns, f"{sender} advert priority {priority}")

    def _announced(self, line: PacketLine, kind: str, address: str) -> None:
        whose = "this node" if line.direction == "out" else line.frame[6:12].hex(":")
        if line.direction != "out" and self.acted and line.wall_ns >= self.acted:
            self.wire.announced.setdefault(address, line.wall_ns)
        self._say(line.wall_ns, f"{whose} announces {address} by {kind}")

    def note(self, instant: int, text: str) -> None:
        """Something else worth a line."""
        self._say(instant, text)

    def _say(self, instant: int, text: str) -> None:
        if self._ladder and self._ladder[-1][1] == text:
            first, _, count, _ = self._ladder[-1]
            self._ladder[-1] = (first, text, count + 1, instant)
        elif len(self._ladder) < LINES:
            self._ladder.append((instant, text, 1, instant))

    def ladder(self) -> tuple[str, ...]:
        """The lines, times relative to the act."""
        zero = self.zero or (self._ladder[0][0] if self._ladder else 0)
        found = []
        for first, text, count, last in self._ladder:
            more = f"  ... {count} alike until {(last - zero) / 1e9:+.3f}" if count > 1 else ""
            found.append(f"{(first - zero) / 1e9:+8.3f}  {text}{more}")
        return tuple(found)
