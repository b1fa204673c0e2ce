"""Simulated time, the hosts, and the wires between them.

Invariant: everything that happens comes out of one ordered queue; at one instant, in the order in which
it was put in. All chance comes from one seeded generator, drawn in that order.
"""

from __future__ import annotations

import heapq
import ipaddress
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine import messages as m
from engine.config.model import NS_PER_S, Config
from engine.simulation.host import Host, SimulationStuck, make_ports, virtual_addresses
from engine.simulation.ownership import Ownership, Span
from engine.simulation.timeline import BRIEF, Timeline

Watcher = Callable[[Host, m.Input | None, Sequence[m.Output]], None]
MAX_EVENTS_AT_ONE_INSTANT = 20_000
CLIENT = "client"
"""The name of the simulated client in partitions and cuts."""


class Lan:
    """A LAN (or several segments) with hosts and one client."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = 0
        """ns since the simulation began."""
        self.hosts: dict[str, Host] = {}
        self.timeline = Timeline()
        self.owners = Ownership()
        """By address: the hosts that have it on a working interface."""
        self.masters = Ownership()
        """By (segment, family, VRID): the hosts whose instance is MASTER."""
        self.answers = Ownership()
        """By address: the host that answers the client (at most one)."""
        self.watchers: list[Watcher] = []
        """Called with every list of outputs before it is carried out."""
        self.violations: list[str] = []
        """What no engine may ever do, seen by the wire or the kernel."""
        self.delay = (100_000, 100_000)
        """ns a datagram travels, at least and at most."""
        self.loss = 0.0
        """0..1: chance that one receiver misses one datagram."""
        self.corruption = 0.0
        """0..1: chance that one receiver gets one bit of a datagram flipped."""
        self.duplication = 0.0
        """0..1: chance that one receiver gets a datagram twice."""
        self.reflect = False
        """The switch gives a sender its own multicast back."""
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self._group: dict[str, int] = {}
        self._cuts: set[tuple[str, str]] = set()
        self._virtual: set[str] = set()
        self._learned: dict[str, str] = {}

    # -- building ------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        config: Config,
        interfaces: Mapping[str, Sequence[str]],
        segments: Mapping[str, str] | None = None,
    ) -> Host:
        """A host with its configuration and interfaces (name -> ADDRESS/PREFIX...); the engine does not run yet."""
        number = len(self.hosts) + 1
        host = Host(self, name, config, make_ports(number, interfaces, segments or {}), number * 1_000_003 * 7_919)
        self.hosts[name] = host
        self.track(config)
        return host

    def track(self, config: Config) -> None:
        """Watch the virtual addresses of a configuration from now on."""
        self._virtual |= virtual_addresses(config)

    # -- time ----------------------------------------------------------------------------------

    def run(self, duration_s: float) -> None:
        """Let so many seconds pass."""
        self.run_until(self.now + round(duration_s * NS_PER_S))

    def run_until(self, instant: int) -> None:
        """Do everything up to and including `instant` (ns)."""
        queue = self._queue
        same, at_once = -1, 0
        while queue and queue[0][0] <= instant:
            at, _, call, arguments = heapq.heappop(queue)
            if at == same:
                at_once += 1
                if at_once > MAX_EVENTS_AT_ONE_INSTANT:
                    raise SimulationStuck(f"more than {at_once} things happen at {at} ns")
            else:
                same, at_once = at, 0
            self.now = at
            call(*arguments)
        self.now = instant

    def run_to(self, time_s: float) -> None:
        """Let time pass until so many seconds after the beginning."""
        self.run_until(round(time_s * NS_PER_S))

    def after(self, delay: int, call: Callable[..., None], *arguments: Any) -> None:
        """Call after `delay` ns."""
        self._number += 1
        heapq.heappush(self._queue, (self.now + delay, self._number, call, arguments))

    def wake_host(self, host: Host, at: int, generation: int) -> None:
        """Wake a host's loop at an instant."""
        self._number += 1
        heapq.heappush(self._queue, (at, self._number, host.wake, (generation, at)))

    # -- wires ---------------------------------------------------------------------------------

    def partition(self, *groups: set[str]) -> None:
        """Hosts (and "client") of different groups no longer hear each other; those in none hear all."""
        self._group = {name: number for number, group in enumerate(groups) for name in group}
        self._say("partition " + " | ".join(" ".join(sorted(group)) for group in groups))
        self._look_again()

    def cut(self, sender: str, receiver: str) -> None:
        """`receiver` hears nothing of `sender` any more; the other way still works."""
        self._cuts.add((sender, receiver))
        self._say(f"one-way cut {sender} -> {receiver}")
        self._look_again()

    def heal(self) -> None:
        """Partition and cuts end; loss, corruption and duplication end with them."""
        self._group = {}
        self._cuts.clear()
        self.loss = self.corruption = self.duplication = 0.0
        self._say("the network is whole")
        self._look_again()

    def reaches(self, sender: str, receiver: str) -> bool:
        """A datagram of `sender` can get to `receiver`."""
        group = self._group
        if group and sender in group and receiver in group and group[sender] != group[receiver]:
            return False
        return (sender, receiver) not in self._cuts

    def transmit(self, sender: Host, effect: m.SendAdvert) -> None:
        """Put one advertisement on the wire."""
        port = sender.ports.get(effect.interface)
        if port is None or not port.up or not port.exists:
            return
        destination = ipaddress.ip_address(effect.destination)
        for receiver in self.hosts.values():
            if not receiver.powered or (receiver is sender and not (self.reflect and destination.is_multicast)):
                continue
            if not self.reaches(sender.name, receiver.name):
                continue
            for other in receiver.ports.values():
                if other.segment != port.segment or not (other.up and other.exists):
                    continue
                if not destination.is_multicast and receiver.port_of(effect.destination) is not other:
                    continue
                copies = 2 if self.duplication and self.random.random() < self.duplication else 1
                for _ in range(copies):
                    if self.loss and self.random.random() < self.loss:
                        continue
                    self.after(self._travel(), self._deliver, receiver, other.name, effect, self._octets(effect.data))

    def inject(self, receiver: Host, interface: str, datagram: m.DatagramReceived) -> None:
        """A datagram out of nowhere reaches a host."""
        if receiver.ports[interface].up:
            receiver.give(datagram)

    def announce(self, sender: Host, effect: m.SendAnnouncements) -> None:
        """Gratuitous ARP or NA: the client learns, unless every round of it is lost."""
        for address in effect.addresses:
            port = sender.port_of(address.address)
            if port is None:
                self.violations.append(f"{self.now}: {sender.name} announces {address.address} without holding it")
                continue
            if not port.up or not self.reaches(sender.name, CLIENT):
                continue
            for number in range(max(effect.repeat, 1)):
                if not self.loss or self.random.random() >= self.loss:
                    gap = effect.arp_interval if address.family == 4 else effect.na_interval
                    self.after(self._travel() + number * gap, self._learn, address.address, sender.name)
                    break

    def _travel(self) -> int:
        shortest, longest = self.delay
        return shortest if longest <= shortest else self.random.randint(shortest, longest)

    def _octets(self, data: bytes) -> bytes:
        if not self.corruption or self.random.random() >= self.corruption:
            return data
        bit = self.random.randrange(len(data) * 8)
        octets = bytearray(data)
        octets[bit // 8] ^= 1 << (bit % 8)
        return bytes(octets)

    def _deliver(self, receiver: Host, interface: str, effect: m.SendAdvert, data: bytes) -> None:
        port = receiver.ports[interface]
        if not receiver.powered or not port.up or not port.exists:
            return
        if effect.family == 4:
            datagram = m.DatagramReceived(interface=interface, family=4, data=data)
        else:
            datagram = m.DatagramReceived(
                interface=interface,
                family=6,
                data=data,
                source=ipaddress.ip_address(effect.source).packed,
                destination=ipaddress.ip_address(effect.destination).packed,
                ttl=effect.ttl,
            )
        receiver.give(datagram)

    # -- books ---------------------------------------------------------------------------------

    def addresses_changed(self, host: Host) -> None:
        """A host gained or lost addresses, or one of its links changed."""
        for address in self._virtual:
            port = host.port_of(address) if host.powered else None
            if port is not None and port.up:
                self.owners.hold(address, host.name, self.now)
            else:
                self.owners.drop(address, host.name, self.now)
        self._look_again()

    def state_changed(self, host: Host, event: m.StateChanged) -> None:
        """An instance of a host entered another state."""
        instance = host.config.instance(event.instance)
        if instance is None:
            return
        port = host.ports.get(instance.interface)
        key = (port.segment if port else "", instance.family, instance.vrid)
        if event.new is m.State.MASTER:
            self.masters.hold(key, host.name, self.now)
        else:
            self.masters.drop(key, host.name, self.now)

    def engine_gone(self, host: Host) -> None:
        """No engine runs on the host any more."""
        self.masters.drop_all(host.name, self.now)

    def _learn(self, address: str, host: str) -> None:
        self._learned[address] = host
        self._look_again()

    def _look_again(self) -> None:
        for address in self._virtual:
            holders = [one for one in self.owners.holders(address) if self._talks(one)]
            learned = self._learned.get(address)
            if learned is None and holders:
                learned = self._learned[address] = holders[0]
            for name in self.hosts:
                if name == learned and name in holders:
                    self.answers.hold(address, name, self.now)
                else:
                    self.answers.drop(address, name, self.now)

    def _talks(self, host: str) -> bool:
        return self.reaches(host, CLIENT) and self.reaches(CLIENT, host)

    # -- questions -----------------------------------------------------------------------------

    def outages(self, address: str, since_s: float = 0.0) -> list[Span]:
        """When nobody answered the client for that address, from `since_s` seconds until now."""
        return self.answers.unheld(address, round(since_s * NS_PER_S), self.now)

    def outage(self, address: str, since_s: float = 0.0) -> float:
        """The seconds of all these outages together."""
        return sum(span.length for span in self.outages(address, since_s)) / NS_PER_S

    def lost_pings(self, address: str, every_ms: float, since_s: float = 0.0) -> int:
        """How many of the client's pings stayed without an answer: one every `every_ms` from `since_s` on."""
        start, step = round(since_s * NS_PER_S), round(every_ms * 1_000_000)
        lost = 0
        for span in self.outages(address, since_s):
            lost += -(-(span.end - start) // step) - -(-(span.start - start) // step)
        return lost

    def text(self, *more: str, since_s: float = 0.0) -> str:
        """The timeline of the brief kinds and `more`, from `since_s` on."""
        return self.timeline.text(BRIEF | set(more), round(since_s * NS_PER_S))

    def _say(self, text: str) -> None:
        self.timeline.add(self.now, "", "lab", text)
