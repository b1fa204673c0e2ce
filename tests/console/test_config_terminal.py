"""Commit and confirm in a real terminal on a real engine: edited, applied, not confirmed, taken back by the engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hatui.lab import Engine, Lab, obstacle, start_engine
from tests.console.terminal import Terminal

pytestmark = [pytest.mark.net, pytest.mark.programs("tmux")]
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture
def engine() -> Iterator[Engine]:
    """serverA alone, on a copy of its sample that may be edited."""
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    with Lab() as lab:
        host = lab.add_host("serverA", "10.211.55.22/24")
        config = host.root / "keepalived.conf"
        shutil.copy(SAMPLES / "serverA.conf", config)
        found = start_engine(host, config)
        lab.wait_for_owner("serverA", 15)
        yield found


@pytest.mark.timeout(150)
def test_priority_edited_and_applied_without_a_confirmation_comes_back_by_itself(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = engine.host.root / "keepalived.conf"
    before = config.read_text()
    monkeypatch.setenv("EDITOR", "sed -i s/150/160/")
    monkeypatch.delenv("VISUAL", raising=False)
    with (
        Terminal(["--socket", str(engine.socket_outside)]) as terminal,
        Terminal(["--socket", str(engine.socket_outside)]) as other,
    ):
        terminal.wait_for(">* VI_1       MASTER  100/100  this node")
        terminal.send("e")
        terminal.wait_for("3[Config]", "- vrrp_instance NAME { ... }", "enter Edit")
        row = next(at for at, line in enumerate(before.splitlines()) if line.split()[:1] == ["priority"])
        terminal.send("g")
        for _ in range(row):
            terminal.send("j")
        terminal.send("Enter")
        terminal.wait_for("TYPING", "- priority NUMBER 1..255")
        terminal.send("End", "BSpace", "BSpace", "BSpace")
        terminal.type("150")
        terminal.wait_for("candidate, 1 line changed", "priority 100 -> 150")
        other.send("3")
        other.wait_for("root edits since", "you may look")
        other.send("Enter")
        other.wait_for("T takes over", "enter Edit")
        other.send("1")
        terminal.send("Escape")
        terminal.wait_for("enter Edit", without="TYPING")
        terminal.send(":")
        terminal.type("editor")
        terminal.send("Enter")
        terminal.wait_for("priority 100 -> 160")

        terminal.send("C-s")
        terminal.wait_for("this node is MASTER of VI_1", "Confirm within 5m")
        terminal.send("Tab", "Tab", "BSpace", "BSpace")
        terminal.type("6s")
        terminal.send("Enter")
        terminal.wait_for("Confirm within 6s")
        terminal.send("y")
        terminal.wait_for("done after", "C Confirm it now")
        other.wait_for("MASTER  160/160", "reverts in 0:0", "C confirm")
        terminal.send("Escape")
        terminal.wait_for("was taken back: nobody confirmed it in time", "as it is on disk")
        other.wait_for("MASTER  100/100", "was taken back: nobody confirmed it in time")
        assert config.read_text() == before
        terminal.send("r")
        terminal.wait_for("#3", "engine", "#2", "root", "revision 2")
