"""Sorting frames, hiding passwords, and the kernel's filter, tried on real sockets."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.capture import attach_filter
from engine.core.frames import dissect, masked

MACS = bytes(6) + bytes.fromhex("020000000001")
PASSWORD = b"secret99"
ADVERT2 = bytes([0x21, 50, 100, 1, 1, 1, 0, 0]) + socket.inet_aton("10.0.0.50") + PASSWORD
ADVERT3 = bytes([0x31, 51, 100, 1, 0, 100, 0, 0]) + socket.inet_aton("10.0.0.50")


def ip4(protocol: int, body: bytes, options: bytes = b"") -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0xC0, words * 4 + len(body), 1, 0, 255, protocol, 0)
    return MACS + b"\x08\x00" + head + socket.inet_aton("10.0.0.1") + socket.inet_aton("224.0.0.18") + options + body


def ip6(header: int, body: bytes) -> bytes:
    head = struct.pack("!IHBB", 0x6C000000, len(body), header, 255)
    return MACS + b"\x86\xdd" + head + bytes(15) + b"\1" + bytes.fromhex("ff02") + bytes(13) + b"\x12" + body


def arp(sender: str, target: str) -> bytes:
    body = bytes.fromhex("0001080006040001") + bytes(6) + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target)
    return MACS + b"\x08\x06" + body


def na(address: str, kind: int = 136) -> bytes:
    return ip6(58, bytes([kind, 0, 0, 0, 0xA0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, address))


AH = bytes([112, 4]) + bytes(22)
WANTED = {
    "advert": ip4(112, ADVERT2),
    "advert with options": ip4(112, ADVERT2, bytes(4)),
    "advert in AH": ip4(51, AH + ADVERT2),
    "advert in AH with options": ip4(51, AH + ADVERT2, bytes(8)),
    "advert v6": ip6(112, ADVERT3),
    "gratuitous ARP": arp("10.0.0.50", "10.0.0.50"),
    "NA": na("2001:db8::50"),
    "short advert": ip4(112, b""),
}
UNWANTED = {
    "tcp": ip4(6, bytes(40)),
    "esp in AH": ip4(51, bytes([50, 4]) + bytes(40)),
    "ordinary ARP": arp("10.0.0.1", "10.0.0.50"),
    "tcp6": ip6(6, bytes(40)),
    "neighbour solicitation": na("2001:db8::50", 135),
    "lldp": MACS + b"\x88\xcc" + bytes(60),
    "short": b"\x01\x02",
}


@pytest.fixture
def filtered() -> Iterator[tuple[socket.socket, socket.socket]]:
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    attach_filter(receiver)
    receiver.settimeout(0)
    with sender, receiver:
        yield sender, receiver


@pytest.mark.parametrize("name", WANTED)
def test_kernel_filter_lets_through(filtered: tuple[socket.socket, socket.socket], name: str) -> None:
    filtered[0].send(WANTED[name])
    assert filtered[1].recv(4096) == WANTED[name]


@pytest.mark.parametrize("name", UNWANTED)
def test_kernel_filter_keeps_out(filtered: tuple[socket.socket, socket.socket], name: str) -> None:
    filtered[0].send(UNWANTED[name])
    with pytest.raises(BlockingIOError):
        filtered[1].recv(4096)


def test_adverts_are_sorted_with_the_octets_that_the_router_gets() -> None:
    frame = dissect(WANTED["advert"] + bytes(18))  # Ethernet padding is not part of the packet
    assert frame is not None
    assert (frame.kind, frame.family, frame.vrid, frame.packet) == ("advert", 4, 50, WANTED["advert"][14:])
    wrapped = dissect(WANTED["advert in AH"])
    assert wrapped is not None
    assert (wrapped.vrid, wrapped.packet) == (50, WANTED["advert in AH"][14:])
    six = dissect(WANTED["advert v6"])
    assert six is not None
    assert (six.family, six.vrid, six.packet) == (6, 51, ADVERT3)


def test_announcements_name_their_address() -> None:
    first, second = dissect(WANTED["gratuitous ARP"]), dissect(WANTED["NA"])
    assert first is not None
    assert second is not None
    assert (first.kind, first.address, second.kind, second.address) == ("arp", "10.0.0.50", "na", "2001:db8::50")


@pytest.mark.parametrize("name", ["advert", "advert with options"])
def test_password_is_zeroed_and_nothing_else(name: str) -> None:
    for padding in (b"", bytes(6)):
        assert masked(WANTED[name] + padding) == WANTED[name].replace(PASSWORD, bytes(8)) + padding


def test_password_is_hidden_though_the_count_lies() -> None:
    for count in range(256):
        for padding in (b"", bytes(6)):
            frame = ip4(112, ADVERT2[:3] + bytes([count]) + ADVERT2[4:]) + padding
            assert not any(octet in masked(frame)[46:] for octet in PASSWORD)


def test_frames_without_a_password_stay_as_they_are() -> None:
    for frame in (WANTED["advert v6"], WANTED["gratuitous ARP"], ip4(112, ADVERT3), *UNWANTED.values()):
        assert masked(frame) == frame


@given(st.binary(max_size=120), st.sampled_from([b"", *WANTED.values()]), st.integers(0, 120))
def test_any_octets_have_an_answer(tail: bytes, head: bytes, cut: int) -> None:
    frame = head[:cut] + tail
    dissect(frame)
    assert len(masked(frame)) == len(frame)
