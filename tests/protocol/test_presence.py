"""Virtual addresses: confirmed, restored, replaced, announced; leftovers of another run."""

from __future__ import annotations

import msgspec

from engine import messages as m
from engine.config.model import NS_PER_S, Address, Announce, Route, Rule
from tests.scenarios.build import VIP, config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import OWN4, Rig, interface, of

S = NS_PER_S


def moved(rig: Rig, *, present: bool, foreign: bool = False, address: str = VIP) -> list[m.Output]:
    return list(
        rig.give(m.AddressChanged(interface="eth0", address=address, prefix=24, present=present, foreign=foreign))
    )


def kinds(outputs: object) -> list[str]:
    return [type(one).__name__ for one in outputs]  # type: ignore[attr-defined]


def test_last_confirmation_makes_the_event() -> None:
    rig = Rig(config(instance(address="10.0.0.50/24 10.0.0.51/24")))
    rig.become_master()
    assert moved(rig, present=True) == []
    (event,) = moved(rig, present=True, address="10.0.0.51")
    assert event == m.AddressesMoved("VI_1", ("10.0.0.50", "10.0.0.51"), present=True)
    assert [one.present for one in rig.status().addresses] == [True, True]
    rig.give(advert(priority=200))
    assert moved(rig, present=False) == []
    (event,) = moved(rig, present=False, address="10.0.0.51")
    assert event == m.AddressesMoved("VI_1", ("10.0.0.50", "10.0.0.51"), present=False)


def test_master_all_the_while_puts_back_what_went_with_the_link() -> None:
    """Addresses that are missing, and the routes that lead over it or may; nothing of other interfaces."""
    routes = (
        Route(text="a", family=4, destination="10.9.0.0/16", via="10.0.0.254", interface="eth0"),
        Route(text="b", family=4, destination="10.8.0.0/16", via="10.0.0.254"),
        Route(text="c", family=4, destination="10.7.0.0/16", interface="eth1"),
        Route(text="d", family=4, destination="10.6.0.0/16", kind="blackhole"),
    )
    rig = Rig(config(instance(address="10.0.0.50/24 10.0.0.51/24", track_primary=False, routes=routes)))
    rig.become_master()
    for address in ("10.0.0.50", "10.0.0.51"):
        moved(rig, present=True, address=address)
    rig.give(interface(up=False))
    assert "AddAddresses" not in kinds(moved(rig, present=False, foreign=True, address="10.0.0.51"))
    there = interface()
    came = rig.give(msgspec.structs.replace(there, addresses=(*there.addresses, "10.0.0.50/24")))
    assert [one.address for added in of(m.AddAddresses, came) for one in added.addresses] == ["10.0.0.51"]  # type: ignore[attr-defined]
    assert [one.text for added in of(m.AddRoutes, came) for one in added.routes] == ["a", "b"]  # type: ignore[attr-defined]
    assert "SendAnnouncements" in kinds(came)
    assert rig.status().state is m.State.MASTER
    assert "AddRoutes" not in kinds(rig.give(interface())), "it was up already"


def test_address_removed_by_somebody_is_put_back_announced_and_said() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    moved(rig, present=True)
    outputs = moved(rig, present=False, foreign=True)
    assert kinds(outputs) == ["AddAddresses", "SendAnnouncements", "AddressLost"]
    assert outputs[-1] == m.AddressLost("VI_1", VIP, "eth0", restored=True)
    assert rig.status().state is m.State.MASTER
    moved(rig, present=True)
    assert kinds(moved(rig, present=False, foreign=True))[0] == "AddAddresses"


def test_address_removed_before_the_kernel_confirmed_it_is_not_fought_over() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    assert moved(rig, present=False, foreign=True) == []


def test_resynchronised_interface_without_the_address_is_a_loss_too() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    moved(rig, present=True)
    assert kinds(rig.give(interface())) == ["AddAddresses", "SendAnnouncements", "AddressLost"]


def test_no_track_address_is_nobodys_business() -> None:
    quiet = Address(address="10.0.0.77", prefix=24, track=False)
    rig = Rig(config(instance(excluded_addresses=(quiet,))))
    rig.become_master()
    moved(rig, present=True)
    moved(rig, present=True, address="10.0.0.77")
    assert moved(rig, present=False, foreign=True, address="10.0.0.77") == []


def test_address_that_appears_while_backup_is_warned_of() -> None:
    rig = Rig(config(instance()))
    (line,) = moved(rig, present=True, foreign=True)
    assert isinstance(line, m.LogLine)
    assert "put on eth0 by somebody else while we are not MASTER" in line.text


def test_loss_on_a_dead_link_is_no_business_of_the_guard() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    moved(rig, present=True)
    rig.give(interface(up=False))
    assert "AddAddresses" not in kinds(moved(rig, present=False, foreign=True))


def test_routes_and_rules_follow_the_addresses_and_are_restored() -> None:
    """3.1: advert, addresses, routes, rules, announcements."""
    route = Route(destination="192.0.2.0/24", family=4, text="192.0.2.0/24 via 10.0.0.254")
    rule = Rule(family=4, preference=100, text="from 10.0.0.50 table 9")
    rig = Rig(config(instance(routes=(route,), rules=(rule,))))
    outputs = rig.pass_time(4 * S)
    assert kinds(outputs)[:5] == ["SendAdvert", "AddAddresses", "AddRoutes", "SendAnnouncements", "StateChanged"]
    gone = m.RouteChanged(instance="VI_1", text=route.text, present=False)
    assert rig.give(gone)[0] == m.AddRoutes("VI_1", (route,), ())
    outputs = list(rig.give(advert(priority=200)))
    assert kinds(outputs)[:3] == ["RemoveRoutes", "RemoveAddresses", "StateChanged"]


def test_leftovers_of_another_run_go_first_and_are_no_source() -> None:
    """3.1 M22"""
    rig = Rig(config())
    router = type(rig.router)()
    router.handle(
        m.InterfaceChanged(interface="eth0", ifindex=2, exists=True, up=True, addresses=(f"{VIP}/24", f"{OWN4}/24")), S
    )
    outputs = router.handle(m.Configure(config=config(instance())), S)
    assert kinds(outputs) == ["RemoveAddresses", "LogLine", "StateChanged"]
    status = router.statuses()[0]
    assert isinstance(status, m.InstanceStatus)
    assert status.source == OWN4


def test_owner_keeps_the_address_that_it_finds() -> None:
    rig = Rig(config())
    router = type(rig.router)()
    router.handle(
        m.InterfaceChanged(interface="eth0", ifindex=2, exists=True, up=True, addresses=(f"{VIP}/24", f"{OWN4}/24")), S
    )
    outputs = router.handle(m.Configure(config=config(instance(priority=255))), S)
    assert "RemoveAddresses" not in kinds(outputs)


def test_announcement_timing_is_the_configured_one() -> None:
    """KA-02"""
    announce = Announce(master_delay=2 * S, master_repeat=3, arp_interval=7, na_interval=9)
    rig = Rig(config(instance(announce=announce)))
    rig.become_master()
    rig.pass_time(20 * S)
    bursts = [one for one in of(m.SendAnnouncements, rig.outputs) if isinstance(one, m.SendAnnouncements)]
    assert [(one.repeat, one.arp_interval, one.na_interval) for one in bursts] == [(3, 7, 9)] * 2
    quiet = Rig(config(instance(announce=Announce(master_delay=0, master_repeat=0))))
    quiet.become_master()
    quiet.pass_time(20 * S)
    assert of(m.SendAnnouncements, quiet.outputs) == []


def test_refused_effect_is_said_once_until_the_state_changes() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    failed = m.EffectFailed(instance="VI_1", effect="add-addresses", reason="Operation not permitted")
    for _ in range(3):
        rig.give(failed)
    assert len(of(m.EffectRefused, rig.outputs)) == 1
    rig.give(advert(priority=200))
    rig.give(failed)
    assert len(of(m.EffectRefused, rig.outputs)) == 2


def test_virtual_address_that_is_the_hosts_only_one_is_not_taken_away() -> None:
    rig = Rig(config())
    router = type(rig.router)()
    router.handle(m.InterfaceChanged(interface="eth0", ifindex=2, exists=True, up=True, addresses=(f"{VIP}/24",)), S)
    outputs = router.handle(m.Configure(config=config(instance())), S)
    assert kinds(outputs) == ["LogLine", "StateChanged"]
    status = router.statuses()[0]
    assert isinstance(status, m.InstanceStatus)
    assert status.state is m.State.FAULT
    assert "no IPv4 address" in status.faults[0]
