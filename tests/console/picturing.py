"""Pictures of a console in every theme, compared with those that are stored beside the tests.

Invariant: one console is one scene of one size; the themes are put on it in turn, and each picture is what a console
that was started in that theme shows (tests/console/test_snapshots.py checks that). A stored picture has no more in it
than what is seen: neighbouring cells of one background are one rectangle, and nothing names a font of the network.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from hatui.app import HatuiApp
from tests.console.piloting import repainted

SIZES = [(80, 24), (100, 30), (160, 45)]
SIZED = [f"{columns}x{rows}" for columns, rows in SIZES]
THEMES = ["hatui-dark", "hatui-light", "hatui-mono"]
STORED = Path(__file__).parent / "__snapshots__"
STILL = 20
"""Looks at most until two in a row are the same: then all that the scene began is done."""
Scene = Callable[[Pilot[None]], Awaitable[None]]

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_CLIPS = re.compile(r'<clipPath id="[^"]*line-\d+">.*?</clipPath>\s*', re.DOTALL)
_CLIPPED = re.compile(r' clip-path="url\(#[^"]*line-\d+\)"')
_LINE_END = re.compile(r"<text [^>]*>\n</text>")
_CELLS = re.compile(
    r'<rect fill="([^"]+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" shape-rendering="crispEdges"/>'
)


def slim(picture: str) -> str:
    """The same picture without fonts of the network, clips of lines, and with one rectangle per background."""
    for expression in (_FONTS, _CLIPS, _CLIPPED, _LINE_END):
        picture = expression.sub("", picture)
    picture = re.sub(r"\bterminal-\d+-", "terminal-", picture).replace("&#160;", " ").replace("</text><", "</text>\n<")
    picture = picture.replace("<style>", "<style>\n    rect { shape-rendering: crispEdges }", 1)
    wide: list[list[str | float]] = []
    for fill, x, y, width, height in _CELLS.findall(picture):
        last = wide[-1] if wide else None
        if last and last[0] == fill and last[2] == y and abs(float(last[1]) + float(last[3]) - float(x)) < 0.1:
            last[3] = float(last[3]) + float(width)
        else:
            wide.append([fill, x, y, float(width), height])
    cells = "\n".join(f'<rect fill="{f}" x="{x}" y="{y}" width="{w:g}" height="{h}"/>' for f, x, y, w, h in wide)
    first = _CELLS.search(picture)
    if first is not None:
        picture = picture[: first.start()] + cells + _CELLS.sub("", picture[first.start() :])
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"


async def _posed(app: HatuiApp, size: tuple[int, int], scene: Scene, themes: Sequence[str]) -> dict[str, str]:
    pictures = {}
    async with app.run_test(size=size) as pilot:
        await scene(pilot)
        before = ""
        for _ in range(STILL):
            if before == (before := app.export_screenshot()):
                break
            await repainted(pilot)
        for theme in themes:
            if app.theme != theme:
                app.theme = theme
                await repainted(pilot)
            pictures[theme] = slim(app.export_screenshot(title=type(app.screen).__name__))
    return pictures


def taken(app: HatuiApp, size: tuple[int, int], scene: Scene, themes: Sequence[str] = THEMES) -> dict[str, str]:
    """A picture of the scene in each of these themes; its title is the class of the screen."""
    return asyncio.run(_posed(app, size, scene, themes))


class Pictures:
    """What a test of pictures asks for: the scene looks as it is stored, in every theme."""

    def __init__(self, snapshot: SnapshotAssertion, actual: Path) -> None:
        self._snapshot, self._actual = snapshot, actual

    def __call__(self, app: HatuiApp, scene: Scene, size: tuple[int, int]) -> None:
        """Take and compare them; what differs is written to files that the failure names.

        Raises:
            AssertionError: a picture is not as it is stored.
        """
        differ = []
        for theme, picture in taken(app, size, scene).items():
            if self._snapshot(name=theme.removeprefix("hatui-")) != picture:
                path = self._actual / f"{theme}.svg"
                path.write_text(picture)
                differ.append(str(path))
        assert not differ, f"other than stored under {STORED}, look at: {' '.join(differ)}"
