"""What the probes of a client say about a span of time.

Invariant: counted, not estimated. A probe is good when its answer came within `patience`; an outage reaches
from the last good answer before it to the first good answer after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hatui.lab.client import HEADER, MAGIC, RECORD

NS_PER_S = 1_000_000_000
PATIENCE = NS_PER_S
"""ns that an answer may take."""


@dataclass(frozen=True)
class Probe:
    """One ping: when sent, when first answered (0 for never), by which MAC, how many answers."""

    number: int
    sent: int
    answered: int
    mac: str
    answers: int

    def good(self, patience: int = PATIENCE) -> bool:
        """True when an answer came in time."""
        return self.answered != 0 and self.answered - self.sent <= patience


@dataclass(frozen=True)
class Outage:
    """A time without good answers. All ns; `lost` probes in it."""

    start: int
    """Last good answer before it (the first probe's sending when there was none)."""
    end: int
    """First good answer after it; 0 when it has not ended."""
    lost: int

    @property
    def duration(self) -> int:
        """ns; 0 while it has not ended."""
        return self.end - self.start if self.end else 0


@dataclass(frozen=True)
class Report:
    """All that the probes of a span say."""

    sent: int
    lost: int
    outages: tuple[Outage, ...]
    owners: tuple[tuple[int, str], ...]
    """(instant, MAC) at each change of the answering MAC, the first included."""
    doubled: int
    """Probes that more than one machine answered."""
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def outage(self) -> int:
        """ns of the longest outage that has ended; 0 for none."""
        return max((one.duration for one in self.outages), default=0)

    @property
    def over(self) -> bool:
        """False while the last outage has not ended."""
        return all(one.end for one in self.outages)

    @property
    def owner(self) -> str:
        """Name of the host that answered last (its MAC when unknown), or empty."""
        return self.names.get(self.owners[-1][1], self.owners[-1][1]) if self.owners else ""

    def __str__(self) -> str:
        text = f"{self.lost} of {self.sent} pings lost"
        if not self.over:
            return f"{text}, no answer since {self.outages[-1].start / NS_PER_S:.3f}"
        return f"{text}, outage {self.outage / NS_PER_S:.3f} s" if self.outages else text


def read_probes(path: Path, since: int = 0, until: int | None = None) -> list[Probe]:
    """The probes sent in [since, until), from the pinger's file, oldest first.

    Raises: ValueError when the file is none of a pinger's.
    """
    with path.open("rb") as file:
        head = file.read(HEADER.size)
        magic, sent, _, _ = HEADER.unpack(head) if len(head) == HEADER.size else (b"", 0, 0, 0)
        if magic != MAGIC:
            raise ValueError(f"{path} is no file of a pinger")

        def at(number: int) -> tuple[int, int, bytes, int, int]:
            file.seek(HEADER.size + number * RECORD.size)
            return RECORD.unpack(file.read(RECORD.size))

        first = _first(sent, lambda number: at(number)[0] >= since)
        file.seek(HEADER.size + first * RECORD.size)
        data = file.read((sent - first) * RECORD.size)
    probes = []
    for number, (at_ns, answered, mac, answers, _last) in enumerate(RECORD.iter_unpack(data), first):
        if until is not None and at_ns >= until:
            break
        probes.append(Probe(number, at_ns, answered, mac.hex(":") if answered else "", answers))
    return probes


def _first(count: int, true_from: Callable[[int], bool]) -> int:
    """The smallest number below `count` for which `true_from` holds (then for all later ones); else `count`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if true_from(middle):
            high = middle
        else:
            low = middle + 1
    return low


def judge(probes: list[Probe], names: Mapping[str, str] | None = None, patience: int = PATIENCE) -> Report:
    """Count losses, outages, changes of owner."""
    outages: list[Outage] = []
    owners: list[tuple[int, str]] = []
    start = probes[0].sent if probes else 0
    lost = run = doubled = 0
    for probe in probes:
        doubled += probe.answers > 1
        if not probe.good(patience):
            run += 1
            lost += 1
            continue
        if run:
            outages.append(Outage(start, probe.answered, run))
            run = 0
        start = probe.answered
        if not owners or owners[-1][1] != probe.mac:
            owners.append((probe.answered, probe.mac))
    if run:
        outages.append(Outage(start, 0, run))
    return Report(len(probes), lost, tuple(outages), tuple(owners), doubled, names or {})
