"""The packets that a filter lets through, kept up while they stream in.

Invariant: pure; each packet is tested once (again only when its age passes a limit of the filter), what lies in
the ring is searched in slices from the newest on, pausing freezes what is shown while counting goes on, and
nothing is held longer than the ring holds it, except what a pause froze and what is marked. Every packet has a
number, its place among all that ever came, by which rows are known when others come and go.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import islice

from engine.messages import PacketLine
from hatui.filters import PacketFilter, packet_filter
from hatui.frames import facts

RING = 50_000
SLICE = 2_000
"""Packets of the ring that are looked at in one go: about 20 ms."""
MARKS = 1_000
"""Rows that may be marked."""


class PacketView:
    """A filtered, pausable view on a ring of packets."""

    def __init__(self) -> None:
        self.rows: deque[PacketLine] = deque()
        self.numbers: deque[int] = deque()
        """The number of each row, ascending."""
        self.filter: PacketFilter = packet_filter("")
        self.paused = False
        self.waiting = 0
        """Packets that match and came since the pause."""
        self.generation = 0
        """Grows when rows changed otherwise than by new ones at the end and old ones leaving."""
        self.marked: dict[int, PacketLine] = {}
        """Marked packets by number, in the order in which they were marked; they outlive the ring."""
        self.breaks: deque[int] = deque(maxlen=1_000)
        """Numbers before which the capture did not run without a gap."""
        self.unsearched = 0
        """Packets with a smaller number were not looked at since the filter changed."""
        self._seen = 0
        self._held: deque[tuple[int, PacketLine]] = deque(maxlen=RING)
        self._aged: dict[float, int] = {}
        """Limit of an age in the filter (s) -> number of the first packet that is younger."""

    # the filter ------------------------------------------------------------------------------------

    def set_filter(self, text: str, packets: deque[PacketLine], seen: int, now: int = 0) -> None:
        """Another filter: everything in the ring is looked at again, the newest slice at once.

        Raises: FilterError.
        """
        self.filter = packet_filter(text)
        self.rows.clear()
        self.numbers.clear()
        self._held.clear()
        self.waiting = 0
        self.generation += 1
        self._seen = self.unsearched = seen
        first = seen - len(packets)
        self._aged = {
            limit: first + bisect_left(packets, now - limit * 1e9, key=lambda packet: packet.mono_ns)
            for limit in self.filter.ages
        }
        self.search(packets, seen, now)

    def search(self, packets: deque[PacketLine], seen: int, now: int = 0, count: int = SLICE) -> bool:
        """Look at the next older slice of the ring. True when there is more to search."""
        first = seen - len(packets)
        stop = max(first, self.unsearched - count)
        if stop < self.unsearched:
            piece = list(islice(packets, stop - first, self.unsearched - first))
            for number, packet in zip(range(self.unsearched - 1, stop - 1, -1), reversed(piece), strict=True):
                if self.filter.everything or self.filter(facts(packet, now)):
                    self.rows.appendleft(packet)
                    self.numbers.appendleft(number)
            self.unsearched = stop
            self.generation += 1
        if stop <= first:
            self.unsearched = 0
        return bool(self.unsearched)

    # what comes ------------------------------------------------------------------------------------

    def update(self, packets: deque[PacketLine], seen: int, now: int = 0) -> None:
        """Take what came since the last time; `seen` counts all packets that ever came."""
        if not packets and (self.rows or self._held):
            self._begin_anew(seen)
        fresh = min(seen - self._seen, len(packets))
        self._seen = seen
        if fresh > 0:
            new = list(islice(reversed(packets), fresh))
            new.reverse()
            numbered = enumerate(new, start=seen - fresh)
            wanted, everything = self.filter, self.filter.everything
            matching = [(at, packet) for at, packet in numbered if everything or wanted(facts(packet, now))]
            if self.paused:
                self._held.extend(matching)
                self.waiting += len(matching)
            else:
                self._take(matching)
        if not self.paused:
            self._trim(seen - len(packets))
            if self._aged:
                self._age(packets, seen, now)

    def _begin_anew(self, seen: int) -> None:
        """The ring was emptied: what came before is of another time, or of another engine."""
        self.rows.clear()
        self.numbers.clear()
        self._held.clear()
        self.paused, self.waiting, self.unsearched = False, 0, 0
        self.generation += 1
        self.interrupted(seen)

    def interrupted(self, seen: int) -> None:
        """The next packet does not follow the one before without a gap."""
        if seen and (not self.breaks or self.breaks[-1] != seen):
            self.breaks.append(seen)

    def pause(self) -> None:
        """Freeze, or go on."""
        self.paused = not self.paused
        if not self.paused:
            self._take(self._held)
            self._held.clear()
            self.waiting = 0

    def _take(self, numbered: Sequence[tuple[int, PacketLine]] | deque[tuple[int, PacketLine]]) -> None:
        self.rows.extend(packet for _, packet in numbered)
        self.numbers.extend(number for number, _ in numbered)

    def _trim(self, first: int) -> None:
        """What has left the ring leaves the view."""
        while self.numbers and self.numbers[0] < first:
            self.numbers.popleft()
            self.rows.popleft()
        while self.breaks and self.breaks[0] < first:
            self.breaks.popleft()

    def _age(self, packets: deque[PacketLine], seen: int, now: int) -> None:
        """Ask again about the packets whose age has passed a limit of the filter meanwhile."""
        first = seen - len(packets)
        crossed: dict[int, PacketLine] = {}
        for limit, number in self._aged.items():
            at = younger = max(number, first)
            edge = now - limit * 1e9
            while at < seen and packets[at - first].mono_ns <= edge:
                if at >= self.unsearched:
                    crossed[at] = packets[at - first]
                younger += packets[at - first].mono_ns < edge  # at the very limit: it is asked once more
                at += 1
            self._aged[limit] = younger
        passing = {number for number, packet in crossed.items() if self.filter(facts(packet, now))}
        gone = crossed.keys() - passing
        there = {number for number in crossed if self.index(number) is not None}
        if not (gone & there) and not (passing - there):
            return
        kept = {number: packet for number, packet in zip(self.numbers, self.rows, strict=True) if number not in gone}
        kept.update((number, crossed[number]) for number in passing)
        self.numbers = deque(sorted(kept))
        self.rows = deque(kept[number] for number in self.numbers)
        self.generation += 1

    # rows and marks ----------------------------------------------------------------------------------

    def index(self, number: int) -> int | None:
        """The row of the packet with this number; None when it is not shown."""
        at = bisect_left(self.numbers, number)
        return at if at < len(self.numbers) and self.numbers[at] == number else None

    def mark(self, index: int) -> bool:
        """Mark a row, or take its mark away. False when no more can be marked."""
        number = self.numbers[index]
        if number in self.marked:
            del self.marked[number]
        elif len(self.marked) >= MARKS:
            return False
        else:
            self.marked[number] = self.rows[index]
        return True

    def pair(self, index: int) -> tuple[PacketLine, PacketLine] | None:
        """The two packets to compare, the older first: the last two marked, or the marked one and this row."""
        chosen = dict(list(self.marked.items())[-2:])
        if len(chosen) == 1 and 0 <= index < len(self.rows):
            chosen[self.numbers[index]] = self.rows[index]
        if len(chosen) < 2:
            return None
        (_, older), (_, newer) = sorted(chosen.items())
        return older, newer
