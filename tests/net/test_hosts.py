"""Engines on other hosts through a real ssh: commands, one console over both, and a way that is cut without a word."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hatui.lab import Host, Lab, start_engine, wait_for
from hatui.lab.host import LabError
from hatui.lab.servers import own_command
from tests.net.engine_talk import config, has_address, host_of, master
from tests.net.secure_shell import client, new_key, start_ssh
from tests.net.test_operator import Terminal

NODES = {"a": "10.211.55.22", "b": "10.211.55.23"}
HATUI = own_command("hatui", "hatui.cli")


class Console(Terminal):
    """The console in tmux, on a host from which others are seen."""

    def __init__(self, desk: Host, ssh: str, *hosts: str) -> None:
        self._tmux = ["tmux", "-L", f"hatui-test-{time.monotonic_ns()}", "-f", "/dev/null"]
        words = [word for host in hosts for word in ("--host", host)]
        argv = desk.enter(["env", f"HATUI_SSH={ssh}", *HATUI, *words])
        subprocess.run([*self._tmux, "new-session", "-d", "-x", "80", "-y", "24", *argv], check=True)

    def rows(self, **states: str) -> bool:
        """Each host's instance is shown in this state; the hosts as `a`, `b`."""
        lines = self.screen.splitlines()
        return all(
            any(f"{NODES[one][-3:]}:VI_1" in line and f" {state} " in line for line in lines[:12])
            for one, state in states.items()
        )

    def come_to(self, **states: str) -> None:
        """Wait until they are."""
        try:
            wait_for(lambda: self.rows(**states), 15, f"{states}")
        except LabError as error:
            raise AssertionError(f"{error}\n{self.screen}") from None


@contextmanager
def console(desk: Host, ssh: str, *hosts: str) -> Iterator[Console]:
    one = Console(desk, ssh, *hosts)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.timeout(120)
@pytest.mark.programs("sshd", "ssh-keygen", "tmux")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sshd changes users")
def test_two_engines_are_seen_and_moved_from_a_third_host_and_a_connection_cut_off_is_made_anew(lab: Lab) -> None:
    a, b, desk = host_of(lab), host_of(lab, "b", 23), lab.add_host("desk", "10.211.55.24/24")
    new_key(desk, "other")
    ssh = client(key := new_key(desk, "key"))
    for host in (a, b):
        start_ssh(host, key)
    master(a, config(200))
    start_engine(b, config(100))
    to_a, to_b = (f"root@{address}" for address in NODES.values())

    def hatui(*words: str, program: str = ssh) -> subprocess.CompletedProcess[str]:
        return desk.run([*HATUI, *words], env={"HATUI_SSH": program}, check=False)

    wait_for(lambda: " BACKUP " in hatui("status", "--brief", "--host", to_b).stdout, 10, "the backup's own word")
    both = ("--host", to_a, "--host", to_b)
    moved = hatui("failover", "VI_1", "--step-down", "--yes", "--reason", "from the desk", *both)
    assert moved.returncode == 0, moved.stderr
    assert has_address(b)
    assert json.loads(hatui("status", "--json", "--host", to_b).stdout)["instances"][0]["state"] == "MASTER"
    assert hatui("release", "VI_1", "--host", to_a).returncode == 0
    wait_for(lambda: has_address(a), 10, "the address at home")

    denied = hatui("status", "--host", to_a, program=ssh.replace("/key", "/other"))
    assert (denied.returncode, "Permission denied" in denied.stderr, "[E-SSH]" in denied.stderr) == (3, True, True)
    absent = hatui("status", "--host", f"{to_a}:/run/nowhere.sock")
    assert (absent.returncode, "no engine runs there" in absent.stderr) == (3, True), absent.stderr

    with console(desk, ssh, *both[1::2]) as shown:
        shown.see("2 of 2 engines live")
        shown.come_to(a="MASTER", b="backup")
        shown.keys("j", "F")
        shown.see(f"{NODES['b']}:VI_1", "y Fail over now")
        shown.keys("y")
        wait_for(lambda: has_address(b), 10, "the address on the other node")
        shown.see("done after")
        shown.keys("Escape")
        shown.come_to(a="backup", b="MASTER")
        lab.loss_in(b, 100, "tcp dport 22")  # nothing says so to either end
        try:
            began = time.monotonic()
            late = hatui("status", "--host", to_b, "--timeout", "1")
            assert (late.returncode, "did not answer within 1 s" in late.stderr) == (3, True), late.stderr
            shown.come_to(a="backup", b="UNKNOWN")
            assert time.monotonic() - began < 8  # 3 s, and time for a loaded machine to paint
            shown.see(f"{NODES['b']}: connection lost", "ssh gets no answer")
            assert shown.rows(a="backup", b="UNKNOWN")
        finally:
            lab.loss_in(b, 0, "tcp dport 22")
        shown.see("2 of 2 engines live")
        shown.come_to(a="backup", b="MASTER")
        shown.keys("q")
