"""Adverts as the rungs of a ladder: what is alike is folded, what is missing is drawn.

Invariant: pure; packets are added in order and each costs the same, however many there are. What moves an
address (priority 0, gratuitous ARP, NA) and the first advert that differs from its sender's last are rungs of
their own; a silence is drawn only where the capture ran without a gap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable
from itertools import islice

import msgspec

from engine.messages import PacketLine
from hatui.capture import PacketView
from hatui.filters import PacketFilter
from hatui.frames import PASSED, summary

FULL = 2
"""So many alike are drawn before the rest is folded."""
HISTORY = 5_000
"""Rows of the past that a ladder begins with."""
RUNGS = 5_000
"""Rungs that are kept; the oldest give way."""
LATE = 3
"""A silence begins after so many halves of the advert interval without an advert."""
SLACK = 20_000_000
"""ns that an advert may be late besides: fast adverts jitter."""
APART = 100_000_000
"""ns within which an announcement that two nodes saw is one; of adverts it is half their interval."""
KEYS = 4_096
"""Different adverts that are remembered."""
NODES = 64
"""Senders that are remembered."""


class Rung(msgspec.Struct):
    """One line: a packet, a fold of packets that are alike, or a silence."""

    kind: str
    """packet, alike, silence or break."""
    number: int
    """Of its (first) packet."""
    packet: PacketLine
    """The first one; of a silence the one that ended it."""
    last: PacketLine
    count: int = 1
    streams: int = 1
    """How many different adverts are folded together."""
    least: int = 0
    """ns: the smallest spacing of two that are alike."""
    most: int = 0
    """ns: the greatest."""
    total: int = 0
    """ns: all spacings together."""
    rejected: int = 0
    """How many of them failed a test of the engine."""
    silence: int = 0
    """ns: how long nothing was heard of the virtual router."""

    @property
    def spacing(self) -> int:
        """ns: the mean."""
        return self.total // self.count

    @property
    def jitter(self) -> int:
        """ns: how far a spacing lay from the middle at most."""
        return (self.most - self.least) // 2


class Stream(msgspec.Struct):
    """The adverts of one virtual router, whoever sends them."""

    vrid: int
    last: int
    """When the last one passed (clock of the packets)."""
    interval: int
    """ns between two adverts, as the last one says; 0 after a router has resigned."""


class Ladder:
    """The rungs of packets that were added in order."""

    def __init__(self, *, silences: bool = True) -> None:
        self.rungs: deque[Rung] = deque()
        self.dropped = 0
        """Rungs that have left at the old end, ever."""
        self.nodes: dict[str, int] = {}
        """Sender of adverts -> clock of its last one; the one heard last stands last."""
        self.node_of_mac: dict[str, str] = {}
        self.streams: dict[Hashable, Stream] = {}
        self._silences = silences
        self._full: dict[Hashable, int] = {}
        """Adverts drawn in full since something else was drawn."""
        self._last: dict[Hashable, int] = {}
        """Key of an advert -> clock of the last one that was alike."""
        self._folded: set[Hashable] = set()
        self._fold: Rung | None = None

    def add(self, number: int, packet: PacketLine, *, follows: bool = True) -> None:
        """The next packet. `follows`: the capture did not stop between the one before and this one."""
        if not follows:
            self._interrupted(number, packet)
        if packet.kind != "advert":
            self._special(Rung("packet", number, packet, packet))
            return
        frame = summary(packet.frame)
        self._heard(frame.source, frame.source_mac, packet.mono_ns)
        self._hear_stream(number, packet)
        key = (packet.interface, packet.verdict, frame)
        before = self._last.get(key)
        self._last[key] = packet.mono_ns
        if len(self._last) > KEYS:
            del self._last[next(iter(self._last))]
        if frame.priority == 0:
            self._special(Rung("packet", number, packet, packet))
        elif before is None or self._full.get(key, 0) < FULL:
            self._full[key] = self._full.get(key, 0) + 1
            self._fold = None
            self._append(Rung("packet", number, packet, packet))
        else:
            self._add_alike(key, number, packet, max(0, packet.mono_ns - before))

    def trim(self, first: int) -> None:
        """Packets with a smaller number are gone: so are the rungs that hold only such."""
        while self.rungs and self.rungs[0].number < first and (len(self.rungs) < 2 or self.rungs[1].number <= first):
            self.rungs.popleft()
            self.dropped += 1

    def silent(self, now: int) -> list[tuple[int, int]]:
        """VRID and ns of the silence of each virtual router from which an advert is overdue now."""
        if not self._silences:
            return []
        return [(one.vrid, now - one.last) for one in self.streams.values() if _late(now - one.last, one.interval)]

    def _heard(self, source: str, mac: str, now: int) -> None:
        self.nodes.pop(source, None)
        self.nodes[source] = now
        self.node_of_mac[mac] = source
        while len(self.nodes) > NODES:
            del self.nodes[next(iter(self.nodes))]
        while len(self.node_of_mac) > NODES:
            del self.node_of_mac[next(iter(self.node_of_mac))]

    def _hear_stream(self, number: int, packet: PacketLine) -> None:
        frame = summary(packet.frame)
        name = (packet.interface, ":" in frame.source, frame.vrid)
        stream = self.streams.get(name)
        if stream is not None and self._silences and _late(packet.mono_ns - stream.last, stream.interval):
            self._special(Rung("silence", number, packet, packet, silence=packet.mono_ns - stream.last))
        interval = (frame.interval_cs or 0) * 10_000_000 if frame.priority else 0
        self.streams[name] = Stream(frame.vrid or 0, packet.mono_ns, interval)
        if len(self.streams) > 1_024:
            del self.streams[next(iter(self.streams))]

    def _interrupted(self, number: int, packet: PacketLine) -> None:
        if self.rungs:
            self._special(Rung("break", number, packet, packet))
        self.streams.clear()
        self._last.clear()

    def _special(self, rung: Rung) -> None:
        self._append(rung)
        self._full.clear()
        self._fold = None

    def _add_alike(self, key: Hashable, number: int, packet: PacketLine, spacing: int) -> None:
        fold = self._fold
        if fold is None:
            self._folded = {key}
            self._fold = Rung("alike", number, packet, packet, 1, 1, spacing, spacing, spacing)
            self._fold.rejected = int(packet.verdict not in PASSED)
            self._append(self._fold)
            return
        self._folded.add(key)
        fold.rejected += packet.verdict not in PASSED
        fold.last = packet
        fold.count += 1
        fold.streams = len(self._folded)
        fold.least, fold.most = min(fold.least, spacing), max(fold.most, spacing)
        fold.total += spacing

    def _append(self, rung: Rung) -> None:
        self.rungs.append(rung)
        if len(self.rungs) > RUNGS:
            self.rungs.popleft()
            self.dropped += 1


class Sightings:
    """Tells which packets another of several nodes has seen already: on a ladder one that passed stands once."""

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[str, int]] = {}
        """What tells packets of one kind apart -> node that saw the last one, clock of it."""

    def again(self, packet: PacketLine) -> bool:
        """It was taken from another node before; a refused one stands for itself."""
        node = getattr(packet, "node", "")
        if not node or packet.verdict not in PASSED:
            return False
        frame = summary(packet.frame)
        key = (packet.kind, frame.source, frame.vrid, frame.priority, frame.addresses)
        apart = (frame.interval_cs or 0) * 5_000_000 or APART
        by, at = self._last.get(key, (node, 0))
        if by != node and abs(packet.mono_ns - at) < apart:
            return True
        self._last[key] = (node, packet.mono_ns)
        if len(self._last) > KEYS:
            del self._last[next(iter(self._last))]
        return False


class LadderView:
    """The ladder of a view, kept up with it: the newest `HISTORY` rows, and all that come."""

    def __init__(self) -> None:
        self.ladder = Ladder()
        self._sightings = Sightings()
        self._filter: PacketFilter | None = None
        self._generation = -1
        self._last = -1

    def update(self, view: PacketView) -> None:
        """Take what came since the last time, or everything when the rows are others."""
        searching = bool(view.unsearched) and self._filter is view.filter
        if self._generation != view.generation and not searching:
            self.ladder = Ladder(silences=view.filter.whole_streams)
            self._sightings = Sightings()
            self._filter, self._generation, self._last = view.filter, view.generation, -1
        fresh: list[tuple[int, PacketLine]] = []
        for number, packet in islice(zip(reversed(view.numbers), reversed(view.rows), strict=True), HISTORY):
            if number <= self._last:
                break
            fresh.append((number, packet))
        breaks = list(view.breaks)
        for number, packet in reversed(fresh):
            gap = self._last >= 0 and bisect_right(breaks, number) > bisect_right(breaks, self._last)
            if gap or not self._sightings.again(packet):
                self.ladder.add(number, packet, follows=not gap)
            self._last = number
        if view.numbers:
            self.ladder.trim(view.numbers[0])


def _late(gap: int, interval: int) -> bool:
    return bool(interval) and gap > interval * LATE // 2 + SLACK
