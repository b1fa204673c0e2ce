"""One cause for each transition, one sentence with the figures, and the inputs before it."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface, of

S = NS_PER_S


def last(rig: Rig) -> m.StateChanged:
    found = of(m.StateChanged, rig.outputs)[-1]
    assert isinstance(found, m.StateChanged)
    return found


def hear(rig: Rig, priority: int, seconds: int = 1, **more: object) -> None:
    for _ in range(seconds):
        rig.pass_time(S)
        rig.give(advert(priority=priority, **more))


def test_silence_of_the_master_names_it_with_the_rule() -> None:
    rig = Rig(config(instance()))
    hear(rig, 200, 3)
    rig.pass_time(4 * S)
    change = last(rig)
    assert change.cause is m.Cause.MASTER_NO_RESPONSE
    assert change.detail == "10.0.0.9 (priority 200) was silent for 3 x 1.000 s + skew 0.609 s = 3.609 s"
    story = [(one.kind, one.text) for one in change.evidence][-6:]
    assert story == [
        ("advert", "10.0.0.9 priority 200"),
        ("advert", "10.0.0.9 priority 200, the last heard"),
        ("missed", "advert 1 of 3 missed"),
        ("missed", "advert 2 of 3 missed"),
        ("missed", "advert 3 of 3 missed"),
        ("timer", "down timer ends: 3 x 1.000 s + skew 0.609 s = 3.609 s; fired 0.000 s late"),
    ]
    assert (change.peer, change.late) == ("10.0.0.9", 0)
    times = [one.at for one in change.evidence]
    assert times == sorted(times)
    assert times[-6:-1] == [times[-6] + number * S for number in range(5)]


def test_nobody_at_the_start() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    assert last(rig).cause is m.Cause.STARTUP
    assert last(rig).detail == "no master was heard since the start, for 3 x 1.000 s + skew 0.609 s = 3.609 s"


def test_resignation() -> None:
    rig = Rig(config(instance()))
    hear(rig, 200)
    rig.give(advert(priority=0))
    rig.pass_time(S)
    assert last(rig).cause is m.Cause.MASTER_RESIGNED
    assert last(rig).detail == "10.0.0.9 sent priority 0; the skew of 0.609 s has passed, our priority is 100"


def test_preemption() -> None:
    rig = Rig(config(instance()))
    hear(rig, 50, 5)
    assert last(rig).cause is m.Cause.WE_PREEMPTED
    assert "10.0.0.9 advertises priority 50, our priority is 100" in last(rig).detail


def test_refused_adverts_of_a_living_master() -> None:
    rig = Rig(config(instance()))
    hear(rig, 200)
    hear(rig, 200, 4, auth_type=1, password=b"1111")
    assert last(rig).cause is m.Cause.REJECTED_ADVERTS
    assert "3 adverts were refused, the last from 10.0.0.9 (auth-type)" in last(rig).detail
    assert any(one.kind == "rejected" for one in last(rig).evidence)


@pytest.mark.parametrize(
    ("priority", "source", "cause", "words"),
    [
        (200, "10.0.0.9", m.Cause.PEER_HIGHER, "10.0.0.9 advertises priority 200, ours is 100"),
        (100, "10.0.0.9", m.Cause.PEER_EQUAL_HIGHER_ADDRESS, "its address is higher than 10.0.0.1"),
    ],
)
def test_yielding(priority: int, source: str, cause: m.Cause, words: str) -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    rig.give(advert(priority=priority, source=source))
    assert last(rig).cause is cause
    assert words in last(rig).detail


def test_own_fallen_priority_is_the_cause_when_it_was_enough_before() -> None:
    rig = Rig(config(instance(scripts=(("s", -60),))))
    rig.become_master()
    rig.give(m.ScriptFinished(name="s", exit_status=1))
    rig.give(advert(priority=90))
    change = last(rig)
    assert change.cause is m.Cause.PRIORITY_LOWERED
    assert change.detail == (
        "our priority fell from 100 to 40 (script s -60, exit status 1); 10.0.0.9 advertises priority 90"
    )
    assert [one.kind for one in change.evidence][-3:] == ["script", "priority", "advert"]


def test_interface_down_and_up() -> None:
    rig = Rig(config(instance()))
    rig.become_master()
    rig.give(interface(up=False))
    assert (last(rig).cause, last(rig).detail) == (m.Cause.INTERFACE_DOWN, "interface eth0 is down")
    assert not [one for one in rig.outputs[-4:] if isinstance(one, m.SendAdvert)], "nothing can leave"
    rig.give(interface())
    assert last(rig).cause is m.Cause.FAULT_CLEARED
    rig.become_master()
    assert last(rig).cause is m.Cause.MASTER_NO_RESPONSE
    assert "no master was heard" in last(rig).detail


def test_dont_track_primary_does_not_mind_the_link() -> None:
    rig = Rig(config(instance(track_primary=False)))
    rig.give(interface(up=False))
    assert rig.status().state is m.State.BACKUP
    rig.give(interface(exists=False))
    assert rig.status().state is m.State.FAULT, "its address is gone"


def test_device_of_a_virtual_address_is_tracked_unless_told_otherwise() -> None:
    address = instance(address="10.9.0.50/24").addresses[0]
    for track, state in ((True, m.State.FAULT), (False, m.State.BACKUP)):
        other = type(address)(address=address.address, prefix=24, interface="eth1", track=track)
        rig = Rig(config(instance(excluded_addresses=(other,))))
        assert rig.status().state is state


def test_unicast_without_a_peer_is_a_fault() -> None:
    rig = Rig(config(instance(unicast=True, unicast_fault_no_peer=True)))
    assert (last(rig).cause, rig.status().faults) == (m.Cause.CONFIG, ("unicast without a peer",))


def test_all_reasons_of_a_fault_are_said_and_each_must_go() -> None:
    rig = Rig(config(instance(scripts=(("a", 0), ("b", 0)))))
    for name in ("a", "b"):
        rig.give(m.ScriptFinished(name=name, exit_status=2))
    assert len(rig.status().faults) == 2
    rig.give(m.ScriptFinished(name="a", exit_status=0))
    assert (rig.status().state, len(rig.status().faults)) == (m.State.FAULT, 1)
    rig.give(m.ScriptFinished(name="b", exit_status=0))
    assert rig.status().state is m.State.BACKUP


def test_preempt_delay_honours_the_lower_master_until_it_ends() -> None:
    """KA-09 D12"""
    rig = Rig(config(instance(preempt_delay=5 * S)))
    began = rig.now
    for _ in range(40):
        rig.pass_time(S // 2)
        if rig.status().state is m.State.MASTER:
            break
        rig.give(advert(priority=50))
    assert last(rig).cause is m.Cause.WE_PREEMPTED
    taken = rig.status().since - began
    down = rig.status().master_down_interval
    assert 5 * S + down - S // 2 <= taken <= 5 * S + S // 2 + down


def test_preempt_delay_is_cancelled_by_a_good_advert() -> None:
    """KA-09"""
    rig = Rig(config(instance(preempt_delay=5 * S)))
    hear(rig, 50, 4)
    hear(rig, 100)
    hear(rig, 50, 6)
    assert rig.status().state is m.State.BACKUP
    hear(rig, 50, 6)
    assert rig.status().state is m.State.MASTER


def test_near_miss_tells_how_near() -> None:
    rig = Rig(config(instance()))
    hear(rig, 200, 2)
    rig.pass_time(3 * S)
    rig.give(advert(priority=200))
    (miss,) = of(m.NearMiss, rig.outputs)
    assert isinstance(miss, m.NearMiss)
    assert miss.text == "2 adverts of 10.0.0.9 missed; the next came 0.609 s before the take-over"
    assert rig.status().near_misses == 1
    hear(rig, 200, 3)
    assert rig.status().near_misses == 1


def test_same_priority_is_warned_of_once() -> None:
    """V3-8.3.2-04 V3-8.3.2-02"""
    rig = Rig(config(instance()))
    hear(rig, 100, 5)
    (line,) = of(m.LogLine, rig.outputs)
    assert isinstance(line, m.LogLine)
    assert "10.0.0.9 has the same priority 100" in line.text
    owner = Rig(config(instance(priority=255)))
    for _ in range(3):
        owner.pass_time(S)
        owner.give(advert(priority=255, source="9.0.0.9"))
    (line,) = of(m.LogLine, owner.outputs)
    assert isinstance(line, m.LogLine)
    assert "also says that it owns the address" in line.text


def test_worse_master_is_told_once_and_answered_each_time() -> None:
    """V3-6.4.3-13 KA-12 P10"""
    rig = Rig(config(instance()))
    rig.become_master()
    before = rig.adverts
    for _ in range(5):
        rig.give(advert(priority=50))
    assert rig.adverts - before == 5
    assert len(of(m.LowerPriorityHeard, rig.outputs)) == 1
    bursts = [one for one in of(m.SendAnnouncements, rig.outputs) if isinstance(one, m.SendAnnouncements)]
    assert [one.repeat for one in bursts] == [5, 5], "as a new master, and once for all five"
    rig.pass_time(S // 2)
    rig.give(advert(priority=50))
    bursts = [one for one in of(m.SendAnnouncements, rig.outputs) if isinstance(one, m.SendAnnouncements)]
    assert [one.repeat for one in bursts] == [5, 5, 1, 5], "one more when it has let go, and for the next advert"


def test_worse_master_is_left_unanswered_where_told_so() -> None:
    rig = Rig(config(instance(lower_prio_no_advert=True)))
    rig.become_master()
    before = rig.adverts
    rig.give(advert(priority=50))
    assert rig.adverts == before
    rig.pass_time(S)
    assert rig.adverts == before + 1


def test_change_of_master_is_told_with_its_priority() -> None:
    rig = Rig(config(instance()))
    hear(rig, 200, 3)
    hear(rig, 201, 2, source="10.0.0.8")
    told = [(one.master, one.priority) for one in of(m.MasterChanged, rig.outputs) if isinstance(one, m.MasterChanged)]
    assert told == [("10.0.0.9", 200), ("10.0.0.8", 201)]


def test_masters_that_take_turns_are_said_once_and_drive_nothing_out() -> None:
    rig = Rig(config(instance(scripts=(("s", 1),))))
    rig.give(m.ScriptFinished(name="s", exit_status=0))
    for _ in range(50):
        rig.pass_time(S // 10)
        rig.give(advert(priority=200, source="10.0.0.8", addresses=("10.0.0.51",)))
        rig.give(advert(priority=201, source="10.0.0.9", auth_type=1, password=b"1111"))
        rig.give(advert(priority=202, source="10.0.0.7"))
    assert len(of(m.MasterChanged, rig.outputs)) == 2
    assert len(of(m.AdvertRejected, rig.outputs)) <= 2
    assert len(of(m.LogLine, rig.outputs)) <= 2
    rig.pass_time(5 * S)
    assert any(one.kind == "script" for one in last(rig).evidence)


def test_different_interval_or_list_is_said_once_and_kept() -> None:
    """V3-7.1-13 V3-7.1-14 V3-7.1-15 V3-7.1-16 V3-7.1-17 V3O-7.1-03"""
    rig = Rig(config(instance(version=3)))
    for _ in range(3):
        rig.give(advert(version=3, priority=200, interval=300, addresses=("10.0.0.51",)))
    said = [one.text for one in of(m.LogLine, rig.outputs) if isinstance(one, m.LogLine)]
    assert len(said) == 2
    assert "interval 3.000 s, ours is 1.000 s" in said[0]
    assert "address list differs from ours: 10.0.0.51" in said[1]
    counters = rig.status().counters
    assert (counters.advert_interval_err, counters.addr_list_err, counters.advert_rcvd) == (3, 3, 3)


def test_first_ipv6_address_must_be_link_local_where_strict() -> None:
    """V3-7.1-10"""
    for strict, verdict in ((True, m.Verdict.ADDRESS_LIST), (False, m.Verdict.OK)):
        rig = Rig(config(instance(address="fe80::50/64", strict=strict)))
        outputs = rig.give(advert(family=6, version=3, priority=200, addresses=("2001:db8::1",), source="fe80::9"))
        (judged,) = of(m.PacketJudged, outputs)
        assert isinstance(judged, m.PacketJudged)
        assert judged.verdict is verdict


def test_unknown_vrid_is_said_once_where_asked_for() -> None:
    from engine.config.model import Globals

    for wanted, count in ((True, 1), (False, 0)):
        rig = Rig(config(instance(), globals=Globals(log_unknown_vrids=wanted)))
        for _ in range(3):
            rig.give(advert(vrid=9))
        assert len(of(m.AdvertRejected, rig.outputs)) == count


def test_start_up_delay_counts_for_backups_and_owners() -> None:
    from engine.config.model import Globals

    globals_ = Globals(startup_delay=7 * S)
    rig = Rig(config(instance(), globals=globals_))
    begin = rig.now
    assert (rig.status().timer, rig.status().deadline - begin) == ("startup-delay", 7 * S + 3_609_375_000)
    rig.pass_time(8 * S)
    rig.router.tick(rig.now)
    assert rig.status().timer == "master-down"
    rig.pass_time(3 * S)
    assert rig.status().state is m.State.MASTER
    owner = Rig(config(instance(priority=255), globals=globals_))
    owner.pass_time(7 * S - 1)
    assert owner.status().state is m.State.BACKUP
    owner.pass_time(1)
    assert owner.status().state is m.State.MASTER
