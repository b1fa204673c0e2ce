"""Two hosts, one address, VRRPv2 at one second: a (10.0.0.1, priority 100) and b (10.0.0.2, priority 50).

The times are the book's: master-down of 100 is 3.609375 s, of 50 3.804687 s; skew of 50 is 0.804687 s.
"""

from __future__ import annotations

from engine import messages as m
from tests.scenarios.build import VIP, pair, settled
from tests.scenarios.story import tells


def test_better_router_becomes_master_one_master_down_interval_after_both_start() -> None:
    """V2-6.4.1-02, V2-6.4.2-05, V2-6.1-02, KA-05, P7: the word MASTER in the file gives no head start."""
    lan, a, b = pair(initial_state="MASTER")
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
        """,
    )
    assert lan.owners.spans(VIP, 0, lan.now)[-1].hosts == ("a",)
    assert lan.outage(VIP, since_s=3.7) == 0


def test_backup_takes_over_within_3_81_seconds_of_a_power_cut() -> None:
    """V2-6.1-01, V2-6.4.2-05: never later than master-down after the last advert."""
    lan, a, _b = settled()
    a.power_cut()
    lan.run_to(20)
    tells(
        lan,
        """
          10.000  a    power cut
          13.414  b    VI_1 BACKUP -> MASTER (master-no-response)
        """,
        since_s=10,
    )
    assert lan.outage(VIP, since_s=10) <= 3.81


def test_returning_router_takes_its_address_back() -> None:
    """V2-6.4.2-08, V2-6.4.3-08, V2-6.1-03, KA-07: adverts of the lower priority do not delay it."""
    lan, a, _b = settled()
    a.power_cut()
    lan.run_to(20)
    a.power_on()
    lan.run_to(30)
    tells(
        lan,
        """
          20.000  a    power on
          20.000  a    VI_1 INIT -> BACKUP (startup)
          23.609  a    VI_1 BACKUP -> MASTER (we-preempted)
          23.609  b    VI_1 MASTER -> BACKUP (peer-higher)
        """,
        since_s=20,
    )
    assert lan.outage(VIP, since_s=20) == 0, "make before break: b leaves only when a is there"


def test_stopping_master_hands_over_without_a_lost_ping() -> None:
    """V2-6.4.3-05, V2-6.4.2-06, KA-04, P9: priority 0, then silence with the addresses kept, then gone."""
    lan, a, _b = settled()
    a.stop()
    lan.run_to(20)
    tells(
        lan,
        """
          10.000  a    stop
          10.000  a    VI_1 hands over
          10.804  b    VI_1 BACKUP -> MASTER (master-resigned)
          11.056  a    VI_1 handed over to 10.0.0.2 in 0.804 s, addresses removed
          11.056  a    VI_1 MASTER -> INIT (shutdown)
          11.056  a    engine ends
        """,
        since_s=10,
    )
    assert lan.lost_pings(VIP, 2, since_s=10) == 0
    assert lan.owners.holders(VIP) == ("b",)
    doubled = lan.owners.doubled(VIP, 10 * 10**9, lan.now)
    assert sum(span.length for span in doubled) < 300_000_000, "both hold it while the successor announces"


def test_stopping_master_with_nobody_there_goes_when_the_longest_skew_has_passed() -> None:
    """V2-6.4.3-05: 1 s and 250 ms, then it removes the addresses and ends."""
    lan, a, _ = pair()
    a.start()
    lan.run_to(10)
    a.stop()
    lan.run_to(20)
    tells(
        lan,
        """
          10.000  a    stop
          10.000  a    VI_1 hands over
          11.250  a    VI_1 hand-over found nobody in 1.250 s, addresses removed
          11.250  a    VI_1 MASTER -> INIT (shutdown)
          11.250  a    engine ends
        """,
        since_s=10,
    )
    assert lan.owners.holders(VIP) == ()


def test_operator_moves_the_address_without_a_lost_ping_and_releases_it() -> None:
    """The failover holds a at priority 1; the release lets it take its address back."""
    lan, a, _b = settled()
    request = a.failover("VI_1")
    lan.run_to(20)
    assert a.replies[request].outcome is m.Outcome.DONE
    assert a.status("VI_1").priority == 1
    a.release("VI_1")
    lan.run_to(30)
    tells(
        lan,
        """
          10.000  a    command 1: failover VI_1 step-down
          10.000  a    VI_1 hands over
          10.804  b    VI_1 BACKUP -> MASTER (master-resigned)
          11.056  a    VI_1 handed over to 10.0.0.2 in 0.804 s, addresses removed
          11.056  a    VI_1 MASTER -> BACKUP (operator)
          11.056  a    VI_1 hold step-down
          11.056  a    VI_1 priority 100 -> 1
          11.056  a    command 1: done
          20.000  a    command 2: release VI_1
          20.000  a    VI_1 hold ended
          20.000  a    VI_1 priority 1 -> 100
          20.000  a    command 2: done
          23.414  a    VI_1 BACKUP -> MASTER (we-preempted)
          23.414  b    VI_1 MASTER -> BACKUP (peer-higher)
        """,
        since_s=10,
    )
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_failover_with_nobody_there_is_undone_and_the_address_never_leaves() -> None:
    """The operator is told; adverts go on."""
    lan, a, _ = pair()
    a.start()
    lan.run_to(10)
    request = a.failover("VI_1")
    lan.run_to(20)
    assert (a.replies[request].outcome, a.replies[request].code) == (m.Outcome.UNDONE, "E-NO-SUCCESSOR")
    tells(
        lan,
        """
          10.000  a    command 1: failover VI_1 step-down
          10.000  a    VI_1 hands over
          11.250  a    VI_1 hand-over found nobody in 1.250 s
          11.250  a    command 1: undone E-NO-SUCCESSOR
        """,
        since_s=10,
    )
    assert lan.outage(VIP, since_s=10) == 0
    assert a.status("VI_1").priority == 100
    assert a.state("VI_1") is m.State.MASTER


def test_backup_takes_the_address_over_on_command() -> None:
    """take-over: priority 254 at once, until released."""
    lan, a, b = settled()
    b.failover("VI_1", "take-over")
    lan.run_to(20)
    assert b.state("VI_1") is m.State.MASTER
    assert a.state("VI_1") is m.State.BACKUP
    assert b.status("VI_1").priority == 254
    b.release("VI_1")
    lan.run_to(30)
    assert a.state("VI_1") is m.State.MASTER
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_hold_ends_by_itself_when_its_time_has_passed() -> None:
    """A hold of 5 s counts from the moment it begins."""
    lan, a, b = settled()
    a.failover("VI_1", hold_s=5)
    lan.run_to(15)
    assert a.state("VI_1") is m.State.BACKUP
    lan.run_to(20)
    assert a.state("VI_1") is m.State.MASTER
    assert b.state("VI_1") is m.State.BACKUP
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_held_router_serves_when_it_is_alone() -> None:
    """Never unowned: a hold is a handicap, not a prohibition."""
    lan, a, b = settled()
    a.failover("VI_1")
    lan.run_to(20)
    b.power_cut()
    lan.run_to(30)
    assert a.state("VI_1") is m.State.MASTER
    assert a.status("VI_1").priority == 1


def test_partition_gives_two_masters_and_its_end_one() -> None:
    """V2-6.4.3-08, V2-6.4.3-09: the better one answers, the other yields."""
    lan, _a, _b = settled()
    lan.partition({"a", "client"}, {"b"})
    lan.run_to(20)
    assert lan.owners.holders(VIP) == ("a", "b")
    lan.heal()
    lan.run_to(30)
    tells(
        lan,
        """
          10.000  -    partition a client | b
          13.414  b    VI_1 BACKUP -> MASTER (master-no-response)
          20.000  -    the network is whole
          20.414  b    VI_1 MASTER -> BACKUP (peer-higher)
        """,
        since_s=10,
    )
    assert lan.lost_pings(VIP, 2, since_s=10) == 0


def test_backup_that_hears_nothing_is_put_right_when_it_hears_again() -> None:
    """A one-way link: b hears nothing of a, a hears b and answers, in vain."""
    lan, a, b = settled()
    lan.cut("a", "b")
    lan.run_to(20)
    assert (a.state("VI_1"), b.state("VI_1")) == (m.State.MASTER, m.State.MASTER)
    lan.heal()
    lan.run_to(21.1)
    assert (a.state("VI_1"), b.state("VI_1")) == (m.State.MASTER, m.State.BACKUP)
