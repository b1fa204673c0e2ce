"""Maintenance in the Router: a handicap with a hand-over that never takes an address from its last owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import messages as m
from engine.config.model import NS_PER_S, Config
from tests.protocol.test_orders import GRACE, answer, backup, master
from tests.scenarios.build import config, group, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface

S = NS_PER_S


def handicap(rig: Rig, *names: str, until: int = 0, dry_run: bool = False, request: int = 1) -> Sequence[m.Output]:
    held = tuple(m.Handicapped(name, until, "anna", "new fan") for name in names)
    return rig.give(m.Ordered(request, m.Handicap(held, dry_run), "anna", "new fan"))


def said(came: Sequence[m.Output], kind: type[Any]) -> list[Any]:
    return [one for one in came if isinstance(one, kind)]


def test_master_in_maintenance_hands_over_and_stays_at_priority_1() -> None:
    rig = master()
    came = handicap(rig, "VI_1")
    assert said(came, m.HandOverStarted)
    assert rig.status().state is m.State.MASTER
    rig.pass_time(S // 2)
    rig.give(advert(priority=50))
    came = rig.pass_time(GRACE)
    assert answer(came).outcome is m.Outcome.DONE
    assert said(came, m.StateChanged)[0].cause is m.Cause.MAINTENANCE
    status = rig.status()
    assert (status.state, status.priority, status.hold_kind) == (m.State.BACKUP, 1, "maintenance")
    assert (status.hold_by, status.hold_reason) == ("anna", "new fan")


def test_master_in_maintenance_serves_on_when_nobody_answers() -> None:
    rig = master()
    handicap(rig, "VI_1")
    came = rig.pass_time(2 * S)
    told = answer(came)
    assert told.outcome is m.Outcome.DONE
    assert "serves on here with priority 1" in told.text
    assert not said(came, m.RemoveAddresses)
    assert rig.status().state is m.State.MASTER
    rig.give(advert(priority=50))
    assert rig.status().state is m.State.BACKUP
    assert rig.status().last_cause is m.Cause.MAINTENANCE


def test_backup_in_maintenance_is_handicapped_at_once() -> None:
    rig = backup(150)
    came = handicap(rig, "VI_1")
    assert answer(came).outcome is m.Outcome.DONE
    assert rig.status().priority == 1


def test_saying_the_same_again_changes_nothing() -> None:
    rig = backup(150)
    handicap(rig, "VI_1")
    came = handicap(rig, "VI_1", request=2)
    assert answer(came, 2).text == "nothing changes"
    assert not said(came, m.HoldChanged)


def test_end_of_maintenance_restores_the_priority_and_the_master() -> None:
    rig = backup(50)
    assert rig.status().state is m.State.BACKUP
    handicap(rig, "VI_1")
    came = handicap(rig, request=2)
    assert "runs with priority" in answer(came, 2).text
    assert rig.status().hold_kind == ""
    assert rig.status().priority == rig.status().base_priority


def test_timed_maintenance_ends_by_itself_at_its_instant() -> None:
    rig = backup(150)
    until = rig.now + 60 * S
    handicap(rig, "VI_1", until=until)
    for _ in range(119):
        rig.pass_time(S // 2)
        rig.give(advert(priority=150))
    rig.pass_time(until - rig.now - 1)
    assert rig.status().hold_kind == "maintenance"
    came = rig.pass_time(1)
    assert [one.kind for one in said(came, m.HoldChanged)] == [""]


def test_a_hold_of_another_operator_refuses_maintenance_and_changes_nothing() -> None:
    rig = backup(150)
    rig.give(m.Ordered(7, m.Failover("VI_1", "take-over"), "ben"))
    came = handicap(rig, "VI_1")
    assert answer(came).code in ("E-HELD", "E-BUSY")
    assert rig.status().hold_kind == "take-over"


def test_release_does_not_end_maintenance_but_says_what_does() -> None:
    rig = backup(150)
    handicap(rig, "VI_1")
    came = rig.give(m.Ordered(9, m.Release("VI_1"), "ben"))
    assert answer(came, 9).code == "E-MAINTENANCE"
    assert rig.status().hold_kind == "maintenance"


def test_an_owner_stays_and_is_named() -> None:
    rig = Rig(config(instance(priority=255)))
    rig.pass_time(S)
    told = answer(handicap(rig, "VI_1"))
    assert told.outcome is m.Outcome.DONE
    assert "owns its address" in told.text
    assert rig.status().hold_kind == ""


def test_members_of_a_sync_group_go_into_maintenance_together() -> None:
    members = (instance(name="VI_1", vrid=51), instance(name="VI_2", vrid=52, address="10.0.0.101/24"))
    rig = Rig(config(*members, groups=(group("G", "VI_1", "VI_2"),)))
    rig.pass_time(8 * S)
    assert {one.state for one in rig.all_status().values()} == {m.State.MASTER}
    handicap(rig, "VI_2")
    rig.pass_time(2 * S)
    assert {(one.hold_kind, one.priority) for one in rig.all_status().values()} == {("maintenance", 1)}


def test_dry_run_says_who_will_be_master_and_changes_nothing() -> None:
    rig = master()
    told = answer(handicap(rig, "VI_1", dry_run=True))
    assert "if none answers it serves on here" in told.text
    assert rig.status().hold_kind == ""
    rig = backup(150)
    assert "stays MASTER" in answer(handicap(rig, "VI_1", dry_run=True)).text


def restarted(known: m.LastKnown, built: Config) -> Rig:
    rig = Rig(config())
    rig.router, rig.states = type(rig.router)(), {}
    rig.give(interface())
    rig.give(m.Configure(config=built, resume=(known,)))
    return rig


def test_maintenance_is_there_again_after_a_restart_of_the_engine() -> None:
    built = config(instance())
    known = m.LastKnown("eth0", 4, built.instances[0].vrid, m.State.INIT, 0, hold_kind="maintenance", hold_by="anna")
    rig = restarted(known, built)
    status = rig.status()
    assert (status.state, status.priority, status.hold_by) == (m.State.BACKUP, 1, "anna")
