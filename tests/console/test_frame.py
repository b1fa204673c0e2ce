"""The frame: what the mouse may do, jump letters, looks that change while it runs, states that are not the engine's."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from engine.messages import Heartbeat, Snapshot, StatusLine
from hatui import keys, theming
from hatui.app import HatuiApp
from hatui.pages import help_page
from hatui.sentences import banners
from hatui.store import GapRow, Store
from hatui.text import timer_bar
from hatui.widgets.frame import Foot, Head
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, HELLO, NOW, VIEWER, WALL, WEB, S

SIZE = (80, 24)


# every binding is known -------------------------------------------------------------------------


def bound_classes() -> list[type]:
    """Every screen and widget of the console that binds keys itself."""
    import importlib
    import pkgutil

    import hatui.screens
    import hatui.widgets

    found: set[type] = {HatuiApp}
    for package in (hatui.screens, hatui.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for one in vars(importlib.import_module(module.name)).values():
                if isinstance(one, type) and issubclass(one, Screen | Widget) and one.__module__.startswith("hatui."):
                    found.add(one)
    from hatui import palette

    found |= {palette.CommandLine, palette.PaletteScreen}
    return sorted((one for one in found if one.__dict__.get("BINDINGS")), key=lambda one: one.__name__)


@pytest.mark.parametrize("owner", bound_classes(), ids=lambda owner: owner.__name__)
def test_every_binding_of_every_screen_is_in_the_table(owner: type) -> None:
    """And so in `?`, the docs and the keymap; but for two that say how to quit, and those that are the editor's own."""
    exceptions = {"everywhere.ctrl_q", "everywhere.ctrl_c"}
    ids = {key.id for key in keys.KEYS}
    for binding in owner.__dict__["BINDINGS"]:
        assert isinstance(binding, Binding)
        if binding.id is None:
            assert (owner.__name__, binding.key) == ("Editor", "ctrl+z") or "Editor" in owner.__name__
        else:
            assert binding.id in ids | exceptions, f"{owner.__name__}: {binding.id}"


def test_help_cuts_no_key() -> None:
    for columns in (74, 150):
        _, lines = help_page(keys.KEYS, may_act=True, why_not="", columns=columns)
        page = "\n".join("".join(text for text, _ in line) for line in lines)
        assert [key.key for key in keys.KEYS if keys.show(key.key) not in page] == []


@pytest.mark.parametrize(
    "keystrokes", [(), ("2",), ("3",), ("5",), ("F",), ("colon",), ("ctrl+p",), ("ctrl+o",), ("w",)]
)
async def test_help_lists_every_key_that_is_bound_where_the_focus_is(
    console: HatuiApp, link: StagedLink, keystrokes: tuple[str, ...]
) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for key in keystrokes:
            await pilot.press(key)
            await settle(pilot)
        bound = {active.binding.id for active in console.screen.active_bindings.values() if active.binding.id}
        await pilot.press("ctrl+g")
        text = await until(pilot, "Keys: ")
        assert "esc" in text
        page = console.screen.query_one("#page")
        shown = "\n".join("".join(span for span, _ in page.line_at(row)) for row in range(page.count))  # type: ignore[attr-defined]
        for key in keys.KEYS:
            if key.id in bound:
                assert " ".join(key.help.split()[:3]) in shown, key.id


# the mouse --------------------------------------------------------------------------------------


async def test_every_key_of_the_last_line_can_be_clicked(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        text = await settle(pilot)
        last = text.splitlines()[-1]
        for label, seen in (
            ("Failover", "Fail over VI_WEB"),
            ("Help", "Keys: Dashboard"),
            ("Command", "> dashboard  "),
        ):
            await pilot.click(Foot, offset=(last.index(label) + 1, 0))
            await until(pilot, seen)
            await pilot.press("escape")
            await settle(pilot)
        assert link.commands() == []


async def test_tabs_and_the_problem_can_be_clicked(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        text = await settle(pilot)
        tabs = text.splitlines()[1]
        for title in ("Packets", "Config", "Events", "Dashboard"):
            await pilot.click(Head, offset=(tabs.index(title) + 1, 1))
            await until(pilot, f"[{title}]")
        await pilot.click(Head, offset=(10, 2))
        text = await settle(pilot)
        assert "roblems" in text


async def test_candidate_of_the_command_line_can_be_clicked(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"packets")
        await settle(pilot)
        await pilot.click("#candidates", offset=(5, 0))
        await until(pilot, "2[Packets]")


# jump letters -----------------------------------------------------------------------------------


async def test_jump_letters_go_to_each_pane_and_escape_leaves_the_focus(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert console.focused is not None
        first = console.focused.id
        await pilot.press("ctrl+o")
        text = await until(pilot, "[a]")
        assert "[s]" in text
        await pilot.press("s")
        await settle(pilot)
        assert console.focused is not None
        assert console.focused.id not in (None, first)
        second = console.focused.id
        await pilot.press("ctrl+o", "escape")
        await settle(pilot)
        assert console.focused is not None
        assert console.focused.id == second
        await pilot.press("ctrl+o", "a")
        await settle(pilot)
        assert console.focused is not None
        assert console.focused.id == first


# copying ----------------------------------------------------------------------------------------


async def test_command_that_prints_the_view_is_copied(console: HatuiApp, link: StagedLink, tmp_path: Path) -> None:
    copied = tmp_path / "hatui-copy.txt"
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "c")
        await settle(pilot)
        assert copied.read_text() == "hatui status VI_API\n"
        await pilot.press("F")
        await until(pilot, "Fail over VI_API")
        await pilot.press("c")
        await settle(pilot)
        assert copied.read_text().startswith("hatui failover VI_API --step-down")


# looks ------------------------------------------------------------------------------------------


async def test_user_theme_that_changes_is_worn_at_once_and_a_broken_one_leaves_the_old(
    link: StagedLink, tmp_path: Path
) -> None:
    path = tmp_path / "themes" / "mine.toml"
    path.parent.mkdir()
    own = (theming.shipped_directory() / "hatui-dark.toml").read_text().replace("hatui-dark", "mine")
    path.write_text(own)
    console = HatuiApp(link, user_files=tmp_path, theme="mine")
    async with console.run_test(size=(100, 30), notifications=True) as pilot:
        await settle(pilot)
        assert console.theme == "mine"
        path.write_text(own.replace('title = "#a9c7ee"', 'title = "#123456"'))
        os.utime(path, ns=(1, 1))
        console.look_again()
        await settle(pilot)
        assert console.get_css_variables()["hatui-title"] == "#123456"
        path.write_text("name = 1\n")
        os.utime(path, ns=(2, 2))
        console.look_again()
        await until(pilot, "is missing")
        assert console.get_css_variables()["hatui-title"] == "#123456"
        (tmp_path / "keymap.toml").write_text('[keys]\n"dashboard.why" = "W"\n')
        console.look_again()
        text = await until(pilot, "your keymap was read again")
        assert "W Why" in text.splitlines()[-1]


async def test_finer_graphs_only_when_asked_for(link: StagedLink, tmp_path: Path) -> None:
    plain = HatuiApp(link, user_files=tmp_path)
    async with plain.run_test(size=(160, 45)) as pilot:
        assert (await settle(pilot)).isascii()
    fine = HatuiApp(StagedLink(), user_files=tmp_path, fine=True)
    async with fine.run_test(size=(160, 45)) as pilot:
        text = await settle(pilot)
        assert "\u2840" in text or "\u2588" in text


@pytest.mark.parametrize("left", range(0, 1001, 50))
def test_bar_is_as_wide_in_both_alphabets(left: int) -> None:
    status = msgspec.structs.replace(WEB, deadline=NOW + left * 1_000_000)
    assert len(timer_bar(status, NOW)) == len(timer_bar(status, NOW, fine=True)) == 8


# states -----------------------------------------------------------------------------------------


def test_other_version_and_missing_right_are_said_with_both_sides() -> None:
    store = Store()
    store.apply(msgspec.structs.replace(HELLO, version="0.0.9", capabilities=("config",)))
    said = " ".join(problem.text for problem in banners(store, "0.1.0"))
    assert "engine 0.0.9, console 0.1.0" in said
    assert "Packets stays empty" in said
    store.apply(HELLO)
    assert banners(store, HELLO.version) == []


def test_wall_clock_that_jumps_is_a_row_among_the_events() -> None:
    store = Store()
    store.apply(Heartbeat(NOW, WALL, NOW, 7))
    store.apply(Heartbeat(NOW + S, WALL + S + 200_000_000, NOW, 7))
    assert not store.events
    store.apply(Heartbeat(NOW + 2 * S, WALL + 63 * S, NOW, 7))
    assert [row.words for row in store.events if isinstance(row, GapRow)] == ["the wall clock moved +61 s"]
    store.apply(Heartbeat(NOW + 3 * S, WALL + 64 * S, NOW, 7))
    assert len(store.events) == 1


async def test_engine_that_only_observes_is_called_so(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(StatusLine(msgspec.structs.replace(ENGINE, observe=True), NOW))
        await until(pilot, "OBSERVE")


async def test_viewer_sees_upper_case_greyed_with_the_reason(link: StagedLink, tmp_path: Path) -> None:
    console = HatuiApp(link, user_files=tmp_path)
    async with console.run_test(size=(100, 40), notifications=True) as pilot:
        await settle(pilot)
        link.feed(VIEWER)
        await until(pilot, "VIEWER")
        await pilot.press("question_mark")
        text = await until(pilot, "Keys: Dashboard")
        assert "(bob is a viewer" in text
        await pilot.press("escape", "F")
        await until(pilot, "not allowed: bob is a viewer")
        assert link.commands() == []


async def test_read_only_acts_on_nothing(link: StagedLink, tmp_path: Path) -> None:
    console = HatuiApp(link, user_files=tmp_path, read_only=True)
    async with console.run_test(size=(100, 40), notifications=True) as pilot:
        await until(pilot, "READ-ONLY")
        for key in ("F", "A", "R", "U", "M"):
            await pilot.press(key)
        await until(pilot, "not allowed: started with --read-only")
        assert link.commands() == []


async def test_no_color_leaves_shades_and_words(
    link: StagedLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = HatuiApp(link, user_files=tmp_path)
    async with console.run_test(size=SIZE) as pilot:
        text = await settle(pilot)
        assert "* VI_WEB     MASTER" in text
        assert "! VI_DB      FAULT" in text
        for strip in console.screen._compositor.render_strips():
            for segment in strip:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if colour is not None and colour.triplet is not None:
                        assert len(set(colour.triplet)) == 1, segment


async def test_last_line_names_the_end_of_a_hold_only_where_there_is_one(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 24)) as pilot:
        last = (await settle(pilot)).splitlines()[-1]
        assert "U Release" not in last
        assert "F Failover" in last
        held = msgspec.structs.replace(WEB, hold_kind="step-down", hold_by="anna")
        link.feed(StatusLine(held, NOW))
        last = (await settle(pilot)).splitlines()[-1]
        assert "U Release" in last
        assert "F Failover" not in last
        assert "? Help" in last
        await pilot.press("enter")
        last = (await settle(pilot)).splitlines()[-1]
        assert "U Release" in last
        await pilot.press("4")
        last = (await settle(pilot)).splitlines()[-1]
        assert "a Abort" not in last, "no drill is under way"


async def test_last_line_of_an_engine_without_instances_names_no_key_that_needs_one(tmp_path: Path) -> None:
    console = HatuiApp(StagedLink((HELLO, Snapshot((ENGINE,), 7, NOW))), user_files=tmp_path)
    async with console.run_test(size=(80, 24)) as pilot:
        last = (await settle(pilot)).splitlines()[-1]
        assert not any(word in last for word in ("Detail", "Why", "Failover", "Drill"))
        assert "? Help" in last


@pytest.mark.parametrize("opens", ["F", "R", "question_mark", "w"])
async def test_message_over_a_dialog_covers_none_of_its_lines(console: HatuiApp, opens: str) -> None:
    async with console.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press(opens)
        await settle(pilot)
        console.say("the first one of two is gone when the second is said", "warning")
        await until(pilot, "the first one of two")
        console.say("a message that is as long as they may be: nothing is changed [E-UNCHANGED]", "warning")
        text = await until(pilot, "nothing is changed [E-UNCHANGED]")
        assert "the first one" not in text
        dialog = console.screen.query_one(".dialog").content_region
        toasts = console.screen.query("Toast")
        assert toasts
        assert not any(toast.region.overlaps(dialog) for toast in toasts)
        for word in ("third", "fourth", "fifth"):
            console.say(f"the {word} one", "warning")
            await until(pilot, f"the {word} one")
