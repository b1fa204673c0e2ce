"""What may go wrong on one host: a stalled loop, a dead process, a foreign hand, a lost link, a failing script."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from tests.scenarios.build import VIP, config, instance, pair, script, settled
from tests.scenarios.octets import advert
from tests.scenarios.story import tells

MASTER, BACKUP, FAULT = m.State.MASTER, m.State.BACKUP, m.State.FAULT


def test_stall_of_the_master_below_master_down_moves_nothing_and_is_remembered() -> None:
    """Stopped for 2.5 s: nobody takes over; the near miss is said."""
    lan, a, _b = settled()
    a.stall()
    lan.run_to(12.5)
    a.resume()
    lan.run_to(20)
    tells(lan, "10.000  a    stalls\n 12.500  a    resumes", since_s=10)
    assert a.happened(m.NearMiss)
    assert a.state("VI_1") is MASTER


def test_stall_of_the_master_above_master_down_ends_in_yielding_at_once_with_the_cause() -> None:
    """Two masters from the moment of the takeover to the moment of waking, and no longer."""
    lan, a, b = settled(50, 49)
    a.stall()
    lan.run_to(20)
    assert b.state("VI_1") is MASTER
    a.resume()
    lan.run_to(20.001)
    changed = [event for event in a.happened(m.StateChanged) if isinstance(event, m.StateChanged)]
    assert changed[-1].new is MASTER or changed[-1].cause is m.Cause.ENGINE_STALL
    lan.run_to(22)
    assert len(lan.masters.holders(("lan", 4, 50))) == 1


def test_stalled_better_master_wakes_and_stays_master_without_harm() -> None:
    """a (100) wakes while b (50) serves: whichever way it goes, one master, no outage."""
    lan, a, _b = settled()
    a.stall()
    lan.run_to(20)
    a.resume()
    lan.run_to(30)
    assert lan.masters.holders(("lan", 4, 50)) == ("a",)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_stalled_backup_reads_its_socket_before_it_looks_at_its_timer() -> None:
    """A backup that slept through its deadline finds the adverts in its socket and stays backup."""
    lan, _a, b = settled()
    b.stall()
    lan.run_to(20)
    b.resume()
    lan.run_to(25)
    tells(lan, "10.000  b    stalls\n 20.000  b    resumes", since_s=10)


def test_killed_engine_leaves_its_address_and_the_backup_takes_over() -> None:
    """Both hold it then; the client follows the announcement."""
    lan, a, _b = settled()
    a.kill()
    lan.run_to(20)
    assert lan.owners.holders(VIP) == ("a", "b")
    a.start()
    lan.run_to(21)
    assert lan.owners.holders(VIP) == ("b",), "a leftover is removed at the start"
    lan.run_to(30)
    assert lan.owners.holders(VIP) == ("a",)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_respawned_vrrp_process_keeps_the_address_and_nobody_notices() -> None:
    """Adverts resume before the peer's master-down."""
    lan, a, b = settled()
    a.respawn()
    lan.run_to(20)
    assert a.state("VI_1") is MASTER
    assert b.state("VI_1") is BACKUP
    assert lan.lost_pings(VIP, 2, since_s=10) == 0
    assert not [event for at, event in b.events if isinstance(event, m.StateChanged) and at > 10 * NS_PER_S]


def test_respawned_backup_stays_backup() -> None:
    """It starts anew with what is remembered."""
    lan, a, b = settled()
    b.respawn()
    lan.run_to(20)
    assert (a.state("VI_1"), b.state("VI_1")) == (MASTER, BACKUP)


def test_address_removed_by_somebody_else_is_put_back() -> None:
    """The kernel guard: restored at once, announced again, said."""
    lan, a, _b = settled()
    a.remove_address(VIP)
    lan.run_to(20)
    assert a.happened(m.AddressLost)
    assert len(lan.owners.holders(VIP)) == 1
    assert lan.outage(VIP, since_s=10) < 1.0


def test_link_of_the_master_goes_and_returns() -> None:
    """KA-13: FAULT, the peer after master-down, then the way back through BACKUP."""
    lan, a, _b = settled()
    a.link_down("eth0")
    lan.run_to(20)
    a.link_up("eth0")
    lan.run_to(30)
    tells(
        lan,
        """
          10.000  a    eth0 link down
          10.000  a    VI_1 MASTER -> FAULT (interface-down)
          13.414  b    VI_1 BACKUP -> MASTER (master-no-response)
          20.000  a    eth0 link up
          20.000  a    VI_1 FAULT -> BACKUP (fault-cleared)
          23.609  a    VI_1 BACKUP -> MASTER (we-preempted)
          23.609  b    VI_1 MASTER -> BACKUP (peer-higher)
        """,
        since_s=10,
    )


def test_failing_script_with_weight_moves_the_address_and_success_brings_it_back() -> None:
    """The tracked remedy: weight -60 against a gap of 50."""
    lan, a, b = settled(100, 50, scripts=(("nginx", -60),))
    a.script("nginx", 0)
    b.script("nginx", 0)
    a.script("nginx", 1)
    lan.run_to(20)
    a.script("nginx", 0)
    lan.run_to(30)
    tells(
        lan,
        """
          10.000  a    script nginx exits 0
          10.000  b    script nginx exits 0
          10.000  a    script nginx exits 1
          10.000  a    VI_1 priority 100 -> 40
          13.414  b    VI_1 BACKUP -> MASTER (we-preempted)
          13.414  a    VI_1 MASTER -> BACKUP (priority-lowered)
          20.000  a    script nginx exits 0
          20.000  a    VI_1 priority 40 -> 100
          23.023  a    VI_1 BACKUP -> MASTER (we-preempted)
          23.023  b    VI_1 MASTER -> BACKUP (peer-higher)
        """,
        since_s=10,
    )
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_failing_script_without_weight_is_a_fault_with_farewell() -> None:
    """KA-13: priority 0, so that the peer needs only its skew."""
    lan, a, b = settled(100, 50, scripts=(("nginx", 0),))
    assert a.state("VI_1") is not MASTER, "held back until its first result"
    a.script("nginx", 0)
    b.script("nginx", 0)
    lan.run_to(20)
    assert a.state("VI_1") is MASTER
    a.script("nginx", 1)
    lan.run_to(30)
    assert a.state("VI_1") is FAULT
    assert b.state("VI_1") is MASTER
    assert lan.outage(VIP, since_s=20) <= 0.81


def test_rise_and_fall_count_results_in_a_row() -> None:
    """keepalived.conf(5) rise, fall: the first result decides at once, then three in a row."""
    _lan, a, _b = pair()
    a.config = config(instance(priority=100, scripts=(("s", -60),)), scripts=(script("s", rise=2, fall=3),))
    a.start()
    a.script("s", 0)
    seen = []
    for result in (1, 1, 0, 1, 1, 1, 0, 1, 0, 0):
        a.script("s", result)
        seen.append(a.status("VI_1").priority)
    assert seen == [100, 100, 100, 100, 100, 40, 40, 40, 40, 100]


def test_reload_with_equal_meaning_keeps_address_and_master() -> None:
    """SIGHUP: nothing moves; a new priority goes out at once."""
    lan, a, b = settled()
    a.reload(config(instance(name="renamed", priority=120)))
    lan.run_to(20)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0
    assert a.state("renamed") is MASTER
    assert b.status("VI_1").master_priority == 120


def test_reload_of_the_address_list_changes_only_the_difference() -> None:
    """V3-8.1.2-04, V3-7.2-01: the new one is added and announced, the old one taken away, the common one stays."""
    lan, a, _b = settled(address="10.0.0.50/24 10.0.0.51/24")
    lan.track(config(instance(address="10.0.0.52/24")))
    a.reload(config(instance(priority=100, address="10.0.0.50/24 10.0.0.52/24")))
    lan.run_to(11)
    assert lan.owners.holders("10.0.0.51") == ()
    assert lan.owners.holders("10.0.0.52") == ("a",)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0
    text = lan.text("announce", since_s=10)
    assert "announces 10.0.0.52" in text


def test_reload_that_removes_the_instance_gives_its_address_to_the_peer() -> None:
    """A removed master says farewell and keeps the address until the peer serves."""
    lan, a, b = settled()
    a.reload(config())
    lan.run_to(20)
    assert b.state("VI_1") is MASTER
    assert lan.owners.holders(VIP) == ("b",)
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_reload_during_a_hand_over_loses_nothing() -> None:
    """The configuration changes while a waits for its successor."""
    lan, a, _b = settled()
    a.failover("VI_1")
    lan.run_to(10.3)
    a.reload(config(instance(priority=110)))
    lan.run_to(30)
    assert len(lan.masters.holders(("lan", 4, 50))) == 1
    assert len(lan.owners.holders(VIP)) == 1
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


@pytest.mark.parametrize("victim", ["a", "b"])
def test_junk_starves_nobody(victim: str) -> None:
    """P15, KA-08, V3-7.1-11: bad packets every 50 ms for 20 s: no advert later, no takeover earlier or later."""
    lan, a, _b = settled()
    for number in range(400):
        bad = advert(priority=200, checksum=number, source="10.0.0.66")
        lan.after(number * 50_000_000, lan.inject, lan.hosts[victim], "eth0", bad)
    sent = a.sent
    lan.run_to(20)
    assert a.sent - sent == 10
    a.power_cut()
    lan.run_to(30)
    tells(
        lan,
        """
          20.000  a    power cut
          23.414  b    VI_1 BACKUP -> MASTER (master-no-response)
        """
        if victim == "a"
        else """
          20.000  a    power cut
          23.414  b    VI_1 BACKUP -> MASTER (rejected-adverts)
        """,
        since_s=19,
    )


def test_own_advert_looped_back_is_never_answered() -> None:
    """P10: a switch that reflects multicast makes no storm and no change."""
    lan, a, _b = settled()
    lan.reflect = True
    sent = a.sent
    lan.run_to(30)
    tells(lan, "", since_s=10)
    assert a.sent - sent == 20
    assert a.status("VI_1").counters.own_rcvd == 20


def test_refused_address_is_said() -> None:
    """The kernel refuses: the engine says so; the other host is not worse off."""
    lan, a, b = pair()
    a.refused.add(VIP)
    a.start()
    b.start()
    lan.run_to(20)
    assert a.happened(m.EffectRefused)
