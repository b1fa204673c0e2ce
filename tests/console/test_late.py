"""A part of the console that cannot be loaded any more, as after an upgrade, ends nothing."""

from __future__ import annotations

import ast
import gc
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import hatui
from hatui.app import HatuiApp
from hatui.late import later
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


async def test_work_that_is_replaced_before_it_began_leaves_no_coroutine_behind(
    console: HatuiApp, link: StagedLink, recwarn: pytest.WarningsRecorder
) -> None:
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)

    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for number in range(3):
            console.run_worker(later(work, number), group="replaced", exclusive=True)
        await settle(pilot)
        gc.collect()
    assert begun[-1] == 2
    assert not [one for one in recwarn if "never awaited" in str(one.message)]


def test_every_worker_of_the_console_is_given_work_that_begins_later() -> None:
    given = [
        f"{path.name}:{call.lineno}"
        for path in Path(hatui.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "run_worker"
        and not (isinstance(call.args[0], ast.Call) and ast.unparse(call.args[0].func) == "later")
    ]
    assert given == []
