"""`:`, the palette, themes, help and keymap."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.messages import Failover, Outcome, Reply, RunDrill
from hatui.app import HatuiApp
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until

SIZE = (80, 24)


async def test_command_line_completes_and_runs(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Failover] = Reply(0, Outcome.DONE, text="moved")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"failover VI_A")
        text = await settle(pilot)
        assert "failover VI_API" in text
        assert "failover VI_WEB" not in text
        await pilot.press("tab", "enter")
        await until(pilot, "Fail over VI_API")
        assert link.commands() == []


async def test_arrows_choose_a_candidate(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"theme hatui-l", "enter")
        await settle(pilot)
        assert console.theme == "hatui-light"
        await pilot.press("colon", *"theme hatui", "down", "down", "enter")
        await settle(pilot)
        assert console.theme.startswith("hatui-")
        assert console.theme != "hatui-light" or "mono" not in console.theme


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("packets", "2[Packets]"),
        ("config", "3[Config]"),
        ("vrid 53", ">- VI_DNS"),
        ("instance VI_DB", ">! VI_DB"),
        ("problems", "All problems"),
        ("help", "Keys: Dashboard"),
        ("explain E-NO-SUCCESSOR", "E-NO-SUCCESSOR"),
        ("explain E-NO-SUCESSOR", "Did you mean E-NO-SUCCESSOR"),
        ("announce", "Announce now?"),
        ("reload", "Reload the configuration?"),
        ("drill silent-master", "Drill silent-master of VI_WEB"),
        ("drill run silent-master VI_DNS", "Drill silent-master of VI_DNS"),
        ("drill silent-master VI_NONE", "write :drill silent-master VI, with VI one of VI_WEB"),
        ("nonsense here", "not understood: nonsense here"),
        ('theme "', "No closing quotation"),
    ],
)
async def test_commands(console: HatuiApp, link: StagedLink, typed: str, seen: str) -> None:
    link.answers[RunDrill] = Reply(0, Outcome.REFUSED, "E-PREFLIGHT", "not now")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("colon", *typed, "enter")
        await until(pilot, seen)


async def test_escape_closes_the_command_line_without_doing_anything(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"theme hatui-light", "escape")
        await settle(pilot)
        assert console.theme == "hatui-dark"


async def test_palette_finds_by_name_and_by_help(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        text = await until(pilot, "- Palette")
        assert "dashboard" in text
        await pilot.press(*"gratuitous")
        await until(pilot, "announce")
        await pilot.press("escape", "ctrl+p", *"pack")
        await until(pilot, "packets")
        await pilot.press("enter")
        await until(pilot, "2[Packets]")


async def test_palette_opens_even_while_typing_in_the_editor(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "L-TRACK-REF")
        await pilot.press("ctrl+p")
        await until(pilot, "- Palette")


async def test_every_theme_can_be_worn(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for theme in ("hatui-light", "hatui-contrast", "hatui-mono", "nord", "textual-light", "hatui-dark"):
            console.theme = theme
            text = await settle(pilot)
            assert ">* VI_WEB     MASTER" in text


async def test_unknown_theme_is_said_and_the_default_worn(link: StagedLink, tmp_path: Path) -> None:
    console = HatuiApp(link, theme="moonlight", user_files=tmp_path)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, "no theme is named moonlight")
        assert console.theme == "hatui-dark"


async def test_broken_user_theme_is_said(link: StagedLink, tmp_path: Path) -> None:
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "x.toml").write_text("name = 1\n")
    console = HatuiApp(link, user_files=tmp_path)
    async with console.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "is missing")


async def test_clicks_do_what_keys_do(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.click("#table", offset=(5, 3))
        assert ">- VI_DNS" in await settle(pilot)
        await pilot.click("#table", offset=(5, 3))
        await until(pilot, "priority in use/base")
        await pilot.press("escape")
        await settle(pilot)
        await pilot.click("#head", offset=(16, 1))
        await until(pilot, "2[Packets]")


async def test_last_screen_goes_back_and_forth(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await until(pilot, "2[Packets]")
        await pilot.press("minus")
        await until(pilot, "1[Dashboard]")
        await pilot.press("minus")
        await until(pilot, "2[Packets]")
