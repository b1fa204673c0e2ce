"""What instances watch, and what it does to their priority: scripts, interfaces, processes, files, BFD.

Invariant: the contributions of the ledger lines add up to the effective priority, always; a line with
`fault` is one reason of FAULT, and FAULT ends when no line has it. Source: keepalived.conf(5) track_*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from engine.config.model import Address, Config, Instance, Script, Track, TrackedFile, TrackedProcess, Tracking
from engine.messages import LedgerLine, TrackerChanged, TrackerStatus

if TYPE_CHECKING:
    from engine.protocol.host import Interface

FILE_FAULT = -254
"""A file whose value times weight is this or less means FAULT."""


def contribution(weight: int, reverse: bool, good: bool | None) -> tuple[int, bool]:
    """(points, fault) of one tracked item. Without a result yet: nothing.

    A positive weight is earned while good, a negative one paid while bad; reverse turns the sign; weight 0
    makes bad (reverse: good) a fault. Source: keepalived.conf(5) vrrp_script weight.
    """
    if good is None:
        return 0, False
    if weight == 0:
        return 0, good is reverse
    points = weight if good is (weight > 0) else 0
    return (-points if reverse else points), False


def file_contribution(weight: int, reverse: bool, value: int) -> tuple[int, bool]:
    """(points, fault) of a track_file: its value times the weight, within -254..254.

    Source: keepalived.conf(5) track_file.
    """
    if weight == 0:
        return 0, (value != 0) is not reverse
    points = max(-254, min(254, value * (-weight if reverse else weight)))
    return (0, True) if points <= FILE_FAULT else (points, False)


class Tracker:
    """One tracked script, process, file or BFD session and its last result."""

    __slots__ = (
        "duration",
        "exit_status",
        "fall",
        "forced",
        "good",
        "kind",
        "last_run",
        "name",
        "output",
        "reported",
        "rise",
        "since",
        "streak",
        "value",
    )

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.good: bool | None = None
        self.forced = False
        """A drill lets it count as bad, whatever it finds."""
        self.value = 0
        self.streak = 0
        """Results in a row that contradict `good` (or, when they agree, that agree)."""
        self.rise = 1
        self.fall = 1
        self.last_run = 0
        self.duration = 0
        self.exit_status: int | None = None
        self.output = ""
        self.since = 0
        self.reported = False

    @property
    def counts_as(self) -> bool | None:
        """What instances see of it."""
        return False if self.forced else self.good

    def result(self, good: bool, now: int) -> bool:
        """Count one result; True when it turned the tracker. The first one decides at once.

        Source: keepalived.conf(5) vrrp_script rise, fall.
        """
        self.last_run, self.reported = now, False
        if self.good is None:
            self.good, self.streak, self.since = good, 1, now
            return True
        if good is self.good:
            self.streak = self.streak + 1 if self.streak > 0 else 1
            return False
        self.streak = self.streak - 1 if self.streak < 0 else -1
        if -self.streak < (self.rise if good else self.fall):
            return False
        self.good, self.streak, self.since = good, 1, now
        return True

    def status(self, tracked_by: tuple[str, ...]) -> TrackerStatus:
        """The present, whole."""
        return TrackerStatus(
            kind=self.kind,
            name=self.name,
            good=self.counts_as,
            streak=abs(self.streak),
            rise=self.rise,
            fall=self.fall,
            last_run=self.last_run,
            duration=self.duration,
            exit_status=self.exit_status,
            output=self.output,
            tracked_by=tracked_by,
        )

    def changed(self) -> TrackerChanged:
        """The event that it has turned."""
        return TrackerChanged(self.kind, self.name, bool(self.counts_as), self.detail())

    def detail(self) -> str:
        """One phrase for the ledger."""
        if self.forced:
            return "failed by a drill"
        if self.good is None:
            return "no result yet"
        if self.kind == "script" and self.exit_status is not None:
            if self.exit_status == -1001:
                return "timed out"
            if self.exit_status == -1000:
                return "could not be started"
            if self.exit_status < 0:
                return f"killed by signal {-self.exit_status}"
            return f"exit status {self.exit_status}"
        if self.kind == "process":
            return f"{self.value} running"
        if self.kind == "file":
            return f"value {self.value}"
        return "up" if self.good else "down"


class Trackers:
    """All trackers of a host by (kind, name)."""

    __slots__ = ("_by_key", "_quorum")

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Tracker] = {}
        self._quorum: dict[str, TrackedProcess] = {}

    def configure(self, config: Config) -> None:
        """Take over a configuration; results survive by name."""
        known: dict[tuple[str, str], Tracker] = {}
        items: list[Script | TrackedProcess | TrackedFile] = [*config.scripts, *config.processes, *config.files]
        kinds = ["script"] * len(config.scripts) + ["process"] * len(config.processes) + ["file"] * len(config.files)
        for kind, item in zip(kinds, items, strict=True):
            tracker = known[kind, item.name] = self._by_key.get((kind, item.name)) or Tracker(kind, item.name)
            tracker.reported = False
            if isinstance(item, Script):
                tracker.rise, tracker.fall = item.rise, item.fall
                if item.init_fail and tracker.good is None:
                    tracker.good = False
            elif isinstance(item, TrackedFile) and tracker.good is None:
                tracker.value, tracker.good = item.init_value or 0, True
        for one in config.instances:
            for track in one.tracking.bfd:
                key = ("bfd", track.name)
                known[key] = self._by_key.get(key) or Tracker(*key)
        self._by_key = known
        self._quorum = {item.name: item for item in config.processes}

    def get(self, kind: str, name: str) -> Tracker | None:
        """The tracker of that kind and name."""
        return self._by_key.get((kind, name))

    def all(self) -> list[Tracker]:
        """All trackers, in the order of the configuration."""
        return list(self._by_key.values())

    def process_good(self, name: str, count: int) -> bool:
        """Whether so many processes are a quorum. Source: keepalived.conf(5) vrrp_track_process quorum."""
        wanted = self._quorum.get(name)
        if wanted is None:
            return count > 0
        return wanted.quorum <= count and (wanted.quorum_max is None or count <= wanted.quorum_max)


class Assessment(msgspec.Struct, frozen=True):
    """What all tracked things together mean for one instance."""

    ledger: tuple[LedgerLine, ...]
    priority: int
    faults: tuple[LedgerLine, ...]
    """The lines of its own (not its group's) that mean FAULT."""
    undecided: bool
    """A weight-0 script has no result yet: an instance that has not begun is held back."""


def assess(
    config: Instance,
    tracking: Tracking,
    trackers: Trackers,
    interfaces: Mapping[str, Interface],
    further: Iterable[LedgerLine],
    hold: str,
    before: tuple[LedgerLine, ...],
    now: int,
    rival: LedgerLine | None = None,
) -> Assessment:
    """Build the ledger: base, tracked items, `further` faults, hold, clamp.

    The effective priority is base plus contributions within 1..254; an owner keeps 255 whatever is tracked, and
    is lowered only by the line of a `rival` owner; a hold sets 1 (step-down) or 254 (take-over).
    Source: keepalived.conf(5) vrrp_script weight.
    """
    known = {(line.kind, line.name): line for line in before}
    lines: list[LedgerLine] = []
    undecided = False
    total = config.priority
    base = "owner" if config.owner else "base"
    lines.append(LedgerLine(base, "", None, config.priority, config.priority))

    def add(kind: str, track: Track, good: bool | None, points: int, fault: bool, detail: str) -> None:
        nonlocal total
        if config.owner:
            points = 0
        total += points
        old = known.get((kind, track.name))
        same = old is not None and (old.good, old.contribution, old.fault) == (good, points, fault)
        since = old.since if old is not None and same else now
        weight = -track.weight if track.reverse else track.weight
        lines.append(LedgerLine(kind, track.name, good, weight, points, fault, detail, since))

    for kind, tracks in (("script", tracking.scripts), ("process", tracking.processes), ("bfd", tracking.bfd)):
        for track in tracks:
            tracker = trackers.get(kind, track.name)
            good = tracker.counts_as if tracker else None
            undecided = undecided or (kind == "script" and good is None and track.weight == 0)
            detail = tracker.detail() if tracker else "not configured"
            add(kind, track, good, *contribution(track.weight, track.reverse, good), detail)
    for track in tracking.interfaces:
        facts = interfaces.get(track.name)
        good = facts is not None and facts.exists and facts.up
        add("interface", track, good, *contribution(track.weight, track.reverse, good), _link_text(facts))
    for track in tracking.files:
        tracker = trackers.get("file", track.name)
        value = tracker.value if tracker else 0
        points, fault = file_contribution(track.weight, track.reverse, value)
        add("file", track, not fault, points, fault, f"value {value}")
    for line in further:
        old = known.get((line.kind, line.name))
        lines.append(msgspec.structs.replace(line, since=old.since if old is not None and old.fault else now))
    priority = 255 if config.owner else max(1, min(254, total))
    if priority != total:
        lines.append(LedgerLine("clamp", "", None, 0, priority - total, detail="within 1..254"))
    if rival is not None and config.owner:
        old = known.get((rival.kind, rival.name))
        lines.append(msgspec.structs.replace(rival, since=old.since if old is not None else now))
        priority += rival.contribution
    if hold:
        held = 254 if hold == "take-over" else 1
        old = known.get(("hold", hold))
        since = old.since if old is not None else now
        lines.append(LedgerLine("hold", hold, None, 0, held - priority, since=since))
        priority = held
    faults = tuple(line for line in lines if line.fault and line.kind != "sync-group")
    return Assessment(tuple(lines), priority, faults, undecided)


def _link_text(facts: Interface | None) -> str:
    if facts is None or not facts.exists:
        return "does not exist"
    if facts.dark:
        return "down by a drill"
    return "up" if facts.up else "down"


def fault(kind: str, name: str, detail: str = "") -> LedgerLine:
    """One cause of FAULT that moves no priority."""
    return LedgerLine(kind, name, good=False, weight=0, contribution=0, fault=True, detail=detail)


def faults_of_place(
    config: Instance, addresses: tuple[Address, ...], interfaces: Mapping[str, Interface], source: str, unsendable: str
) -> list[LedgerLine]:
    """Faults that need no track line: an interface is down, there is no source address, no peer, no advert.

    Source: keepalived.conf(5) dont_track_primary, no_track, unicast_fault_no_peer.
    """
    lines: list[LedgerLine] = []
    devices = [config.interface] if config.track_primary else []
    devices += [one.interface for one in addresses if one.track and one.interface != config.interface]
    for name in dict.fromkeys(devices):
        facts = interfaces.get(name)
        if facts is None or not facts.exists or not facts.up:
            lines.append(fault("link", name, _link_text(facts)))
    if not source:
        kind = "link-local IPv6" if config.family == 6 else "IPv4"
        text = f"{config.interface} has no {kind} address to send from"
        if config.source:
            text = f"{config.interface} does not have the address {config.source}"
        lines.append(fault("source", config.interface, text))
    if config.unicast and not config.unicast_peers:
        lines.append(fault("peers", "", "unicast without a peer"))
    if unsendable:
        lines.append(fault("advert", "", unsendable))
    return lines
