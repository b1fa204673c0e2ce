"""What the console says by itself: its messages stand in Events, and the bell rings once for two masters."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input

from engine.messages import FindingStatus, StatusLine
from hatui.app import HatuiApp
from hatui.screens.dashboard import Dashboard
from hatui.store import SaidRow
from hatui.widgets.instances import InstanceTable
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import API, NOW, S

SIZE = (80, 24)
BESIDE = msgspec.structs.replace(API, heard_at=NOW - S // 2)


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time the bell rang."""
    rung: list[int] = []
    monkeypatch.setattr(HatuiApp, "bell", lambda _: rung.append(1))
    return rung


async def test_a_message_stands_in_events_marked_as_the_consoles_and_can_be_filtered(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        console.say("the keymap was read again")
        console.say("not allowed", "warning")
        await pilot.press("5")
        text = await until(pilot, "11 of 11")
        assert ">~ 14:02:11 warn console  not allowed" in text
        assert "   14:02:11 info console  the keymap was read again" in text
        assert "the engine's journal does not have it" in text, "the selected one says whose words they are"
        await pilot.press("slash", *"kind!=console")
        await until(pilot, "9 of 11")
        assert not link.commands(), "nothing of it was sent"


async def test_the_dashboard_shows_what_happened_and_not_what_was_said(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE) as pilot:
        before = await settle(pilot)
        console.say("times: utc")
        console.clear_notifications()
        assert await settle(pilot) == before


async def test_what_was_said_before_the_engine_answered_comes_behind_its_history(tmp_path: Path) -> None:
    (tmp_path / "keymap.toml").write_text("this is no keymap")
    app = HatuiApp(StagedLink(), user_files=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        last = app.store.events[-1]
        assert isinstance(last, SaidRow)
        assert "keymap.toml" in last.words
        assert [row for row in app.store.events if isinstance(row, SaidRow)] == [last]


async def test_saving_events_leaves_out_what_the_console_said(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        console.say("one")
        await pilot.press("5", "s")
        text = await until(pilot, "Save events")
        assert "9 events of the list" in text
        assert "Left out: 1 messages of this console" in text


async def test_two_masters_ring_once_and_are_said(console: HatuiApp, link: StagedLink, bells: list[int]) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert not bells
        link.feed(StatusLine(BESIDE, NOW))
        text = await until(pilot, "!! VI_API: TWO MASTERS: this node and 10.0.0.12")
        assert len(bells) == 1
        await settle(pilot)
        assert len(bells) == 1
        await pilot.press("5")
        text = await until(pilot, "5[Events]")
        assert "bad  console  VI_API: TWO MASTERS" in text


async def test_the_bell_can_be_switched_off(tmp_path: Path, bells: list[int]) -> None:
    app = HatuiApp(StagedLink(), user_files=tmp_path, bell=False)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert isinstance(app.link, StagedLink)
        app.link.feed(StatusLine(BESIDE, NOW))
        await until(pilot, "TWO MASTERS")
        assert not bells


async def test_the_dashboard_opens_on_the_instance_with_two_masters(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(StatusLine(BESIDE, NOW))
        await until(pilot, ">* VI_API")


async def test_the_cursor_stays_under_the_hands_of_an_operator_and_goes_there_when_the_dashboard_is_opened_again(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "j")
        await until(pilot, ">- VI_DNS")
        link.feed(StatusLine(BESIDE, NOW))
        text = await until(pilot, "TWO MASTERS")
        assert ">- VI_DNS" in text
        await pilot.press("5")
        await until(pilot, "5[Events]")
        await pilot.press("1")
        await until(pilot, ">* VI_API")
        await pilot.press("k")
        await until(pilot, ">* VI_WEB")
        await pilot.press("5", "1")
        await until(pilot, ">* VI_WEB")


async def test_adverts_that_are_not_obeyed_ring_too(console: HatuiApp, link: StagedLink, bells: list[int]) -> None:
    told = FindingStatus("D-AUTH VI_WEB", "D-AUTH", "error", "VI_WEB", "adverts carry another authentication")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(StatusLine(told, NOW))
        await until(pilot, "another authentication")
        assert len(bells) == 1


async def test_a_dialog_keeps_its_focus_when_it_rings(console: HatuiApp, link: StagedLink, bells: list[int]) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"VI")
        link.feed(StatusLine(BESIDE, NOW))
        await until(pilot, "TWO MASTERS")
        assert bells
        assert isinstance(console.focused, Input)
        screen = console.frame
        assert isinstance(screen, Dashboard)
        assert screen.query_one(InstanceTable).key == "VI_API"
