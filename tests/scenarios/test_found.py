"""Corners that random histories and independent reading have found: each is a rule that is easy to break."""

from __future__ import annotations

from engine import messages as m
from engine.config.model import NS_PER_S, Authentication
from engine.simulation import Lan
from tests.scenarios.build import VIP, config, group, host, instance, pair, settled
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface

MASTER, BACKUP, FAULT = m.State.MASTER, m.State.BACKUP, m.State.FAULT
S = NS_PER_S


def test_better_router_that_yielded_after_a_stall_preempts_again() -> None:
    """V3-6.4.2-13, V2-6.4.2-08: having yielded to a lower priority once, its further adverts are ignored."""
    lan, a, _b = settled()
    a.stall()
    lan.run_to(20)
    a.resume()
    lan.run_to(24)
    assert a.state("VI_1") is MASTER


def test_group_on_one_interface_leaves_fault_when_its_link_returns() -> None:
    """Both members lose the same link; none may wait for the other for ever."""
    lan = Lan()
    a = host(
        lan,
        "a",
        1,
        instance("VI_1", sync_group="G"),
        instance("VI_2", sync_group="G", vrid=51, address="10.0.0.51/24"),
        groups=(group("G", "VI_1", "VI_2"),),
    )
    a.start()
    lan.run_to(10)
    a.link_down("eth0")
    lan.run_to(20)
    assert (a.state("VI_1"), a.state("VI_2")) == (FAULT, FAULT)
    a.link_up("eth0")
    lan.run_to(30)
    assert (a.state("VI_1"), a.state("VI_2")) == (MASTER, MASTER)


def test_stopped_backup_does_not_begin_anew_while_a_master_still_hands_over() -> None:
    """A script result, an interface change or the end of a hold during the stop restarts nothing; the engine ends."""
    lan = Lan()
    scripts = (("s", -10),)
    a = host(
        lan,
        "a",
        1,
        instance("VI_1", 100, scripts=scripts),
        instance("VI_2", 50, vrid=51, address="10.0.0.51/24", scripts=scripts),
    )
    b = host(
        lan,
        "b",
        2,
        instance("VI_1", 50),
        instance("VI_2", 100, vrid=51, address="10.0.0.51/24"),
    )
    a.start()
    b.start()
    lan.run_to(10)
    assert (a.state("VI_1"), a.state("VI_2")) == (MASTER, BACKUP)
    a.stop()
    lan.run_to(10.3)
    a.script("s", 1)
    a.add_address("eth0", "10.0.0.99/24")
    lan.run_to(20)
    assert not a.running


def test_undecided_instance_does_not_begin_during_a_stop() -> None:
    """Held back by a script without result, then the stop, then the result."""
    lan = Lan()
    a = host(
        lan,
        "a",
        1,
        instance("VI_1", 100),
        instance("VI_2", 50, vrid=51, address="10.0.0.51/24", scripts=(("s", 0),)),
    )
    a.start()
    lan.run_to(10)
    a.stop()
    lan.run_to(10.3)
    a.script("s", 0)
    lan.run_to(20)
    assert not a.running


def test_rejected_adverts_are_no_cause_when_good_ones_came_after_them() -> None:
    """The cause of a takeover is the silence of the master, not junk of long ago."""
    lan, a, b = settled()
    for number in range(5):
        lan.inject(b, "eth0", advert(checksum=number, source="10.0.0.66"))
    lan.run_to(15.5)
    a.power_cut()
    lan.run_to(25)
    change = [one for one in b.happened(m.StateChanged) if isinstance(one, m.StateChanged)][-1]
    assert change.cause is m.Cause.MASTER_NO_RESPONSE


def test_fault_during_a_hand_over_sends_no_second_farewell_within_an_interval() -> None:
    """Each priority 0 re-arms the peer's skew: the second one would delay it."""
    lan, a, b = settled(scripts=(("s", 0),))
    for one in (a, b):
        one.script("s", 0)
    lan.run_to(20)
    assert a.state("VI_1") is MASTER
    a.failover("VI_1")
    lan.run_to(20.5)
    a.script("s", 1)
    lan.run_to(20.9)
    assert a.state("VI_1") is FAULT
    assert b.state("VI_1") is MASTER, "0.805 s after the first priority 0"


def test_order_is_answered_when_a_reload_removes_the_instance() -> None:
    """Exactly one CommandFinished for a take-over, whatever comes between."""
    lan, _a, b = settled()
    request = b.failover("VI_1", "take-over")
    lan.run_to(10.1)
    b.reload(config())
    lan.run_to(20)
    assert request in b.replies


def test_failed_take_over_leaves_no_boost_behind() -> None:
    """UNDONE means put back: a fault within the verification ends the hold, too."""
    lan, a, b = settled(scripts=(("s", 0),))
    for one in (a, b):
        one.script("s", 0)
    lan.run_to(20)
    request = b.failover("VI_1", "take-over")
    lan.run_to(20.2)
    b.script("s", 1)
    lan.run_to(25)
    assert b.replies[request].outcome is m.Outcome.UNDONE
    assert b.status("VI_1").hold_kind == ""


def test_instance_without_addresses_lives() -> None:
    """KA-18: v2 without an address is warned of, not refused; it must not break the engine."""
    rig = Rig(config(instance(address="")))
    rig.pass_time(10 * S)
    assert rig.status().state is MASTER


def test_backup_that_becomes_owner_by_reload_takes_over_at_once() -> None:
    """V2-6.1-03: an owner waits for nobody; the table has "same, unless P became 255"."""
    lan, _a, b = settled()
    b.reload(config(instance(priority=255)))
    lan.run_to(10.1)
    assert b.state("VI_1") is MASTER


def test_source_address_replaced_while_master_is_used_from_then_on() -> None:
    """V3-7.2-04, V3-5.1.1.1-01: in adverts and in the tie-break."""
    rig = Rig(config(instance()))
    rig.become_master()
    rig.give(m.AddressChanged(interface="eth0", address="10.0.0.1", prefix=24, present=False))
    rig.give(m.AddressChanged(interface="eth0", address="10.0.0.7", prefix=24, present=True))
    rig.pass_time(10 * S)
    sent = [one for one in rig.outputs if isinstance(one, m.SendAdvert)][-1]
    assert sent.source == "10.0.0.7"
    assert sent.data[12:16] == bytes((10, 0, 0, 7))


def test_virtual_address_is_never_the_source() -> None:
    """V3-7.2-04, M22: not even when the kernel lists it first."""
    rig = Rig(config(instance()))
    state = interface()
    rig.give(
        m.InterfaceChanged(
            interface="eth0", ifindex=2, exists=True, up=True, addresses=("10.0.0.50/24", *state.addresses)
        )
    )
    rig.pass_time(10 * S)
    assert rig.status().source == "10.0.0.1"


def test_respawned_master_of_a_lower_priority_yields_to_a_better_one() -> None:
    """It continues as master, hears the better one, goes."""
    lan, a, b = pair(100, 50)
    b.start()
    lan.run_to(10)
    lan.partition({"a"}, {"b"})
    a.start()
    lan.run_to(20)
    b.respawn()
    lan.heal()
    lan.run_to(22)
    assert lan.owners.holders(VIP) == ("a",)


def test_client_follows_the_winner_when_two_rise_at_the_same_moment() -> None:
    """The loser needs longer to put its address in place than the winner, so its gratuitous ARP comes last, after
    the winner's answer to its advert; then it lets go. The winner has to announce once more, soon: not after 5 s."""
    lan, a, b = pair(100, 100)
    a.address_cost = 2_000_000
    b.address_cost = 300_000
    a.start()
    b.start()
    lan.run_to(12)
    assert lan.owners.holders(VIP) == ("b",)
    assert lan.outage(VIP, since_s=3.7) <= 1.0


def test_near_priorities_at_ten_milliseconds_do_not_leave_the_client_behind() -> None:
    """At 10 ms one step of priority is 39 microseconds of skew, less than an address needs to be in place."""
    lan = Lan()
    for number, (name, priority) in enumerate((("a", 200), ("b", 102), ("c", 100)), 1):
        one = host(lan, name, number, instance(priority=priority, version=3, advert_interval=10_000_000))
        one.address_cost = 300_000 * number
        one.start()
    lan.run_to(5)
    lan.hosts["a"].power_cut()
    lan.run_to(15)
    assert lan.owners.holders(VIP) == ("b",)
    assert lan.outage(VIP, since_s=5) <= 0.05


def test_two_masters_with_equal_ah_sequences_hear_each_other() -> None:
    """AU-AH-09: a replay is what is not above the last number *accepted*; what we sent ourselves is no measure.
    Otherwise two masters that count in step refuse each other for ever."""
    lan, a, b = settled(100, 100, authentication=Authentication(kind="ah", key=b"hatuikey"))
    assert (a.state("VI_1"), b.state("VI_1")) == (BACKUP, MASTER)
    assert lan.owners.holders(VIP) == ("b",)


def test_successor_that_dies_within_the_grace_costs_little_more_than_the_grace() -> None:
    """At 10 ms the grace is many intervals long: who says two adverts and dies is replaced by the old master."""
    lan, a, b = settled(version=3, advert_interval=10_000_000)
    request = a.failover("VI_1")
    while b.state("VI_1") is not MASTER:
        lan.run(0.001)
    lan.run(0.02)
    b.power_cut()
    lan.run_to(12)
    assert a.holds(VIP)
    assert lan.outage(VIP, since_s=10) <= 0.4
    assert request in a.replies


def test_reload_to_owner_ends_a_hold() -> None:
    """An owner is never held: its priority is 255, whatever an operator said before."""
    lan, a, _b = settled()
    a.failover("VI_1")
    lan.run_to(15)
    a.reload(config(instance(priority=255)))
    lan.run_to(20)
    assert a.status("VI_1").priority == 255
    assert a.state("VI_1") is MASTER


def test_flood_of_losing_adverts_is_no_amplifier() -> None:
    """P10: each may be answered by one advert, but gratuitous ARP and events do not multiply with forged senders."""
    rig = Rig(config(instance()))
    rig.become_master()
    before = len(rig.outputs)
    for number in range(2000):
        rig.give(advert(priority=50, source=f"10.9.{number // 250}.{number % 250 + 1}"))
        rig.pass_time(S // 10_000)
    came = rig.outputs[before:]
    assert sum(isinstance(one, m.SendAnnouncements) for one in came) <= 20
    assert sum(not isinstance(one, m.SendAdvert | m.SendAnnouncements | m.PacketJudged) for one in came) <= 50


def test_backup_remembers_a_bounded_number_of_forged_masters() -> None:
    """Thousands of senders of acceptable adverts fill no memory and no event queue."""
    rig = Rig(config(instance()))
    before = len(rig.outputs)
    for number in range(2000):
        rig.give(advert(priority=50 + number % 40, source=f"10.9.{number // 250}.{number % 250 + 1}"))
        rig.pass_time(S // 10_000)
    came = [one for one in rig.outputs[before:] if not isinstance(one, m.PacketJudged)]
    assert len(came) <= 100
