"""`hatui demo`: the tour keeps its promises, the console opens on serverA, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pyte
import pytest

from hatui.lab import network, wait_for
from hatui.lab.servers import own_command
from tests.net.ordinary import as_nobody

TOUR = """
import sys
from hatui.cli import main
sys.exit(main(["demo", "--script"]))
"""
STEPS = (
    "[1] planned move: hatui failover VI_1 --step-down --wait --yes (on serverA)",
    "[2] and back: hatui release VI_1 (on serverA)",
    "[3] new configuration on both",
    "[4] the web server on serverA is killed",
    "[5] the web server on serverA is started again",
    "[6] power cut of serverA",
    "[7] power for serverA again",
)
OWNERS = ["serverA", "serverB", "serverA", "serverA", "serverB", "serverA", "serverB", "serverA"]


def processes_of(mark: str) -> list[str]:
    """All processes that were started with `mark` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark.encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def test_tour_keeps_its_promises_for_an_ordinary_user(namespaces: None) -> None:
    if os.geteuid() == 0:
        done = as_nobody(TOUR, timeout_s=110)
    else:
        done = subprocess.run([sys.executable, "-c", TOUR], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.partition(" s  ")[2] for line in done.stdout.splitlines()]
    places = [next(at for at, line in enumerate(lines) if line.startswith(step)) for step in STEPS]
    assert places == sorted(places)
    owners = [line.split()[0] for line in lines if "answers for 10.211.55.50" in line]
    assert owners == OWNERS
    assert sum("pings lost" in line for line in lines) == len(STEPS) + 1
    assert "of the page" not in done.stderr
    assert done.stdout.splitlines()[-1] == "all steps did what they promise"


def test_console_opens_on_server_a_and_leaves_nothing_behind(namespaces: None) -> None:
    mark = f"HATUI_TEST_MARK={time.monotonic_ns()}"
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    argv = [*own_command("hatui", "hatui.cli"), "demo"]
    env = {**os.environ, "TERM": "xterm-256color", **dict([mark.split("=")])}
    child = pexpect.spawn(argv[0], argv[1:], dimensions=(24, 80), timeout=30, env=env)

    def shown() -> str:
        with contextlib.suppress(pexpect.TIMEOUT):
            stream.feed(child.read_nonblocking(65536, timeout=0.1))
        return "\n".join(screen.display)

    wait_for(lambda: "VI_1" in shown() and "MASTER" in shown(), 30, "the console with its master")
    assert "serverA" in shown()
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    wait_for(lambda: not processes_of(mark), 10, "the end of all hosts")


def test_hangup_of_the_terminal_ends_everything(namespaces: None, tmp_path: Path) -> None:
    mark = f"HATUI_TEST_MARK={time.monotonic_ns()}"
    argv = [*own_command("hatui", "hatui.cli"), "demo"]
    env = {**os.environ, "TERM": "xterm-256color", **dict([mark.split("=")]), "TMPDIR": str(tmp_path)}
    child = pexpect.spawn(argv[0], argv[1:], dimensions=(24, 80), timeout=30, env=env)
    child.expect("VI_1")
    assert len(processes_of(mark)) > 8  # the hosts, two engines of four processes, the console
    child.close(force=False)  # closes the terminal: the kernel sends SIGHUP
    wait_for(lambda: not child.isalive(), 15, "the end of the demo")
    wait_for(lambda: not processes_of(mark), 10, "the end of all hosts")
    assert list(tmp_path.glob("hatui-lab-*")) == []


def test_machine_without_the_right_names_it_and_the_simulation() -> None:
    if os.geteuid() != 0:
        pytest.skip("taking a capability away needs root; ordinary users are told by sysctl, see test_demo_obstacle")
    argv = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", *own_command("hatui", "hatui.cli")]
    done = subprocess.run([*argv, "demo", "--script"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4
    assert "network namespaces are refused here" in done.stdout
    assert "CAP_SYS_ADMIN" in done.stdout
    assert "hatui demo --simulate" in done.stdout


def test_simulation_is_titled_and_keeps_its_promises() -> None:
    argv = [*own_command("hatui", "hatui.cli"), "demo", "--simulate"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("SIMULATION: no real host, no real packet")
    assert sum("pings of one every 2 ms lost" in line for line in lines) == 5
    assert all(line.strip().startswith("SIMULATION") for line in lines if "lost, outage" in line)


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("kernel.unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "sudo sysctl kernel.apparmor_restrict_unprivileged"),
        ("user.max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=65536"),
    ],
)
def test_setting_that_forbids_user_namespaces_is_named(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, remedy: str
) -> None:
    """The sysctls of another machine, read through the same path."""
    real = Path.read_text
    fitting = {"kernel.unprivileged_userns_clone": "1", "kernel.apparmor_restrict_unprivileged_userns": "0"}

    def read(path: Path) -> str:
        if not str(path).startswith("/proc/sys/"):
            return real(path)
        name = str(path).removeprefix("/proc/sys/").replace("/", ".")
        return (value if name == setting else fitting.get(name, "65536")) + "\n"

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(Path, "read_text", read)
    told = network._remedy("Operation not permitted")
    assert f"this system forbids user namespaces: {setting} is {value}" in told
    assert remedy in told
