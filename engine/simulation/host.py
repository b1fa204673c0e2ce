"""One simulated machine: a kernel just real enough for VRRP, and the Router that runs on it.

Invariant: the Router sees this world only through its inputs, in the order in which a real loop would
give them, and by a clock of its own that agrees with no other host's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine import messages as m
from engine.config.model import Address, Config
from engine.protocol.router import Router
from engine.simulation.timeline import describe, route_texts

if TYPE_CHECKING:
    from engine.simulation.lan import Lan

KERNEL_DELAY = 50_000
"""ns from a change in the kernel to the netlink message that tells of it."""
STALL_NOTICED = 20_000_000
"""ns of lateness from which on the loop reports a stall."""
STUCK_AFTER = 1000
"""Timer calls at one instant after which the Router is said to be stuck."""


class SimulationStuck(AssertionError):
    """A Router asks for the same instant again and again, or answers without end."""


@dataclass(slots=True)
class Port:
    """One network interface. `own` addresses survive a boot; virtual ones are only in `addresses`."""

    name: str
    index: int
    mac: str
    segment: str
    own: tuple[str, ...]
    """ADDRESS/PREFIX"""
    addresses: list[str] = field(default_factory=list)
    """ADDRESS/PREFIX in kernel order."""
    up: bool = True
    exists: bool = True

    def state(self) -> m.InterfaceChanged:
        """What the kernel says of it."""
        return m.InterfaceChanged(
            interface=self.name,
            ifindex=self.index,
            exists=self.exists,
            up=self.exists and self.up,
            mac=self.mac,
            addresses=tuple(self.addresses) if self.exists else (),
        )


def bare(address: str) -> str:
    """The address without its prefix length."""
    return address.partition("/")[0]


class Host:
    """A machine on the LAN. Its methods are what an operator, a child or a power company may do to it."""

    def __init__(self, lan: Lan, name: str, config: Config, ports: Iterable[Port], offset: int) -> None:
        self.lan = lan
        self.name = name
        self.config = config
        self.ports: dict[str, Port] = {port.name: port for port in ports}
        self.offset = offset
        """ns by which this host's clock is ahead of the LAN's."""
        self.router: Router | None = None
        self.powered = True
        self.stalled = False
        self.routes: set[str] = set()
        self.replies: dict[int, m.CommandFinished] = {}
        self.events: list[tuple[int, m.Event | m.CommandFinished]] = []
        self.sent: int = 0
        """Advertisements handed to the wire."""
        self.refused: set[str] = set()
        """Addresses that this kernel refuses to add."""
        self.lateness: int = 0
        """ns by which timers fire late at most."""
        self.address_cost: int = 0
        """ns that the loop is busy for each address that it adds or removes."""
        self.inputs: list[tuple[int, m.Input | None]] | None = None
        """(host clock, input or None for a timer), kept when it is a list."""
        self._generation = 0
        self._wake_at: int | None = None
        self._backlog: list[m.Input] = []
        self._busy = False
        self._requests = 0
        self._ticks = (0, 0)
        for port in self.ports.values():
            port.addresses = list(port.own)

    def __repr__(self) -> str:
        return f"Host({self.name!r})"

    @property
    def now(self) -> int:
        """This host's clock, ns."""
        return self.lan.now + self.offset

    @property
    def running(self) -> bool:
        """An engine runs here (it may be stalled)."""
        return self.router is not None

    # -- what one asks -------------------------------------------------------------------------

    def status(self, instance: str) -> m.InstanceStatus:
        """The engine's own status of one instance."""
        assert self.router is not None, f"{self.name} runs no engine"
        for status in self.router.statuses():
            if isinstance(status, m.InstanceStatus) and status.name == instance:
                return status
        raise KeyError(instance)

    def state(self, instance: str) -> m.State:
        """The state of one instance."""
        return self.status(instance).state

    def holds(self, address: str) -> bool:
        """The address (without prefix) is on one of the interfaces."""
        return self.port_of(address) is not None

    def port_of(self, address: str) -> Port | None:
        """The interface that carries the address."""
        for port in self.ports.values():
            if port.exists and any(bare(one) == address for one in port.addresses):
                return port
        return None

    def happened(self, kind: type[m.Message]) -> list[m.Message]:
        """All events of one type, oldest first."""
        return [event for _, event in self.events if isinstance(event, kind)]

    # -- the engine ----------------------------------------------------------------------------

    def start(self, resume: tuple[m.LastKnown, ...] = ()) -> None:
        """Start the engine: interfaces first, then the configuration."""
        assert self.powered, f"{self.name} has no power"
        assert self.router is None, f"{self.name} runs already"
        self._say("lab", "start")
        self._start(resume)

    def _start(self, resume: tuple[m.LastKnown, ...]) -> None:
        self._generation += 1
        self._wake_at = None
        self.router = Router()
        for port in self.ports.values():
            self.give(port.state())
        self.give(m.Configure(config=self.config, resume=resume))

    def stop(self, *, release_addresses: bool = True) -> None:
        """SIGTERM: stop with a hand-over."""
        self._say("lab", "stop")
        self.give(m.StopRouter(release_addresses=release_addresses))

    def kill(self) -> None:
        """kill -9 of the whole engine: it is gone, its addresses and routes stay."""
        self._say("lab", "engine killed")
        self._gone()

    def respawn(self) -> None:
        """The vrrp process dies and core starts it anew with what it remembers."""
        assert self.router is not None, f"{self.name} runs no engine"
        known = tuple(
            m.LastKnown(
                interface=one.interface,
                family=one.family,
                vrid=one.vrid,
                state=one.state,
                since=one.since,
                master=one.master,
                hold_until=one.hold_until,
                hold_kind=one.hold_kind,
                sequence=one.sequence,
            )
            for one in self.router.statuses()
            if isinstance(one, m.InstanceStatus)
        )
        self._say("lab", "vrrp process killed and respawned")
        self._gone()
        self._start(known)

    def reload(self, config: Config) -> None:
        """A new configuration for the running engine."""
        self.config = config
        self._say("lab", "reload")
        self.give(m.Configure(config=config))

    def failover(self, instance: str, method: str = "step-down", hold_s: float = 0) -> int:
        """The operator's failover; the number of its reply."""
        return self._order(m.Failover(instance=instance, method=method, hold_s=hold_s), f"failover {instance} {method}")

    def release(self, instance: str) -> int:
        """The operator's release; the number of its reply."""
        return self._order(m.Release(instance=instance), f"release {instance}")

    def announce(self, instance: str = "") -> int:
        """The operator's announce; the number of its reply."""
        return self._order(m.AnnounceNow(instance=instance), f"announce {instance}")

    def script(self, name: str, exit_status: int = 0) -> None:
        """One run of a track script ends."""
        self._say("lab", f"script {name} exits {exit_status}")
        self.give(m.ScriptFinished(name=name, exit_status=exit_status))

    def _order(self, command: m.Failover | m.Release | m.AnnounceNow, text: str) -> int:
        self._requests += 1
        self._say("lab", f"command {self._requests}: {text.rstrip()}")
        self.give(m.Ordered(request=self._requests, command=command, by="tester"))
        return self._requests

    # -- the machine ---------------------------------------------------------------------------

    def power_cut(self) -> None:
        """The machine is gone this instant, with everything that it held."""
        self._say("lab", "power cut")
        self._gone()
        self.powered = False
        self.routes.clear()
        for port in self.ports.values():
            port.addresses = []
            port.up = port.exists = True
        self.lan.addresses_changed(self)

    def power_on(self, *, start: bool = True) -> None:
        """Boot: only its own addresses are there; the engine starts unless told otherwise."""
        assert not self.powered, f"{self.name} has power"
        self.powered = True
        for port in self.ports.values():
            port.addresses = list(port.own)
        self._say("lab", "power on")
        if start:
            self._start(())

    def stall(self) -> None:
        """SIGSTOP: nothing is read, no timer fires, the addresses answer all the same."""
        self._say("lab", "stalls")
        self.stalled = True

    def resume(self) -> None:
        """SIGCONT: what waited in the socket is read first, then the timers."""
        self._say("lab", "resumes")
        self.stalled = False
        if self.router is None:
            return
        deadline = self.router.deadline
        late = 0 if deadline is None else self.now - deadline
        if late > STALL_NOTICED:
            self._backlog.insert(0, m.ClockStalled(late=late))
        self._drain()

    def link_down(self, interface: str) -> None:
        """The carrier goes."""
        self._say("lab", f"{interface} link down")
        self._set_port(interface, up=False)

    def link_up(self, interface: str) -> None:
        """The carrier comes."""
        self._say("lab", f"{interface} link up")
        self._set_port(interface, up=True)

    def _set_port(self, interface: str, *, up: bool) -> None:
        port = self.ports[interface]
        port.up = up
        self.lan.addresses_changed(self)
        self._later(port.state())

    def remove_address(self, address: str) -> None:
        """Somebody else takes an address away (`ip address del`)."""
        port = self.port_of(address)
        assert port is not None, f"{self.name} does not hold {address}"
        self._say("lab", f"somebody removes {address}")
        self._take(port, address, foreign=True)

    def add_address(self, interface: str, address: str) -> None:
        """Somebody else adds ADDRESS/PREFIX (`ip address add`)."""
        self._say("lab", f"somebody adds {address}")
        self._put(self.ports[interface], address, foreign=True)

    # -- inputs and outputs --------------------------------------------------------------------

    def give(self, one: m.Input) -> None:
        """One input for the Router, now; kept for later while the engine is stalled."""
        if self.router is None:
            return
        if self.stalled or self._busy:
            self._backlog.append(one)
            return
        if self.inputs is not None:
            self.inputs.append((self.now, one))
        self._carry_out(one, self.router.handle(one, self.now))

    def wake(self, generation: int, at: int) -> None:
        """A timer of the loop: the LAN calls it."""
        if generation != self._generation or at != self._wake_at:
            return
        self._wake_at = None
        if self.router is None or self.stalled or self._busy:
            return
        deadline = self.router.deadline
        if deadline is not None and deadline <= self.now:
            instant, count = self._ticks
            self._ticks = (self.now, count + 1 if instant == self.now else 1)
            if self._ticks[1] > STUCK_AFTER:
                raise SimulationStuck(f"{self.name}: deadline {deadline} is never served at {self.now}")
            if self.inputs is not None:
                self.inputs.append((self.now, None))
            self._carry_out(None, self.router.tick(self.now))
        else:
            self._arm()

    def _later(self, one: m.Input, delay: int = KERNEL_DELAY) -> None:
        generation = self._generation

        def tell() -> None:
            if generation == self._generation:
                self.give(one)

        self.lan.after(delay, tell)

    def _arm(self) -> None:
        if self.router is None or self.stalled or self._busy:
            return
        deadline = self.router.deadline
        if deadline is None:
            return
        at = max(deadline - self.offset, self.lan.now)
        if self.lateness and at > self.lan.now:
            at += self.lan.random.randrange(self.lateness)
        if self._wake_at is None or at < self._wake_at:
            self._wake_at = at
            self.lan.wake_host(self, at, self._generation)

    def _carry_out(self, cause: m.Input | None, outputs: Sequence[m.Output]) -> None:
        for watcher in self.lan.watchers:
            watcher(self, cause, outputs)
        self._perform(outputs, 0)

    def _perform(self, outputs: Sequence[m.Output], first: int, *, paid: bool = False) -> None:
        """Do the outputs from number `first` on; while one takes time the loop reads nothing. `paid`: the time of
        the first of them has passed."""
        over = False
        for number in range(first, len(outputs)):
            output = outputs[number]
            due = self.address_cost and not (paid and number == first)
            if due and isinstance(output, m.AddAddresses | m.RemoveAddresses):
                self._busy = True
                cost = self.address_cost * len(output.addresses)
                self.lan.after(cost, self._go_on, self._generation, outputs, number)
                return
            line = describe(output)
            if line is not None:
                self._say(*line)
            match output:
                case m.SendAdvert():
                    self.sent += 1
                    self.lan.transmit(self, output)
                case m.AddAddresses() | m.RemoveAddresses():
                    self._move(output)
                case m.AddRoutes():
                    self.routes.update(route_texts(output))
                case m.RemoveRoutes():
                    self.routes.difference_update(route_texts(output))
                case m.SendAnnouncements():
                    self.lan.announce(self, output)
                case m.Exit():
                    over = True
                case m.PacketJudged():
                    pass
                case _:
                    self._note(output)
        if over:
            self._say("lab", "engine ends")
            self._gone()
        else:
            self._arm()

    def _go_on(self, generation: int, outputs: Sequence[m.Output], first: int) -> None:
        if generation != self._generation:
            return
        self._busy = False
        self._perform(outputs, first, paid=True)
        self._drain()

    def _drain(self) -> None:
        while self._backlog and not self.stalled and not self._busy:
            self.give(self._backlog.pop(0))
        self._arm()

    def _note(self, event: m.Event | m.CommandFinished) -> None:
        self.events.append((self.lan.now, event))
        if isinstance(event, m.CommandFinished):
            self.replies[event.request] = event
        elif isinstance(event, m.StateChanged):
            self.lan.state_changed(self, event)

    def _move(self, effect: m.AddAddresses | m.RemoveAddresses) -> None:
        if isinstance(effect, m.AddAddresses):
            self._add(effect)
            return
        for address in effect.addresses:
            port = self.ports.get(address.interface)
            if port is not None and any(bare(one) == address.address for one in port.addresses):
                self._take(port, address.address, foreign=False)

    def _add(self, effect: m.AddAddresses) -> None:
        for address in effect.addresses:
            port = self.ports.get(address.interface)
            if port is None or not port.exists:
                reason = f"{address}: no device {address.interface!r}"
            elif address.address in self.refused:
                reason = f"{address}: refused"
            else:
                self._put(port, str(address), foreign=False)
                continue
            self._later(m.EffectFailed(instance=effect.instance, effect="add-addresses", reason=reason))

    def _put(self, port: Port, address: str, *, foreign: bool) -> None:
        if address not in port.addresses:
            port.addresses.append(address)
            self.lan.addresses_changed(self)
        self._tell_address(port, address, present=True, foreign=foreign)

    def _take(self, port: Port, address: str, *, foreign: bool) -> None:
        for one in [one for one in port.addresses if bare(one) == address]:
            port.addresses.remove(one)
            self._tell_address(port, one, present=False, foreign=foreign)
        self.lan.addresses_changed(self)

    def _tell_address(self, port: Port, address: str, *, present: bool, foreign: bool) -> None:
        parsed = ipaddress.ip_interface(address)
        self._later(
            m.AddressChanged(
                interface=port.name,
                address=str(parsed.ip),
                prefix=parsed.network.prefixlen,
                present=present,
                foreign=foreign,
            )
        )

    def _gone(self) -> None:
        self._generation += 1
        self._wake_at = None
        self._backlog = []
        self._busy = False
        self.stalled = False
        self.router = None
        self.lan.engine_gone(self)

    def _say(self, kind: str, text: str) -> None:
        self.lan.timeline.add(self.lan.now, self.name, kind, text)


def make_ports(number: int, interfaces: Mapping[str, Sequence[str]], segments: Mapping[str, str]) -> list[Port]:
    """The ports of a host: interface name -> own addresses, interface name -> segment (default "lan")."""
    return [
        Port(
            name=interface,
            index=index,
            mac=f"02:00:00:00:{number:02x}:{index:02x}",
            segment=segments.get(interface, "lan"),
            own=tuple(str(ipaddress.ip_interface(one)) for one in addresses),
        )
        for index, (interface, addresses) in enumerate(interfaces.items(), start=2)
    ]


def virtual_addresses(config: Config) -> set[str]:
    """All virtual addresses that a configuration names."""
    addresses: set[Address] = set()
    for instance in config.instances:
        addresses.update(instance.addresses)
        addresses.update(instance.excluded_addresses)
    return {one.address for one in addresses}
