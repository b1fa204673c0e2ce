"""The mirror of links and addresses against a real kernel."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.config.model import Address
from engine.messages import AddressChanged, EffectFailed, Input, InterfaceChanged
from engine.vrrp.kernel import DOOMED, Kernel
from engine.vrrp.netlink import RTM_DELLINK, RTM_NEWLINK
from hatui.lab import Host, Lab, wait_for
from tests.net.entering import inside

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture
def host(lab: Lab) -> Iterator[Host]:
    one = lab.add_host("vrrpk", "10.211.55.22/24")
    yield one
    lab.power_off(one)
    del lab.hosts["vrrpk"]


@pytest.fixture
def other(lab: Lab) -> Iterator[Host]:
    one = lab.add_host("vrrpo", "10.211.55.23/24")
    yield one
    lab.power_off(one)
    del lab.hosts["vrrpo"]


@pytest.fixture
def kernel(host: Host) -> Iterator[Kernel]:
    with inside(host.pid):
        one = Kernel()
    yield one
    one.close()


def read_until(kernel: Kernel, done: Callable[[list[Input]], bool], timeout_s: float = 5) -> list[Input]:
    told: list[Input] = []
    end = time.monotonic() + timeout_s
    while not done(told):
        assert time.monotonic() < end, told
        told += kernel.read()
        time.sleep(0.005)
    return told


def vip(address: str, prefix: int, **words: object) -> Address:
    return Address(address=address, prefix=prefix, interface="eth0", **words)  # type: ignore[arg-type]


def test_the_first_dump_tells_each_interface_with_its_addresses(kernel: Kernel, host: Host) -> None:
    wait_for(lambda: (link := kernel.look("eth0")) is not None and link.up, 5, "the carrier of a host just made")
    told = {one.interface: one for one in kernel.start()}
    eth0 = told["eth0"]
    assert (eth0.exists, eth0.up, eth0.mac, eth0.mtu, eth0.kind) == (True, True, host.mac, 1500, "veth")
    assert eth0.addresses[0] == "10.211.55.22/24"
    assert told["lo"].addresses[0] == "127.0.0.1/8"


def test_our_addresses_are_confirmed_and_their_echo_is_not_told_again(kernel: Kernel, host: Host) -> None:
    kernel.start()
    wanted = [vip("10.211.55.50", 32), vip("2001:db8::50", 64), vip("10.211.55.51", 24, label="eth0:vip")]
    told = kernel.add_addresses("VI_1", wanted)
    assert told == [AddressChanged("eth0", one.address, one.prefix, present=True, foreign=False) for one in wanted]
    assert all(kernel.present(one) for one in wanted)
    assert {"10.211.55.50/32", "2001:db8::50/64", "10.211.55.51/24"} <= set(host.addresses())
    assert "eth0:vip" in host.run(["ip", "addr"]).stdout

    told = kernel.remove_addresses("VI_1", wanted)
    assert told == [AddressChanged("eth0", one.address, one.prefix, present=False, foreign=False) for one in wanted]
    assert not any(kernel.present(one) for one in wanted)
    assert not {"10.211.55.50/32", "2001:db8::50/64", "10.211.55.51/24"} & set(host.addresses())
    host.ip("addr add 192.0.2.7/32 dev eth0")
    marker = AddressChanged("eth0", "192.0.2.7", 32, present=True)
    assert [one for one in read_until(kernel, lambda told: marker in told) if isinstance(one, AddressChanged)] == [
        marker
    ]


def test_addresses_with_all_their_words_are_what_ip_address_would_have_made(kernel: Kernel, host: Host) -> None:
    """Each once by us and once by ip(8) on another interface of the same host: the kernel shows them alike."""
    host.ip("link add d0 type veth peer name d1", "link set d1 up", "link set d0 up")
    kernel.start()
    words: list[tuple[str, dict[str, Any], str]] = [
        ("192.0.2.1/24", {"broadcast": "192.0.2.255", "label": "eth0:vip"}, "/24 brd 192.0.2.255 label d0:vip"),
        ("192.0.2.65/26", {"scope": 253}, "/26 scope link"),
        ("192.0.2.129/32", {"peer": "192.0.2.130"}, " peer 192.0.2.130/32"),
        ("192.0.2.201/29", {"noprefixroute": True, "preferred_lifetime_s": 0}, "/29 noprefixroute preferred_lft 0"),
        ("2001:db8:1::1/64", {"home": True}, "/64 home nodad"),
        ("2001:db8:2::1/64", {"mngtmpaddr": True}, "/64 mngtmpaddr nodad"),
        ("2001:db8:3::1/128", {}, "/128 nodad preferred_lft 0"),
    ]
    for text, given, by_ip in words:
        address, _, prefix = text.partition("/")
        wanted = vip(address, int(prefix), **given)
        told = kernel.add_addresses("VI_1", [wanted])
        assert [one for one in told if isinstance(one, EffectFailed)] == []
        ours = shown(host, "eth0", address)
        told = kernel.remove_addresses("VI_1", [wanted])
        assert [one for one in told if isinstance(one, EffectFailed)] == []
        host.ip(f"addr add {address}{by_ip} dev d0")
        assert ours == shown(host, "d0", address), text


def shown(host: Host, interface: str, address: str) -> dict[str, Any]:
    """What the kernel shows of an address, but for the name of its interface."""
    found = json.loads(host.run(["ip", "-j", "addr", "show", "dev", interface]).stdout)[0]["addr_info"]
    (one,) = [info for info in found if info["local"] == address]
    one["label"] = one.get("label", "").replace(interface, "DEV")
    return {key: value for key, value in one.items() if key != "tentative"}


def test_doing_it_twice_is_no_failure(kernel: Kernel) -> None:
    kernel.start()
    wanted = [vip("10.211.55.50", 32), vip("2001:db8::50", 128)]
    assert kernel.add_addresses("VI_1", wanted) == kernel.add_addresses("VI_1", wanted)
    assert kernel.remove_addresses("VI_1", wanted) == kernel.remove_addresses("VI_1", wanted)


def test_a_foreign_hand_is_told(kernel: Kernel, host: Host) -> None:
    kernel.start()
    kernel.add_addresses("VI_1", [vip("10.211.55.50", 32)])
    host.ip("addr del 10.211.55.50/32 dev eth0")
    told = read_until(kernel, lambda told: any(isinstance(one, InterfaceChanged) for one in told))
    assert told[0] == AddressChanged("eth0", "10.211.55.50", 32, present=False, foreign=True)
    assert isinstance(told[-1], InterfaceChanged)
    assert "10.211.55.50/32" not in told[-1].addresses
    assert not kernel.present(vip("10.211.55.50", 32))


def test_a_removal_that_is_older_than_our_own_addition_does_not_count(kernel: Kernel, host: Host) -> None:
    """The notification of the foreign removal is read after we have put the address back."""
    kernel.start()
    wanted = vip("10.211.55.50", 32)
    kernel.add_addresses("VI_1", [wanted])
    kernel.read()
    host.ip("addr del 10.211.55.50/32 dev eth0")
    kernel.add_addresses("VI_1", [wanted])
    assert kernel.read() == []
    assert kernel.present(wanted)


def test_refusals_are_sentences(kernel: Kernel, host: Host) -> None:
    kernel.start()
    host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"])
    nowhere = Address(address="192.0.2.1", prefix=32, interface="eth9")
    told = kernel.add_addresses("VI_1", [vip("2001:db8::50", 64), nowhere, vip("10.211.55.50", 32)])
    assert told[0] == AddressChanged("eth0", "10.211.55.50", 32, present=True, foreign=False)
    assert told[1] == EffectFailed(
        "VI_1", "add-addresses", "cannot add 192.0.2.1/32: there is no interface eth9 (and 1 more)"
    )
    (told_alone,) = kernel.add_addresses("VI_1", [vip("2001:db8::50", 64)])
    assert isinstance(told_alone, EffectFailed)
    assert told_alone.reason.startswith("cannot add 2001:db8::50/64 to eth0: Permission denied")
    assert "disable_ipv6" in told_alone.reason


def test_an_interface_goes_down_away_and_comes_back(kernel: Kernel, host: Host) -> None:
    kernel.start()
    host.ip("link add d0 type veth peer name d1", "link set d1 up", "link set d0 up", "addr add 192.0.2.1/24 dev d0")

    def up(told: list[Input]) -> bool:
        return any(
            isinstance(one, InterfaceChanged) and one.interface == "d0" and one.up and one.addresses for one in told
        )

    read_until(kernel, up)
    first = kernel.link("d0")
    assert first is not None

    host.ip("link set d1 down")
    read_until(kernel, lambda told: any(isinstance(one, InterfaceChanged) and not one.up for one in told))
    host.ip("link del d0")
    gone = read_until(kernel, lambda told: any(isinstance(one, InterfaceChanged) and not one.exists for one in told))
    assert any(isinstance(one, InterfaceChanged) and one.interface == "d0" and not one.exists for one in gone)
    assert kernel.link("d0") is None

    host.ip("link add d0 type veth peer name d1", "link set d1 up", "link set d0 up", "addr add 192.0.2.1/24 dev d0")
    read_until(kernel, up)
    second = kernel.link("d0")
    assert second is not None
    assert second.ifindex != first.ifindex


def test_a_renamed_interface_is_gone_and_there_under_its_new_name(kernel: Kernel, host: Host) -> None:
    kernel.start()
    host.ip("link add d0 type veth peer name d1", "link set d0 name d7")
    told = read_until(
        kernel, lambda told: any(isinstance(one, InterfaceChanged) and one.interface == "d7" for one in told)
    )
    names = [(one.interface, one.exists) for one in told if isinstance(one, InterfaceChanged)]
    assert names.index(("d0", False)) < names.index(("d7", True))
    assert kernel.link("d0") is None


def test_lost_notifications_are_healed_by_a_dump(kernel: Kernel, host: Host) -> None:
    kernel.start()
    kernel.add_addresses("VI_1", [vip("10.211.55.50", 32)])
    kernel._monitor.setsockopt(1, 33, 1)  # the smallest buffer there is
    host.ip(
        "addr del 10.211.55.50/32 dev eth0",
        *(f"addr add 192.0.2.{number}/32 dev eth0" for number in range(1, 100)),
    )
    gone = AddressChanged("eth0", "10.211.55.50", 32, present=False)
    last = AddressChanged("eth0", "192.0.2.99", 32, present=True)
    read_until(kernel, lambda told: gone in told and last in told)
    assert kernel.overruns >= 1
    assert not kernel.present(vip("10.211.55.50", 32))


def test_an_address_with_duplicate_detection_is_present_only_when_that_has_ended(kernel: Kernel, host: Host) -> None:
    """V3-8.2.2-06: tentative addresses count as absent."""
    kernel.start()
    wanted = vip("2001:db8::50", 64, nodad=False)
    assert kernel.add_addresses("VI_1", [wanted]) == []
    assert not kernel.present(wanted)
    ended = AddressChanged("eth0", "2001:db8::50", 64, present=True, foreign=False)
    read_until(kernel, lambda told: ended in told)
    assert kernel.present(wanted)


def test_an_address_that_another_host_has_is_refused_and_taken_once_that_one_lets_go(
    kernel: Kernel, host: Host, other: Host
) -> None:
    """Duplicate address detection: the kernel keeps a failed address, unusable; added anew it is tried again."""
    other.ip("addr add 2001:db8::50/64 dev eth0 nodad")
    kernel.start()
    wanted = vip("2001:db8::50", 64, nodad=False)
    assert kernel.add_addresses("VI_1", [wanted]) == []
    told = read_until(kernel, lambda told: any(isinstance(one, EffectFailed) for one in told))
    (failed,) = [one for one in told if isinstance(one, EffectFailed)]
    assert "another host has this address" in failed.reason
    assert not kernel.present(wanted)
    other.ip("addr del 2001:db8::50/64 dev eth0")
    assert kernel.add_addresses("VI_1", [wanted]) == []
    assert not kernel.present(wanted), "detection runs again"
    ended = AddressChanged("eth0", "2001:db8::50", 64, present=True, foreign=False)
    read_until(kernel, lambda told: ended in told)
    assert kernel.present(wanted)


def test_a_thousand_addresses_within_the_budget(kernel: Kernel) -> None:
    kernel.start()
    wanted = [vip(f"10.9.{number // 250}.{number % 250 + 1}", 32) for number in range(1000)]
    start = time.monotonic()
    for first in range(0, 1000, 32):
        kernel.add_addresses("VI_1", wanted[first : first + 32])
    taken = time.monotonic() - start
    assert all(kernel.present(one) for one in wanted)
    kernel.remove_addresses("VI_1", wanted)
    assert taken < 0.5


def links(host: Host) -> set[str]:
    return {one["ifname"] for one in json.loads(host.run(["ip", "-j", "link"]).stdout)}


def test_many_interfaces_go_in_one_step_and_nobody_elses(
    kernel: Kernel, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, twenty virtual MACs cost half a second."""
    names = [f"vrrp.{number}" for number in range(1, 21)]
    host.ip(*(f"link add {name} link eth0 type macvlan mode private" for name in ("other", *names)))
    kernel.start()
    asked: list[tuple[int, int]] = []
    transact = kernel.transact

    def counted(kind: int, flags: int, bodies: Any) -> Any:
        asked.append((kind, len(bodies)))
        return transact(kind, flags, bodies)

    monkeypatch.setattr(kernel, "transact", counted)
    kernel.delete_links([one for name in names if (one := kernel.link(name)) is not None])
    assert links(host) == {"lo", "eth0", "other"}
    assert asked == [(RTM_NEWLINK, 20), (RTM_DELLINK, 1)]
    read_until(kernel, lambda _: kernel.link("vrrp.20") is None)


def test_interfaces_go_one_by_one_when_the_group_is_somebody_elses(kernel: Kernel, host: Host) -> None:
    host.ip(
        "link add other link eth0 type macvlan",
        f"link set other group {DOOMED}",
        "link add vrrp.1 link eth0 type macvlan",
        "link add vrrp.2 link eth0 type macvlan",
    )
    kernel.start()
    kernel.delete_links([one for name in ("vrrp.1", "vrrp.2") if (one := kernel.link(name)) is not None])
    assert links(host) == {"lo", "eth0", "other"}
