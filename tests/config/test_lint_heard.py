"""The other node by its adverts in place of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.config.diagnostic import Diagnostic
from engine.config.lint import findings
from engine.config.lint_heard import Heard
from hatui.cli import main
from tests.config.lint_case import instance, read, script
from tests.config.test_lint_pairs import node
from tests.config.test_lint_track import TRACKED
from tests.fake_engine import FakeEngine
from tests.fake_engine import instance as status

OTHER = "10.0.0.12"


def told(text: str, code: str, *heard: Heard) -> list[Diagnostic]:
    return [one for one in findings(read(text), heard=heard) if one.code == code]


def heard(priority: int, *, interface: str = "eth0", vrid: int = 60, family: int = 4) -> Heard:
    return Heard(OTHER, interface, vrid, family, priority)


def test_weight_that_cannot_move_the_address_is_certain_once_the_other_was_heard() -> None:
    text = script("weight -2") + instance(TRACKED)
    (hint,) = told(text, "L-WEIGHT")
    assert hint.severity == "info"
    (one,) = told(text, "L-WEIGHT", heard(50))
    assert one.severity == "warning"
    assert one.what == (
        "if chk fails here, the priority of VI_1 goes 100 -> 98, and the other node (by its adverts) has 50: "
        "the address stays here"
    )
    assert one.fix is not None
    assert told(text, "L-WEIGHT", heard(99)) == [hint], "98 is below 99: the address moves"
    assert told(script("weight -60") + instance(TRACKED), "L-WEIGHT", heard(50)) == []


def test_equal_priority_is_told() -> None:
    assert len(told(instance(), "L-PRIO-EQUAL", heard(100))) == 1
    for one in (heard(90), heard(100, vrid=61), heard(100, family=6)):
        assert told(instance(), "L-PRIO-EQUAL", one) == []


def test_what_no_advert_tells_is_not_compared() -> None:
    authenticated = instance("authentication {\n auth_type PASS\n auth_pass t1l7p\n}\nadvert_int 5\nversion 2")
    assert [one.code for one in findings(read(authenticated), heard=[heard(50)])] == [
        one.code for one in findings(read(authenticated))
    ]


def test_file_of_the_peer_counts_before_its_adverts() -> None:
    ours, peer = read(instance()), read(node(50))
    assert findings(ours, [peer], heard=[heard(100)]) == findings(ours, [peer])


@pytest.mark.parametrize("peer_priority", [52, 0])
def test_check_asks_the_engine_whom_it_has_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], peer_priority: int
) -> None:
    path = tmp_path / "k.conf"
    path.write_text(script("weight -2") + instance(TRACKED))
    shown = status(interface="eth0", vrid=60, peer=OTHER, peer_priority=peer_priority)
    with FakeEngine(tmp_path / "s", shown):
        main(["check", "--heard", "--socket", str(tmp_path / "s"), "--format", "json", str(path)])
    weights = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["code"] == "L-WEIGHT"]
    assert [one["severity"] for one in weights] == ["warning" if peer_priority else "info"]
