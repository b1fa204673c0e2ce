"""VRRPv3, IPv6, short intervals, learnt intervals, mixed hosts."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Authentication, UnicastPeer
from engine.simulation import Lan
from tests.scenarios.build import VIP, host, instance, settled
from tests.scenarios.story import tells

MASTER, BACKUP = m.State.MASTER, m.State.BACKUP
VIP6 = "fe80::50"


@pytest.mark.parametrize(("interval_ms", "limit_s"), [(10, 0.0381), (100, 0.381), (1000, 3.81)])
def test_power_cut_with_short_intervals(interval_ms: int, limit_s: float) -> None:
    """V3-6.1-04, V3-6.1-05, V3-6.4.2-07: v3 skew scales with the interval."""
    lan, a, b = settled(version=3, advert_interval=interval_ms * 1_000_000)
    assert a.state("VI_1") is MASTER
    a.power_cut()
    lan.run_to(20)
    assert b.state("VI_1") is MASTER
    assert lan.outage(VIP, since_s=10) <= limit_s + 0.001


@pytest.mark.parametrize("interval_ms", [10, 100, 1000, 5000])
def test_hand_over_without_a_lost_ping_at_any_interval(interval_ms: int) -> None:
    """P9: from 10 ms to 5 s."""
    lan, a, _b = settled(version=3, advert_interval=interval_ms * 1_000_000)
    lan.run_to(40)
    assert a.state("VI_1") is MASTER
    a.failover("VI_1")
    lan.run_to(80)
    assert lan.owners.holders(VIP) == ("b",)
    assert lan.lost_pings(VIP, 2, since_s=40) == 0


def ipv6() -> Lan:
    lan = Lan()
    for name, number, priority in (("a", 1, 100), ("b", 2, 50)):
        host(lan, name, number, instance("VI_6", priority, address=f"{VIP6}/128 2001:db8::50/64"))
    for one in lan.hosts.values():
        one.start()
    lan.run_to(10)
    return lan


def test_ipv6_life_of_two_hosts() -> None:
    """V3-5.1.2.1-01, V3-6.4.2-09, V3-6.4.3-11: power cut and return."""
    lan = ipv6()
    lan.hosts["a"].power_cut()
    lan.run_to(20)
    lan.hosts["a"].power_on()
    lan.run_to(30)
    tells(
        lan,
        """
          10.000  a    power cut
          13.414  b    VI_6 BACKUP -> MASTER (master-no-response)
          20.000  a    power on
          20.000  a    VI_6 INIT -> BACKUP (startup)
          23.609  a    VI_6 BACKUP -> MASTER (we-preempted)
          23.609  b    VI_6 MASTER -> BACKUP (peer-higher)
        """,
        since_s=10,
    )
    assert lan.owners.holders("2001:db8::50") == ("a",)


def test_ipv6_stop_hands_over() -> None:
    """V3-6.4.3-08, P9."""
    lan = ipv6()
    lan.hosts["a"].stop()
    lan.run_to(20)
    assert lan.owners.holders(VIP6) == ("b",)
    assert lan.lost_pings(VIP6, 2, since_s=10) == 0


def test_fast_backup_waits_at_the_pace_of_a_slow_master_and_sends_at_its_own() -> None:
    """V3-6.1-03, V3-5.2.7-02, V3-6.4.2-12, P14: master 1 s, backup 100 ms."""
    lan = Lan()
    a = host(lan, "a", 1, instance(priority=100, version=3))
    b = host(lan, "b", 2, instance(priority=50, version=3, advert_interval=NS_PER_S // 10))
    a.start()
    lan.run_to(10)
    b.start()
    lan.run_to(10.2)
    lan.run_to(20)
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, BACKUP)
    assert b.status("VI_1").master_advert_interval == NS_PER_S
    a.power_cut()
    lan.run_to(30)
    assert b.state("VI_1") is MASTER
    assert lan.outage(VIP, since_s=20) <= 3.81
    sent = b.sent
    lan.run_to(31)
    assert b.sent - sent == 10, "its own pace, not the learnt one"


def test_v2_hosts_with_different_intervals_do_not_understand_each_other() -> None:
    """V2-7.1-13: two masters, as the book has it; both say why."""
    lan = Lan()
    a = host(lan, "a", 1, instance(priority=100))
    b = host(lan, "b", 2, instance(priority=50, advert_interval=2 * NS_PER_S))
    a.start()
    b.start()
    lan.run_to(20)
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, MASTER)
    rejected = [event for event in b.happened(m.AdvertRejected) if isinstance(event, m.AdvertRejected)]
    assert rejected[0].verdict is m.Verdict.INTERVAL


@pytest.mark.parametrize("kind", ["pass", "ah"])
def test_authenticated_hosts_live_as_the_others(kind: str) -> None:
    """AU-P-01, AU-AH-01, AU-AH-03: power cut, return, hand-over."""
    lan, a, b = settled(authentication=Authentication(kind=kind, key=b"hatuikey"))
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, BACKUP)
    a.power_cut()
    lan.run_to(20)
    a.power_on()
    lan.run_to(30)
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, BACKUP)
    a.failover("VI_1")
    lan.run_to(40)
    assert (a.state("VI_1"), b.state("VI_1")) == (BACKUP, MASTER)
    assert lan.lost_pings(VIP, 2, since_s=30) == 0


def test_different_passwords_give_two_masters_and_both_say_why() -> None:
    """AU-P-02."""
    lan = Lan()
    a = host(lan, "a", 1, instance(priority=100, authentication=Authentication(kind="pass", key=b"1111\0\0\0\0")))
    b = host(lan, "b", 2, instance(priority=50, authentication=Authentication(kind="pass", key=b"1112\0\0\0\0")))
    a.start()
    b.start()
    lan.run_to(20)
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, MASTER)
    change = [event for event in b.happened(m.StateChanged) if isinstance(event, m.StateChanged)][-1]
    assert change.cause is m.Cause.REJECTED_ADVERTS


@pytest.mark.parametrize("version", [2, 3])
def test_unicast_peers(version: int) -> None:
    """D10, 4: adverts go to the peer alone, the checksum covers its address (v3)."""
    lan = Lan()
    for name, number, priority, peer in (("a", 1, 100, "10.0.0.2"), ("b", 2, 50, "10.0.0.1")):
        host(
            lan,
            name,
            number,
            instance(
                priority=priority,
                version=version,
                unicast=True,
                unicast_peers=(UnicastPeer(address=peer),),
            ),
        )
    for one in lan.hosts.values():
        one.start()
    lan.run_to(10)
    a, b = lan.hosts["a"], lan.hosts["b"]
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, BACKUP)
    a.stop()
    lan.run_to(20)
    assert lan.owners.holders(VIP) == ("b",)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0
