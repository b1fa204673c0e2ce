"""`make pictures`: the console's screens as SVG, from real engines in the lab.

Invariant: nothing is drawn by hand and nothing is made up; what a picture shows was on the screen.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from hatui.app import HatuiApp
from hatui.demo import Stage, stage
from hatui.lab import LabError
from hatui.link import EngineLink

SIZES = {"dashboard": (80, 24), "dashboard-wide": (160, 45), "packets": (100, 30), "config": (100, 30)}
KEYS = {"dashboard": "1", "dashboard-wide": "1", "packets": "2", "config": "3"}
SETTLE_S = 6.0
"""Time for adverts and events to fill the screen."""


async def picture(one: Stage, name: str, out: Path) -> None:
    """One screen of the console on serverA."""
    app = HatuiApp(EngineLink(one.engines["serverA"].socket_outside), time_mode="utc")
    async with app.run_test(size=SIZES[name]) as pilot:
        await shown(pilot, lambda: "VI_1" in text_of(app))
        await pilot.press(KEYS[name])
        await asyncio.sleep(SETTLE_S)
        await pilot.pause()
        path = out / f"{name}.svg"
        drawn = app.export_screenshot(title="hatui on serverA")
        # Some viewers drop blanks at the ends of a text, and the columns would not stand under each other.
        path.write_text(drawn.replace("<text ", '<text xml:space="preserve" ') + "\n")
        sys.stdout.write(f"{path}\n")


def text_of(app: HatuiApp) -> str:
    """The screen as text."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def shown(pilot: Pilot[None], what: Callable[[], bool]) -> None:
    """Wait until it is on the screen."""
    for _ in range(200):
        if what():
            return
        await pilot.pause(0.05)
    raise LabError("the console does not show it")


async def history(one: Stage) -> None:
    """Something to look at: a move and the way back."""
    run: Callable[..., Awaitable[object]] = asyncio.to_thread
    engine = one.engines["serverA"]
    await run(engine.hatui, "failover", "VI_1", "--step-down", "--wait", "--yes", "--reason", "kernel patch")
    await run(engine.hatui, "release", "VI_1")
    await run(one.lab.wait_for_owner, "serverA", 15)


async def main(out: Path) -> None:
    """All pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with stage() as one:
        for name in ("serverA", "serverB"):
            one.configure(name, "-tracked")
            one.start(name)
        await asyncio.to_thread(one.lab.wait_for_owner, "serverA", 15)
        await history(one)
        for name in SIZES:
            await picture(one, name, out)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")))
