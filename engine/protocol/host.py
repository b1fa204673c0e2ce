"""What all instances of one host share: interfaces, trackers, the list of outputs, the heap of deadlines.

Invariant: each instance has at most one live entry in the heap, at or before its next deadline. Moving a
deadline later touches nothing here; moving it earlier pushes one entry and voids the older one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING

from engine.config.model import Config, Globals, Instance
from engine.messages import InterfaceChanged, Output
from engine.protocol.hearing import Hearing
from engine.protocol.tally import HostTally
from engine.protocol.timing import NEVER
from engine.protocol.tracking import Trackers

if TYPE_CHECKING:
    from engine.protocol.timers import Timers


class Interface:
    """One network interface as last told: facts, no opinions."""

    __slots__ = ("addresses", "carrier", "dark", "exists", "kind", "mac", "mtu", "name", "reported", "since")

    def __init__(self, name: str) -> None:
        self.name = name
        self.exists = False
        self.carrier = False
        self.dark = False
        """A drill simulates the loss of the carrier."""
        self.mac = ""
        self.mtu = 0
        self.kind = ""
        self.since = 0
        self.addresses: dict[str, int] = {}
        """Address text to prefix, in kernel order, virtual addresses included."""
        self.reported = False

    @property
    def up(self) -> bool:
        """Administratively up and running, as far as anybody here may know."""
        return self.carrier and not self.dark

    def tell(self, fact: InterfaceChanged, now: int) -> bool:
        """Take over a whole new state; True when it went up or down (or away, or came back)."""
        moved = (self.exists, self.carrier) != (fact.exists, fact.up)
        if moved:
            self.since = now
        self.exists, self.carrier, self.mac, self.mtu, self.kind = fact.exists, fact.up, fact.mac, fact.mtu, fact.kind
        self.addresses = {}
        for text in fact.addresses:
            address, _, prefix = text.partition("/")
            self.addresses[address] = int(prefix) if prefix else (128 if ":" in address else 32)
        self.reported = False
        return moved


class Host:
    """The surroundings of the instances. `Router` owns it; instances read it and append to `out`."""

    __slots__ = (
        "_heap",
        "_pushed",
        "globals",
        "hearing",
        "interfaces",
        "now",
        "out",
        "tally",
        "trackers",
        "virtual",
        "wall_offset",
    )

    def __init__(self) -> None:
        self.out: list[Output] = []
        self.interfaces: dict[str, Interface] = {}
        self.trackers = Trackers()
        self.globals = Globals()
        self.virtual: frozenset[str] = frozenset()
        """Every configured virtual address: none of them may be the source of an advert."""
        self.now = 0
        self.tally = HostTally()
        self.hearing = Hearing()
        self.wall_offset = 0
        """ns to add to `now` for the wall clock; only the keyed trailer of auth_hmac needs it."""
        self._heap: list[tuple[int, int, Timers]] = []
        self._pushed = 0

    @property
    def wall(self) -> int:
        """The wall clock, ns."""
        return self.now + self.wall_offset

    def configure(self, config: Config) -> None:
        """Take over what is common to all instances of a configuration."""
        self.globals = config.globals
        self.virtual = frozenset(
            address.address for one in config.instances for address in one.addresses + one.excluded_addresses
        )
        self.trackers.configure(config)

    def interface(self, name: str) -> Interface:
        """The facts of an interface; one that was never told does not exist."""
        found = self.interfaces.get(name)
        if found is None:
            found = self.interfaces[name] = Interface(name)
        return found

    def source_address(self, config: Instance) -> str:
        """The address that adverts of this instance come from, or "" when there is none to use.

        The configured source, else the interface's first address that is not virtual: any IPv4 address; for
        IPv6 the link-local one, or a global one towards global unicast peers.
        Source: RFC 9568 5.1.1.1, 5.1.2.1; keepalived.conf(5) mcast_src_ip, unicast_src_ip, track_src_ip.
        """
        facts = self.interface(config.interface)
        if config.source:
            return config.source if not config.track_source or config.source in facts.addresses else ""
        own = [address for address in facts.addresses if address not in self.virtual]
        if config.family == 4:
            return next((address for address in own if ":" not in address), "")
        peers = config.unicast_peers
        local = not peers or ipaddress.ip_address(peers[0].address).is_link_local
        six = (address for address in own if ":" in address)
        return next((address for address in six if ipaddress.ip_address(address).is_link_local is local), "")

    def schedule(self, instance: Timers, at: int) -> None:
        """Make sure that `instance` is looked at no later than `at`."""
        if at < instance.entry_at:
            self._pushed += 1
            instance.entry_at = at
            instance.entry = self._pushed
            heappush(self._heap, (at, self._pushed, instance))

    def forget(self, instance: Timers) -> None:
        """Void the entry of an instance that is no more."""
        instance.entry = 0
        instance.entry_at = NEVER

    @property
    def deadline(self) -> int | None:
        """The earliest entry: at or before the next instant at which something is due."""
        heap = self._heap
        while heap and heap[0][1] != heap[0][2].entry:
            heappop(heap)
        return heap[0][0] if heap else None

    def expire(self, now: int) -> None:
        """Do all that is due at or before `now`, in the order of the deadlines."""
        heap = self._heap
        while heap:
            at, number, instance = heap[0]
            if at > now:
                return
            if number != instance.entry:
                heappop(heap)
                continue
            due = instance.timer_at if instance.timer_at < instance.side_at else instance.side_at
            if due <= now:
                instance.expire(now)
                if heap[0][1] != number or instance.entry != number:
                    continue
                due = instance.timer_at if instance.timer_at < instance.side_at else instance.side_at
            if due >= NEVER:
                heappop(heap)
                instance.entry, instance.entry_at = 0, NEVER
            else:
                instance.entry_at = due
                heapreplace(heap, (due, number, instance))

    def say(self, outputs: Iterable[Output]) -> None:
        """Append to the outputs, in order."""
        self.out.extend(outputs)
