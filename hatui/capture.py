"""The packets that a filter lets through, kept up while they stream in.

Invariant: pure; each packet is tested once, pausing freezes what is shown while counting goes on, and the
position of a row moves only when older ones are dropped (`dropped` says how many).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from engine.messages import PacketLine
from hatui.filters import Test, packet_filter
from hatui.frames import facts

RING = 50_000


class PacketView:
    """A filtered, pausable view on a ring of packets."""

    def __init__(self) -> None:
        self.rows: deque[PacketLine] = deque(maxlen=RING)
        self.dropped = 0
        """Rows that have left the view at its old end, ever."""
        self.paused = False
        self.waiting = 0
        """Packets that match and came since the pause."""
        self._test: Test = packet_filter("")
        self._all = True
        self._seen = 0
        self._held: list[PacketLine] = []

    def set_filter(self, text: str, packets: deque[PacketLine], seen: int) -> None:
        """Another filter: everything in the ring is looked at again.

        Raises: FilterError.
        """
        self._test = packet_filter(text)
        self._all = not text.strip()
        self.rows.clear()
        self._held.clear()
        self.waiting = 0
        self._seen = seen - len(packets)
        was_paused, self.paused = self.paused, False
        self.update(packets, seen)
        self.paused = was_paused

    def update(self, packets: deque[PacketLine], seen: int) -> None:
        """Take what came since the last time; `seen` counts all packets that ever came."""
        fresh = min(seen - self._seen, len(packets))
        self._seen = seen
        if fresh <= 0:
            return
        new = list(islice(reversed(packets), fresh))
        new.reverse()
        matching = new if self._all else [packet for packet in new if self._test(facts(packet))]
        if self.paused:
            self._held += matching
            self._held = self._held[-RING:]
            self.waiting += len(matching)
        else:
            self._take(matching)

    def pause(self) -> None:
        """Freeze, or go on."""
        self.paused = not self.paused
        if not self.paused:
            self._take(self._held)
            self._held = []
            self.waiting = 0

    def _take(self, packets: Sequence[PacketLine]) -> None:
        over = len(self.rows) + len(packets) - RING
        if over > 0:
            self.dropped += over
        self.rows.extend(packets)
