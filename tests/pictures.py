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

SHOTS: dict[str, tuple[tuple[int, int], tuple[str, ...], str]] = {
    "dashboard": ((80, 24), ("1",), "Events"),
    "dashboard-wide": ((160, 45), ("1",), "Live adverts"),
    "detail": ((100, 30), ("1", "enter"), "VI_1"),
    "why": ((100, 30), ("1", "w"), "Why did VI_1"),
    "failover": ((80, 24), ("1", "F"), "Same as"),
    "packets": ((100, 30), ("2",), "224.0.0.18"),
    "packets-wide": ((160, 45), ("2", "p", "enter"), "224.0.0.18"),
    "config": ((100, 30), ("3", "ctrl+n"), "vrrp_instance"),
    "drills": ((100, 30), ("4",), "4[Drills]"),
    "events": ((100, 30), ("5",), "5[Events]"),
    "peers": ((100, 30), ("6",), "6[Peers]"),
    "help": ((100, 30), ("1", "question_mark"), "Keys:"),
    "palette": ((80, 24), ("1", "ctrl+p"), "Palette"),
}
"""Size, keys, and words that stand there then. One whose screen there is not yet is left out."""
SETTLE_S = 6.0
"""Time for adverts and events to fill the screen."""


async def picture(one: Stage, name: str, out: Path) -> None:
    """One screen of the console on serverA."""
    size, pressed, words = SHOTS[name]
    app = HatuiApp(EngineLink(one.engines["serverA"].socket_outside), time_mode="utc")
    if name in ("drills", "events", "peers") and name not in app.MODES:
        sys.stderr.write(f"{name}: there is no such screen\n")
        return
    async with app.run_test(size=size) as pilot:
        await shown(pilot, lambda: "VI_1" in text_of(app))
        await asyncio.sleep(SETTLE_S)
        for key in pressed:
            await pilot.press(key)
            await pilot.pause(0.5)
        await shown(pilot, lambda: words in text_of(app))
        await pilot.pause()
        path = out / f"{name}.svg"
        path.write_text(app.export_screenshot(title="hatui on serverA") + "\n")
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


async def main(out: Path, *names: str) -> None:
    """All pictures, or those named."""
    out.mkdir(parents=True, exist_ok=True)
    with stage() as one:
        for name in ("serverA", "serverB"):
            one.configure(name, "-tracked")
            one.start(name)
        await asyncio.to_thread(one.lab.wait_for_owner, "serverA", 15)
        await history(one)
        for name in names or SHOTS:
            await picture(one, name, out)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"), *sys.argv[2:]))
