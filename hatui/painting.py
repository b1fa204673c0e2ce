"""Only cells that changed go to the terminal.

Invariant: `Terminal` knows what stands in every cell of the terminal, or knows that it does not know. Textual writes
a changed line again from its left edge, with the colours of each piece in full; over a slow SSH link that is
ten times the bytes, and a console that follows 500 packets a second would be felt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen
from textual.strip import Strip

Cell = tuple[str, str]
"""What stands in a cell, and the escape sequence of its looks. The right half of a wide character is empty."""
UNKNOWN: Cell = ("\0", "")
RESET = "\x1b[0m"
NEAR = 6
"""Cells that did not change between two that did are written again when they are not more: a move costs as much."""


class Terminal:
    """The terminal as it stands."""

    def __init__(self) -> None:
        self._rows: list[list[Cell]] = []
        self._looks: dict[Style | None, str] = {None: ""}

    def forget(self) -> None:
        """Something else has written to the terminal: everything is written anew."""
        self._rows = []

    def fits(self, columns: int, rows: int) -> None:
        """Another size is another terminal."""
        if len(self._rows) != rows or (rows and len(self._rows[0]) != columns):
            self._rows = [[UNKNOWN] * columns for _ in range(rows)]

    def write(self, console: Console, pieces: Iterable[tuple[int, int, Strip]]) -> str:
        """The characters and sequences that bring these pieces (row, column, cells) onto the terminal."""
        out: list[str] = []
        looks = ""
        for y, x, strip in pieces:
            if not 0 <= y < len(self._rows):
                continue
            row = self._rows[y]
            fresh = self._cells(console, strip)[: len(row) - x]
            for first, end in _runs(fresh, row[x : x + len(fresh)]):
                out.append(f"\x1b[{y + 1};{x + first + 1}H")
                for text, wanted in fresh[first:end]:
                    if wanted != looks:
                        out.append(RESET + wanted if looks else wanted)
                        looks = wanted
                    out.append(text)
            row[x : x + len(fresh)] = fresh
        if looks:
            out.append(RESET)
        return "".join(out)

    def _cells(self, console: Console, strip: Strip) -> list[Cell]:
        cells: list[Cell] = []
        for text, style, control in strip:
            if control:
                continue
            looks = self._looks.get(style)
            if looks is None and style is not None:
                looks = self._looks[style] = _looks(console, style)
            assert looks is not None
            if text.isascii():
                cells += [(char, looks) for char in text]
                continue
            for char in text:
                size = cell_len(char)
                if size:
                    cells += [(char, looks), ("", looks)][:size]
                elif cells:
                    cells[-1] = (cells[-1][0] + char, cells[-1][1])
        return cells


def _looks(console: Console, style: Style) -> str:
    """The sequence that a style begins with."""
    return style.render("x", color_system=console._color_system, legacy_windows=False).partition("x")[0]  # noqa: SLF001  as Strip.render does


def _runs(fresh: list[Cell], old: list[Cell]) -> Iterator[tuple[int, int]]:
    """Spans (first, end) of cells that differ, those close to each other as one."""
    if fresh == old:
        return
    first = end = -1
    for at, (new, was) in enumerate(zip(fresh, old, strict=True)):
        if new == was:
            continue
        if end < 0:
            first = at
        elif at - end > NEAR:
            yield first, end
            first = at
        while not fresh[first][0] and first:  # not from the middle of a wide character
            first -= 1
        end = at + 1
    if end >= 0:
        yield first, end


class Changes(CompositorUpdate):
    """What Textual would write, less what stands there already."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, terminal: Terminal, columns: int, rows: int) -> None:
        self._update = update
        self._terminal = terminal
        self._size = columns, rows

    def render_segments(self, console: Console) -> str:
        """The sequence for the terminal."""
        self._terminal.fits(*self._size)
        return self._terminal.write(console, self._pieces())

    def _pieces(self) -> Iterator[tuple[int, int, Strip]]:
        if isinstance(self._update, LayoutUpdate):
            for y, strips in enumerate(self._update.strips, self._update.region.y):
                x = self._update.region.x
                for strip in strips:
                    yield y, x, strip
                    x += strip.cell_length
            return
        for y in sorted({y for y, _, _ in self._update.spans}):
            for x, piece in self._update.chops[y].items():
                if piece is not None:
                    yield y, x, piece


class FrugalApp(App[None]):
    """An app that writes no cell twice."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._terminal = Terminal()

    def get_driver_class(self) -> type[Driver]:
        """One that a terminal may leave."""
        found = super().get_driver_class()
        from hatui.driver import LastingDriver, LinuxDriver  # loaded just now

        return LastingDriver if found is LinuxDriver else found

    def on_mount(self) -> None:
        """After ctrl+z the terminal shows what others wrote."""
        self.app_resume_signal.subscribe(self, lambda _: self.call_later(self.action_redraw))

    def action_redraw(self) -> None:
        """Write the whole screen again."""
        self._terminal.forget()
        self.refresh(layout=True)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if isinstance(renderable, LayoutUpdate | ChopsUpdate):
            renderable = Changes(renderable, self._terminal, *self.size)
        super()._display(screen, renderable)
