"""Authentication header and keyed trailer, as the Router sends and judges them."""

from __future__ import annotations

import ipaddress

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Authentication, AuthHmac, Config, HmacKey
from engine.protocol.packet import (
    Advert,
    ah_packet,
    digest_fits,
    encode,
    ipv4_header,
    newer,
    parse_trailer,
    pseudo_header,
    seal,
)
from engine.protocol.packet.checksum import internet_checksum, internet_sum
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import OWN4, Rig, of

S = NS_PER_S
KEY = b"hatuikey"
GROUP = ipaddress.ip_address("224.0.0.18").packed
VIP = ipaddress.ip_address("10.0.0.50").packed
PEER = "10.0.0.9"


def ah_config(**more: object) -> Config:
    return config(instance(authentication=Authentication(kind="ah", key=KEY), **more))


def ah_advert(
    priority: int, sequence: int, *, source: str = PEER, key: bytes = KEY, spi: str = ""
) -> m.DatagramReceived:
    packed = ipaddress.ip_address(source).packed
    message = encode(Advert(2, 50, priority, 100, (VIP,), 2), packed, GROUP)
    packet = ah_packet(message, packed, GROUP, key, sequence=sequence, identification=1)
    if spi:
        other = ah_packet(message, ipaddress.ip_address(spi).packed, GROUP, key, sequence=sequence, identification=1)
        from engine.protocol.packet import integrity_value

        ah = other[20:32] + integrity_value(packet[:20], other[20:44], message, key)
        packet = packet[:20] + ah + message
    return m.DatagramReceived(interface="eth0", family=4, data=packet)


def verdict(rig: Rig, datagram: m.DatagramReceived) -> m.Verdict:
    judged = of(m.PacketJudged, rig.give(datagram))[0]
    assert isinstance(judged, m.PacketJudged)
    return judged.verdict


def sequences(rig: Rig) -> list[int]:
    sent = [one for one in rig.outputs if isinstance(one, m.SendAdvert)]
    return [int.from_bytes(one.data[28:32], "big") for one in sent]


def test_ah_sequence_rises_by_one_and_goes_on_above_what_was_heard() -> None:
    """AU-AH-02 AU-AH-03"""
    rig = Rig(ah_config())
    rig.become_master()
    rig.pass_time(2 * S)
    assert sequences(rig) == [1, 2, 3]
    sent = next(one for one in rig.outputs if isinstance(one, m.SendAdvert))
    assert sent.data[24:28] == ipaddress.ip_address(OWN4).packed
    rig = Rig(ah_config())
    assert verdict(rig, ah_advert(200, 40)) is m.Verdict.OK
    rig.become_master()
    assert sequences(rig) == [41]


def test_ah_refusals_touch_neither_sequence_nor_timer() -> None:
    """AU-AH-06 AU-AH-07 AU-AH-08 AU-AH-09"""
    rig = Rig(ah_config())
    assert verdict(rig, ah_advert(200, 40)) is m.Verdict.OK
    deadline = rig.status().deadline
    rig.pass_time(S)
    for datagram in (
        ah_advert(200, 50, key=b"otherkey"),
        ah_advert(200, 51, spi="10.0.0.8"),
        ah_advert(200, 40),
        ah_advert(200, 39, source="10.0.0.8"),
    ):
        assert verdict(rig, datagram) is m.Verdict.AUTH_DATA
    assert verdict(rig, advert(priority=200)) is m.Verdict.AH
    assert rig.status().deadline == deadline
    assert rig.status().sequence == 40
    assert rig.status().counters.auth_failure == 4
    assert rig.status().counters.authtype_mismatch == 1
    assert verdict(rig, ah_advert(200, 41)) is m.Verdict.OK


def test_ah_at_an_instance_without_it_is_refused() -> None:
    """AU-AH-06"""
    rig = Rig(config(instance()))
    assert verdict(rig, ah_advert(200, 1)) is m.Verdict.AH
    assert rig.status().counters.authtype_mismatch == 1


def test_ah_losing_advert_is_answered_with_a_leap() -> None:
    """AU-AH-10"""
    rig = Rig(ah_config())
    rig.become_master()
    rig.give(ah_advert(50, 70))
    assert sequences(rig)[-1] >= 72


def test_ah_with_another_next_header_is_nobodys() -> None:
    """AU-AH-11"""
    rig = Rig(ah_config())
    good = ah_advert(200, 1).data
    datagram = m.DatagramReceived(interface="eth0", family=4, data=good[:20] + b"\x06" + good[21:])
    before = rig.status().counters
    assert verdict(rig, datagram) is m.Verdict.NONE
    assert rig.status().counters == before


def test_ah_goes_on_above_its_old_numbers_after_a_respawn() -> None:
    """AU-AH-09: or every peer would refuse the continued master."""
    for known, least in ((5000, 5001), (0, 10**6)):
        rig = Rig(config())
        last = m.LastKnown(interface="eth0", family=4, vrid=50, state=m.State.MASTER, since=1, sequence=known)
        fresh = m.Configure(config=ah_config(), resume=(last,))
        router = type(rig.router)()
        from tests.scenarios.rig import interface

        router.handle(interface(), 10**15)
        sent = [one for one in router.handle(fresh, 10**15) if isinstance(one, m.SendAdvert)]
        assert int.from_bytes(sent[0].data[28:32], "big") >= least


def test_authentication_is_the_instances_own() -> None:
    """V2-5.3.6-03: two instances on one interface, one with password, one without."""
    rig = Rig(
        config(
            instance("VI_1", authentication=Authentication(kind="pass", key=b"1111\0\0\0\0")),
            instance("VI_2", vrid=51, address="10.0.0.51/24"),
        )
    )
    rig.give(advert(priority=200, auth_type=1, password=b"1111"))
    rig.give(advert(priority=200, vrid=51, addresses=("10.0.0.51",)))
    assert {one.counters.advert_rcvd for one in rig.all_status().values()} == {1}


# --- auth_hmac

KEYS = (HmacKey(key_id=1, key=bytes(range(0x20, 0x40))), HmacKey(key_id=2, key=bytes(32)))
WALL = 1_700_000_000 * S


def hmac_config(mode: str = "enforce", *, family: int = 4, **more: object) -> Config:
    address = "10.0.0.50/24" if family == 4 else "fe80::50/64"
    auth = AuthHmac(keys=KEYS, active_key=1, mode=mode)
    return config(instance(version=3, address=address, auth_hmac=auth, **more))


def hmac_rig(mode: str = "enforce", **more: object) -> Rig:
    rig = Rig(hmac_config(mode, **more))
    rig.router.wall_offset = WALL - rig.now
    return rig


def mark(rig: Rig, seconds: float = 0.0, counter: int = 0) -> int:
    wall = rig.now + rig.router.wall_offset + int(seconds * S)
    return (wall // S & 0xFFFFFFFF) << 32 | (wall % S) * 65536 // S << 16 | counter


def signed(stamp: int, *, priority: int = 200, key: HmacKey = KEYS[0], source: str = PEER) -> bytes:
    packed = ipaddress.ip_address(source).packed
    message = encode(Advert(3, 50, priority, 100, (VIP,)), packed, GROUP)
    return message + seal(message, packed, key.key_id, key.key, stamp)


def packet(payload: bytes, source: str = PEER) -> m.DatagramReceived:
    header = ipv4_header(ipaddress.ip_address(source).packed, GROUP, len(payload))
    return m.DatagramReceived(interface="eth0", family=4, data=header + payload)


def test_published_layout_of_the_trailer() -> None:
    """KH-01 KH-02"""
    message = bytes.fromhex("31336401006405d4c0000201")
    trailer = bytes.fromhex("010100007000000040000000202683bdda773c516a5359e92b21b475")
    source = ipaddress.ip_address("192.0.2.2").packed
    assert digest_fits(message, source, trailer, KEYS[0].key)
    assert seal(message, source, 1, KEYS[0].key, parse_trailer(trailer).mark) == trailer
    assert not digest_fits(message, ipaddress.ip_address("192.0.2.3").packed, trailer, KEYS[0].key)


@pytest.mark.parametrize("family", [4, 6])
def test_what_we_sign_our_peers_can_check(family: int) -> None:
    """KH-01 KH-02 KH-03"""
    rig = hmac_rig(family=family)
    rig.become_master()
    rig.pass_time(S)
    marks = []
    for sent in (one for one in rig.outputs if isinstance(one, m.SendAdvert)):
        source = ipaddress.ip_address(sent.source).packed
        payload = sent.data[20:] if family == 4 else sent.data
        message, trailer = payload[:-28], payload[-28:]
        assert digest_fits(message, source, trailer, KEYS[0].key)
        marks.append(parse_trailer(trailer).mark)
        destination = ipaddress.ip_address(sent.destination).packed
        covered = message if family == 4 else payload
        assert internet_sum(pseudo_header(source, destination, len(covered)) + covered) == 0xFFFF
        if family == 4:
            assert int.from_bytes(sent.data[2:4], "big") == len(sent.data)
    assert len(marks) == 2
    assert newer(marks[1], marks[0])


def test_each_refusal_of_a_trailer_has_its_counter_in_order() -> None:
    """KH-04 KH-05"""
    rig = hmac_rig()
    good = signed(mark(rig))
    bare = good[:-28]
    malformed = bare + b"\x02" + good[-27:]
    unknown = signed(mark(rig), key=HmacKey(key_id=9, key=bytes(32)))
    old = signed(mark(rig, -60))
    forged = good[:-1] + bytes((good[-1] ^ 1,))
    deadline = rig.status().deadline
    for payload, counter in [
        (bare, "auth_ext_missing"),
        (malformed, "auth_ext_malformed"),
        (unknown, "auth_ext_unknown_key"),
        (old, "auth_ext_stale"),
        (forged, "auth_ext_invalid_hmac"),
    ]:
        assert verdict(rig, packet(payload)) is m.Verdict.AUTH_HMAC, counter
        assert getattr(rig.status().counters, counter) == 1, counter
    assert verdict(rig, packet(good[:-1])) is m.Verdict.LENGTH
    assert rig.status().deadline == deadline
    assert verdict(rig, packet(good)) is m.Verdict.OK
    assert verdict(rig, packet(good)) is m.Verdict.AUTH_HMAC
    assert rig.status().counters.auth_ext_replay == 1
    assert verdict(rig, packet(signed(mark(rig, counter=1)))) is m.Verdict.OK


def test_forged_trailer_moves_no_replay_mark() -> None:
    """KH-06"""
    rig = hmac_rig()
    later = signed(mark(rig, 2))
    assert verdict(rig, packet(later[:-1] + bytes((later[-1] ^ 1,)))) is m.Verdict.AUTH_HMAC
    assert verdict(rig, packet(signed(mark(rig)))) is m.Verdict.OK


def test_marks_are_kept_for_four_senders() -> None:
    """KH-06"""
    rig = hmac_rig()
    for number in range(1, 6):
        source = f"10.0.0.10{number}"
        assert verdict(rig, packet(signed(mark(rig), source=source), source)) is m.Verdict.OK
    again = [packet(signed(mark(rig), source=f"10.0.0.10{number}"), f"10.0.0.10{number}") for number in (5, 1)]
    assert [verdict(rig, one) for one in again] == [m.Verdict.AUTH_HMAC, m.Verdict.OK]


@pytest.mark.parametrize(("mode", "bare", "signs"), [("receive-only", True, False), ("permissive", True, True)])
def test_modes_of_a_roll_out(mode: str, bare: bool, signs: bool) -> None:
    """KH-07"""
    rig = hmac_rig(mode)
    payload = signed(mark(rig))
    assert (verdict(rig, packet(payload[:-28])) is m.Verdict.OK) is bare
    assert verdict(rig, packet(payload)) is m.Verdict.OK
    rig.become_master()
    sent = next(one for one in rig.outputs if isinstance(one, m.SendAdvert))
    assert (len(sent.data) == 20 + 12 + 28) is signs


def test_receiver_without_keys_refuses_a_signed_advert_as_too_long() -> None:
    """KH-04"""
    rig = Rig(config(instance(version=3)))
    assert verdict(rig, packet(signed(5 << 32))) is m.Verdict.LENGTH


def test_ipv6_checksum_covers_the_trailer() -> None:
    """KH-03"""
    rig = hmac_rig(family=6)
    source = ipaddress.ip_address("fe80::9").packed
    group = ipaddress.ip_address("ff02::12").packed
    vip = ipaddress.ip_address("fe80::50").packed
    message = encode(Advert(3, 50, 200, 100, (vip,)), source, group)
    whole = message + seal(message, source, 1, KEYS[0].key, mark(rig))
    zeroed = whole[:6] + b"\0\0" + whole[8:]
    check = internet_checksum(pseudo_header(source, group, len(whole)) + zeroed).to_bytes(2, "big")
    for data, expected in ((zeroed[:6] + check + zeroed[8:], m.Verdict.OK), (whole, m.Verdict.CHECKSUM)):
        datagram = m.DatagramReceived(interface="eth0", family=6, data=data, source=source, destination=group, ttl=255)
        fresh = hmac_rig(family=6)
        assert verdict(fresh, datagram) is expected


def test_used_up_sequence_numbers_are_a_fault_and_never_wrap() -> None:
    """AU-AH-12: a number that starts anew would be a replay to every peer; the farewell still goes out."""
    rig = Rig(ah_config())
    rig.become_master()
    last = 0xFFFFFFFF
    assert verdict(rig, ah_advert(50, last)) is m.Verdict.OK
    rig.pass_time(2 * S)
    assert rig.status().state is m.State.FAULT
    assert "sequence numbers" in rig.status().faults[0]
    assert max(sequences(rig)) <= last
    assert sequences(rig) == sorted(sequences(rig))


def test_backup_that_hears_the_last_sequence_numbers_is_in_fault_too() -> None:
    """AU-AH-12: it could not go on above them."""
    rig = Rig(ah_config())
    assert verdict(rig, ah_advert(200, 0xFFFFFFFE)) is m.Verdict.OK
    assert rig.status().state is m.State.FAULT
