"""Frames of announcements, octet by octet, and the queue that sends them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from engine.config.model import Address
from engine.messages import SendAnnouncements
from engine.vrrp.announce import SETTLE, SETTLE_MOST, Announcer, gratuitous_arp, neighbour_advertisement
from engine.vrrp.netlink import Link, packed

VMAC = bytes.fromhex("00005e000133")


def test_gratuitous_arp_is_a_broadcast_request_with_target_mac_all_ones() -> None:
    """V3-6.4.1-02, requirement 3.6."""
    expected = "ffffffffffff00005e0001330806 0001080006040001 00005e000133c0000201 ffffffffffffc0000201"
    assert gratuitous_arp(VMAC, packed("192.0.2.1")) == bytes.fromhex(expected)


def test_neighbour_advertisement_is_read_by_scapy_with_a_good_checksum() -> None:
    """V3-6.4.1-03, requirement 3.7."""
    from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
    from scapy.layers.l2 import Ether

    frame = neighbour_advertisement(VMAC, packed("2001:db8::1"), router=True)
    packet = Ether(frame)
    assert (packet.dst, packet.src, packet.type) == ("33:33:00:00:00:01", "00:00:5e:00:01:33", 0x86DD)
    assert (packet[IPv6].src, packet[IPv6].dst, packet[IPv6].hlim) == ("2001:db8::1", "ff02::1", 255)
    advert = packet[ICMPv6ND_NA]
    assert (advert.R, advert.S, advert.O, advert.tgt) == (1, 0, 1, "2001:db8::1")
    assert packet[ICMPv6NDOptDstLLAddr].lladdr == "00:00:5e:00:01:33"
    checksum = advert.cksum
    del packet[ICMPv6ND_NA].cksum
    assert Ether(bytes(packet))[ICMPv6ND_NA].cksum == checksum


def test_neighbour_advertisement_worked_example() -> None:
    """The message of requirement section 5, but for its source: ours is the address itself."""
    frame = neighbour_advertisement(VMAC, packed("2001:db8::1"), router=True)
    expected = "a0000000 20010db8000000000000000000000001 020100005e000133"
    assert frame[54:56] == b"\x88\x00"
    assert frame[58:] == bytes.fromhex(expected)


def test_router_flag_is_clear_where_the_host_does_not_forward() -> None:
    frame = neighbour_advertisement(VMAC, packed("2001:db8::1"), router=False)
    assert frame[58] == 0x20


LINK = Link(3, "eth0", up=True, mac="02:00:00:00:00:16", mtu=1500)
A, B = (
    Address(address="192.0.2.1", prefix=32, interface="eth0"),
    Address(address="192.0.2.2", prefix=32, interface="eth0"),
)


class Wire:
    """An Announcer whose packet socket is one end of a socketpair."""

    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ours.settimeout(0)
        theirs.settimeout(0)
        self.theirs = theirs
        self.present = {A, B}
        links = {"eth0": LINK}
        self.settled: set[Address] = set()
        """IPv6 addresses that the kernel has told of."""
        self.announcer = Announcer(
            links.get, lambda one: one in self.present, lambda one: one in self.settled, lambda _: theirs
        )

    def frames(self) -> int:
        """How many there are, whatever they say."""
        found = 0
        while True:
            try:
                found += bool(self.ours.recv(100))
            except BlockingIOError:
                return found

    def sent(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(socket.inet_ntoa(self.ours.recv(100)[28:32]))
            except BlockingIOError:
                return found


@pytest.fixture
def wire() -> Iterator[Wire]:
    one = Wire()
    yield one
    one.announcer.close()
    one.ours.close()
    one.theirs.close()


def test_rounds_go_over_all_addresses_in_turn(wire: Wire) -> None:
    assert wire.announcer.deadline is None
    assert wire.announcer.announce(SendAnnouncements("VI_1", (A, B), repeat=3)) == []
    assert wire.announcer.deadline == 0
    wire.announcer.work(now=10, limit=100)
    assert wire.sent() == ["192.0.2.1", "192.0.2.2"] * 3
    assert wire.announcer.deadline is None


def test_frames_of_one_interface_are_spaced_by_the_interval(wire: Wire) -> None:
    wire.announcer.announce(SendAnnouncements("VI_1", (A, B), repeat=1, arp_interval=1000))
    wire.announcer.work(now=10, limit=100)
    assert wire.sent() == ["192.0.2.1"]
    assert wire.announcer.deadline == 1010
    wire.announcer.work(now=1009, limit=100)
    assert wire.sent() == []
    wire.announcer.work(now=1010, limit=100)
    assert wire.sent() == ["192.0.2.2"]


def test_an_address_that_the_kernel_has_not_confirmed_is_not_announced(wire: Wire) -> None:
    """V3-8.1.2-05."""
    wire.present = {B}
    wire.announcer.announce(SendAnnouncements("VI_1", (A, B), repeat=1))
    wire.announcer.work(now=10, limit=100)
    assert wire.sent() == ["192.0.2.2"]


def test_an_address_that_was_taken_away_is_announced_no_more(wire: Wire) -> None:
    wire.announcer.announce(SendAnnouncements("VI_1", (A, B), repeat=2))
    wire.announcer.work(now=10, limit=1)
    wire.announcer.cancel("VI_1", [A])
    wire.announcer.work(now=10, limit=100)
    assert wire.sent() == ["192.0.2.1", "192.0.2.2", "192.0.2.2"]


def test_a_portion_is_not_exceeded(wire: Wire) -> None:
    wire.announcer.announce(SendAnnouncements("VI_1", (A, B), repeat=50))
    wire.announcer.work(now=10, limit=7)
    assert len(wire.sent()) == 7
    assert wire.announcer.deadline == 0


def test_first_rounds_of_all_go_before_the_repetitions_of_any(wire: Wire) -> None:
    wire.announcer.announce(SendAnnouncements("VI_1", (A,), repeat=3))
    wire.announcer.announce(SendAnnouncements("VI_2", (B,), repeat=2))
    wire.announcer.work(now=10, limit=100)
    assert wire.sent() == ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.2"]


def test_a_link_that_refuses_is_said_once_and_its_queue_is_dropped(wire: Wire) -> None:
    wire.ours.close()
    wire.announcer.announce(SendAnnouncements("VI_1", (A, B), repeat=5))
    (failed,) = wire.announcer.work(now=10, limit=100)
    assert (failed.instance, failed.effect) == ("VI_1", "send-announcements")
    assert failed.reason == "cannot announce 192.0.2.1 on eth0: Connection refused"
    assert wire.announcer.deadline is None


def test_a_full_queue_of_the_device_delays_and_loses_nothing(wire: Wire) -> None:
    wire.announcer.announce(SendAnnouncements("VI_1", (A,), repeat=1000))
    sent, now = 0, 10
    while wire.announcer.deadline is not None:
        assert wire.announcer.work(now=now, limit=1000) == []
        sent += len(wire.sent())
        now += 1_000_000
    assert sent == 1000


SIX = Address(address="2001:db8::1", prefix=64, interface="eth0", nodad=True)


def test_neighbour_advertisement_waits_for_the_kernel_but_not_for_ever(wire: Wire) -> None:
    """The worker that puts the local route in may be late on a busy host; what clients send until then is lost."""
    wire.present.add(SIX)
    for told_at, sent_at in ((0, SETTLE), (SETTLE * 4, SETTLE * 4), (SETTLE_MOST * 2, SETTLE_MOST)):
        wire.settled.clear()
        began = 1_000_000_000 * (2 + told_at)
        wire.announcer.announce(SendAnnouncements("VI_1", (SIX,), 1, 0, 0))
        now, frames = began, 0
        while not frames:
            if now - began >= told_at:
                wire.settled.add(SIX)
            wire.announcer.work(now, 100)
            frames = wire.frames()
            now += 0 if frames else 500_000
        assert sent_at <= now - began <= sent_at + 2_000_000
        assert wire.announcer.deadline is None


def test_gratuitous_arp_does_not_wait_for_neighbour_advertisements_beside_it(wire: Wire) -> None:
    """A master that was displaced has let go by then."""
    wire.present.add(SIX)
    wire.settled.add(SIX)
    wire.announcer.announce(SendAnnouncements("VI_6", (SIX,), 1, 0, 0))
    wire.announcer.announce(SendAnnouncements("VI_1", (A, B), 1, 0, 0))
    wire.announcer.work(10, 100)
    assert wire.sent() == ["192.0.2.1", "192.0.2.2"]
    assert wire.announcer.deadline == 10 + SETTLE
    wire.announcer.work(10 + SETTLE, 100)
    assert wire.frames() == 1


def test_no_other_address_waits_for_one_that_the_kernel_has_not_told_of(wire: Wire) -> None:
    wire.present.add(SIX)
    wire.announcer.announce(SendAnnouncements("VI_1", (SIX, A, B), 1, 0, 0))
    wire.announcer.work(10, 100)
    wire.announcer.work(10 + SETTLE, 100)
    assert wire.sent() == ["192.0.2.1", "192.0.2.2"]
    wire.announcer.work(10 + 2 * SETTLE, 100)
    assert wire.frames() == 0
    wire.settled.add(SIX)
    wire.announcer.work(10 + 3 * SETTLE, 100)
    assert wire.frames() == 1
