"""What the engine has said: the last status per key, a ring of events, a ring of packets.

Invariant: the store only repeats; it derives nothing that the engine did not say, except counting what it
received; what the console has said itself stands among the events as a row of its own. A Snapshot voids all statuses
known before. `silent` tells when nothing here may be shown as present any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from engine.messages import (
    ConfigConfirmed,
    ConfigLoaded,
    ConfigRefused,
    ConfigReverted,
    ConfigRevertRefused,
    EngineStatus,
    EventLine,
    FindingStatus,
    Gap,
    Heartbeat,
    Hello,
    InstanceStatus,
    InterfaceStatus,
    PacketLine,
    ServerLine,
    Snapshot,
    Status,
    StatusGone,
    StatusLine,
    TrackerStatus,
)

JUMP = 2_000_000_000
"""ns by which the wall clock has to move between two heartbeats to be told."""
SILENCE = 3_000_000_000
"""ns without a sign of life of the vrrp loop after which every state is UNKNOWN."""
CELL = 5_000_000_000
"""ns of one cell of the adverts line."""
CELLS = 30
PACKET_OCTETS = 16 * 1024 * 1024
"""Octets of frames that are kept."""


class Connection(StrEnum):
    """How the console stands to the engine."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"
    """It was there; trying again."""
    ABSENT = "absent"
    """No socket, or nobody listens."""
    DENIED = "denied"
    MISMATCH = "mismatch"
    """It speaks another version of the vocabulary."""


class LinkState(msgspec.Struct, frozen=True):
    """A change of the connection, told by the link among the engine's lines."""

    connection: Connection
    since: int
    """The link's clock."""
    detail: str = ""
    retry_at: int = 0
    round_trip: int = 0
    """ns that a question and its answer took at least; 0 not measured."""
    advice: str = ""
    """What to do about it, where more is known than the state says."""


class GapRow(msgspec.Struct, frozen=True):
    """A place in the list of events where some are missing, or where the time itself jumped."""

    events: int
    mono_ns: int
    wall_ns: int
    jump: int = 0
    """ns by which the wall clock moved beside the engine's clock, as after a suspension."""

    @property
    def words(self) -> str:
        """What is missing."""
        if self.jump:
            return f"the wall clock moved {self.jump / 1_000_000_000:+.0f} s"
        return f"{self.events} events missed"


class SaidRow(msgspec.Struct, frozen=True):
    """A message of this console, repeated among the events; the engine knows nothing of it."""

    number: int
    mono_ns: int
    wall_ns: int
    words: str
    severity: str
    """bad, warn or info."""


class NodeTold(msgspec.Struct, frozen=True):
    """What one of several engines said, with its own names."""

    node: str
    line: ServerLine | LinkState


class Rewound(msgspec.Struct, frozen=True):
    """All that was told before is void: a recording goes back, or another link begins."""


Told = ServerLine | LinkState | NodeTold | Rewound
CONFIG_EVENTS = (ConfigLoaded, ConfigRefused, ConfigConfirmed, ConfigReverted, ConfigRevertRefused)
"""What happens to the configuration; kept apart, however many other events come."""
Row = EventLine | GapRow | SaidRow


class Tally(msgspec.Struct):
    """What one cell of the adverts line has seen, from the counters of two statuses."""

    cell: int
    adverts: int = 0
    expected: float = 0
    missed: int = 0
    rejected: int = 0

    @property
    def mark(self) -> str:
        """`.` on time, `:` late, `!` missed, `x` rejected, blank unknown."""
        if self.rejected:
            return "x"
        if self.missed:
            return "!"
        if not self.adverts and self.expected < 1:
            return " "
        return ":" if self.adverts + 1 < self.expected else "."


REJECTIONS = (
    "packet_len_err",
    "advert_interval_err",
    "ip_ttl_err",
    "invalid_type_rcvd",
    "addr_list_err",
    "invalid_authtype",
    "authtype_mismatch",
    "auth_failure",
    "vers_err",
    "chk_err",
    "dest_err",
    "auth_ext_missing",
    "auth_ext_malformed",
    "auth_ext_unknown_key",
    "auth_ext_invalid_hmac",
    "auth_ext_stale",
    "auth_ext_replay",
)


def rejected(status: InstanceStatus) -> int:
    """How many adverts this instance has ever rejected."""
    return sum(getattr(status.counters, name) for name in REJECTIONS)


class Store:
    """The console's copy. `apply` takes each line in order."""

    def __init__(self, *, events: int = 100_000, packets: int = 50_000, packet_octets: int = PACKET_OCTETS) -> None:
        self.hello: Hello | None = None
        self.link = LinkState(Connection.CONNECTING, 0)
        self.engine: EngineStatus | None = None
        self.instances: dict[str, InstanceStatus] = {}
        self.trackers: dict[tuple[str, str], TrackerStatus] = {}
        self.interfaces: dict[str, InterfaceStatus] = {}
        self.findings: dict[str, FindingStatus] = {}
        """What the engine's diagnosis says, by name."""
        self.events: deque[Row] = deque(maxlen=events)
        self.config_told: deque[EventLine] = deque(maxlen=100)
        """The last events of CONFIG_EVENTS."""
        self.packets: deque[PacketLine] = deque(maxlen=packets)
        self.events_revision = 0
        """Grows with every event."""
        self.events_older = 0
        """Grows when older events are put before those that came."""
        self.packet_octets = 0
        """Octets of the frames in the ring."""
        self._packet_limit = packet_octets
        self.packets_seen = 0
        """All that ever came; those older than the ring are dropped."""
        self.packets_lost = 0
        """Dropped by the engine because this reader was slow."""
        self.last_seq = 0
        self.vrrp_heard = 0
        self.updated_at = 0
        """Engine's clock at the last status."""
        self.adverts: dict[str, deque[Tally]] = {}
        self._counted_at: dict[str, int] = {}
        self._wall_offset = 0
        self.nodes: dict[str, Store] = {}
        """Where several engines are seen: what each one said, by the name of its node."""
        self.revision = 0
        """Grows with every line that changes something to see."""

    def apply(self, told: Told) -> None:
        """Take one line."""
        match told:
            case NodeTold(node=node, line=line):
                self.nodes.setdefault(node, Store(events=2000, packets=1)).apply(line)
            case Rewound():
                self._forget()
            case LinkState():
                self.link = told
                if told.connection is not Connection.LIVE:
                    self.vrrp_heard = 0
            case Hello():
                self.hello = told
            case Snapshot():
                self._snapshot(told)
            case StatusLine(status=status, mono_ns=mono):
                self.updated_at = mono
                self._status(status, mono)
            case StatusGone(kind=kind, name=name):
                self._gone(kind, name)
            case EventLine(seq=seq):
                if seq <= self.last_seq and self.events:
                    return
                self.events.append(told)
                if isinstance(told.event, CONFIG_EVENTS):
                    self.config_told.append(told)
                self.events_revision += 1
                self.last_seq = max(self.last_seq, seq)
            case PacketLine():
                self._packet(told)
            case Gap(packets=packets, events=events):
                self.packets_lost += packets
                if events:
                    self.events_revision += 1
                    last = self.events[-1] if self.events else None
                    self.events.append(GapRow(events, last.mono_ns if last else 0, last.wall_ns if last else 0))
            case Heartbeat(vrrp_heard=heard):
                self.vrrp_heard = max(self.vrrp_heard, heard)
                self._clocks(told)
            case _:
                return
        self.revision += 1

    def say(self, row: SaidRow) -> None:
        """Take what the console has said."""
        self.events.append(row)
        self.events_revision += 1
        self.revision += 1

    @property
    def wall_offset(self) -> int:
        """ns that its wall clock is ahead of the clock of the instants here; 0 before the first heartbeat."""
        return self._wall_offset

    @property
    def oldest(self) -> EventLine | None:
        """The first event that is still here."""
        return next((row for row in self.events if isinstance(row, EventLine)), None)

    def older(self, lines: Sequence[EventLine]) -> int:
        """Put events of the engine's journal before those that came. Returns how many were new and had room."""
        oldest = self.oldest
        room = (self.events.maxlen or 0) - len(self.events)
        fresh = [line for line in lines if oldest is None or line.seq < oldest.seq][-room:] if room > 0 else []
        if fresh:
            self.events.extendleft(reversed(fresh))
            self.events_revision += len(fresh)
            self.events_older += 1
            self.last_seq = max(self.last_seq, fresh[-1].seq)
            self.revision += 1
        return len(fresh)

    def node_of(self, name: str) -> Store:
        """The store of the node that this name is of; this one where there is but one engine."""
        return self.nodes.get(name.partition(":")[0], self)

    def order_of(self, name: str) -> int:
        """The place of this name's node among the nodes; they have the order in which they were asked for."""
        node = name.partition(":")[0]
        return next((at for at, other in enumerate(self.nodes) if other == node), len(self.nodes))

    def silent(self, now: int, name: str = "") -> bool:
        """Nothing of the states (of the node of this instance) may be believed: not connected, or no sign of life
        for 3 s."""
        if name and (store := self.node_of(name)) is not self:
            return store.silent(now)
        return self.link.connection is not Connection.LIVE or now - self.vrrp_heard > SILENCE

    def cells(self, name: str, now: int, count: int) -> str:
        """The last `count` cells of the adverts line, the newest last."""
        newest = now // CELL
        marks = {tally.cell: tally.mark for tally in self.adverts.get(name, ())}
        return "".join(marks.get(cell, " ") for cell in range(newest - count + 1, newest + 1))

    def _clocks(self, told: Heartbeat) -> None:
        """A wall clock that was set, or a machine that slept, is a row among the events."""
        offset = told.wall_ns - told.mono_ns
        jump = offset - self._wall_offset if self._wall_offset else 0
        self._wall_offset = offset
        if abs(jump) > JUMP:
            self.events.append(GapRow(0, told.mono_ns, told.wall_ns, jump))
            self.events_revision += 1

    def _packet(self, told: PacketLine) -> None:
        """Into the ring, which is bounded by count and by octets: the oldest give way."""
        if len(self.packets) == self.packets.maxlen:
            self.packet_octets -= len(self.packets.popleft().frame)
        self.packets.append(told)
        self.packets_seen += 1
        self.packet_octets += len(told.frame)
        while self.packet_octets > self._packet_limit and len(self.packets) > 1:
            self.packet_octets -= len(self.packets.popleft().frame)

    def _forget(self) -> None:
        """Begin anew; counters that tell of change go on growing."""
        for kept in (self.instances, self.trackers, self.interfaces, self.findings, self.adverts, self._counted_at):
            kept.clear()
        self.nodes.clear()
        for ring in (self.events, self.config_told, self.packets):
            ring.clear()
        self.engine, self.last_seq, self.vrrp_heard, self.packet_octets = None, 0, 0, 0
        self._wall_offset = 0  # another clock is no jump of this one
        self.events_revision += 1
        self.events_older += 1

    def _snapshot(self, snapshot: Snapshot) -> None:
        self.instances.clear()
        self.trackers.clear()
        self.interfaces.clear()
        self.findings.clear()
        self.engine = None
        self.updated_at = snapshot.mono_ns
        self.vrrp_heard = max(self.vrrp_heard, snapshot.mono_ns)
        if snapshot.seq < self.last_seq:  # another life of the engine: its numbers begin again
            self.last_seq = snapshot.seq
        for status in snapshot.statuses:
            self._status(status, snapshot.mono_ns)

    def _status(self, status: Status, mono: int) -> None:
        match status:
            case InstanceStatus():
                self._count(status, mono)
                self.instances[status.name] = status
                self.vrrp_heard = max(self.vrrp_heard, mono)
            case TrackerStatus():
                self.trackers[status.kind, status.name] = status
            case InterfaceStatus():
                self.interfaces[status.name] = status
            case EngineStatus():
                self.engine = status
            case FindingStatus():
                self.findings[status.name] = status

    def _gone(self, kind: str, name: str) -> None:
        if kind == "instance-status":
            self.instances.pop(name, None)
        elif kind == "tracker-status":
            for key in [key for key in self.trackers if name in (key[1], f"{key[0]} {key[1]}")]:
                del self.trackers[key]
        elif kind == "interface-status":
            self.interfaces.pop(name, None)
        elif kind == "finding-status":
            self.findings.pop(name, None)

    def _count(self, new: InstanceStatus, mono: int) -> None:
        """Book what the counters of this status add to the adverts line."""
        line = self.adverts.setdefault(new.name, deque(maxlen=CELLS))
        cell = mono // CELL
        if not line or line[-1].cell != cell:
            line.append(Tally(cell))
        old = self.instances.get(new.name)
        before = self._counted_at.get(new.name, mono)
        self._counted_at[new.name] = mono
        if old is None:
            return
        tally = line[-1]
        pace = old.master_advert_interval if old.state == "BACKUP" else old.advert_interval
        if pace > 0 and old.state in ("MASTER", "BACKUP"):
            tally.expected += max(0, mono - max(before, cell * CELL)) / pace
        tally.adverts += max(0, new.counters.advert_sent - old.counters.advert_sent)
        tally.adverts += max(0, new.counters.advert_rcvd - old.counters.advert_rcvd)
        tally.rejected += max(0, rejected(new) - rejected(old))
        tally.missed = max(tally.missed, new.missed)
