"""A user's own keys: what the file may say, what is said of a wrong line, what the console then shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatui import keys
from hatui.app import HatuiApp
from hatui.keymap import Keymap, load, read
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path) == Keymap()
    assert load(tmp_path).table == keys.KEYS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"dashboard.why" = "W"', {"dashboard.why": "W"}),
        ('dashboard.why = "W"', {"dashboard.why": "W"}),
        ('"everywhere.help" = "?, f1, ctrl+g"', {"everywhere.help": "question_mark,f1,ctrl+g"}),
        ('"everywhere.help" = "? F1"', {"everywhere.help": "question_mark,f1"}),
        ('"everywhere.last" = ","', {"everywhere.last": "comma"}),
        ('"everywhere.last" = "comma"', {"everywhere.last": "comma"}),
        ('"list.half_down" = "pgdn"', {"list.half_down": "pagedown"}),
        ('"list.left" = "shift+left"', {"list.left": "shift+left"}),
    ],
)
def test_keys_are_written_as_people_write_them(line: str, expected: dict[str, str]) -> None:
    assert read(f"[keys]\n{line}\n") == Keymap(expected)


def test_keys_may_be_swapped() -> None:
    swapped = read('[keys]\n"everywhere.dashboard" = "2"\n"everywhere.packets" = "1"\n')
    assert swapped.wrong == ()
    assert keys.clashes(swapped.table) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('"dashboard.nothing" = "x"', "no key has this id"),
        ('"dashboard.why" = 3', 'a key is a text such as "ctrl+s", not 3'),
        ('"dashboard.why" = "ctrl+bogus"', "no key is named 'ctrl+bogus'"),
        ('"config.fix" = "s"', "'s' must be typed in fields"),
        ('"dashboard.why" = "F"', "F is dashboard.failover already; it keeps w"),
        ('"dashboard.why" = "q"', "q is everywhere.quit already; it keeps w"),
        ('"dashboard.why" = "j"', "j is list.down already; it keeps w"),
    ],
)
def test_wrong_line_is_said_with_its_number_and_costs_that_line_only(line: str, complaint: str) -> None:
    keymap = read(f'# mine\n[keys]\n"packets.hex" = "X"\n{line}\n', "k.toml")
    assert keymap.overrides == {"packets.hex": "X"}
    assert len(keymap.wrong) == 1
    assert keymap.wrong[0].startswith("k.toml:4: ")
    assert complaint in keymap.wrong[0]


def test_file_that_is_no_toml_keeps_all_defaults(tmp_path: Path) -> None:
    (tmp_path / "keymap.toml").write_text('[keys]\n"dashboard.why" = \n')
    keymap = load(tmp_path)
    assert keymap.overrides == {}
    assert "line 2" in keymap.wrong[0]
    assert "all keys are the default ones" in keymap.wrong[0]


def test_table_beside_keys_is_not_taken_silently() -> None:
    assert read('[key]\n"dashboard.why" = "W"\n').wrong == (
        "keymap.toml:1: key is not understood: keys stand below [keys]",
    )


async def test_console_uses_says_and_shows_the_users_keys(link: StagedLink, tmp_path: Path) -> None:
    (tmp_path / "keymap.toml").write_text('[keys]\n"dashboard.failover" = "X"\n"dashboard.why" = "nonsense"\n')
    console = HatuiApp(link, user_files=tmp_path)
    async with console.run_test(size=(100, 30), notifications=True) as pilot:
        text = await until(pilot, "no key is named 'nonsense'")
        assert text.splitlines()[-1].startswith(" enter Detail  w Why  / Filter  X Failover")
        await pilot.press("question_mark")
        await until(pilot, "Keys: ")
        page = console.screen.query_one("#page")
        shown = ["".join(text for text, _ in page.line_at(row)) for row in range(page.count)]  # type: ignore[attr-defined]
        assert any(line.split()[:1] == ["X"] and "Move the selected instance" in line for line in shown)
        assert not any(line.split()[:1] == ["F"] for line in shown)
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("X")
        await until(pilot, "Fail over VI_WEB")
