"""PURE. Samples of probes and frames from the wire become outages, phases and owners.

Invariant: counted, not estimated: an outage reaches from the last good answer before it to the first good one
after it, and a probe that was never good again has no end. What was not seen is -1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.messages import Phase, ProbeResult, ProbeRow, ProbeSample, Turn

CELLS = 60
SAMPLES = 40_000
"""Kept of one probe: the newest."""


@dataclass(slots=True)
class Series:
    """All samples of one probe."""

    name: str
    every: int
    samples: deque[ProbeSample] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    @property
    def owner(self) -> bool:
        """It asks who owns the address."""
        return self.name.endswith((" arp", " nd"))

    def row(self) -> ProbeRow:
        """As the console shows it."""
        first = next((one.macs[0] for one in self.samples if one.macs), "")
        newest = list(self.samples)[-CELLS:]
        cells = "".join("x" if not one.ok else "m" if one.macs and one.macs != (first,) else "." for one in newest)
        lost = sum(not one.ok for one in self.samples)
        return ProbeRow(self.name, cells, len(self.samples), lost)

    def good_since(self, instant: int) -> int:
        """Good ones in a row up to now, sent after an instant."""
        count = 0
        for one in reversed(self.samples):
            if one.sent <= instant or not one.ok:
                break
            count += 1
        return count

    def gaps(self) -> list[tuple[int, int]]:
        """From the last good answer to the first good one; 0 as the end while there is none."""
        found: list[tuple[int, int]] = []
        last = self.samples[0].sent if self.samples else 0
        lost = False
        for one in self.samples:
            if not one.ok:
                lost = True
                continue
            if lost:
                found.append((last, one.sent + one.rtt))
            lost, last = False, one.sent + one.rtt
        return [*found, (last, 0)] if lost else found

    def result(self, turns: Sequence[Turn]) -> ProbeResult:
        """Its figures; an outage that begins after a restoration and before the next act is one of a way back."""
        gaps = [] if self.owner else self.gaps()
        there = [end - start for start, end in gaps if end and not on_the_way_back(turns, start, end)]
        back = [end - start for start, end in gaps if end and on_the_way_back(turns, start, end)]
        owners: dict[str, None] = {}
        doubled = 0
        for one in self.samples:
            owners.update(dict.fromkeys(one.macs))
            doubled += self.every if len(one.macs) > 1 else 0
        return ProbeResult(
            self.name,
            self.every,
            len(self.samples),
            sum(not one.ok for one in self.samples),
            max(there, default=0),
            max(back, default=0),
            tuple(owners),
            doubled,
            any(not end for _, end in gaps),
        )


def on_the_way_back(turns: Sequence[Turn], start: int, end: int) -> bool:
    """Whether an outage follows a restoration, and no act begins within it."""
    begun = [one for one in turns if one.acted and one.acted < end]
    return bool(begun) and 0 < begun[-1].restored <= start


@dataclass(slots=True)
class Wire:
    """What the frames on the link said about one instance since a drill began (wall clock)."""

    own: int = 0
    """Our last advert before the act."""
    farewell: int = 0
    """Our priority 0."""
    other: int = 0
    """The first advert of another router after the act."""
    sender: str = ""
    announced: dict[str, int] = field(default_factory=dict)
    """Address to its first announcement by another host after the act."""


def phases(
    wire: Wire, acted: int, back: int, adverts: int, expected: tuple[int, int], addresses: Sequence[str]
) -> tuple[Phase, ...]:
    """detect, elect, address, announce, client. `back` is the client's first good answer, `adverts` the time of all
    adverts that have to be missed; `expected` is of detect and elect."""
    detect = elect = address = announce = client = -1
    if wire.other and acted:
        begun = wire.farewell or (min(wire.other, wire.own + adverts) if wire.own else 0)
        if begun:
            detect = max(0, begun - acted)
            elect = max(0, wire.other - max(begun, acted))
    seen = [wire.announced[one] for one in addresses if one in wire.announced]
    if seen and wire.other:
        address, announce = max(0, min(seen) - wire.other), max(seen) - min(seen)
        if back:
            client = max(0, back - max(seen))
    return (
        Phase("detect", expected[0], detect),
        Phase("elect", expected[1], elect),
        Phase("address", -1, address),
        Phase("announce", -1, announce),
        Phase("client", -1, client),
    )
