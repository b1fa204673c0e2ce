"""Findings from this host: addresses, other engines, states that last too long, scripts, timers.

Invariant: a state that may be on its way is none: nothing is said within `PATIENCE` of a change.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.diagnosis.facts import Facts
from engine.diagnosis.wire import Rule, finding
from engine.messages import Cause, FindingStatus, State

PATIENCE = 3_000_000_000
"""ns after a change of state in which addresses may still be on their way."""
STUCK = 10_000_000_000
"""ns in FAULT without a reason of its own."""
RUNS = 5
"""Runs that a script must have had to be called slow."""
NEAR_LIMIT = 0.7
"""Part of the timeout."""
FLAPS = 3
"""Changes in ten minutes that are normal."""
MEMORY = 600_000_000_000
"""ns for which a removed address and a stall are told."""

_KEEP = {
    "systemd-networkd": "KeepConfiguration=yes in its .network file",
    "NetworkManager": "nmcli device set INTERFACE managed no, or keep-configuration",
    "netplan": "critical: true for the interface",
    "dhclient": "an exit hook, or a static address",
}


def no_master(facts: Facts) -> Iterable[FindingStatus]:
    """D-NO-MASTER: a backup without a master for two master-down intervals."""
    in_fault = {one.name: one for one in facts.instances if one.state is State.FAULT}
    for status in facts.instances:
        wait = 2 * max(status.master_down_interval, 1)
        heard = max(status.heard_at, status.since)
        waiting = status.timer == "startup-delay" or status.hold_kind or status.name in facts.impaired
        if status.state is not State.BACKUP or facts.now - heard <= wait or waiting:
            continue
        members = [one for one in in_fault.values() if status.sync_group and one.sync_group == status.sync_group]
        why = "; ".join(f"{one.name} holds its sync group in FAULT: {'; '.join(one.faults)}" for one in members)
        text = f"No master is heard for {(facts.now - heard) / 1e9:.0f} s and {status.name} does not take over"
        yield finding(
            "D-NO-MASTER",
            "error",
            status.name,
            f"{text}: {why}" if why else text,
            f"`hatui why {members[0].name}`" if members else f"`hatui why {status.name}` here and on the other nodes",
        )


def stuck_fault(facts: Facts) -> Iterable[FindingStatus]:
    """D-FAULT-STUCK: in FAULT although all that it tracks itself is good."""
    for status in facts.instances:
        if status.state is not State.FAULT or facts.now - status.since < STUCK or status.name in facts.impaired:
            continue
        own = [line for line in status.ledger if line.kind in ("script", "process", "file", "bfd", "interface", "link")]
        reasons = [line for line in status.ledger if line.fault]
        if any(line.good is not True for line in own) or any(line in own for line in reasons):
            continue
        blockers = ", ".join(f"{line.kind} {line.name} {line.detail}".strip() for line in reasons)
        told = "; ".join(status.faults) or blockers
        yield finding(
            "D-FAULT-STUCK",
            "error",
            status.name,
            f"{status.name} is in FAULT for {(facts.now - status.since) / 1e9:.0f} s while all that it tracks is good"
            + (f": {told}" if told else ""),
            "Mend what is named; the ledger in the instance detail lists every cause with since when",
        )


def vanished(facts: Facts) -> Iterable[FindingStatus]:
    """D-VIP-GONE: an address that a master lacks, or that somebody else removed lately."""
    culprit = facts.culprits[0] if len(facts.culprits) == 1 else ""
    fix = _KEEP.get(culprit, "Find what cleans up (a network manager, a script) and have it leave foreign addresses")
    for status in facts.instances:
        if status.state is not State.MASTER or facts.now - status.since < PATIENCE:
            continue
        for one in status.addresses:
            if not one.present:
                yield finding(
                    "D-VIP-GONE",
                    "error",
                    status.name,
                    f"{status.name} is MASTER, but {one.address} is not on {one.interface}: nobody answers for it"
                    + (f" ({status.problem})" if status.problem else ""),
                    "Mend what the kernel names; it is tried again by itself" if status.problem else fix,
                    subject=one.address,
                )
    for at, event in facts.lost:
        if facts.now - at > MEMORY:
            continue
        end = "it was put back" if event.restored else "it was NOT put back"
        who = f" ({culprit} runs here)" if culprit else ""
        yield finding(
            "D-VIP-GONE",
            "warning",
            event.instance,
            f"{event.address} was removed from {event.interface} by another program {(facts.now - at) / 1e9:.0f} s "
            f"ago{who}; {end}",
            fix,
            subject=event.address,
        )


def orphans(facts: Facts) -> Iterable[FindingStatus]:
    """D-VIP-ORPHAN: an address here although this node does not serve it."""
    serving = {
        (one.address, one.interface)
        for status in facts.instances
        if status.state is State.MASTER
        for one in status.addresses
    }
    for status in facts.instances:
        settled = facts.now - status.since >= PATIENCE and status.timer != "hand-over"
        if status.state is State.MASTER or not settled:
            continue
        for one in status.addresses:
            if one.present and (one.address, one.interface) not in serving:
                owner = f" while {status.master} is MASTER" if status.master else ""
                yield finding(
                    "D-VIP-ORPHAN",
                    "error",
                    status.name,
                    f"{one.address} is on {one.interface} although {status.name} is {status.state.value} here{owner}: "
                    "left behind, or added by somebody else",
                    f"ip address del {one.address}/{one.prefix} dev {one.interface}, once it is sure that nothing else "
                    "needs it here",
                    subject=one.address,
                )


def two_engines(facts: Facts) -> Iterable[FindingStatus]:
    """D-TWO-ENGINES: another program speaks VRRP on this host."""
    if facts.others and facts.instances:
        yield finding(
            "D-TWO-ENGINES",
            "error",
            "",
            f"{', '.join(facts.others)} runs VRRP on this host too: both may set and remove the same addresses",
            "Stop one of them; `hatui-engine --observe` looks on without sending",
        )


def slow_scripts(facts: Facts) -> Iterable[FindingStatus]:
    """D-SCRIPT-SLOW: near the time limit, or of two minds."""
    limits = {one.name: one.timeout for one in facts.config.scripts}
    for runs in facts.runs:
        limit = limits.get(runs.name, 0)
        ordered = sorted(runs.durations)
        if limit and len(ordered) >= RUNS:
            high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
            over = [one for one in ordered if one > NEAR_LIMIT * limit]
            if high > NEAR_LIMIT * limit and len(over) >= ENOUGH_SLOW:
                yield finding(
                    "D-SCRIPT-SLOW",
                    "warning",
                    "",
                    f"{runs.name} took {high / 1e9:.1f} s of its {limit / 1e9:g} s limit ({len(over)} of the last "
                    f"{len(ordered)} runs were as slow); one slower and it counts as failed",
                    f"timeout {max(1, round(2 * high / 1e9))}, or fall 2; prefer track_process to asking for a process",
                    subject=runs.name,
                )
        if runs.changes > FLAPS:
            yield finding(
                "D-SCRIPT-SLOW",
                "warning",
                "",
                f"{runs.name} turned good or bad {runs.changes} times in ten minutes",
                "fall and rise of 2 or 3 let single failures pass",
                subject=f"{runs.name} flaps",
            )


STEAL = 0.05
"""Share of stolen processor time from which on it is named."""
ENOUGH_SLOW = 2
"""Slow runs; a single one is chance."""


def stalls(facts: Facts) -> Iterable[FindingStatus]:
    """D-STALL: the engine here did not get to run in time."""
    told: set[str] = set()
    for at, event in reversed(facts.near):
        if facts.now - at > MEMORY or "stood still" not in event.text or event.text in told:
            continue
        told.add(event.text)
        share = facts.stolen.get(at, 0.0)
        steal = f" (CPU steal {100 * share:.0f} %)" if share >= STEAL else ""
        yield finding(
            "D-STALL",
            "warning",
            event.instance,
            f"{(facts.now - at) / 1e9:.0f} s ago {event.text}{steal}",
            "Give this virtual machine its processors, or move it: the hypervisor gives them to others"
            if steal
            else "Look for swapping and snapshots; vrrp_rt_priority, or more down_timer_adverts on all nodes",
        )


GAP = 40_000_000_000
"""ns after the link came up within which frames may not pass yet. Source: IEEE 802.1D, twice the forward delay."""


def link_gap(facts: Facts) -> Iterable[FindingStatus]:
    """D-LINK-GAP: a master that was there all the time was not heard when the link had just come up."""
    for status in facts.instances:
        own = [(at, one) for at, one in facts.turns if one.instance == status.name]
        for (up_at, up), (rose_at, rose), (fell_at, fell) in zip(own, own[1:], own[2:], strict=False):
            came_up = up.cause is Cause.FAULT_CLEARED and fell_at - up_at <= GAP
            rose_unheard = rose.new is State.MASTER and rose.cause is Cause.MASTER_NO_RESPONSE
            yielded = fell.new is State.BACKUP and fell.cause in (Cause.PEER_HIGHER, Cause.PEER_EQUAL_HIGHER_ADDRESS)
            same = fell.peer and rose.peer == fell.peer
            if came_up and rose_unheard and yielded and same and facts.now - fell_at <= MEMORY:
                yield finding(
                    "D-LINK-GAP",
                    "warning",
                    status.name,
                    f"{(facts.now - fell_at) / 1e9:.0f} s ago {status.name} yielded to {fell.peer}, which it had not "
                    f"heard: it had become MASTER {(rose_at - up_at) / 1e9:.1f} s after {status.interface} came up, "
                    "while the switch may not have passed frames yet",
                    "Let the switch port forward at once (portfast, edge port), or set vrrp_startup_delay and "
                    "preempt_delay longer than it takes",
                )


def no_interface(facts: Facts) -> Iterable[FindingStatus]:
    """D-INTERFACE: the configuration names an interface that is not here."""
    absent = {one.name for one in facts.interfaces if not one.exists}
    for status in facts.instances:
        if status.interface in absent and status.state is State.FAULT and facts.now - status.since >= PATIENCE:
            yield finding(
                "D-INTERFACE",
                "error",
                status.name,
                f"{status.name} needs {status.interface}, which is not on this host since "
                f"{(facts.now - status.since) / 1e9:.0f} s: named wrongly, or not made yet",
                "`ip link` shows the names; where it is made late at boot, start the engine after "
                "network-online.target. It goes on by itself as soon as the interface is there",
            )


RULES: tuple[Rule, ...] = (
    no_master,
    stuck_fault,
    vanished,
    orphans,
    two_engines,
    slow_scripts,
    stalls,
    link_gap,
    no_interface,
)
