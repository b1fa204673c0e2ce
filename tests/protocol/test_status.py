"""Statuses: the present, whole, built when asked for; only what moved where asked so. And the counters."""

from __future__ import annotations

from engine import messages as m
from engine.config.model import NS_PER_S
from engine.protocol.tally import COUNTER_OF, NAMES, Tally
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import OWN4, Rig, interface

S = NS_PER_S


def names(rig: Rig) -> list[str]:
    return [type(one).__name__ for one in rig.router.statuses(changed_only=True)]


def test_whole_picture_of_a_backup() -> None:
    """MB-07 MB-11 MB-18 MB-19 YG-02"""
    rig = Rig(config(instance(scripts=(("s", 10),), sync_group="", preempt=False)))
    rig.give(m.ScriptFinished(name="s", exit_status=0))
    rig.pass_time(S)
    rig.give(advert(priority=200))
    status = rig.status()
    assert (status.name, status.interface, status.vrid, status.version, status.family) == ("VI_1", "eth0", 50, 2, 4)
    assert (status.base_priority, status.priority, status.preempt) == (100, 110, False)
    assert (status.master, status.master_priority, status.peer, status.peer_priority) == (
        "10.0.0.9",
        200,
        "10.0.0.9",
        200,
    )
    assert status.heard_at == rig.now
    assert status.deadline == rig.now + status.master_down_interval
    assert status.master_down_interval == 3 * S + status.skew == 3 * S + 146 * S // 256
    assert status.source == OWN4
    assert [(one.address, one.present, one.advertised) for one in status.addresses] == [("10.0.0.50", False, True)]
    assert status.counters == m.Counters(advert_rcvd=1)
    rig.give(advert(priority=0))
    assert rig.status().counters == m.Counters(advert_rcvd=2, pri_zero_rcvd=1)


def test_counters_of_a_masters_life() -> None:
    """MB-05 MB-12 YG-01"""
    rig = Rig(config(instance()))
    rig.become_master()
    rig.pass_time(2 * S)
    rig.give(advert(priority=200))
    counters = rig.status().counters
    assert (counters.advert_sent, counters.become_master, counters.release_master) == (3, 1, 1)
    rig.become_master()
    rig.give(interface(own=False))
    counters = rig.status().counters
    assert (counters.pri_zero_sent, counters.become_master, counters.release_master) == (1, 2, 2)
    assert rig.status().transitions == 5


def test_missed_adverts_count_up_with_time() -> None:
    rig = Rig(config(instance()))
    rig.give(advert(priority=200))
    for seconds, missed in ((0, 0), (1, 1), (2, 2), (3, 3)):
        rig.router.tick(rig.now + seconds * S)
        assert rig.status().missed == missed


def test_only_what_moved_is_told() -> None:
    rig = Rig(config(instance(), instance("VI_2", vrid=51, address="10.0.0.51/24", scripts=(("s", 1),))))
    assert sorted(names(rig)) == ["InstanceStatus", "InstanceStatus", "InterfaceStatus", "TrackerStatus"]
    assert names(rig) == []
    rig.give(advert(priority=200))
    (one,) = rig.router.statuses(changed_only=True)
    assert isinstance(one, m.InstanceStatus)
    assert one.name == "VI_1"
    rig.give(advert(priority=200))
    rig.pass_time(S)
    rig.give(advert(priority=200))
    assert names(rig) == ["InstanceStatus"], "an equal advert counts as a change"
    rig.give(m.ScriptFinished(name="s", exit_status=0))
    assert sorted(names(rig)) == ["InstanceStatus", "TrackerStatus"]
    rig.give(m.AddressChanged(interface="eth0", address="10.0.0.50", prefix=24, present=True))
    assert sorted(names(rig)) == ["InstanceStatus", "InterfaceStatus"]
    assert len(rig.router.statuses()) == 4
    assert names(rig) == []


def test_interfaces_that_nobody_uses_are_not_told() -> None:
    rig = Rig(config(instance()))
    rig.give(interface("lo"))
    assert [one.name for one in rig.router.statuses() if isinstance(one, m.InterfaceStatus)] == ["eth0"]


def test_authentication_and_unicast_are_named_without_secrets() -> None:
    from engine.config.model import Authentication

    rig = Rig(config(instance(authentication=Authentication(kind="pass", key=b"topsecrt"))))
    assert rig.status().authentication == "pass"
    assert "topsecrt" not in repr(rig.router.statuses())


def test_every_refusal_has_its_counter_or_is_left_out_on_purpose() -> None:
    """Section 11 M27"""
    uncounted = {
        m.Verdict.OK,
        m.Verdict.SENT,
        m.Verdict.UNSEEN,
        m.Verdict.NONE,
        m.Verdict.VRID,
        m.Verdict.NOT_RUNNING,
        m.Verdict.OWNER,
        m.Verdict.SOURCE,
        m.Verdict.AUTH_HMAC,
    }
    assert set(COUNTER_OF) == set(m.Verdict) - uncounted
    for verdict, name in COUNTER_OF.items():
        tally = Tally()
        tally.raise_for(verdict)
        raised = {one: getattr(tally.counters(), one) for one in NAMES}
        assert {one for one, count in raised.items() if count} == {name}
