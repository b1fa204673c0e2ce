"""Two instances beside each other: what is configured and what is so now, and where they differ.

Invariant: pure; only facts that can be alike are compared, so no age and no counter, and what is the same is folded
and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.messages import InstanceStatus
from hatui.folding import ABSENT, NAME, differing, same_line
from hatui.sentences import readiness
from hatui.store import Store
from hatui.text import Line, fit, interval, master_of, plain, priorities, seconds, state_word

NOUN = "fact"


def facts(status: InstanceStatus, now: int, *, believed: bool) -> Iterator[tuple[str, str]]:
    """What is compared, by name; a fact that an instance may have several times has a number."""
    word = state_word(status.state)
    yield "state", word if believed else f"UNKNOWN (was {word})"
    yield "ready", readiness(status, now)[0] if believed else "unknown"
    yield "priority", f"{priorities(status).strip()} (in use/base)"
    yield "hold", status.hold_kind or "none"
    yield "master", master_of(status) or "none known"
    yield "last other router", f"{status.peer} with {status.peer_priority}" if status.peer else "none"
    yield "interface", status.interface
    yield "vrid", str(status.vrid)
    yield "version, family", f"VRRPv{status.version}, IPv{status.family}"
    yield "source", status.source or "none"
    yield "way", "unicast" if status.unicast else "multicast"
    yield "advert interval", interval(status.advert_interval)
    yield "master's interval", interval(status.master_advert_interval)
    yield "skew time", seconds(status.skew, 3)
    yield "master-down", seconds(status.master_down_interval, 3)
    yield "preempt", "yes" if status.preempt else "no"
    yield "accept", "yes" if status.accept else "no"
    yield "virtual MAC", status.vmac or "no"
    yield "authentication", status.authentication
    yield "sync group", status.sync_group or "none"
    for at, address in enumerate(status.addresses, start=1):
        there = "set" if address.present else "not here"
        yield f"address {at}", f"{address.address}/{address.prefix} {address.interface}, {there}"
    for entry in status.ledger:
        if entry.kind != "base":
            figure = "FAULT" if entry.fault else f"{entry.contribution:+d}"
            yield f"ledger {entry.name or entry.kind}", figure
    for at, fault in enumerate(status.faults, start=1):
        yield f"fault {at}", fault
    yield "problem", status.problem or "none"


def lines(left: InstanceStatus, right: InstanceStatus, now: int, columns: int, *, believed: bool) -> list[Line]:
    """The facts that differ, each run of equal ones as one line."""
    room = max(12, (columns - NAME - 7) // 2)
    a, b = (dict(facts(one, now, believed=believed)) for one in (left, right))
    names = dict.fromkeys((*a, *b))
    head = " " * (NAME + 4) + fit(plain(left.name), room) + "  " + fit(plain(right.name), room)
    page: list[Line] = [((head, "title"),)]
    same = 0
    for name in names:
        if a.get(name) == b.get(name):
            same += 1
            continue
        page += same_line(same, NOUN)
        same = 0
        page += differing(name, a.get(name, ABSENT), b.get(name, ABSENT), room)
    return page + same_line(same, NOUN)


def page_of(first: str, second: str) -> Callable[[Store, int, int], tuple[str, list[Line]]]:
    """The page about these two, made from the store as it is then."""

    def page(store: Store, now: int, columns: int) -> tuple[str, list[Line]]:
        title = f"{plain(first)} beside {plain(second)}"
        a, b = store.instances.get(first), store.instances.get(second)
        if a is None or b is None:
            gone = plain(first if a is None else second)
            return title, [((f" {gone} is gone: the configuration no longer has it.", "warn"),)]
        believed = not store.silent(now, first) and not store.silent(now, second)
        found = lines(a, b, now, columns, believed=believed)
        differing = sum(bool(line[0][0].strip().startswith("<>")) for line in found)
        return f"{title}: {differing} {'fact differs' if differing == 1 else 'facts differ'}", found

    return page
