"""Raw sockets between two hosts: what leaves, what arrives, what never comes back."""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Iterator

import pytest

from engine.config.model import Authentication, Config, Instance, UnicastPeer
from engine.messages import DatagramReceived, EffectFailed, SendAdvert
from engine.vrrp.kernel import Kernel
from engine.vrrp.receivers import Receiver
from engine.vrrp.sockets import Sockets
from hatui.lab import Host, Lab, wait_for
from tests.net.entering import inside

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
]
A4, B4, A6, B6 = "10.211.55.22", "10.211.55.23", "fe80::22", "fe80::23"
PAYLOAD = b"any octets are good"


class Station:
    """The sockets of one host, as its vrrp process would have them."""

    def __init__(self, host: Host) -> None:
        self.host = host
        with inside(host.pid):
            self.kernel = Kernel()
            self.kernel.start()
        self.receivers: list[Receiver] = []
        self.sockets = Sockets(self.kernel.link, self.receivers.append, self.receivers.remove)

    def configure(self, *instances: Instance, rx_buffer_bytes: int = 0) -> list[EffectFailed]:
        with inside(self.host.pid):
            return self.sockets.configure(Config(instances=instances))

    def send(self, advert: SendAdvert) -> EffectFailed | None:
        with inside(self.host.pid):
            return self.sockets.send(advert)

    def send_many(self, adverts: list[SendAdvert]) -> list[SendAdvert]:
        with inside(self.host.pid):
            return list(self.sockets.send_many(adverts))

    def kernel_said(self) -> list[EffectFailed]:
        with inside(self.host.pid):
            self.kernel.read()
            return self.sockets.interface_changed("eth0")

    def heard(self, count: int = 1, timeout_s: float = 1) -> list[DatagramReceived]:
        """`count` datagrams, or what came within the time (then fewer)."""
        found: list[DatagramReceived] = []
        while len(found) < count:
            ready, _, _ = select.select([one.socket for one in self.receivers], [], [], timeout_s)
            if not ready:
                break
            found += [got for one in self.receivers if one.socket in ready for got in one.read(64)]
        return found

    def close(self) -> None:
        self.sockets.close()
        self.kernel.close()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        for name, four, six in (("vrrpA", A4, A6), ("vrrpB", B4, B6)):
            one.add_host(name, f"{four}/24").ip(f"addr add {six}/64 dev eth0 nodad")
        yield one


@pytest.fixture
def stations(lab: Lab) -> Iterator[tuple[Station, Station]]:
    a, b = Station(lab.hosts["vrrpA"]), Station(lab.hosts["vrrpB"])
    yield a, b
    a.close()
    b.close()


def instance(name: str = "VI_1", **words: object) -> Instance:
    return Instance(name=name, interface="eth0", vrid=50, **words)  # type: ignore[arg-type]


def ipv4(destination: str = "224.0.0.18", ttl: int = 255, protocol: int = 112, source: str = A4) -> SendAdvert:
    header = struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(PAYLOAD), 1, 0, ttl, protocol, 0)
    data = header + socket.inet_aton(source) + socket.inet_aton(destination) + PAYLOAD
    return SendAdvert("VI_1", "eth0", 4, source, destination, data)


def ipv6(destination: str = "ff02::12", ttl: int = 255) -> SendAdvert:
    return SendAdvert("VI_1", "eth0", 6, A6, destination, PAYLOAD, ttl)


def test_ipv4_multicast_arrives_whole_and_never_at_home(stations: tuple[Station, Station]) -> None:
    """V3-5.1.1.2-01, V3-5.1.1.3-01."""
    a, b = stations
    assert a.configure(instance()) == b.configure(instance()) == []
    assert a.send(ipv4()) is None
    (got,) = b.heard()
    assert (got.interface, got.family, got.source, got.ttl) == ("eth0", 4, None, None)
    sent = ipv4().data
    assert got.data[:10] == sent[:10]
    assert got.data[12:] == sent[12:]
    assert a.heard(timeout_s=0.2) == []


def test_ipv6_multicast_arrives_with_source_destination_and_hop_limit(stations: tuple[Station, Station]) -> None:
    """V3-5.1.2.2-01, V3-5.1.2.3-01."""
    a, b = stations
    six = instance(family=6, group_address="ff02::12", version=3)
    assert a.configure(six) == b.configure(six) == []
    assert a.send(ipv6()) is None
    assert a.send(ipv6(ttl=64)) is None
    expected = DatagramReceived(
        "eth0",
        6,
        PAYLOAD,
        source=socket.inet_pton(socket.AF_INET6, A6),
        destination=socket.inet_pton(socket.AF_INET6, "ff02::12"),
        ttl=255,
    )
    first, second = b.heard(2)
    assert first == expected
    assert second.ttl == 64
    assert a.heard(timeout_s=0.2) == []


def test_unicast_reaches_the_peer_in_both_families(stations: tuple[Station, Station]) -> None:
    a, b = stations
    four = instance(unicast=True, unicast_peers=(UnicastPeer(A4), UnicastPeer(B4)))
    six = instance("VI_6", family=6, unicast=True, unicast_peers=(UnicastPeer(A6), UnicastPeer(B6)))
    assert a.configure(four, six) == b.configure(four, six) == []
    assert a.send(ipv4(B4, ttl=64)) is None
    assert a.send(ipv6(B6)) is None
    by_family = {got.family: got for got in b.heard(2)}
    assert by_family[4].data[16:20] == socket.inet_aton(B4)
    assert by_family[4].data[8] == 64
    assert by_family[6].destination == socket.inet_pton(socket.AF_INET6, B6)


def test_only_joined_groups_are_heard_and_a_reload_changes_them(stations: tuple[Station, Station]) -> None:
    a, b = stations
    a.configure(instance())
    b.configure(instance())
    a.send(ipv4("224.0.0.77"))
    assert b.heard(timeout_s=0.2) == []
    b.configure(instance(group_address="224.0.0.77"))
    a.send(ipv4())
    a.send(ipv4("224.0.0.77"))
    assert [got.data[16:20] for got in b.heard(2, timeout_s=0.3)] == [socket.inet_aton("224.0.0.77")]


def test_an_instance_with_ah_hears_protocol_51(stations: tuple[Station, Station]) -> None:
    a, b = stations
    ah = instance(authentication=Authentication(kind="ah", key=b"12345678"))
    a.configure(ah)
    b.configure(ah)
    a.send(ipv4(protocol=51))
    a.send(ipv4(protocol=112))
    assert [got.data[9] for got in b.heard(2, timeout_s=0.3)] == [51]


def test_unneeded_receivers_are_closed(stations: tuple[Station, Station]) -> None:
    a, _ = stations
    a.configure(instance(), instance("VI_6", family=6, group_address="ff02::12"))
    assert len(a.receivers) == 2
    kept = next(one for one in a.receivers if one.key[1] == 4)
    a.configure(instance())
    assert a.receivers == [kept]
    a.configure()
    assert a.receivers == []


def test_a_flood_is_read_in_portions(stations: tuple[Station, Station]) -> None:
    a, b = stations
    a.configure(instance())
    b.configure(instance())
    for _ in range(100):
        a.send(ipv4())
    assert len(b.receivers[0].read(64)) == 64
    assert len(b.receivers[0].read(64)) == 36


MANY_INSTANCES = [instance(f"VI_{number}") for number in range(16)]


def test_many_adverts_that_are_due_together_arrive_whole_and_in_order(stations: tuple[Station, Station]) -> None:
    a, b = stations
    a.configure(*MANY_INSTANCES)
    b.configure(instance())
    adverts = []
    for number in range(150):  # of two lengths, among each other
        one = ipv4()
        tail = struct.pack("!H", number) + bytes(number % 2)
        header = one.data[:2] + struct.pack("!H", len(one.data + tail)) + one.data[4:]
        adverts.append(SendAdvert("VI_1", "eth0", 4, A4, "224.0.0.18", header[:20] + PAYLOAD + tail))
    assert set(a.send_many(adverts)) == set(adverts)  # no socket is there yet: alone, to learn whether there can be one
    assert a.send(adverts[0]) is None
    assert a.send_many([*adverts[1:], ipv6()]) == [ipv6()]
    got = [one.data[20 + len(PAYLOAD) :] for one in b.heard(150)]
    assert [one[:2] for one in got if len(one) == 2] == [struct.pack("!H", n) for n in range(0, 150, 2)]
    assert [one[:2] for one in got if len(one) == 3] == [struct.pack("!H", n) for n in range(1, 150, 2)]


def test_of_many_adverts_that_the_kernel_refuses_each_is_left_over(stations: tuple[Station, Station]) -> None:
    a, _ = stations
    a.configure(*MANY_INSTANCES)
    assert a.send(ipv4()) is None
    too_short = SendAdvert("VI_1", "eth0", 4, A4, "224.0.0.18", b"no header")
    assert a.send_many([too_short] * 20) == [too_short] * 20
    assert a.send_many([ipv4()] * 15) == [ipv4()] * 15  # so few are no burst
    failed = a.send(too_short)
    assert failed is not None
    assert a.send_many([ipv4()] * 20) == [ipv4()] * 20  # one by one, so that what works again is noticed


def test_an_interface_that_comes_back_is_heard_again(lab: Lab) -> None:
    lab.add_host("vrrpC", "10.211.55.24/24")
    a, c = Station(lab.hosts["vrrpA"]), Station(lab.hosts["vrrpC"])
    try:
        a.configure(instance())
        c.configure(instance())
        port = lab.hosts["vrrpC"].port
        lab.switch.ip(f"link del {port}")
        assert c.kernel_said() == []
        assert c.receivers == []
        refused = c.send(ipv4())
        assert refused == EffectFailed("VI_1", "send-advert", "cannot send from eth0 to 224.0.0.18: No such device")
        assert c.send(ipv4()) is None, "the same failure is told once"
        lab.switch.ip(
            f"link add {port} type veth peer name eth0 netns {lab.hosts['vrrpC'].pid}",
            f"link set {port} master br0",
            f"link set {port} up",
        )
        lab.hosts["vrrpC"].ip("addr add 10.211.55.24/24 dev eth0", "link set eth0 up")

        def up() -> bool:
            assert c.kernel_said() == []
            link = c.kernel.link("eth0")
            return link is not None and link.up

        wait_for(up, 5, "the carrier")
        wait_for(lambda: a.send(ipv4()) is None and c.heard(timeout_s=0.1), 5, "a datagram through the new cable")
        assert c.send(ipv4(source="10.211.55.24")) is None
        assert len(a.heard()) == 1
    finally:
        a.close()
        c.close()


def test_an_interface_that_is_missing_is_no_failure_of_the_sockets(stations: tuple[Station, Station]) -> None:
    a, _ = stations
    assert a.configure(Instance(name="VI_9", interface="eth9", vrid=9)) == []
    assert a.receivers == []


def test_a_source_that_is_not_ours_is_a_sentence(stations: tuple[Station, Station]) -> None:
    a, _ = stations
    a.configure(instance(family=6, group_address="ff02::12"))
    refused = a.send(SendAdvert("VI_1", "eth0", 6, "fe80::99", "ff02::12", PAYLOAD))
    assert refused is not None
    assert refused.reason.endswith("Invalid argument; is the source address on the interface?")


def test_more_groups_than_the_kernel_allows_are_a_sentence_with_the_remedy(stations: tuple[Station, Station]) -> None:
    a, _ = stations
    many = [instance(f"VI_{n}", group_address=f"224.0.0.{n}") for n in range(100, 130)]
    failed = a.configure(*many)
    assert {one.effect for one in failed} == {"open-socket"}
    assert failed[0].reason == (
        "cannot receive on eth0: No buffer space available; see the sysctl net.ipv4.igmp_max_memberships"
    )
