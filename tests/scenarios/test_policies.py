"""Who shall be master: priorities, addresses, preemption, owners, groups."""

from __future__ import annotations

from engine import messages as m
from engine.config.model import NS_PER_S, Globals
from engine.simulation import Lan
from tests.scenarios.build import VIP, group, host, instance, pair, settled
from tests.scenarios.story import tells

MASTER, BACKUP, FAULT = m.State.MASTER, m.State.BACKUP, m.State.FAULT


def test_equal_priorities_both_become_master_and_the_lower_address_yields() -> None:
    """P8, V2-6.4.3-08, V3-6.4.3-12, V3-8.3.2-04: on the first advert, well within one interval."""
    lan, a, b = pair(100, 100)
    a.start()
    b.start()
    lan.run_to(10)
    tells(
        lan,
        """
           0.000  a    start
           0.000  a    VI_1 INIT -> BACKUP (startup)
           0.000  b    start
           0.000  b    VI_1 INIT -> BACKUP (startup)
           3.609  a    VI_1 BACKUP -> MASTER (startup)
           3.609  b    VI_1 BACKUP -> MASTER (startup)
           3.609  a    VI_1 MASTER -> BACKUP (peer-equal-higher-address)
        """,
    )
    assert lan.owners.holders(VIP) == ("b",)


def test_equal_priorities_a_running_master_keeps_the_address() -> None:
    """V3-6.4.2-14: addresses are not compared in BACKUP, or they would swap for ever."""
    lan, a, b = pair(100, 100)
    a.start()
    lan.run_to(10)
    b.start()
    lan.run_to(40)
    assert a.state("VI_1") is MASTER
    assert lan.masters.spans(("lan", 4, 50), 10 * NS_PER_S, lan.now) == [
        lan.masters.spans(("lan", 4, 50), 10 * NS_PER_S, lan.now)[0]
    ]


def test_addresses_compare_as_numbers_not_as_text() -> None:
    """V3-6.4.3-12: 10.0.0.10 is above 10.0.0.9."""
    lan = Lan()
    nine = host(lan, "nine", 9, instance(priority=100))
    ten = host(lan, "ten", 10, instance(priority=100))
    nine.start()
    ten.start()
    lan.run_to(10)
    assert (nine.state("VI_1"), ten.state("VI_1")) == (BACKUP, MASTER)


def test_nopreempt_better_router_waits_until_the_master_dies() -> None:
    """V3-6.4.2-12, V2-6.4.2-07, V3-6.1-06: preempt off accepts any advert."""
    lan, a, b = pair(100, 50, preempt=False)
    b.start()
    lan.run_to(10)
    a.start()
    lan.run_to(30)
    assert (a.state("VI_1"), b.state("VI_1")) == (BACKUP, MASTER)
    b.power_cut()
    lan.run_to(40)
    tells(
        lan,
        """
          30.000  b    power cut
          33.414  a    VI_1 BACKUP -> MASTER (master-no-response)
        """,
        since_s=30,
    )


def test_nopreempt_plays_no_part_for_a_master() -> None:
    """V3-6.4.3-14: two masters after a partition; the worse one yields all the same."""
    lan, a, b = settled(100, 50, preempt=False)
    lan.partition({"a"}, {"b"})
    lan.run_to(20)
    assert b.state("VI_1") is MASTER
    lan.heal()
    lan.run_to(22)
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, BACKUP)


def test_preempt_delay_starts_with_the_first_advert_of_a_lower_priority() -> None:
    """KA-09: then one master-down interval after the last advert that counted; nobody is missed meanwhile."""
    lan, a, b = pair(100, 50, preempt_delay=10 * NS_PER_S)
    b.start()
    lan.run_to(10)
    a.start()
    lan.run_to(40)
    change = next(at for at, event in a.events if isinstance(event, m.StateChanged) and event.new is MASTER)
    assert 20 * NS_PER_S <= change <= 24.5 * NS_PER_S
    assert lan.lost_pings(VIP, 2, since_s=5) == 0


def test_preempt_delay_does_not_delay_a_takeover_from_a_dead_master() -> None:
    """KA-09: it delays preemption only."""
    lan, a, b = pair(100, 50, preempt_delay=100 * NS_PER_S)
    b.start()
    lan.run_to(10)
    a.start()
    lan.run_to(20)
    b.power_cut()
    lan.run_to(30)
    assert a.state("VI_1") is MASTER
    assert lan.outage(VIP, since_s=20) <= 3.7


def test_owner_is_master_at_once_and_takes_its_address_back_at_once() -> None:
    """V2-6.4.1-01, V3-6.4.1-01, V3-6.1-07, V2-6.1-03: preempt off or not."""
    lan, a, b = pair(255, 50, preempt=False)
    b.start()
    lan.run_to(10)
    a.start()
    lan.run_to(12)
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, BACKUP)
    states = [(at, event.new) for at, event in a.events if isinstance(event, m.StateChanged)]
    assert states[-1][1] is MASTER
    assert states[-1][0] < 10 * NS_PER_S + 10_000_000
    assert lan.lost_pings(VIP, 2, since_s=5) == 0


def test_startup_delay_holds_everybody_back() -> None:
    """keepalived.conf(5) vrrp_startup_delay: the timers count from its end."""
    lan, a, _ = pair()
    a.config = type(a.config)(instances=a.config.instances, globals=Globals(startup_delay=5 * NS_PER_S))
    a.start()
    lan.run_to(8.6)
    assert a.state("VI_1") is not MASTER
    lan.run_to(8.62)
    assert a.state("VI_1") is MASTER


def test_five_routers_the_best_living_one_always_serves() -> None:
    """P7: they die from the best to the worst, each takes over within its own master-down interval."""
    lan = Lan()
    hosts = [host(lan, name, number, instance(priority=50 * number)) for number, name in enumerate("abcde", 1)]
    for one in hosts:
        one.start()
    lan.run_to(10)
    for one in reversed(hosts[1:]):
        assert lan.owners.holders(VIP) == (one.name,)
        died = lan.now
        one.power_cut()
        lan.run(10)
        assert lan.outage(VIP, since_s=died / NS_PER_S) <= 3.99
    assert lan.owners.holders(VIP) == ("a",)


def two_ports() -> tuple[Lan, tuple[object, ...]]:
    lan = Lan()
    made = []
    for name, number, priority in (("a", 1, 100), ("b", 2, 50)):
        made.append(
            host(
                lan,
                name,
                number,
                instance("VI_1", priority, sync_group="G"),
                instance("VI_2", priority, sync_group="G", interface="eth1", vrid=51, address="10.0.1.50/24"),
                ports=2,
                groups=(group("G", "VI_1", "VI_2"),),
            )
        )
    return lan, tuple(made)


def test_sync_group_moves_together_when_one_side_loses_its_link() -> None:
    """keepalived.conf(5) vrrp_sync_group: a fault of one member is a fault of all; the peer takes both."""
    lan, _hosts = two_ports()
    a, b = lan.hosts["a"], lan.hosts["b"]
    a.start()
    b.start()
    lan.run_to(10)
    assert lan.owners.holders(VIP) == ("a",)
    assert lan.owners.holders("10.0.1.50") == ("a",)
    a.link_down("eth1")
    lan.run_to(20)
    assert (a.state("VI_1"), a.state("VI_2")) == (FAULT, FAULT)
    assert (b.state("VI_1"), b.state("VI_2")) == (MASTER, MASTER)
    assert lan.owners.holders(VIP) == ("b",)
    a.link_up("eth1")
    lan.run_to(30)
    assert (a.state("VI_1"), a.state("VI_2")) == (MASTER, MASTER)
    assert (b.state("VI_1"), b.state("VI_2")) == (BACKUP, BACKUP)


def test_sync_group_hands_over_together_without_a_lost_ping() -> None:
    """An operator moves one member: all go."""
    lan, _hosts = two_ports()
    a, b = lan.hosts["a"], lan.hosts["b"]
    a.start()
    b.start()
    lan.run_to(10)
    request = a.failover("VI_1")
    lan.run_to(20)
    assert a.replies[request].outcome is m.Outcome.DONE
    assert lan.owners.holders(VIP) == ("b",)
    assert lan.owners.holders("10.0.1.50") == ("b",)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0
    assert lan.lost_pings("10.0.1.50", 2, since_s=10) == 0


def test_sync_group_stops_without_a_lost_ping() -> None:
    """SIGTERM hands both addresses over."""
    lan, _hosts = two_ports()
    a, b = lan.hosts["a"], lan.hosts["b"]
    a.start()
    b.start()
    lan.run_to(10)
    a.stop()
    lan.run_to(20)
    assert not a.running
    assert lan.owners.holders(VIP) == ("b",)
    assert lan.owners.holders("10.0.1.50") == ("b",)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0
    assert lan.lost_pings("10.0.1.50", 2, since_s=10) == 0
