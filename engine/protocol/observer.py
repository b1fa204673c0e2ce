"""What another engine of this host does, told from its adverts and addresses alone. Nothing is sent or changed.

Invariant: pure; the same facts at the same instants give the same events, and there is no effect among them. MASTER is
who has the addresses or is heard advertising from here; what neither shows is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.config.model import Config, Instance
from engine.messages import (
    AddressChanged,
    AddressStatus,
    Cause,
    Counters,
    Event,
    Input,
    InstanceStatus,
    InterfaceChanged,
    InterfaceStateChanged,
    InterfaceStatus,
    MasterChanged,
    State,
    StateChanged,
)
from engine.protocol.evidence import EvidenceRing
from engine.protocol.host import Host
from engine.protocol.packet import Summary
from engine.protocol.presence import placed_addresses
from engine.protocol.status import interface_status
from engine.protocol.timing import master_down_interval, seconds_text, skew_time
from engine.protocol.vmac import vmac_address


class _Observed:
    """One instance as it looks from outside."""

    def __init__(self, config: Instance, now: int) -> None:
        self.config = config
        self.addresses = placed_addresses(config)
        self.state = State.INIT
        self.since = self.born = now
        self.cause, self.detail = Cause.STARTUP, ""
        self.transitions = 0
        self.own_at = 0
        """When its last advert left this host; 0 when none did, or it resigned since."""
        self.resigned_here = False
        self.priority = config.priority
        self.interval = config.advert_interval
        self.heard_at = self.heard_before = 0
        self.peer, self.peer_priority, self.peer_left = "", 0, False
        self.received = self.sent = 0
        self.evidence = EvidenceRing()

    @property
    def down(self) -> int:
        """ns after which silence means that a master is gone."""
        config = self.config
        return master_down_interval(config.version, self.priority, self.interval, config.down_timer_adverts)


class Observer:
    """All instances of a configuration that somebody else runs here."""

    def __init__(self, config: Config, now: int) -> None:
        self._host = Host()
        self._instances: dict[tuple[str, int, int], _Observed] = {}
        self.running = True
        """Some program of this host speaks VRRP."""
        self.configure(config, now)

    def configure(self, config: Config, now: int) -> None:
        """Another configuration is on disk; what is known of the same instances stays."""
        self._host.configure(config)
        before = self._instances
        self._instances = {}
        for one in config.instances:
            known = before.get(one.key)
            if known is None:
                known = _Observed(one, now)
            known.config, known.addresses = one, placed_addresses(one)
            self._instances[one.key] = known

    # ---- facts

    def kernel(self, facts: Iterable[Input], now: int) -> list[Event]:
        """Interfaces and addresses by the kernel's word."""
        out: list[Event] = []
        for fact in facts:
            if isinstance(fact, InterfaceChanged):
                moved = self._host.interface(fact.interface).tell(fact, now)
                used = [one for one in self._instances.values() if one.config.interface == fact.interface]
                if moved and used:
                    word = "up" if fact.up else "down" if fact.exists else "gone"
                    out.append(InterfaceStateChanged(fact.interface, fact.up and fact.exists, word))
                    for one in used:
                        one.evidence.note(now, "interface", f"{fact.interface} is {word}")
            elif isinstance(fact, AddressChanged):
                known = self._host.interface(fact.interface).addresses
                if fact.present:
                    known[fact.address] = fact.prefix
                else:
                    known.pop(fact.address, None)
                for one in self._instances.values():
                    if any((a.interface, a.address) == (fact.interface, fact.address) for a in one.addresses):
                        verb = "was put on" if fact.present else "was removed from"
                        one.evidence.note(now, "address", f"{fact.address} {verb} {fact.interface}")
        return out + self.tick(now)

    def advert(self, interface: str, told: Summary, now: int, *, outgoing: bool) -> list[Event]:
        """One advertisement on the wire."""
        family = 6 if ":" in told.source else 4
        one = self._instances.get((interface, family, told.vrid or 0))
        if told.kind != "advert" or one is None or told.priority is None:
            return []
        out: list[Event] = []
        if outgoing:
            self._sent(one, told.priority, now)
        else:
            out += self._heard(one, told.source, told.priority, now)
        if told.version == 3 and told.interval_cs:
            one.interval = told.interval_cs * 10_000_000
        return out + self.tick(now)

    def _sent(self, one: _Observed, priority: int, now: int) -> None:
        one.sent += 1
        one.resigned_here = priority == 0
        one.own_at = now if priority else 0
        if priority:
            one.priority = priority
        one.evidence.note(now, "advert-sent", "priority 0: leaving" if not priority else f"priority {priority}")

    def _heard(self, one: _Observed, source: str, priority: int, now: int) -> list[Event]:
        one.received += 1
        known = (one.peer, one.peer_priority)
        one.heard_before, one.heard_at = one.heard_at, now
        one.peer, one.peer_priority, one.peer_left = source, priority, priority == 0
        leaving = ": leaving" if not priority else ""
        one.evidence.note(now, "advert", f"{source} priority {priority}{leaving}")
        if priority and known != (source, priority):
            return [MasterChanged(one.config.name, source, priority)]
        return []

    # ---- conclusions

    def tick(self, now: int) -> list[Event]:
        """What follows from all that is known at `now`."""
        out: list[Event] = []
        for one in self._instances.values():
            out += self._conclude(one, now)
        return out

    def _conclude(self, one: _Observed, now: int) -> list[Event]:
        state, cause, detail = self._judge(one, now)
        if state is one.state:
            return []
        steps = [(state, cause, detail)]
        if one.state is State.FAULT and state is State.MASTER:
            steps.insert(0, (State.BACKUP, Cause.FAULT_CLEARED, "it serves again"))
        return [self._enter(one, *step, now) for step in steps]

    def _judge(self, one: _Observed, now: int) -> tuple[State, Cause, str]:
        config, facts = one.config, self._host.interface(one.config.interface)
        if not self.running:
            return State.INIT, Cause.SHUTDOWN, "no program of this host speaks VRRP"
        if not facts.exists or not facts.up:
            return State.FAULT, Cause.INTERFACE_DOWN, f"interface {config.interface} is down"
        fresh = bool(one.own_at) and now - one.own_at <= one.down
        present = self._present(one)
        if fresh or (present and not one.resigned_here):
            return State.MASTER, *self._why_master(one, now)
        if one.state is State.MASTER or one.state is State.FAULT:
            beaten = one.heard_at > one.since and one.peer_priority
            if one.resigned_here and not beaten:
                return State.FAULT, Cause.TRACKER_FAULT, "it sent priority 0 and still runs: its own log says why"
            if one.state is State.FAULT and not beaten and one.cause is Cause.TRACKER_FAULT:
                return State.FAULT, one.cause, one.detail
            if one.state is State.FAULT:
                return State.BACKUP, Cause.FAULT_CLEARED, "no fault shows any more"
            return State.BACKUP, *self._why_backup(one)
        known = one.heard_at or now - one.born >= one.down
        return (State.BACKUP if known else one.state), Cause.STARTUP, "neither its addresses nor its adverts are here"

    def _present(self, one: _Observed) -> bool:
        """All of its addresses are on: one alone may be a leftover."""
        places = [(a.interface, a.address) for a in one.addresses]
        return bool(places) and all(address in self._host.interface(name).addresses for name, address in places)

    def _why_master(self, one: _Observed, now: int) -> tuple[Cause, str]:
        ours = f"priority {one.priority} here"
        if one.state is State.INIT:
            return Cause.STARTUP, "it was master when this engine began to look"
        if one.peer_left:
            return Cause.MASTER_RESIGNED, f"{one.peer} sent priority 0; {ours}"
        if one.heard_at and one.peer_priority < one.priority and now - one.heard_at <= one.down:
            return Cause.WE_PREEMPTED, f"{one.peer} advertised priority {one.peer_priority}; {ours}"
        if one.heard_at:
            return Cause.MASTER_NO_RESPONSE, f"{one.peer} was silent for {seconds_text(now - one.heard_at)}; {ours}"
        return Cause.STARTUP, "no master was heard"

    def _why_backup(self, one: _Observed) -> tuple[Cause, str]:
        theirs = f"{one.peer} advertises priority {one.peer_priority}"
        if one.heard_at <= one.since:
            return Cause.SYNC_GROUP, "its addresses and adverts ended without a better master: see its own log"
        if one.peer_priority == one.priority:
            return Cause.PEER_EQUAL_HIGHER_ADDRESS, f"{theirs}, the same as here"
        if one.peer_priority < one.config.priority:
            return Cause.PRIORITY_LOWERED, f"{theirs}; the configured priority here is {one.config.priority}"
        return Cause.PEER_HIGHER, f"{theirs}, here it is {one.priority}"

    def _enter(self, one: _Observed, state: State, cause: Cause, detail: str, now: int) -> StateChanged:
        old, one.state, one.since = one.state, state, now
        one.cause, one.detail = cause, detail
        one.transitions += 1
        if state is not State.MASTER:
            one.own_at = 0
        peer = one.peer if cause not in (Cause.STARTUP, Cause.SHUTDOWN, Cause.INTERFACE_DOWN) else ""
        return StateChanged(one.config.name, old, state, cause, detail, one.priority, one.evidence.window([]), peer)

    # ---- the present

    def statuses(self) -> tuple[InstanceStatus | InterfaceStatus, ...]:
        """Everything as the console shows it."""
        used = {one.config.interface for one in self._instances.values()}
        return (
            *(self._status(one) for one in self._instances.values()),
            *(interface_status(self._host.interface(name)) for name in sorted(used)),
        )

    def _status(self, one: _Observed) -> InstanceStatus:
        config, host = one.config, self._host
        source = host.source_address(config)
        serving = one.state is State.MASTER
        heard = one.heard_at > one.since if one.state is State.BACKUP else False
        master = source if serving else one.peer if heard or (one.peer_priority and one.heard_at) else ""
        addresses = tuple(
            AddressStatus(
                a.address,
                a.prefix,
                a.interface,
                a.address in host.interface(a.interface).addresses,
                number < len(config.addresses),
            )
            for number, a in enumerate(one.addresses)
        )
        return InstanceStatus(
            name=config.name,
            interface=config.interface,
            vrid=config.vrid,
            version=config.version,
            family=config.family,
            state=one.state,
            since=one.since,
            base_priority=config.priority,
            priority=one.priority,
            faults=(one.detail,) if one.state is State.FAULT else (),
            source=source,
            master=master,
            master_priority=one.priority if serving else one.peer_priority,
            heard_at=one.heard_at,
            peer=one.peer,
            peer_priority=one.peer_priority,
            advert_interval=config.advert_interval,
            master_advert_interval=one.interval,
            skew=skew_time(config.version, one.priority, one.interval),
            master_down_interval=one.down,
            preempt=config.preempt or config.owner,
            accept=config.accept or config.owner,
            unicast=config.unicast,
            vmac=vmac_address(config),
            authentication="hmac" if config.auth_hmac is not None else config.authentication.kind,
            addresses=addresses,
            sync_group=config.sync_group,
            transitions=one.transitions,
            last_cause=one.cause,
            last_detail=one.detail,
            counters=Counters(advert_rcvd=one.received, advert_sent=one.sent),
        )
