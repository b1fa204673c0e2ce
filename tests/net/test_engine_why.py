"""Why, on real hosts: whether the host of a silent master lives, and what that master recorded itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatui.lab import Engine, Lab, start_engine, wait_for
from tests.net.engine_talk import config, events, host_of, master, pid_of, status

ROOT = Path(__file__).resolve().parents[2]


def why(engine: Engine, *arguments: str, ssh: Path | None = None) -> dict[str, Any]:
    """The explanation of the last change, by the command line."""
    argv = [
        sys.executable,
        "-m",
        "hatui.cli",
        "why",
        "VI_1",
        "--json",
        "--socket",
        str(engine.socket_outside),
        *arguments,
    ]
    env = {**os.environ, "HATUI_SSH": str(ssh or "/nowhere")}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)["explanation"]
    return found


def asked(engine: Engine, count: int) -> dict[str, Any]:
    """The answer, or silence, of the peer's host after the last take-over."""
    found: list[dict[str, Any]] = wait_for(
        lambda: (told := events(engine, "peer-asked")) and len(told) == count and told, 8, "the question"
    )
    return found[-1]


def test_living_host_of_a_silent_master_is_told_from_a_dead_one_and_its_own_account_settles_it(
    lab: Lab, tmp_path: Path
) -> None:
    a, b = host_of(lab, "a", 22), host_of(lab, "b", 23)
    first = master(a, config(150, "    nopreempt"))
    second = start_engine(b, config(100))
    wait_for(lambda: status(second)["master"] == "10.211.55.22", 8, "the backup")

    pid = pid_of(first, "hatui-vrrp", a)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: status(second)["state"] == "MASTER", 8, "the take-over")
    answer = asked(second, 1)
    os.kill(pid, signal.SIGCONT)
    assert (answer["peer"], answer["mac"]) == ("10.211.55.22", a.mac)
    wait_for(lambda: status(first)["state"] == "BACKUP", 8, "the yielding")
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\ncd {ROOT}\nhatui() {{ exec {sys.executable} -m hatui.cli "$@"; }}\neval "$2"\n')
    ssh.chmod(0o755)
    told = why(second, "--peer", f"lb-a:{first.socket_outside}", ssh=ssh)
    assert told["grade"] == "certain"
    assert "says itself: engine-stall: this engine stood still" in told["cause"]

    lab.power_off(b)
    wait_for(lambda: status(first)["state"] == "MASTER", 8, "the take-over")
    assert asked(first, 1)["mac"] == ""
    told = why(first)
    assert told["grade"] == "likely"
    assert told["cause"].endswith("It was not heard again, nor did it answer ARP")
