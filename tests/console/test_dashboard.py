"""The dashboard on a recorded session, with keys pressed."""

from __future__ import annotations

import msgspec
import pytest
from textual.pilot import Pilot

from engine.messages import (
    Cause,
    EventLine,
    Gap,
    Heartbeat,
    InstanceStatus,
    PacketLine,
    State,
    StateChanged,
    StatusLine,
)
from hatui.app import HatuiApp
from hatui.rungs import Ladder
from hatui.store import Connection, LinkState
from tests.console import piloting
from tests.console.conftest import StagedLink
from tests.console.recording import API, DNS, EVENTS, HELLO, MS, NOW, SNAPSHOT, VIEWER, WALL, WEB, S, packets

SIZE = (80, 24)


async def settle(pilot: Pilot[None], link: StagedLink) -> None:
    """Until everything told so far is painted."""
    await piloting.settle(pilot)


def status(instance: InstanceStatus, at: int = 0) -> StatusLine:
    return StatusLine(instance, NOW + at)


async def test_shows_state_priorities_master_timer_addresses_ledger_and_events(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        text = console.screen_text()
        assert ">* VI_WEB     MASTER  150/150  this node     3d04h   adv  0.6s" in text
        assert " * VI_API     MASTER   98/120  this node     12m40s  adv  0.2s" in text
        assert " - VI_DNS     backup  100/100  10.0.0.12/150 3d04h   down 3.1s" in text
        assert " ! VI_DB      FAULT    --/150  10.0.0.12/100 4m09s   --" in text
        assert "!! VI_DB FAULT 4m09s: eth1 has no carrier. 10.0.0.12 serves it." in text
        assert "VIPs      10.0.0.100/24 set" in text
        assert "14:00:07  VI_API   priority 120 -> 98   chk_haproxy failed" in text
        await pilot.press("j")
        await settle(pilot, link)
        text = console.screen_text()
        assert "Priority  120 base  -22 chk_haproxy FAIL exit 1  +0 chk_disk ok  = 98 in use" in text
        assert "If lost   silent crash 3.65s   hand-over: no loss, in 0.65s" in text


async def test_status_changes_the_screen_and_only_the_status(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        link.feed(EventLine(50, NOW, WALL, StateChanged("VI_DNS", State.BACKUP, State.MASTER, Cause.MASTER_RESIGNED)))
        await settle(pilot, link)
        assert "VI_DNS     backup" in console.screen_text()
        assert "backup -> MASTER" in console.screen_text()
        now_master = msgspec.structs.replace(DNS, state=State.MASTER, since=NOW, master="10.0.0.11")
        link.feed(status(now_master))
        await settle(pilot, link)
        assert " * VI_DNS     MASTER  100/100  this node     0.0s" in console.screen_text()
        assert "VI_DNS MASTER 0.0s, but not on the interface: 10.0.0.53" in console.screen_text()


async def test_countdown_runs_between_two_statuses(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        link.advance(400 * MS)
        await settle(pilot, link)
        assert "adv  0.2s" in console.screen_text().splitlines()[4]
        assert "down 2.7s" in console.screen_text()
        assert "engine live 0.4s" in console.screen_text()


async def test_silent_engine_turns_every_state_to_unknown_within_three_seconds(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        link.feed(Heartbeat(NOW, WALL, NOW, 9))
        link.advance(3 * S)
        await settle(pilot, link)
        assert "VI_WEB     MASTER" in console.screen_text()
        link.advance(10 * MS)
        await settle(pilot, link)
        text = console.screen_text()
        assert "? VI_WEB     UNKNOWN" in text
        assert "was MASTER 3.0s" in " ".join(text.split())
        assert "engine SILENT 3." in text
        assert " * VI_" not in text
        assert "10.0.0.100/24 unknown" in text
        link.feed(Heartbeat(NOW + 3 * S, WALL + 3 * S, NOW + 3 * S, 9))
        await settle(pilot, link)
        assert "VI_WEB     MASTER" in console.screen_text()


async def test_heartbeats_of_core_without_a_sign_of_vrrp_are_no_life(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        for second in range(1, 5):
            link.advance(S)
            link.feed(Heartbeat(NOW + second * S, WALL + second * S, NOW - 100 * MS, 9))
        await settle(pilot, link)
        assert "? VI_WEB     UNKNOWN" in console.screen_text()


async def test_lost_connection_keeps_the_frame_and_a_gap_is_a_row(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        link.feed(LinkState(Connection.LOST, NOW, "the engine closed the connection", NOW + 2 * S))
        await settle(pilot, link)
        text = console.screen_text()
        assert "? VI_WEB     UNKNOWN" in text
        assert "connection lost 0.0s ago; next try in 2.0s" in text
        assert "engine lost" in text
        link.feed(LinkState(Connection.LIVE, NOW), HELLO, SNAPSHOT, Gap(events=41))
        await settle(pilot, link)
        text = console.screen_text()
        assert "VI_WEB     MASTER" in text
        assert "-- 41 events missed --" in text


async def test_wide_screens_add_ready_and_vrid_then_three_panes(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        await settle(pilot, link)
        text = console.screen_text()
        assert "VRID" in text
        assert "READY" in text
        assert "DEGRADED" in text
        await pilot.resize_terminal(160, 45)
        await settle(pilot, link)
        text = console.screen_text()
        assert "FLAPS" in text
        assert "Priority ladder" in text
        assert "Live adverts" in text
        assert "packets" in link.topics
        await pilot.resize_terminal(80, 24)
        await settle(pilot, link)
        assert "Live adverts" not in console.screen_text()
        assert "packets" not in link.topics


async def test_filter_narrows_instances_and_events_and_esc_clears(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("slash", *"api")
        await settle(pilot, link)
        text = console.screen_text()
        assert text.splitlines()[-1].split() == ["enter", "Keep", "esc", "Clear", "ctrl+p", "Palette", "ctrl+g", "Help"]
        assert "VI_API     MASTER" in text
        assert "VI_WEB     MASTER" not in text
        assert "VI_DB    MASTER -> FAULT" not in text
        await pilot.press("left_square_bracket")
        await settle(pilot, link)
        assert "not a regular expression" in console.screen_text()
        await pilot.press("escape")
        await settle(pilot, link)
        assert "VI_WEB     MASTER" in console.screen_text()
        assert "enter Keep" not in console.screen_text()


async def test_filter_that_matches_nothing_says_how_to_go_on(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("slash", *"zzz", "enter")
        await settle(pilot, link)
        assert "no instance matches the filter; esc clears it" in console.screen_text()


async def test_selection_stays_on_its_instance_when_others_come(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("j", "j")
        first = msgspec.structs.replace(API, name="VI_AAA")
        link.feed(msgspec.structs.replace(SNAPSHOT, statuses=(first, *SNAPSHOT.statuses)))
        await settle(pilot, link)
        assert ">- VI_DNS" in console.screen_text()


async def test_why_shows_the_evidence_of_the_last_change(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("j", "w")
        await settle(pilot, link)
        text = console.screen_text()
        assert "Why did VI_API change?" in text
        assert "master-no-response: 10.0.0.12 stopped without saying goodbye." in text
        assert "-0.617                 | (expected)         |            missed 3 of 3" in text
        await pilot.press("escape")
        await settle(pilot, link)
        assert "INSTANCE" in console.screen_text()


async def test_help_lists_every_key_of_the_place(console: HatuiApp, link: StagedLink) -> None:
    from hatui import keys

    async with console.run_test(size=(100, 110)) as pilot:
        await settle(pilot, link)
        await pilot.press("question_mark")
        await settle(pilot, link)
        text = console.screen_text()
        for key in (*keys.at("dashboard"), *keys.at("list"), *keys.at("everywhere")):
            assert f"   {keys.show(key.key)} " in text, key.id


async def test_problems_page_names_codes(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        link.feed(
            status(msgspec.structs.replace(WEB, addresses=(msgspec.structs.replace(WEB.addresses[0], present=False),)))
        )
        await settle(pilot, link)
        await pilot.press("exclamation_mark")
        await settle(pilot, link)
        text = console.screen_text()
        assert "D-VIP-GONE" in text
        assert "hatui explain D-VIP-GONE" in text
        assert "script chk_haproxy fails (exit 1); tracked by VI_API" in text


async def test_time_mode_goes_round(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("t", "t")
        await settle(pilot, link)
        assert "-2m04s" in console.screen_text()


async def test_zoom_shows_the_focused_pane_alone_and_back(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("tab", "z")
        await settle(pilot, link)
        text = console.screen_text()
        assert "INSTANCE" not in text
        assert "engine   started" in text
        await pilot.press("z")
        await settle(pilot, link)
        assert "INSTANCE" in console.screen_text()


async def test_too_small_terminal_says_so_and_keeps_its_size_current(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(72, 20)) as pilot:
        await settle(pilot, link)
        assert "hatui needs 80x24, this is 72x20." in console.screen_text()
        await pilot.resize_terminal(79, 30)
        await settle(pilot, link)
        assert "this is 79x30" in console.screen_text()
        await pilot.resize_terminal(80, 24)
        await settle(pilot, link)
        assert "VI_WEB     MASTER" in console.screen_text()


@pytest.mark.parametrize("read_only", [False, True])
async def test_who_may_not_act_is_told_why(link: StagedLink, console: HatuiApp, read_only: bool) -> None:
    console.read_only = read_only
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot, link)
        if not read_only:
            link.feed(VIEWER)
            await settle(pilot, link)
        assert ("READ-ONLY" if read_only else "VIEWER") in console.screen_text()
        for key in "FUAR":
            await pilot.press(key)
        await settle(pilot, link)
        text = console.screen_text()
        assert ("started with --read-only" if read_only else "bob is a viewer") in text
        assert "Fail over" not in text
        assert link.commands() == []


async def test_quit_leaves_at_once_and_capital_q_leaves_the_last_screen(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("Q")
    assert "VI_WEB     MASTER" in console.last_screen


async def test_events_below_the_newest_do_not_jump_when_new_ones_come(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        await pilot.press("tab", "j", "j")
        await settle(pilot, link)
        before = next(line for line in console.screen_text().splitlines() if line.startswith(">14:"))
        link.feed(msgspec.structs.replace(EVENTS[0], seq=60))
        await settle(pilot, link)
        after = next(line for line in console.screen_text().splitlines() if line.startswith(">14:"))
        assert after == before


async def test_what_if_is_a_simulation_that_sends_nothing(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await settle(pilot, link)
        await pilot.press("j", "space")
        await settle(pilot, link)
        text = console.screen_text()
        assert "[ ] chk_haproxy      fails" in text
        assert "SIMULATION" not in text
        await pilot.press("j", "space")
        await settle(pilot, link)
        text = console.screen_text()
        assert "SIMULATION of the priority" in text
        assert "[ ] chk_disk         fails  (now it works)" in text
        assert "98 -> 93; 10.0.0.12 has 90" in text
        assert "VI_API     eth0  52   v3  MASTER   98/120" in text
        assert link.commands() == []
        link.feed(LinkState(Connection.LOST, NOW, "gone", NOW + S))
        await settle(pilot, link)
        assert "[ ] chk_disk" not in console.screen_text()
        link.feed(LinkState(Connection.LIVE, NOW), HELLO, SNAPSHOT)
        await pilot.press("escape")
        await settle(pilot, link)
        assert "SIMULATION" not in console.screen_text()


async def test_table_is_sorted_by_the_next_column_and_the_cursor_stays_on_its_instance(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)

        def names() -> list[str]:
            return [line[3:9] for line in console.screen_text().splitlines()[4:8]]

        assert names() == ["VI_WEB", "VI_API", "VI_DNS", "VI_DB "]
        await pilot.press("greater_than_sign")
        await settle(pilot, link)
        assert names() == ["VI_API", "VI_DB ", "VI_DNS", "VI_WEB"]
        assert "INSTANCE^" in console.screen_text()
        assert ">* VI_WEB" in console.screen_text()
        await pilot.press("greater_than_sign")
        await settle(pilot, link)
        assert names()[0] == "VI_DB "
        await pilot.press("less_than_sign", "less_than_sign")
        await settle(pilot, link)
        assert names() == ["VI_WEB", "VI_API", "VI_DNS", "VI_DB "]


async def test_of_250_instances_only_the_visible_rows_are_made(
    console: HatuiApp, link: StagedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hatui.widgets import instances

    many = tuple(msgspec.structs.replace(WEB, name=f"VI_{number}", vrid=number % 255 + 1) for number in range(250))
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot, link)
        link.feed(msgspec.structs.replace(SNAPSHOT, statuses=(*many, SNAPSHOT.statuses[-1])))
        await settle(pilot, link)
        made: list[str] = []
        line_of = instances.table_line

        def counted(row: instances.InstanceRow, columns: object, *, marked: bool) -> object:
            made.append(row.status.name)
            return line_of(row, columns, marked=marked)  # type: ignore[arg-type]

        monkeypatch.setattr(instances, "table_line", counted)
        console.paint()
        assert 0 < len(made) <= 12
        await pilot.press("G")
        await settle(pilot, link)
        assert ">* VI_249" in console.screen_text()


async def test_peers_of_the_selected_instance_stand_beside_its_ladder(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await settle(pilot, link)
        text = console.screen_text()
        assert "10.0.0.12       unknown  100" in text
        assert "unknown: one node says it" in text
        assert "10.0.0.77 on eth0 vrid 51" in text


async def test_live_adverts_go_on_with_what_is_new_and_begin_anew_after_a_lost_connection(
    console: HatuiApp, link: StagedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[PacketLine] = []
    add = Ladder.add

    def counted(self: Ladder, number: int, packet: PacketLine) -> None:
        added.append(packet)
        add(self, number, packet)

    async with console.run_test(size=(160, 45)) as pilot:
        *former, newest = packets()
        link.feed(*former)
        await settle(pilot, link)
        monkeypatch.setattr(Ladder, "add", counted)
        link.feed(newest)
        await settle(pilot, link)
        assert added == [newest]
        console.store.packets.clear()  # as a new connection does that could not be resumed
        added.clear()
        link.feed(*former)
        await settle(pilot, link)
        assert added == former
