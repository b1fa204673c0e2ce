"""The authentication header: whatever is wrong with it, nothing is believed and nothing moves."""

from __future__ import annotations

from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from tests.protocol.test_property_receive import RECEIVED, conf, judge
from tests.scenarios.octets import ah_packet, message
from tests.scenarios.rig import Rig, of

KEY = b"hatuikey"
V = m.Verdict
FAILED = {"auth_failure": 1}


def signed(sequence: int = 40, priority: int = 200, **more: Any) -> m.DatagramReceived:
    """A good one but for `more`."""
    return ah_packet(message(priority=priority, auth_type=2), KEY, sequence=sequence, **more)


def sent_sequence(rig: Rig) -> int:
    """The sequence number of the last advert that left."""
    last = of(m.SendAdvert, rig.outputs)[-1]
    assert isinstance(last, m.SendAdvert)
    return int.from_bytes(last.data[28:32], "big")


def test_good_one_is_accepted_and_our_own_is_what_a_second_hand_writes() -> None:
    """AU-AH-01, AU-AH-02, AU-AH-04, AU-AH-05."""
    rig = Rig(conf("ah"))
    assert judge(rig, signed()) == (V.OK, RECEIVED)
    rig.become_master()
    last = of(m.SendAdvert, rig.outputs)[-1]
    assert isinstance(last, m.SendAdvert)
    expected = ah_packet(message(priority=100, auth_type=2), KEY, source="10.0.0.1", sequence=41)
    assert last.data == expected.data


@pytest.mark.parametrize(
    ("what", "fields", "verdict", "moved"),
    [
        ("AU-AH-07 wrong ICV", {"icv": bytes(12)}, V.AUTH_DATA, FAILED),
        ("AU-AH-08 SPI is another", {"spi": 7}, V.AUTH_DATA, FAILED),
        ("AU-AH-11 next header is another", {"next_header": 17}, V.NONE, {}),
        ("V2-5.2.3-02 TTL", {"ttl": 254}, V.TTL, {"ip_ttl_err": 1}),
    ],
)
def test_wrong_header(what: str, fields: dict[str, Any], verdict: m.Verdict, moved: dict[str, int]) -> None:
    """P6: and the sequence is not moved: the same number is good afterwards."""
    rig = Rig(conf("ah"))
    before = rig.status().deadline
    assert judge(rig, signed(**fields)) == (verdict, moved)
    assert rig.status().deadline == before
    assert judge(rig, signed()) == (V.OK, RECEIVED)


def test_wrong_key_is_refused_and_does_not_move_the_sequence() -> None:
    """AU-AH-07."""
    rig = Rig(conf("ah"))
    other = ah_packet(message(priority=200, auth_type=2), b"wrongkey", sequence=1000)
    assert judge(rig, other) == (V.AUTH_DATA, FAILED)
    assert judge(rig, signed(40)) == (V.OK, RECEIVED)


def test_replay_is_refused_whoever_sent_it() -> None:
    """AU-AH-09: one number for all senders."""
    rig = Rig(conf("ah"))
    assert judge(rig, signed(40)) == (V.OK, RECEIVED)
    assert judge(rig, signed(40)) == (V.AUTH_DATA, FAILED)
    assert judge(rig, signed(39, source="10.0.0.8")) == (V.AUTH_DATA, FAILED)
    assert judge(rig, signed(41, source="10.0.0.8")) == (V.OK, RECEIVED)


def test_each_octet_counts() -> None:
    """AU-AH-05, AU-AH-07: one flipped bit anywhere but in TOS, flags and header checksum is noticed."""
    rig = Rig(conf("ah"))
    good = signed().data
    free = {1, 6, 7, 10, 11}
    for place in range(len(good)):
        broken = bytearray(good)
        broken[place] ^= 0x10
        verdict, _ = judge(rig, m.DatagramReceived(interface="eth0", family=4, data=bytes(broken)))
        if place in free:
            continue
        assert verdict is not V.OK, f"octet {place}"
    assert rig.status().counters.advert_rcvd <= len(free)


def test_losing_advert_lifts_the_sequence() -> None:
    """AU-AH-10: our answer is above it by two or more, so that it is accepted."""
    rig = Rig(conf("ah"))
    rig.become_master()
    rig.give(signed(500, priority=50))
    assert sent_sequence(rig) >= 502


def test_sequence_counts_by_one_and_follows_what_was_heard() -> None:
    """AU-AH-03: 1, 2, 3 on a silent link."""
    rig = Rig(conf("ah"))
    rig.become_master()
    numbers = [sent_sequence(rig)]
    for _ in range(2):
        rig.pass_time(NS_PER_S)
        numbers.append(sent_sequence(rig))
    assert numbers == [1, 2, 3]


def test_unexpected_header_is_refused() -> None:
    """AU-AH-06: AH at an instance without."""
    rig = Rig(conf("v2"))
    assert judge(rig, signed()) == (V.AH, {"authtype_mismatch": 1})


@pytest.mark.parametrize("length", range(44))
def test_cut_header_is_refused(length: int) -> None:
    """AU-AH-06, P1: every prefix."""
    rig = Rig(conf("ah"))
    verdict, _ = judge(rig, m.DatagramReceived(interface="eth0", family=4, data=signed().data[:length]))
    assert verdict in (V.LENGTH, V.NONE)


def test_two_instances_on_one_interface_with_different_types() -> None:
    """V2-5.3.6-03: the type is the instance's own."""
    from engine.config.model import Authentication
    from tests.scenarios.build import config, instance
    from tests.scenarios.octets import advert

    rig = Rig(
        config(
            instance("VI_1", authentication=Authentication(kind="pass", key=b"1111\0\0\0\0")),
            instance("VI_2", vrid=51, address="10.0.0.51/24"),
        )
    )
    rig.give(advert(priority=200, auth_type=1, password=b"1111"))
    rig.give(advert(priority=200, vrid=51, addresses=("10.0.0.51",)))
    assert rig.status("VI_1").counters.advert_rcvd == 1
    assert rig.status("VI_2").counters.advert_rcvd == 1
