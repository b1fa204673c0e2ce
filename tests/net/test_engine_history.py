"""What is written down by a real engine: it survives kill -9, explains, and can be played back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engine.core.audit import verify
from engine.messages import EventLine, InstanceStatus, Snapshot, State, StateChanged
from hatui.cli import main
from hatui.commands.replay import read
from hatui.lab import Engine, Lab, start_engine, wait_for
from tests.net.engine_talk import Talk, config, events, has_address, host_of, master, pid_of, status


def recorded(engine: Engine) -> set[str]:
    """The states of the instance in the journal's snapshots."""
    with Talk(engine) as talk:
        shots = talk.ask("get-journal", since_wall_ns=0, until_wall_ns=1 << 62)["snapshots"]
    return {one["state"] for shot in shots for one in shot["statuses"] if one["type"] == "instance-status"}


def test_history_survives_a_kill_and_why_and_replay_read_it(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = host_of(lab, "a", 22), host_of(lab, "b", 23)
    engine = master(a, config(150))
    start_engine(b, config(100))
    wait_for(lambda: "MASTER" in recorded(engine), 10, "a snapshot of the master in the journal")
    with Talk(engine) as talk:
        wait_for(lambda: talk.ask("failover", instance="VI_1", reason="a test")["outcome"] == "done", 10, "failover")
    wait_for(lambda: status(engine)["state"] == "BACKUP", 5, "the move")
    before = events(engine)
    core = pid_of(engine, "hatui-engine", a)
    os.kill(core, signal.SIGKILL)
    wait_for(lambda: not engine.program.running, 10, "the end")
    assert verify(a.root / "state" / "history.sqlite") == []
    wait_for(lambda: has_address(b), 5, "the address at b")
    again = start_engine(a, config(150))
    wait_for(lambda: status(again)["state"] in ("BACKUP", "MASTER"), 5, "its state")
    after = events(again)
    moved = [one for one in before if one["type"] == "state-changed"]
    assert [one for one in after if one["type"] == "state-changed"][: len(moved)] == moved
    assert any(one["type"] == "command-logged" and one["reason"] == "a test" for one in after)
    path = tmp_path / "past.jsonl"
    talking = ["--socket", str(again.socket_outside)]
    wait_for(lambda: main([*talking, "replay", "--save", str(path)]) == 0, 10, "the journal")
    lines = read(path)
    states = {
        one.state
        for line in lines
        if isinstance(line, Snapshot)
        for one in line.statuses
        if isinstance(one, InstanceStatus)
    }
    assert {State.MASTER, State.BACKUP} <= states
    changes = [line for line in lines if isinstance(line, EventLine) and isinstance(line.event, StateChanged)]
    assert len(changes) >= len(moved)
    capsys.readouterr()
    wanted = len([one for one in after if one["type"] == "state-changed"]) - len(moved) + 1
    assert main([*talking, "why", "VI_1", "--last", str(wanted)]) == 0
    text = capsys.readouterr().out
    assert "MASTER -> backup" in text
    assert "operator: an operator asked for it." in text
    assert "Certain    failover step-down by root" in text
