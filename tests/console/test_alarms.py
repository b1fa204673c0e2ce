"""Two masters, or none: what proves it, what does not, and that it is told once."""

from __future__ import annotations

import msgspec
import pytest

from engine.codes import known
from engine.messages import FindingStatus, Snapshot, State, StatusLine
from hatui.alarms import REST, Alarms, rival, shared
from hatui.sentences import Problem, problems
from hatui.store import Connection, LinkState, Store
from tests.console.recording import API, DNS, HELLO, NOW, SNAPSHOT, WEB, S

BESIDE = msgspec.structs.replace(API, heard_at=NOW - S // 2)
"""A master since 12 minutes that heard an advert half a second ago."""


def store_of(*statuses: object) -> Store:
    store = Store()
    store.apply(LinkState(Connection.LIVE, NOW))
    store.apply(HELLO)
    store.apply(msgspec.structs.replace(SNAPSHOT, statuses=statuses))
    return store


def test_a_master_that_goes_on_hearing_another_is_one_of_two() -> None:
    assert rival(BESIDE, NOW) == "10.0.0.12 (priority 90)"
    worst = problems(store_of(BESIDE), NOW)[0]
    assert (worst.code, worst.alarm, worst.role) == ("D-TWO-MASTERS", True, "alarm")
    assert worst.text.startswith("VI_API: TWO MASTERS: this node and 10.0.0.12")
    assert len(worst.text) <= 64, "it stands whole in line 3 of 80 columns, beside the number of problems"
    assert known(worst.code)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("a backup hears its master", {"state": State.BACKUP}),
        ("it said goodbye", {"peer_priority": 0}),
        ("its last advert before it yielded", {"since": NOW - S, "heard_at": NOW - S // 2}),
        ("long ago", {"heard_at": NOW - 4 * S}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_prove_a_second_master(what: str, changes: dict[str, object]) -> None:
    assert rival(msgspec.structs.replace(BESIDE, **changes), NOW) == "", what


def test_adverts_that_a_master_does_not_obey_are_of_a_second_one() -> None:
    told = FindingStatus("D-AUTH VI_WEB", "D-AUTH", "error", "VI_WEB", "adverts carry another authentication")
    store = store_of(WEB, DNS, told)
    assert [one.alarm for one in problems(store, NOW) if one.code == "D-AUTH"] == [True]
    unheard = msgspec.structs.replace(told, code="D-MCAST-LOST", text="another host announces 10.0.0.100 as its own")
    assert [one.alarm for one in problems(store_of(WEB, unheard), NOW) if one.code == "D-MCAST-LOST"] == [True]
    of_a_backup = msgspec.structs.replace(told, instance="VI_DNS")
    store = store_of(WEB, DNS, of_a_backup)
    assert [one.alarm for one in problems(store, NOW) if one.code == "D-AUTH"] == [False]


def test_two_engines_that_hold_one_address_are_seen_from_outside() -> None:
    here, there = store_of(WEB), store_of(WEB)
    assert shared({"lb-a": here, "lb-b": there}, NOW) == [("10.0.0.100", ("lb-a", "lb-b"))]
    there.apply(StatusLine(msgspec.structs.replace(WEB, state=State.BACKUP), NOW))
    assert shared({"lb-a": here, "lb-b": there}, NOW) == []
    there.apply(Snapshot((WEB,), 0, NOW))
    assert shared({"lb-a": here, "lb-b": there}, NOW + 4 * S) == [], "a silent engine proves nothing"


def test_an_alarm_is_told_once_and_again_after_it_has_rested() -> None:
    alarms = Alarms()
    one, two = (Problem(1, "D-TWO-MASTERS", name, name, alarm=True) for name in ("VI_1", "VI_2"))
    assert alarms.fresh([one, Problem(5, "", "eth1 is down")], NOW) == [one]
    assert alarms.fresh([one, two], NOW + S) == [two]
    assert alarms.fresh([], NOW + 10 * S) == []
    assert alarms.fresh([one], NOW + 20 * S) == [], "it flickered"
    assert alarms.fresh([one], NOW + 20 * S + REST) == [one]
