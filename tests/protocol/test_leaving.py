"""An instance that a reload removes while it is master: it hands over, then it goes."""

from __future__ import annotations

from typing import Any

from engine import messages as m
from engine.config.model import NS_PER_S, Authentication, Instance, Vmac
from tests.scenarios.build import VIP, config, group, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, of

S = NS_PER_S
INIT, BACKUP, MASTER = m.State.INIT, m.State.BACKUP, m.State.MASTER
OTHER = instance("VI_2", vrid=60, address="10.0.0.60/24")


def kinds(outputs: list[m.Output]) -> list[str]:
    return [type(one).__name__ for one in outputs]


def removed() -> Rig:
    """A rig whose master VI_1 has just been removed by a reload; VI_2 stays."""
    rig = Rig(config(instance(), OTHER))
    rig.become_master()
    rig.become_master("VI_2")
    came = list(rig.give(m.Configure(config=config(OTHER))))
    assert kinds(came)[:2] == ["SendAdvert", "HandOverStarted"]
    assert "RemoveAddresses" not in kinds(came)
    return rig


def test_removed_master_keeps_its_address_until_a_successor_is_heard() -> None:
    rig = removed()
    assert ("eth0", VIP) in rig.held
    came = rig.pass_time(S // 2)
    assert {one.instance for one in came if isinstance(one, m.SendAdvert)} <= {"VI_2"}
    rig.give(advert(priority=50))
    came = rig.pass_time(S)
    assert ("eth0", VIP) not in rig.held
    (done,) = [one for one in came if isinstance(one, m.HandOverFinished)]
    assert (done.instance, done.successor, done.released) == ("VI_1", "10.0.0.9", True)
    (gone,) = [one for one in came if isinstance(one, m.StateChanged)]
    assert (gone.new, gone.cause) == (INIT, m.Cause.CONFIG)
    assert list(rig.all_status()) == ["VI_2"]
    assert rig.status("VI_2").state is MASTER


def test_removed_master_that_nobody_answers_goes_at_the_limit_with_a_second_farewell() -> None:
    rig = removed()
    came = rig.pass_time(2 * S)
    assert ("eth0", VIP) not in rig.held
    assert [one.data[22] for one in of(m.SendAdvert, came) if one.instance == "VI_1"] == [0]  # type: ignore[attr-defined]
    assert not rig.router.handing_over


def test_next_reload_ends_the_patience_and_may_bring_the_instance_back() -> None:
    rig = removed()
    came = rig.give(m.Configure(config=config(instance(), OTHER)))
    assert ("eth0", VIP) not in rig.held
    assert [(one.instance, one.new) for one in came if isinstance(one, m.StateChanged)] == [
        ("VI_1", INIT),
        ("VI_1", BACKUP),
    ]
    rig.pass_time(10 * S)
    assert rig.status("VI_1").state is MASTER
    assert ("eth0", VIP) in rig.held


def taken_up(*others: Instance, **words: Any) -> tuple[Rig, list[m.Output]]:
    """A new process whose predecessor died while VI_1 handed over, and what it did at once."""
    whole = config(*others)
    rig = Rig(whole, configure=m.Configure(config=whole, former=((instance(**words), 7),)))
    rig.states["VI_1"] = MASTER
    return rig, rig.outputs.copy()


def test_process_that_dies_while_a_removed_instance_hands_over_leaves_the_rest_to_the_next_one() -> None:
    rig, came = taken_up(OTHER)
    assert [(one.instance, one.data[22]) for one in came if isinstance(one, m.SendAdvert)] == [("VI_1", 0)]
    assert "AddAddresses" not in kinds(came)
    assert rig.router.handing_over
    rig.give(advert(priority=50))
    came = rig.pass_time(S)
    assert [one.addresses[0].address for one in came if isinstance(one, m.RemoveAddresses)] == [VIP]
    assert [(one.instance, one.new) for one in came if isinstance(one, m.StateChanged)][:1] == [("VI_1", INIT)]
    assert not rig.router.handing_over


def test_next_process_removes_the_address_though_nobody_takes_over() -> None:
    rig, _ = taken_up(OTHER)
    came = rig.pass_time(2 * S)
    assert [one.addresses[0].address for one in came if isinstance(one, m.RemoveAddresses)] == [VIP]


def test_sequence_numbers_of_the_hand_over_go_on_after_the_process_died() -> None:
    key = Authentication(kind="ah", key=b"geheim\0\0")
    _, came = taken_up(OTHER, version=2, authentication=key)
    (farewell,) = [one for one in came if isinstance(one, m.SendAdvert)]
    assert int.from_bytes(farewell.data[28:32], "big") > 7


def test_next_process_removes_only_what_no_instance_has_meanwhile() -> None:
    """The address has moved to another instance in the same reload: it is that one's now."""
    heir = instance("VI_3", vrid=70, address=f"{VIP}/24")
    rig, came = taken_up(heir)
    assert not rig.router.handing_over
    assert VIP not in {
        address.address for one in came if isinstance(one, m.RemoveAddresses) for address in one.addresses
    }


def test_stop_during_the_hand_over_waits_for_it_and_exits_once() -> None:
    rig = removed()
    rig.give(m.StopRouter())
    assert not rig.over
    rig.pass_time(3 * S)
    assert rig.over
    assert rig.held == set()
    assert len(of(m.Exit, rig.outputs)) == 1


def test_stop_that_keeps_addresses_keeps_those_of_the_removed_one_too() -> None:
    rig = removed()
    rig.give(m.StopRouter(release_addresses=False))
    assert rig.over
    assert ("eth0", VIP) in rig.held


def test_address_that_is_leaving_is_no_source_of_the_others() -> None:
    """Its own address is lost meanwhile: the virtual one of the removed instance must not take its place."""
    rig = removed()
    rig.give(m.InterfaceChanged("eth0", 2, exists=True, up=True, addresses=(f"{VIP}/24",)))
    assert rig.status("VI_2").source == ""


def test_what_the_new_configuration_takes_over_is_let_go_at_once() -> None:
    """Its name, an address, its virtual MAC in another instance: two of ours would fight over it."""
    for successor in (
        instance("VI_1", vrid=61, address="10.0.0.61/24"),
        instance("VI_9", vrid=61),
        instance("VI_9", vrid=50, interface="eth1", vmac=Vmac(), address="10.0.0.61/24"),
    ):
        rig = Rig(config(instance(vmac=Vmac())))
        rig.become_master()
        came = rig.give(m.Configure(config=config(successor)))
        assert not of(m.HandOverStarted, came), successor
        assert of(m.RemoveAddresses, came), successor
        assert not rig.router.handing_over


def test_removed_backup_goes_silently_at_once() -> None:
    rig = Rig(config(instance(), OTHER))
    came = rig.give(m.Configure(config=config(OTHER)))
    assert kinds(list(came)).count("SendAdvert") == 0
    assert not rig.router.handing_over


def test_member_of_a_sync_group_leaves_alone_and_the_others_stay() -> None:
    rig = Rig(config(instance(), OTHER, groups=(group("G", "VI_1", "VI_2"),)))
    rig.pass_time(5 * S)
    assert rig.status("VI_2").state is MASTER
    rig.give(m.Configure(config=config(OTHER)))
    rig.pass_time(5 * S)
    assert rig.status("VI_2").state is MASTER
    assert ("eth0", VIP) not in rig.held
