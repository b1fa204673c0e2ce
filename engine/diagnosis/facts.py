"""What is known at one instant, for diagnosis.

Invariant: a fact that nobody could read is None or empty, and then no rule that needs it speaks. Counting goes by
`Tally`, which is given every packet of a sample once.
"""

from __future__ import annotations

import msgspec

from engine.config.model import NS_PER_S, Config
from engine.errors import PacketError
from engine.messages import (
    AddressLost,
    InstanceStatus,
    InterfaceStatus,
    NearMiss,
    PacketLine,
    StateChanged,
    TrackerStatus,
    Verdict,
)
from engine.protocol.packet import TRAILER_LENGTH, parse_trailer, summarise

SENDERS = 256
"""Senders in one tally; a flood of forged ones adds no more."""


class Sender(msgspec.Struct):
    """What one router has sent for one VRID during a sample."""

    interface: str
    family: int
    vrid: int
    source: str
    instance: str = ""
    """Ours of that interface, family and VRID; empty when there is none."""
    mac: str = ""
    destination: str = ""
    version: int = 0
    priority: int = 0
    interval_cs: int = 0
    authentication: str = ""
    addresses: tuple[str, ...] = ()
    seen: int = 0
    """Frames on the wire."""
    last: int = 0
    """ns: when the last one came."""
    verdicts: dict[Verdict, int] = {}
    """How often the engine said what; UNSEEN never reached its socket."""
    details: dict[Verdict, str] = {}
    """The last sentence of each verdict."""
    ahead: int | None = None
    """ns that its clock is ahead of ours, by the time stamp of its keyed trailer; None without one."""

    def count(self, *verdicts: Verdict) -> int:
        """How many of its adverts got one of these verdicts."""
        return sum(self.verdicts.get(one, 0) for one in verdicts)


class Announcement(msgspec.Struct, frozen=True):
    """The last gratuitous ARP or NA for an address."""

    address: str
    mac: str
    at: int


class Runs(msgspec.Struct, frozen=True):
    """The recent runs of one track script."""

    name: str
    durations: tuple[int, ...] = ()
    """ns each."""
    changes: int = 0
    """How often it turned good or bad in the last ten minutes."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one instant. Absent parts are unknown."""

    now: int
    config: Config = Config()
    instances: tuple[InstanceStatus, ...] = ()
    trackers: tuple[TrackerStatus, ...] = ()
    interfaces: tuple[InterfaceStatus, ...] = ()
    sampled: int = 0
    """ns that the tap was open; 0: nothing was listened to."""
    senders: tuple[Sender, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    answers: tuple[Announcement, ...] = ()
    """Other hosts that answered for an address which is ours as master, and when they were asked."""
    groups: dict[str, frozenset[str]] | None = None
    """Multicast groups that this host has joined, by interface."""
    others: tuple[str, ...] = ()
    """Other programs of this host with a socket for VRRP, as "keepalived (pid 812)"."""
    alive: frozenset[str] = frozenset()
    """Addresses of the link that the kernel lately found reachable."""
    lost: tuple[tuple[int, AddressLost], ...] = ()
    """(instant, event) of the last ten minutes."""
    near: tuple[tuple[int, NearMiss], ...] = ()
    turns: tuple[tuple[int, StateChanged], ...] = ()
    """(instant, event) of the last changes of state, oldest first."""
    stolen: dict[int, float] = {}
    """Share of the processors that a hypervisor gave to others around a near miss, by its instant."""
    runs: tuple[Runs, ...] = ()
    culprits: tuple[str, ...] = ()
    """Network managers that run here, such as systemd-networkd."""
    firewalls: tuple[str, ...] = ()
    """Of nft, iptables, firewalld: those in use here."""
    cloud: str = ""
    """The cloud that this machine runs in, by its vendor string."""
    impaired: frozenset[str] = frozenset()
    """Instances of a drill, made deaf or ill on purpose."""


class Tally:
    """Counts what the tap sees."""

    def __init__(self) -> None:
        self._senders: dict[tuple[str, int, int, str], Sender] = {}
        self._announcements: dict[str, Announcement] = {}
        self.started = 0
        """ns: from when on counting is fair."""

    def begin(self, at: int) -> None:
        """A new sample: senders are counted anew, announcements stay."""
        self._senders = {}
        self.started = at

    def note(self, line: PacketLine) -> None:
        """One packet with its verdict."""
        if line.kind != "advert":
            told = summarise(line.frame)
            for address in told.addresses:
                if len(self._announcements) < SENDERS or address in self._announcements:
                    self._announcements[address] = Announcement(address, told.source_mac, line.mono_ns)
            return
        if line.direction != "in" or line.mono_ns < self.started:
            return
        told = summarise(line.frame)
        if told.kind != "advert" or told.vrid is None:
            return
        key = (line.interface, 6 if ":" in told.source else 4, told.vrid, told.source)
        sender = self._senders.get(key)
        if sender is None:
            if len(self._senders) >= SENDERS:
                return
            sender = self._senders[key] = Sender(*key, verdicts={}, details={})
        sender.seen += 1
        sender.last = line.mono_ns
        sender.instance = line.instance or sender.instance
        sender.mac, sender.destination = told.source_mac, told.destination
        sender.version, sender.priority = told.version or 0, told.priority or 0
        sender.interval_cs, sender.authentication = told.interval_cs or 0, told.authentication
        sender.addresses = told.addresses
        if told.authentication == "hmac":
            sender.ahead = _ahead(line)
        sender.verdicts[line.verdict] = sender.verdicts.get(line.verdict, 0) + 1
        if line.detail:
            sender.details[line.verdict] = line.detail

    @property
    def senders(self) -> tuple[Sender, ...]:
        """All that were heard in this sample."""
        return tuple(self._senders.values())

    @property
    def announcements(self) -> tuple[Announcement, ...]:
        """The last one for each address."""
        return tuple(self._announcements.values())


def _ahead(line: PacketLine) -> int | None:
    """How far the sender's clock is ahead of ours, ns; the trailer says seconds modulo 2**32."""
    try:
        trailer = parse_trailer(line.frame[-TRAILER_LENGTH:])
    except PacketError:
        return None
    wrap = (1 << 32) * NS_PER_S
    stamp = trailer.seconds * NS_PER_S + trailer.fraction * NS_PER_S // 65536
    return (stamp - line.wall_ns + wrap // 2) % wrap - wrap // 2
