"""The codec against worked octets: made once, read back as good by tcpdump and TShark."""

from __future__ import annotations

import ipaddress

import pytest

from engine.errors import PacketError
from engine.protocol.packet import (
    AUTH_AH,
    AUTH_PASS,
    GROUP_V4,
    GROUP_V6,
    PLAIN,
    PSEUDO,
    Advert,
    ah_packet,
    checksum_dialect,
    decode,
    encode,
    icv_fits,
    integrity_value,
    ipv4_header,
    parse_ah,
    parse_ipv4,
    password_key,
)


def ip(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


SOURCE, SOURCE6 = ip("192.0.2.2"), ip("fe80::2")
VIP = ip("192.0.2.1")

WORKED = [
    ("v2", Advert(2, 51, 100, 100, (VIP,), 0, bytes(8)), PSEUDO, "213364010001b8c8c00002010000000000000000"),
    ("v2 leaving", Advert(2, 51, 0, 100, (VIP,), 0, bytes(8)), PSEUDO, "2133000100011cc9c00002010000000000000000"),
    (
        "v2 PASS",
        Advert(2, 51, 100, 100, (VIP, ip("192.0.2.9")), AUTH_PASS, password_key(b"hatui")),
        PSEUDO,
        "213364020101afe6c0000201c00002096861747569000000",
    ),
    ("v3 pseudo", Advert(3, 51, 100, 100, (VIP,)), PSEUDO, "31336401006405d4c0000201"),
    ("v3 plain", Advert(3, 51, 100, 100, (VIP,)), PLAIN, "313364010064a865c0000201"),
    ("v3 extremes", Advert(3, 255, 254, 4095, (VIP,)), PSEUDO, "31fffe010fff5b6cc0000201"),
    (
        "v3 IPv6",
        Advert(3, 51, 100, 100, (ip("fe80::5133"), ip("2001:db8::1"))),
        PSEUDO,
        "313364020064eec7fe80000000000000000000000000513320010db8000000000000000000000001",
    ),
]


@pytest.mark.parametrize(("name", "advert", "dialect", "octets"), WORKED, ids=[row[0] for row in WORKED])
def test_worked_octets_both_ways(name: str, advert: Advert, dialect: str, octets: str) -> None:
    """V2-5.3.1-01 V2-5.3.5-01 V2-5.3.8-01 V2-5.3.9-01 V2-5.3.10-01 V2-7.2-01 V3-5.2.1-01 V3-5.2.7-01 V3-5.2.8-01
    V3-5.2.8-02 V3-5.2.9-01 V3-7.2-02 AU-5.3.6-01 AU-5.3.10-01 AU-P-01 V3-5.2.4-03"""
    six = len(advert.addresses[0]) == 16
    source, group = (SOURCE6, GROUP_V6) if six else (SOURCE, GROUP_V4)
    message = encode(advert, source, group, dialect)
    assert message.hex() == octets
    assert decode(message, 6 if six else 4) == advert
    assert checksum_dialect(message, source, group) == (PLAIN if advert.version == 2 else dialect)


@pytest.mark.parametrize(("name", "advert", "dialect", "octets"), WORKED, ids=[row[0] for row in WORKED])
def test_any_flipped_bit_is_a_wrong_checksum(name: str, advert: Advert, dialect: str, octets: str) -> None:
    """V3-5.2.8-01 V2-5.3.8-01 V2-7.1-04 P3"""
    message = bytes.fromhex(octets)
    source, group = (SOURCE6, GROUP_V6) if len(advert.addresses[0]) == 16 else (SOURCE, GROUP_V4)
    for bit in range(8, len(message) * 8):
        flipped = bytearray(message)
        flipped[bit // 8] ^= 1 << bit % 8
        assert checksum_dialect(bytes(flipped), source, group) == "", f"bit {bit}"


def test_authentication_header_octets() -> None:
    """AU-AH-01 AU-AH-02 AU-AH-04 AU-AH-05"""
    message = encode(Advert(2, 51, 100, 100, (VIP,), AUTH_AH), SOURCE, GROUP_V4)
    key = password_key(b"hatuikey")
    packet = ah_packet(message, SOURCE, GROUP_V4, key, sequence=7, identification=0x0102)
    assert packet.hex() == (
        "45c0004001020000ff3317b4c0000202e0000012"
        "70040000c0000202000000078f3b425570689876e62f54a3"
        "213364010201b6c8c00002010000000000000000"
    )
    header, ah = packet[:20], packet[20:44]
    assert icv_fits(header, ah, message, key)
    assert not icv_fits(header, ah, message, password_key(b"hatuikez"))
    routed = header[:8] + b"\xfe" + header[9:]
    assert integrity_value(routed, ah, message, key) != integrity_value(header, ah, message, key)
    other_class = header[:1] + b"\0" + header[2:10] + b"\xff\xff" + header[12:]
    assert integrity_value(other_class, ah, message, key) == integrity_value(header, ah, message, key)
    unicast = integrity_value(routed, ah, message, key, unicast=True)
    assert unicast == integrity_value(header, ah, message, key, unicast=True)
    fields = parse_ah(ah)
    assert (fields.next_header, fields.length_words, fields.spi, fields.sequence) == (112, 4, 0xC0000202, 7)


def test_password_is_cut_or_padded_to_8_octets() -> None:
    """AU-5.3.10-01 AU-5.3.10-02"""
    assert password_key(b"1234567890").hex() == "3132333435363738"
    assert password_key(b"1111") == b"1111\0\0\0\0"


def test_ipv4_header_as_keepalived_sends_it() -> None:
    """V3-5.1.1.2-01 V3-5.1.1.3-01 V3-5.1.1.4-01 V2-5.2.2-01 V2-5.2.3-01 V2-5.2.4-01 KA-03"""
    header = ipv4_header(SOURCE, GROUP_V4, 20, identification=1)
    assert header[0] == 0x45
    assert header[1] == 0xC0
    assert header[2:4] == (40).to_bytes(2, "big")
    assert header[6:8] == b"\0\0"
    assert header[8] == 255
    assert header[9] == 112
    assert header[12:16] == SOURCE
    assert header[16:20] == bytes.fromhex("e0000012")


def test_ip_options_are_honoured_and_ethernet_padding_is_cut() -> None:
    """M15"""
    message = bytes.fromhex(WORKED[3][3])
    plain = ipv4_header(SOURCE, GROUP_V4, len(message)) + message
    assert parse_ipv4(plain + bytes(14)).payload == message
    total = (24 + len(message)).to_bytes(2, "big")
    optioned = b"\x46" + plain[1:2] + total + plain[4:20] + b"\x94\x04\0\0" + message
    assert parse_ipv4(optioned).payload == message
    assert not parse_ipv4(plain[:-1]).complete


@pytest.mark.parametrize(
    "advert",
    [
        Advert(3, 0, 100, 100, (VIP,)),
        Advert(3, 256, 100, 100, (VIP,)),
        Advert(3, 1, 256, 100, (VIP,)),
        Advert(3, 1, -1, 100, (VIP,)),
        Advert(3, 1, 100, 0, (VIP,)),
        Advert(3, 1, 100, 4096, (VIP,)),
        Advert(3, 1, 100, 100, ()),
        Advert(3, 1, 100, 100, (VIP,) * 256),
        Advert(3, 1, 100, 100, (SOURCE6,)),
        Advert(3, 1, 100, 100, (VIP,), 1),
        Advert(4, 1, 100, 100, (VIP,)),
        Advert(2, 1, 100, 50, (VIP,)),
        Advert(2, 1, 100, 25600, (VIP,)),
        Advert(2, 1, 100, 100, (VIP,), 256),
        Advert(2, 1, 100, 100, (VIP,), 1, b"short"),
    ],
)
def test_encode_refuses_what_does_not_fit(advert: Advert) -> None:
    """P2 V3-5.2.3-01 V2-5.3.3-01 V3-6.1-02 V3-5.2.9-03"""
    with pytest.raises(PacketError):
        encode(advert, SOURCE, GROUP_V4)


def test_reserved_bits_go_out_as_zero_and_come_in_ignored() -> None:
    """V3-5.2.6-01 V3-5.2.6-02"""
    message = encode(Advert(3, 1, 100, 4095, (VIP,)), SOURCE, GROUP_V4)
    assert message[4] == 0x0F
    assert decode(message[:4] + b"\xff" + message[5:]).interval_cs == 4095


@pytest.mark.parametrize("version", [2, 3])
def test_every_prefix_of_a_good_message_is_refused(version: int) -> None:
    """V3-7.1-04 V2-7.1-03 M13 M14 P1"""
    message = encode(Advert(version, 1, 100, 100, (VIP, SOURCE)), SOURCE, GROUP_V4)
    for length in range(len(message)):
        with pytest.raises(PacketError):
            decode(message[:length])
    with pytest.raises(PacketError):
        decode(message + b"\0")
