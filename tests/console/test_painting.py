"""What stands in a real terminal after only the changes were written is what would stand there after all was."""

from __future__ import annotations

import io

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from hatui.painting import Terminal

COLUMNS, ROWS = 24, 4
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
STYLES = [None, Style.parse("bold red"), Style.parse("#203040 on #a0b0c0"), Style.parse("reverse")]
TEXTS = st.text(st.sampled_from("ab .:|äß漢字"), max_size=12)


def whole(pieces: list[tuple[str, int]]) -> Strip:
    """A row of exactly the terminal's width."""
    strip = Strip([Segment(text, STYLES[style]) for text, style in pieces if text])
    return strip.adjust_cell_length(COLUMNS)


ROWS_OF_PIECES = st.lists(st.tuples(TEXTS, st.integers(0, len(STYLES) - 1)), max_size=4).map(whole)
SCREENS = st.lists(st.lists(ROWS_OF_PIECES, min_size=ROWS, max_size=ROWS), min_size=1, max_size=5)


def stands(screen: pyte.Screen) -> list[list[tuple[str, str, str, bool, bool]]]:
    """Character and looks of every cell."""
    cells = [[screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]
    return [[(one.data, one.fg, one.bg, one.bold, one.reverse) for one in row] for row in cells]


def emulator() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(COLUMNS, ROWS)
    return screen, pyte.Stream(screen)


@given(SCREENS)
def test_changes_lead_to_the_same_screen(screens: list[list[Strip]]) -> None:
    shown, stream = emulator()
    terminal = Terminal()
    for rows in screens:
        terminal.fits(COLUMNS, ROWS)
        stream.feed(terminal.write(CONSOLE, [(y, 0, strip) for y, strip in enumerate(rows)]))
    wanted, anew = emulator()
    for y, strip in enumerate(screens[-1]):
        anew.feed(f"\x1b[{y + 1};1H{strip.render(CONSOLE)}")
    assert stands(shown) == stands(wanted)


def test_what_stands_there_is_not_written_again() -> None:
    terminal = Terminal()
    terminal.fits(COLUMNS, ROWS)
    row = whole([("down 2.5s", 1), ("  eth0", 0)])
    terminal.write(CONSOLE, [(0, 0, row)])
    assert terminal.write(CONSOLE, [(0, 0, row)]) == ""
    changed = terminal.write(CONSOLE, [(0, 0, whole([("down 2.4s", 1), ("  eth0", 0)]))])
    assert changed.startswith("\x1b[1;8H")
    assert changed.endswith("4\x1b[0m")
    assert cell_len(changed.replace("\x1b", "")) < 30


def test_after_forgetting_all_is_written() -> None:
    terminal = Terminal()
    terminal.fits(COLUMNS, ROWS)
    row = whole([("VI_1", 1)])
    first = terminal.write(CONSOLE, [(0, 0, row)])
    terminal.forget()
    terminal.fits(COLUMNS, ROWS)
    assert terminal.write(CONSOLE, [(0, 0, row)]) == first
    terminal.fits(COLUMNS + 1, ROWS)
    assert "VI_1" in terminal.write(CONSOLE, [(0, 0, row)])
