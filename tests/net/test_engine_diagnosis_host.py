"""What is wrong on a host, planted on real ones: each beside something like it of which nothing may be said."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest

from hatui.lab import Engine, Host, Lab, LabError, start_engine, start_keepalived, wait_for
from hatui.lab.host import children_of
from tests.net.engine_talk import Talk, config, has_address, host_of, master, pid_of, status
from tests.net.forging import Forger, again_and_again

HEAD = "global_defs {\n    router_id lab\n    script_user root\n}\n"
SCRIPT = 'vrrp_script {name} {{\n    script "/bin/sleep {takes}"\n    interval 1\n    timeout 1\n}}\n'
GROUP = "vrrp_sync_group G {\n    group {\n        VI_HELD\n        VI_DOWN\n    }\n}\n"
RAW = """\
import socket, time
opened = socket.socket(socket.AF_INET, socket.SOCK_RAW, {})
print("open", flush=True)
time.sleep(600)
"""


def instance(name: str, vrid: int, more: str = "", interface: str = "eth0") -> str:
    """One with the address of its VRID."""
    return (
        f"vrrp_instance {name} {{\n    version 3\n    state BACKUP\n    interface {interface}\n"
        f"    virtual_router_id {vrid}\n    priority 100\n    advert_int 0.5\n    garp_master_delay 1\n{more}"
        f"    virtual_ipaddress {{\n        10.211.55.{vrid}\n    }}\n}}\n"
    )


def told(engine: Engine, listen_s: float = 0) -> list[tuple[str, str, str]]:
    """(code, instance, subject) of each finding; without what a busy machine does by itself."""
    with Talk(engine, timeout_s=30) as talk:
        found = talk.ask("diagnose", listen_s=listen_s)["findings"]
    found = [one for one in found if one["code"] != "D-STALL" or one["instance"] == "VI_1"]
    return [(one["code"], one["instance"], one["name"].split()[-1]) for one in found]


def codes(engine: Engine, listen_s: float = 0) -> set[str]:
    """Those of all findings."""
    return {code for code, _, _ in told(engine, listen_s)}


def settled(engine: Engine, expected: set[tuple[str, str, str]], timeout_s: float) -> None:
    """Wait until exactly this is found."""
    with contextlib.suppress(LabError):
        wait_for(lambda: set(told(engine)) == expected, timeout_s, "the findings")
    assert set(told(engine)) == expected, told(engine)


def listening(host: Host, protocol: int) -> None:
    """A program of the host with a raw socket."""
    program = host.start(["python3", "-c", RAW.format(protocol)], log=f"raw{protocol}.log")
    wait_for(lambda: "open" in program.output, 10, "the raw socket")


def test_slow_script_held_group_second_engine_and_stale_arp_are_named_and_their_likes_are_not(lab: Lab) -> None:
    a, x = host_of(lab, "a", 22), host_of(lab, "x", 77)
    a.ip("link add eth1 type veth peer name eth1p", "addr add 10.9.0.1/24 dev eth1")
    scripts = SCRIPT.format(name="slow", takes=0.8) + SCRIPT.format(name="quick", takes=0.1)
    tracked = "    track_script {\n        slow weight -1\n        quick weight -1\n    }\n"
    text = HEAD + scripts + GROUP + instance("VI_STALE", 54) + instance("VI_FRESH", 55)
    text += instance("VI_SCRIPTS", 51, tracked) + instance("VI_HELD", 52) + instance("VI_DOWN", 53, interface="eth1")
    engine = start_engine(a, text)
    listening(a, 89)

    def served() -> bool:
        with Talk(engine) as talk:
            known = {one["name"]: one for one in talk.statuses("instance-status")}
        twice = all(
            known[name]["announced_at"] > known[name]["since"] + 900_000_000 for name in ("VI_STALE", "VI_FRESH")
        )
        return twice and known["VI_HELD"]["state"] == "FAULT"

    wait_for(served, 15, "the states, and the second announcement")
    assert codes(engine) <= {"D-SCRIPT-SLOW"}, "a socket of another protocol is no second engine"
    with Forger(x) as forger:

        def announced() -> None:
            forger.announce("10.211.55.54")
            forger.announce("10.211.55.55")

        with again_and_again(announced):
            codes(engine, 0.6)
    with Talk(engine, timeout_s=30) as talk:
        assert talk.ask("announce-now", instance="VI_FRESH")["outcome"] == "done"
    listening(a, 112)
    expected = {
        ("D-SCRIPT-SLOW", "", "slow"),
        ("D-FAULT-STUCK", "VI_HELD", "VI_HELD"),
        ("D-TWO-ENGINES", "", "D-TWO-ENGINES"),
        ("D-ARP-STALE", "VI_STALE", "10.211.55.54"),
    }
    settled(engine, expected, 25)


def test_engine_that_stood_still_for_longer_than_an_interval_is_named_and_a_short_stop_is_not(lab: Lab) -> None:
    a = host_of(lab, "a", 22)
    engine = master(a, config(100).replace("advert_int 0.1", "advert_int 1"))
    pid = pid_of(engine, "hatui-vrrp", a)
    for stopped_s, expected in ((0.3, set()), (2.4, {("D-STALL", "VI_1", "VI_1")})):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(stopped_s)
        os.kill(pid, signal.SIGCONT)
        wait_for(lambda: status(engine)["timer"] == "advert", 5, "the engine to go on")
        settled(engine, expected, 10)


@pytest.mark.programs("keepalived")
def test_host_whose_engine_hangs_while_nobody_serves_has_no_master_and_one_that_serves_has(lab: Lab) -> None:
    a = host_of(lab, "a", 22)
    text = config(100)
    peer = host_of(lab, "b", 23)
    other = start_keepalived(peer, config(150))
    wait_for(lambda: has_address(peer), 15, "the master")
    keepalived = start_keepalived(a, text)
    engine = start_engine(a, text, "--observe")
    wait_for(lambda: status(engine)["state"] == "BACKUP", 10, "the backup to be seen")
    assert codes(engine) == set()
    hanging = wait_for(lambda: children_of(keepalived.pid), 5, "its VRRP process")
    for pid in hanging:
        os.kill(pid, signal.SIGSTOP)
    other.kill()
    wait_for(lambda: codes(engine) == {"D-NO-MASTER"}, 10, "nobody is master")
    for pid in hanging:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: has_address(a), 10, "the backup takes over")
    wait_for(lambda: codes(engine) == set(), 10, "all is well")


def test_switch_that_carries_no_multicast_is_named_by_the_first_master_and_not_where_it_does(lab: Lab) -> None:
    a, b = host_of(lab, "a", 22), host_of(lab, "b", 23)
    first = master(a, config(150))
    start_engine(b, config(100))
    assert codes(first, 1.5) == set()
    group = "ether daddr 01:00:5e:00:00:12"
    with Talk(first, timeout_s=30) as talk:
        for name in ("a", "b"):
            lab.loss_out(name, 100, group)
        found = talk.ask("diagnose", listen_s=3)["findings"]
    assert has_address(a)
    assert has_address(b)
    assert [one["code"] for one in found] == ["D-MCAST-LOST"], found
    assert b.mac in found[0]["text"]
    for name in ("a", "b"):
        lab.loss_out(name, 0)
    wait_for(lambda: not has_address(b), 10, "one master")
    wait_for(lambda: codes(first, 1.5) == set(), 15, "all is well")


@pytest.mark.programs("keepalived")
def test_keepalived_that_waits_for_its_interface_is_a_second_engine_and_what_it_left_behind_is_none(lab: Lab) -> None:
    a = host_of(lab, "a", 22)
    engine = master(a, config(100))
    text = config(50).replace("interface eth0", "interface eth9").replace("lab", "lab\n    dynamic_interfaces", 1)
    keepalived = start_keepalived(a, text, "-r", "/run/vrrp.pid")
    wait_for(lambda: codes(engine) == {"D-TWO-ENGINES"}, 10, "the second engine")
    assert a.run(["cat", "/proc/net/raw"]).stdout.count(":0070") == 1, "the engine's own socket alone"
    keepalived.kill()  # leaves its pid file
    assert a.run(["cat", "/run/vrrp.pid"]).stdout.strip()
    wait_for(lambda: codes(engine) == set(), 10, "nothing beside the engine")


def test_master_that_was_not_heard_as_the_link_came_up_and_an_absent_interface_are_named(lab: Lab) -> None:
    a, b = host_of(lab, "a", 22), host_of(lab, "b", 23)
    master(b, config(150))
    a.ip("link add eth1 type veth peer name eth1p", "addr add 10.9.0.1/24 dev eth1")  # it stays down
    engine = start_engine(
        a, config(100) + instance("VI_DOWN", 58, interface="eth1") + instance("VI_NONE", 59, interface="eth9")
    )

    def down_and_up(*, passing: bool) -> None:
        wait_for(lambda: status(engine)["master"] == "10.211.55.23", 10, "the master to be heard")
        a.ip("link set eth0 down")
        wait_for(lambda: status(engine)["state"] == "FAULT", 10, "FAULT")
        if not passing:
            lab.cut_link(a, carrier=True)
        a.ip("link set eth0 up")
        wait_for(lambda: status(engine)["state"] == ("BACKUP" if passing else "MASTER"), 10, "the link")
        lab.restore_link(a)

    absent = ("D-INTERFACE", "VI_NONE", "VI_NONE")
    down_and_up(passing=True)
    settled(engine, {absent}, 10)  # VI_DOWN is in FAULT as well: its interface is there
    down_and_up(passing=False)
    settled(engine, {absent, ("D-LINK-GAP", "VI_1", "VI_1")}, 10)
