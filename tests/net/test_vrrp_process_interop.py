"""One vrrp process beside one keepalived, for each way of speaking: both hear each other, one owner at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.config.model import Address, Authentication, UnicastPeer, Vmac
from engine.messages import AdvertRejected, State, StateChanged, StopRouter
from hatui.lab import Lab, start_keepalived, wait_for
from hatui.lab.host import which
from tests.net.vrrp_process import VIP, VrrpProcess, sample

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
    pytest.mark.skipif(not which("keepalived"), reason="keepalived is not installed"),
]
QUARTER = 250_000_000
A6, B6 = "fe80::22", "fe80::23"
SIX = (Address(address="fe80::5032", prefix=64), Address(address="fd00:55::50", prefix=64))

WAYS: dict[str, tuple[dict[str, Any], str, str]] = {
    "v2 pass": ({}, "version 2\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 1111\n}", VIP),
    "v2 ah": (
        {"authentication": Authentication(kind="ah", key=b"1111\0\0\0\0")},
        "version 2\nadvert_int 1\nauthentication {\nauth_type AH\nauth_pass 1111\n}",
        VIP,
    ),
    "v3": (
        {"version": 3, "advert_interval": QUARTER, "authentication": Authentication()},
        "version 3\nadvert_int 0.25",
        VIP,
    ),
    "v3 vmac": (
        {
            "version": 3,
            "advert_interval": QUARTER,
            "authentication": Authentication(),
            "vmac": Vmac(),
            "addresses": (Address(address=VIP, prefix=32),),
        },
        "version 3\nadvert_int 0.25\nuse_vmac",
        VIP,
    ),
    "v3 unicast": (
        {
            "version": 3,
            "advert_interval": QUARTER,
            "authentication": Authentication(),
            "unicast": True,
            "unicast_peers": (UnicastPeer("10.211.55.23"),),
        },
        "version 3\nadvert_int 0.25\nunicast_src_ip 10.211.55.23\nunicast_peer {\n10.211.55.22\n}",
        VIP,
    ),
    "ipv6": (
        {
            "version": 3,
            "family": 6,
            "advert_interval": QUARTER,
            "authentication": Authentication(),
            "source": "",
            "group_address": "ff02::12",
            "addresses": SIX,
        },
        "version 3\nadvert_int 0.25",
        "fd00:55::50",
    ),
    "ipv6 vmac": (
        {
            "version": 3,
            "family": 6,
            "advert_interval": QUARTER,
            "authentication": Authentication(),
            "source": "",
            "group_address": "ff02::12",
            "addresses": SIX,
            "vmac": Vmac(),
        },
        "version 3\nadvert_int 0.25\nuse_vmac",
        "fd00:55::50",
    ),
    "ipv6 unicast": (
        {
            "version": 3,
            "family": 6,
            "advert_interval": QUARTER,
            "authentication": Authentication(),
            "source": A6,
            "unicast": True,
            "unicast_peers": (UnicastPeer(B6),),
            "group_address": "ff02::12",
            "addresses": SIX,
        },
        f"version 3\nadvert_int 0.25\nunicast_src_ip {B6}\nunicast_peer {{\n{A6}\n}}",
        "fd00:55::50",
    ),
}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as one:
        for name, four, six in (("vrrpA", "10.211.55.22", A6), ("vrrpB", "10.211.55.23", B6)):
            host = one.add_host(name, f"{four}/24")
            host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/addr_gen_mode"])
            host.ip("addr flush dev eth0 scope link", f"addr add {six}/64 dev eth0 nodad")
        yield one


@pytest.fixture
def start(lab: Lab) -> Iterator[Callable[[str], VrrpProcess]]:
    started: list[VrrpProcess] = []

    def one(name: str) -> VrrpProcess:
        started.append(VrrpProcess(lab.hosts[name]))
        return started[-1]

    yield one
    for process in started:
        process.close()


def keepalived(words: str, addresses: tuple[Address, ...] | None) -> str:
    placed = "\n".join(f"{one.address}/{one.prefix}" for one in addresses) if addresses else VIP
    return (
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 50\npriority 50\n"
        f"{words}\nvirtual_ipaddress {{\n{placed}\n}}\n}}\n"
    )


@pytest.mark.parametrize("way", WAYS)
def test_both_hear_each_other_and_there_is_one_owner(lab: Lab, start: Any, way: str) -> None:
    words, theirs, address = WAYS[way]
    interval = 1.0 if "v2" in way else 0.25
    a = start("vrrpA")
    a.configure(sample(lab.hosts["vrrpA"], 100, **words))
    a.wait_for(lambda: any(event.new is State.MASTER for event in a.happened(StateChanged)))
    lab.wait_for_owner("vrrpA", 2, address)
    other = start_keepalived(lab.hosts["vrrpB"], keepalived(theirs, words.get("addresses")))
    wait_for(lambda: "Entering BACKUP STATE" in other.output, 5, "keepalived to start")
    end = time.monotonic() + 4.5 * interval
    while time.monotonic() < end:  # longer than its master-down interval: it hears us
        assert lab.owners(address) == ["vrrpA"], other.output
        time.sleep(0.1)
    assert "Entering MASTER STATE" not in other.output

    a.tell(StopRouter())
    assert a.wait() == 0
    lab.wait_for_owner("vrrpB", 3, address)

    again = start("vrrpA")
    again.configure(sample(lab.hosts["vrrpA"], 100, **words))
    again.wait_for(lambda: again.status().peer != "", 3 * interval + 1)
    assert again.status().state is State.BACKUP
    assert again.status().peer == (B6 if "ipv6" in way else "10.211.55.23")
    assert again.status().peer_priority == 50
    again.wait_for(lambda: any(event.new is State.MASTER for event in again.happened(StateChanged)))
    lab.wait_for_owner("vrrpA", 3, address)
    assert again.happened(AdvertRejected) == []
    other.stop()
