"""Drills from the command line, against hatui and keepalived: measured as an independent pinger measures, put back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from engine.messages import DrillReport
from hatui.lab import Lab, start_engine, wait_for
from hatui.lab.servers import own_command
from tests.net.drills import HIGH, MOVES, PEERS, SPLITS, aborted, crashed, drilled, scene, way
from tests.net.engine_talk import Talk, config, has_address, status

HOW = "command line"
on_each_peer = pytest.mark.parametrize("peer", PEERS)


@pytest.mark.timeout(180)
@pytest.mark.programs("keepalived")
@on_each_peer
def test_every_drill_measures_what_a_pinger_measures_and_puts_everything_back(lab: Lab, peer: str) -> None:
    found = scene(lab, peer)
    found.shorten(MOVES)
    with way(HOW, found) as by:
        for name in MOVES:
            cell = drilled(found, by, HOW, name)
            assert not cell.wrong, str(cell)
        by.tells(f"#{len(MOVES)} ")


@pytest.mark.programs("keepalived")
@on_each_peer
def test_a_deaf_backup_makes_two_masters_and_the_repair_is_measured(lab: Lab, peer: str) -> None:
    found = scene(lab, peer, HIGH)
    found.shorten(SPLITS)
    with way(HOW, found) as by:
        for name in SPLITS:
            cell = drilled(found, by, HOW, name)
            assert not cell.wrong, str(cell)


@pytest.mark.programs("keepalived")
@on_each_peer
def test_aborted_and_crashed_drills_leave_the_system_as_it_was(lab: Lab, peer: str) -> None:
    found = scene(lab, peer)
    with way(HOW, found) as by:
        aborted(found, by)
        crashed(found, by)


def test_linked_node_answers_the_preflight_and_holds_still_meanwhile(lab: Lab, tmp_path: Path) -> None:
    a, b = lab.add_host("serverA", "10.211.55.22/24"), lab.add_host("serverB", "10.211.55.23/24")
    other = start_engine(b, config(50))
    wait_for(lambda: has_address(b), 10, "the peer as master")  # so that it was heard once
    engine = start_engine(a, config(100))
    wait_for(lambda: status(engine)["state"] == "MASTER", 10, "the election")
    plan = tmp_path / "short.toml"
    plan.write_text('like = "hand-over"\nsettle_s = 2\nbaseline_s = 0\n')
    hosts = [word for one in (engine, other) for word in ("--host", f"local:{one.socket_outside}")]
    words = [*own_command("hatui", "hatui.cli"), *hosts, "drill", "run", str(plan), "VI_1", "--yes", "--json"]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: status(engine)["state"] == "BACKUP", 20, "the hand-over")
    with Talk(other) as talk:
        refused = talk.ask("failover", instance="VI_1")
        assert refused["code"] == "E-DRILL"
        assert "serverA drills VI_1" in refused["text"]
    said, _ = running.communicate(timeout=60)
    report = msgspec.json.decode(said, type=DrillReport)
    assert (running.returncode, report.outcome) == (0, "pass")
    found = {one.code: one for one in report.checks if one.text.startswith("serverB")}
    assert {"P-CLOCK", "P-VIP-MATCH", "P-TRACKERS", "P-CONFIG-MATCH", "P-PENDING", "P-PEER-HEARD"} <= found.keys()
    assert "fail" not in {one.result for one in found.values()}
    assert Path(report.packets).name == "00000001.pcapng"
    with Talk(other) as talk:
        assert talk.ask("failover", instance="VI_1", method="take-over", dry_run=True)["code"] != "E-DRILL"
