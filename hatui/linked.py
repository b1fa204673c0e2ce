"""What nodes with a link of their own say before an address is moved: the checks that one engine alone cannot make.

Invariant: pure; only what a linked engine has said counts. A node that does not answer is unknown, never a pass, and
a node that has no instance of this VRID says nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from engine.messages import Check, EngineStatus, InstanceStatus, OtherRouter, State
from hatui.nodes import parted
from hatui.store import Connection, Store
from hatui.text import plain, seconds, state_word

APART = 1_000_000_000
"""ns by which clocks may differ."""


class Linked(msgspec.Struct, frozen=True):
    """One node."""

    node: str
    engine: EngineStatus | None = None
    instances: Mapping[str, InstanceStatus] = {}
    """By the names that its engine gives them."""
    clock: int | None = None
    """ns that are added to a monotonic clock that is common to all nodes to make its wall clock."""
    problem: str = ""
    """Why it does not answer."""


def of_store(store: Store, now: int) -> list[Linked]:
    """All nodes of a console; none where there is but one engine."""
    found = []
    for node, one in store.nodes.items():
        silent = one.silent(now) or one.link.connection is not Connection.LIVE
        offset = one.wall_offset or None
        found.append(
            Linked(node, one.engine, one.instances, offset, f"silent, {one.link.connection.value}" if silent else "")
        )
    return found


def checks_of(store: Store, name: str, now: int) -> tuple[Check, ...]:
    """What the other nodes of a console say of an instance that carries its node's name."""
    node, bare = parted(name, store.nodes)
    nodes = of_store(store, now)
    own = next((one for one in nodes if one.node == node), None)
    if own is None or bare not in own.instances:
        return ()
    return checks(own, own.instances[bare], [one for one in nodes if one is not own])


def other_in(store: Store, name: str, now: int) -> OtherRouter | None:
    """The same of a console's nodes."""
    node, bare = parted(name, store.nodes)
    nodes = of_store(store, now)
    own = next((one for one in nodes if one.node == node), None)
    if own is None or bare not in own.instances:
        return None
    return other_of(own, own.instances[bare], [one for one in nodes if one is not own])


def checks(own: Linked, status: InstanceStatus, others: Sequence[Linked]) -> tuple[Check, ...]:
    """Everything that linked nodes say about moving an instance of `own`."""
    found: list[Check] = []
    ready = []
    twins = [(one, twin) for one in others if (twin := _twin(one, status)) is not None and not one.problem]
    for one, twin in twins:
        check = _ready(one, twin, status)
        ready.append(check)
        found += [
            Check("pass", "P-PEER-HEARD", f"{plain(one.node)} answers over its link"),
            _addresses(one, twin, status),
            _trackers(one, twin),
            _alike(own, one, twin, status),
            _clock(own, one),
            _pending(one, twin),
        ]
    good = any(one.result != "fail" for one in ready)
    sources = {twin.source for _, twin in twins}
    alone = not good and (not status.peer or status.peer in sources)
    found += [one if alone or one.result != "fail" else msgspec.structs.replace(one, result="warn") for one in ready]
    found += [
        Check("unknown", "P-PEER-READY", f"{plain(one.node)}: {plain(one.problem)}") for one in others if one.problem
    ]
    return tuple(found)


def _twin(one: Linked, status: InstanceStatus) -> InstanceStatus | None:
    same = [each for each in one.instances.values() if (each.vrid, each.family) == (status.vrid, status.family)]
    return next((each for each in same if each.name == status.name), same[0] if len(same) == 1 else None)


def _ready(one: Linked, twin: InstanceStatus, status: InstanceStatus) -> Check:
    words = f"{plain(one.node)} is {state_word(twin.state)} with priority {twin.priority}"
    if status.state is not State.MASTER or twin.state in (State.BACKUP, State.MASTER):
        return Check("pass", "P-PEER-READY", words)
    why = f": {plain(twin.faults[0])}" if twin.faults else ""
    return Check("fail", "P-PEER-READY", f"{words}: it cannot take over{why}")


def _addresses(one: Linked, twin: InstanceStatus, status: InstanceStatus) -> Check:
    here, there = ({each.address for each in which.addresses} for which in (status, twin))
    if here == there:
        return Check("pass", "P-VIP-MATCH", f"{plain(one.node)} has the same {len(here)} addresses")
    lacks, more = " ".join(sorted(here - there)), " ".join(sorted(there - here))
    words = [f"lacks {lacks}"] * bool(lacks) + [f"has also {more}"] * bool(more)
    return Check("fail", "P-VIP-MATCH", f"{plain(one.node)} {' and '.join(words)}")


def _trackers(one: Linked, twin: InstanceStatus) -> Check:
    bad = [line.name for line in twin.ledger if line.good is False]
    if bad:
        return Check("warn", "P-TRACKERS", f"{plain(one.node)}: fails there: {' '.join(map(plain, bad))}")
    return Check("pass", "P-TRACKERS", f"{plain(one.node)}: all trackers there are good")


def _alike(own: Linked, one: Linked, twin: InstanceStatus, status: InstanceStatus) -> Check:
    """The fingerprints differ with every priority, so what has to be equal is compared field by field."""
    prints = [which.engine.config_fingerprint for which in (own, one) if which.engine is not None]
    if len(prints) == 2 and prints[0] == prints[1]:
        return Check("pass", "P-CONFIG-MATCH", f"{plain(one.node)} runs the same configuration")
    differ = [
        word
        for word, here, there in (
            ("version", status.version, twin.version),
            ("advert interval", status.advert_interval, twin.advert_interval),
            ("authentication", status.authentication, twin.authentication),
            ("unicast", status.unicast, twin.unicast),
            ("virtual MAC", bool(status.vmac), bool(twin.vmac)),
            ("sync group", bool(status.sync_group), bool(twin.sync_group)),
            ("trackers", _tracked(status), _tracked(twin)),
        )
        if here != there
    ]
    if differ:
        return Check("warn", "P-CONFIG-MATCH", f"{plain(one.node)} differs: {', '.join(differ)}")
    return Check("pass", "P-CONFIG-MATCH", f"{plain(one.node)} is alike in all that must be equal")


def _tracked(status: InstanceStatus) -> frozenset[tuple[str, str]]:
    return frozenset((line.kind, line.name) for line in status.ledger if line.kind in ("script", "process", "file"))


def _clock(own: Linked, one: Linked) -> Check:
    if own.clock is None or one.clock is None:
        return Check("unknown", "P-CLOCK", f"{plain(one.node)}: its clock is not known yet")
    apart = abs(one.clock - own.clock)
    word = "ahead" if one.clock > own.clock else "behind"
    text = f"{plain(one.node)}: its clock is {seconds(apart, 3)} {word}"
    return Check("warn" if apart > APART else "pass", "P-CLOCK", text)


def _pending(one: Linked, twin: InstanceStatus) -> Check:
    engine, node = one.engine, plain(one.node)
    if engine is not None and engine.drill is not None:
        return Check(
            "fail", "P-PENDING", f"{node}: drill {engine.drill.number} ({plain(engine.drill.plan)}) is running"
        )
    if engine is not None and engine.confirm_revision:
        return Check("fail", "P-PENDING", f"{node}: revision {engine.confirm_revision} waits for its confirmation")
    if twin.hold_kind:
        return Check("fail", "P-PENDING", f"{node}: held ({plain(twin.hold_kind)}) by {plain(twin.hold_by)}")
    return Check("pass", "P-PENDING", f"{node}: nothing else is under way")


def other_of(own: Linked, status: InstanceStatus, others: Sequence[Linked]) -> OtherRouter | None:
    """The router that would serve next, as its engine describes it; None where none is linked."""
    twins = [(one.node, twin) for one in others if not one.problem and (twin := _twin(one, status)) is not None]
    found = [(node, twin) for node, twin in twins if twin.state is not State.FAULT and twin.name]
    node, twin = max(found, key=lambda pair: pair[1].base_priority, default=("", None))
    if twin is None or node == own.node:
        return None
    bad = tuple((line.kind, line.name) for line in twin.ledger if line.good is False)
    return OtherRouter(
        node, twin.base_priority, twin.advert_interval, twin.preempt, twin.name, twin.source, failing=bad
    )


def failed(found: Iterable[Check]) -> tuple[str, ...]:
    """The codes that failed."""
    return tuple(dict.fromkeys(one.code for one in found if one.result == "fail"))
