"""The pages that open over a screen: help, problems, why, everything about one instance.

Invariant: pure; each is a function of the store, the time and the columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.messages import Counters, EventLine, InstanceStatus, StateChanged
from hatui import keys
from hatui.sentences import event, problems, readiness
from hatui.store import Store
from hatui.text import (
    Line,
    ago,
    clock,
    duration,
    exit_words,
    interval,
    master_of,
    plain,
    priorities,
    seconds,
    state_word,
    timer,
    wrap,
)
from hatui.widgets.instances import InstanceRow, address_spans, ladder_lines

Titled = tuple[str, Sequence[Line]]


def help_page(
    valid: Sequence[keys.Key],
    others: Sequence[tuple[str, str]] = (),
    *,
    may_act: bool,
    why_not: str,
    columns: int = 74,
    typing: bool = True,
) -> Titled:
    """The keys that are valid, by place, the nearest first; `others` are those of the field with the focus, last;
    `typing`: letters go into it."""
    lines: list[Line] = []
    for place in dict.fromkeys(key.place for key in valid):
        lines += [((f" {keys.PLACES[place]}", "title"),)]
        for key in keys.at(place, valid):
            dim = key.acts and not may_act
            note = f" ({why_not})" if dim else " Asks first." if key.acts else ""
            shown, role = f"   {keys.show(key.key)}", "dim" if dim else "key"
            first, *more = wrap(key.help + note, max(50, columns - 24))
            if len(shown) > 21:  # no key is cut: its words begin below it
                lines.append(((shown, role),))
                shown = ""
            lines.append(((f"{shown:<22}", role), (first, "dim" if dim else "plain")))
            lines += [((" " * 22 + text, "dim" if dim else "plain"),) for text in more]
        lines.append(())
    if others:
        lines.append(((" In this field", "title"), ("   letters and digits type; esc leaves it" * typing, "dim")))
        lines += [((f"   {keys.show(key):<18}", "key"), (text, "plain")) for key, text in others]
        lines.append(())
    marks = "* MASTER   - backup   ! FAULT   ? UNKNOWN   ~ INIT"
    lines += [((" Marks", "title"),), ((f"   {marks}", "plain"),)]
    lines.append((("   Adverts, one cell for 5 s:  . on time   : late   ! missed   x rejected", "plain"),))
    here = keys.PLACES[valid[0].place] if valid else keys.PLACES[keys.EVERYWHERE]
    return f"Keys: {here}", lines


FAULTS = 5
"""Ranks of problems below it are faults."""


def problems_page(store: Store, now: int, columns: int, *, faults: bool = False) -> Titled:
    """All problems, worst first; or only the faults among them."""
    lines: list[Line] = []
    found = problems(store, now)
    shown = [problem for problem in found if problem.rank < FAULTS] if faults else found
    for problem in shown:
        words, *more = wrap(problem.text, columns - 5) or [""]
        lines.append(((f" {'!' if problem.rank < FAULTS else '~'} ", problem.role), (words, problem.role)))
        lines += [((f"   {text}", "plain"),) for text in more]
        lines += [((f"   {text}", "dim"),) for text in wrap(problem.fix, columns - 5)]
        if problem.code:
            lines.append(((f"   hatui explain {problem.code}", "dim"),))
        lines.append(())
    lines = lines[:-1]
    title = f"Faults only: {len(shown)} of {len(found)} problems" if faults else "All problems"
    return title, lines or [((" none", "good"),)]


def transitions(store: Store, name: str) -> list[EventLine]:
    """The state changes of an instance, oldest first."""
    return [
        row
        for row in store.events
        if isinstance(row, EventLine) and isinstance(row.event, StateChanged) and row.event.instance == name
    ]


def detail_page(store: Store, name: str, now: int, *, time_mode: str, wall: int) -> Titled:
    """Everything that the engine says of one instance."""
    status = store.instances.get(name)
    if status is None:
        return plain(name), [((" This instance is gone: the configuration no longer has it.", "warn"),)]
    believed = not store.silent(now, name)
    row = InstanceRow(status, now, believed, store.cells(name, now, 12), store.updated_at)
    lines: list[Line] = [((" State", "title"),)]
    lines += [_fact(label, text) for label, text in _state_facts(status, now, believed=believed)]
    word, role, sentence = readiness(status, now) if believed else ("unknown", "unknown", "the engine is silent")
    lines.append(((f"   {'Ready':<22} ", "dim"), (f"{word}: ", role), (plain(sentence), "plain")))
    lines += [(), ((" Addresses", "title"),)]
    lines += [(("   ", "plain"), *spans) for spans in address_spans(row)]
    lines += [(), ((" Priority", "title"),)]
    lines += ladder_lines(row, {tracker.name: tracker for tracker in store.trackers.values()})
    trackers = [tracker for tracker in store.trackers.values() if name in tracker.tracked_by]
    if trackers:
        lines += [(), ((" Trackers", "title"),)]
    for tracker in trackers:
        good = {True: "ok", False: "FAIL", None: "no result yet"}[tracker.good]
        text = (
            f"{good}, {exit_words(tracker.exit_status)}, {ago(tracker.last_run, now)}, took {seconds(tracker.duration)}"
        )
        text += f", {tracker.streak} in a row (rise {tracker.rise}, fall {tracker.fall})"
        lines.append(
            ((f"   {plain(tracker.name):<22} ", "strong"), (text, "warn" if tracker.good is False else "plain"))
        )
        lines += [((f"   {'':<22} {plain(text)}", "dim"),) for text in tracker.output.splitlines()]
    changes = transitions(store, name)[-12:]
    if changes:
        lines += [(), ((" History", "title"),)]
    for change in reversed(changes):
        told = event(change.event)
        age = duration(wall - change.wall_ns)
        at = clock(change.wall_ns, time_mode)
        lines.append(((f"   {at}  {age:>7} ago  ", "dim"), (f"{told.what:<18} ", "plain"), (told.detail, "plain")))
    lines += [(), ((" Counters", "title"),)]
    lines += [_fact(field, str(getattr(status.counters, field))) for field in _counter_names(status.counters)]
    return plain(name), lines


def _fact(label: str, text: str) -> Line:
    return ((f"   {label:<22} ", "dim"), (plain(text), "plain"))


def _state_facts(status: InstanceStatus, now: int, *, believed: bool) -> list[tuple[str, str]]:
    state = state_word(status.state) if believed else f"UNKNOWN (was {state_word(status.state)})"
    facts = [
        ("state", f"{state} for {duration(now - status.since)}, {status.last_cause.value} {status.last_detail}"),
        ("priority in use/base", priorities(status).strip()),
        ("master", master_of(status)),
        ("timer", timer(status, now) if believed else "--"),
        ("interface, vrid", f"{status.interface}, {status.vrid}, VRRPv{status.version}, IPv{status.family}"),
        ("source", status.source or "none"),
        (
            "advert interval",
            f"{interval(status.advert_interval)}, of the master {interval(status.master_advert_interval)}",
        ),
        ("skew, master-down", f"{seconds(status.skew, 3)}, {seconds(status.master_down_interval, 3)}"),
        ("missed, near misses", f"{status.missed}, {status.near_misses}"),
        (
            "last other router",
            f"{status.peer} priority {status.peer_priority}, heard {ago(status.heard_at, now)}"
            if status.peer
            else "none was ever heard",
        ),
        ("preempt, accept", f"{'yes' if status.preempt else 'no'}, {'yes' if status.accept else 'no'}"),
        ("unicast, vmac", f"{'yes' if status.unicast else 'no'}, {status.vmac or 'no'}"),
        ("authentication", status.authentication),
        ("sync group", status.sync_group or "none"),
        ("transitions", str(status.transitions)),
        ("ARP/NA announced", ago(status.announced_at, now)),
    ]
    if status.hold_kind:
        until = f"{duration(status.hold_until - now)} more" if status.hold_until else "until released"
        facts.insert(1, ("hold", f"{status.hold_kind} by {status.hold_by or 'an operator'}, {until}"))
    facts += [("fault", fault) for fault in status.faults]
    if status.problem:
        facts.append(("problem", status.problem))
    return facts


def _counter_names(counters: Counters) -> list[str]:
    always = ("advert_rcvd", "advert_sent", "become_master", "release_master", "pri_zero_rcvd", "pri_zero_sent")
    names = [field.name for field in msgspec.structs.fields(Counters)]
    return [name for name in names if name in always or getattr(counters, name)]
