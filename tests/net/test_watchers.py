"""Clients of the control socket, however they behave, delay no advertisement and lose no transition.

Bound: adverts are one second apart; 1.1 s allows a loaded test machine 100 ms.
"""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import time
from pathlib import Path

from hatui.lab import Engine, Lab, Program, wait_for
from hatui.lab.servers import own_command
from tests.net.pair import running_pair, tapped


def follow(engine: Engine, name: str) -> Program:
    argv = [*own_command("hatui", "hatui.cli"), "watch", "--jsonl", "--socket", engine.socket]
    return engine.host.start(argv, log=f"{name}.log")


def silent_client(engine: Engine) -> socket.socket:
    """Subscribes to everything at the highest rate and never reads an octet."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(str(engine.socket_outside))
    command = {"type": "subscribe", "topics": ["status", "events", "packets"], "rate_hz": 20}
    client.sendall(json.dumps({"type": "request", "v": 1, "id": 1, "command": command}).encode() + b"\n")
    return client


def transitions(program: Program) -> list[tuple[str, str]]:
    found = []
    for line in program.output.splitlines():
        event = json.loads(line).get("event", {})
        if event.get("type") == "state-changed":
            found.append((event["old"], event["new"]))
    return found


def test_console_four_readers_and_one_that_never_reads_delay_nothing_and_readers_see_every_transition(
    lab: Lab, tmp_path: Path
) -> None:
    file = tmp_path / "wire.pcap"
    with running_pair(lab, "hatui", "hatui") as pair:
        engine = pair.engine(pair.a)
        readers = [follow(engine, f"watch{number}") for number in range(4)]
        deaf = silent_client(engine)
        terminal = f"hatui-test-{time.monotonic_ns()}"
        console = engine.host.enter([*own_command("hatui", "hatui.cli"), "--socket", engine.socket])
        tmux = ["tmux", "-L", terminal, "-f", "/dev/null"]
        subprocess.run([*tmux, "new-session", "-d", "-x", "80", "-y", "24", *console], check=True)
        try:
            shown = lambda: subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True).stdout  # noqa: E731
            wait_for(lambda: "VI_1" in shown(), 15, "the console's first frame")
            with tapped(lab, file):
                time.sleep(12)
                engine.hatui("failover", "VI_1", "--step-down", "--yes", "--reason", "watched")
                lab.wait_for_owner("serverB", 5)
                engine.hatui("release", "VI_1")
                lab.wait_for_owner("serverA", 8)
                time.sleep(2)
            # A reader that sleeps must not keep others from what has happened.
            expected = [("MASTER", "BACKUP"), ("BACKUP", "MASTER")]
            for reader in readers:
                wait_for(lambda reader=reader: transitions(reader) == expected, 5, "the transitions")  # type: ignore[misc]
            assert "MASTER" in shown()
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)
            deaf.close()
    heard = subprocess.run(
        ["tshark", "-n", "-r", str(file), "-Y", "vrrp", "-T", "fields", "-e", "frame.time_epoch", "-e", "vrrp.prio"],
        capture_output=True,
        text=True,
        check=True,
    )
    instants = [float(line.split()[0]) for line in heard.stdout.splitlines()]
    assert len(instants) > 15
    gaps = [later - earlier for earlier, later in itertools.pairwise(instants)]
    assert max(gaps) <= 1.1
