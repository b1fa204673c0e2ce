"""What waits to be sent to one client, and what is given up first when it reads too slowly.

Owns the order of loss: packets first, then older values of a status (the newest always stays), then
events that are no transitions; transitions and replies never. A client that does not even take those
is over the hard limit and is let go. Every loss of packets or events is told to the client as a Gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from engine.messages import Gap
from engine.wire import encode_line

PACKET_LINES = 2_000
PACKET_OCTETS = 1024 * 1024
EVENT_OCTETS = 2 * 1024 * 1024
"""Octets waiting beyond which events that are no transitions are dropped."""
HARD_OCTETS = 8 * 1024 * 1024
"""Octets of lines that must not be dropped; beyond it the client is let go."""

StatusKey = tuple[str, str]


class Outbox:
    """The lines for one client, in the order of their worth."""

    def __init__(
        self,
        packet_lines: int = PACKET_LINES,
        packet_octets: int = PACKET_OCTETS,
        event_octets: int = EVENT_OCTETS,
        hard_octets: int = HARD_OCTETS,
    ) -> None:
        self._limits = (packet_lines, packet_octets, event_octets, hard_octets)
        self._lines: deque[bytes] = deque()
        self._line_octets = 0
        self._statuses: dict[StatusKey, Callable[[], bytes]] = {}
        self._packets: deque[bytes] = deque()
        self._packet_octets = 0
        self.lost_packets = 0
        self.lost_events = 0

    @property
    def overfull(self) -> bool:
        """The client takes too little even of what must not be dropped."""
        return self._line_octets > self._limits[3]

    @property
    def octets(self) -> int:
        """Octets of lines and packets that wait."""
        return self._line_octets + self._packet_octets

    def put(self, line: bytes) -> None:
        """A line that must arrive: reply, transition, snapshot, farewell."""
        self._lines.append(line)
        self._line_octets += len(line)

    def put_event(self, line: bytes, *, transition: bool) -> None:
        """An event; dropped and counted only when it is no transition and much waits already."""
        if not transition and self._line_octets > self._limits[2]:
            self.lost_events += 1
            return
        self.put(line)

    def put_status(self, key: StatusKey, line: Callable[[], bytes]) -> None:
        """The newest value of one status; `line` makes its octets when they are sent."""
        self._statuses[key] = line

    def forget_status(self, key: StatusKey) -> None:
        """That status is gone: a value of it that still waits is void."""
        self._statuses.pop(key, None)

    def put_packet(self, line: bytes) -> None:
        """A packet; the oldest waiting ones give way."""
        self._packets.append(line)
        self._packet_octets += len(line)
        while len(self._packets) > self._limits[0] or self._packet_octets > self._limits[1]:
            self._packet_octets -= len(self._packets.popleft())
            self.lost_packets += 1

    def forget_packets(self) -> None:
        """The client wants no packets any more."""
        self._packets.clear()
        self._packet_octets = 0

    def take(self) -> bytes | None:
        """The next line, None when nothing waits."""
        if self._lines:
            line = self._lines.popleft()
            self._line_octets -= len(line)
            return line
        if self.lost_packets or self.lost_events:
            gap = Gap(self.lost_packets, self.lost_events)
            self.lost_packets = self.lost_events = 0
            return encode_line(gap)
        if self._statuses:
            return self._statuses.pop(next(iter(self._statuses)))()
        if self._packets:
            line = self._packets.popleft()
            self._packet_octets -= len(line)
            return line
        return None
