"""Who has the address: on the interface exactly while MASTER, announced when it is there, and not before."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.simulation import Lan
from tests.protocol.test_property_receive import conf, judge, packet
from tests.scenarios.build import VIP, config, host, instance, settled
from tests.scenarios.rig import Rig, of

MASTER, BACKUP = m.State.MASTER, m.State.BACKUP
VIP6 = "2001:db8::50"


def ipv6() -> Lan:
    lan = Lan()
    for name, number, priority in (("a", 1, 100), ("b", 2, 50)):
        host(lan, name, number, instance("VI_6", priority, address=f"fe80::50/128 {VIP6}/64"))
    for one in lan.hosts.values():
        one.start()
    lan.run_to(10)
    return lan


def test_backup_holds_no_address_and_so_answers_nobody() -> None:
    """V3-6.4.2-01, V3-6.4.2-05, V2-6.4.2-01, V2-6.4.2-03, P5: not on the interface, not for one instant."""
    lan, _a, b = settled()
    lan.run_to(30)
    assert not b.holds(VIP)
    assert {host for span in lan.owners.spans(VIP, 0, lan.now) for host in span.hosts} == {"a"}


def test_backup_holds_no_ipv6_address_and_so_answers_nobody() -> None:
    """V3-6.4.2-02, V3-6.4.2-05."""
    lan = ipv6()
    lan.run_to(30)
    assert not lan.hosts["b"].holds(VIP6)
    assert {host for span in lan.owners.spans(VIP6, 0, lan.now) for host in span.hosts} == {"a"}


@pytest.mark.parametrize("busy_ns", [0, 300_000, 20_000_000])
def test_no_announcement_before_the_address_is_in_place(busy_ns: int) -> None:
    """V3-8.1.2-05, V3O-8.1.2-01, V3-8.2.2-06, V2-8.2-04, M24: however long the kernel takes."""
    lan, a, b = settled()
    for one in (a, b):
        one.address_cost = busy_ns
    a.failover("VI_1")
    lan.run_to(20)
    b.power_cut()
    lan.run_to(30)
    assert lan.owners.holders(VIP) == ("a",)
    assert lan.violations == []


def test_reload_announces_a_new_ipv6_address_alone() -> None:
    """V3-8.2.2-05: the others were announced before."""
    lan = ipv6()
    a = lan.hosts["a"]
    new = config(instance("VI_6", 100, address=f"fe80::50/128 {VIP6}/64 2001:db8::51/64"))
    lan.track(new)
    a.reload(new)
    assert lan.timeline.text({"announce"}, since=lan.now).count("announces 2001:db8::51 x5") == 1


def test_strict_ipv6_refuses_a_first_address_that_is_not_link_local() -> None:
    """V3-7.1-10: a setting, since keepalived's peers may send such adverts."""
    odd = ("2001:db8::50", "fe80::50")
    strict = Rig(config(instance(address="fe80::50/128 2001:db8::50/64", strict=True)))
    assert judge(strict, packet("v6", addresses=odd))[0] is m.Verdict.ADDRESS_LIST
    assert judge(Rig(conf("v6")), packet("v6", addresses=odd))[0] is m.Verdict.OK


def test_owner_of_several_addresses_puts_and_announces_all() -> None:
    """V3-6.4.1-02: one announcement for each, in configured order."""
    rig = Rig(conf("v2", priority=255, address="10.0.0.50/24 10.0.0.51/24 10.0.0.52/24"))
    rig.pass_time(0)
    told = of(m.SendAnnouncements, rig.outputs)[0]
    assert isinstance(told, m.SendAnnouncements)
    assert [one.address for one in told.addresses] == ["10.0.0.50", "10.0.0.51", "10.0.0.52"]


def test_hundred_addresses_move_without_a_lost_ping_though_each_takes_its_time() -> None:
    """P9: the old master keeps them until the new one has had the time to put and announce all."""
    many = " ".join(f"10.0.0.{number}/24" for number in range(100, 200))
    lan, a, b = settled(address=many)
    for one in (a, b):
        one.address_cost = 1_000_000
    a.failover("VI_1")
    lan.run_to(20)
    assert b.state("VI_1") is MASTER
    assert lan.lost_pings("10.0.0.100", 2, since_s=10) == 0
    assert lan.lost_pings("10.0.0.199", 2, since_s=10) == 0
