"""Each flow that acts, with the engine lost at each of its steps, seen by a viewer, and in another size midway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import EngineLost
from engine.messages import (
    AnnounceNow,
    Command,
    Failover,
    Maintenance,
    Outcome,
    Release,
    Reload,
    Reply,
    RunDrill,
)
from hatui.app import HatuiApp
from hatui.store import Connection, LinkState
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import NOW, S
from tests.console.rehearsed import REPORTS

SIZE = (100, 30)
CLOSED = "the engine closed the connection"
FLOWS: dict[str, tuple[type[Command], str]] = {
    "F": (Failover, "Fail over VI_WEB"),
    "M": (Maintenance, "Maintenance of VI_WEB"),
    "D": (RunDrill, "Drill hand-over of VI_WEB"),
    "A": (AnnounceNow, "Announce now?"),
    "R": (Reload, "Reload the configuration?"),
}
"""Key -> what it says to the engine, and the title of its dialog."""


def is_wish(command: Command) -> bool:
    """Whether it is to be carried out: no question what would happen."""
    return isinstance(command, Failover | Maintenance | RunDrill | AnnounceNow | Reload | Release) and not getattr(
        command, "dry_run", False
    )


def lost_when_said(kind: type[Command]) -> Callable[[Command], Reply]:
    """An engine that forecasts, and is lost as soon as it is to act."""

    def answer(command: Command) -> Reply:
        if is_wish(command):
            raise EngineLost(CLOSED)
        report = REPORTS[0] if kind is RunDrill else None
        return Reply(0, Outcome.DONE, text="10.0.0.12 will be MASTER", drill=report)

    return answer


async def give_reason(pilot: object, key: str) -> None:
    """Maintenance wants a reason first."""
    if key == "M":
        await pilot.click("#reason")  # type: ignore[attr-defined]
        await pilot.press(*"fan", "escape")  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", FLOWS)
async def test_lost_before_the_answer_makes_the_outcome_unknown(console: HatuiApp, link: StagedLink, key: str) -> None:
    kind, title = FLOWS[key]
    link.answers[kind] = lost_when_said(kind)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, title)
        await give_reason(pilot, key)
        await settle(pilot)
        await pilot.press("y")
        text = await until(pilot, "the outcome is unknown")
        assert " done" not in text
        assert len([one for one in link.commands() if is_wish(one)]) == 1


@pytest.mark.parametrize("key", ["F", "M", "D"])
async def test_lost_while_it_asks_forbids_and_says_so(console: HatuiApp, link: StagedLink, key: str) -> None:
    kind, title = FLOWS[key]
    link.answers[kind] = lost_when_said(kind)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, title)
        await give_reason(pilot, key)
        link.feed(LinkState(Connection.LOST, NOW - S, CLOSED, NOW + S))
        await until(pilot, "the engine is silent: its states are not known [E-NO-ENGINE]")
        await pilot.press("y")
        await settle(pilot)
        assert not [one for one in link.commands() if is_wish(one)]


@pytest.mark.parametrize("key", ["F", "M", "D"])
async def test_lost_before_the_forecast_came_claims_nothing(console: HatuiApp, link: StagedLink, key: str) -> None:
    kind, _ = FLOWS[key]
    link.answers[kind] = EngineLost(CLOSED)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(LinkState(Connection.LOST, NOW - S, CLOSED, NOW + S))
        await settle(pilot)
        await pilot.press(key)
        text = await until(pilot, "E-NO-ENGINE")
        assert "10.0.0.12 will be MASTER" not in text
        await pilot.press("y")
        await settle(pilot)
        assert not [one for one in link.commands() if is_wish(one)]


@pytest.mark.parametrize("key", FLOWS)
async def test_viewer_is_refused_each_of_them_with_a_code(link: StagedLink, tmp_path: Path, key: str) -> None:
    console = HatuiApp(link, user_files=tmp_path, read_only=True)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press(key)
        text = await until(pilot, "[E-ROLE]")
        assert FLOWS[key][1] not in text
        assert link.commands() == []


@pytest.mark.parametrize("key", ["F", "M", "D"])
async def test_each_can_be_asked_from_the_detail_of_an_instance(console: HatuiApp, link: StagedLink, key: str) -> None:
    kind, title = FLOWS[key]
    link.answers[kind] = lost_when_said(kind)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, "History")
        await pilot.press(key)
        await until(pilot, title)
        assert not [one for one in link.commands() if is_wish(one)]


async def test_nocolor_is_a_word_of_the_command_line(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"nocolor", "enter")
        await settle(pilot)
        assert console.theme == "hatui-mono"


@pytest.mark.parametrize("key", ["F", "M", "D"])
async def test_resize_midway_keeps_the_question_and_what_was_typed(
    console: HatuiApp, link: StagedLink, key: str
) -> None:
    kind, title = FLOWS[key]
    link.answers[kind] = lost_when_said(kind)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, title)
        await pilot.click("#reason")
        await pilot.press(*"fan")
        for size in ((160, 45), (80, 24)):
            await pilot.resize_terminal(*size)
            text = await until(pilot, title)
            assert "fan" in text
        assert not [one for one in link.commands() if is_wish(one)]
