"""Waiting for a console under test: until it has painted what was told, or until something stands there."""

from __future__ import annotations

from textual.pilot import Pilot

from hatui.app import HatuiApp


async def settle(pilot: Pilot[None]) -> str:
    """Until everything told and typed so far is painted; the screen as text."""
    app = pilot.app
    assert isinstance(app, HatuiApp)
    for _ in range(3):
        await pilot.pause()
    app.paint()
    await pilot.pause()
    return app.screen_text()


async def until(pilot: Pilot[None], words: str, turns: int = 200) -> str:
    """Until these words stand on the screen; fails with the screen when they never do."""
    text = ""
    for _ in range(turns):
        text = await settle(pilot)
        if words in text:
            return text
        await pilot.pause(0.01)
    raise AssertionError(f"never seen: {words}\n{text}")
