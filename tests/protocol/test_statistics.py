"""Every figure that RFC 6527 and RFC 8347 want to be read from a router, where hatui shows it."""

from __future__ import annotations

from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Vmac
from tests.protocol.test_property_receive import conf, packet
from tests.scenarios.build import config, instance
from tests.scenarios.rig import Rig, of

S = NS_PER_S
MASTER, BACKUP = m.State.MASTER, m.State.BACKUP
NONE = m.HostCounters()


def moved(rig: Rig, datagram: m.DatagramReceived) -> dict[str, int]:
    """The host's counters that one datagram moved."""
    before = rig.router.refused
    rig.give(datagram)
    after = rig.router.refused
    names = ("vrid_err", "vers_err", "chk_err", "ip_ttl_err", "packet_len_err")
    return {name: count for name in names if (count := getattr(after, name) - getattr(before, name))}


@pytest.mark.parametrize(
    ("name", "kind", "fields", "counter", "verdict"),
    [
        ("MB-01", "v3", {"checksum": 0x1234}, "chk_err", "checksum"),
        ("MB-02", "v3", {"version": 2}, "vers_err", "version"),
        ("MB-03", "v3", {"vrid": 51}, "vrid_err", "vrid"),
        ("MB-03 over IPv6", "v6", {"vrid": 51}, "vrid_err", "vrid"),
        ("MB-09 for the host, as RFC 8347 wants it", "v2", {"ttl": 64}, "ip_ttl_err", "ttl"),
    ],
)
def test_refusals_of_the_host_are_counted_apart_from_any_router(
    name: str, kind: str, fields: dict[str, Any], counter: str, verdict: str
) -> None:
    """MB-10: the last one is named."""
    rig = Rig(conf(kind))
    assert rig.router.refused.last_fault == ""
    assert moved(rig, packet(kind, **fields)) == {counter: 1}, name
    assert rig.router.refused.last_fault == verdict


def test_packet_without_a_vrid_counts_for_the_host() -> None:
    """MB-15: too short to say whose it is; one that is short behind its header counts for its router."""
    rig = Rig(conf("v3"))
    good = packet("v3")
    assert moved(rig, m.DatagramReceived("eth0", 4, good.data[:25])) == {"packet_len_err": 1}
    assert moved(rig, m.DatagramReceived("eth0", 4, b"")) == {"packet_len_err": 1}
    assert moved(rig, packet("v3", count=3)) == {}
    assert rig.status().counters.packet_len_err == 1


def test_good_adverts_and_those_of_other_protocols_move_no_counter_of_the_host() -> None:
    """MB-01/02/03."""
    rig = Rig(conf("v3"))
    assert moved(rig, packet("v3")) == {}
    other = bytearray(packet("v3").data)
    other[9] = 111
    assert moved(rig, m.DatagramReceived("eth0", 4, bytes(other))) == {}
    assert rig.router.refused.last_fault == ""


def test_counters_say_since_when_they_count_and_outlive_a_reload() -> None:
    """MB-04, MB-16: a process that starts anew counts anew, and says so."""
    rig = Rig(conf("v3"), start=7 * S)
    rig.give(packet("v3", checksum=1))
    assert (rig.router.refused.since, rig.status().counting_since) == (7 * S, 7 * S)
    rig.pass_time(S)
    rig.give(m.Configure(config=conf("v3", priority=120)))
    assert (rig.router.refused.since, rig.status().counting_since) == (7 * S, 7 * S)
    assert (rig.router.refused.chk_err, rig.status().counters.chk_err) == (1, 1)
    both = config(instance(version=3), instance("VI_2", vrid=77, version=3, address="10.0.0.77/24"))
    rig.give(m.Configure(config=both))
    assert rig.status("VI_2").counting_since == 8 * S


def test_transitions_adverts_and_farewells_are_counted() -> None:
    """MB-05, MB-07, MB-11, MB-12, YG-01."""
    rig = Rig(conf("v3"))
    rig.give(packet("v3", priority=0))
    rig.become_master()
    rig.pass_time(2 * S)
    rig.give(packet("v3"))
    rig.become_master()
    rig.give(m.StopRouter())
    counted = rig.status().counters
    assert (counted.become_master, counted.release_master) == (2, 1)
    assert (counted.advert_rcvd, counted.pri_zero_rcvd, counted.pri_zero_sent) == (2, 1, 1)
    assert counted.advert_sent == rig.adverts


def test_each_error_of_a_router_has_its_counter() -> None:
    """MB-08, MB-09, MB-13, MB-14, MB-15."""
    rig = Rig(conf("v3"))
    for fields in ({"interval": 300}, {"ttl": 1}, {"kind": 9}, {"addresses": ("10.0.0.51",)}, {"count": 2}):
        rig.give(packet("v3", **fields))
    counted = rig.status().counters
    errors = ("advert_interval_err", "ip_ttl_err", "invalid_type_rcvd", "addr_list_err", "packet_len_err")
    assert [getattr(counted, name) for name in errors] == [1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("before", "cause"),
    [
        ("priority 0", m.Cause.MASTER_RESIGNED),
        ("a worse master", m.Cause.WE_PREEMPTED),
        ("silence", m.Cause.MASTER_NO_RESPONSE),
    ],
)
def test_new_master_has_one_of_the_three_reasons_and_says_it(before: str, cause: m.Cause) -> None:
    """MB-06 priority, preempted, masterNoResponse; MB-20, YG-03: the event carries it."""
    rig = Rig(conf("v3"))
    rig.give(packet("v3"))
    if before == "priority 0":
        rig.give(packet("v3", priority=0))
    for _ in range(6):
        rig.pass_time(S)
        if before == "a worse master" and rig.status().state is BACKUP:
            rig.give(packet("v3", priority=50))
    (event,) = [one for one in rig.outputs if isinstance(one, m.StateChanged) and one.new is MASTER]
    assert (event.cause, rig.status().last_cause) == (cause, cause)
    assert rig.status().master == rig.status().source == "10.0.0.1"


def test_row_of_a_router_is_in_its_status() -> None:
    """MB-18, MB-19, YG-02, YG-05: who is master, our address, virtual MAC, priority, count, intervals, modes, since."""
    rig = Rig(conf("v3", vmac=Vmac()))
    rig.give(packet("v3"))
    row = rig.status()
    assert (row.interface, row.vrid, row.family) == ("eth0", 50, 4)
    assert (row.master, row.source, row.vmac) == ("10.0.0.9", "10.0.0.1", "00:00:5e:00:01:32")
    assert (row.priority, row.base_priority, len(row.addresses)) == (100, 100, len(rig.config.instances[0].addresses))
    assert (row.advert_interval, row.skew, row.master_down_interval) == (S, 609_375_000, 3_609_375_000)
    assert (row.preempt, row.accept, row.since) == (True, True, rig.now)
    assert [m.State.INIT.number, BACKUP.number, MASTER.number] == [0, 1, 2]
    assert len(rig.all_status()) == len(rig.config.instances)


@pytest.mark.parametrize(
    ("name", "kind", "fields", "word"),
    [
        ("MB-21 V3-7.1-13 V2-7.1-09 TTL", "v2", {"ttl": 3}, "TTL 3"),
        ("MB-21 V3-7.1-13 version", "v3", {"version": 2}, "version 2"),
        ("MB-21 V3-7.1-13 checksum", "v3", {"checksum": 1}, "checksum"),
        ("V2-7.1-15 interval of v2", "v2", {"interval": 7}, "7.000 s"),
        ("YG-04 length", "v3", {"count": 2}, "octets"),
    ],
)
def test_refusal_is_told_to_whoever_listens(name: str, kind: str, fields: dict[str, Any], word: str) -> None:
    """An event on the control socket is our notification."""
    came = Rig(conf(kind)).give(packet(kind, **fields))
    (event,) = [one for one in came if isinstance(one, m.AdvertRejected)]
    assert word in event.detail, name
    assert (event.instance, event.source) == ("VI_1", "10.0.0.9")


@pytest.mark.parametrize(
    ("name", "fields", "word"),
    [
        ("V3-7.1-17 YG-04 interval", {"interval": 300}, "interval 3.000 s, ours is 1.000 s"),
        ("V3-7.1-17 YG-04 list", {"addresses": ("10.0.0.51",)}, "address list differs"),
    ],
)
def test_difference_that_is_kept_is_told_as_well(name: str, fields: dict[str, Any], word: str) -> None:
    """Once, until things change."""
    rig = Rig(conf("v3"))
    for _ in range(5):
        rig.give(packet("v3", **fields))
    told = [one.text for one in of(m.LogLine, rig.outputs) if isinstance(one, m.LogLine) and word in one.text]
    assert len(told) == 1, name
