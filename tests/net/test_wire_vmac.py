"""Every ARP and neighbour discovery frame about a virtual address, from before the start to after the end.

Owns the proof that the physical MAC is never learnt for an address of use_vmac, and that the kernel joins and
leaves what the state asks for. All verdicts are from packets heard by the other host.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.config.model import Address, Authentication, Vmac
from engine.messages import State, StateChanged, StopRouter
from hatui.lab import Host, Lab, wait_for
from tests.net.vrrp_process import VIP, VrrpProcess, sample

pytestmark = [
    pytest.mark.net,
    pytest.mark.programs("tshark", "tcpdump", "nft"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
]
MAC4, MAC6 = "00:00:5e:00:01:32", "00:00:5e:00:02:32"
SIX, LINK_LOCAL = "fd00:55::50", "fe80::5032"
GROUPS = {"ff02::1:ff00:50", "ff02::1:ff00:5032"}
"""The solicited-node groups of the two IPv6 addresses. Source: RFC 4291 2.7.1."""
QUARTER = 250_000_000


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as one:
        one.add_host("vrrpA", "10.211.55.22/24")
        client = one.add_host("vrrpB", "10.211.55.23/24")
        client.ip("addr add fd00:55::23/64 dev eth0 nodad")
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


def four(host: Host, priority: int, version: int = 2, **words: Any) -> Any:
    known = {
        "version": version,
        "authentication": Authentication(),
        "vmac": Vmac(),
        "addresses": (Address(address=VIP, prefix=32),),
    }
    return sample(host, priority, **(known | words))


def six(host: Host, priority: int, **words: Any) -> Any:
    known = {
        "family": 6,
        "version": 3,
        "advert_interval": QUARTER,
        "source": "",
        "group_address": "ff02::12",
        "authentication": Authentication(),
        "vmac": Vmac(),
        "addresses": (Address(address=LINK_LOCAL, prefix=64), Address(address=SIX, prefix=64)),
    }
    return sample(host, priority, **(known | words))


def entered(process: VrrpProcess, state: State) -> None:
    process.wait_for(lambda: any(event.new is state for event in process.happened(StateChanged)))


def ping(client: Host, address: str) -> bool:
    return client.run(["ping", "-c", "2", "-i", "0.2", "-W", "1", address], check=False).returncode == 0


Frames = list[dict[str, list[str]]]


@contextmanager
def heard(client: Host, fields: tuple[str, ...]) -> Iterator[Frames]:
    """All frames that the client's interface sees meanwhile, by the fields asked for; filled at the end."""
    path = client.root / "wire.pcap"
    tcpdump = client.start(["tcpdump", "-i", "eth0", "--immediate-mode", "-U", "-n", "-w", str(path)])
    wait_for(lambda: "listening" in tcpdump.output, 5, "tcpdump to listen")
    frames: Frames = []
    yield frames
    tcpdump.stop()
    argv = ["tshark", "-n", "-r", str(path), "-T", "json"]
    for field in ("eth.src", *fields):
        argv += ["-e", field]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    frames += [packet["_source"].get("layers", {}) for packet in json.loads(done.stdout)]


def about(frames: Frames, field: str, *values: str) -> Frames:
    return [one for one in frames if set(values) & set(one.get(field, ()))]


@pytest.mark.parametrize("version", [2, 3])
def test_no_arp_from_start_to_end_shows_the_physical_mac(lab: Lab, start: Any, version: int) -> None:
    """V3-6.4.3-01, V3-8.1.2-03, V2-6.4.3-01, V2-7.2-02, V2-8.2-01/02/03."""
    host, client = lab.hosts["vrrpA"], lab.hosts["vrrpB"]
    with heard(client, ("arp.opcode", "arp.src.proto_ipv4", "arp.src.hw_mac", "vrrp.version")) as frames:
        a = start("vrrpA")
        a.configure(four(host, 255, version))
        entered(a, State.MASTER)
        wait_for(lambda: host.has_address(VIP), 2, "the address")
        for _ in range(2):
            client.run(["ip", "neigh", "flush", "all"])
            assert ping(client, VIP)
        a.tell(StopRouter())
        assert a.wait() == 0
    claims = about(frames, "arp.src.proto_ipv4", VIP)
    assert {one["arp.opcode"][0] for one in claims} == {"1", "2"}, "announcements and answers"
    assert {one["arp.src.hw_mac"][0] for one in claims} == {MAC4}
    assert {one["eth.src"][0] for one in claims} == {MAC4}
    adverts = about(frames, "vrrp.version", str(version))
    assert len(adverts) >= 2
    assert {one["eth.src"][0] for one in adverts} == {MAC4}


def test_no_neighbour_discovery_from_start_to_end_shows_the_physical_mac(lab: Lab, start: Any) -> None:
    """V3-6.4.3-03, V3-8.2.2-01/04/07. The kernel sets R where it forwards."""
    host, client = lab.hosts["vrrpA"], lab.hosts["vrrpB"]
    host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"])
    wait_for(lambda: any(one.startswith("fe80::") for one in host.addresses()), 5, "a link-local address")
    options = "icmpv6.opt.linkaddr"
    fields = ("ipv6.src", "icmpv6.type", "icmpv6.nd.na.target_address", "icmpv6.nd.na.flag.r", options)
    with heard(client, (*fields, "icmpv6.nd.na.flag.s", "icmpv6.nd.ns.target_address")) as frames:
        a = start("vrrpA")
        a.configure(six(host, 255))
        entered(a, State.MASTER)
        wait_for(lambda: host.has_address(SIX), 2, "the address")
        for _ in range(2):
            client.run(["ip", "-6", "neigh", "flush", "dev", "eth0"])
            assert ping(client, SIX)
            assert ping(client, f"{LINK_LOCAL}%eth0")
        a.tell(StopRouter())
        assert a.wait() == 0
    for address in (SIX, LINK_LOCAL):
        claims = about(frames, "icmpv6.nd.na.target_address", address)
        answers = [one for one in claims if one["icmpv6.nd.na.flag.s"][0] in ("1", "True")]
        assert answers, f"somebody answered for {address}"
        assert len(claims) > len(answers), f"{address} was announced"
        for one in claims:
            assert one["eth.src"] == [MAC6]
            assert one[options] == [MAC6]
            assert one["icmpv6.nd.na.flag.r"][0] in ("1", "True")
    spoken = about(frames, "ipv6.src", SIX, LINK_LOCAL)
    assert {one["eth.src"][0] for one in spoken} == {MAC6}
    tentative = about(frames, "icmpv6.nd.ns.target_address", SIX, LINK_LOCAL)
    assert {one["eth.src"][0] for one in tentative} <= {client.mac}, "duplicate detection is left out"


def groups(host: Host) -> set[str]:
    """The IPv6 groups of the virtual MAC device."""
    shown = json.loads(host.run(["ip", "-j", "-6", "maddr", "show", "dev", "vrrp.50"]).stdout)
    return {entry["address"] for one in shown for entry in one["maddr"]}


def test_solicited_node_groups_and_addresses_follow_the_state(lab: Lab, start: Any) -> None:
    """V3-6.4.3-02."""
    hosts = [lab.hosts["vrrpA"], lab.hosts["vrrpB"]]
    for host in hosts:
        wait_for(lambda host=host: any(one.startswith("fe80::") for one in host.addresses()), 5, "a link-local address")
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(six(hosts[0], 100))
    entered(a, State.BACKUP)
    assert not GROUPS & groups(hosts[0])
    assert hosts[0].addresses("vrrp.50") == []
    entered(a, State.MASTER)
    wait_for(lambda: groups(hosts[0]) >= GROUPS, 2, "the groups")
    assert sorted(hosts[0].addresses("vrrp.50")) == [f"{SIX}/64", f"{LINK_LOCAL}/64"]
    before = len(a.happened(StateChanged))
    b.configure(six(hosts[1], 200))
    a.wait_for(lambda: any(event.new is State.BACKUP for event in a.happened(StateChanged)[before:]))
    wait_for(lambda: not GROUPS & groups(hosts[0]), 2, "the groups to be left")
    assert hosts[0].addresses("vrrp.50") == []
    wait_for(lambda: groups(hosts[1]) >= GROUPS, 2, "the groups on the other host")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(("priority", "accept"), [(255, False), (200, True)])
def test_owner_and_who_accepts_answer_a_ping(
    lab: Lab, start: Any, version: int, priority: int, *, accept: bool
) -> None:
    """V3-6.4.3-06, V2-6.4.3-04."""
    host, client = lab.hosts["vrrpA"], lab.hosts["vrrpB"]
    a = start("vrrpA")
    a.configure(four(host, priority, version, accept=accept))
    entered(a, State.MASTER)
    wait_for(lambda: host.has_address(VIP), 2, "the address")
    assert ping(client, VIP)


@pytest.mark.parametrize("version", [2, 3])
def test_who_does_not_accept_neither_answers_nor_forwards_to_the_address(lab: Lab, start: Any, version: int) -> None:
    """V3-8.3.1-01, V2-6.4.3-03, V2-8.4-01."""
    host, client = lab.hosts["vrrpA"], lab.hosts["vrrpB"]
    host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    host.ip(f"route add {VIP}/32 via 10.211.55.23")  # where it would loop to
    a = start("vrrpA")
    a.configure(four(host, 200, version, accept=False))
    with heard(client, ("ip.src", "ip.dst", "ip.ttl", "icmp.type", "arp.src.proto_ipv4")) as frames:
        entered(a, State.MASTER)
        wait_for(lambda: host.has_address(VIP), 2, "the address")
        assert not ping(client, VIP)
    asked = [one for one in about(frames, "ip.dst", VIP) if one["icmp.type"] == ["8"]]
    assert len(asked) == 2
    assert {one["eth.src"][0] for one in asked} == {client.mac}, "nothing came back out"
    assert about(frames, "arp.src.proto_ipv4", VIP), "it was found by its neighbours"
    assert not about(frames, "ip.src", VIP)
