"""PURE. May this drill, or this failover, begin? Checks with codes; what is not known is said as unknown.

Invariant: what would leave an address without an owner that was ever heard does not begin, whatever an operator says;
any other failure can be overridden with a reason, which is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.codes.preflight import LAST
from engine.config.model import Instance
from engine.config.plan import Impact, Plan
from engine.errors import Refused
from engine.messages import Check, DrillPlan, FindingStatus, InstanceStatus, State

SAFE = ("hand-over", "take-over", "crash", "reload", "deaf")
"""Acts after which the address stays here when there is nobody else."""
REFUSED = frozenset({"D-AUTH", "D-HMAC", "D-ADVINT", "D-VERSION", "D-CSUM"})
"""Findings of diagnosis that say: what another router of this VRID sends is refused here."""
RANKS = ("unknown", "pass", "warn", "fail")


class HostFacts(msgspec.Struct, frozen=True):
    """As of now."""

    ports: tuple[int, ...] = ()
    """Local ports of connections to the address."""
    bound: tuple[int, ...] = ()
    """Ports on which a service listens on the address itself."""
    nonlocal_bind: bool | None = None
    """net.ipv4.ip_nonlocal_bind, or that of IPv6."""
    virtual_machine: bool | None = None
    open: tuple[int, ...] | None = None
    """Those of `ports` that the other router's host answers on; None: not asked."""


class Known(msgspec.Struct, frozen=True):
    """What is known besides the status of the instance."""

    pending: str = ""
    """What else is under way here."""
    host: HostFacts = HostFacts()
    instance: Instance | None = None
    members: tuple[str, ...] = ()
    """The sync group."""
    findings: tuple[FindingStatus, ...] = ()
    refused: str = ""
    """Why the kernel did not send an advert since the last transition; empty when it did."""
    nodes: tuple[Check, ...] = ()
    """What a client with a link to other nodes has found there."""
    now: int = 0


def checks(plan: DrillPlan, status: InstanceStatus, known: Known) -> tuple[Check, ...]:
    """All of them, for a drill."""
    alone = Check("unknown", "P-PENDING", "under way on other nodes: no link to them, so none is told to hold still")
    found = [_role(plan, status), _peer(plan, status, known.now), _back(plan, status), *_common(status, known), alone]
    return merged(found, known.nodes)


def failover_checks(method: str, status: InstanceStatus, known: Known) -> tuple[Check, ...]:
    """All of them, for a failover."""
    heard = Check("unknown", "P-PEER-HEARD", "no other router was ever heard; it is undone if none answers")
    if method == "take-over" and status.master:
        heard = Check("pass", "P-PEER-HEARD", f"{status.master} is MASTER with priority {status.master_priority}")
    elif status.peer:
        heard = Check("unknown", "P-PEER-HEARD", f"{status.peer} is silent now, as a backup is; undone if none answers")
    common = [
        msgspec.structs.replace(one, result="warn") if (one.code, one.result) == ("P-VIP-MATCH", "fail") else one
        for one in _common(status, known)
    ]
    return merged([heard, *common], known.nodes)


def merged(own: Iterable[Check], nodes: Sequence[Check]) -> tuple[Check, ...]:
    """What a client knows of other nodes takes the place of what is not known here, and stands beside the rest."""
    told = {one.code for one in nodes if one.result != "unknown"}
    kept = [one for one in own if one.result != "unknown" or one.code not in told]
    codes = {one.code for one in kept}
    return (*kept, *(one for one in nodes if one.result != "unknown" or one.code not in codes))


def overridden(found: Sequence[Check], reason: str) -> tuple[str, ...]:
    """The codes that are overridden with this reason; none when nothing failed.

    Raises:
        Refused: E-PREFLIGHT when there is no reason, or when nobody may override what failed.
    """
    failed = [one for one in found if one.result == "fail"]
    if not failed:
        return ()
    hard = [one for one in failed if one.code in LAST]
    if hard and reason:
        raise Refused("E-PREFLIGHT", f"this cannot be overridden: {_words(hard)}")
    if not reason:
        raise Refused("E-PREFLIGHT", _words(failed))
    return tuple(dict.fromkeys(one.code for one in failed))


def reload_impact(found: Plan | None, errors: Sequence[str] = ()) -> Check:
    """What a change of the configuration does to the instances that run."""
    code = "P-RELOAD-IMPACT"
    if found is None or errors:
        why = errors[0] if errors else "it cannot be used"
        return Check("fail", code, f"a reload is refused and nothing changes: {why}")
    if not found.lines:
        return Check("pass", code, "no change: every instance stays as it is")
    words: dict[str, list[str]] = {}
    for one in found.instances:
        if one.impact is not Impact.NOTHING:
            wait = f" (up to {one.interruption / 1e9:.1f} s unserved)" if one.interruption else ""
            words.setdefault(f"{one.impact}", []).append(one.name + wait)
    text = "; ".join(f"{impact}: {', '.join(names)}" for impact, names in words.items())
    heavy = found.impact in (Impact.RESTART, Impact.REMOVED)
    return Check("warn" if heavy else "pass", code, text or "instances: nothing; besides them something changes")


def _words(found: Sequence[Check]) -> str:
    return "; ".join(f"{one.text} [{one.code}]" for one in found)


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


def _back(plan: DrillPlan, status: InstanceStatus) -> Check:
    """Whether it comes back by itself."""
    if status.state is not State.MASTER or plan.expect == "stays":
        return Check("pass", "P-PEER-READY", "nothing has to come back")
    if not status.preempt:
        return Check("warn", "P-PEER-READY", "nopreempt: the address may stay with the other router afterwards")
    if status.peer_priority and status.base_priority <= status.peer_priority:
        return Check("warn", "P-PEER-READY", "the other router has no lower priority: the address may stay there")
    return Check("pass", "P-PEER-READY", "it comes back: this node has the higher priority and preempts")


def _common(status: InstanceStatus, known: Known) -> list[Check]:
    pending = Check("fail", "P-PENDING", known.pending) if known.pending else None
    found = [
        pending or Check("pass", "P-PENDING", "nothing else is under way here"),
        _trackers(status),
        _addresses(status),
        _vrid(status, known.findings),
        _match(status, known.findings),
        Check("unknown", "P-CLOCK", "the other router's clock: no link to it"),
        _service(status, known.host),
    ]
    if len(known.members) > 1:
        found.append(
            Check("warn", "P-SYNC-GROUP", f"group {status.sync_group}: {' '.join(known.members)} move together")
        )
    if known.instance is not None:
        found.append(_announce(known.instance))
        if known.instance.vmac is not None:
            found.append(_vmac(known.host))
    if known.host.bound:
        found.append(_bound(known.host))
    if known.refused:
        found.append(Check("warn", "P-FW-OUT", f"adverts did not leave: {known.refused}"))
    elif status.state is State.MASTER:
        found.append(Check("pass", "P-FW-OUT", "adverts leave this host"))
    return found


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


def _vrid(status: InstanceStatus, findings: Iterable[FindingStatus]) -> Check:
    clash = [one for one in findings if one.code == "D-VRID-CLASH" and one.instance in ("", status.name)]
    if clash:
        return Check("warn", "P-VRID-FREE", clash[0].text)
    return Check("pass", "P-VRID-FREE", f"nobody strange was heard with VRID {status.vrid}")


def _match(status: InstanceStatus, findings: Iterable[FindingStatus]) -> Check:
    """A router whose adverts are refused here cannot be recognised as the one that takes over."""
    differs = [one for one in findings if one.code in REFUSED and one.instance == status.name]
    if differs:
        return Check("warn", "P-CONFIG-MATCH", f"{differs[0].text} [{differs[0].code}]")
    return Check("unknown", "P-CONFIG-MATCH", "the other router's configuration: no link to it")


def _service(status: InstanceStatus, host: HostFacts) -> Check:
    if status.state is not State.MASTER:
        return Check("unknown", "P-SERVICE", "which ports are in use is seen on the master alone")
    if not host.ports:
        return Check("unknown", "P-SERVICE", "no connection to the address now: nothing tells which ports matter")
    ports = " ".join(map(str, host.ports))
    if host.open is None:
        return Check("unknown", "P-SERVICE", f"in use on the address: port {ports}; the other router is not known")
    shut = [port for port in host.ports if port not in host.open]
    if shut:
        return Check("warn", "P-SERVICE", f"{status.peer} does not answer on port {' '.join(map(str, shut))}")
    return Check("pass", "P-SERVICE", f"{status.peer} answers on port {ports}")


def _announce(instance: Instance) -> Check:
    said = instance.announce
    if instance.vmac is not None:
        return Check("pass", "P-ANNOUNCE", "the MAC moves with the address")
    if said.master_refresh or (said.master_delay and said.master_repeat):
        return Check("pass", "P-ANNOUNCE", "announced by a burst, and again later")
    return Check("warn", "P-ANNOUNCE", "announced once only (garp_master_delay 0, no garp_master_refresh)")


def _vmac(host: HostFacts) -> Check:
    if host.virtual_machine is None:
        return Check("unknown", "P-VMAC", "use_vmac: whether this is a virtual machine is not known")
    if host.virtual_machine:
        return Check("warn", "P-VMAC", "use_vmac on a virtual machine: its port must accept another MAC")
    return Check("pass", "P-VMAC", "use_vmac, and this is no virtual machine")


def _bound(host: HostFacts) -> Check:
    ports = " ".join(map(str, host.bound))
    if host.nonlocal_bind:
        return Check("pass", "P-NONLOCAL-BIND", f"port {ports} is bound to the address; ip_nonlocal_bind is 1 here")
    text = f"port {ports} is bound to the address itself, and ip_nonlocal_bind is not 1 here: not started on a backup"
    return Check("warn", "P-NONLOCAL-BIND", text)
