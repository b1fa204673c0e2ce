"""A master whose addresses the kernel refuses: said, tried again, offered to a backup once."""

from __future__ import annotations

from engine import messages as m
from engine.config.model import NS_PER_S, Route
from engine.diagnosis import Facts, diagnose
from tests.scenarios.build import VIP, config, group, instance, pair
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, of

S = NS_PER_S
MASTER, BACKUP = m.State.MASTER, m.State.BACKUP
REFUSED = m.EffectFailed(instance="VI_1", effect="add-addresses", reason="cannot add 10.0.0.50/24 to eth0: no")


def placed(address: str = VIP) -> m.AddressChanged:
    return m.AddressChanged(interface="eth0", address=address, prefix=24, present=True, foreign=False)


def tries(rig: Rig, duration: int, *, again: bool = True) -> list[int]:
    """Instants, from now, at which addresses are wished; `again`: the kernel refuses each of them."""
    begin, found = rig.now, []
    while rig.now < begin + duration:
        came = rig.pass_time(100_000_000)
        if of(m.AddAddresses, came):
            found.append((rig.now - begin) // 100_000_000)
            if again:
                rig.give(REFUSED)
    return found


def test_refused_address_is_in_the_status_and_tried_again_with_growing_pauses() -> None:
    rig = Rig(config(instance(priority=255)))
    rig.pass_time(0)
    came = rig.give(REFUSED)
    assert [one.reason for one in of(m.EffectRefused, came) if isinstance(one, m.EffectRefused)] == [REFUSED.reason]
    assert rig.status().problem == f"{REFUSED.reason}; tried again every 1.000 s"
    assert tries(rig, 40 * S) == [10, 30, 70, 150, 310]
    assert len(of(m.EffectRefused, rig.outputs)) == 1
    assert rig.status().state is MASTER


def test_address_that_the_kernel_takes_at_last_is_announced_and_the_trouble_is_over() -> None:
    rig = Rig(config(instance(priority=255)))
    rig.pass_time(0)
    rig.give(REFUSED)
    came = rig.pass_time(S)
    assert of(m.SendAnnouncements, came)
    came = rig.give(placed())
    assert rig.status().problem == ""
    assert any("taken what it refused" in one.text for one in came if isinstance(one, m.LogLine))
    assert tries(rig, 100 * S) == []


def test_one_of_two_addresses_is_missing_and_only_that_one_is_tried_again() -> None:
    """Half a service is better than a hand-over."""
    rig = Rig(config(instance(address=f"{VIP}/24 10.0.0.51/24")))
    rig.become_master()
    rig.give(placed("10.0.0.51"))
    rig.give(REFUSED)
    came = rig.pass_time(S)
    wished = [one.address for effect in of(m.AddAddresses, came) for one in effect.addresses]  # type: ignore[attr-defined]
    assert wished == [VIP]
    rig.give(REFUSED)
    rig.pass_time(60 * S)
    assert not of(m.HandOverStarted, rig.outputs)


def test_refused_route_is_tried_again_until_it_is_taken() -> None:
    route = Route(text="10.9.0.0/16 via 10.0.0.254", family=4, destination="10.9.0.0/16")
    rig = Rig(config(instance(priority=255, routes=(route,))))
    rig.pass_time(0)
    rig.give(placed())
    rig.give(m.EffectFailed(instance="VI_1", effect="add-routes", reason="no such gateway"))
    came = rig.pass_time(S)
    assert of(m.AddRoutes, came)
    assert not of(m.AddAddresses, came)
    rig.pass_time(2 * S)
    assert rig.status().problem == ""


def test_trouble_ends_with_the_mastership() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    rig.give(REFUSED)
    rig.give(advert(priority=200))
    assert (rig.status().state, rig.status().problem) == (BACKUP, "")
    assert tries(rig, 2 * S) == []


def test_refused_removal_is_said_and_nothing_more() -> None:
    rig = Rig(config(instance()))
    rig.give(m.EffectFailed(instance="VI_1", effect="remove-addresses", reason="no"))
    assert of(m.EffectRefused, rig.outputs)
    assert rig.status().problem == ""


def test_master_that_can_set_nothing_gives_the_address_to_the_backup_that_can() -> None:
    """a is better but cannot serve: b does, for as long as a is held, and a hand-over is what moves it."""
    lan, a, b = pair(100, 50)
    a.refused.add(VIP)
    a.start()
    b.start()
    lan.run_to(20)
    assert (a.state("VI_1"), b.state("VI_1")) == (BACKUP, MASTER)
    assert lan.owners.holders(VIP) == ("b",)
    assert a.status("VI_1").hold_by == "the engine"
    changed = [one for one in a.happened(m.StateChanged) if isinstance(one, m.StateChanged)][-1]
    assert changed.cause is m.Cause.ADDRESS_LOST
    a.refused.clear()
    lan.run_to(340)
    assert lan.owners.holders(VIP) == ("a",)


def test_master_that_can_set_nothing_and_is_alone_stays_and_serves_when_the_kernel_lets_it() -> None:
    lan, a, _b = pair(100, 50)
    a.refused.add(VIP)
    a.start()
    lan.run_to(20)
    assert a.state("VI_1") is MASTER
    assert len(a.happened(m.HandOverStarted)) == 1
    a.refused.clear()
    lan.run_to(60)
    assert lan.owners.holders(VIP) == ("a",)
    assert a.status("VI_1").problem == ""


def test_two_hosts_with_the_same_trouble_do_not_swap_for_ever() -> None:
    lan, a, b = pair(100, 50)
    for one in (a, b):
        one.refused.add(VIP)
        one.start()
    lan.run_to(250)
    assert sum(len(one.happened(m.HandOverStarted)) for one in (a, b)) <= 4


def test_owner_and_member_of_a_sync_group_keep_the_role() -> None:
    """An owner cannot be held; a group moves together or not at all."""
    grouped = Rig(config(instance(), groups=(group("G", "VI_1"),)))
    grouped.become_master()
    owner = Rig(config(instance(priority=255)))
    owner.pass_time(0)
    for rig in (grouped, owner):
        rig.give(REFUSED)
        tries(rig, 30 * S)
        assert not of(m.HandOverStarted, rig.outputs)
        assert rig.status().state is MASTER


def test_finding_of_a_missing_address_says_what_the_kernel_said() -> None:
    rig = Rig(config(instance(priority=255)))
    rig.pass_time(0)
    rig.give(REFUSED)
    for _ in range(4):
        rig.pass_time(S)
        rig.give(REFUSED)
    facts = Facts(now=rig.now, config=rig.config, instances=(rig.status(),))
    (found,) = [one for one in diagnose(facts) if one.code == "D-VIP-GONE"]
    assert REFUSED.reason in found.text
    assert "kernel" in found.fix
