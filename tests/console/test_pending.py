"""A change that waits for its confirmation, on every screen: counted down, confirmed, taken back, told."""

from __future__ import annotations

import msgspec
import pytest
from textual.pilot import Pilot

from engine.errors import EngineLost
from engine.messages import (
    ConfigConfirmed,
    ConfigLoaded,
    ConfigReverted,
    ConfigRevertRefused,
    ConfirmConfig,
    EventLine,
    Outcome,
    Reply,
    RollbackConfig,
    StatusLine,
)
from hatui.app import HatuiApp
from hatui.pending import countdown, login_address, news, returned, timer_line, waiting
from hatui.store import Connection, LinkState, Store
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, NOW, SESSION, VIEWER, WALL, S, heartbeat

SIZE = (80, 24)
WAITS = msgspec.structs.replace(
    ENGINE,
    config_revision=42,
    confirm_revision=42,
    confirm_deadline=NOW + 252 * S,
    confirm_previous=41,
    confirm_by="operator bob",
    confirm_comment="raise it",
)
APPLIED = EventLine(
    20,
    NOW - 48 * S,
    WALL - 48 * S,
    ConfigLoaded("ffff", "operator bob", ("VI_WEB: priority 150 -> 160: in place",), "raise it", 300),
)


def event(seq: int, what: ConfigReverted | ConfigConfirmed | ConfigRevertRefused | ConfigLoaded) -> EventLine:
    return EventLine(seq, NOW, WALL, what)


async def waits(pilot: Pilot[None], link: StagedLink) -> str:
    await settle(pilot)
    link.feed(APPLIED, StatusLine(WAITS, NOW))
    return await until(pilot, "config #42 reverts in 4:12")


def test_countdown_reads_like_a_clock() -> None:
    assert [countdown(ns) for ns in (252 * S, 9 * S, S // 2, 0, -S, 3852 * S)] == [
        "4:12",
        "0:09",
        "0:01",
        "0:00",
        "0:00",
        "1:04:12",
    ]


def test_what_waits_is_told_by_status_and_event() -> None:
    store = Store()
    for line in SESSION:
        store.apply(line)
    assert waiting(store) is None
    store.apply(APPLIED)
    store.apply(StatusLine(WAITS, NOW))
    one = waiting(store)
    assert one is not None
    assert (one.number, one.previous, one.since) == (42, 41, NOW - 48 * S)
    assert one.changes == ("VI_WEB: priority 150 -> 160: in place",)
    store.apply(LinkState(Connection.LOST, NOW))
    assert "not heard" in timer_line(store, NOW + S, may_act=True)[0][0]


def test_news_is_told_once_and_history_is_no_news() -> None:
    row = event(30, ConfigReverted(42, 41, "nobody confirmed it in time"))
    assert news(row, NOW + S)[0] == "config #42 was taken back: nobody confirmed it in time; #41 is in use again"
    assert news(row, NOW + 60 * S)[0] == ""
    store = Store()
    store.apply(row)
    assert "(60s ago)" in returned(store, NOW + 60 * S) or "(1m00s ago)" in returned(store, NOW + 60 * S)
    store.apply(event(31, ConfigLoaded("eeee", "file")))
    assert returned(store, NOW + 60 * S) == ""


@pytest.mark.parametrize("key", ["1", "2", "3"])
async def test_every_screen_counts_down(console: HatuiApp, link: StagedLink, key: str) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press(key)
        text = await until(pilot, "config #42 reverts in 4:12  C confirm")
        assert "config #42 reverts" in text.splitlines()[2]
        assert "VI_DB FAULT" in text.splitlines()[2]
        link.advance(10 * S)
        link.feed(heartbeat(10 * S))
        await until(pilot, "reverts in 4:02")


async def test_confirming_says_the_number_and_shows_the_answer(console: HatuiApp, link: StagedLink) -> None:
    link.answers[ConfirmConfig] = Reply(0, Outcome.DONE, text="revision 42 stays")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press("C")
        text = await until(pilot, "Keep config #42?")
        assert "by operator bob, 48s ago" in text
        assert "VI_WEB: priority 150 -> 160: in place" in text
        assert "Reverts in 4:12 by itself: #41 comes back." in text
        assert "hatui config confirm 42" in text
        await pilot.press("y")
        await until(pilot, "revision 42 stays")
        assert link.commands() == [ConfirmConfig(42)]
        await pilot.press("y", "T")
        await settle(pilot)
        assert link.commands() == [ConfirmConfig(42)]
        link.feed(StatusLine(ENGINE, NOW), event(31, ConfigConfirmed(42, "operator anna")))
        await pilot.press("escape")
        text = await until(pilot, "config #42 stays: confirmed by operator anna")
        assert "reverts in" not in text


async def test_taking_back_now_asks_for_the_revision_before(console: HatuiApp, link: StagedLink) -> None:
    link.answers[RollbackConfig] = Reply(0, Outcome.DONE, text="VI_WEB: priority 160 -> 150: in place")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press("C")
        await until(pilot, "Keep config #42?")
        await pilot.press("T")
        await until(pilot, "priority 160 -> 150")
        assert link.commands() == [RollbackConfig(0)]


async def test_somebody_else_decides_while_the_dialog_is_open(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press("C")
        await until(pilot, "Keep config #42?")
        link.feed(event(31, ConfigConfirmed(42, "operator bob")), StatusLine(ENGINE, NOW))
        await until(pilot, "It waits no longer. config #42 stays: confirmed by operator bob")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []


async def test_engine_lost_while_confirming_makes_the_outcome_unknown(console: HatuiApp, link: StagedLink) -> None:
    link.answers[ConfirmConfig] = EngineLost("closed")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press("C")
        await until(pilot, "Keep config #42?")
        await pilot.press("y")
        await until(pilot, "the outcome is unknown")


async def test_engine_lost_with_the_dialog_open_promises_nothing(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press("C")
        await until(pilot, "Keep config #42?")
        link.feed(LinkState(Connection.LOST, NOW, "gone", NOW + S))
        text = await until(pilot, "whether it still waits is not known")
        assert "* MASTER" not in text
        await pilot.press("escape")
        await until(pilot, "config #42 timer ? not heard")


async def test_revert_is_told_on_every_console_with_its_reason(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press("2")
        reason = "10.0.0.100 has no living owner for 7.2 s"
        link.feed(event(31, ConfigReverted(42, 41, reason)), StatusLine(ENGINE, NOW))
        text = await until(pilot, "config #42 was taken back")
        assert "has no living owner" in text
        assert "reverts in" not in text
        await pilot.press("exclamation_mark")
        await until(pilot, "config #42 was taken back")


async def test_revert_that_would_do_harm_is_told_too(console: HatuiApp, link: StagedLink) -> None:
    stays = msgspec.structs.replace(ENGINE, confirm_problem="revision 42 was not taken back: f.conf has changed")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        link.feed(event(31, ConfigRevertRefused(42, "not in time", "f.conf has changed")), StatusLine(stays, NOW))
        await until(pilot, "config #42 was NOT taken back")
        await pilot.press("exclamation_mark")
        await until(pilot, "E-CONFIG-CHANGED")


async def test_viewer_sees_the_countdown_and_cannot_confirm(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        link.feed(VIEWER)
        text = await settle(pilot)
        assert "config #42 reverts in 4:12" in text
        assert "C confirm" not in text
        await pilot.press("C")
        await until(pilot, "bob is a viewer")
        assert link.commands() == []


async def test_nothing_waits_is_said(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("C")
        await until(pilot, "E-NOT-PENDING")


async def test_resize_in_the_middle_keeps_countdown_and_dialog(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.press("C")
        await until(pilot, "Keep config #42?")
        await pilot.resize_terminal(160, 45)
        text = await until(pilot, "Keep config #42?")
        assert "reverts in 4:12" in text.splitlines()[2]


async def test_click_on_the_countdown_opens_the_dialog(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await waits(pilot, link)
        await pilot.click("#head", offset=(60, 2))
        await until(pilot, "Keep config #42?")


def test_login_over_a_network_is_known_by_the_address_it_came_to() -> None:
    assert login_address({"SSH_CONNECTION": "192.0.2.7 40222 10.0.0.100 22"}) == "10.0.0.100"
    assert login_address({"SSH_CONNECTION": "fe80::7%eth0 40222 fe80::1%eth0 22"}) == "fe80::1"
    assert login_address({}) == login_address({"SSH_CONNECTION": "nonsense"}) == ""
