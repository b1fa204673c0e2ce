"""use_vmac on real hosts: the device, its packets, its answers, its end."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.config.model import Address, Authentication, Config, Vmac
from engine.messages import (
    Configure,
    EffectRefused,
    Failover,
    HandOverFinished,
    HandOverStarted,
    Ordered,
    State,
    StateChanged,
    StopRouter,
)
from hatui.lab import Host, Lab, wait_for
from tests.net.vrrp_process import VIP, VrrpProcess, sample

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
]
MAC4, MAC6 = "00:00:5e:00:01:32", "00:00:5e:00:02:32"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as one:
        one.add_host("vrrpA", "10.211.55.22/24")
        one.add_host("vrrpB", "10.211.55.23/24")
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


def four(host: Host, priority: int = 255, **words: Any) -> Any:
    address = Address(address=VIP, prefix=32)
    return sample(host, priority, **({"vmac": Vmac(), "addresses": (address,)} | words))


def six(host: Host, **words: Any) -> Any:
    return sample(
        host,
        255,
        **{
            "family": 6,
            "version": 3,
            "source": "",
            "group_address": "ff02::12",
            "authentication": Authentication(),
            "vmac": Vmac(),
            "addresses": (Address(address="fe80::5032", prefix=64), Address(address="fd00:55::50", prefix=64)),
        }
        | words,
    )


def master(process: VrrpProcess) -> None:
    process.wait_for(lambda: any(event.new is State.MASTER for event in process.happened(StateChanged)))


def device(host: Host, name: str = "vrrp.50") -> dict[str, Any]:
    found = json.loads(host.run(["ip", "-j", "-d", "link", "show", "dev", name], check=False).stdout or "[]")
    return dict(found[0]) if found else {}


def sysctl(host: Host, name: str) -> str:
    return host.run(["cat", f"/proc/sys/net/ipv4/conf/{name}"]).stdout.strip()


def tshark(lab: Lab, where: Host, kinds: str, seconds: float, *fields: str) -> list[dict[str, Any]]:
    """What a host hears in that time."""
    path = where.root / "wire.pcap"
    tcpdump = where.start(["tcpdump", "-i", "eth0", "--immediate-mode", "-U", "-n", "-w", str(path), kinds])
    wait_for(lambda: "listening" in tcpdump.output, 5, "tcpdump to listen")
    time.sleep(seconds)
    tcpdump.stop()
    argv = ["tshark", "-r", str(path), "-T", "json", "-e", "_ws.expert.message"]
    for field in fields:
        argv += ["-e", field]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def test_adverts_leave_with_the_virtual_mac_and_the_parents_address(lab: Lab, start: Any) -> None:
    """V3-7.2-03, V2-7.2-02."""
    host = lab.hosts["vrrpA"]
    a = start("vrrpA")
    a.configure(four(host))
    master(a)
    found = tshark(lab, lab.hosts["vrrpB"], "proto 112", 2.5, "eth.src", "ip.src", "vrrp.checksum.status")
    assert len(found) >= 2
    for advert in found:
        assert advert == {"eth.src": [MAC4], "ip.src": ["10.211.55.22"], "vrrp.checksum.status": ["1"]}
    made = device(host)
    assert (made["address"], made["linkinfo"]["info_kind"], made["linkinfo"]["info_data"]["mode"]) == (
        MAC4,
        "macvlan",
        "private",
    )
    assert made["inet6_addr_gen_mode"] == "none"
    assert host.addresses("vrrp.50") == [f"{VIP}/32"]


def test_a_client_reaches_the_address_by_the_virtual_mac_only(lab: Lab, start: Any) -> None:
    """V3-8.1.2-01, V3-8.1.2-02; V3-6.4.3-05, V2-6.4.3-02: what is sent to that MAC for others is forwarded."""
    host, client = lab.hosts["vrrpA"], lab.hosts["vrrpB"]
    host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter"])
    host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter"])
    a = start("vrrpA")
    a.configure(four(host, 254, version=3, advert_interval=100_000_000, authentication=Authentication()))
    master(a)
    wait_for(lambda: host.has_address(VIP), 2, "the address")
    client.run(["ip", "neigh", "flush", "all"])
    answers = tshark_while(lab, client, lambda: client.run(["ping", "-c", "3", "-i", "0.1", VIP]))
    assert {one["arp.src.hw_mac"][0] for one in answers} == {MAC4}
    host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    host.ip("route add 10.99.0.0/16 via 10.211.55.23")
    client.ip(f"route add 10.99.0.0/16 via {VIP} dev eth0 onlink")
    before = forwarded(host)
    client.run(["ping", "-c", "3", "-i", "0.1", "-W", "1", "10.99.0.1"], check=False)
    assert client.run(["ip", "neigh", "show", VIP]).stdout.split()[4] == MAC4
    assert forwarded(host) >= before + 3
    a.tell(Ordered(1, Failover("VI_1")))
    a.wait_for(lambda: a.happened(HandOverStarted))
    assert sysctl(host, "vrrp.50/arp_ignore") == "8", "the successor's announcements are not answered"
    a.wait_for(lambda: a.happened(HandOverFinished))
    assert sysctl(host, "vrrp.50/arp_ignore") == "1", "nobody came: it serves on"
    assert sysctl(host, "all/rp_filter") == "0"
    a.tell(StopRouter())
    assert a.wait() == 0
    assert sysctl(host, "all/rp_filter") == "1"
    assert sysctl(host, "eth0/arp_ignore") == "0"
    assert device(host) == {}


def forwarded(host: Host) -> int:
    """IPv4 packets that the host has forwarded. Source: proc(5) /proc/net/snmp."""
    names, values = [line.split() for line in host.run(["cat", "/proc/net/snmp"]).stdout.splitlines()[:2]]
    return int(values[names.index("ForwDatagrams")])


def tshark_while(lab: Lab, where: Host, work: Callable[[], Any]) -> list[dict[str, Any]]:
    path = where.root / "arp.pcap"
    tcpdump = where.start(["tcpdump", "-i", "eth0", "--immediate-mode", "-U", "-n", "-w", str(path), "arp[6:2] == 2"])
    wait_for(lambda: "listening" in tcpdump.output, 5, "tcpdump to listen")
    work()
    time.sleep(0.3)
    tcpdump.stop()
    argv = ["tshark", "-r", str(path), "-T", "json", "-Y", f"arp.src.proto_ipv4 == {VIP}", "-e", "arp.src.hw_mac"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def test_ipv6_leaves_from_the_parents_link_local_and_no_address_is_generated(lab: Lab, start: Any) -> None:
    """V3-7.4-01, V3O-7.4-02, V3-5.1.2.1-01."""
    host = lab.hosts["vrrpA"]
    wait_for(lambda: any(one.startswith("fe80::") for one in host.addresses()), 5, "a link-local address")
    own = next(one for one in host.addresses() if one.startswith("fe80::")).partition("/")[0]
    a = start("vrrpA")
    a.configure(six(host))
    master(a)
    fields = ("eth.src", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass", "vrrp.checksum.status")
    found = tshark(lab, lab.hosts["vrrpB"], "ip6 proto 112", 2.5, *fields)
    assert len(found) >= 2
    for advert in found:
        assert advert == {
            "eth.src": [MAC6],
            "ipv6.src": [own],
            "ipv6.dst": ["ff02::12"],
            "ipv6.hlim": ["255"],
            "ipv6.tclass": ["0x000000c0"],
            "vrrp.checksum.status": ["1"],
        }
    assert sorted(host.addresses("vrrp.50")) == ["fd00:55::50/64", "fe80::5032/64"]
    reported = host.run(["cat", "/proc/sys/net/ipv6/conf/vrrp.50/mldv2_unsolicited_report_interval"]).stdout.strip()
    assert int(reported) < 50, "the switch sees the virtual MAC at the wrong port for a moment only"


def test_a_backup_hears_a_master_with_a_virtual_mac_and_takes_over_with_the_same(lab: Lab, start: Any) -> None:
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(four(lab.hosts["vrrpA"], 255))
    b.configure(four(lab.hosts["vrrpB"], 50))
    master(a)
    time.sleep(4.5)
    assert b.status().state is State.BACKUP
    a.tell(StopRouter())
    assert a.wait() == 0
    master(b)
    assert lab.hosts["vrrpB"].addresses("vrrp.50") == [f"{VIP}/32"]
    assert device(lab.hosts["vrrpB"])["address"] == MAC4


def test_with_xmit_base_adverts_leave_from_the_parent(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    a = start("vrrpA")
    a.configure(four(host, vmac=Vmac(name="virtual0", mac="02:00:00:00:00:99", xmit_base=True)))
    master(a)
    found = tshark(lab, lab.hosts["vrrpB"], "proto 112", 2.2, "eth.src")
    assert {one["eth.src"][0] for one in found} == {host.mac}
    assert device(host, "virtual0")["address"] == "02:00:00:00:00:99"
    assert host.addresses("virtual0") == [f"{VIP}/32"]


def test_only_the_master_passes_on_what_comes_to_the_virtual_mac(lab: Lab, start: Any) -> None:
    """A switch that has forgotten the MAC floods, and what two routers pass on arrives twice."""
    host, client = lab.hosts["vrrpA"], lab.add_host("client", "10.211.55.24/24")
    host.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    host.ip("link add low0 type bridge", "address add 10.211.58.1/24 dev low0", "link set low0 up")
    gate = "10.211.55.99"
    client.ip(f"neigh add {gate} lladdr {MAC4} dev eth0", f"route add 10.211.58.0/24 via {gate} dev eth0")

    def passed_on() -> int:
        """Packets for others that the host has taken so far."""
        lines = [line.split() for line in host.run(["cat", "/proc/net/snmp"]).stdout.splitlines()]
        titles, values = [words for words in lines if words[0] == "Ip:"]
        return int(values[titles.index("ForwDatagrams")])

    def one_more() -> bool:
        before = passed_on()
        client.run(["ping", "-c", "2", "-i", "0.05", "-W", "0.1", "10.211.58.9"], check=False)
        return passed_on() > before

    a = start("vrrpA")
    a.configure(four(host, 50))
    wait_for(lambda: device(host), 5, "the device")
    assert a.status().state is State.BACKUP
    assert not one_more()
    a.configure(four(host))
    master(a)
    wait_for(one_more, 5, "a packet to be passed on")
    a.close()
    again = start("vrrpA")
    again.configure(four(host, 50))
    assert again.status().state is State.BACKUP
    wait_for(lambda: not one_more(), 5, "the one that is master no more to rest")


def test_the_device_follows_its_parent_and_a_reload(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    a = start("vrrpA")
    a.configure(four(host))
    master(a)
    first = device(host)
    host.ip("link del vrrp.50")
    wait_for(lambda: device(host) and device(host)["ifindex"] != first["ifindex"], 5, "the device to come back")
    wait_for(lambda: host.addresses("vrrp.50") == [f"{VIP}/32"], 5, "the address to come back")
    a.configure(four(host, vmac=None))
    wait_for(lambda: not device(host), 5, "the device to go")


def test_a_killed_process_leaves_the_device_and_the_next_one_adopts_it(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    a = start("vrrpA")
    a.configure(four(host))
    master(a)
    a.close()
    first = device(host)["ifindex"]
    again = start("vrrpA")
    again.configure(four(host))
    master(again)
    assert device(host)["ifindex"] == first
    again.tell(StopRouter())
    assert again.wait() == 0
    assert device(host) == {}


def test_the_device_of_somebody_else_is_not_touched(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    host.ip("link add vrrp.50 type bridge")
    a = start("vrrpA")
    a.configure(four(host))
    refused = a.wait_for(lambda: a.happened(EffectRefused))
    assert refused[0].reason == "cannot make vrrp.50 on eth0: there is another interface of that name (bridge)"
    a.core_dies()
    a.wait()
    assert device(host)["linkinfo"]["info_kind"] == "bridge"


@pytest.mark.parametrize("order", [Configure(Config()), StopRouter()], ids=["removed by a reload", "stopped"])
def test_a_virtual_mac_moves_to_the_successor_without_a_lost_ping(lab: Lab, start: Any, order: Any) -> None:
    """Both have the same MAC, so no frame of the one that leaves may show the switch its port again. What only the
    removed instance needed is given back after the hand-over."""
    host, other, client = lab.hosts["vrrpA"], lab.hosts["vrrpB"], lab.add_host("client", "10.211.55.24/24")
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(four(host))
    master(a)
    b.configure(four(other, 50))
    b.wait_for(lambda: b.status().peer_priority == 255)
    pinger = lab.pinger(client, VIP)
    pinger.wait_for_owner("vrrpA")
    since = time.monotonic_ns()
    a.tell(order)
    a.wait_for(lambda: a.happened(HandOverStarted))
    assert device(host), "it still serves"
    b.wait_for(lambda: any(one.new is State.MASTER for one in b.happened(StateChanged)))
    (done,) = a.wait_for(lambda: a.happened(HandOverFinished))
    assert (done.successor, done.released) == ("10.211.55.23", True)
    wait_for(lambda: device(host) == {}, 3, "the device to go")
    time.sleep(0.3)
    report = pinger.report(since)
    pinger.stop()
    assert report.lost <= 1
    assert lab.owners(VIP) == ["vrrpB"]
