"""What if: the arithmetic of the ledger with trackers the other way round, and who would win."""

from __future__ import annotations

import msgspec
import pytest

from engine.config.model import Instance, Track, Tracking
from engine.messages import InstanceStatus, LedgerLine, State
from engine.protocol.tracking import contribution, file_contribution
from hatui.whatif import boxes, good, simulate, value
from hatui.widgets.priorities import box_line
from tests.console.recording import API, DB, DNS, NOW, WEB

HAPROXY = ("script", "chk_haproxy")
DISK = ("script", "chk_disk")


def test_failing_and_working_again_take_and_give_the_weight() -> None:
    assert simulate(API, {HAPROXY}, NOW).priority == 120
    assert simulate(API, {DISK}, NOW).priority == 93
    assert simulate(API, {HAPROXY, DISK}, NOW).priority == 115
    assert simulate(API, (), NOW).priority == API.priority


def test_master_stays_above_its_peer_and_says_how_old_that_is() -> None:
    found = simulate(API, {DISK}, NOW)
    assert (found.master, found.moves) == ("", False)
    assert found.words == "10.0.0.12 has 90 (said 12m40s ago): VIP stays here"


def test_master_below_its_peer_loses_without_an_outage() -> None:
    found = simulate(msgspec.structs.replace(API, peer_priority=95), {DISK}, NOW)
    assert (found.master, found.moves) == ("10.0.0.12", True)
    assert "takes over within 3.63s, no outage" in found.words


def test_tracker_without_weight_puts_into_fault_and_back() -> None:
    line = LedgerLine("script", "chk_x", good=True, weight=0, contribution=0)
    status = msgspec.structs.replace(WEB, ledger=(*WEB.ledger, line))
    found = simulate(status, {("script", "chk_x")}, NOW)
    assert (found.fault, found.master, found.moves) == ("chk_x", "10.0.0.12", True)
    assert "takes over 0.61s after the goodbye" in found.words
    mended = simulate(DB, {("interface", "eth1")}, NOW)
    assert (mended.priority, mended.fault, mended.master, mended.moves) == (150, "", "", True)


def test_backup_comes_only_above_the_master_and_only_with_preempt() -> None:
    line = LedgerLine("script", "chk_x", good=False, weight=60, contribution=0)
    status = msgspec.structs.replace(DNS, ledger=(*DNS.ledger, line))
    found = simulate(status, {("script", "chk_x")}, NOW)
    assert (found.priority, found.master, found.moves) == (160, "", True)
    assert simulate(status, (), NOW).moves is False
    held_back = simulate(msgspec.structs.replace(status, preempt=False), {("script", "chk_x")}, NOW)
    assert (held_back.master, held_back.moves) == ("10.0.0.12", False)
    assert held_back.words.startswith("nopreempt")


def test_nobody_heard_is_unknown_never_a_winner() -> None:
    alone = msgspec.structs.replace(WEB, peer="", peer_priority=0, heard_at=0)
    line = LedgerLine("script", "chk_x", good=True, weight=0, contribution=0)
    found = simulate(msgspec.structs.replace(alone, ledger=(*WEB.ledger, line)), {("script", "chk_x")}, NOW)
    assert (found.master, found.moves) == ("?", False)
    unheard = msgspec.structs.replace(WEB, peer_priority=0)
    assert simulate(unheard, (), NOW).master == "?"


def test_owner_hold_and_limits() -> None:
    owner = msgspec.structs.replace(API, base_priority=255)
    assert simulate(owner, {DISK}, NOW).priority == 255
    hold = LedgerLine("hold", "step-down", None, 0, -97)
    assert simulate(msgspec.structs.replace(API, ledger=(*API.ledger, hold)), {HAPROXY}, NOW).priority == 1
    deep = LedgerLine("script", "deep", good=True, weight=-250, contribution=0)
    assert simulate(msgspec.structs.replace(API, ledger=(*API.ledger, deep)), {("script", "deep")}, NOW).priority == 1


def test_what_has_no_result_has_no_box() -> None:
    line = LedgerLine("script", "new", good=None, weight=-5, contribution=0)
    status = msgspec.structs.replace(API, ledger=(*API.ledger, line))
    assert [box.name for box in boxes(status)] == ["chk_haproxy", "chk_disk"]
    assert good(API.ledger[1], {HAPROXY}) is True
    assert good(API.ledger[2], ()) is True


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("weight", [-20, 0, 20])
@pytest.mark.parametrize("now_good", [False, True])
def test_toggling_says_what_the_engine_itself_would_say(weight: int, reverse: bool, now_good: bool) -> None:
    """The ledger does not name `reverse`: the points must come out right all the same."""
    track = Track(name="t", weight=weight, reverse=reverse)
    one = Instance(name="VI", interface="eth0", vrid=1, priority=100, tracking=Tracking(scripts=(track,)))

    def status(is_good: bool) -> InstanceStatus:
        points, fault = contribution(weight, reverse, is_good)
        shown = -weight if reverse else weight
        ledger = (
            LedgerLine("base", "", None, one.priority, one.priority),
            LedgerLine("script", "t", is_good, shown, points, fault),
        )
        return msgspec.structs.replace(
            WEB, state=State.BACKUP, base_priority=100, priority=100 + points, ledger=ledger, peer_priority=90
        )

    toggled = simulate(status(now_good), {("script", "t")}, NOW)
    real = simulate(status(not now_good), (), NOW)
    assert (toggled.priority, toggled.fault) == (real.priority, real.fault)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("weight", [-20, -1, 0, 1, 20])
@pytest.mark.parametrize("now", [-300, 0, 3, 300])
def test_the_other_value_of_a_file_says_what_the_engine_would_say(now: int, weight: int, reverse: bool) -> None:
    def status(holds: int) -> InstanceStatus:
        points, fault = file_contribution(weight, reverse, holds)
        shown = -weight if reverse else weight
        ledger = (
            LedgerLine("base", "", None, 100, 100),
            LedgerLine("file", "drain", not fault, shown, points, fault, f"value {holds}"),
        )
        return msgspec.structs.replace(WEB, base_priority=100, priority=100, ledger=ledger, peer_priority=90)

    box = ("file", "drain")
    other = 0 if now else 1
    assert value(status(now).ledger[1], {box}) == other
    toggled, real = simulate(status(now), {box}, NOW), simulate(status(other), (), NOW)
    assert (toggled.priority, toggled.fault) == (real.priority, real.fault)


@pytest.mark.parametrize("kind", ["script", "process", "interface", "bfd", "file"])
def test_every_kind_of_tracker_has_a_box(kind: str) -> None:
    line = LedgerLine(kind, "t", good=True, weight=-40, contribution=0, detail="value 0" if kind == "file" else "")
    status = msgspec.structs.replace(API, ledger=(API.ledger[0], line), priority=120)
    assert [box.kind for box in boxes(status)] == [kind]
    assert simulate(status, {(kind, "t")}, NOW).priority == 80
    text = "".join(words for words, _ in box_line(line, {(kind, "t")}))
    assert ("value 1  (now it is 0)" if kind == "file" else "fails  (now it works)") in text
