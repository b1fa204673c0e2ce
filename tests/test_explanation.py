"""Why, from the record: every change has its template, and what is claimed is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from engine.protocol.instance import VrrpInstance
from hatui.explanation import Explanation, explain, lines
from hatui.reasons import CERTAIN, LIKELY, TEMPLATES, UNKNOWN, lacking
from hatui.store import GapRow, Row
from tests.scenarios.build import config, instance
from tests.scenarios.histories import play
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface

S = NS_PER_S
B, M, F, INIT = m.State.BACKUP, m.State.MASTER, m.State.FAULT, m.State.INIT
WALL = 1_700_000_000 * S


def test_every_cause_has_a_template_with_all_its_parts() -> None:
    assert set(TEMPLATES) == set(m.Cause)
    for cause, one in TEMPLATES.items():
        assert one.changes, cause
        assert all((one.what, one.deeper, one.check)), cause
        assert one.grade in (CERTAIN, LIKELY, UNKNOWN), cause


def test_every_change_of_random_histories_has_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state machine is left to make every change that it can; the table of reasons must know them all."""
    seen: set[m.StateChanged] = set()
    enter = VrrpInstance._enter

    def watched(self: VrrpInstance, state: m.State, cause: m.Cause, detail: str, *, quiet: bool = False) -> None:
        if not quiet:
            seen.add(m.StateChanged("x", self.state, state, cause))
        enter(self, state, cause, detail, quiet=quiet)

    monkeypatch.setattr(VrrpInstance, "_enter", watched)
    for seed in range(250):
        play(seed)
    assert lacking(seen) == []
    assert len(seen) >= 20, "the histories no longer make the changes that this test is about"


def test_every_change_that_the_methods_of_the_states_can_make_has_a_template() -> None:
    """Read from the state machine itself: each state and each cause that it passes on."""
    faults = (m.Cause.INTERFACE_DOWN, m.Cause.ADDRESS_LOST, m.Cause.TRACKER_FAULT, m.Cause.SYNC_GROUP, m.Cause.CONFIG)
    yields = (m.Cause.PEER_HIGHER, m.Cause.PEER_EQUAL_HIGHER_ADDRESS, m.Cause.PRIORITY_LOWERED, m.Cause.OPERATOR)
    takes = (
        m.Cause.MASTER_NO_RESPONSE,
        m.Cause.MASTER_RESIGNED,
        m.Cause.WE_PREEMPTED,
        m.Cause.REJECTED_ADVERTS,
        m.Cause.STARTUP,
        m.Cause.OPERATOR,
    )
    possible = [m.StateChanged("x", old, F, cause) for old in (INIT, B, M) for cause in faults]
    possible += [m.StateChanged("x", M, B, cause) for cause in (*yields, m.Cause.ENGINE_STALL, m.Cause.SYNC_GROUP)]
    possible += [m.StateChanged("x", B, M, cause) for cause in takes]
    possible += [
        m.StateChanged("x", old, INIT, cause) for old in (B, M, F) for cause in (m.Cause.SHUTDOWN, m.Cause.CONFIG)
    ]
    possible += [m.StateChanged("x", INIT, new, m.Cause.STARTUP) for new in (B, M)]
    possible.append(m.StateChanged("x", F, B, m.Cause.FAULT_CLEARED))
    assert lacking(possible) == []
    assert lacking([m.StateChanged("x", F, M, m.Cause.STARTUP)]) == ["FAULT -> MASTER (startup)"]


class Record(Rig):
    """A Rig whose events are numbered as core numbers them."""

    @property
    def rows(self) -> list[m.EventLine]:
        return self._rows

    def _book(self, outputs: Sequence[m.Output]) -> Sequence[m.Output]:
        if not hasattr(self, "_rows"):
            self._rows: list[m.EventLine] = []
        for one in outputs:
            if isinstance(one, m.Event):
                self._rows.append(m.EventLine(len(self._rows) + 1, self.now, WALL + self.now, one))
        return super()._book(outputs)

    def why(self, back: int = 1) -> Explanation:
        change = [row for row in self.rows if isinstance(row.event, m.StateChanged)][-back]
        return explain(change, self.rows, interface="eth0", down=3 * S)


def hear(rig: Record, priority: int, seconds: int = 1, **more: Any) -> None:
    for _ in range(seconds):
        rig.pass_time(S)
        rig.give(advert(priority=priority, **more))


def test_silent_master_is_explained_as_the_page_says() -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 20)
    rig.pass_time(4 * S)
    found = rig.why()
    assert found.what == "10.0.0.9 stopped without saying goodbye"
    assert [(round(one.offset / S, 3), one.kind) for one in found.timeline][-7:] == [
        (-4.609, "advert"),
        (-3.609, "advert"),
        (-2.609, "missed"),
        (-1.609, "missed"),
        (-0.609, "missed"),
        (0.0, "timer"),
        (0.0, "change"),
    ]
    assert found.ruled_out == (
        "this node late (timer 0.000s late)",
        "eth0 down",
        "rejected adverts",
        "a priority change here (100 in use)",
        "an operator's command",
        "a new configuration",
        "a restart of the engine here",
        "an address that came or went here",
    )
    assert found.known_by == "the record of the 8.0s before shows none of it"
    assert (found.grade, found.cause) == (
        LIKELY,
        "the host of 10.0.0.9, its cable or its switch port. It was not heard again",
    )


def test_master_that_is_heard_again_was_not_dead() -> None:
    rig = Record(config(instance()))
    hear(rig, 90, 1)
    rig.router.handle(m.Configure(config=config(instance(preempt=False))), rig.now)
    hear(rig, 90, 9)
    rig.pass_time(4 * S)
    rig.give(advert(priority=90))
    assert (rig.why().grade, rig.why().cause.split(":")[0]) == (
        LIKELY,
        "10.0.0.9 lives, it was heard again 0.39s later",
    )


def test_near_misses_before_speak_for_a_lossy_path() -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 5)
    rig.pass_time(2 * S)
    hear(rig, 200)
    rig.pass_time(4 * S)
    assert rig.why().cause == "a path that loses adverts: 1 near misses in the ten minutes before"


def test_own_stall_is_not_ruled_out_but_named() -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 10)
    rig.now += 4 * S
    rig.give(m.ClockStalled(late=S // 2))
    rig.pass_time(4 * S)
    found = rig.why()
    assert found.cause.startswith("this host: its own timer was")
    assert not any("late" in one for one in found.ruled_out)


def test_stall_after_which_the_master_was_heard_again_is_not_blamed() -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 10)
    rig.now += 2 * S
    rig.give(m.ClockStalled(late=S + S // 2))
    hear(rig, 200, 2)
    rig.pass_time(4 * S)
    assert "stall" in [one.kind for one in rig.why().timeline]
    assert not rig.why().cause.startswith("this host")


@pytest.mark.parametrize(
    ("live", "topic"),
    [
        (lambda rig: rig.give(interface(up=False)), "eth0 down"),
        (lambda rig: hear(rig, 200, 4, auth_type=1, password=b"1111"), "rejected adverts"),
    ],
)
def test_what_is_the_cause_is_never_ruled_out(live: Callable[[Record], object], topic: str) -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 10)
    live(rig)
    assert not any(one.startswith(topic) for one in rig.why().ruled_out)


def test_record_that_begins_too_late_rules_nothing_out() -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 10)
    rig.pass_time(4 * S)
    change = rig.rows[-2] if not isinstance(rig.rows[-1].event, m.StateChanged) else rig.rows[-1]
    assert isinstance(change.event, m.StateChanged)
    records: list[list[Row]] = [[change], [GapRow(7, change.mono_ns - 5, change.wall_ns - 5), change]]
    for rows in records:
        found = explain(change, rows, interface="eth0", down=3 * S)
        assert found.ruled_out == ()
        assert "does not reach back" in found.unknown


def test_change_without_evidence_says_so() -> None:
    bare = m.EventLine(1, S, WALL, m.StateChanged("VI_1", INIT, B, m.Cause.STARTUP))
    text = ["".join(part for part, _ in line) for line in lines(bare, explain(bare, [bare]), 80, "utc")]
    assert " No evidence was recorded with this change." in text


def test_page_draws_adverts_as_arrows_within_the_screen() -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 20)
    rig.pass_time(4 * S)
    change = next(row for row in reversed(rig.rows) if isinstance(row.event, m.StateChanged))
    page = ["".join(part for part, _ in line) for line in lines(change, rig.why(), 80, "utc")]
    assert "   -3.609  10.0.0.9       | advert prio 200 -->| this node  the last heard" in page
    assert max(map(len, page)) <= 80


def test_commands_of_operators_are_named() -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 10)
    rig.give(m.Ordered(1, m.Failover("VI_1", "take-over"), "anna", "test"))
    found = rig.why()
    assert (found.grade, found.cause) == (CERTAIN, "failover take-over by anna")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Explanation) == found


def _told(rig: Record, *events: m.Event, at: int = 0) -> None:
    """Events of core, `at` ns from now."""
    for event in events:
        rig.rows.append(m.EventLine(len(rig.rows) + 1, rig.now + at, WALL + rig.now + at, event))


def _others(name: str, *, seconds_before: float) -> list[tuple[float, m.Event]]:
    """What has nothing to do with VI_1, and when."""
    audit = m.CommandLogged("anna", "uid 0", f"failover {name} step-down", "", m.Outcome.DONE)
    return [
        (seconds_before, m.StateChanged(name, M, B, m.Cause.OPERATOR)),
        (seconds_before, audit),
        (seconds_before, m.LogLine("warning", f"{name}: worse master")),
        (seconds_before, m.ScriptRan(name, ("notify",), 0, S)),
        (54, m.ConfigLoaded("9f2c", "anna", ("VI_1",))),
        (54, m.LogLine("info", "the history is written again")),
    ]


def _silent_master(more: Sequence[tuple[float, m.Event]], down: int = 3 * S) -> Explanation:
    """VI_1 takes over from a silent master; `more` was recorded so many seconds before."""
    rig = Record(config(instance()))
    hear(rig, 200, 60)
    rig.pass_time(4 * S)
    change = next(row for row in reversed(rig.rows) if isinstance(row.event, m.StateChanged))
    rows = list(rig.rows)
    for back, event in more:
        at = change.mono_ns - int(back * S)
        place = sum(row.mono_ns <= at for row in rows if row is not change and row.seq <= change.seq)
        rows.insert(place, m.EventLine(change.seq - 1, at, WALL + at, event))
    return explain(change, rows, interface="eth0", down=down)


def test_timeline_lists_only_what_bears_on_the_change() -> None:
    quiet = _silent_master([])
    assert _silent_master(_others("VI_2", seconds_before=2)).timeline == quiet.timeline
    # a long detection makes a wide window, yet what was long before remains out of it
    assert _silent_master(_others("VI_2", seconds_before=20), down=30 * S).timeline == quiet.timeline


@pytest.mark.parametrize(
    ("back", "event", "words"),
    [
        (2, m.ConfigLoaded("9f2c", "anna", ("VI_1",)), "config"),
        (2, m.ScriptRan("VI_1", ("notify",), 0, S), "notify"),
        (2, m.CommandLogged("anna", "uid 0", "announce VI_1", "", m.Outcome.DONE), "announce VI_1"),
        (2, m.LogLine("warning", "VI_1: worse master"), "worse master"),
        (0.2, m.StateChanged("VI_2", B, M, m.Cause.MASTER_NO_RESPONSE, peer="10.0.0.9"), "VI_2 "),
    ],
)
def test_timeline_lists_what_bears_on_the_change(back: float, event: m.Event, words: str) -> None:
    timeline = _silent_master([(back, event)]).timeline
    assert any(words in one.text for one in timeline if one.kind == "event"), timeline


def test_old_evidence_is_listed_only_where_it_is_the_cause() -> None:
    change = m.StateChanged(
        "VI_1",
        B,
        M,
        m.Cause.MASTER_NO_RESPONSE,
        evidence=(m.Evidence(S, "script", "chk good"), m.Evidence(60 * S, "timer", "down timer ends")),
    )
    row = m.EventLine(5, 60 * S, WALL, change)
    assert [one.kind for one in explain(row, [row], down=3 * S).timeline] == ["timer", "change"]
    lowered = msgspec.structs.replace(row, event=msgspec.structs.replace(change, cause=m.Cause.WE_PREEMPTED))
    assert [one.kind for one in explain(lowered, [lowered], down=3 * S).timeline] == ["script", "timer", "change"]


@pytest.mark.parametrize(
    ("mac", "words"),
    [
        ("02:00:00:00:00:09", "the engine on 10.0.0.9, or the path of its adverts: its host lives, it answered ARP"),
        ("", "the host of 10.0.0.9, its cable or its switch port. It was not heard again, nor did it answer ARP"),
    ],
)
def test_answer_of_the_silent_peers_host_tells_engine_from_host(mac: str, words: str) -> None:
    rig = Record(config(instance()))
    hear(rig, 200, 20)
    rig.pass_time(4 * S)
    _told(rig, m.PeerAsked("VI_1", "10.0.0.9", mac, 400_000 if mac else 0))
    found = rig.why()
    assert found.grade == LIKELY
    assert found.cause.startswith(words)
    shown = "host of 10.0.0.9 lives" if mac else "host of 10.0.0.9 silent"
    assert any(one.text.startswith(shown) for one in found.timeline)
