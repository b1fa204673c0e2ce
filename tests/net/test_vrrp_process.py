"""The vrrp process on real hosts: addresses, adverts on the wire, hand-over, faults, the death of core."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.config.model import Address, Authentication
from engine.messages import (
    AddressLost,
    Cause,
    CommandFinished,
    Configure,
    EffectRefused,
    Failover,
    HandOverFinished,
    LastKnown,
    Ordered,
    Outcome,
    PacketJudged,
    State,
    StateChanged,
    StopRouter,
    Verdict,
    WatchPackets,
)
from hatui.lab import Host, Lab, Program, wait_for
from tests.net.vrrp_process import VIP, VrrpProcess, sample

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
]
MASTER_DOWN_S = 3.61
"""Priority 100, advert interval 1 s."""


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


def entered(process: VrrpProcess, state: State) -> Callable[[], bool]:
    return lambda: any(event.new is state for event in process.happened(StateChanged))


def capture(lab: Lab, host: Host, kinds: str = "proto 112 or arp") -> Program:
    tcpdump = host.start(
        ["tcpdump", "-i", "eth0", "--immediate-mode", "-U", "-n", "-w", str(host.root / "wire.pcap"), kinds]
    )
    wait_for(lambda: "listening" in tcpdump.output, 5, "tcpdump to listen")
    return tcpdump


def judged_by_tshark(host: Host, shown: str, *fields: str) -> list[dict[str, Any]]:
    """The packets that match `shown`, with the fields asked for and any complaint of tshark."""
    argv = ["tshark", "-r", str(host.root / "wire.pcap"), "-T", "json", "-Y", shown, "-o", "ip.check_checksum:TRUE"]
    for field in ("_ws.expert.message", *fields):
        argv += ["-e", field]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def test_alone_it_takes_the_address_and_its_packets_are_judged_good(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    tcpdump = capture(lab, lab.hosts["vrrpB"])
    a = start("vrrpA")
    began = time.monotonic()
    a.configure(sample(host, 100))
    a.wait_for(entered(a, State.MASTER))
    assert MASTER_DOWN_S - 0.05 < time.monotonic() - began < MASTER_DOWN_S + 1.5  # seen late on a busy machine
    wait_for(lambda: f"{VIP}/32" in host.addresses(), 1, "the address")
    status = a.status()
    assert status.state is State.MASTER
    assert [one.present for one in status.addresses] == [True]
    time.sleep(2.5)
    tcpdump.stop()

    adverts = judged_by_tshark(lab.hosts["vrrpB"], "vrrp", "ip.src", "ip.ttl", "vrrp.prio", "vrrp.checksum.status")
    assert 3 <= len(adverts) <= 5
    for advert in adverts:
        assert advert == {
            "ip.src": ["10.211.55.22"],
            "ip.ttl": ["255"],
            "vrrp.prio": ["100"],
            "vrrp.checksum.status": ["1"],
        }
    announcements = judged_by_tshark(
        lab.hosts["vrrpB"], f"arp.src.proto_ipv4 == {VIP}", "arp.opcode", "arp.dst.hw_mac", "eth.dst", "eth.src"
    )
    assert len(announcements) >= 5
    for one in announcements[:5]:
        assert one["arp.opcode"] == ["1"]
        assert one["arp.dst.hw_mac"] == one["eth.dst"] == ["ff:ff:ff:ff:ff:ff"]
        assert one["eth.src"] == [host.mac]


def test_hand_over_and_back_keep_one_owner(lab: Lab, start: Any) -> None:
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(sample(lab.hosts["vrrpA"], 100))
    b.configure(sample(lab.hosts["vrrpB"], 50))
    a.wait_for(entered(a, State.MASTER))
    lab.wait_for_owner("vrrpA", 2)

    a.tell(Ordered(request=1, command=Failover(instance="VI_1"), by="test"))
    finished = a.wait_for(lambda: a.happened(CommandFinished))
    assert finished[0].outcome is Outcome.DONE
    b.wait_for(entered(b, State.MASTER))
    lab.wait_for_owner("vrrpB", 2)
    (handed,) = a.happened(HandOverFinished)
    assert handed.successor == "10.211.55.23"
    assert handed.released
    assert b.happened(StateChanged)[-1].cause is Cause.MASTER_RESIGNED


def test_stop_hands_over_and_exits(lab: Lab, start: Any) -> None:
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(sample(lab.hosts["vrrpA"], 100))
    b.configure(sample(lab.hosts["vrrpB"], 50))
    a.wait_for(entered(a, State.MASTER))
    lab.wait_for_owner("vrrpA", 2)
    a.tell(StopRouter())
    assert a.wait() == 0
    assert lab.owners(VIP) == ["vrrpB"]
    a.listen()
    assert a.happened(HandOverFinished)[0].successor == "10.211.55.23"


def test_death_of_core_is_a_hand_over(lab: Lab, start: Any) -> None:
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(sample(lab.hosts["vrrpA"], 100))
    b.configure(sample(lab.hosts["vrrpB"], 50))
    a.wait_for(entered(a, State.MASTER))
    lab.wait_for_owner("vrrpA", 2)
    a.core_dies()
    assert a.wait() == 0
    assert lab.owners(VIP) == ["vrrpB"]


def test_death_of_core_with_nobody_else_leaves_no_address_behind(lab: Lab, start: Any) -> None:
    a = start("vrrpA")
    a.configure(sample(lab.hosts["vrrpA"], 255))
    a.wait_for(entered(a, State.MASTER))
    a.core_dies()
    assert a.wait() == 0
    assert lab.owners(VIP) == []


def test_kill_leaves_the_address_and_the_next_process_resumes(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(sample(host, 255))
    b.configure(sample(lab.hosts["vrrpB"], 50))
    master = a.wait_for(entered(a, State.MASTER)) and a.status()
    wait_for(lambda: host.has_address(VIP), 2, "the address")
    pinger = lab.pinger("vrrpB")
    a.close()
    again = start("vrrpA")
    known = LastKnown("eth0", 4, 50, State.MASTER, master.since)
    again.tell(Configure(sample(host, 255), resume=(known,)))
    status = again.status()
    assert (status.state, status.since) == (State.MASTER, master.since)
    assert [one.present for one in status.addresses] == [True]
    time.sleep(3.5)
    assert b.status().state is State.BACKUP
    assert lab.owners(VIP) == ["vrrpA"]
    assert pinger.stop().lost == 0
    assert again.happened(StateChanged) == []


def test_link_loss_is_fault_and_its_return_ends_it(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    a = start("vrrpA")
    a.configure(sample(host, 255))
    a.wait_for(entered(a, State.MASTER))
    lab.cut_link(host)
    a.wait_for(entered(a, State.FAULT))
    assert a.happened(StateChanged)[-1].cause is Cause.INTERFACE_DOWN
    wait_for(lambda: not host.has_address(VIP), 2, "the address to go")
    before = len(a.happened(StateChanged))
    lab.restore_link(host)
    a.wait_for(lambda: any(event.new is State.MASTER for event in a.happened(StateChanged)[before:]))
    wait_for(lambda: host.has_address(VIP), 2, "the address to come back")


def test_an_address_taken_away_by_somebody_is_noticed(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    a = start("vrrpA")
    a.configure(sample(host, 255))
    a.wait_for(entered(a, State.MASTER))
    wait_for(lambda: host.has_address(VIP), 2, "the address")
    host.ip(f"addr del {VIP}/32 dev eth0")
    lost = a.wait_for(lambda: a.happened(AddressLost))
    assert (lost[0].address, lost[0].interface) == (VIP, "eth0")
    wait_for(lambda: host.has_address(VIP), 8, "the address to come back")


def test_verdicts_are_told_while_somebody_watches(lab: Lab, start: Any) -> None:
    a, b = start("vrrpA"), start("vrrpB")
    b.configure(sample(lab.hosts["vrrpB"], 50))
    a.configure(sample(lab.hosts["vrrpA"], 255))
    b.tell(WatchPackets(on=True))
    judged = b.wait_for(lambda: [one for one in b.said if isinstance(one, PacketJudged)])
    assert judged[0].verdict is Verdict.OK
    assert judged[0].instance == "VI_1"
    assert judged[0].data[12:16] == bytes([10, 211, 55, 22])
    b.tell(WatchPackets(on=False))
    b.status()
    count = len([one for one in b.said if isinstance(one, PacketJudged)])
    time.sleep(1.5)
    b.status()
    assert len([one for one in b.said if isinstance(one, PacketJudged)]) == count


def test_a_core_that_never_reads_delays_no_advert_and_loses_packets_not_events(lab: Lab, start: Any) -> None:
    tcpdump = capture(lab, lab.hosts["vrrpB"], "proto 112 and src 10.211.55.22")
    a = start("vrrpA")
    a.configure(sample(lab.hosts["vrrpA"], 255))
    a.wait_for(entered(a, State.MASTER))
    a.tell(WatchPackets(on=True))
    flood = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112);"
        "s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255);"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0');"
        "[s.sendto(bytes(1000), ('224.0.0.18', 0)) for _ in range(20000)]"
    )
    lab.hosts["vrrpB"].run([sys.executable, "-c", flood])
    time.sleep(3)
    a.tell(Ordered(request=1, command=Failover(instance="VI_1", dry_run=True)))
    time.sleep(0.5)
    tcpdump.stop()
    adverts = judged_by_tshark(lab.hosts["vrrpB"], "vrrp", "frame.time_delta")
    assert len(adverts) >= 3
    assert max(float(one["frame.time_delta"][0]) for one in adverts[1:]) < 1.1
    a.wait_for(lambda: a.happened(CommandFinished))
    judged = [one for one in a.said if isinstance(one, PacketJudged)]
    assert 500 < len(judged) < 20000
    assert all(one.verdict is not Verdict.OK for one in judged)


def test_a_pause_shorter_than_master_down_moves_nothing(lab: Lab, start: Any) -> None:
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(sample(lab.hosts["vrrpA"], 255))
    b.configure(sample(lab.hosts["vrrpB"], 50))
    a.wait_for(entered(a, State.MASTER))
    for process in (a, b):  # the master misses adverts; the backup's own timer ends while it sleeps
        process.popen.send_signal(signal.SIGSTOP)
        time.sleep(2.5 if process is a else 4.5)
        process.popen.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        assert b.status().state is State.BACKUP
        assert a.status().state is State.MASTER
    assert lab.owners(VIP) == ["vrrpA"]


def test_signals_of_a_terminal_do_not_end_it_and_sigterm_hands_over(lab: Lab, start: Any) -> None:
    a = start("vrrpA")
    a.configure(sample(lab.hosts["vrrpA"], 255))
    a.wait_for(entered(a, State.MASTER))
    a.popen.send_signal(signal.SIGINT)
    a.popen.send_signal(signal.SIGHUP)
    assert a.status().state is State.MASTER
    a.popen.send_signal(signal.SIGTERM)
    assert a.wait() == 0
    assert lab.owners(VIP) == []


def test_a_missing_interface_is_fault_until_it_appears(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    a = start("vrrpA")
    config = sample(host, 255, interface="d0", source="192.0.2.1")
    a.configure(config)
    a.wait_for(lambda: a.status().state is State.FAULT)
    host.ip("link add d0 type veth peer name d1", "link set d1 up", "link set d0 up", "addr add 192.0.2.1/24 dev d0")
    a.wait_for(entered(a, State.MASTER))


def test_an_interface_renamed_deleted_made_anew_or_without_its_address_is_fault_with_the_reason_until_it_is_back(
    lab: Lab, start: Any
) -> None:
    host = lab.hosts["vrrpA"]
    made = ("link add d0 type veth peer name d1", "link set d1 up", "link set d0 up", "addr add 192.0.2.1/24 dev d0")
    host.ip(*made)
    a = start("vrrpA")
    vip = Address(address="192.0.2.50", prefix=32, interface="d0")
    fast: dict[str, Any] = {
        "version": 3,
        "advert_interval": 100_000_000,
        "authentication": Authentication(),
        "addresses": (vip,),
    }
    a.configure(sample(host, 254, interface="d0", source="", **fast))
    a.wait_for(entered(a, State.MASTER))
    for how, back, cause in (
        (("addr del 192.0.2.1/24 dev d0",), ("addr add 192.0.2.1/24 dev d0",), Cause.ADDRESS_LOST),
        (("link set d0 down",), ("link set d0 up",), Cause.INTERFACE_DOWN),
        (("link set d0 name d7",), ("link set d7 name d0",), Cause.INTERFACE_DOWN),
        (("link del d0",), made, Cause.INTERFACE_DOWN),
    ):
        before = len(a.happened(StateChanged))
        host.ip(*how)

        def news(since: int = before) -> list[StateChanged]:
            return a.happened(StateChanged)[since:]

        a.wait_for(lambda news=news: any(one.new is State.FAULT for one in news()), text=f"FAULT after {how[0]}")
        assert news()[0].cause is cause, how
        assert "d0" in news()[0].detail
        assert a.status().faults
        host.ip(*back)
        a.wait_for(lambda news=news: any(one.new is State.MASTER for one in news()), text=f"MASTER after {back[0]}")
        wait_for(lambda: "192.0.2.50" in host.run(["ip", "addr", "show", "d0"]).stdout, 2, "the address")


def test_what_the_kernel_refuses_is_told_to_core(lab: Lab, start: Any) -> None:
    host = lab.hosts["vrrpA"]
    host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"])
    a = start("vrrpA")
    bad = Address(address="2001:db8::1", prefix=64, interface="eth0")
    a.configure(sample(host, 255, excluded_addresses=(bad,)))
    refused = a.wait_for(lambda: a.happened(EffectRefused))
    assert refused[0].instance == "VI_1"
    assert "disable_ipv6" in refused[0].reason
    wait_for(lambda: host.has_address(VIP), 2, "the address that can be added")
