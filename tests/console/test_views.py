"""What can be done with any view: save it, widen its columns, put two instances beside each other, search a page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hatui import beside
from hatui.app import HatuiApp
from hatui.store import Connection, LinkState
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import API, NOW, SNAPSHOT, WEB

SIZE = (80, 24)


async def saved(pilot: object, console: HatuiApp, path: Path) -> str:
    """Answer the dialog with this name, and read what was written."""
    from textual.widgets import Input

    console.screen.query_one(Input).value = str(path)
    await pilot.press("enter")  # type: ignore[attr-defined]
    await until(pilot, "saved")  # type: ignore[arg-type]
    return path.read_text()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((), ("dashboard", ">* VI_WEB     MASTER", " Priority  150 base  = 150 in use", "- Events")),
        (("4",), ("drills", "hand-over")),
        (("6",), ("peers", "VI_WEB", "- Not ours, or not obeyed")),
        (("j", "enter"), ("detail", "VI_API", "auth_ext_replay        0")),
        (("w",), ("Why did VI_WEB change?",)),
    ],
    ids=["dashboard", "drills", "peers", "detail", "why"],
)
async def test_view_is_saved_with_the_rows_that_are_out_of_sight(
    console: HatuiApp, link: StagedLink, tmp_path: Path, keys: tuple[str, ...], words: tuple[str, ...]
) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        await pilot.press("s")
        text = await until(pilot, "enter Save")
        assert "hatui-" in text
        written = await saved(pilot, console, tmp_path / "view.txt")
    for word in words:
        assert word in written
    assert (tmp_path / "view.txt").stat().st_mode & 0o077 == 0


async def test_saved_configuration_hides_secrets_also_while_they_are_revealed(
    console: HatuiApp, link: StagedLink, tmp_path: Path
) -> None:
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "<secret")
        await pilot.press("colon", *"reveal", "enter")
        await until(pilot, "s3cret1")
        await pilot.press("s")
        await until(pilot, "enter Save")
        written = await saved(pilot, console, tmp_path / "config.txt")
    assert "auth_pass       <secret" in written
    assert "s3cret1" not in written


async def test_view_is_not_saved_over_a_file_nor_without_an_engine(
    console: HatuiApp, link: StagedLink, tmp_path: Path
) -> None:
    from textual.widgets import Input

    there = tmp_path / "there.txt"
    there.write_text("mine")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("s")
        await until(pilot, "enter Save")
        console.screen.query_one(Input).value = str(there)
        await pilot.press("enter")
        await until(pilot, "[E-EXISTS]")
        await pilot.press("escape")
        assert there.read_text() == "mine"


async def test_card_that_says_there_is_no_engine_is_not_saved(tmp_path: Path) -> None:
    console = HatuiApp(StagedLink(()), user_files=tmp_path)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        console.told((LinkState(Connection.ABSENT, NOW, "socket absent"),))
        await until(pilot, "No engine on this host")
        await pilot.press("s")
        await until(pilot, "[E-NO-ENGINE]")


async def test_wide_columns_are_reached_sideways_with_their_titles(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        text = await settle(pilot)
        assert "READY" not in text
        await pilot.press("ctrl+w")
        text = await settle(pilot)
        assert "INSTANCE   IF    VRID VER STATE" in text
        for _ in range(12):
            await pilot.press("right")
        text = await settle(pilot)
        head = next(line for line in text.splitlines() if "READY" in line)
        row = next(line for line in text.splitlines() if "DEGRADED" in line and "chk_haproxy" not in line)
        assert head.index("READY") == row.index("DEGRADED")
        await pilot.press("ctrl+w")
        text = await settle(pilot)
        assert ">* VI_WEB     MASTER" in text


@pytest.mark.parametrize(("screen", "words"), [("2", "DETAIL"), ("5", "KIND"), ("6", "lb-a")])
async def test_other_tables_widen_too(console: HatuiApp, link: StagedLink, screen: str, words: str) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(screen)
        narrow = await settle(pilot)
        await pilot.press("ctrl+w")
        wide = await settle(pilot)
        assert wide != narrow
        assert console.screen.focused is not None
        assert getattr(console.screen.focused, "room", 0) == 160


async def test_list_without_columns_has_no_such_key(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(100, 110)) as pilot:
        await settle(pilot)
        await pilot.press("4", "question_mark")
        text = await until(pilot, "Keys: Drills")
        assert "ctrl+w" not in text


async def test_two_instances_stand_beside_each_other(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("equals_sign")
        text = await until(pilot, "VI_WEB is marked")
        assert ">*=VI_WEB" in text
        await pilot.press("j", "equals_sign")
        text = await until(pilot, "VI_WEB beside VI_API")
        for words in ("<> priority              150/150", "98/120", "<> vrid", "facts are the same"):
            assert words in text
        await pilot.press("c")
        await settle(pilot)
        assert console.clipboard == "hatui status --compare VI_WEB VI_API"
        await pilot.press("escape", "escape")
        assert "*=VI_WEB" not in await settle(pilot)


async def test_page_of_two_instances_says_when_one_is_gone(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("equals_sign", "j", "equals_sign")
        await until(pilot, "VI_WEB beside VI_API")
        link.feed(msgspec.structs.replace(SNAPSHOT, statuses=SNAPSHOT.statuses[:1]))
        await until(pilot, "VI_API is gone")


def test_same_facts_are_folded_and_ages_are_no_facts() -> None:
    later = msgspec.structs.replace(WEB, since=WEB.since - 1, transitions=9, heard_at=0)
    (_, folded) = beside.lines(WEB, later, NOW, 80, believed=True)
    assert folded[0][0].endswith("facts are the same ...")
    other = {line[0][0].split()[1] for line in beside.lines(WEB, API, NOW, 80, believed=True) if "<>" in line[0][0]}
    assert {"priority", "vrid", "ledger", "address"} <= other
    assert not {"since", "timer"} & other


async def test_search_on_a_page_shades_what_it_finds_and_goes_from_one_to_the_next(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await until(pilot, "Keys: Dashboard")
        await pilot.press("n")
        await until(pilot, "nothing is found on this page")
        await pilot.press("slash", *"half a page", "enter")
        text = await until(pilot, "/ half a page: 1 of 2")
        assert ">  ctrl+d pgdn" in text
        await pilot.press("n")
        text = await until(pilot, "/ half a page: 2 of 2")
        assert ">  ctrl+u pgup" in text
        await pilot.press("N")
        await until(pilot, "1 of 2")
        await pilot.press("escape")
        assert "Keys: Dashboard" in await until(pilot, "esc back")
        await pilot.press("escape")
        assert "Keys: Dashboard" not in await settle(pilot)


async def test_wrong_search_is_said_while_typing(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("exclamation_mark", "slash", *"(ab")
        await until(pilot, "search> (ab")
        text = await settle(pilot)
        assert "All problems" in text
        await pilot.press("escape", "escape")
        assert "All problems" not in await settle(pilot)


async def test_palette_offers_what_the_keys_of_this_screen_do(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"wide col", "enter")
        await until(pilot, "INSTANCE   IF    VRID")
        await pilot.press("colon", *"compare", "enter")
        await until(pilot, "VI_WEB is marked")
        await pilot.press("colon", *"save", "enter")
        await until(pilot, "Save dashboard")
