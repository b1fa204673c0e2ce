"""The style sheet is parsed once per text and colours, and anew when these change."""

from __future__ import annotations

from collections import Counter

import pytest
from textual.css import stylesheet

from hatui.app import HatuiApp
from tests.console.piloting import settle


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each source was parsed."""
    times: Counter[str] = Counter()
    real = stylesheet.parse

    def counted(scope: str, css: str, read_from: tuple[str, str], **more: object) -> object:
        times[read_from[0].rpartition("/")[2]] += 1
        return real(scope, css, read_from, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(stylesheet, "parse", counted)
    return times


async def test_start_and_every_screen_parse_our_sheet_once(parsed: Counter[str], console: HatuiApp) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for key in "234561":
            await pilot.press(key)
            await settle(pilot)
    assert parsed["hatui.tcss"] == 1


async def test_another_theme_is_another_sheet_and_is_seen(parsed: Counter[str], console: HatuiApp) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        before = console.screen.styles.background
        console.theme = "hatui-light"
        await settle(pilot)
        assert parsed["hatui.tcss"] == 2
        assert console.screen.styles.background != before
        console.theme = "hatui-dark"
        await settle(pilot)
        assert console.screen.styles.background == before
