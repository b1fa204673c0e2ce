"""The decode for people: fields at the right octets, secrets masked, any octets bearable."""

from __future__ import annotations

import random

import pytest

from engine.messages import Verdict
from engine.protocol.packet import (
    AUTH_PASS,
    FIELD_OF_VERDICT,
    GROUP_V4,
    GROUP_V6,
    PLAIN,
    Advert,
    Field,
    ah_packet,
    dissect,
    encode,
    ipv4_header,
    password_key,
    seal,
    summarise,
    without_secrets,
)
from tests.protocol.test_packet import SOURCE, SOURCE6, VIP, ip

ETHERNET = bytes.fromhex("01005e00001252540012aa0c0800")
ETHERNET6 = bytes.fromhex("33330000001252540012aa0c86dd")
SECRET = b"topsecrt"


def walk(fields: tuple[Field, ...]) -> list[Field]:
    return [one for field in fields for one in (field, *walk(field.children))]


def field(frame: bytes, name: str) -> Field:
    return next(one for one in walk(dissect(frame)) if one.name == name)


def v2_frame(priority: int = 100) -> bytes:
    advert = Advert(2, 51, priority, 100, (VIP, ip("192.0.2.9")), AUTH_PASS, SECRET)
    message = encode(advert, SOURCE, GROUP_V4)
    return ETHERNET + ipv4_header(SOURCE, GROUP_V4, len(message), identification=9) + message


def v3_frame(dialect: str) -> bytes:
    message = encode(Advert(3, 51, 100, 25, (VIP,)), SOURCE, GROUP_V4, dialect)
    return ETHERNET + ipv4_header(SOURCE, GROUP_V4, len(message)) + message


def v6_frame() -> bytes:
    message = encode(Advert(3, 51, 100, 100, (ip("fe80::5133"), ip("2001:db8::1"))), SOURCE6, GROUP_V6)
    header = bytes.fromhex("6c000000") + len(message).to_bytes(2, "big") + b"\x70\xff" + SOURCE6 + GROUP_V6
    return ETHERNET6 + header + message


def test_v2_fields_have_their_octets() -> None:
    frame = v2_frame()
    for name, value, octets in [
        ("source mac", "52:54:00:12:aa:0c", frame[6:12]),
        ("ttl", "255", b"\xff"),
        ("source", "192.0.2.2", SOURCE),
        ("vrid", "51", b"\x33"),
        ("priority", "100", b"\x64"),
        ("count", "2", b"\x02"),
        ("auth type", "simple password", b"\x01"),
        ("interval", "1 s", b"\x01"),
        ("address", "192.0.2.1", VIP),
        ("auth data", "<secret>", SECRET),
    ]:
        found = field(frame, name)
        assert (found.value, frame[found.start : found.end]) == (value, octets), name
    assert field(frame, "checksum").note == "good"
    assert field(frame, "header checksum").note == "good"
    assert field(v2_frame(0), "priority").note == "leaving"


def test_both_checksum_dialects_are_told_apart_and_a_wrong_one_is_corrected() -> None:
    """D1"""
    assert field(v3_frame("pseudo"), "checksum").note == "good"
    assert field(v3_frame(PLAIN), "checksum").note == "good (message only)"
    frame = v3_frame("pseudo")
    right = frame[40:42].hex()
    assert field(frame[:40] + b"\0\0" + frame[42:], "checksum").note == f"wrong, should be 0x{right}"


def test_ipv6_authentication_header_arp_and_neighbour_advertisement() -> None:
    frame = v6_frame()
    assert field(frame, "checksum").note == "good"
    assert [one.value for one in walk(dissect(frame)) if one.name == "address"] == ["fe80::5133", "2001:db8::1"]
    message = encode(Advert(2, 51, 100, 100, (VIP,), 2), SOURCE, GROUP_V4)
    frame = ETHERNET + ah_packet(message, SOURCE, GROUP_V4, password_key(SECRET), sequence=7, identification=1)
    assert field(frame, "sequence").value == "7"
    assert field(frame, "spi").note == ""
    assert summarise(frame).authentication == "ah"
    frame = bytes.fromhex("ffffffffffff00005e0001330806000108000604000100005e000133c0000201ffffffffffffc0000201")
    assert field(frame, "ARP").value == "gratuitous request: 192.0.2.1 is at 00:00:5e:00:01:33"
    assert summarise(frame).kind == "arp"
    na = bytes.fromhex("88004a2fa000000020010db8000000000000000000000001020100005e000233")
    header = bytes.fromhex("6000000000203aff") + SOURCE6 + ip("ff02::1")
    frame = bytes.fromhex("33330000000100005e00023386dd") + header + na
    assert field(frame, "Neighbour advertisement").value == "2001:db8::1 router override"
    assert field(frame, "checksum").note == "good"
    assert summarise(frame).addresses == ("2001:db8::1",)


def test_hmac_trailer_is_its_own_node() -> None:
    message = encode(Advert(3, 51, 100, 100, (VIP,)), SOURCE, GROUP_V4)
    payload = message + seal(message, SOURCE, 7, bytes(32), 5 << 32)
    frame = ETHERNET + ipv4_header(SOURCE, GROUP_V4, len(payload)) + payload
    assert field(frame, "key id").value == "7"
    assert field(frame, "checksum").note == "good"
    assert field(frame, "hmac trailer").value == "<secret>"
    assert summarise(frame).authentication == "hmac"


def test_vlan_tag_moves_everything_by_four() -> None:
    frame = v2_frame()
    tagged = frame[:12] + bytes.fromhex("8100002a") + frame[12:]
    assert field(tagged, "vlan").value == "42"
    assert field(tagged, "vrid").start == field(frame, "vrid").start + 4
    assert summarise(tagged) == summarise(frame)


def test_summary_has_the_columns_of_the_list() -> None:
    summary = summarise(v2_frame())
    assert (summary.kind, summary.source, summary.destination) == ("advert", "192.0.2.2", "224.0.0.18")
    assert (summary.version, summary.vrid, summary.priority, summary.interval_cs) == (2, 51, 100, 100)
    assert (summary.authentication, summary.addresses) == ("pw", ("192.0.2.1", "192.0.2.9"))
    assert summarise(v3_frame(PLAIN)).interval_cs == 25


def test_a_password_is_in_no_value_and_can_be_wiped() -> None:
    frame = v2_frame() + bytes(6)
    for one in walk(dissect(frame)):
        assert SECRET.decode() not in one.value + one.note
        assert SECRET.hex() not in one.value + one.note
    assert SECRET in frame
    wiped = without_secrets(frame)
    assert SECRET not in wiped
    assert len(wiped) == len(frame)
    assert field(wiped, "vrid").value == "51"
    assert without_secrets(v6_frame()) == v6_frame()
    short = v2_frame()[:-3]
    assert SECRET[:4] not in without_secrets(short)


def test_any_octets_give_a_tree_whose_ranges_lie_within_the_frame() -> None:
    """P1"""
    source = random.Random(1)
    seeds = [v2_frame(), v3_frame(PLAIN), v6_frame()]
    for number in range(3000):
        frame = bytearray(seeds[number % 3])
        for _ in range(source.randrange(4)):
            frame[source.randrange(len(frame))] = source.randrange(256)
        cut = bytes(frame[: source.randrange(len(frame) + 1)])
        for one in walk(dissect(cut)):
            assert 0 <= one.start <= one.end <= len(cut), (one, cut.hex())
        summarise(cut)
        assert len(without_secrets(cut)) == len(cut)


@pytest.mark.parametrize("verdict", list(FIELD_OF_VERDICT))
def test_field_of_a_verdict_exists_in_some_packet(verdict: Verdict) -> None:
    message = encode(Advert(3, 51, 100, 100, (VIP,)), SOURCE, GROUP_V4)
    payload = message + seal(message, SOURCE, 7, bytes(32), 5)
    signed = ETHERNET + ipv4_header(SOURCE, GROUP_V4, len(payload)) + payload
    names = {one.name for frame in (v2_frame(), signed) for one in walk(dissect(frame))}
    assert FIELD_OF_VERDICT[verdict] in names
