"""Why an instance changes its state: one template for each cause, and the changes that it can be the cause of.

Invariant: pure, and complete: every change that the state machine can make has a template here (a test lets it make
all of them). A template says what happened, how sure its deeper cause is, and what to look at next.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.messages import Cause, State, StateChanged

CERTAIN, LIKELY, UNKNOWN = "certain", "likely", "unknown"
"""How sure a deeper cause is: recorded as such, follows from what was ruled out, or neither."""

_INIT, _BACKUP, _MASTER, _FAULT = State.INIT, State.BACKUP, State.MASTER, State.FAULT
_UP, _DOWN = (_BACKUP, _MASTER), (_MASTER, _BACKUP)
_FAILS = ((_INIT, _FAULT), (_BACKUP, _FAULT), (_MASTER, _FAULT))
_ENDS = ((_BACKUP, _INIT), (_MASTER, _INIT), (_FAULT, _INIT))
_ORDERED = (_UP, _DOWN, *_FAILS, (_FAULT, _BACKUP), *_ENDS)


class Template(msgspec.Struct, frozen=True):
    """One cause in words. `{peer}` stands for the other router, `{name}` for the instance."""

    changes: tuple[tuple[State, State], ...]
    """(old, new) that this can be the cause of."""
    what: str
    grade: str
    deeper: str
    """What probably lies behind it, and how that is known."""
    check: str
    """The next thing to look at."""
    is_topic: str = ""
    """The topic (see `hatui.explanation`) that this cause is about, and which is not ruled out therefore."""


TEMPLATES: dict[Cause, Template] = {
    Cause.MASTER_NO_RESPONSE: Template(
        (_UP,),
        "{peer} stopped without saying goodbye",
        LIKELY,
        "the host of {peer}, its cable or its switch port",
        "on {peer}: `hatui why`, its link and its log; from here: ping {peer}",
    ),
    Cause.MASTER_RESIGNED: Template(
        (_UP,),
        "the master resigned: {peer} sent priority 0",
        CERTAIN,
        "{peer} said so itself: a planned stop, a failover, or a fault over there",
        "on {peer}: `hatui why` says which of these",
    ),
    Cause.PEER_HIGHER: Template(
        (_DOWN,),
        "another router advertises a higher priority: {peer}",
        CERTAIN,
        "{peer} has the better priority and preempts: it came back, or its trackers recovered",
        "on {peer}: `hatui why`; to stay here after a return, use nopreempt with state BACKUP on both",
    ),
    Cause.PEER_EQUAL_HIGHER_ADDRESS: Template(
        (_DOWN,),
        "{peer} has the same priority and the higher address",
        CERTAIN,
        "equal priorities: both were master, and the lower address yields",
        "give each router its own priority: `hatui explain D-PRIO-EQUAL`",
    ),
    Cause.WE_PREEMPTED: Template(
        (_UP,),
        "this node has the higher priority and preempts {peer}",
        CERTAIN,
        "this node came back, or its trackers recovered; preemption is on",
        "to leave the address where it is after a return, use nopreempt with state BACKUP on both",
        "priority",
    ),
    Cause.PRIORITY_LOWERED: Template(
        (_DOWN,),
        "the priority here fell below that of {peer}",
        CERTAIN,
        "a tracker failed here, or the configuration changed: the line above names it",
        "`hatui status {name}`: the priority ledger, and the output of the failing script",
        "priority",
    ),
    Cause.TRACKER_FAULT: Template(
        _FAILS,
        "a tracker without a weight failed here",
        CERTAIN,
        "what that tracker checks; the line above names it",
        "`hatui status {name}`: its exit status and output",
        "priority",
    ),
    Cause.INTERFACE_DOWN: Template(
        _FAILS,
        "the interface went down",
        CERTAIN,
        "this host lost its link: cable, switch port, or somebody's ip link set down",
        "ip -s link; the log of the kernel and of the switch",
        "interface",
    ),
    Cause.ADDRESS_LOST: Template(
        _FAILS,
        "the interface lost the address that adverts are sent from",
        LIKELY,
        "somebody removed it: a network manager, DHCP, or by hand",
        "ip addr; journalctl of systemd-networkd or NetworkManager at that moment",
        "address",
    ),
    Cause.FAULT_CLEARED: Template(
        ((_FAULT, _BACKUP),),
        "the last cause of FAULT is gone",
        CERTAIN,
        "what was broken works again",
        "`hatui why {name} --last 2` says what had been broken",
        "interface",
    ),
    Cause.SYNC_GROUP: Template(
        (_DOWN, *_FAILS),
        "another member of its sync group changed",
        CERTAIN,
        "members of a sync group move together; the line above names the member",
        "`hatui why` of that member",
    ),
    Cause.OPERATOR: Template(
        (_UP, _DOWN),
        "an operator asked for it",
        CERTAIN,
        "the command is in the audit trail",
        "`hatui watch --last 50` shows who, from where and why",
        "operator",
    ),
    Cause.MAINTENANCE: Template(
        _ORDERED,
        "maintenance",
        CERTAIN,
        "somebody put this node or instance into maintenance, or ended it",
        "`hatui maintenance status`",
        "operator",
    ),
    Cause.CONFIG: Template(
        (*_FAILS, *_ENDS),
        "the configuration changed, or cannot work as it is",
        CERTAIN,
        "the line above names what in the configuration does it",
        "`hatui config history` shows who changed what; `hatui check` shows what is wrong",
        "config",
    ),
    Cause.STARTUP: Template(
        ((_INIT, _BACKUP), (_INIT, _MASTER), _UP),
        "the engine had just started",
        CERTAIN,
        "a router begins as backup and becomes master when it hears none, or owns the address",
        "nothing, if the start was meant; else why the engine ended before",
        "engine",
    ),
    Cause.SHUTDOWN: Template(
        _ENDS,
        "the engine is stopping",
        CERTAIN,
        "it was told to stop",
        "the journal of the service manager says by whom",
        "engine",
    ),
    Cause.ENGINE_STALL: Template(
        (_DOWN,),
        "the engine here did not get to run, and {peer} has taken over",
        LIKELY,
        "a suspended machine, or one starved of processor time",
        "`hatui explain D-STALL`; steal time, snapshots and swapping of this host at that moment",
        "late",
    ),
    Cause.REJECTED_ADVERTS: Template(
        (_UP,),
        "all adverts of {peer} were rejected",
        CERTAIN,
        "version, authentication or addresses differ; {peer} is alive, so both may be master now",
        "Packets (key 2) shows the test that fails; compare both configurations with `hatui check A --peer B`",
        "rejected",
    ),
    Cause.DRILL: Template(
        _ORDERED,
        "a drill",
        CERTAIN,
        "it was rehearsed",
        "`hatui drill list`",
        "operator",
    ),
}


def lacking(changes: Iterable[StateChanged]) -> list[str]:
    """Those changes that no template explains, in words; empty when all are explained."""
    found = []
    for change in changes:
        template = TEMPLATES.get(change.cause)
        if template is None or (change.old, change.new) not in template.changes:
            found.append(f"{change.old.value} -> {change.new.value} ({change.cause.value})")
    return sorted(set(found))


def told(text: str, change: StateChanged) -> str:
    """A text of a template with its names filled in."""
    return text.replace("{peer}", change.peer or "the master").replace("{name}", change.instance)
