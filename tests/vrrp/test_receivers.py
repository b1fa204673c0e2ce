"""Which sockets a configuration needs, and what the kernel lets through to them."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest

from engine.config.model import Authentication, Config, Instance, UnicastPeer, Vmac
from engine.vrrp.devices import egress, placed, vmac_devices
from engine.vrrp.receivers import IPPROTO_AH, IPPROTO_VRRP, Receiver, Wanted, needed


def instance(name: str, vrid: int, **words: Any) -> Instance:
    return Instance(name=name, interface="eth0", vrid=vrid, **words)


def test_instances_of_one_interface_and_family_share_a_socket() -> None:
    config = Config(instances=(instance("A", 1), instance("B", 2, group_address="224.0.0.77")))
    assert needed(config, {}) == {("eth0", 4, IPPROTO_VRRP): Wanted("eth0", {"224.0.0.18", "224.0.0.77"})}


def test_families_ah_and_unicast_have_what_they_need_and_no_more() -> None:
    config = Config(
        instances=(
            instance("A", 1, authentication=Authentication(kind="ah", key=b"12345678")),
            instance("B", 2, family=6, group_address="ff02::12"),
            instance("C", 3, unicast=True, unicast_peers=(UnicastPeer("10.211.55.23"),)),
        )
    )
    assert needed(config, {}) == {
        ("eth0", 4, IPPROTO_AH): Wanted("eth0", {"224.0.0.18"}),
        ("eth0", 6, IPPROTO_VRRP): Wanted("eth0", {"ff02::12"}),
        ("eth0", 4, IPPROTO_VRRP): Wanted("eth0", set()),
    }


def test_with_a_virtual_mac_only_its_device_is_heard() -> None:
    config = Config(
        instances=(
            instance("A", 1, vmac=Vmac()),
            instance("B", 2),
            instance("C", 3, vmac=Vmac(xmit_base=True)),
            instance("D", 4, vmac=Vmac(), unicast=True),
        )
    )
    assert vmac_devices(config) == {"A": "vrrp.1", "C": "vrrp.3", "D": "vrrp.4"}
    assert egress(config) == {"A": "vrrp.1"}
    assert needed(config, vmac_devices(config)) == {
        ("vrrp.1", 4, IPPROTO_VRRP): Wanted("eth0", {"224.0.0.18"}, only={1}),
        ("vrrp.3", 4, IPPROTO_VRRP): Wanted("eth0", {"224.0.0.18"}, only={3}),
        ("eth0", 4, IPPROTO_VRRP): Wanted("eth0", {"224.0.0.18"}, never={1, 3}),
    }


def test_addresses_of_a_virtual_mac_lie_on_its_device_unless_they_name_one() -> None:
    from engine.config.model import Address

    here, there = Address(address="192.0.2.1", prefix=32), Address(address="192.0.2.2", prefix=32, interface="eth1")
    config = Config(instances=(instance("A", 1, vmac=Vmac(), addresses=(here, there)), instance("B", 2)))
    (a, b) = placed(config).instances
    assert [one.interface for one in a.addresses] == ["vrrp.1", "eth1"]
    assert b is config.instances[1]
    plain = Config(instances=(instance("B", 2),))
    assert placed(plain) is plain


def ipv4(vrid: int, options: int = 0, ah: bool = False) -> bytes:
    header = bytes([0x45 + options]) + bytes(19 + 4 * options)
    return header + (bytes(24) if ah else b"") + bytes([0x21, vrid]) + bytes(14)


@pytest.mark.parametrize(
    ("family", "protocol", "packet"),
    [
        (4, IPPROTO_VRRP, lambda vrid: ipv4(vrid)),
        (4, IPPROTO_VRRP, lambda vrid: ipv4(vrid, options=2)),
        (4, IPPROTO_AH, lambda vrid: ipv4(vrid, ah=True)),
        (6, IPPROTO_VRRP, lambda vrid: struct.pack("!BB14x", 0x31, vrid)),
    ],
    ids=["ipv4", "ipv4 with options", "ah", "ipv6"],
)
def test_the_kernel_chooses_by_vrid(family: int, protocol: int, packet: Any) -> None:
    """The filter runs on a datagram socket here: the kernel runs the same program on a raw one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.settimeout(0)
        receiver = Receiver(("eth0", family, protocol), "eth0", 1, ours)

        def heard() -> list[int]:
            for vrid in (1, 2, 3, 255):
                theirs.send(packet(vrid))
            found = []
            while True:
                try:
                    data = ours.recv(100)
                except BlockingIOError:
                    return found
                found += [vrid for vrid in (1, 2, 3, 255) if data == packet(vrid)]

        assert heard() == [1, 2, 3, 255]
        receiver.adapt(Wanted("eth0", only={2, 255}))
        assert heard() == [2, 255]
        receiver.adapt(Wanted("eth0", never={2, 255}))
        assert heard() == [1, 3]
        receiver.adapt(Wanted("eth0"))
        assert heard() == [1, 2, 3, 255]
