"""The list of events: kinds, filter, order, and that each event is looked at once."""

from __future__ import annotations

from collections import deque

import pytest

from engine.messages import (
    CommandLogged,
    EngineStarted,
    Event,
    EventLine,
    NearMiss,
    Outcome,
    TrackerChanged,
)
from hatui import journal
from hatui.filters import FilterError
from hatui.journal import AUDIT, ORDERS, SLICE, EventView, check_event, event_filter
from hatui.store import GapRow, Rewound, Row, Store
from tests.console.recording import EVENTS, NOW, WALL

COMMAND = CommandLogged("anna", "pid 7 uid 0", "failover instance=VI_WEB", "patch", Outcome.REFUSED, "E-HELD")


def line(seq: int, event: Event) -> EventLine:
    return EventLine(seq, NOW + seq, WALL + seq, event)


def shown(view: EventView) -> list[int]:
    return [row.seq for row in view if isinstance(row, EventLine)]


def view_of(rows: deque[Row], wanted: str = "", order: str = ORDERS[0]) -> EventView:
    view = EventView()
    view.set_filter(wanted)
    view.set_order(order)
    view.update(rows, len(rows))
    return view


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("", [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("VI_DB", [6, 5]),
        ("!VI_", [9, 7, 1]),
        ("near.miss", [4]),
        ("transition", [6, 5, 3]),
        ("kind==transition && severity==bad", [5]),
        ("kind==near-miss || kind==netlink", [9, 4]),
        ("instance!=VI_API && kind==transition", [6, 5]),
        ("!kind==transition && instance~^VI_", [8, 4]),
        ("cause==interface-down", [5]),
        ('instance=="VI_DNS"', [4]),
        ("by~anna", [2]),
    ],
)
def test_filter_by_words_and_by_language(wanted: str, numbers: list[int]) -> None:
    assert shown(view_of(deque(EVENTS), wanted)) == numbers


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ("[", "not a regular expression"),
        ("kind==foo", "kind is never foo"),
        ("colour==red", "colour is no word of a filter"),
        ("kind==config &&", "a comparison is missing"),
        ("what~[", "not a regular expression"),
    ],
)
def test_what_is_no_filter_is_said(wanted: str, complaint: str) -> None:
    assert complaint in check_event(wanted)
    with pytest.raises(FilterError):
        event_filter(wanted)


def test_audit_is_what_operators_did() -> None:
    rows: deque[Row] = deque([*EVENTS, line(10, COMMAND)])
    assert shown(view_of(rows, AUDIT)) == [10]
    assert journal.about(rows[-1]) == [
        ("who", "anna from pid 7 uid 0"),
        ("what", "failover instance=VI_WEB"),
        ("why", "patch"),
        ("result", "refused E-HELD"),
    ]


def test_worst_first_and_faults_only_keep_the_newest_on_top_of_each_severity() -> None:
    rows: deque[Row] = deque(EVENTS)
    assert shown(view_of(rows, order="worst first")) == [9, 5, 8, 7, 4, 6, 3, 2, 1]
    assert shown(view_of(rows, order="faults only")) == [9, 5]


def test_gap_is_a_row_that_a_filter_finds() -> None:
    gap = GapRow(41, NOW, WALL)
    assert list(view_of(deque([*EVENTS, gap]), "kind==gap")) == [gap]
    assert journal.json_line(gap) == b'{"type":"gap","events":41,"v":1}\n'


def test_each_event_is_looked_at_once_however_often_is_painted() -> None:
    rows: deque[Row] = deque(maxlen=1000)
    view = EventView()
    for number in range(1, 3001):
        rows.append(line(number, NearMiss("VI_1", "late")))
        view.update(rows, number)
        view.update(rows, number)
    assert view.tested == 3000
    assert len(view) == 1000
    first, last = view[0], view[999]
    assert isinstance(first, EventLine)
    assert isinstance(last, EventLine)
    assert (first.seq, last.seq) == (3000, 2001)


def test_a_pause_freezes_the_list_and_counts() -> None:
    rows: deque[Row] = deque(EVENTS)
    view = view_of(rows)
    view.pause()
    rows.append(line(10, EngineStarted("1", 1)))
    view.update(rows, 10)
    assert (shown(view)[0], view.waiting) == (9, 1)
    view.pause()
    view.update(rows, 10)
    assert (shown(view)[0], view.waiting) == (10, 0)


def test_a_large_ring_is_looked_through_in_slices_from_the_newest_on() -> None:
    rows: deque[Row] = deque((line(number, NearMiss(f"VI_{number % 2}", "late")) for number in range(1, 5001)), 5000)
    view = EventView()
    view.update(rows, 5000)
    assert (view.unsearched, len(view)) == (0, 5000)  # nothing is asked of them
    view.set_filter("VI_1")
    tested = view.tested
    view.update(rows, 5000)
    assert (view.tested - tested, view.unsearched, shown(view)[0]) == (SLICE, 5000 - SLICE, 4999)
    rows.append(line(5001, NearMiss("VI_1", "late")))  # and the oldest leaves
    came = 5001
    while view.unsearched:
        view.update(rows, came)
    assert shown(view) == list(range(5001, 1, -2))
    assert view.tested - tested == 5000


@pytest.mark.parametrize("paused", [False, True])
def test_older_events_are_looked_at_alone(paused: bool) -> None:
    store = Store()
    for number in range(5000, 8000):
        store.apply(line(number, NearMiss("VI_1", "late")))
    view = EventView()
    view.set_filter("late")

    def update() -> None:
        view.update(store.events, store.events_revision, store.events_older)

    while view.unsearched or not view.tested:
        update()
    if paused:
        view.pause()
    store.older([line(number, NearMiss("VI_1", "late")) for number in range(4000, 5000)])
    store.apply(line(8000, NearMiss("VI_1", "late")))
    update()
    assert view.tested == 4000 if paused else 4001
    assert shown(view) == list(range(7999 if paused else 8000, 3999, -1))
    assert view.waiting == int(paused)
    if paused:
        view.pause()
        update()
        assert shown(view)[0] == 8000
    store.apply(Rewound())
    store.apply(line(1, NearMiss("VI_1", "late")))
    update()
    assert shown(view) == [1]


def test_older_events_are_put_before_the_others_once() -> None:
    store = Store(events=12)
    for told in EVENTS[4:]:
        store.apply(told)
    view = EventView()
    view.update(store.events, store.events_revision, store.events_older)
    assert store.older(EVENTS) == 4
    assert store.older(EVENTS) == 0
    view.update(store.events, store.events_revision, store.events_older)
    assert shown(view) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    store.apply(line(10, TrackerChanged("script", "x", good=True)))
    view.update(store.events, store.events_revision, store.events_older)
    assert shown(view)[:2] == [10, 9]


def test_no_older_event_pushes_out_what_is_there() -> None:
    store = Store(events=9)
    for told in EVENTS[2:]:
        store.apply(told)
    assert store.older(EVENTS) == 2
    full = Store(events=7)
    for told in EVENTS[2:]:
        full.apply(told)
    assert full.older(EVENTS) == 0
    assert full.oldest == EVENTS[2]


def test_kind_of_every_event_is_one_of_the_known_words() -> None:
    from typing import get_args

    words = set(journal.WORDS["kind"].split())
    for event in get_args(Event):
        made = journal._KIND_OF.get(event, "engine")
        assert made in words


def test_what_is_a_day_ago_shows_its_date() -> None:
    day = 24 * 3600 * 1_000_000_000
    assert journal.when(WALL, WALL, "utc", 8) == "14:02:11"
    assert journal.when(WALL, WALL, "utc", 12) == "14:02:11.000"
    assert journal.when(WALL - 2 * day, WALL, "utc", 8) == "11-20   "
    assert journal.when(WALL - 2 * day, WALL, "utc", 12) == "11-20 14:02 "
    assert journal.when(WALL - 2 * day, WALL, "relative", 8) == "  -2d00h"
