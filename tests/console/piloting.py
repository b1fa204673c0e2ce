"""Waiting for a console under test: until it has painted what was told, or until something stands there.

Nothing here measures time: the queues of the app and of its widgets are drained, however busy the machine is.
"""

from __future__ import annotations

import asyncio

from textual.message_pump import MessagePump
from textual.pilot import Pilot

from hatui.app import HatuiApp
from hatui.store import Connection

ROUNDS = 3
"""A painted screen may move the focus or the cursor, which paints again."""


async def drained(app: HatuiApp) -> None:
    """All that stood in the queues of the app, its screen and its widgets is done.

    What leaves the screen meanwhile calls nothing any more, so only those still there are waited for.
    """
    waiting: set[MessagePump] = set()
    for pump in (app, *app.screen.walk_children(with_self=True)):
        waiting.add(pump)
        if not pump.call_later(lambda pump=pump: waiting.discard(pump)):
            waiting.discard(pump)
    screen = app.screen
    painted = asyncio.Event()
    screen.call_after_refresh(painted.set)
    while app.is_running and (any(pump.is_running for pump in waiting) or not painted.is_set()):
        if app.screen is not screen:
            return
        await asyncio.sleep(0.001)


async def settle(pilot: Pilot[None]) -> str:
    """Until everything told and typed so far is painted; the screen as text."""
    app = pilot.app
    assert isinstance(app, HatuiApp)
    async with asyncio.timeout(60):
        while app.store.link.connection is Connection.CONNECTING or app.frame is None:
            await drained(app)
            await asyncio.sleep(0)
    for _ in range(ROUNDS):
        await drained(app)
        app.paint()
    await drained(app)
    return app.screen_text()


async def repainted(pilot: Pilot[None]) -> None:
    """Until another theme is on and painted; nothing else has changed, so one round does."""
    app = pilot.app
    assert isinstance(app, HatuiApp)
    await drained(app)
    app.paint()
    await drained(app)


async def until(pilot: Pilot[None], words: str, turns: int = 400) -> str:
    """Until these words stand on the screen; fails with the screen when they never do."""
    text = ""
    for _ in range(turns):
        text = await settle(pilot)
        if words in text:
            return text
        await asyncio.sleep(0.01)  # a worker or a pause in typing
    raise AssertionError(f"never seen: {words}\n{text}")
