"""Flows that meet something in the middle: the engine lost, another size; and terminals that are asked for less."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.errors import EngineLost
from engine.messages import Command, GetConfig, GetTrackerRuns, Outcome, Reply, RunDrill, StatusLine
from hatui.app import HatuiApp
from hatui.link import Say
from hatui.store import Connection, LinkState
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, NOW, S
from tests.console.rehearsed import REPORTS, RUNNING

SIZE = (80, 24)
CLOSED = "the engine closed the connection"


class Talking(StagedLink):
    """An engine that says how a drill goes on, and is lost in the middle of it."""

    async def perform(self, command: Command, reason: str = "", progress: Say | None = None, node: str = "") -> Reply:
        if isinstance(command, RunDrill) and not command.dry_run:
            self.asked.append((command, reason))
            assert progress is not None
            progress("drill 17 hand-over VI_WEB: baseline 3 s")
            progress("hand-over now")
            raise EngineLost(CLOSED)
        return await super().perform(command, reason, progress, node)


async def test_engine_lost_in_the_middle_of_a_drill_makes_its_outcome_unknown_and_it_is_found_again(
    tmp_path: Path,
) -> None:
    link = Talking()
    link.answers[RunDrill] = Reply(0, Outcome.DONE, drill=REPORTS[0])
    app = HatuiApp(link, user_files=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("D")
        await until(pilot, "Drill hand-over of VI_WEB")
        await pilot.press("y")
        text = await until(pilot, "the outcome is unknown")
        assert "PASS" not in text
        link.feed(LinkState(Connection.LOST, NOW - S, CLOSED, NOW + S))
        await pilot.press("escape")
        await until(pilot, "connection lost")
        link.feed(LinkState(Connection.LIVE, NOW), StatusLine(msgspec.structs.replace(ENGINE, drill=RUNNING), NOW))
        await pilot.press("4")
        text = await until(pilot, "Drill #17")
        assert "DRILL ON" in text
        assert len([one for one in link.commands() if isinstance(one, RunDrill) and not one.dry_run]) == 1


@pytest.mark.parametrize(
    ("keys", "asked", "kept"), [(1, GetTrackerRuns, "script chk_haproxy"), (4, GetConfig, "not known: " + CLOSED)]
)
async def test_engine_lost_while_a_tab_of_the_detail_asks_leaves_what_is_known(
    console: HatuiApp, link: StagedLink, keys: int, asked: type[Command], kept: str
) -> None:
    link.answers[asked] = EngineLost(CLOSED)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter")
        await until(pilot, "[State]")
        await pilot.press(*["tab"] * keys)
        await until(pilot, kept)
        assert any(isinstance(command, asked) for command, _ in link.asked)
        link.feed(LinkState(Connection.LOST, NOW - S, CLOSED, NOW + S))
        text = await until(pilot, "UNKNOWN (was MASTER")
        assert kept in text


PAGES: dict[str, tuple[tuple[str, ...], str]] = {
    "why": (("j", "w"), "Why did VI_API change?"),
    "help": (("question_mark",), "Keys: Dashboard"),
    "save": (("2", "s"), "Save packets"),
    "what-if": (("j", "space", "j", "space"), "SIMULATION of the priority"),
    "problems": (("exclamation_mark",), "All problems"),
    "command line": (("colon", "w", "h"), ":wh"),
}


@pytest.mark.parametrize("name", PAGES)
async def test_resize_in_the_middle_keeps_what_is_open(console: HatuiApp, link: StagedLink, name: str) -> None:
    keys, words = PAGES[name]
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        await until(pilot, words)
        for size in ((160, 45), (60, 12), (100, 30), SIZE):
            await pilot.resize_terminal(*size)
            text = await settle(pilot)
            if size != (60, 12):
                assert words in text, f"at {size}\n{text}"
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("escape")
        assert words not in await settle(pilot)


async def test_without_colours_the_theme_is_one_of_bold_and_reverse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = HatuiApp(StagedLink(), user_files=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.theme == "hatui-mono"
    named = HatuiApp(StagedLink(), user_files=tmp_path, theme="hatui-light")
    async with named.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert named.theme == "hatui-light", "what was asked for by name is worn"


async def test_no_time_of_day_stands_there_before_an_engine_has_told_it(tmp_path: Path) -> None:
    link = StagedLink(())
    app = HatuiApp(link, user_files=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        link.feed(LinkState(Connection.ABSENT, 0, "no engine: the socket does not exist", S))
        text = await until(pilot, "No engine on this host")
        assert "--:--:--" in text.splitlines()[0]


@pytest.mark.parametrize("over", ["", "192.0.2.7 40222 192.0.2.1 22"])
async def test_nothing_moves_by_itself_between_two_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: str
) -> None:
    """No animation anywhere, over a network or not: what is painted is painted at once."""
    monkeypatch.setenv("SSH_CONNECTION", over)
    app = HatuiApp(StagedLink(), user_files=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.animation_level == "none"
        assert not app.animator._animations
