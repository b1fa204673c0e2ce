"""A part of the console that cannot be loaded any more, as after an upgrade, ends nothing."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

import pytest

from hatui.app import HatuiApp
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until

SIZE = (80, 24)


class Changed(MetaPathFinder):
    """Modules that are of another version now."""

    def __init__(self, *names: str, error: type[Exception] = ImportError) -> None:
        self.names = names
        self.error = error

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in self.names:
            raise self.error(f"cannot import {name}")
        return None


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> object:
    def change(*names: str, error: type[Exception] = ImportError) -> None:
        for name in names:
            monkeypatch.delitem(sys.modules, name, raising=False)
            parent, _, child = name.rpartition(".")
            monkeypatch.delattr(sys.modules[parent], child, raising=False)
        monkeypatch.setattr(sys, "meta_path", [Changed(*names, error=error), *sys.meta_path])

    return change


@pytest.mark.parametrize("error", [ImportError, SyntaxError])
async def test_key_whose_part_is_missing_is_said_and_the_text_in_the_editor_stays(
    console: HatuiApp, link: StagedLink, changed: object, error: type[Exception]
) -> None:
    assert callable(changed)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "L-TRACK-REF")
        await pilot.press("enter", *"typed", "escape")
        await until(pilot, "typed")
        changed("hatui.screens.review", error=error)
        await pilot.press("ctrl+s")
        await until(pilot, "[E-UPGRADED]")
        console.clear_notifications()
        assert "typed" in await settle(pilot)
        assert console.is_running


async def test_screen_that_is_missing_leaves_the_one_that_is_shown(
    console: HatuiApp, link: StagedLink, changed: object
) -> None:
    assert callable(changed)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        changed("hatui.screens.peers")
        await pilot.press("6")
        await until(pilot, "[E-UPGRADED]")
        console.clear_notifications()
        await pilot.press("j")
        assert ">* VI_API" in await settle(pilot)
        await pilot.press("2")
        await until(pilot, "2[Packets]")


async def test_click_and_command_line_live_on_too(console: HatuiApp, link: StagedLink, changed: object) -> None:
    assert callable(changed)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        changed("hatui.screens.drills", "hatui.screens.new")
        await pilot.click(offset=(35, 1))  # 4 Drills
        await until(pilot, "[E-UPGRADED]")
        console.clear_notifications()
        await pilot.press("colon", *"new", "enter")
        await until(pilot, "[E-UPGRADED]")
        console.clear_notifications()
        await pilot.press("j")
        assert ">* VI_API" in await settle(pilot)


async def test_worker_whose_part_is_missing_does_not_end_the_console(console: HatuiApp, link: StagedLink) -> None:
    async def needs() -> None:
        raise ImportError("cannot import name", name="hatui.gone")

    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        console.run_worker(needs())
        await until(pilot, "hatui.gone")
        assert console.is_running
