"""The packets of a drill: whole at any moment, without secrets, within their limits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.core.drill import packets
from engine.core.drill.packets import Packets, file_of, piece, prune
from engine.messages import PacketLine, Verdict
from hatui.offline import opened
from tests.core.test_frames import PASSWORD, WANTED

LINE = PacketLine(1, 5, 1_763_820_000_000_000_000, "eth0", "in", "advert", WANTED["advert"], "VI_1", Verdict.OK)


def test_only_packets_of_its_instances_are_kept_with_their_verdict(tmp_path: Path) -> None:
    path = file_of(tmp_path, 17)
    made = Packets(path, ("VI_1",))
    made.add(LINE)
    made.add(msgspec.structs.replace(LINE, instance="VI_2"))
    made.flush()
    made.add(msgspec.structs.replace(LINE, verdict=Verdict.TTL, detail="ttl 3"))
    made.flush()
    found = opened(str(path), 10)
    assert [(one.verdict, one.instance) for one in found.packets] == [(Verdict.OK, "VI_1"), (Verdict.TTL, "VI_1")]
    assert (made.path, made.kept, made.left_out, made.problem) == (str(path), 2, 0, "")
    assert path.stat().st_mode & 0o777 == 0o600


def test_password_is_zeroed(tmp_path: Path) -> None:
    made = Packets(file_of(tmp_path, 1), ("VI_1",))
    assert PASSWORD in LINE.frame
    made.add(LINE)
    made.flush()
    octets = file_of(tmp_path, 1).read_bytes()
    assert PASSWORD not in octets
    assert b"secret octets are zeroed" in octets


def test_a_drill_without_packets_has_a_file_that_says_so(tmp_path: Path) -> None:
    made = Packets(file_of(tmp_path, 1), ("VI_1",))
    made.flush()
    assert opened(made.path, 10).count == 0


def test_what_is_too_much_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "MOST", 3)
    made = Packets(file_of(tmp_path, 1), ("VI_1",))
    for _ in range(5):
        made.add(LINE)
        made.flush()
    assert (made.kept, made.left_out) == (3, 2)


def test_a_disk_that_takes_nothing_costs_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "drills").write_text("in the way")
    made = Packets(file_of(tmp_path / "drills", 1), ("VI_1",))
    made.add(LINE)
    made.flush()
    made.add(LINE)
    assert (made.path, made.kept, made.left_out) == ("", 0, 2)
    assert made.problem
    assert Packets(None, ("VI_1",)).problem == "the engine has no state directory"


def test_files_go_with_their_reports_and_the_oldest_when_all_are_too_large(tmp_path: Path) -> None:
    for number in range(1, 6):
        file_of(tmp_path, number).write_bytes(bytes(100))
    prune(tmp_path, {2, 3, 4, 5}, total=250)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["00000004.pcapng", "00000005.pcapng"]


def test_it_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "PIECE", 4)
    path = file_of(tmp_path, 1)
    path.write_bytes(b"0123456789")
    assert [piece(path, at) for at in (0, 8, 10)] == [(b"0123", 10), (b"89", 10), (b"", 10)]
