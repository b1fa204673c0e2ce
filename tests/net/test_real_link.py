"""A drill that takes the interface really down: only with another way to the host, and all that the link lost is back
afterwards, at its end, when it is aborted, and when the engine is killed meanwhile."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.messages import DrillReport
from hatui.lab import Host, Lab, Program, start_engine, wait_for
from hatui.lab.host import batch
from hatui.lab.servers import own_command
from tests.net.engine_talk import Talk, config, events, has_address, status

MANAGEMENT = "192.0.2.1 40022 192.0.2.2 22"
THROUGH_ETH0 = "10.211.55.23 40022 10.211.55.22 22"
FOREIGN = (
    "addr add 10.211.56.22/24 dev eth0",
    "addr add 2001:db8::22/64 dev eth0 nodad",
    "addr add 2001:db8:1::22/64 dev eth0 nodad noprefixroute valid_lft 4000 preferred_lft 3000",
    "route add default via 10.211.55.1",
    "route add 198.51.100.0/24 via 10.211.56.1 proto static metric 50 table 100",
    "route add 203.0.113.0/24 nexthop via 10.211.55.1 weight 2 nexthop via 10.211.56.1",
    "route add 203.0.113.64/26 via 203.0.113.7 onlink dev eth0 mtu 1400",
    "route add ::/0 via 2001:db8::1",
    "route add 2001:db8:a::/48 via fe80::1 dev eth0 proto bird metric 77",
    "neigh add 10.211.55.99 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
    "neigh add proxy 10.211.55.98 dev eth0",
)
LISTEN = """
import socket, sys
s = socket.create_server((sys.argv[1], 22))
c, _ = s.accept()
c.recv(1)
"""
CONNECT = """
import socket, sys
c = socket.create_connection((sys.argv[2], 22), 10, (sys.argv[1], 40022))
c.settimeout(None)
c.recv(1)
"""


def everything(host: Host) -> list[str]:
    """All that a link can lose, as `ip` tells it, without what counts down."""
    found = []
    for words in (
        "-4 address show",
        "-6 address show",
        "-4 route show table all",
        "-6 route show table all",
        "neigh show nud permanent",
        "neigh show proxy",
    ):
        said = host.run(["ip", "-o", *words.split()]).stdout
        found += sorted(re.sub(r"(_lft|expires) \d+sec", r"\1 N", line.strip()) for line in said.splitlines())
    settings = 'cd /proc/sys/net; grep -s "" ipv4/conf/eth0/* ipv6/conf/eth0/* | grep -v -e stable_secret -e mtu'
    return [*found, *host.run(["sh", "-c", settings]).stdout.splitlines()]


def session(host: Host, other: Host, said: str) -> list[Program]:
    """A connection as ssh would have it."""
    client, _, server, _ = said.split()
    python = [sys.executable, "-c"]
    listener = host.start([*python, LISTEN, server], log="listen.log")
    wait_for(lambda: ":0016" in host.run(["cat", "/proc/net/tcp"]).stdout, 5, "the listener")
    there = other.start([*python, CONNECT, client, server], log="connect.log")
    wait_for(lambda: ":9C56" in host.run(["cat", "/proc/net/tcp"]).stdout, 5, "the connection")
    return [listener, there]


class Scene:
    """serverA with a link for the service and one to manage it; serverB takes over."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.a, self.b = lab.add_host("serverA", "10.211.55.22/24"), lab.add_host("serverB", "10.211.55.23/24")
        batch(lab.switch, [f"link add m0 type veth peer name mgmt netns {self.a.pid}", "link set m0 up"])
        lab.switch.ip("addr add 192.0.2.1/24 dev m0")
        self.a.ip("addr add 192.0.2.2/24 dev mgmt", "link set mgmt up", *FOREIGN)
        self.plan = directory / "short.toml"
        self.settle(0.3)
        start_engine(self.b, config(50))
        wait_for(lambda: has_address(self.b), 10, "the peer as master")  # so that it was heard once
        self.engine = start_engine(self.a, config(100))
        wait_for(lambda: status(self.engine)["state"] == "MASTER", 10, "the election")
        wait_for(lambda: "tentative" not in "".join(everything(self.a)), 10, "addresses that are ours for sure")
        self.before = everything(self.a)

    def settle(self, seconds: float) -> None:
        self.plan.write_text(f'like = "link-down"\nbaseline_s = 0\nsettle_s = {seconds}\n')

    def words(self, *more: str) -> list[str]:
        words = ["drill", "run", str(self.plan), "VI_1", "--real-link", "--yes", *more]
        return [*own_command("hatui", "hatui.cli"), *words, "--socket", self.engine.socket]

    def run(self, said: str, *more: str) -> Any:
        return self.a.run(self.words(*more), check=False, env={"SSH_CONNECTION": said} if said else {}, timeout_s=60)

    def begin(self) -> None:
        """A drill that lasts, and its link is down."""
        self.settle(60)
        self.a.start(self.words(), log="drill.log", env={"SSH_CONNECTION": MANAGEMENT})
        wait_for(lambda: not up(self.a), 20, "the link down")
        wait_for(lambda: has_address(self.b), 10, "the address on the other router")

    def as_before(self) -> bool:
        assert status(self.engine)["state"] in ("MASTER", "BACKUP", "FAULT")
        return everything(self.a) == self.before


def up(host: Host) -> bool:
    return "<BROADCAST,MULTICAST,UP" in host.run(["ip", "link", "show", "eth0"]).stdout


@pytest.fixture
def scene(lab: Lab, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(lab, tmp_path)
    programs = session(made.a, lab.switch, MANAGEMENT)
    yield made
    for one in programs:
        one.kill()


@pytest.mark.timeout(120)
def test_link_goes_really_down_and_all_that_it_lost_comes_back(scene: Scene) -> None:
    refused = scene.run("", "--override", "I want it")
    assert (refused.returncode, "P-SECOND-PATH" in refused.stderr) == (5, True), refused
    assert "by which way you reach this host is not known" in refused.stderr + refused.stdout
    gone = scene.run(MANAGEMENT.replace("40022", "40023"))
    assert (gone.returncode, up(scene.a)) == (5, True)
    assert "is not there (any more)" in gone.stderr + gone.stdout
    done = scene.run(MANAGEMENT, "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    report = msgspec.json.decode(done.stdout, type=DrillReport)
    assert (report.outcome, report.restored, report.real_link) == ("pass", True, True), report.text
    assert report.title.startswith("REAL: ")
    found = {one.code: (one.result, one.text) for one in report.checks}
    assert found["P-SECOND-PATH"][0] == found["P-RESTORE"][0] == "pass", found
    assert "arrives over mgmt" in found["P-SECOND-PATH"][1]
    states = [one["new"] for one in events(scene.engine, "state-changed") if one["cause"] != "startup"]
    assert states[-3:] == ["FAULT", "BACKUP", "MASTER"], "the instance saw its link go, and come back"
    assert everything(scene.a) == scene.before

    scene.begin()
    with Talk(scene.engine) as talk:
        assert talk.ask("abort-drill")["outcome"] == "done"
    wait_for(lambda: up(scene.a), 5, "the link up")
    wait_for(scene.as_before, 15, "everything as before")
    wait_for(lambda: events(scene.engine, "drill-finished")[-1]["outcome"] == "aborted", 10, "the end of the drill")


@pytest.mark.timeout(120)
def test_link_comes_back_without_the_engine_when_that_is_killed(scene: Scene) -> None:
    scene.begin()
    os.kill(scene.engine.program.pid, signal.SIGKILL)
    wait_for(lambda: up(scene.a), 10, "the link up, with no engine")
    ours = "inet 10.211.55.50/32"
    wait_for(
        lambda: everything(scene.a) == [one for one in scene.before if ours not in one and not vip(one)], 15, "all"
    )
    scene.engine.program.kill()
    scene.engine = start_engine(scene.a, config(100))
    wait_for(scene.as_before, 20, "the address, too")
    ended = wait_for(lambda: events(scene.engine, "drill-finished"), 10, "the crashed drill")
    assert ended[-1]["outcome"] == "crashed"


def vip(line: str) -> bool:
    """What there is of the engine's own address only while it is master."""
    return "10.211.55.50" in line


@pytest.mark.timeout(120)
def test_link_by_which_one_came_stays_up(lab: Lab, tmp_path: Path) -> None:
    made = Scene(lab, tmp_path)
    session(made.a, made.b, THROUGH_ETH0)
    refused = made.run(THROUGH_ETH0, "--override", "I want it")
    assert (refused.returncode, up(made.a)) == (5, True)
    assert "your session from 10.211.55.23 arrives over eth0" in refused.stderr + refused.stdout
