"""A new configuration for running instances, and the memory of a process that died."""

from __future__ import annotations

from engine import messages as m
from engine.config.model import NS_PER_S, Config
from engine.protocol.router import Router
from tests.scenarios.build import VIP, config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface, of

S = NS_PER_S


def reload(rig: Rig, new: Config) -> list[m.Output]:
    return list(rig.give(m.Configure(config=new)))


def kinds(outputs: object) -> list[str]:
    return [type(one).__name__ for one in outputs]  # type: ignore[attr-defined]


def test_unchanged_instance_does_not_notice() -> None:
    one = config(instance())
    rig = Rig(one)
    rig.become_master()
    before = rig.status()
    assert reload(rig, config(instance(), instance("VI_2", vrid=51, address="10.0.0.51/24")))[:-1] == []
    assert rig.status() == before


def test_priority_in_place_leaves_at_once_with_state_and_counters_kept() -> None:
    """V3-7.2-01 M18"""
    rig = Rig(config(instance()))
    rig.become_master()
    before = rig.status()
    outputs = reload(rig, config(instance(priority=77)))
    assert kinds(outputs) == ["PriorityChanged", "SendAdvert"]
    sent = outputs[1]
    assert isinstance(sent, m.SendAdvert)
    assert sent.data[22] == 77
    after = rig.status()
    assert (after.since, after.state) == (before.since, m.State.MASTER)
    assert after.counters.become_master == 1


def test_only_changed_addresses_move_and_only_new_ones_are_announced() -> None:
    """V3-8.1.2-04 V3-8.2.2-05 V2-8.2-04"""
    rig = Rig(config(instance(address="10.0.0.50/24 10.0.0.51/24")))
    rig.become_master()
    outputs = reload(rig, config(instance(address="10.0.0.51/24 10.0.0.52/24")))
    assert kinds(outputs) == ["AddAddresses", "RemoveAddresses", "SendAnnouncements", "SendAdvert"]
    added, removed, announced, sent = outputs
    assert isinstance(added, m.AddAddresses)
    assert isinstance(removed, m.RemoveAddresses)
    assert isinstance(announced, m.SendAnnouncements)
    assert isinstance(sent, m.SendAdvert)
    assert [one.address for one in added.addresses] == ["10.0.0.52"] == [one.address for one in announced.addresses]
    assert [one.address for one in removed.addresses] == ["10.0.0.50"]
    assert sent.data[23] == 2


def test_address_whose_words_changed_is_replaced() -> None:
    rig = Rig(config(instance(address="10.0.0.50/24")))
    rig.become_master()
    outputs = reload(rig, config(instance(address="10.0.0.50/32")))
    assert kinds(outputs)[:2] == ["RemoveAddresses", "AddAddresses"]


def test_backup_moves_no_address() -> None:
    rig = Rig(config(instance()))
    rig.give(advert(priority=200))
    assert kinds(reload(rig, config(instance(address="10.0.0.51/24")))) == []


def test_name_is_irrelevant() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    assert "StateChanged" not in kinds(reload(rig, config(instance("VI_NEW"))))
    assert rig.status("VI_NEW").state is m.State.MASTER


def test_removed_master_says_farewell_and_another_vrid_begins_anew() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    outputs = reload(rig, config(instance(vrid=60)))
    assert kinds(outputs) == ["SendAdvert", "RemoveAddresses", "StateChanged", "StateChanged"]
    changes = [one for one in outputs if isinstance(one, m.StateChanged)]
    assert [(one.new, one.cause) for one in changes] == [
        (m.State.INIT, m.Cause.CONFIG),
        (m.State.BACKUP, m.Cause.STARTUP),
    ]
    rig.pass_time(60 * S)
    assert rig.status().vrid == 60


def test_deadline_of_a_backup_moves_by_the_difference_alone() -> None:
    rig = Rig(config(instance()))
    rig.give(advert(priority=200))
    before = rig.status()
    rig.pass_time(S)
    reload(rig, config(instance(priority=150)))
    assert rig.status().deadline - before.deadline == -50 * S // 256
    reload(rig, config(instance(priority=150, down_timer_adverts=5)))
    assert rig.status().deadline - before.deadline == 2 * S - 50 * S // 256


def test_owner_that_stops_owning_stays_master_until_outranked() -> None:
    rig = Rig(config(instance(priority=255)))
    reload(rig, config(instance(priority=100)))
    assert rig.status().state is m.State.MASTER
    rig.give(advert(priority=150))
    assert rig.status().state is m.State.BACKUP


def test_fault_that_a_reload_brings_and_takes() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    reload(rig, config(instance(unicast=True)))
    assert (rig.status().state, rig.status().last_cause) == (m.State.FAULT, m.Cause.CONFIG)
    reload(rig, config(instance()))
    assert rig.status().state is m.State.BACKUP


def test_reload_during_a_stop_is_ignored() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    rig.give(m.StopRouter())
    assert reload(rig, config(instance(priority=77))) == []


def resumed(new: Config, *last: m.LastKnown, addresses: tuple[str, ...] = ()) -> tuple[Router, list[m.Output]]:
    router = Router()
    fact = interface()
    router.handle(
        m.InterfaceChanged(interface="eth0", ifindex=2, exists=True, up=True, addresses=fact.addresses + addresses), S
    )
    return router, list(router.handle(m.Configure(config=new, resume=last), S))


def known(state: m.State, **more: object) -> m.LastKnown:
    return m.LastKnown(interface="eth0", family=4, vrid=50, state=state, since=7, **more)  # type: ignore[arg-type]


def status(router: Router) -> m.InstanceStatus:
    found = router.statuses()[0]
    assert isinstance(found, m.InstanceStatus)
    return found


def test_respawned_master_goes_on_without_a_change_of_state() -> None:
    router, outputs = resumed(config(instance()), known(m.State.MASTER), addresses=(f"{VIP}/24",))
    assert kinds(outputs) == ["SendAdvert", "AddAddresses", "SendAnnouncements", "LogLine"]
    assert (status(router).state, status(router).since) == (m.State.MASTER, 7)
    assert status(router).transitions == 0


def test_respawned_backup_goes_on_waiting_a_whole_interval() -> None:
    router, outputs = resumed(config(instance()), known(m.State.BACKUP))
    assert kinds(outputs) == ["LogLine"]
    assert (status(router).state, status(router).since) == (m.State.BACKUP, 7)
    assert status(router).deadline == S + status(router).master_down_interval


def test_respawned_master_that_cannot_serve_begins_in_fault_and_takes_its_address_away() -> None:
    router = Router()
    router.handle(m.InterfaceChanged(interface="eth0", ifindex=2, exists=True, up=False, addresses=(f"{VIP}/24",)), S)
    outputs = router.handle(m.Configure(config=config(instance()), resume=(known(m.State.MASTER),)), S)
    assert "RemoveAddresses" in kinds(outputs)
    assert status(router).state is m.State.FAULT


def test_hold_survives_the_death_of_the_process_and_still_ends() -> None:
    router, _ = resumed(config(instance()), known(m.State.BACKUP, hold_kind="step-down", hold_until=30 * S))
    assert (status(router).priority, status(router).hold_kind) == (1, "step-down")
    for second in range(2, 32):
        router.handle(advert(priority=200), second * S)
        router.tick(second * S)
    assert (status(router).priority, status(router).hold_kind) == (100, "")


def test_memory_of_another_instance_is_not_used() -> None:
    router, outputs = resumed(config(instance(vrid=51)), known(m.State.MASTER))
    assert status(router).state is m.State.BACKUP
    assert len(of(m.StateChanged, outputs)) == 1
