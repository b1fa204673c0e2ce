"""Why: exactly one cause for a transition, and one sentence with the figures.

Invariant: nothing here changes anything; it reads an instance and puts into words what is so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import Cause, Evidence, LedgerLine
from engine.protocol.timing import seconds_text, skew_time

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance
    from engine.protocol.stimuli import Heard

_FAULT_CAUSES = {
    "interface": Cause.INTERFACE_DOWN,
    "link": Cause.INTERFACE_DOWN,
    "source": Cause.ADDRESS_LOST,
    "peers": Cause.CONFIG,
    "advert": Cause.CONFIG,
    "sync-group": Cause.SYNC_GROUP,
    "drill": Cause.DRILL,
}


_ABOUT_A_PEER = frozenset(
    {
        Cause.MASTER_NO_RESPONSE,
        Cause.MASTER_RESIGNED,
        Cause.PEER_HIGHER,
        Cause.PEER_EQUAL_HIGHER_ADDRESS,
        Cause.WE_PREEMPTED,
        Cause.PRIORITY_LOWERED,
        Cause.ENGINE_STALL,
        Cause.OPERATOR,
        Cause.MAINTENANCE,
        Cause.DRILL,
    }
)


def peer_of(instance: VrrpInstance, cause: Cause) -> str:
    """The other router that a cause is about; empty for none."""
    if cause is Cause.REJECTED_ADVERTS:
        return instance.rejected_sender
    return (instance.resigned or instance.peer) if cause in _ABOUT_A_PEER else ""


def timer_sentence(instance: VrrpInstance) -> str:
    """The timer that has ended, with its sum and how late it fired."""
    skew = seconds_text(skew_time(instance.config.version, instance.priority, instance.master_interval))
    if instance.resigned:
        rule = f"skew {skew} after priority 0"
    else:
        adverts, interval = instance.config.down_timer_adverts, seconds_text(instance.master_interval)
        rule = f"{adverts} x {interval} + skew {skew} = {seconds_text(instance.down)}"
    return f"down timer ends: {rule}; fired {seconds_text(instance.host.now - instance.timer_at)} late"


def of_takeover(instance: VrrpInstance) -> tuple[Cause, str]:
    """Why a backup whose master-down timer ran out becomes master."""
    ours = f"our priority is {instance.priority}"
    skew = seconds_text(skew_time(instance.config.version, instance.priority, instance.master_interval))
    rule = (
        f"{instance.config.down_timer_adverts} x {seconds_text(instance.master_interval)} + skew {skew} "
        f"= {seconds_text(instance.down)}"
    )
    if instance.resigned:
        return Cause.MASTER_RESIGNED, f"{instance.resigned} sent priority 0; the skew of {skew} has passed, {ours}"
    if instance.outranked:
        return (
            Cause.WE_PREEMPTED,
            f"{instance.peer} advertises priority {instance.peer_priority}, {ours}; {rule} has passed",
        )
    if instance.rejected:
        return (
            Cause.REJECTED_ADVERTS,
            (
                f"{instance.rejected} adverts were refused, the last from {instance.rejected_sender} "
                f"({instance.rejected_verdict}); no good one for {rule}"
            ),
        )
    if instance.heard_at and instance.heard_at >= instance.since:
        return (
            Cause.MASTER_NO_RESPONSE,
            f"{instance.master} (priority {instance.master_priority}) was silent for {rule}",
        )
    if instance.last_cause is Cause.STARTUP:
        if instance.config.owner:
            return Cause.STARTUP, "owner of the address: master from the start"
        return Cause.STARTUP, f"no master was heard since the start, for {rule}"
    return Cause.MASTER_NO_RESPONSE, f"no master was heard for {rule}"


def evidence_of_silence(instance: VrrpInstance, now: int) -> list[Evidence]:
    """The adverts that did come and those that did not, for a takeover."""
    heard = instance.heard_at
    if not heard or heard < instance.since:
        return []
    text = f"{instance.peer} priority {instance.peer_priority}"
    found = [Evidence(heard, "advert", f"{text}, the last heard")]
    if instance.heard_before >= instance.since:
        found.insert(0, Evidence(instance.heard_before, "advert", text))
    if not instance.resigned and not instance.outranked:
        interval, adverts = instance.master_interval, instance.config.down_timer_adverts
        found += [
            Evidence(heard + number * interval, "missed", f"advert {number} of {adverts} missed")
            for number in range(1, adverts + 1)
            if heard + number * interval <= now
        ]
    return found


def of_yielding(instance: VrrpInstance, heard: Heard) -> tuple[Cause, str]:
    """Why a master gives way to the advert it has heard."""
    theirs = f"{heard.sender} advertises priority {heard.priority}"
    if instance.hold is not None and instance.hold.kind == "step-down":
        return Cause.OPERATOR, f"{theirs}; we are held at priority {instance.priority}"
    if instance.hold is not None and instance.hold.kind == "maintenance":
        return Cause.MAINTENANCE, f"{theirs}; we are in maintenance, at priority {instance.priority}"
    if heard.priority > instance.priority:
        if heard.priority <= instance.priority_as_master:
            return (
                Cause.PRIORITY_LOWERED,
                (
                    f"our priority fell from {instance.priority_as_master} to {instance.priority}"
                    f"{explain_ledger(instance.ledger)}; {theirs}"
                ),
            )
        return Cause.PEER_HIGHER, f"{theirs}, ours is {instance.priority}"
    return (
        Cause.PEER_EQUAL_HIGHER_ADDRESS,
        f"{theirs}, the same as ours, and its address is higher than {instance.source}",
    )


def of_fault(faults: tuple[LedgerLine, ...]) -> tuple[Cause, str]:
    """Why an instance went to FAULT: the first reason decides, all are said."""
    cause = _FAULT_CAUSES.get(faults[0].kind, Cause.TRACKER_FAULT)
    return cause, "; ".join(fault_sentence(line) for line in faults)


def fault_sentence(line: LedgerLine) -> str:
    """One reason of FAULT as a sentence."""
    match line.kind:
        case "interface" | "link":
            return f"interface {line.name} {'is down' if line.detail == 'down' else line.detail}"
        case "drill":
            return f"a drill: {line.detail}"
        case "source" | "peers" | "advert":
            return line.detail
        case "sync-group":
            return f"{line.name} of the same sync group is in FAULT"
        case _:
            return f"{line.kind} {line.name} failed: {line.detail}"


def explain_ledger(ledger: tuple[LedgerLine, ...]) -> str:
    """What moves the priority away from its base, as in " (script check -60, exit status 1)"."""
    parts = [
        f"{line.kind} {line.name} {line.contribution:+d}" + (f", {line.detail}" if line.detail else "")
        for line in ledger
        if line.kind not in ("base", "owner", "clamp") and (line.contribution or (line.good is False and line.weight))
    ]
    return f" ({'; '.join(parts)})" if parts else ""
