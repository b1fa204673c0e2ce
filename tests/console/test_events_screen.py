"""The Events screen on a recorded session, with keys pressed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.errors import EngineLost
from engine.messages import Command, CommandLogged, Gap, GetEvents, NearMiss, Outcome, Reply
from hatui.app import HatuiApp
from hatui.screens.events import Events
from hatui.store import Connection, LinkState
from hatui.widgets.events import EventList
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import EVENTS, HELLO, NOW, SNAPSHOT, VIEWER, WALL, S, event

SIZE = (80, 24)


async def test_lists_events_with_severity_first_and_the_selected_one_in_full(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5")
        text = await until(pilot, "5[Events]")
        assert ">! 14:02:06 bad  eth1     is DOWN" in text
        assert " ~ 14:00:07 warn VI_API   priority 120 -> 98" in text
        assert "9 of 9" in text
        assert "netlink, interface-state-changed 9" in text


async def test_exclamation_mark_puts_the_worst_first_then_faults_only_then_the_newest(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5", "exclamation_mark")
        text = await until(pilot, "worst first")
        rows = [row for row in text.splitlines() if " bad  " in row or " warn " in row or " info " in row]
        assert [row.split()[1 if row[1] == " " else 2] for row in rows][:5] == ["bad", "bad", "warn", "warn", "warn"]
        await pilot.press("exclamation_mark")
        text = await until(pilot, "faults only")
        assert "2 of 9" in text
        await pilot.press("escape")
        await until(pilot, "newest first")


async def test_filter_audit_and_only_this_instance(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(event(10, 0, CommandLogged("anna", "pid 7 uid 0 pts/1", "reload", "new VIP", Outcome.DONE)))
        await pilot.press("5", "a")
        assert "info anna     command done" in await until(pilot, "command done")
        text = await until(pilot, "/ kind==operator")
        assert "1 of 10" in text
        assert "who          anna from pid 7 uid 0 pts/1" in text
        assert "why          new VIP" in text
        assert "result       done" in text
        await pilot.press("escape")
        await until(pilot, "all events")
        await pilot.press("slash", *"kind==transition && VI_API", "enter")
        assert "1 of 10" in await until(pilot, "backup -> MASTER")
        await pilot.press("i")
        assert "2 of 10" in await until(pilot, 'instance=="VI_API"')
        await pilot.press("slash", *"&& kind==x")
        await until(pilot, "kind is never x")


async def test_enter_and_w_on_a_transition_open_why_of_that_one(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(msgspec.structs.replace(EVENTS[2], seq=20, wall_ns=WALL))
        await pilot.press("5")
        await until(pilot, "5[Events]")
        await pilot.press("right_square_bracket")
        await settle(pilot)
        events = console.screen.query_one(EventList)
        events.move_to_key(3)
        await pilot.press("enter")
        assert "13:49:31" in await until(pilot, "Why did VI_API change?")
        await pilot.press("right_square_bracket")
        assert "14:02:11" in await settle(pilot)
        await pilot.press("escape")
        assert "5[Events]" in await settle(pilot)


async def test_any_other_event_opens_in_full(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5", "enter")
        text = await until(pilot, "- Event -")
        assert "interface    eth1" in text
        assert "when         2025-11-22 14:02:06.000000 5.0s ago" in text


async def test_brackets_go_from_transition_to_transition(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5", "left_square_bracket")
        await settle(pilot)
        events = console.screen.query_one(EventList)
        assert events.key == 5
        await pilot.press("left_square_bracket")
        assert events.key == 3
        await pilot.press("right_square_bracket")
        assert events.key == 5


async def test_save_writes_what_is_shown_and_never_over_a_file(
    console: HatuiApp, link: StagedLink, tmp_path: Path
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5", "slash", *"VI_DB", "enter", "s")
        text = await until(pilot, "2 events that match VI_DB")
        assert "hatui-events-140211.jsonl" in text
        target = tmp_path / "out.jsonl"
        from textual.widgets import Input

        console.screen.query_one("#file", Input).value = str(target)
        await pilot.press("enter")
        await settle(pilot)
        lines = [json.loads(line) for line in target.read_text().splitlines()]
        assert [line["seq"] for line in lines] == [5, 6]
        assert target.stat().st_mode & 0o777 == 0o600
        await pilot.press("s")
        await until(pilot, "2 events that match VI_DB")
        console.screen.query_one("#file", Input).value = str(target)
        await pilot.press("enter")
        await until(pilot, "exists: choose another name")
        await pilot.press("escape", "escape")
        assert "Save events" not in await settle(pilot)


async def test_times_go_round_to_the_distance_to_the_one_before(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("5")
        assert "14:00:07.001" in await settle(pilot)
        await pilot.press("t", "t")
        assert "-2m04s" in await settle(pilot)
        await pilot.press("t")
        assert "+0.001" in await settle(pilot)


async def test_older_events_come_from_the_journal_when_the_end_is_near(console: HatuiApp, link: StagedLink) -> None:
    old = tuple(event(number, 80 * 3600 * S - number, NearMiss("VI_OLD", f"number {number}")) for number in range(1, 5))
    shifted = tuple(msgspec.structs.replace(row, seq=row.seq + 100) for row in EVENTS)

    def answer(command: Command) -> Reply:
        assert isinstance(command, GetEvents)
        return Reply(0, Outcome.DONE, events=(*old, shifted[0]))

    link.answers[GetEvents] = answer
    link._due = [(at, line) for at, line in link._due if line not in EVENTS]
    link._next = 0
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(*shifted)
        await pilot.press("5")
        text = await until(pilot, "13 of 13")
        assert "13 of 13+" not in text
        await pilot.press("G")
        assert "number 1" in await settle(pilot)
        assert sum(isinstance(command, GetEvents) for command, _ in link.asked) == 2


async def test_engine_lost_in_the_middle_keeps_the_list_says_so_and_resumes_with_a_gap(
    console: HatuiApp, link: StagedLink
) -> None:
    link.answers[GetEvents] = EngineLost("gone")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5", "j", "j")
        await settle(pilot)
        link.feed(LinkState(Connection.LOST, NOW, "closed", NOW + 2 * S))
        text = await until(pilot, "NOT CONNECTED")
        assert "priority 120 -> 98" in text
        link.feed(LinkState(Connection.LIVE, NOW), HELLO, SNAPSHOT, Gap(events=41), event(60, 0, NearMiss("VI_1", "x")))
        text = await until(pilot, "-- 41 events missed --")
        assert "10 of 11" in text or "11 of 11" in text


async def test_zoomed_list_still_says_how_it_is_narrowed_and_can_be(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5", "z")
        assert "- Event -" not in await until(pilot, "all events   newest first")
        await pilot.press("slash", *"VI_DB")
        text = await until(pilot, "filter> VI_DB")
        assert "/ VI_DB" in text
        await pilot.press("escape", "z")
        await until(pilot, "- Event -")


async def test_help_names_only_keys_of_the_table_where_nothing_is_typed(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 60)) as pilot:
        await settle(pilot)
        await pilot.press("5", "question_mark")
        text = await until(pilot, "Keys: Events")
        assert "In this field" not in text
        assert "Only what operators did" in text


async def test_viewer_may_look_filter_and_save(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(VIEWER)
        await pilot.press("5", "s")
        await until(pilot, "Save events")


async def test_resize_in_the_middle_keeps_the_selection(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("5", "j", "j", "j")
        await settle(pilot)
        events = console.screen.query_one(EventList)
        chosen = events.key
        for size in ((160, 45), (72, 20), (100, 30)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        assert events.key == chosen
        assert ">" in console.screen_text()


@pytest.mark.parametrize("order", ["newest first", "worst first"])
async def test_a_hundred_thousand_events_paint_only_the_visible_rows(
    console: HatuiApp, link: StagedLink, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    from hatui.widgets import events as widgets

    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for number in range(100, 100_100):
            console.store.apply(event(number, 0, NearMiss("VI_1", "late")))
        await pilot.press("5")
        await settle(pilot)
        screen = console.screen
        assert isinstance(screen, Events)
        screen.view.set_order(order)
        screen.paint()
        while screen.view.unsearched:
            screen.paint()
        events = screen.query_one(EventList)
        events.move_to(60_000)
        await settle(pilot)
        keys, lines, tested = [0], [0], screen.view.tested
        key_of, line_of = widgets.key_of, events._line

        def counted_key(row: object) -> object:
            keys[0] += 1
            return key_of(row)  # type: ignore[arg-type]

        def counted_line(*arguments: object) -> object:
            lines[0] += 1
            return line_of(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(widgets, "key_of", counted_key)
        monkeypatch.setattr(events, "_line", counted_line)
        console.store.apply(event(100_200, 0, NearMiss("VI_1", "late")))
        screen.paint()
        assert screen.view.tested == tested + 1
        assert lines[0] <= 2 * events.rows
        assert keys[0] < 60
