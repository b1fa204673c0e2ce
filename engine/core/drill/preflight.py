"""PURE. May this drill begin? Checks with codes; what is not known is said as unknown.

Invariant: a drill that would leave an address without an owner that was ever heard does not begin.
"""

from __future__ import annotations

from engine.messages import Check, DrillPlan, InstanceStatus, State

SAFE = ("hand-over", "take-over", "crash", "reload", "deaf")
"""Acts after which the address stays here when there is nobody else."""


def checks(plan: DrillPlan, status: InstanceStatus, pending: str, now: int) -> tuple[Check, ...]:
    """All of them; `pending` says what else is under way."""
    return (
        _role(plan, status),
        _peer(plan, status, now),
        Check("fail", "P-PENDING", pending) if pending else Check("pass", "P-PENDING", "nothing else is under way"),
        _trackers(status),
        _addresses(status),
        _back(plan, status),
    )


def _role(plan: DrillPlan, status: InstanceStatus) -> Check:
    wanted = {"master": (State.MASTER,), "backup": (State.BACKUP,)}.get(plan.needs, (State.MASTER, State.BACKUP))
    text = f"{status.name} is {status.state}"
    if status.base_priority == 255 and plan.act in ("hand-over", "take-over"):
        return Check("fail", "P-PEER-READY", f"{status.name} owns its address: it cannot be moved")
    if status.state in wanted and status.timer != "hand-over":
        return Check("pass", "P-PEER-READY", text)
    return Check("fail", "P-PEER-READY", f"{text}; this drill needs {plan.needs}: run it on the other router")


def _peer(plan: DrillPlan, status: InstanceStatus, now: int) -> Check:
    if status.state is State.BACKUP and status.master:
        return Check("pass", "P-PEER-HEARD", f"{status.master} is MASTER with priority {status.master_priority}")
    if status.peer:
        ago = f", heard {(now - status.heard_at) / 1e9:.0f} s ago" if status.heard_at else ""
        return Check("unknown", "P-PEER-HEARD", f"{status.peer} (priority {status.peer_priority}{ago}) is silent now")
    if plan.act in SAFE:
        return Check(
            "unknown", "P-PEER-HEARD", "no other router was ever heard; the address stays here if none answers"
        )
    text = "no other router was ever heard: the address would have no owner; run the drill hand-over first"
    return Check("fail", "P-PEER-HEARD", text)


def _trackers(status: InstanceStatus) -> Check:
    bad = [line.name for line in status.ledger if line.good is False]
    if bad:
        return Check("warn", "P-TRACKERS", f"fails here already: {' '.join(bad)}")
    return Check("pass", "P-TRACKERS", "all trackers here are good")


def _addresses(status: InstanceStatus) -> Check:
    if not status.addresses:
        return Check("fail", "P-VIP-MATCH", "the instance has no address to measure")
    gone = [one.address for one in status.addresses if not one.present]
    if status.state is State.MASTER and gone:
        return Check("fail", "P-VIP-MATCH", f"not on the interface even now: {' '.join(gone)}")
    return Check("pass", "P-VIP-MATCH", f"{len(status.addresses)} addresses where they should be")


def _back(plan: DrillPlan, status: InstanceStatus) -> Check:
    """Whether it comes back by itself."""
    if status.state is not State.MASTER or plan.expect == "stays":
        return Check("pass", "P-PEER-READY", "nothing has to come back")
    if not status.preempt:
        return Check("warn", "P-PEER-READY", "nopreempt: the address may stay with the other router afterwards")
    if status.peer_priority and status.base_priority <= status.peer_priority:
        return Check("warn", "P-PEER-READY", "the other router has no lower priority: the address may stay there")
    return Check("pass", "P-PEER-READY", "it comes back: this node has the higher priority and preempts")
