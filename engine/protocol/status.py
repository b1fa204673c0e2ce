"""The present of one instance as the console sees it, built only when somebody asks.

Invariant: instants, never elapsed times; nothing here changes the instance but its mark of what was reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import AddressStatus, InstanceStatus, InterfaceStatus, State
from engine.protocol import unplaced
from engine.protocol.causes import fault_sentence
from engine.protocol.timing import NEVER, skew_time
from engine.protocol.vmac import vmac_address

if TYPE_CHECKING:
    from engine.protocol.host import Interface
    from engine.protocol.instance import VrrpInstance


def take_if_changed(instance: VrrpInstance) -> bool:
    """Whether anything moved since the last time this said so, received adverts and deadlines included."""
    tally = instance.tally
    now = (instance.heard_at, instance.timer_at, tally.advert_sent, tally.advert_rcvd, missed_adverts(instance))
    if not instance.dirty and now == instance.reported:
        return False
    instance.dirty, instance.reported = False, now
    return True


def timer_name(instance: VrrpInstance) -> str:
    """Which timer runs: advert, hand-over, master-down, startup-delay, or none."""
    if instance.timer_at >= NEVER:
        return ""
    if instance.state is State.MASTER:
        return "hand-over" if instance.hand_over is not None else "advert"
    return "startup-delay" if instance.host.now < instance.not_before else "master-down"


def missed_adverts(instance: VrrpInstance) -> int:
    """Adverts of the master missed in a row, as of the last instant that the Router was told."""
    if instance.state is not State.BACKUP or instance.resigned or instance.outranked:
        return 0
    if not instance.heard_at or instance.heard_at < instance.since:
        return 0
    return max(0, (instance.host.now - instance.heard_at) // instance.master_interval)


def instance_status(instance: VrrpInstance) -> InstanceStatus:
    """Everything that a screen shows of one instance."""
    config, interfaces = instance.config, instance.host.interfaces
    advertised = len(config.addresses)
    addresses = tuple(
        AddressStatus(
            one.address,
            one.prefix,
            one.interface,
            (facts := interfaces.get(one.interface)) is not None and one.address in facts.addresses,
            number < advertised,
        )
        for number, one in enumerate(instance.presence.addresses)
    )
    hold = instance.hold
    return InstanceStatus(
        name=config.name,
        interface=config.interface,
        vrid=config.vrid,
        version=config.version,
        family=config.family,
        state=instance.state,
        since=instance.since,
        base_priority=config.priority,
        priority=instance.priority,
        ledger=instance.ledger,
        faults=tuple(fault_sentence(line) for line in instance.faults) if instance.state is State.FAULT else (),
        source=instance.source,
        master=instance.master,
        master_priority=instance.master_priority,
        heard_at=instance.heard_at,
        peer=instance.peer,
        peer_priority=instance.peer_priority,
        timer=timer_name(instance),
        deadline=instance.timer_at if instance.timer_at < NEVER else 0,
        advert_interval=config.advert_interval,
        master_advert_interval=instance.master_interval,
        skew=skew_time(config.version, instance.priority, instance.master_interval),
        master_down_interval=instance.down,
        missed=missed_adverts(instance),
        near_misses=instance.near_misses,
        preempt=config.preempt or config.owner,
        accept=config.accept or config.owner,
        unicast=config.unicast,
        vmac=vmac_address(config),
        authentication="hmac" if config.auth_hmac is not None else config.authentication.kind,
        addresses=addresses,
        hold_kind=hold.kind if hold is not None else "",
        hold_until=hold.until if hold is not None else 0,
        hold_by=hold.by if hold is not None else "",
        hold_reason=hold.reason if hold is not None else "",
        sync_group=config.sync_group,
        transitions=instance.transitions,
        last_cause=instance.last_cause,
        last_detail=instance.last_detail,
        announced_at=instance.presence.announced_at,
        counters=instance.tally.counters(),
        counting_since=instance.counting_since,
        sequence=instance.transmit.sequence,
        problem=unplaced.sentence(instance),
    )


def interface_status(facts: Interface) -> InterfaceStatus:
    """The present of one interface."""
    addresses = tuple(f"{address}/{prefix}" for address, prefix in facts.addresses.items())
    return InterfaceStatus(facts.name, facts.exists, facts.up, facts.mac, facts.mtu, addresses)
