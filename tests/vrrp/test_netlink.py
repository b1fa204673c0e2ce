"""The octets of netlink, with pyroute2 as the second opinion."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from engine.config.model import Address
from engine.vrrp import netlink


def decoded(address: Address, *, adding: bool = True) -> dict[str, Any]:
    body = netlink.address_body(address, 7, adding=adding)
    message = ifaddrmsg(netlink.request(netlink.RTM_NEWADDR, 0, 1, body))
    message.decode()
    plain = {key: message[key] for key in ("family", "prefixlen", "scope", "index")}
    return plain | dict(message["attrs"])


def test_an_ipv4_address_carries_local_address_and_nothing_that_was_not_asked_for() -> None:
    assert decoded(Address(address="10.211.55.50", prefix=32)) == {
        "family": 2,
        "prefixlen": 32,
        "scope": 0,
        "index": 7,
        "IFA_LOCAL": "10.211.55.50",
        "IFA_ADDRESS": "10.211.55.50",
    }


def test_all_words_of_an_ipv4_address_reach_the_kernel() -> None:
    address = Address(
        address="192.0.2.1",
        prefix=24,
        scope=253,
        label="eth0:vip",
        broadcast="192.0.2.255",
        peer="192.0.2.9",
        noprefixroute=True,
        autojoin=True,
        preferred_lifetime_s=30,
    )
    found = decoded(address)
    cache = found.pop("IFA_CACHEINFO")
    assert (cache["ifa_preferred"], cache["ifa_valid"]) == (30, 0xFFFFFFFF)
    assert found == {
        "family": 2,
        "prefixlen": 24,
        "scope": 253,
        "index": 7,
        "IFA_LOCAL": "192.0.2.1",
        "IFA_ADDRESS": "192.0.2.9",
        "IFA_LABEL": "eth0:vip",
        "IFA_BROADCAST": "192.0.2.255",
        "IFA_FLAGS": 0x200 | 0x400,
    }


def test_a_full_length_ipv6_address_is_added_without_dad_and_deprecated() -> None:
    found = decoded(Address(address="2001:db8::1", prefix=128))
    assert found["IFA_FLAGS"] == 0x02
    assert found["IFA_CACHEINFO"]["ifa_preferred"] == 0
    assert found["IFA_LOCAL"] == "2001:db8::1"


def test_ipv6_words() -> None:
    found = decoded(Address(address="2001:db8::1", prefix=64, nodad=False, home=True, mngtmpaddr=True))
    assert found["IFA_FLAGS"] == 0x10 | 0x100
    assert "IFA_CACHEINFO" not in found


def test_removal_names_the_address_and_its_prefix_only() -> None:
    address = Address(address="192.0.2.1", prefix=24, label="eth0:vip", broadcast="192.0.2.255")
    assert set(decoded(address, adding=False)) == {"family", "prefixlen", "scope", "index", "IFA_LOCAL"}


def test_a_link_is_read_with_its_kind_and_parent() -> None:
    message = ifinfmsg()
    message["index"], message["flags"] = 9, netlink.IFF_UP | netlink.IFF_RUNNING
    message["attrs"] = [
        ("IFLA_IFNAME", "vrrp.50"),
        ("IFLA_MTU", 1400),
        ("IFLA_LINK", 3),
        ("IFLA_ADDRESS", "00:00:5e:00:01:32"),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "macvlan")]}),
    ]
    message["header"]["type"] = netlink.RTM_NEWLINK
    message.encode()
    (found,) = netlink.received(bytes(message.data))
    assert netlink.parse_link(found.body) == netlink.Link(
        9, "vrrp.50", up=True, mac="00:00:5e:00:01:32", mtu=1400, kind="macvlan", parent=3
    )


@pytest.mark.parametrize(("flags", "up"), [(0, False), (netlink.IFF_UP, False), (0x41, True), (0x40, False)])
def test_up_means_administratively_up_and_running(flags: int, up: bool) -> None:
    body = memoryview(struct.pack("=BxHiII", 0, 1, 4, flags, 0) + netlink.attribute(3, b"eth0\0"))
    assert netlink.parse_link(body).up is up


def test_with_a_peer_the_local_address_counts() -> None:
    body = netlink.address_body(Address(address="192.0.2.1", prefix=32, peer="192.0.2.9"), 4, adding=True)
    found = netlink.parse_address(memoryview(body))
    assert (found.ifindex, netlink.text(found.packed), found.prefix) == (4, "192.0.2.1", 32)


@pytest.mark.parametrize(
    ("octets", "flags", "usable"),
    [(16, 0, True), (16, netlink.IFA_F_TENTATIVE, False), (16, netlink.IFA_F_DADFAILED, False), (4, 0x40, True)],
)
def test_an_ipv6_address_in_or_failed_by_duplicate_detection_is_not_usable(
    octets: int, flags: int, usable: bool
) -> None:
    assert netlink.LinkAddress(1, bytes(octets), 64, flags, 0).usable is usable


def test_an_error_carries_the_kernels_own_words() -> None:
    words = netlink.attribute(1, b"Invalid label\0")
    body = memoryview(struct.pack("=i", -22) + bytes(16) + words)
    assert netlink.parse_error(body, 0x100 | 0x200) == (22, "Invalid label")
    assert netlink.parse_error(memoryview(struct.pack("=i", 0) + bytes(16)), 0x100) == (0, "")


@given(st.binary(max_size=200))
def test_no_octets_upset_the_reader(octets: bytes) -> None:
    for message in netlink.received(octets):
        list(netlink.attributes(message.body, 0))


def test_group_of_an_interface_is_said_and_read() -> None:
    message = ifinfmsg(netlink.request(netlink.RTM_NEWLINK, 0, 1, netlink.group_body(77, 5)))
    message.decode()
    assert (message["index"], dict(message["attrs"])) == (5, {"IFLA_GROUP": 77})
    assert netlink.parse_link(memoryview(netlink.group_body(77, 5))).group == 77
    assert netlink.parse_link(memoryview(netlink.link_body(5))).group == 0
