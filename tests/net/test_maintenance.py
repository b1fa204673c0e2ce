"""Maintenance on real hosts: no ping lost, over a restart of the engine, and never the last owner."""

from __future__ import annotations

import subprocess

from hatui.lab import Engine, Lab, start_engine, wait_for
from hatui.lab.servers import own_command
from tests.net.engine_talk import config, has_address, status


def hatui(engine: Engine, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [*own_command("hatui", "hatui.cli"), *words, "--socket", str(engine.socket_outside)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_maintenance_moves_without_loss_outlives_the_engine_and_serves_where_nobody_else_does(lab: Lab) -> None:
    a, b = lab.add_host("serverA", "10.211.55.22/24"), lab.add_host("serverB", "10.211.55.23/24")
    client = lab.add_host("client", "10.211.55.24/24")
    other = start_engine(b, config(50))
    engine = start_engine(a, config(100))
    wait_for(lambda: status(engine)["state"] == "MASTER", 10, "serverA as master")
    pinger = lab.pinger(client)
    pinger.wait_for_owner("serverA")

    done = hatui(engine, "maintenance", "on", "--reason", "new fan", "--yes")
    assert done.returncode == 0, done.stderr
    assert "took over" in done.stdout
    pinger.wait_for_owner("serverB")
    assert pinger.report().lost == 0
    again = hatui(engine, "maintenance", "on", "--reason", "mine", "--yes")
    assert (again.returncode, "E-MAINTENANCE" in again.stderr) == (5, True)
    assert "by root" in hatui(engine, "maintenance", "status").stdout

    engine.program.stop()  # another engine takes it up before its first advert
    engine = start_engine(a, config(100))
    found = status(engine)
    assert (found["hold_kind"], found["hold_reason"], found["priority"]) == ("maintenance", "new fan", 1)
    assert pinger.report().lost == 0

    other.program.kill()  # nobody else is left: it serves, with priority 1
    wait_for(lambda: has_address(a), 10, "the address on serverA")
    assert status(engine)["priority"] == 1
    off = hatui(engine, "maintenance", "off", "--yes")
    assert "runs with priority 100 again" in off.stdout
    assert status(engine)["hold_kind"] == ""
    assert has_address(a)
