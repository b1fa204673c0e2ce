"""The account that another node gives of the same change: what its own record says of that time.

Invariant: pure. Only what that node recorded itself, with its own times; nothing is concluded from what it does not
say, since its record may not reach back. One line of it may settle the cause: the change by
which that node left the role, or the end of its engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.messages import (
    AddressLost,
    Cause,
    CommandLogged,
    EngineStarted,
    EngineStopping,
    Event,
    EventLine,
    GetEvents,
    InstanceStatus,
    InterfaceStateChanged,
    NearMiss,
    Outcome,
    PriorityChanged,
    ProcessDied,
    State,
    StateChanged,
    TrackerChanged,
)
from hatui.reasons import TEMPLATES, told
from hatui.sentences import event as in_words
from hatui.store import Row, Store
from hatui.text import NS, seconds

BEFORE, AFTER = 30 * NS, 60 * NS
"""ns around a change in which the other node's record is read."""
APART = 5 * NS
"""ns that the clocks of two hosts may be apart and the lines still be of one change."""
MOST = 5
"""Lines of one account."""
OF_THE_PEER = frozenset(
    {
        Cause.MASTER_NO_RESPONSE,
        Cause.MASTER_RESIGNED,
        Cause.PEER_HIGHER,
        Cause.WE_PREEMPTED,
        Cause.REJECTED_ADVERTS,
    }
)
"""Causes that lie with the other router."""
_OWN = (StateChanged, PriorityChanged, NearMiss, AddressLost)
_WHOLE = (InterfaceStateChanged, EngineStarted, EngineStopping, ProcessDied)


class Said(msgspec.Struct, frozen=True):
    """One line of it."""

    wall_ns: int
    """By the clock of that node."""
    text: str


class Account(msgspec.Struct, frozen=True):
    """What one node says."""

    node: str
    lines: tuple[Said, ...] = ()
    settles: str = ""
    """The cause, where the node names it itself; empty when it does not."""


def account_of(node: str, change: EventLine, rows: Sequence[Row], instance: str) -> Account:
    """The account of `node`, whose record around the change `rows` is. `instance` is its name there."""
    start, end = change.wall_ns - BEFORE, change.wall_ns + AFTER
    known = [row for row in rows if isinstance(row, EventLine)]
    within = [row for row in known if start <= row.wall_ns <= end]
    bearing = [row for row in within if _bears(row.event, instance)]
    bearing.sort(key=lambda row: abs(row.wall_ns - change.wall_ns))
    shown = sorted(bearing[:MOST], key=lambda row: row.wall_ns)
    lines = tuple(Said(row.wall_ns, _text(row.event)) for row in shown)
    return Account(node, lines, _settled(change, within, instance))


def instance_like(known: Iterable[InstanceStatus], ours: InstanceStatus) -> str:
    """The name that the same virtual router has on another node; empty when there is none."""
    return next((one.name for one in known if (one.family, one.vrid) == (ours.family, ours.vrid)), "")


def told_by_nodes(store: Store, node: str, change: EventLine, ours: InstanceStatus) -> list[Account]:
    """The accounts of all nodes that this console sees, but for `node`, whose change it is."""
    found = []
    for name, other in store.nodes.items():
        there = instance_like(other.instances.values(), ours) if name != node else ""
        if there:
            found.append(account_of(name, change, list(other.events), there))
    return found


def window_of(change: EventLine) -> GetEvents:
    """The events of another node that its account needs."""
    return GetEvents(limit=2000, since_wall_ns=change.wall_ns - BEFORE, until_wall_ns=change.wall_ns + AFTER)


def _bears(event: Event, instance: str) -> bool:
    if isinstance(event, _OWN):
        return event.instance == instance
    if isinstance(event, TrackerChanged):
        return not event.good
    if isinstance(event, CommandLogged):
        return event.outcome is Outcome.DONE and (instance in event.command.split() or event.command == "reload")
    return isinstance(event, _WHOLE)


def _text(event: Event) -> str:
    said = in_words(event)
    return f"{said.what}  {said.detail}".rstrip()


def _settled(change: EventLine, within: Sequence[EventLine], instance: str) -> str:
    about = change.event
    if not isinstance(about, StateChanged) or about.cause not in OF_THE_PEER:
        return ""
    for row in reversed(within):
        event = row.event
        if row.wall_ns > change.wall_ns + APART:
            if isinstance(event, EngineStarted) and about.new is State.MASTER and not _ended(within, row):
                later = seconds(row.wall_ns - change.wall_ns)
                return f"its engine began anew {later} later: it, or its host, had ended without a word"
            continue
        if isinstance(event, StateChanged) and event.instance == instance and _fits(about, event):
            return f"{event.cause.value}: {event.detail or told(TEMPLATES[event.cause].what, event)}"
        if about.new is State.MASTER and isinstance(event, ProcessDied) and event.process == "vrrp":
            return f"its vrrp process ended: {event.reason}"
    return ""


def _fits(ours: StateChanged, theirs: StateChanged) -> bool:
    """It is the other half of the move."""
    return theirs.old is State.MASTER if ours.new is State.MASTER else theirs.new is State.MASTER


def _ended(within: Sequence[EventLine], start: EventLine) -> bool:
    """It said that it stops, before that start."""
    return any(isinstance(row.event, EngineStopping) and row.wall_ns < start.wall_ns for row in within)
