"""What a failover would do, as far as this node can tell: before, after, how long, what speaks against it.

Invariant: pure; a check is `pass`, `warn`, `fail` or `unknown`, and what nobody told is `unknown`, never a
pass. A backup is silent, so a master knows of it only what it said when it was master itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine import messages
from engine.messages import EventLine, HandOverFinished, InstanceStatus, State
from hatui.linked import of_store
from hatui.nodes import parted
from hatui.store import Store
from hatui.text import ago, seconds, skew_time, state_word


class Check(msgspec.Struct, frozen=True):
    """One line of the preflight."""

    result: str
    """pass, warn, fail, unknown."""
    code: str
    text: str

    @property
    def role(self) -> str:
        """How it looks."""
        return {"pass": "good", "warn": "warn", "fail": "bad"}.get(self.result, "unknown")


class Move(msgspec.Struct, frozen=True):
    """The whole forecast."""

    instance: str
    method: str
    """step-down or take-over; empty when neither fits the state."""
    why_not: str
    """Why neither fits."""
    target: str
    """Address of the router that would serve; empty when not known."""
    expected: int
    """ns until it serves; 0 unknown."""
    before: tuple[tuple[str, str, str], ...]
    """Router, state, priority now."""
    after: tuple[tuple[str, str, str], ...]
    addresses: str
    back: str
    checks: tuple[Check, ...]
    unknown: bool = False
    """The engine is silent: before and after are no facts, only the past."""

    def count(self, result: str) -> int:
        """How many checks ended so."""
        return sum(check.result == result for check in self.checks)


def forecast(store: Store, name: str, now: int, hold: str) -> Move | None:
    """What a failover of this instance would do now; None when there is no such instance."""
    status = store.instances.get(name)
    if status is None:
        return None
    hello = store.node_of(name).hello
    host = hello.host if hello else "this node"
    method, why_not = _method(status)
    there, priority, waits = _next(store, status, now)
    peer = status.peer or there or "another router"
    peer_priority = str(priority) if priority else "?"
    held = f"held {hold}" if hold else "held"
    before: tuple[tuple[str, str, str], ...]
    after: tuple[tuple[str, str, str], ...]
    if status.state is State.MASTER:
        expected = _skew(status, priority) if priority else 0
        before = ((host, "MASTER", str(status.priority)), (peer, waits, peer_priority))
        after = ((host, "backup", f"1 ({held})"), (peer, "MASTER", peer_priority))
        target = status.peer or there
        back = "when released or the hold ends: this node has the higher priority and preempts"
        if not priority:
            back = "not known: the other router's priority was never heard"
        elif status.base_priority <= priority:
            back = "not by itself: the other router has no lower priority"
        if not status.preempt:
            back = "not by itself here: nopreempt is set"
    else:
        expected = status.advert_interval
        master = status.master or peer
        before = ((host, "backup", str(status.priority)), (master, "MASTER", str(status.master_priority or "?")))
        after = ((host, "MASTER", f"254 ({held})"), (master, "backup", str(status.master_priority or "?")))
        target = host
        back = "when released, if the other router has the higher priority and preempts"
    addresses = " ".join(f"{address.address}" for address in status.addresses) or "none"
    checks = tuple(_checks(store, status, now))
    move = Move(name, method, why_not, target, expected, before, after, addresses, back, checks)
    return _past(move, status, now, store.updated_at) if store.silent(now, status.name) else move


def _next(store: Store, status: InstanceStatus, now: int) -> tuple[str, int, str]:
    """Who would serve next, its priority and its state now: as a linked engine of the router that was heard, or of any
    other while none was, tells of itself; else only what the adverts told."""
    own, _ = parted(status.name, store.nodes)
    able = [
        (one.node, twin)
        for one in of_store(store, now)
        if one.node != own and not one.problem
        for twin in one.instances.values()
        if (twin.vrid, twin.family) == (status.vrid, status.family) and twin.state in (State.BACKUP, State.MASTER)
        if not status.peer or twin.source == status.peer
    ]
    if not able:
        return "", status.peer_priority, "backup ?"
    node, twin = max(able, key=lambda pair: pair[1].priority)
    return node, twin.priority, state_word(twin.state)


def _past(move: Move, status: InstanceStatus, now: int, told: int) -> Move:
    """The same while the engine is silent: what was is called so, what would be is not known."""
    (host, *_), (peer, *_) = move.before
    age = f" {ago(told, now)}" if told else ""
    return msgspec.structs.replace(
        move,
        method="",
        why_not="the engine is silent: its states are not known [E-NO-ENGINE]",
        expected=0,
        before=((host, "UNKNOWN", f"(was {state_word(status.state)}{age})"), (peer, "UNKNOWN", "")),
        after=((host, "unknown", ""), (peer, "unknown", "")),
        addresses=f"{move.addresses} (where they are is not known)",
        back="not known",
        checks=tuple(msgspec.structs.replace(check, result="unknown", text=_was(check)) for check in move.checks),
        unknown=True,
    )


def _was(check: Check) -> str:
    return check.text if check.result == "unknown" else f"not known now (was {check.result})"


def _method(status: InstanceStatus) -> tuple[str, str]:
    if status.base_priority == 255:
        return "", "it owns its addresses (priority 255): an owner never steps down [E-OWNER]"
    if status.state is State.MASTER:
        return "step-down", ""
    if status.state is State.BACKUP:
        return "take-over", ""
    return "", f"it is in {status.state} [{'E-FAULT' if status.state is State.FAULT else 'E-NOT-BACKUP'}]"


def _skew(status: InstanceStatus, priority: int) -> int:
    return skew_time(status.version, priority, status.advert_interval)


def _checks(store: Store, status: InstanceStatus, now: int) -> list[Check]:
    checks = [_heard(status, now), _trackers(status), _pending(store, status)]
    if status.sync_group:
        members = [other.name for other in store.instances.values() if other.sync_group == status.sync_group]
        checks.append(Check("warn", "P-SYNC-GROUP", f"group {status.sync_group} moves together: {' '.join(members)}"))
    gone = [address.address for address in status.addresses if not address.present]
    if status.state is State.MASTER and gone:
        checks.append(Check("warn", "P-VIP-MATCH", f"not on the interface even now: {' '.join(gone)}"))
    else:
        checks.append(Check("unknown", "P-VIP-MATCH", "the other router's addresses: not told while it is backup"))
    return checks


def _heard(status: InstanceStatus, now: int) -> Check:
    if status.state is State.BACKUP:
        if status.master:
            return Check("pass", "P-PEER-HEARD", f"{status.master} heard {ago(status.heard_at, now)}")
        return Check("warn", "P-PEER-HEARD", "no master is heard at all")
    if status.peer:
        text = f"{status.peer} was heard {ago(status.heard_at, now)}; a backup is silent"
        return Check("unknown", "P-PEER-HEARD", text)
    return Check("unknown", "P-PEER-HEARD", "no other router was ever heard; undone by itself if none answers")


def _trackers(status: InstanceStatus) -> Check:
    failing = [line.name for line in status.ledger if line.good is False]
    if status.state is State.BACKUP:
        if failing:
            return Check("warn", "P-TRACKERS", f"fails here: {' '.join(failing)}")
        return Check("pass", "P-TRACKERS", "all trackers here are good")
    return Check("unknown", "P-TRACKERS", "trackers of the other router: not told by VRRP")


def _pending(store: Store, status: InstanceStatus) -> Check:
    if status.hold_kind:
        return Check("warn", "P-PENDING", f"held already ({status.hold_kind}) by {status.hold_by or 'an operator'}")
    others = [other.name for other in store.instances.values() if other.hold_kind]
    if others:
        return Check("warn", "P-PENDING", f"another hold is on: {' '.join(others)}")
    return Check("pass", "P-PENDING", "no hold is on")


def measured(store: Store, name: str, after_seq: int) -> str:
    """The measured end of a hand-over that was told after an event, in words; empty when none was."""
    for row in reversed(store.events):
        if not isinstance(row, EventLine) or row.seq <= after_seq:
            break
        happened = row.event
        if isinstance(happened, HandOverFinished) and happened.instance == name:
            if not happened.successor:
                return f"nobody took over within {seconds(happened.duration)}; the addresses never left"
            return f"{happened.successor} answered after {seconds(happened.duration)}"
    return ""


def with_checks(move: Move, engine: Sequence[messages.Check], nodes: Sequence[messages.Check]) -> Move:
    """The forecast with what the engine has checked, or else with what linked nodes say."""
    told: Sequence[Check | messages.Check] = tuple(engine) or (*move.checks, *nodes)
    found = [Check(one.result, one.code, one.text) for one in told]
    return msgspec.structs.replace(move, checks=tuple(found))
