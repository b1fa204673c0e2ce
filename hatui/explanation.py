"""Why one change of state happened, from what was recorded: timeline, what is ruled out, likely cause, next check.

Invariant: pure, and it claims nothing that the record does not carry. A thing is ruled out only when the record
reaches back over the whole window and would show it; where it does not reach, that is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import msgspec

from engine.messages import (
    AdvertRejected,
    Cause,
    CommandLogged,
    ConfigLoaded,
    EngineStarted,
    Event,
    EventLine,
    GetEvents,
    InterfaceStateChanged,
    LogLine,
    LowerPriorityHeard,
    MasterChanged,
    NearMiss,
    Outcome,
    PeerAsked,
    PriorityChanged,
    ProcessDied,
    State,
    StateChanged,
    TrackerChanged,
)
from hatui.accounts import Account
from hatui.reasons import CERTAIN, LIKELY, TEMPLATES, UNKNOWN, told
from hatui.sentences import asked_by
from hatui.sentences import event as in_words
from hatui.store import GapRow, Row
from hatui.text import NS, Line, clock, duration, fit, plain, seconds, state_word, wrap

BEFORE_LEAST, BEFORE_MOST = 8 * NS, 120 * NS
"""ns of the window before a change: two master-down intervals, within these bounds."""
AFTER = 2 * NS
NEAR_LEAST = 4 * NS
"""ns before a change in which what happened to the whole host bears on it, at least; else the time of detection."""
TOGETHER = NS
"""ns within which instances change together."""
RETURN = 60 * NS
"""ns within which a router that fell silent is looked for afterwards."""
NEAR_MISSES = 600 * NS
"""ns in which near misses count as a sign of a path that loses adverts."""
ENOUGH = 100
"""Events before a change that surely reach back over its window, or are all that matter."""
LATE = 50_000_000
"""ns that a timer may be late without being suspicious."""
_ADVERT = re.compile(r"(\S+) priority (\d+)(?:,? ?(.*))$")


class Moment(msgspec.Struct, frozen=True):
    """One thing of the timeline."""

    offset: int
    """ns from the change."""
    kind: str
    text: str


class Explanation(msgspec.Struct, frozen=True):
    """All that can be said of one change."""

    instance: str
    what: str
    timeline: tuple[Moment, ...]
    ruled_out: tuple[str, ...]
    known_by: str
    """How it is known that these things did not happen; empty when nothing is ruled out."""
    unknown: str
    """Why less could be ruled out than usual; empty when the record reaches back far enough."""
    grade: str
    """certain, likely or unknown: of `cause`."""
    cause: str
    check: str
    accounts: tuple[Account, ...] = ()
    """What other nodes recorded of it."""


def changes_of(rows: Sequence[Row], instance: str = "") -> list[EventLine]:
    """The state changes (of one instance), oldest first."""
    return [
        row
        for row in rows
        if isinstance(row, EventLine)
        and isinstance(row.event, StateChanged)
        and (not instance or row.event.instance == instance)
    ]


def window_of(change: EventLine, down: int = 0) -> GetEvents:
    """The events around a change that its explanation needs."""
    span = max(_before(down), NEAR_MISSES)
    return GetEvents(limit=2000, since_wall_ns=change.wall_ns - span, until_wall_ns=change.wall_ns + RETURN)


def explain(
    change: EventLine,
    rows: Sequence[Row],
    *,
    interface: str = "",
    down: int = 0,
    accounts: Sequence[Account] = (),
) -> Explanation:
    """Why `change` happened. `rows` is the record around it, in order; `down` the master-down interval (ns);
    `accounts` what other nodes say of it."""
    about = change.event
    assert isinstance(about, StateChanged)
    template = TEMPLATES[about.cause]
    before, after, complete = _around(change, rows, _before(down))
    grade, cause = _deeper(change, rows, after)
    for one in accounts:
        if one.settles:
            grade, cause = CERTAIN, f"{one.node} says itself: {one.settles}"
    ruled_out = _ruled_out(about, before, interface) if complete else ()
    span = duration(_before(down))
    return Explanation(
        instance=about.instance,
        what=told(template.what, about) if about.peer or "{peer}" not in template.what else _nobody(about),
        timeline=_timeline(change, before, after, interface, down),
        ruled_out=ruled_out,
        known_by=f"the record of the {span} before shows none of it" if ruled_out else "",
        unknown="" if complete else "the record does not reach back over the time before this change",
        grade=grade,
        cause=cause,
        check=told(template.check, about),
        accounts=tuple(accounts),
    )


def _nobody(about: StateChanged) -> str:
    if about.new is State.MASTER:
        return "no master was heard"
    return told(TEMPLATES[about.cause].what, about)


def _before(down: int) -> int:
    return min(max(2 * down, BEFORE_LEAST), BEFORE_MOST)


def _around(change: EventLine, rows: Sequence[Row], window: int) -> tuple[list[EventLine], list[EventLine], bool]:
    """The events of the window before and of the time after, and whether nothing before can be missing."""
    before: list[EventLine] = []
    complete = False
    older = [row for row in rows if isinstance(row, GapRow) or (isinstance(row, EventLine) and row.seq < change.seq)]
    for row in reversed(older):
        if isinstance(row, GapRow):
            break
        if row.mono_ns < change.mono_ns - window or row.mono_ns > change.mono_ns or row.seq == 1:
            complete = True  # older than the window, or of the time before this boot
            if row.seq != 1:
                break
        before.append(row)
        if isinstance(row.event, EngineStarted):
            complete = True
            break
    after = [
        row
        for row in rows
        if isinstance(row, EventLine) and row.seq > change.seq and 0 <= row.mono_ns - change.mono_ns <= RETURN
    ]
    return before[::-1], after, complete


_EVER = {"priority": ("script", "priority", "command"), "operator": ("command",), "config": ("command",)}
"""Evidence that bears on a change however old it is, by what its cause is about."""
COVERED = (PriorityChanged, TrackerChanged, InterfaceStateChanged, AdvertRejected, MasterChanged)
"""Events whose content the evidence of a change holds already."""


def _timeline(
    change: EventLine, before: list[EventLine], after: list[EventLine], interface: str, down: int
) -> tuple[Moment, ...]:
    about = change.event
    assert isinstance(about, StateChanged)
    near = max(down, NEAR_LEAST)
    names = {name for row in (*before, *after) if (name := getattr(row.event, "instance", ""))}
    found = [
        Moment(one.at - change.mono_ns, one.kind, one.text)
        for one in about.evidence
        if one.kind in _EVER.get(TEMPLATES[about.cause].is_topic, ()) or one.at >= change.mono_ns - _before(down)
    ]
    found += [
        _moment(change, row)
        for row in before
        if not isinstance(row.event, COVERED) and _bears(change, row, interface, near, names)
    ]
    found.sort(key=lambda one: one.offset)
    found.append(Moment(0, "change", f"{state_word(about.old)} -> {state_word(about.new)}"))
    found += [
        _moment(change, row)
        for row in after
        if row.mono_ns - change.mono_ns <= AFTER and _bears(change, row, interface, near, names)
    ]
    return tuple(found)


def _bears(change: EventLine, row: EventLine, interface: str, near: int, names: Collection[str]) -> bool:
    """Whether an event has to do with a change: it is of the same instance; of another that changed with it, for the
    same cause or the same peer; or of the whole host, and within the time of its detection (`near`)."""
    about, event = change.event, row.event
    assert isinstance(about, StateChanged)
    name, apart = getattr(event, "instance", ""), abs(row.mono_ns - change.mono_ns)
    if name:
        if name == about.instance or not isinstance(event, StateChanged):
            return bool(name == about.instance)
        group = Cause.SYNC_GROUP in (event.cause, about.cause)
        return apart <= TOGETHER and (
            group or event.cause is about.cause or bool(event.peer and event.peer == about.peer)
        )
    if apart > near:
        return False
    if isinstance(event, InterfaceStateChanged):
        return not interface or event.interface == interface
    if isinstance(event, CommandLogged):
        said = set(event.command.split())
        return about.instance in said or not said & set(names)
    if isinstance(event, LogLine):
        first = event.text.partition(":")[0]
        return first == about.instance or first not in names
    return True


def _moment(change: EventLine, row: EventLine) -> Moment:
    said = in_words(row.event)
    name = f"{said.instance} " if said.instance not in ("-", getattr(change.event, "instance", "")) else ""
    return Moment(row.mono_ns - change.mono_ns, "event", f"{name}{said.what}  {said.detail}".rstrip())


def _ruled_out(about: StateChanged, before: list[EventLine], interface: str) -> tuple[str, ...]:
    """What would stand in the record, and does not."""
    events = [row.event for row in before]
    noted = {one.kind for one in about.evidence}
    template = TEMPLATES[about.cause]
    own = [one for one in events if getattr(one, "instance", "") == about.instance]
    ordered = any(isinstance(one, CommandLogged) and one.outcome is Outcome.DONE for one in events)
    flapped = any(
        isinstance(one, InterfaceStateChanged) and (not interface or one.interface == interface) for one in events
    )
    found: list[tuple[str, bool, str]] = [
        (
            "late",
            0 <= about.late <= LATE and "stall" not in noted,
            f"this node late (timer {seconds(about.late, 3)} late)",
        ),
        (
            "interface",
            not flapped and "interface" not in noted,
            f"{interface or 'an interface'} down",
        ),
        (
            "rejected",
            "rejected" not in noted and not any(isinstance(one, AdvertRejected) for one in own),
            "rejected adverts",
        ),
        (
            "priority",
            not any(isinstance(one, PriorityChanged) for one in own) and not noted & {"priority", "script"},
            f"a priority change here ({about.priority} in use)",
        ),
        ("operator", not ordered and "command" not in noted, "an operator's command"),
        ("config", not any(isinstance(one, ConfigLoaded) for one in events), "a new configuration"),
        (
            "engine",
            not any(isinstance(one, EngineStarted | ProcessDied) for one in events),
            "a restart of the engine here",
        ),
        ("address", "address" not in noted, "an address that came or went here"),
    ]
    return tuple(text for topic, holds, text in found if holds and topic != template.is_topic)


def _deeper(change: EventLine, rows: Sequence[Row], after: list[EventLine]) -> tuple[str, str]:
    """What probably lies behind a change, and how sure that is."""
    about = change.event
    assert isinstance(about, StateChanged)
    template = TEMPLATES[about.cause]
    grade, text = template.grade, told(template.deeper, about)
    by = _who(about)
    if template.is_topic == "operator" and by:
        return CERTAIN, by
    if about.cause.value != "master-no-response":
        return grade, text
    if not about.peer:
        return UNKNOWN, "no other router was heard since this instance became backup"
    heard = max((one.at for one in about.evidence if one.kind == "advert"), default=0)
    if about.late > LATE or any(one.kind == "stall" and one.at >= heard for one in about.evidence):
        return LIKELY, f"this host: its own timer was {seconds(max(0, about.late))} late, so adverts may wait unread"
    back = next((row for row in after if _heard_again(row.event, about)), None)
    if back is not None:
        took = seconds(back.mono_ns - change.mono_ns)
        return LIKELY, f"{about.peer} lives, it was heard again {took} later: its adverts were lost on the way, or late"
    asked = next((row.event for row in after if _asked_for(row.event, about)), None)
    if isinstance(asked, PeerAsked) and asked.mac:
        how = f"it answered {asked_by(about.peer)} {seconds(asked.duration, 3)} after it was asked"
        return LIKELY, f"the engine on {about.peer}, or the path of its adverts: its host lives, {how}"
    if asked is not None:
        return grade, f"{text}. It was not heard again, nor did it answer {asked_by(about.peer)}"
    misses = [
        row
        for row in rows
        if isinstance(row, EventLine)
        and isinstance(row.event, NearMiss)
        and row.event.instance == about.instance
        and "stood still" not in row.event.text
        and 0 <= change.mono_ns - row.mono_ns <= NEAR_MISSES
    ]
    if misses:
        return LIKELY, f"a path that loses adverts: {len(misses)} near misses in the ten minutes before"
    return grade, f"{text}. It was not heard again"


def _asked_for(event: Event, about: StateChanged) -> bool:
    return isinstance(event, PeerAsked) and (event.instance, event.peer) == (about.instance, about.peer)


def _who(about: StateChanged) -> str:
    """The command in the evidence, if there is one."""
    return next((one.text for one in reversed(about.evidence) if one.kind == "command"), "")


def _heard_again(event: Event, about: StateChanged) -> bool:
    if isinstance(event, MasterChanged):
        return event.instance == about.instance and event.master == about.peer
    if isinstance(event, LowerPriorityHeard):
        return event.instance == about.instance and event.sender == about.peer
    if isinstance(event, AdvertRejected):
        return event.instance == about.instance and event.source == about.peer
    return isinstance(event, LogLine) and f"{about.instance}: {about.peer} " in event.text


# ---- on the screen


def title(instance: str) -> str:
    """The title of a page."""
    return f"Why did {plain(instance)} change?"


def lines(change: EventLine, found: Explanation, columns: int, time_mode: str) -> list[Line]:
    """The page: head, reason, timeline, ruled out, likely, next."""
    about = change.event
    assert isinstance(about, StateChanged)
    at = clock(change.wall_ns, time_mode, digits=3)
    head = f" {state_word(about.old)} -> {state_word(about.new)} at {at}"
    page: list[Line] = [((head, "title"), (f"   priority {about.priority}", "dim"))]
    page.append(((f" {about.cause.value}: ", "strong"), (plain(found.what) + ".", "plain")))
    page += [((f" {text}", "plain"),) for text in wrap(plain(about.detail), columns - 2)]
    page.append(())
    if not about.evidence:
        page.append(((" No evidence was recorded with this change.", "dim"),))
    for moment in found.timeline:
        page += _drawn(moment, columns)
    page.append(())
    page += _labelled("Ruled out", list(found.ruled_out) or ["nothing"], columns)
    if found.known_by:
        page += _labelled("", [f"({found.known_by})"], columns)
    if found.unknown:
        page += _labelled("", [found.unknown], columns)
    page += _labelled(found.grade.capitalize(), [found.cause + "."], columns)
    for one in found.accounts:
        label = "Peer log"
        said = [f"{clock(line.wall_ns, time_mode, digits=1)} {line.text}" for line in one.lines]
        for text in said or ["nothing of it in its record"]:
            page += _labelled(label, [f"{one.node} {text}"], columns)
            label = ""
    page += _labelled("Next", [found.check], columns)
    return page


def _labelled(label: str, parts: list[str], columns: int) -> list[Line]:
    text = wrap(plain(", ".join(parts)), columns - 13)
    return [((f" {label if not at else '':<11}", "dim"), (part, "plain")) for at, part in enumerate(text)]


_ROLES = {"change": "strong", "missed": "warn", "rejected": "bad", "stall": "bad", "timer": "plain", "event": "plain"}


def _missed(text: str) -> str:
    """ "missed 1 of 3" for "advert 1 of 3 missed"."""
    found = re.fullmatch(r"advert (.*) missed", text)
    return f"missed {found.group(1)}" if found else text


def _drawn(moment: Moment, columns: int) -> list[Line]:
    when = (f" {moment.offset / NS:+8.3f}  ", "dim")
    text = plain(moment.text)
    advert = _ADVERT.match(text) if moment.kind == "advert" else None
    if advert is not None:
        source, priority, rest = advert.groups()
        arrow = f"advert prio {priority} ".ljust(18, "-") + ">"
        return [(when, (fit(source, 15), "plain"), (f"| {arrow}| this node  ", "dim"), (rest, "plain"))]
    if moment.kind == "missed":
        return [(when, (" " * 15, "plain"), (f"| {'(expected)':<19}|            ", "dim"), (_missed(text), "warn"))]
    role = _ROLES.get(moment.kind, "plain")
    label = "" if moment.kind in ("change", "event", "timer") else f"{moment.kind}: "
    first, *more = wrap(label + text, columns - 12) or [""]
    return [(when, (first, role)), *(((" " * 11, "plain"), (part, role)) for part in more)]
