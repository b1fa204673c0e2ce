"""The orders of operators: failover, release, announce. Each is refused with a code, or begun.

Invariant: exactly one CommandFinished per order; a dry run and a refusal change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.messages import (
    AnnounceNow,
    Cause,
    CommandFinished,
    Failover,
    Handicap,
    Impair,
    Ordered,
    Outcome,
    Release,
    Relieve,
    State,
)
from engine.protocol import handover, impairment, maintenance
from engine.protocol.host import Host
from engine.protocol.refusal import Refusal as _Refusal
from engine.protocol.stimuli import StepDown, TakeOver
from engine.protocol.timing import HAND_OVER_MARGIN, NS_PER_S, hand_over_limit, seconds_text

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance


def obey(host: Host, instances: Sequence[VrrpInstance], ordered: Ordered, *, stopping: bool) -> None:
    """Carry out one order, or answer why not."""
    command = ordered.command
    try:
        if stopping:
            raise _Refusal("E-STOPPING", "the engine is stopping")
        match command:
            case AnnounceNow():
                text = _announce(instances, command)
            case Release():
                text = _release(_find(instances, command.instance), ordered)
            case Handicap():
                arranged = maintenance.arrange(host, instances, command, ordered)
                if arranged is None:
                    return
                text = arranged
            case Impair():
                text = impairment.begin(host, instances, command)
            case Relieve():
                text = impairment.end(instances)
            case Failover():
                instance = _find(instances, command.instance)
                if command.method not in ("step-down", "take-over"):
                    raise _Refusal("E-PROTOCOL", f"{command.method!r} is neither step-down nor take-over")
                prepare = _step_down if command.method == "step-down" else _take_over
                began = prepare(host, instance, command, ordered)
                if began is None:
                    return
                text = began
    except _Refusal as refusal:
        host.out.append(CommandFinished(ordered.request, Outcome.REFUSED, refusal.code, refusal.text))
        return
    host.out.append(CommandFinished(ordered.request, Outcome.DONE, "", text))


def _find(instances: Sequence[VrrpInstance], name: str) -> VrrpInstance:
    found = next((one for one in instances if one.config.name == name), None)
    if found is None:
        raise _Refusal("E-UNKNOWN-INSTANCE", f"there is no instance {name!r}")
    return found


def _together(instance: VrrpInstance) -> list[VrrpInstance]:
    """The instance, or all members of its sync group: they move together."""
    return list(instance.group.members) if instance.group is not None else [instance]


def _check_free(instance: VrrpInstance) -> None:
    for one in _together(instance):
        name = one.config.name
        if one.state in (State.FAULT, State.INIT):
            raise _Refusal("E-FAULT", f"{name} is in {one.state}")
        if one.config.owner:
            raise _Refusal("E-OWNER", f"{name} owns its address (priority 255): it cannot be held")
        if one.hand_over is not None or one.move is not None:
            raise _Refusal("E-BUSY", f"{name}: another failover is under way")
        if one.hold is not None:
            raise _Refusal("E-HELD", f"{name} is held ({one.hold.kind}); release it first")


def _hold_until(host: Host, command: Failover) -> int:
    if not 0 <= command.hold_s < 10**9:
        raise _Refusal("E-PROTOCOL", f"a hold of {command.hold_s} s is no duration")
    return host.now + int(command.hold_s * NS_PER_S) if command.hold_s else 0


def _step_down(host: Host, instance: VrrpInstance, command: Failover, ordered: Ordered) -> str | None:
    _check_free(instance)
    members = _together(instance)
    for one in members:
        if one.state is not State.MASTER:
            raise _Refusal("E-NOT-MASTER", f"{one.config.name} is {one.state}, not MASTER: nothing to hand over")
    until = _hold_until(host, command)
    limit = seconds_text(max(hand_over_limit(one.config.version, one.config.advert_interval) for one in members))
    if command.dry_run:
        names = ", ".join(one.config.name for one in members)
        return f"{names}: would send priority 0 and keep the addresses until a backup is heard, for at most {limit}"
    move = handover.Move(ordered.request, host.now, list(members))
    reason = ordered.reason or "failover ordered"
    for one in members:
        one.move = move
        one.evidence.note(host.now, "command", f"failover step-down by {ordered.by or 'an operator'}")
        one.tell(StepDown(Cause.OPERATOR, reason, ordered.request, until, ordered.by))
    return None


def _take_over(host: Host, instance: VrrpInstance, command: Failover, ordered: Ordered) -> str | None:
    _check_free(instance)
    members = _together(instance)
    for one in members:
        if one.state is not State.BACKUP:
            raise _Refusal("E-NOT-BACKUP", f"{one.config.name} is {one.state}, not BACKUP: nothing to take over")
        if one.master_priority == 255:
            raise _Refusal("E-OWNER", f"{one.master} owns the address (priority 255): it cannot be outranked")
        if one.master_priority == 254 and one.master_is_higher():
            raise _Refusal("E-OUTRANKED", f"{one.master} has priority 254 and a higher address than ours")
    until = _hold_until(host, command)
    if command.dry_run:
        names = ", ".join(one.config.name for one in members)
        return (
            f"{names}: would advertise priority 254 at once and take the addresses from {instance.master or 'nobody'}"
        )
    move = handover.Move(ordered.request, host.now, list(members))
    reason = ordered.reason or "take-over ordered"
    for one in members:
        one.move = move
        one.evidence.note(host.now, "command", f"failover take-over by {ordered.by or 'an operator'}")
        handover.boost(one, until, ordered.by, reason)
    for one in members:
        one.tell(TakeOver(f"take-over ordered by {ordered.by or 'an operator'}: priority {one.priority}"))
        one.arm_side("verify", host.now + one.config.advert_interval + HAND_OVER_MARGIN)
    return None


def _release(instance: VrrpInstance, ordered: Ordered) -> str:
    if handover.taken_back(_together(instance), f"released by {ordered.by or 'an operator'} before anybody took over"):
        return f"{instance.config.name}: the failover is undone, the address never left"
    held = [one for one in _together(instance) if one.hold is not None]
    if any(one.hold is not None and one.hold.kind == maintenance.KIND for one in held):
        raise _Refusal("E-MAINTENANCE", f"{instance.config.name} is in maintenance: switch that off instead")
    if not held:
        raise _Refusal("E-NOT-HELD", f"{instance.config.name} is not held")
    if any(one.move is not None for one in held):
        raise _Refusal("E-BUSY", f"{instance.config.name}: the failover is still under way")
    for one in held:
        one.evidence.note(one.host.now, "command", f"release by {ordered.by or 'an operator'}")
        handover.end_hold(one, ordered.reason or "released", ordered.by)
    return "; ".join(f"{one.config.name} runs with priority {one.priority} again" for one in held)


def _announce(instances: Sequence[VrrpInstance], command: AnnounceNow) -> str:
    wanted = [_find(instances, command.instance)] if command.instance else list(instances)
    masters = [one for one in wanted if one.state is State.MASTER and one.hand_over is None]
    if not masters:
        name = command.instance or "no instance"
        raise _Refusal("E-NOT-MASTER", f"{name} is {'not ' if command.instance else ''}MASTER: nothing to announce")
    for one in masters:
        one.presence.announce(max(1, one.config.announce.master_repeat))
        one.dirty = True
    return f"announced the addresses of {', '.join(one.config.name for one in masters)}"
