"""Waiting for a console under test: until it has painted what was told, or until something stands there.

Nothing here measures time: the queues of the app and of its widgets are drained, however busy the machine is.
"""

from __future__ import annotations

import asyncio

from textual.pilot import Pilot

from hatui.app import HatuiApp
from hatui.store import Connection

ROUNDS = 3
"""A painted screen may move the focus or the cursor, which paints again."""


async def _drained(pilot: Pilot[None], app: HatuiApp) -> None:
    for schedule in (app.call_later, app.screen.call_after_refresh):
        done = asyncio.Event()
        if schedule(done.set):
            await done.wait()
    await pilot.press()  # no key: waits for every widget of the screen


async def settle(pilot: Pilot[None]) -> str:
    """Until everything told and typed so far is painted; the screen as text."""
    app = pilot.app
    assert isinstance(app, HatuiApp)
    async with asyncio.timeout(60):
        while app.store.link.connection is Connection.CONNECTING or app.frame is None:
            await _drained(pilot, app)
            await asyncio.sleep(0)
    for _ in range(ROUNDS):
        await _drained(pilot, app)
        app.paint()
    await _drained(pilot, app)
    return app.screen_text()


async def until(pilot: Pilot[None], words: str, turns: int = 400) -> str:
    """Until these words stand on the screen; fails with the screen when they never do."""
    text = ""
    for _ in range(turns):
        text = await settle(pilot)
        if words in text:
            return text
        await asyncio.sleep(0.01)  # a worker or a pause in typing
    raise AssertionError(f"never seen: {words}\n{text}")
