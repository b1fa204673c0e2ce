"""Sync groups: master together or not at all; a fault of one is a fault of all."""

from __future__ import annotations

from engine import messages as m
from engine.config.model import NS_PER_S, Config, Track, Tracking
from engine.protocol.group import tracking_in_group
from tests.scenarios.build import config, group, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface, of

S = NS_PER_S
BACKUP, MASTER, FAULT = m.State.BACKUP, m.State.MASTER, m.State.FAULT


def pair(*, tracking_weight: bool = False, second: str = "eth0", **more: object) -> Config:
    return config(
        instance("VI_1", sync_group="G", **more),
        instance("VI_2", vrid=51, address="10.0.0.51/24", sync_group="G", interface=second),
        groups=(group("G", "VI_1", "VI_2", tracking_weight=tracking_weight),),
    )


def states(rig: Rig) -> tuple[m.State, m.State]:
    found = rig.all_status()
    return found["VI_1"].state, found["VI_2"].state


def other(priority: int) -> m.DatagramReceived:
    return advert(priority=priority, vrid=51, addresses=("10.0.0.51",))


def test_nobody_becomes_master_while_one_member_hears_a_better_one() -> None:
    rig = Rig(pair())
    for _ in range(8):
        rig.pass_time(S)
        rig.give(other(200))
    assert states(rig) == (BACKUP, BACKUP)
    rig.pass_time(5 * S)
    assert states(rig) == (MASTER, MASTER)


def test_member_that_waits_looks_again_after_an_interval() -> None:
    """KA-05"""
    rig = Rig(pair())
    rig.pass_time(2 * S)
    rig.give(other(200))
    rig.pass_time(2 * S)
    waiting = rig.status("VI_1")
    assert waiting.state is BACKUP
    assert waiting.deadline - rig.now <= S + S // 256
    rig.pass_time(4 * S)
    assert states(rig) == (MASTER, MASTER)


def test_one_yields_and_the_other_follows_with_a_farewell() -> None:
    rig = Rig(pair())
    rig.become_master()
    outputs = rig.give(other(200))
    assert states(rig) == (BACKUP, BACKUP)
    changes = [one for one in of(m.StateChanged, outputs) if isinstance(one, m.StateChanged)]
    assert [(one.instance, one.cause) for one in changes] == [
        ("VI_2", m.Cause.PEER_HIGHER),
        ("VI_1", m.Cause.SYNC_GROUP),
    ]
    farewell = [one for one in outputs if isinstance(one, m.SendAdvert)]
    assert [(one.instance, one.data[22]) for one in farewell] == [("VI_1", 0)]
    assert not rig.held


def test_fault_of_one_is_a_fault_of_all_and_ends_for_all() -> None:
    rig = Rig(pair(second="eth1"))
    assert states(rig) == (FAULT, FAULT), "eth1 does not exist"
    rig.give(interface("eth1"))
    assert states(rig) == (BACKUP, BACKUP)
    rig.become_master()
    outputs = rig.give(interface("eth1", up=False))
    assert states(rig) == (FAULT, FAULT)
    assert rig.status("VI_1").faults == ("VI_2 of the same sync group is in FAULT",)
    causes = {one.instance: one.cause for one in of(m.StateChanged, outputs) if isinstance(one, m.StateChanged)}
    assert causes == {"VI_2": m.Cause.INTERFACE_DOWN, "VI_1": m.Cause.SYNC_GROUP}
    rig.give(interface("eth1"))
    assert states(rig) == (BACKUP, BACKUP)


def test_weights_are_flattened_unless_the_group_keeps_them() -> None:
    tracking = Tracking(
        scripts=(Track(name="a", weight=5), Track(name="b")),
        interfaces=(Track(name="eth1", weight=-20),),
        files=(Track(name="f", weight=1), Track(name="g", weight=3)),
        processes=(Track(name="p", weight=2),),
        bfd=(Track(name="x", weight=2), Track(name="y")),
    )
    flat = tracking_in_group(tracking, group("G", "A", "B"))
    assert [one.name for one in flat.scripts] == ["b"]
    assert [(one.name, one.weight) for one in flat.interfaces] == [("eth1", 0)]
    assert [(one.name, one.weight) for one in flat.files] == [("f", 0), ("g", 3)]
    assert [one.name for one in flat.bfd] == ["y"]
    assert flat.processes == ()
    assert tracking_in_group(tracking, group("G", "A", "B", tracking_weight=True)) == tracking
    assert tracking_in_group(tracking, None) == tracking


def test_weighted_script_moves_the_priority_only_with_tracking_weight() -> None:
    for keep, priority in ((False, 100), (True, 40)):
        rig = Rig(pair(tracking_weight=keep, scripts=(("s", -60),)))
        rig.give(m.ScriptFinished(name="s", exit_status=1))
        assert rig.status("VI_1").priority == priority


def test_group_that_comes_by_reload_binds_running_members() -> None:
    alone = config(instance("VI_1"), instance("VI_2", vrid=51, address="10.0.0.51/24"))
    rig = Rig(alone)
    rig.become_master()
    rig.give(m.Configure(config=pair()))
    assert states(rig) == (MASTER, MASTER)
    rig.give(advert(priority=200))
    assert states(rig) == (BACKUP, BACKUP)
    rig.give(m.Configure(config=alone))
    assert rig.status("VI_1").sync_group == ""
