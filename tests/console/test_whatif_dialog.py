"""What-if where the screen has no room for the ladder: a dialog."""

from __future__ import annotations

from hatui.app import HatuiApp
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import S


async def test_what_if_opens_as_a_dialog_where_the_ladder_has_no_room(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "space")
        text = await until(pilot, "What if   (space switches a box)")
        assert ">  [ ] chk_haproxy      fails" in text
        await pilot.press("j", "space")
        text = await until(pilot, "SIMULATION of the priority")
        assert "98 -> 93; 10.0.0.12 has 90 (said 12m40s ago): VIP stays here" in text
        await pilot.press("escape")
        text = await until(pilot, "1[Dashboard]")
        assert "SIMULATION" not in text
        assert not link.commands()
        await pilot.press("enter", "space")
        await until(pilot, "What if   (space switches a box)")


async def test_what_if_says_why_there_is_nothing_to_try(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("space")
        await until(pilot, "nothing is tracked here that could fail")
        link.advance(4 * S)
        await until(pilot, "the engine is silent: nothing can be tried")
