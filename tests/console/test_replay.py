"""The past on the same screens: scrubbing shows what was so, and nothing later; esc comes back."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from engine.messages import (
    Cause,
    Command,
    EventLine,
    GetEvents,
    GetJournal,
    Heartbeat,
    Outcome,
    Reply,
    Snapshot,
    State,
    StateChanged,
)
from hatui.app import HatuiApp
from hatui.palette import execute
from hatui.replay import ALIVE, JournalLink, fetch, recording
from hatui.store import Store
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import EVENTS, HELLO, NOW, WALL, WEB, S

BACKUP = msgspec.structs.replace(WEB, state=State.BACKUP, master="10.0.0.12")


def shot(second: int, *statuses: object) -> Snapshot:
    return Snapshot(tuple(statuses) or (WEB,), 7, NOW + second * S, WALL + second * S)  # type: ignore[arg-type]


def happened(second: int, number: int = 0) -> EventLine:
    return msgspec.structs.replace(
        EVENTS[number], seq=100 + second, mono_ns=NOW + second * S, wall_ns=WALL + second * S
    )


LINES = recording(HELLO, [shot(0), shot(30, BACKUP), shot(200)], [happened(10), happened(20, 1), happened(210, 2)])


def test_recording_is_in_order_and_alive_only_where_the_engine_was() -> None:
    beats = [line for line in LINES if isinstance(line, Heartbeat)]
    assert [one.mono_ns for one in beats] == [NOW + second * S for second in range(1, 30)]
    assert ALIVE < 170 * S
    walls = [line.wall_ns for line in LINES[1:] if not isinstance(line, type(HELLO))]  # type: ignore[union-attr]
    assert walls == sorted(walls)
    assert recording(HELLO, [], [happened(1)]) == []


def seen(link: JournalLink) -> tuple[Store, asyncio.Task[None]]:
    store = Store()

    def take(told: object) -> None:
        for one in told:  # type: ignore[attr-defined]
            store.apply(one)

    return store, asyncio.get_running_loop().create_task(link.run(take))


async def test_going_back_tells_only_what_was_known_then() -> None:
    link = JournalLink(LINES)
    store, task = seen(link)
    await asyncio.sleep(0)
    link.seek(NOW + 35 * S)
    assert str(store.instances["VI_WEB"].state) == "BACKUP"
    assert [row.mono_ns for row in store.events] == [NOW + 10 * S, NOW + 20 * S]
    link.seek(NOW + 15 * S)
    assert str(store.instances["VI_WEB"].state) == "MASTER"
    assert [row.mono_ns for row in store.events] == [NOW + 10 * S]
    assert not store.silent(link.now())
    link.seek(NOW + 120 * S)
    assert store.silent(link.now()), "nobody knows what was so between two snapshots so far apart"
    task.cancel()


async def test_steps_go_from_event_to_event_and_end_at_both_ends() -> None:
    link = JournalLink(LINES, at_wall=WALL + 12 * S)
    _store, task = seen(link)
    await asyncio.sleep(0)
    places = []
    for count in (1, 1, 1, -1, -1, -1):
        moved = link.step(count)
        places.append(((link.now() - NOW) // S, moved))
    assert places == [(20, True), (210, True), (210, False), (20, True), (10, True), (10, False)]
    task.cancel()


async def test_journal_is_fetched_page_by_page() -> None:
    shots = [shot(second) for second in range(0, 3000, 30)]
    asked: list[Command] = []

    async def ask(command: Command) -> Reply:
        asked.append(command)
        if isinstance(command, GetJournal):
            found = [one for one in shots if command.since_wall_ns <= one.wall_ns <= command.until_wall_ns]
            return Reply(0, Outcome.DONE, snapshots=tuple(found[: command.limit]))
        assert isinstance(command, GetEvents)
        return Reply(0, Outcome.DONE, events=(happened(10),))

    lines = await fetch(ask, HELLO, WALL, WALL + 3000 * S)
    assert [line for line in lines if isinstance(line, Snapshot)] == shots
    assert sum(isinstance(one, GetJournal) for one in asked) == 3
    assert sum(isinstance(line, EventLine) for line in lines) == 1


@pytest.fixture
def staged(link: StagedLink, monkeypatch: pytest.MonkeyPatch) -> StagedLink:
    def journal(command: Command) -> Reply:
        return Reply(0, Outcome.DONE, snapshots=(shot(-600), shot(-570, BACKUP)))

    def events(command: Command) -> Reply:
        return Reply(0, Outcome.DONE, events=(happened(-590), happened(-580, 1)))

    link.answers |= {GetJournal: journal, GetEvents: events}
    monkeypatch.setattr("hatui.replaying.EngineLink", StagedLink)
    monkeypatch.setattr(StagedLink, "forget", lambda self: setattr(self, "_next", 0), raising=False)
    return link


async def test_replay_shows_the_past_steps_and_comes_back(console: HatuiApp, staged: StagedLink) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        assert "2 MASTER" in await settle(pilot)
        assert execute(console, "replay 13:52:16") == ""
        text = await until(pilot, " REPLAY")
        assert "1 MASTER" in text
        assert "13:52:16" in text
        await pilot.press("full_stop")
        assert "13:52:21" in await until(pilot, "13:52:21")
        await pilot.press("full_stop")
        await until(pilot, "13:52:31")
        await pilot.press("comma")
        await until(pilot, "13:52:21")
        await pilot.press("F")
        assert "Fail over" not in await settle(pilot)
        await pilot.press("escape")
        assert "2 MASTER" in await until(pilot, "READ-WRITE")


async def test_replay_of_nothing_and_of_no_time_says_so(
    console: HatuiApp, staged: StagedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(console, "say", lambda text, _severity="": said.append(text))
    staged.answers[GetJournal] = Reply(0, Outcome.DONE)
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        assert execute(console, "replay noon") == ""
        assert execute(console, "replay 13:50") == ""
        await console.workers.wait_for_complete([one for one in console.workers if one.name == "replay"])
        text = await settle(pilot)
    assert said == [
        "'noon' is no time: write 14:02, 14:02:10 or 2026-01-31 14:02:10 [E-TIME]",
        "the journal has nothing of 13:50:00 or after [E-NOT-HERE]",
    ]
    assert "READ-WRITE" in text


async def test_why_goes_back_beyond_the_events_of_this_console(console: HatuiApp, link: StagedLink) -> None:
    ago = 7200 * S
    older = StateChanged("VI_API", State.MASTER, State.BACKUP, Cause.PEER_HIGHER, "long ago", 98, peer="10.0.0.12")
    old = EventLine(1, NOW - ago, WALL - ago, older)
    before = EventLine(0, NOW - ago - 400 * S, WALL - ago - 400 * S, EVENTS[0].event)
    asked: list[GetEvents] = []

    def events(command: Command) -> Reply:
        assert isinstance(command, GetEvents)
        asked.append(command)
        return Reply(0, Outcome.DONE, events=(old,) if command.kinds else (before, old))

    link.answers[GetEvents] = events
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("j", "w")
        assert "master-no-response" in await settle(pilot)
        await pilot.press("left_square_bracket")
        text = await until(pilot, "shows none of it")
        assert "a higher priority: 10.0.0.12" in text
        await pilot.press("right_square_bracket")
        assert "master-no-response" in await settle(pilot)
    assert [one.instance for one in asked if one.kinds] == ["VI_API"]


async def test_space_means_what_it_did_while_live(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        assert console.check_action("replay_play", ()) is False
        assert console.check_action("replay_live", ()) is False
