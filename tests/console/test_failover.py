"""The failover dialog and the other questions."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from engine.errors import EngineLost
from engine.messages import (
    AnnounceNow,
    Check,
    Command,
    ConfigText,
    EventLine,
    Failover,
    GetConfig,
    HandOverFinished,
    Maintenance,
    OtherRouter,
    Outcome,
    Release,
    Reload,
    Reply,
    RunDrill,
    State,
    StatusLine,
)
from hatui.app import HatuiApp
from hatui.store import Connection, LinkState
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import NOW, WALL, WEB, S
from tests.console.rehearsed import report

SIZE = (80, 24)
DONE = Reply(0, Outcome.DONE, text="10.0.0.12 (priority 100) took over after 0.613 s", duration=620_000_000)


async def test_says_who_what_how_long_and_the_command_line_and_cancel_does_nothing(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        text = await until(pilot, "Fail over VI_WEB: lb-a (MASTER 150) -> 10.0.0.12 (backup ? 100)")
        assert "none expected, done in 0.61s; undone if nobody answers" in text
        assert "pass 1   warn 0   fail 0   unknown 3" in text
        assert "hatui failover VI_WEB --step-down" in text
        await pilot.press("enter")
        assert "Fail over VI_WEB" not in await settle(pilot)
        assert link.commands() == []


async def test_y_hands_over_and_the_measured_result_is_shown(console: HatuiApp, link: StagedLink) -> None:
    def answer(command: Command) -> Reply:
        backup = msgspec.structs.replace(
            WEB,
            state=State.BACKUP,
            since=NOW,
            priority=1,
            master="10.0.0.12",
            master_priority=100,
            hold_kind="step-down",
            hold_by="anna",
            addresses=(msgspec.structs.replace(WEB.addresses[0], present=False),),
        )
        link.feed(
            EventLine(30, NOW, WALL, HandOverFinished("VI_WEB", "10.0.0.12", 613_000_000, released=True)),
            StatusLine(backup, NOW),
        )
        return DONE

    link.answers[Failover] = answer
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("shift+tab", "shift+tab")
        await pilot.click("#reason")
        await pilot.press(*"patch")
        await pilot.click("#hold")
        await pilot.press(*"30m")
        text = await settle(pilot)
        assert "hatui failover VI_WEB --step-down --hold 30m --reason patch" in text
        assert "1 (held 30m)" in text
        await pilot.press("escape", "y")
        text = await until(pilot, "measured: 10.0.0.12 answered after 0.61s (expected 0.61s)")
        assert "done after 0.62s" in text
        assert "BACKUP 1/150" in text
        assert "not on this node" in text
        assert link.asked[-1] == (Failover("VI_WEB", "step-down", 1800.0), "patch")


async def test_simulate_shows_the_report_of_the_model_and_moves_nothing(console: HatuiApp, link: StagedLink) -> None:
    model = msgspec.structs.replace(
        report(0, 0, "pass"), plan="hand-over", simulation=True, text="SIMULATION, nothing was sent: outage 0.000 s"
    )
    link.answers[RunDrill] = Reply(0, Outcome.DONE, drill=model)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("tab", "enter")
        text = await until(pilot, "SIMULATION hand-over VI_WEB")
        assert "nothing was sent; figures of the model" in text
        assert link.commands() == [RunDrill("hand-over", "VI_WEB", simulate=True)]
        await pilot.press("escape")
        text = await until(pilot, "Fail over VI_WEB: lb-a")
        assert "y Fail over now" in text
        assert not [one for one in link.commands() if isinstance(one, Failover)]


async def test_simulate_takes_the_linked_nodes_own_configuration_along(
    console: HatuiApp, link: StagedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = OtherRouter("", 90, 1_000_000_000, instance="VI_WEB")
    monkeypatch.setattr("hatui.screens.simulated.other_in", lambda *_: told)
    link.answers[RunDrill] = Reply(0, Outcome.REFUSED, "E-UNKNOWN-INSTANCE", "there is no instance")
    link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(ConfigText("/a.conf", "priority 90", "d"),))
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("tab", "enter")
        await settle(pilot)
    other = msgspec.structs.replace(told, files=(("/a.conf", "priority 90"),))
    assert RunDrill("hand-over", "VI_WEB", simulate=True, other=other) in link.commands()


@pytest.mark.parametrize(
    "answer",
    [
        Reply(0, Outcome.REFUSED, "E-UNKNOWN-INSTANCE", "there is no instance"),
        Reply(0, Outcome.DONE, text="pass", drill=report(17, 0, "pass")),
        EngineLost("the engine closed the connection"),
    ],
)
async def test_what_is_no_simulation_is_not_shown_as_one(
    console: HatuiApp, link: StagedLink, answer: Reply | EngineLost
) -> None:
    link.answers[RunDrill] = answer
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.click("#simulate")
        assert "SIMULATION" not in await settle(pilot)
        said = [one.message for one in console._notifications]
        assert any("no simulation" in one or "closed the connection" in one for one in said)


async def test_letters_typed_as_a_reason_confirm_nothing(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.click("#reason")
        await pilot.press(*"yyn", "enter", "enter")
        await settle(pilot)
        assert link.commands() == []


async def test_wrong_hold_is_said_and_forbids(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.click("#hold")
        await pilot.press(*"soon", "escape", "y")
        assert "'soon' is no duration" in await settle(pilot)
        assert link.commands() == []


async def test_warning_wants_the_name_typed(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Failover] = DONE
    async with console.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        link.feed(StatusLine(msgspec.structs.replace(WEB, sync_group="G"), NOW))
        await settle(pilot)
        await pilot.press("F")
        text = await until(pilot, "there is a warning: type VI_WEB first")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []
        await pilot.click("#name")
        await pilot.press(*"VI_WEB", "escape", "y")
        text = await until(pilot, "done after 0.62s")
        assert "Fail over now" in text
        assert link.commands() == [Failover("VI_WEB", "step-down", 0.0)]


async def test_fault_cannot_be_failed_over(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("G", "F")
        await until(pilot, "VI_DB cannot be moved: it is in FAULT")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []


async def test_nobody_answered_is_undone_and_told_in_red_words(console: HatuiApp, link: StagedLink) -> None:
    def answer(command: Command) -> Reply:
        link.feed(EventLine(30, NOW, WALL, HandOverFinished("VI_WEB", "", 1_250_000_000, released=False)))
        return Reply(0, Outcome.UNDONE, "E-NO-SUCCESSOR", "no backup took over; the address stays here", 1_250_000_000)

    link.answers[Failover] = answer
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("y")
        text = await until(pilot, "nobody took over within 1.25s; the addresses never left")
        assert "undone: everything is as before after 1.25s [E-NO-SUCCESSOR]" in text
        assert "hatui explain E-NO-SUCCESSOR" in text


async def test_refused_because_of_somebody_else_shows_nothing_of_theirs_as_its_own(
    console: HatuiApp, link: StagedLink
) -> None:
    def answer(command: Command) -> Reply:
        link.feed(EventLine(30, NOW, WALL, HandOverFinished("VI_WEB", "10.0.0.12", 613_000_000, released=True)))
        return Reply(0, Outcome.REFUSED, "E-BUSY", "VI_WEB: another failover is under way")

    link.answers[Failover] = answer
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("y")
        assert "answered after" not in await until(pilot, "[E-BUSY]")
        link.feed(EventLine(31, NOW, WALL, HandOverFinished("VI_WEB", "10.0.0.13", 613_000_000, released=True)))
        text = await settle(pilot)
        assert "answered after" not in text
        assert "U on the dashboard releases it" not in text


async def test_refusal_shows_its_code(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Failover] = Reply(0, Outcome.REFUSED, "E-HELD", "a hold is on already")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("y")
        text = await until(pilot, "refused [E-HELD]")
        assert "a hold is on already" in text


async def test_engine_lost_before_the_answer_makes_the_outcome_unknown(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Failover] = EngineLost("the engine closed the connection")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("y")
        link.feed(LinkState(Connection.LOST, NOW, "closed"))
        text = await until(pilot, "the outcome is unknown")
        assert "UNKNOWN" in text
        await pilot.press("escape")
        assert "? VI_WEB" in await settle(pilot)


async def test_engine_lost_while_asking_forbids(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        link.advance(4 * S)
        text = await until(pilot, "the engine is silent: its states are not known")
        assert "Fail over VI_WEB: lb-a UNKNOWN (was MASTER" in text
        assert "MASTER   150" not in text
        assert "  pass     " not in text
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []


async def test_closing_the_dialog_while_the_engine_works_is_no_harm(console: HatuiApp, link: StagedLink) -> None:
    gate = asyncio.Event()

    async def slow(command: Command, reason: str) -> Reply:
        link.asked.append((command, reason))
        await gate.wait()
        return DONE

    link._answer = slow
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("y")
        await until(pilot, "asking the engine ...")
        await pilot.press("y", "escape")
        gate.set()
        text = await settle(pilot)
        assert "INSTANCE" in text
        assert len([one for one in link.commands() if not getattr(one, "dry_run", False)]) == 1


async def test_a_failed_check_is_overridden_with_a_reason_that_is_typed(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Failover] = DONE
    link.preflight = Reply(0, Outcome.DONE, checks=(Check("fail", "P-PENDING", "revision 7 waits"),))
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        text = await until(pilot, "revision 7 waits")
        assert "P-PENDING failed: say why it is done all the same" in text
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []
        await pilot.click("#override")
        await pilot.press(*"anna knows", "escape")
        await until(pilot, "--override 'anna knows'")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == [Failover("VI_WEB", "step-down", override="anna knows")]


async def test_nobody_overrides_the_loss_of_the_last_owner(console: HatuiApp, link: StagedLink) -> None:
    link.preflight = Reply(0, Outcome.DONE, checks=(Check("fail", "P-PEER-READY", "lb-b is in FAULT"),))
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "P-PEER-READY failed: nobody can override that")
        await pilot.click("#override")
        await pilot.press(*"please", "escape", "y")
        await settle(pilot)
        assert link.commands() == []


@pytest.mark.parametrize(
    ("key", "title", "command", "line"),
    [
        ("A", "Announce now?", AnnounceNow(), "hatui announce"),
        ("R", "Reload the configuration?", Reload(), "hatui reload"),
    ],
)
async def test_other_acts_ask_first_too(
    console: HatuiApp, link: StagedLink, key: str, title: str, command: Command, line: str
) -> None:
    link.answers[type(command)] = Reply(0, Outcome.DONE, text="as asked", duration=3_000_000)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        text = await until(pilot, title)
        assert f"Same as   {line}" in text
        await pilot.press("escape")
        await settle(pilot)
        assert link.commands() == []
        await pilot.press(key)
        await until(pilot, title)
        await pilot.press("y")
        await until(pilot, "as asked")
        assert link.commands() == [command]


async def test_release_asks_only_when_there_is_a_hold(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Release] = Reply(0, Outcome.DONE, text="VI_WEB runs with priority 150 again")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("U")
        assert "VI_WEB is not held: there is nothing to release [E-NOT-HELD]" in await settle(pilot)
        link.feed(StatusLine(msgspec.structs.replace(WEB, hold_kind="step-down", hold_by="bob"), NOW))
        await settle(pilot)
        await pilot.press("U")
        await until(pilot, "Release VI_WEB?")
        await pilot.press("y")
        await until(pilot, "runs with priority 150 again")
        assert link.commands() == [Release("VI_WEB")]


async def test_command_line_is_copied(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        await pilot.press("c")
        await settle(pilot)
        assert console.clipboard == "hatui failover VI_WEB --step-down"


@pytest.mark.parametrize("opens", ["F", "R", "M"])
async def test_key_that_decides_says_once_more_that_it_is_decided(
    console: HatuiApp, link: StagedLink, opens: str
) -> None:
    done = Reply(0, Outcome.DONE, text="done")
    link.answers |= {Failover: done, Reload: done, Maintenance: done}
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press(opens)
        await until(pilot, "Cancel")
        if opens == "M":
            await pilot.click("#reason")
            await pilot.press(*"patch", "enter")
        await until(pilot, "y ")
        await pilot.press("y")
        await until(pilot, "esc Close")
        asked = link.commands()
        await pilot.press("y")
        await until(pilot, "this is decided")
        assert link.commands() == asked
