"""The other node by its adverts in place of its file."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.config.diagnostic import Diagnostic
from engine.config.lint import findings
from engine.config.lint_heard import Heard
from engine.messages import GetHeard, Message, Outcome, Reply, Request, Verdict, password_mark
from hatui.cli import main
from tests.config.lint_case import instance, read, script
from tests.config.test_lint_pairs import node
from tests.config.test_lint_track import TRACKED
from tests.fake_engine import FakeEngine
from tests.fake_engine import instance as status

OTHER = "10.0.0.12"
SECOND = 1_000_000_000


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


def said(**more: object) -> Heard:
    """An advert that fits `OURS` in everything."""
    words: dict[str, object] = {
        "router": OTHER,
        "interface": "eth0",
        "vrid": 60,
        "family": 4,
        "priority": 50,
        "version": 2,
        "interval": SECOND,
        "addresses": ("10.0.0.100",),
        "authentication": "pass",
        "secret": password_mark(b"tulip"),
        "destination": "224.0.0.18",
    }
    return Heard(**(words | more))  # type: ignore[arg-type]


def secured(secret: str = "tulip", kind: str = "PASS") -> str:
    return f"authentication {{\n auth_type {kind}\n auth_pass {secret}\n}}\n"


OURS = instance(secured())
PLAIN3 = instance("version 3")
UNICAST = instance("unicast_src_ip 10.0.0.11\nunicast_peer {\n 10.0.0.12\n}")
ALONE = {"authentication": "none", "secret": "", "destination": "10.0.0.11"}
V3 = {"version": 3, "authentication": "", "secret": ""}
ADVERTS = [
    # id, code, our file, what is heard: failing, passing
    ("version", "L-VERSION-PEER", PLAIN3, said(verdict=Verdict.VERSION), said(**V3)),
    ("interval-v2", "L-ADVINT-PEER", OURS, said(interval=2 * SECOND, verdict=Verdict.INTERVAL), said()),
    ("interval-v3", "L-ADVINT-PEER", PLAIN3, said(**V3 | {"interval": SECOND // 10}), said(**V3)),
    ("auth-type", "L-AUTH-PEER", OURS, said(authentication="none", secret=""), said()),
    ("auth-none-here", "L-AUTH-PEER", instance(), said(), said(authentication="none", secret="")),
    ("auth-ah", "L-AUTH-PEER", OURS, said(authentication="ah", secret=""), said()),
    ("password", "L-AUTH-PEER", OURS, said(secret=password_mark(b"rose")), said()),
    ("password-cut", "L-AUTH-PEER", instance(secured("tulipfields")), said(secret=password_mark(b"tulip")),
     said(secret=password_mark(b"tulipfie"))),
    ("password-like-the-stand-in", "L-AUTH-PEER", instance(secured("other")), said(),
     said(secret=password_mark(b"other"))),
    ("addresses", "L-VIP-PEER", OURS, said(addresses=("10.0.0.100", "10.0.0.101")), said()),
    ("vrid", "L-VRID-PEER", OURS, said(vrid=61, verdict=Verdict.VRID), said(vrid=61, addresses=("10.0.0.9",))),
    ("priority", "L-PRIO-EQUAL", OURS, said(priority=100), said()),
    ("unicast-there", "L-UNICAST-PEER", instance(), said(**ALONE), said(authentication="none", secret="")),
    ("unicast-here", "L-UNICAST-PEER", UNICAST, said(authentication="none", secret=""), said(**ALONE)),
    ("unicast-stranger", "L-UNICAST-PEER", UNICAST, said(**ALONE | {"router": "10.0.0.13"}), said(**ALONE)),
    ("unicast-elsewhere", "L-UNICAST-PEER", UNICAST, said(**ALONE | {"destination": "10.0.0.21"}), said(**ALONE)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "ours", "fails", "passes"), [one[1:] for one in ADVERTS], ids=[one[0] for one in ADVERTS]
)
def test_advert_decides_what_both_sides_must_agree_in(code: str, ours: str, fails: Heard, passes: Heard) -> None:
    (one,) = told(ours, code, fails)
    assert one.severity == "warning", "the other node may be about to follow"
    assert "the other node (by its adverts)" in one.what
    assert told(ours, code, passes) == told(ours, code) == []
    elsewhere = msgspec.structs.replace(fails, interface="eth9")
    assert told(ours, code, elsewhere) == [] or code == "L-VRID-PEER"


def test_advert_that_fits_adds_nothing() -> None:
    for ours, heard_ in ((OURS, said()), (PLAIN3, said(**V3)), (UNICAST, said(**ALONE))):
        assert findings(read(ours), heard=[heard_]) == findings(read(ours))


def test_password_that_nobody_may_compare_is_not_compared() -> None:
    assert told(OURS, "L-AUTH-PEER", said(secret="")) == [], "a viewer is not told the mark"
    strange = instance(secured('"tu lip"'))
    assert told(strange, "L-AUTH-PEER", said(secret=password_mark(b"tu lip"))) == []


def test_ah_key_is_never_sent_and_so_never_compared() -> None:
    assert told(instance(secured(kind="AH")), "L-AUTH-PEER", said(authentication="ah", secret="")) == []


def test_addresses_of_the_other_family_are_not_missed_in_adverts() -> None:
    mixed = instance(secured(), vip="10.0.0.100/24\n        2001:db8::5/64")
    assert told(mixed, "L-VIP-PEER", said()) == []


def test_farewell_tells_nothing() -> None:
    assert findings(read(OURS), heard=[said(priority=0, interval=5 * SECOND)]) == findings(read(OURS))


def test_several_other_nodes_are_each_compared() -> None:
    two = [said(), said(router="10.0.0.13", priority=100, addresses=("10.0.0.7",))]
    found = [one for one in findings(read(OURS), heard=two) if one.code in ("L-PRIO-EQUAL", "L-VIP-PEER")]
    assert {one.code for one in found} == {"L-PRIO-EQUAL", "L-VIP-PEER"}
    assert all("another node (by its adverts)" in one.what for one in found)


def test_one_vrid_on_two_interfaces_is_compared_with_what_is_heard_on_its_own() -> None:
    both = OURS + OURS.replace("VI_1", "VI_2").replace("eth0", "eth1").replace("10.0.0.100", "10.1.0.100")
    fits = said(router="10.1.0.12", interface="eth1", addresses=("10.1.0.100",))
    assert told(both, "L-VIP-PEER", said(), fits) == told(both, "L-VIP-PEER", fits) == []


def test_what_no_advert_tells_is_not_compared() -> None:
    """Of a router of which only the priority is known, and of settings that are in no advert."""
    authenticated = instance(secured() + "advert_int 5\nversion 2")
    assert [one.code for one in findings(read(authenticated), heard=[heard(50)])] == [
        one.code for one in findings(read(authenticated))
    ]
    waits = OURS.replace("state BACKUP", "state BACKUP\n    nopreempt\n    down_timer_adverts 5")
    assert findings(read(waits), heard=[said()]) == findings(read(waits))


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


def test_check_takes_whole_adverts_from_an_engine_that_tells_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "k.conf"
    path.write_text(OURS)

    def answer(request: Request) -> list[Message]:
        heard = (said(addresses=("10.0.0.7",)),) if isinstance(request.command, GetHeard) else ()
        return [Reply(request.id, Outcome.DONE, heard=heard)]

    with FakeEngine(tmp_path / "s", answer=answer, capabilities=("judge",)):
        main(["check", "--heard", "--socket", str(tmp_path / "s"), "--format", "json", str(path)])
    (one,) = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["code"] == "L-VIP-PEER"]
    assert one["what"] == "VI_1: 10.0.0.100 only here; 10.0.0.7 only in the other node (by its adverts)"
