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


@pytest.mark.timeout(240)
def test_start_see_master_hand_over_see_backup_edit_apply_see_it_in_use_quit(
    lab: Lab, engines: tuple[Engine, Engine]
) -> None:
    a, _ = engines
    with Terminal(["--socket", str(a.socket_outside)]) as terminal:
        terminal.wait_for(">* VI_1       MASTER  100/100  this node", "10.211.55.50/32 set", "engine live")

        terminal.send("F")
        terminal.wait_for("Fail over VI_1: serverA (MASTER 100)", "Same as    hatui")
        terminal.send("y")
        terminal.wait_for("done after", "measured: 10.211.55.23 answered after", "not on this node")
        assert lab.owners() == ["serverB"]
        terminal.send("Escape")
        terminal.wait_for("- VI_1       backup    1/100  10.211.55.23", "VI_1 is held (step-down)", without="Fail over")

        terminal.send("U")
        terminal.wait_for("Release VI_1?")
        terminal.send("y")
        terminal.wait_for("runs with priority 100 again")
        terminal.send("Escape")
        terminal.wait_for("* VI_1       MASTER  100/100", without="Release VI_1?")
        lab.wait_for_owner("serverA", 10)

        terminal.send("2")
        terminal.wait_for("2[Packets]", "10.211.55.22", "224.0.0.18", "sent", "FOLLOW")
        terminal.send("p")
        terminal.wait_for("paused")
        terminal.send("f")
        terminal.wait_for("FOLLOW")

        terminal.send("3")
        terminal.wait_for("3[Config]", "vrrp_instance VI_1", "L-TRACK-REF")
        before = Path(a.host.root / "keepalived.conf").read_text()
        row = next(at for at, line in enumerate(before.splitlines()) if line.split()[:1] == ["priority"])
        terminal.send("g")
        for _ in range(row):
            terminal.send("j")
        terminal.send("Enter")
        terminal.wait_for("esc Out")
        terminal.send("End", "BSpace", "BSpace", "BSpace")
        terminal.type("150")
        terminal.wait_for("candidate, 1 line changed", "priority 100 -> 150")
        terminal.send("C-s")
        terminal.wait_for("Review", "y Apply and confirm", "this node is MASTER of VI_1")
        terminal.send("y")
        terminal.wait_for("done after", "C Confirm it now")
        terminal.send("C")
        terminal.wait_for("Keep config #", "Reverts in 4:5")
        terminal.send("y")
        terminal.wait_for("stays")
        terminal.send("Escape")
        terminal.wait_for("as it is on disk", "virtual_router_id", "enter Edit", without="esc Out")  # nothing over it
        after = Path(a.host.root / "keepalived.conf").read_text()
        changed = [(old, new) for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
        assert len(changed) == 1
        assert changed[0][1].split() == ["priority", "150"]

        terminal.send("1")
        terminal.wait_for("* VI_1       MASTER  150/150  this node", without="reverts in")
        assert lab.owners() == ["serverA"]

        terminal.resize(160, 45)
        terminal.wait_for("Priority ladder", "Live adverts", "FLAPS")
        terminal.resize(70, 20)
        terminal.wait_for("hatui needs 80x24, this is 70x20.")
        terminal.resize(80, 24)
        terminal.wait_for("* VI_1       MASTER  150/150")

        terminal.send("q")
        terminal.wait_for_end()


@pytest.mark.timeout(180)
def test_engine_lost_and_back_in_the_middle(lab: Lab, engines: tuple[Engine, Engine]) -> None:
    a, _ = engines
    with Terminal(["--socket", str(a.socket_outside)]) as terminal:
        terminal.wait_for(">* VI_1       MASTER  100/100")
        a.program.kill()
        terminal.wait_for("? VI_1       UNKNOWN", "connection to the engine lost")
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
