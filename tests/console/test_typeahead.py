"""Keys that come faster than they are carried out keep their order."""

from __future__ import annotations

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from engine.messages import Failover, Outcome, Reply, RunDrill
from hatui.app import HatuiApp
from hatui.widgets.editor import ConfigEditor
from tests.console.conftest import CONFIG, StagedLink
from tests.console.piloting import settle, until
from tests.console.rehearsed import REPORTS

SIZE = (80, 24)
SIGNS = {"/": "slash", ":": "colon", "?": "question_mark"}


def type_at_once(pilot: Pilot[None], *keys: str) -> None:
    """As a terminal hands over what was typed while the console was busy: all keys in one piece."""
    for key in keys:
        pilot.app.post_message(events.Key(SIGNS.get(key, key), key if len(key) == 1 else None))


async def test_letters_do_not_overtake_arrows_in_the_editor(console: HatuiApp, link: StagedLink) -> None:
    row = next(at for at, line in enumerate(CONFIG.splitlines()) if line.split()[:1] == ["priority"])
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "L-TRACK-REF")
        editor = console.screen.query_one(ConfigEditor)
        editor.focus()
        editor.goto(0, 0)
        await settle(pilot)
        type_at_once(pilot, "enter", *["down"] * row, "end", *["backspace"] * 3, *"120")
        await until(pilot, "priority 100 -> 120")
        assert editor.document.get_line(row) == CONFIG.splitlines()[row].replace("100", "120")


async def test_letters_behind_the_key_that_opens_a_field_go_into_the_field(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        type_at_once(pilot, "/", *"FAULT")
        await until(pilot, "/ FAULT")
        assert link.commands() == []


async def test_order_typed_into_the_dialog_before_it_is_painted_is_carried_out_once(
    console: HatuiApp, link: StagedLink
) -> None:
    link.answers[Failover] = Reply(0, Outcome.DONE, text="took over")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        type_at_once(pilot, "F", "escape", "down", "up", "F", "y", "y")
        await until(pilot, "took over")
        assert [type(command) for command in link.commands()] == [Failover]


async def test_enter_in_a_field_leaves_it_before_the_next_key(console: HatuiApp, link: StagedLink) -> None:
    link.answers[RunDrill] = Reply(0, Outcome.DONE, text="done", drill=REPORTS[0])
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("D")
        await until(pilot, "outage at most 3.609 s")
        console.screen.query_one("#reason", Input).focus()
        await settle(pilot)
        type_at_once(pilot, *"test", "enter", "y")
        await until(pilot, "PASS  outage 3.500 s")
        assert RunDrill("hand-over", "VI_WEB") in link.commands()


async def test_key_whose_widget_goes_away_holds_up_nothing(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        type_at_once(pilot, ":", *"failover", "escape", "?", "escape", "2")
        await until(pilot, "2[Packets]")
