"""The console in a real terminal (tmux) on real engines in the lab: what an operator does in the first ten minutes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hatui.lab import Engine, Lab, obstacle, start_engine
from hatui.lab.servers import own_command
from tests.console.terminal import Terminal

pytestmark = [pytest.mark.net, pytest.mark.alone, pytest.mark.programs("tmux")]
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture
def lab() -> Iterator[Lab]:
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    with Lab() as one:
        yield one


@pytest.fixture
def engines(lab: Lab) -> tuple[Engine, Engine]:
    """serverA (MASTER) and serverB, each on a copy of its sample that may be edited."""
    found = []
    for name, address in (("serverA", "10.211.55.22/24"), ("serverB", "10.211.55.23/24")):
        host = lab.add_host(name, address)
        config = host.root / "keepalived.conf"
        shutil.copy(SAMPLES / f"{name}.conf", config)
        found.append(start_engine(host, config))
    lab.wait_for_owner("serverA", 15)
    return found[0], found[1]


@pytest.mark.timeout(180)
def test_engine_lost_and_back_in_the_middle(lab: Lab, engines: tuple[Engine, Engine]) -> None:
    a, _ = engines
    with Terminal(["--socket", str(a.socket_outside)]) as terminal:
        terminal.wait_for(">* VI_1       MASTER  100/100")
        a.program.kill()
        terminal.wait_for("? VI_1       UNKNOWN", "connection lost")
        start_engine(a.host, a.host.root / "keepalived.conf")
        terminal.wait_for("* VI_1       MASTER  100/100", "engine live", seconds=60)
        terminal.send("Q")
        left = terminal.wait_for_end()
        assert "VI_1       MASTER" in left


@pytest.mark.timeout(60)
def test_no_engine_says_what_to_do(tmp_path: Path) -> None:
    with Terminal(["--socket", str(tmp_path / "engine.sock")]) as terminal:
        terminal.wait_for("No engine on this host", "sudo systemctl start hatui-engine")
        terminal.send("q")
        terminal.wait_for_end()


@pytest.mark.timeout(90)
def test_suspended_and_back_and_ended_from_outside(tmp_path: Path) -> None:
    with Terminal(["--socket", str(tmp_path / "engine.sock")], shell=True) as terminal:
        terminal.wait_for("No engine on this host")
        terminal.send("C-z")
        terminal.wait_for("Stopped", without="No engine on this host")
        terminal.type("fg")
        terminal.send("Enter")
        terminal.wait_for("No engine on this host", "1[Dashboard]")
        terminal.resize(100, 30)
        terminal.wait_for("No engine on this host", "1[Dashboard]")
        os.kill(terminal.child(), signal.SIGTERM)
        terminal.wait_for("bash-", without="No engine on this host")
        terminal.type("echo ended with $?")
        terminal.send("Enter")
        terminal.wait_for("ended with 143")


@pytest.mark.timeout(90)
def test_closing_the_terminal_ends_the_console(tmp_path: Path) -> None:
    with Terminal(["--socket", str(tmp_path / "engine.sock")], shell=True) as terminal:
        terminal.wait_for("No engine on this host")
        pid = terminal.child()
        os.kill(pid, signal.SIGHUP)
        terminal.wait_for("bash-", without="No engine on this host")
        end = time.monotonic() + 10
        while terminal.child() == pid and time.monotonic() < end:
            time.sleep(0.05)
        assert terminal.child() != pid


@pytest.mark.timeout(90)
def test_terminal_that_cannot_show_it_gets_sentences(tmp_path: Path) -> None:
    with Terminal(["--socket", str(tmp_path / "engine.sock")], term="dumb", shell=True) as terminal:
        terminal.wait_for("no terminal that can show the console: this is `hatui watch --plain`")
        terminal.type("exit")  # of the shell; tmux may forget the last words of a program that ends before it looks
        terminal.send("Enter")
        terminal.wait_for_end()


@pytest.mark.timeout(180)
def test_two_hosts_through_ssh_in_one_view(
    lab: Lab, engines: tuple[Engine, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = engines
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\nshift\nhatui() {{ exec {shlex.join(own_command("hatui", "hatui.cli"))} "$@"; }}\neval "$1"\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("HATUI_SSH", str(ssh))
    hosts = [word for engine, name in ((a, "A"), (b, "B")) for word in ("--host", f"{name}:{engine.socket_outside}")]
    with Terminal(hosts, columns=100) as terminal:
        terminal.wait_for("* A:VI_1", "- B:VI_1", "2 of 2 engines live", "on A  READ-WRITE")
        terminal.send("g")  # the cursor stays on what came first
        terminal.wait_for(">* A:VI_1")
        terminal.send("F")
        terminal.wait_for("Fail over A:VI_1", "hatui --host A:/", "VI_1 --step-down")
        terminal.send("y")
        terminal.wait_for("done after")
        assert lab.owners() == ["serverB"]
        terminal.send("Escape")
        terminal.wait_for("- A:VI_1", "* B:VI_1", without="Fail over A")
        b.program.kill()
        terminal.wait_for("1 of 2 engines live", "? B:VI_1", "UNKNOWN")
        terminal.send("q")
        terminal.wait_for_end()


def coloured(screen: str) -> set[str]:
    """Colours of a screen captured with its escapes that are no grey."""
    found = set()
    for codes in re.findall(r"\x1b\[([0-9;]*)m", screen):
        for red, green, blue in re.findall(r"[34]8;2;(\d+);(\d+);(\d+)", codes):
            if len({red, green, blue}) > 1:
                found.add(f"{red},{green},{blue}")
        for number in re.findall(r"[34]8;5;(\d+)", codes):
            red, rest = divmod(int(number) - 16, 36)
            if int(number) < 232 and len({red, *divmod(rest, 6)}) > 1:  # 232 and above are greys
                found.add(number)
    return found


@pytest.mark.timeout(90)
@pytest.mark.parametrize("wanted", ["", "1"])
def test_no_colour_where_none_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if wanted:
        monkeypatch.setenv("NO_COLOR", wanted)
    with Terminal(["--socket", str(tmp_path / "engine.sock")]) as terminal:
        terminal.wait_for("No engine on this host")
        assert bool(coloured(terminal.screen(escapes=True))) is not bool(wanted)
        terminal.send("q")
        terminal.wait_for_end()
