"""Packets of a real engine, by command and in the console: captured, filtered, saved, opened, read by tshark."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hatui.lab import Engine, Lab
from hatui.lab.servers import own_command
from tests.net.pair import running_pair
from tests.net.test_operator import terminal

pytestmark = pytest.mark.programs("tshark")


def run(engine: Engine, *words: str) -> subprocess.CompletedProcess[str]:
    argv = engine.host.enter([*own_command("hatui", "hatui.cli"), "--socket", engine.socket, *words])
    return subprocess.run(argv, capture_output=True, text=True, timeout=40, check=False)


def test_capture_of_a_backup_is_read_by_tshark_with_the_engines_verdicts(lab: Lab, tmp_path: Path) -> None:
    with running_pair(lab, "hatui", "hatui") as pair:
        backup = pair.engine(pair.b)
        file = tmp_path / "adverts.pcapng"
        done = run(backup, "capture", "-f", "kind==advert && dir==in", "-c", "3", "-w", str(file))
        assert done.returncode == 0, done.stderr
        fields = ["vrrp.virt_rtr_id", "vrrp.prio", "ip.src", "frame.comment"]
        words = ["tshark", "-r", str(file), "-T", "fields", *(word for field in fields for word in ("-e", field))]
        rows = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
        assert len(rows) == 3
        for row in rows:
            vrid, priority, source, comment = row.split("\t")
            assert (vrid, priority, source) == ("50", "100", "10.211.55.22")
            assert comment.startswith("verdict ok by VI_1")
        decoded = run(backup, "decode", str(file), "--json")
        assert decoded.returncode == 0, decoded.stderr
        told = [json.loads(line) for line in decoded.stdout.splitlines()]
        assert {(one["verdict"], one["instance"], one["vrid"]) for one in told} == {("ok", "VI_1", 50)}
        assert b"1111" not in file.read_bytes()

        used = run(backup, "vrids", "eth0", "--listen", "2.5", "--json")
        assert used.returncode == 0, used.stderr
        (use,) = json.loads(used.stdout)["used"]
        assert (use["vrid"], use["instances"]) == (50, ["VI_1"])
        assert use["senders"] == {"10.211.55.22": "priority 100"}


@pytest.mark.programs("tmux")
def test_operator_filters_sees_the_ladder_saves_and_opens_a_capture_with_keys_alone(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "c.pcapng"
    with running_pair(lab, "hatui", "hatui") as pair, terminal(pair.engine(pair.a)) as console:
        console.see("VI_1")
        console.keys("2")
        console.see("2[Packets]", "FOLLOW", "224.0.0.18 v2  50   100 1s   pw   sent")
        console.keys("/", *"prio=100", "Enter")
        console.see("write prio==100")
        console.keys("C-u", *"vrid", "Tab")
        console.see("vrid== vrid!= vrid<")
        console.keys("C-u", *"vrid==50 && dir==o", "Tab", "Enter")
        console.see("filter> vrid==50 && dir==out", "FOLLOW")
        console.keys("l")
        console.see("10.211.55.22", "|-- 50 prio 100 ---", "alike folded, spacing 1.0")
        console.keys("l", "Space", "k", "k", "=")
        console.see("differences", "<> header checksum")
        console.keys("Escape")
        console.see("scrolled, f follows")
        console.keys("s")
        console.see("Save packets", "capture -f", "Secrets: zeroed")
        console.keys("C-u", *str(file), "Enter")
        console.see("saved ", " packets, ")
        console.keys(":", *f"open {file}", "Enter")
        console.see("OFFLINE", "esc closes it", "pw   sent")
        console.keys("Escape")
        console.see("all packets")
        console.keys("q")
        console.see("left with 0")
    words = ["tshark", "-r", str(file), "-T", "fields", "-e", "vrrp.virt_rtr_id"]
    assert set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()) == {"50"}
    assert b"1111" not in file.read_bytes()
