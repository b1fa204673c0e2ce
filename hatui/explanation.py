"""Why one change of state happened, from what was recorded: timeline, what is ruled out, likely cause, next check.

Invariant: pure, and it claims nothing that the record does not carry. A thing is ruled out only when the record
reaches back over the whole window and would show it; where it does not reach, that is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from engine.messages import (
    AdvertRejected,
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
    PriorityChanged,
    ProcessDied,
    State,
    StateChanged,
    TrackerChanged,
)
from hatui.reasons import CERTAIN, LIKELY, TEMPLATES, UNKNOWN, told
from hatui.sentences import event as in_words
from hatui.store import GapRow, Row
from hatui.text import NS, Line, clock, duration, fit, plain, seconds, state_word, wrap

BEFORE_LEAST, BEFORE_MOST = 8 * NS, 120 * NS
"""ns of the window before a change: two master-down intervals, within these bounds."""
AFTER = 2 * NS
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


def explain(change: EventLine, rows: Sequence[Row], *, interface: str = "", down: int = 0) -> Explanation:
    """Why `change` happened. `rows` is the record around it, in order; `down` the master-down interval (ns)."""
    about = change.event
    assert isinstance(about, StateChanged)
    template = TEMPLATES[about.cause]
    before, after, complete = _around(change, rows, _before(down))
    grade, cause = _deeper(change, rows, after)
    ruled_out = _ruled_out(about, before, interface) if complete else ()
    span = duration(_before(down))
    return Explanation(
        instance=about.instance,
        what=told(template.what, about) if about.peer or "{peer}" not in template.what else _nobody(about),
        timeline=_timeline(change, before, after),
        ruled_out=ruled_out,
        known_by=f"the record of the {span} before shows none of it" if ruled_out else "",
        unknown="" if complete else "the record does not reach back over the time before this change",
        grade=grade,
        cause=cause,
        check=told(template.check, about),
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


COVERED = (PriorityChanged, TrackerChanged, InterfaceStateChanged, AdvertRejected, MasterChanged)
"""Events whose content the evidence of a change holds already."""


def _timeline(change: EventLine, before: list[EventLine], after: list[EventLine]) -> tuple[Moment, ...]:
    about = change.event
    assert isinstance(about, StateChanged)
    found = [Moment(one.at - change.mono_ns, one.kind, one.text) for one in about.evidence]
    found += [
        _moment(change, row)
        for row in before
        if not isinstance(row.event, COVERED) and _concerns(row.event, about.instance)
    ]
    found.sort(key=lambda one: one.offset)
    found.append(Moment(0, "change", f"{state_word(about.old)} -> {state_word(about.new)}"))
    found += [
        _moment(change, row)
        for row in after
        if row.mono_ns - change.mono_ns <= AFTER and _concerns(row.event, about.instance)
    ]
    return tuple(found)


def _concerns(event: Event, instance: str) -> bool:
    name = getattr(event, "instance", "")
    return not name or name == instance or isinstance(event, StateChanged)


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
    if about.late > LATE or any(one.kind == "stall" for one in about.evidence):
        return LIKELY, f"this host: its own timer was {seconds(max(0, about.late))} late, so adverts may wait unread"
    back = next((row for row in after if _heard_again(row.event, about)), None)
    if back is not None:
        took = seconds(back.mono_ns - change.mono_ns)
        return LIKELY, f"{about.peer} lives, it was heard again {took} later: its adverts were lost on the way, or late"
    misses = [
        row
        for row in rows
        if isinstance(row, EventLine)
        and isinstance(row.event, NearMiss)
        and row.event.instance == about.instance
        and 0 <= change.mono_ns - row.mono_ns <= NEAR_MISSES
    ]
    if misses:
        return LIKELY, f"a path that loses adverts: {len(misses)} near misses in the ten minutes before"
    return grade, f"{text}. It was not heard again"


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
