"""Drills on real hosts, against hatui and keepalived: measured as an independent pinger measures, and put back."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.messages import DrillReport
from hatui.lab import Engine, Host, Lab, Pinger, start_engine, start_keepalived, wait_for
from hatui.lab.servers import own_command
from tests.net.engine_talk import Talk, config, events, has_address, status

MS = 1_000_000
CHECKED = 'vrrp_script chk_service {\n    script "/bin/true"\n    interval 1\n}\n'
TRACK = "    track_script {\n        chk_service\n    }\n"
SHORT = ("--baseline", "0.5s", "--every", "10ms", "--yes", "--reason", "test")
HERE = ("hand-over", "silent-master", "tracker-fail", "link-down", "engine-crash", "engine-stall", "reload", "flap")


def drill(engine: Engine, *words: str, client: Host | None = None, code: int = 0) -> DrillReport:
    """`hatui drill run` with a probe on the client, as an operator types it."""
    place = ["--from", shlex.join(client.enter(["x"])[:-1])] if client is not None else []
    argv = [*own_command("hatui", "hatui.cli"), "drill", "run", *words, *SHORT, *place, "--json"]
    argv += ["--socket", str(engine.socket_outside)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
    return msgspec.json.decode(done.stdout, type=DrillReport)


def plain_state(engine: Engine) -> dict[str, Any]:
    found = status(engine)
    return {name: found[name] for name in ("state", "priority", "hold_kind")} | {
        "addresses": [one["present"] for one in found["addresses"]]
    }


def agrees(report: DrillReport, pinger: Pinger, since: int) -> None:
    """The longest outage between an act and its restoration, within 20 ms of what the pinger saw."""
    ahead = time.time_ns() - time.monotonic_ns()
    begun = [since, *(turn.acted - ahead for turn in report.turns[1:])]
    seen = [pinger.report(at, turn.restored - ahead) for at, turn in zip(begun, report.turns, strict=True)]
    longest = max(one.outage for one in seen)
    assert abs(report.measured - longest) <= 20 * MS, (report.plan, report.measured, list(map(str, seen)))
    assert any(one.name.endswith("#1 icmp") and one.sent > 50 for one in report.probes), report.probes


def pair(lab: Lab, peer: str, peer_priority: int) -> tuple[Engine, Host, Pinger]:
    """serverA runs hatui, serverB the peer; the client pings."""
    a, b = lab.add_host("serverA", "10.211.55.22/24"), lab.add_host("serverB", "10.211.55.23/24")
    client = lab.add_host("client", "10.211.55.24/24")
    (start_engine if peer == "hatui" else start_keepalived)(b, config(peer_priority))
    wait_for(lambda: has_address(b), 10, "the peer as master")  # so that it was heard once
    engine = start_engine(a, CHECKED + config(100, TRACK))
    owner = a if peer_priority < 100 else b
    pinger = lab.pinger(client)
    pinger.wait_for_owner(owner.name)
    wait_for(lambda: status(engine)["state"] == ("MASTER" if owner is a else "BACKUP"), 10, "the election")
    return engine, client, pinger


@pytest.mark.timeout(180)
@pytest.mark.programs("keepalived")
@pytest.mark.parametrize("peer", ["hatui", "keepalived"])
def test_every_drill_measures_what_a_pinger_measures_and_puts_everything_back(
    lab: Lab, peer: str, tmp_path: Path
) -> None:
    engine, client, pinger = pair(lab, peer, 50)
    plan = tmp_path / "short.toml"
    before = plain_state(engine)
    for name in HERE:
        plan.write_text(f'like = "{name}"\nsettle_s = 0.5\n' + ("repeat = 2\n" if name == "flap" else ""))
        since = time.monotonic_ns()
        report = drill(engine, str(plan), "VI_1", client=client)
        assert (report.outcome, report.restored) == ("pass", True), (name, report.text)
        agrees(report, pinger, since)
        if name in ("silent-master", "link-down"):
            assert 200 * MS < report.measured < 500 * MS, (name, report.measured)
            assert 0 < report.takeover <= report.takeover_expected + 60 * MS
            phases = {one.name: one.measured for one in report.phases}
            assert min(phases.values()) >= 0, phases
        assert plain_state(engine) == before, name
    reports = subprocess.run(
        [*own_command("hatui", "hatui.cli"), "drill", "list", "--json", "--socket", str(engine.socket_outside)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(json.loads(reports.stdout)["drills"]) == len(HERE)


@pytest.mark.programs("keepalived")
@pytest.mark.parametrize("peer", ["hatui", "keepalived"])
def test_a_deaf_backup_makes_two_masters_and_the_repair_is_measured(lab: Lab, peer: str) -> None:
    engine, client, _ = pair(lab, peer, 150)
    before = plain_state(engine)
    report = drill(engine, "peer-deaf", "VI_1", client=client)
    assert (report.outcome, report.restored) == ("pass", True), report.text
    assert report.doubled > 500 * MS, "both answered while it was deaf"
    owners = next(one.owners for one in report.probes if one.name.endswith("#1 arp"))
    assert len(owners) == 2
    assert plain_state(engine) == before
    assert lab.owners() == ["serverB"]


def test_aborted_and_crashed_drills_leave_the_system_as_it_was(lab: Lab, tmp_path: Path) -> None:
    engine, _, pinger = pair(lab, "hatui", 50)
    before = plain_state(engine)
    plan = tmp_path / "long.toml"
    plan.write_text('like = "silent-master"\nsettle_s = 60\nbaseline_s = 0\n')
    words = [*own_command("hatui", "hatui.cli"), "drill"]
    where = ["--socket", str(engine.socket_outside)]
    running = subprocess.Popen([*words, "run", str(plan), "VI_1", "--yes", *where], stdout=subprocess.PIPE)
    pinger.wait_for_owner("serverB")
    running.send_signal(signal.SIGINT)  # the console goes, the drill stays
    running.wait()
    assert running.stdout is not None
    running.stdout.close()
    with Talk(engine) as talk:
        assert talk.statuses("engine-status")[0]["drill"]["plan"] == "long"
        assert talk.ask("failover", instance="VI_1")["code"] == "E-DRILL"
        assert talk.ask("abort-drill")["outcome"] == "done"
    pinger.wait_for_owner("serverA")
    wait_for(lambda: plain_state(engine) == before, 10, "everything as before")
    talk_events = wait_for(lambda: events(engine, "drill-finished"), 10, "the end of the drill")
    assert talk_events[-1]["outcome"] == "aborted"

    # killed in the middle of a hand-over drill: core, with its journal on disk
    plan.write_text('like = "hand-over"\nsettle_s = 60\nbaseline_s = 0\n')
    running = subprocess.Popen([*words, "run", str(plan), "VI_1", "--yes", *where], stderr=subprocess.PIPE, stdout=-3)
    pinger.wait_for_owner("serverB")
    os.kill(engine.program.pid, signal.SIGKILL)
    assert running.stderr is not None
    running.stderr.close()
    running.wait()
    engine.program.kill()
    again = start_engine(engine.host, CHECKED + config(100, TRACK))
    pinger.wait_for_owner("serverA", 20)
    wait_for(lambda: plain_state(again) == before, 10, "everything as before")
    ended = wait_for(lambda: events(again, "drill-finished"), 5, "the crashed drill")
    assert ended[-1]["outcome"] == "crashed"


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
