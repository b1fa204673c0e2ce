"""What operators ask for is answered once and logged once, without secrets."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from engine.core import commands
from engine.core.archive import Archive
from engine.core.change import Changes
from engine.core.commands import Commands, spoken
from engine.core.loading import read_config
from engine.core.peers import Peer
from engine.core.reloading import Reloading
from engine.messages import (
    ApplyConfig,
    Command,
    CommandFinished,
    CommandLogged,
    EditConfig,
    Event,
    EventLine,
    Failover,
    GetConfig,
    GetEvents,
    GetHeard,
    HandOverStarted,
    HeardAdvert,
    InstanceStatus,
    JudgeConfig,
    Ordered,
    Outcome,
    Reload,
    Request,
    RunDrill,
    StopEngine,
)
from engine.wire import decode_server_line, encode_line
from tests.core.test_reloading import User, text

ANNA = Peer(7, 0, (0,), "root", "anna", "pid 7 uid 0 pts/1 from 10.0.0.9", "operator")


class FakeEngine(User):
    """Core without processes: the test is the Router."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self.orders: list[Ordered] = []
        self.runs = True
        self.heard = time.monotonic_ns()
        self.asked = 0
        self.stopped = ""

    def order(self, ordered: Ordered) -> bool:
        self.orders.append(ordered)
        self.changed.set()
        return self.runs

    def vrrp_heard(self) -> int:
        return self.heard

    def ask_sign_of_life(self) -> None:
        self.asked += 1

    def clock(self) -> int:
        return time.monotonic_ns()

    def owners(self) -> list[InstanceStatus] | None:
        return None

    async def fresh_owners(self) -> list[InstanceStatus] | None:
        return None

    def own_status_changed(self) -> None:
        self.changed.set()

    async def last_events(self, wish: GetEvents, limit: int) -> list[EventLine]:
        return []

    def stop_soon(self, reason: str) -> None:
        self.stopped = reason

    def has_instance(self, name: str) -> bool:
        return name == "VI_1"

    @property
    def logged(self) -> list[CommandLogged]:
        return [event for event in self.events if isinstance(event, CommandLogged)]


@pytest.fixture
async def pair(tmp_path: Path) -> tuple[FakeEngine, Commands]:
    (tmp_path / "k.conf").write_text(text())
    engine = FakeEngine()
    reading = read_config(str(tmp_path / "k.conf"))
    running = Reloading(engine, reading, "", time.monotonic_ns, Archive(tmp_path / "state"))
    changes = Changes(engine, running, "boot")
    await changes.resume()
    return engine, Commands(engine, running, changes)


def asked(made: Commands, command: Command, said: list[str] | None = None) -> asyncio.Task[Any]:
    told = [] if said is None else said
    return asyncio.get_running_loop().create_task(made.perform(Request(1, command, "patch"), ANNA, told.append))


async def test_order_is_answered_by_the_router_and_logged_with_who_and_why(pair: tuple[FakeEngine, Commands]) -> None:
    engine, made = pair
    said: list[str] = []
    task = asked(made, Failover("VI_1", hold_s=60), said)
    await engine.until(lambda: bool(engine.orders))
    (order,) = engine.orders
    assert (order.command, order.by, order.reason) == (Failover("VI_1", hold_s=60), "anna", "patch")
    made.happened(HandOverStarted("VI_1"))
    made.happened(HandOverStarted("VI_2"))
    made.finished(CommandFinished(order.request + 1, Outcome.REFUSED))  # somebody else's
    made.finished(CommandFinished(order.request, Outcome.UNDONE, "E-NO-SUCCESSOR", "nobody", 5))
    reply = await task
    assert (reply.outcome, reply.code, reply.text, reply.duration) == (Outcome.UNDONE, "E-NO-SUCCESSOR", "nobody", 5)
    assert len(said) == 1
    assert engine.logged == [
        CommandLogged(
            "anna as root",
            ANNA.origin,
            "failover instance=VI_1 method=step-down hold_s=60",
            "patch",
            Outcome.UNDONE,
            "E-NO-SUCCESSOR",
            "nobody",
        )
    ]


async def test_order_for_an_unknown_instance_never_reaches_the_router(pair: tuple[FakeEngine, Commands]) -> None:
    engine, made = pair
    assert (await asked(made, Failover("VI_9"))).code == "E-UNKNOWN-INSTANCE"
    assert engine.orders == []
    assert engine.logged[0].code == "E-UNKNOWN-INSTANCE"


async def test_order_is_not_waited_for_when_the_vrrp_process_is_away_dies_or_is_silent(
    pair: tuple[FakeEngine, Commands], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, made = pair
    engine.runs = False
    assert (await asked(made, Failover("VI_1"))).code == "E-SILENT"
    engine.runs = True
    task = asked(made, Failover("VI_1"))
    await engine.until(lambda: len(engine.orders) == 2)
    made.vrrp_died()
    assert (await task).code == "E-SILENT"
    monkeypatch.setattr(commands, "SILENCE_S", 0.5)
    assert "silent" in (await asked(made, Failover("VI_1"))).text
    assert engine.asked == 1
    assert [row.code for row in engine.logged] == ["E-SILENT"] * 3


async def test_stopping_engine_takes_no_orders_but_still_answers_questions(pair: tuple[FakeEngine, Commands]) -> None:
    engine, made = pair
    assert (await asked(made, StopEngine())).outcome is Outcome.DONE
    assert engine.stopped == "operator anna"
    engine.stopping = True
    assert (await asked(made, Reload())).code == "E-STOPPING"
    assert (await asked(made, GetEvents())).outcome is Outcome.DONE
    assert (await asked(made, GetConfig())).files[0].text == text()
    assert [row.command for row in engine.logged] == ["stop-engine", "reload"]


async def test_order_cut_short_by_the_end_is_logged_all_the_same(pair: tuple[FakeEngine, Commands]) -> None:
    engine, made = pair
    task = asked(made, Failover("VI_1"))
    await engine.until(lambda: bool(engine.orders))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.logged[0].code == "E-STOPPING"


async def test_file_that_cannot_be_written_is_a_refusal(
    pair: tuple[FakeEngine, Commands], monkeypatch: pytest.MonkeyPatch
) -> None:
    _engine, made = pair

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/etc/keepalived")

    monkeypatch.setattr("engine.core.takeback.write_atomically", refuse)
    reply = await asked(made, ApplyConfig(text(150)))
    assert (reply.outcome, reply.code) == (Outcome.REFUSED, "E-IO")
    assert "Permission denied" in reply.text


async def test_problems_of_a_good_text_come_with_the_answer(pair: tuple[FakeEngine, Commands]) -> None:
    _engine, made = pair
    untracked = 'vrrp_script chk {\n script "/bin/true"\n}\n' + text(150)
    reply = await asked(made, ApplyConfig(untracked, dry_run=True))
    assert reply.outcome is Outcome.DONE
    assert any("chk" in problem for problem in reply.problems)


def test_audit_line_never_holds_the_text_of_a_configuration() -> None:
    line = spoken(Request(1, ApplyConfig("auth_pass secret99", comment="new password")))
    assert line == 'apply-config: 18 octets, "new password"'
    event: Event = CommandLogged("a", "b", line, "", Outcome.DONE)
    assert "secret99" not in str(event)


def test_audit_line_names_only_what_was_asked_for() -> None:
    assert spoken(Request(1, RunDrill("hand-over", "VI_1"))) == "run-drill plan=hand-over instance=VI_1"
    assert spoken(Request(1, RunDrill("flap", "VI_1", baseline_s=1.0))).endswith("instance=VI_1 baseline_s=1.0")


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        (GetConfig(), 0),
        (GetConfig(reveal=True), 1),
        (EditConfig(), 0),
        (EditConfig(take_over=True), 1),
        (RunDrill("hand-over", "VI_1", dry_run=True), 0),
        (RunDrill("hand-over", "VI_1"), 1),
    ],
)
async def test_showing_secrets_and_taking_over_leave_a_row_and_reading_leaves_none(
    pair: tuple[FakeEngine, Commands], command: Command, rows: int
) -> None:
    engine, made = pair
    await asked(made, command)
    assert len(engine.logged) == rows


HEARD = (HeardAdvert("10.0.0.12", "eth0", 50, 4, 100, 2, 1_000_000_000, ("10.0.0.50",), "pass", "ab12", "224.0.0.18"),)


async def hear(made: Commands) -> None:
    async def heard() -> tuple[HeardAdvert, ...]:
        return HEARD

    made._reloading.heard = heard


async def test_text_is_judged_by_what_others_advertise_and_nothing_is_changed_or_logged(
    pair: tuple[FakeEngine, Commands],
) -> None:
    engine, made = pair
    await hear(made)
    before = len(engine.events)
    reply = await asked(made, JudgeConfig(text().replace("priority", "advert_int 5\n    priority")))
    assert reply.outcome is Outcome.DONE
    (one,) = [one for one in reply.judged if one.code == "L-ADVINT-PEER"]
    assert "every 5 s here and every 1 s in the other node (by its adverts)" in one.what
    assert decode_server_line(encode_line(reply)) == reply, "findings and their fixes cross the socket"
    assert len(engine.events) == before
    assert Path(one.file).read_text() == text()


async def test_mark_of_a_password_is_for_operators_only(pair: tuple[FakeEngine, Commands]) -> None:
    _engine, made = pair
    await hear(made)
    assert (await asked(made, GetHeard())).heard == HEARD
    viewer = Peer(7, 1000, (), "eve", "eve", "pid 7", "viewer")
    (one,) = (await made.perform(Request(1, GetHeard()), viewer, print)).heard
    assert (one.secret, one.priority) == ("", 100)
