"""The store repeats what the engine says and counts what it hears."""

from __future__ import annotations

import msgspec

from engine.messages import Counters, EventLine, Gap, Heartbeat, Snapshot, StatusGone, StatusLine
from hatui.store import Connection, GapRow, LinkState, Store
from tests.console.recording import DNS, EVENTS, HELLO, NOW, SESSION, SNAPSHOT, WALL, WEB, S

LIVE = LinkState(Connection.LIVE, NOW)


def told(*lines: object) -> Store:
    store = Store()
    for line in (LIVE, HELLO, SNAPSHOT, *lines):
        store.apply(line)  # type: ignore[arg-type]
    return store


def test_snapshot_voids_what_was_known_before() -> None:
    store = told(Snapshot((WEB,), 7, NOW + S))
    assert set(store.instances) == {"VI_WEB"}
    assert store.trackers == {}
    assert store.engine is None


def test_status_replaces_the_one_with_its_key_and_gone_removes_it() -> None:
    store = told(StatusLine(msgspec.structs.replace(WEB, priority=7), NOW), StatusGone("instance-status", "VI_DB"))
    assert store.instances["VI_WEB"].priority == 7
    assert "VI_DB" not in store.instances


def test_events_come_once_even_when_told_twice() -> None:
    store = told(*EVENTS, *EVENTS)
    assert [row.seq for row in store.events if isinstance(row, EventLine)] == list(range(1, 10))


def test_events_of_another_life_of_the_engine_are_taken() -> None:
    store = told(*EVENTS, Snapshot((), 0, NOW), msgspec.structs.replace(EVENTS[0], seq=1))
    assert isinstance(store.events[-1], EventLine)
    assert store.events[-1].seq == 1


def test_gap_is_a_row_and_lost_packets_are_counted() -> None:
    store = told(*EVENTS, Gap(packets=12, events=41))
    assert store.events[-1] == GapRow(41, EVENTS[-1].mono_ns, EVENTS[-1].wall_ns)
    assert store.packets_lost == 12
    assert told(Gap(packets=3)).packets_lost == 3


def test_silence_is_three_seconds_without_vrrp_or_no_connection() -> None:
    store = told(Heartbeat(NOW, WALL, NOW, 9))
    assert not store.silent(NOW + 3 * S)
    assert store.silent(NOW + 3 * S + 1)
    store.apply(LinkState(Connection.LOST, NOW))
    assert store.silent(NOW)


def test_heartbeat_with_an_old_sign_of_life_does_not_help() -> None:
    store = told(Heartbeat(NOW + 10 * S, WALL, NOW, 9))
    assert store.silent(NOW + 10 * S)


def test_adverts_line_marks_missed_and_rejected_cells() -> None:
    store = Store()
    store.apply(LIVE)
    for line in SESSION:
        store.apply(line)
    assert store.cells("VI_WEB", NOW, 12) == "." * 12
    assert store.cells("VI_DNS", NOW, 12) == "..!...x....."
    assert store.cells("VI_DB", NOW, 12).strip() == ""
    assert store.cells("nobody", NOW, 4) == "    "


def test_adverts_line_marks_a_cell_with_fewer_adverts_than_the_interval_promises() -> None:
    store = told()
    for second in range(21):
        sent = second if second < 10 else 10 + (second - 10) // 3
        counters = Counters(advert_sent=sent)
        store.apply(StatusLine(msgspec.structs.replace(WEB, counters=counters), NOW + second * S))
    assert store.cells("VI_WEB", NOW + 19 * S, 4) == "..::"


def test_rings_drop_the_oldest() -> None:
    store = Store(events=3)
    store.apply(LIVE)
    for line in EVENTS:
        store.apply(line)
    assert [row.seq for row in store.events if isinstance(row, EventLine)] == [7, 8, 9]


def test_revision_grows_with_everything_worth_painting() -> None:
    store = told()
    before = store.revision
    store.apply(StatusLine(DNS, NOW))
    assert store.revision == before + 1
