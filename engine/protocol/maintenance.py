"""Maintenance: a handicap that moves the addresses away and lets them stay where nobody else serves them.

Invariant: the order names all that is in maintenance, so saying it again changes nothing; an instance whose
hand-over nobody answers keeps its addresses, with priority 1. A refusal changes nothing at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.messages import Cause, Handicap, Handicapped, Ordered, State
from engine.protocol import handover
from engine.protocol.host import Host
from engine.protocol.refusal import Refusal
from engine.protocol.stimuli import StepDown
from engine.protocol.timing import NS_PER_S

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance

KIND = "maintenance"


def arrange(host: Host, instances: Sequence[VrrpInstance], command: Handicap, ordered: Ordered) -> str | None:
    """Bring about what the order names. Returns the answer; None when it follows once the hand-overs have ended.

    Raises: Refusal before anything was changed.
    """
    wanted = _wanted(instances, command.held)
    ending = [one for one in instances if _held(one) and one.config.name not in wanted]
    fresh = [one for one in instances if one.config.name in wanted and not _held(one) and not one.config.owner]
    for one in (*ending, *fresh):
        if one.hand_over is not None or one.move is not None:
            raise Refusal("E-BUSY", f"{one.config.name}: a failover is under way")
    for one in fresh:
        if one.hold is not None:
            raise Refusal("E-HELD", f"{one.config.name} is held ({one.hold.kind}) by {one.hold.by or 'an operator'}")
    told = [f"{one.config.name} owns its address (priority 255): it stays" for one in instances if _owner(one, wanted)]
    if command.dry_run:
        told += [_forecast(one) for one in fresh] + [_back(one) for one in ending]
        return "; ".join(told) or "nothing changes"
    for one in ending:
        handover.end_hold(one, ordered.reason or "maintenance ended", ordered.by)
        told.append(f"{one.config.name} runs with priority {one.priority} again")
    for one in instances:
        if _held(one) and one.config.name in wanted:
            _renew(one, wanted[one.config.name])
    return _begin(host, fresh, wanted, ordered, told)


def _begin(
    host: Host, fresh: list[VrrpInstance], wanted: dict[str, Handicapped], ordered: Ordered, told: list[str]
) -> str | None:
    """Masters hand over, the others are handicapped at once."""
    masters = [one for one in fresh if one.state is State.MASTER]
    for one in fresh:
        held = wanted[one.config.name]
        one.evidence.note(host.now, "command", f"maintenance by {held.by or 'an operator'}")
        if one not in masters:
            handover.handicap(one, held.until, held.by, held.reason)
            served = f"; {one.master} serves it" if one.master else ""
            told.append(f"{one.config.name} is {one.state}{served}")
    if not masters:
        return "; ".join(told) or "nothing changes"
    move = handover.Move(ordered.request, host.now, list(masters), keep=True, texts=told)
    for one in masters:
        one.move = move
    for one in masters:
        held = wanted[one.config.name]
        reason = held.reason or "maintenance"
        one.tell(StepDown(Cause.MAINTENANCE, reason, ordered.request, held.until, held.by, KIND))
    return None


def _wanted(instances: Sequence[VrrpInstance], held: Sequence[Handicapped]) -> dict[str, Handicapped]:
    """By name, the members of their sync groups with them."""
    named = {one.instance: one for one in held}
    found: dict[str, Handicapped] = {}
    for instance in instances:
        members = instance.group.members if instance.group is not None else [instance]
        own = named.get(instance.config.name)
        said = own or next((named[one.config.name] for one in members if one.config.name in named), None)
        if said is not None:
            found[instance.config.name] = said
    return found


def _held(instance: VrrpInstance) -> bool:
    return instance.hold is not None and instance.hold.kind == KIND


def _owner(instance: VrrpInstance, wanted: dict[str, Handicapped]) -> bool:
    return instance.config.owner and instance.config.name in wanted


def _renew(instance: VrrpInstance, said: Handicapped) -> None:
    """The same maintenance with another end, or known again after a restart."""
    hold = instance.hold
    assert hold is not None
    if (hold.until, hold.by, hold.reason) == (said.until, said.by, said.reason):
        return
    hold.until, hold.by, hold.reason = said.until, said.by, said.reason
    instance.cancel_side("hold-end")
    if said.until:
        instance.arm_side("hold-end", said.until)
    instance.dirty = True


def _forecast(instance: VrrpInstance) -> str:
    """Who will be master then, as far as this node has heard."""
    name, now = instance.config.name, instance.host.now
    if instance.state is not State.MASTER:
        whom = f"{instance.master} stays MASTER" if instance.master else "no master is heard"
        return f"{name} is {instance.state} here; {whom}"
    if not instance.peer:
        return f"{name}: no other router was ever heard; if none answers it serves on here with priority 1"
    heard = f"heard {(now - instance.heard_at) // NS_PER_S} s ago" if instance.heard_at else "not heard of late"
    whom = f"{instance.peer} (priority {instance.peer_priority}, {heard})"
    return f"{name}: {whom} will be MASTER; if it does not answer this node serves on"


def _back(instance: VrrpInstance) -> str:
    return f"{instance.config.name} runs with its own priority again"
