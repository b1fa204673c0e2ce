"""From the page of an explanation to the packets and events it tells of, and into a bundle."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.errors import EngineLost
from engine.messages import Diagnose, GetEvents, GetJournal, Outcome, Reply
from hatui.app import HatuiApp
from hatui.explanation import Moment
from hatui.screens.moments import moment_at
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import S

SIZE = (80, 24)


def test_moment_of_a_line_is_found_by_its_time_and_its_place_among_equal_ones() -> None:
    timeline = (Moment(-S, "advert", "a"), Moment(-S, "event", "b"), Moment(0, "change", "c"))
    texts = [" head", "   -1.000  a", "   -1.000  b", "           b goes on", "   +0.000  c", " Likely  x"]
    found = [moment_at(texts, index, timeline) for index in range(len(texts))]
    assert found == [None, timeline[0], timeline[1], timeline[1], timeline[2], None]


async def test_enter_opens_the_event_of_the_line(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "j", "j", "w")
        await until(pilot, "Why did VI_DB change?")
        await pilot.press("enter")
        text = await until(pilot, "5[Events]")
        assert any(line.startswith(">") and "VI_DB" in line and "MASTER -> FAULT" in line for line in text.splitlines())


async def test_enter_on_an_advert_says_that_its_packets_are_not_held_or_shows_them(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("j", "w")
        await until(pilot, "advert prio")
        await pilot.press("slash", *"advert prio", "enter", "enter")
        await until(pilot, "[E-NOT-HERE]")
        assert "Why did VI_API change?" in await settle(pilot)


async def test_enter_shows_the_packet_that_is_nearest_to_the_moment(console: HatuiApp, link: StagedLink) -> None:
    from hatui.screens.moments import to_packets
    from hatui.screens.packets import Packets
    from hatui.widgets.packets import PacketList

    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        held = list(console.store.packets)
        assert len(held) > 3
        to_packets(console, held[2].wall_ns)
        await until(pilot, "2[Packets]")
        screen = console.screen
        assert isinstance(screen, Packets)
        assert screen.query_one(PacketList).selected is held[2]
        assert not screen.query_one(PacketList).following


async def test_page_names_its_own_enter(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await until(pilot, "Why did VI_WEB change?")
        await pilot.press("question_mark")
        text = await until(pilot, "On the page of an explanation")
        assert "   enter  " in text
        assert "   esc backspace q  " in text


@pytest.fixture
def answering(link: StagedLink) -> StagedLink:
    link.answers[GetEvents] = Reply(0, Outcome.DONE)
    link.answers[Diagnose] = Reply(0, Outcome.DONE)
    link.answers[GetJournal] = Reply(0, Outcome.DONE)
    return link


async def test_bundle_is_written_once_and_holds_no_secret(
    console: HatuiApp, answering: StagedLink, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.tar.gz"
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await until(pilot, "Why did VI_WEB change?")
        await pilot.press("b")
        assert "hatui-bundle-lb-a-" in await until(pilot, "enter Save")
        console.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, "saved")
        await pilot.press("b")
        await until(pilot, "enter Save")
        console.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, "[E-EXISTS]")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        files = [archive.extractfile(name) for name in archive.getnames()]
        assert not any(b"s3cret1" in file.read() for file in files if file is not None)
    assert {"manifest.json", "statuses.json", "why.txt", "config/0-keepalived.conf"} <= names


async def test_bundle_of_a_lost_engine_writes_nothing(console: HatuiApp, answering: StagedLink, tmp_path: Path) -> None:
    answering.answers[Diagnose] = EngineLost("the engine closed the connection")
    path = tmp_path / "bundle.tar.gz"
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("w")
        await until(pilot, "Why did VI_WEB change?")
        await pilot.press("b")
        await until(pilot, "enter Save")
        console.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, "[E-NO-ENGINE]")
    assert not path.exists()
