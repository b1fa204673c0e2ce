"""Packets of a real engine, by command: captured, read by tshark, decoded, and the VRIDs that they use."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hatui.lab import Engine, Lab
from hatui.lab.servers import own_command
from tests.net.pair import running_pair

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
