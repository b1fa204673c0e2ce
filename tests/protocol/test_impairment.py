"""What drills break: it looks like the failure, it ends by itself at its instant, and it leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from engine.protocol.impairment import LONGEST
from tests.protocol.test_orders import answer, backup, master
from tests.scenarios.build import config, group, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig

S = NS_PER_S


def impair(
    rig: Rig, kind: str, *, name: str = "VI_1", seconds: float = 20, tracker: str = "", request: int = 1
) -> Sequence[m.Output]:
    until = rig.now + int(seconds * S)
    return rig.give(m.Ordered(request, m.Impair(name, kind, until, tracker), "anna", "Q4 test"))


def relieve(rig: Rig) -> Sequence[m.Output]:
    return rig.give(m.Ordered(99, m.Relieve(), "anna", ""))


def said(came: Sequence[m.Output], kind: type[Any]) -> list[Any]:
    return [one for one in came if isinstance(one, kind)]


def test_silent_master_loses_its_addresses_without_a_farewell_and_is_back_when_relieved() -> None:
    rig = master()
    came = impair(rig, "silent")
    assert answer(came).outcome is m.Outcome.DONE
    assert said(came, m.RemoveAddresses)
    assert not said(came, m.SendAdvert), "power that is gone says nothing"
    change = said(came, m.StateChanged)[0]
    assert (change.new, change.cause) == (m.State.FAULT, m.Cause.DRILL)
    assert not said(rig.pass_time(5 * S), m.SendAdvert)
    relieve(rig)
    assert rig.status().state is m.State.BACKUP
    rig.pass_time(4 * S)
    assert rig.status().state is m.State.MASTER


def test_it_ends_by_itself_at_its_instant_though_nobody_says_so() -> None:
    rig = master()
    impair(rig, "silent", seconds=7)
    rig.pass_time(7 * S - 1)
    assert rig.status().state is m.State.FAULT
    rig.pass_time(1)
    assert rig.status().state is m.State.BACKUP


def test_deaf_backup_becomes_a_second_master_and_yields_when_it_hears_again() -> None:
    rig = backup(150)
    impair(rig, "deaf", seconds=60)
    for _ in range(5):
        rig.pass_time(S)
        rig.give(advert(priority=150))
    assert rig.status().state is m.State.MASTER
    relieve(rig)
    rig.give(advert(priority=150))
    assert rig.status().state is m.State.BACKUP


def test_a_deaf_router_judges_what_it_drops_as_unseen() -> None:
    rig = backup(150)
    impair(rig, "deaf")
    judged = said(rig.give(advert(priority=150)), m.PacketJudged)[0]
    assert judged.verdict is m.Verdict.UNSEEN


def test_link_down_concerns_every_instance_of_the_interface() -> None:
    two = instance("VI_2", vrid=52, address="10.0.0.101/24")
    rig = Rig(config(instance(), two))
    rig.pass_time(8 * S)
    came = impair(rig, "link")
    assert {one.state for one in rig.all_status().values()} == {m.State.FAULT}
    assert not said(came, m.SendAdvert)
    assert [one.up for one in said(came, m.InterfaceStateChanged)] == [False]
    relieve(rig)
    assert {one.state for one in rig.all_status().values()} == {m.State.BACKUP}


def test_a_failed_tracker_moves_the_priority_and_its_real_results_are_kept() -> None:
    rig = Rig(config(instance(scripts=(("check", -60),))))
    rig.give(m.ScriptFinished("check", 0))
    rig.become_master()
    impair(rig, "tracker")
    assert rig.status().priority == 40
    rig.give(m.ScriptFinished("check", 0))
    assert rig.status().priority == 40
    relieve(rig)
    assert rig.status().priority == 100
    impair(rig, "tracker", tracker="script check")
    rig.give(m.ScriptFinished("check", 1))
    relieve(rig)
    assert rig.status().priority == 40, "it has really failed meanwhile"


def test_members_of_a_sync_group_fall_silent_together() -> None:
    members = (instance("VI_1", vrid=51), instance("VI_2", vrid=52, address="10.0.0.101/24"))
    rig = Rig(config(*members, groups=(group("G", "VI_1", "VI_2"),)))
    rig.pass_time(8 * S)
    came = impair(rig, "silent", name="VI_2")
    assert not said(came, m.SendAdvert)
    assert {one.cause for one in said(came, m.StateChanged)} == {m.Cause.DRILL}
    relieve(rig)
    assert {one.state for one in rig.all_status().values()} == {m.State.BACKUP}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"kind": "silent", "name": "VI_9"}, "E-UNKNOWN-INSTANCE"),
        ({"kind": "burn"}, "E-PROTOCOL"),
        ({"kind": "silent", "seconds": 0}, "E-RANGE"),
        ({"kind": "silent", "seconds": LONGEST / S + 1}, "E-RANGE"),
        ({"kind": "tracker"}, "E-NO-TRACKER"),
    ],
)
def test_refusals_change_nothing(arguments: dict[str, Any], code: str) -> None:
    rig = master()
    assert answer(impair(rig, **arguments)).code == code
    assert rig.status().state is m.State.MASTER


def test_one_at_a_time() -> None:
    rig = master()
    impair(rig, "deaf")
    assert answer(impair(rig, "silent", request=2), 2).code == "E-DRILL"


def test_an_instance_that_a_reload_removes_takes_its_impairment_along() -> None:
    two = instance("VI_2", vrid=52, address="10.0.0.101/24")
    rig = Rig(config(instance(), two))
    rig.pass_time(8 * S)
    impair(rig, "link", name="VI_1")
    rig.give(m.Configure(config(two)))
    rig.pass_time(4 * S)
    assert rig.status("VI_2").state is m.State.MASTER
