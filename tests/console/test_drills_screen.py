"""Drills and maintenance in the console: asked with their consequence, shown as they go, ended at once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from engine.messages import (
    AbortDrill,
    Check,
    Command,
    DrillReport,
    GetDrillPackets,
    GetDrills,
    Maintenance,
    MaintenanceInfo,
    Outcome,
    Reply,
    RunDrill,
    StatusLine,
)
from engine.protocol.packet.pcapng import Pcapng
from hatui.app import HatuiApp
from hatui.screens.report import ReportPage
from hatui.store import Connection, LinkState
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, NOW, WALL, S, packets
from tests.console.rehearsed import REPORTS, RUNNING

SIZE = (80, 24)


def told(link: StagedLink, **more: object) -> None:
    link.feed(StatusLine(msgspec.structs.replace(ENGINE, **more), NOW))


def reported(report: DrillReport) -> Callable[[Command], Reply]:
    """An engine with one report."""

    def answer(wish: Command) -> Reply:
        assert isinstance(wish, GetDrills)
        return Reply(0, Outcome.DONE, drill=report if wish.number else None, drills=(report,))

    return answer


async def test_list_shows_plans_reports_trend_and_who_was_never_drilled(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("4")
        text = await until(pilot, "#16 silent-master")
        assert "VI_WEB" in text
        assert "#16 silent-master pass 3.500 s" in text
        assert "[!#]" in text
        assert "never drilled" in text
        assert "over-budget" in text


async def test_wide_screens_tell_of_the_row_of_the_cursor(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await settle(pilot)
        await pilot.press("4")
        text = await until(pilot, "Drill #16 silent-master VI_WEB")
        assert "PASS  outage 3.500 s" in text
        await pilot.press("j")
        await until(pilot, "whether it fails over in time is not known")
        await pilot.press("G")
        await until(pilot, "Drill #15 silent-master VI_WEB")
        await pilot.press("k", "k", "k", "k")
        text = await until(pilot, "Plan silent-master")
        assert "another router serves meanwhile" in text


async def test_enter_on_a_report_opens_it(console: HatuiApp, link: StagedLink) -> None:
    def answer(command: Command) -> Reply:
        assert isinstance(command, GetDrills)
        if command.number:
            return Reply(0, Outcome.DONE, drill=REPORTS[0])
        return Reply(0, Outcome.DONE, drills=REPORTS)

    link.answers[GetDrills] = answer
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("4")
        await until(pilot, "#16")
        await pilot.press("G", "k", "enter")
        text = await until(pilot, "Drill #16 silent-master VI_WEB")
        assert "PASS  outage 3.500 s" in text
        assert GetDrills(16) in link.commands()


def test_a_folded_heading_of_a_report_is_not_parted() -> None:
    title = "the master falls silent as after a loss of power, in words that need more than one line"
    page = ReportPage(msgspec.structs.replace(REPORTS[0], title=title, packets="/p", packets_kept=1), "", "")
    lines = ["".join(text for text, _ in line).strip() for line in page._lines(72)]
    at = lines.index("o  opens its packets on the Packets screen")
    assert at > 1, "the heading takes more than one line"
    assert " ".join(lines[:at]).endswith(title)


async def test_o_on_a_report_opens_its_packets(console: HatuiApp, link: StagedLink) -> None:
    blocks = Pcapng()
    lines = [line for line in packets() if line.kind == "advert"]
    file = blocks.begin() + b"".join(map(blocks.add, lines))
    kept = msgspec.structs.replace(REPORTS[0], packets="/var/lib/hatui/drills/00000016.pcapng", packets_kept=len(lines))

    def piece(command: Command) -> Reply:
        assert isinstance(command, GetDrillPackets)
        return Reply(0, Outcome.DONE, octets=file[command.offset : command.offset + 500], size=len(file))

    link.answers[GetDrills] = reported(kept)
    link.answers[GetDrillPackets] = piece
    async with console.run_test(size=(160, 45)) as pilot:
        await settle(pilot)
        await pilot.press("4")
        await until(pilot, "#16")
        await pilot.press("G", "enter")
        await until(pilot, "o  opens its packets")
        await pilot.press("o")
        text = await until(pilot, "OFFLINE")
        assert "2[Packets]" in text
        text = await until(pilot, "00000016.pcapng")
        assert f"{len(lines)}" in text


async def test_a_report_without_packets_says_why(console: HatuiApp, link: StagedLink) -> None:
    bare = msgspec.structs.replace(REPORTS[0], packets_problem="No space left on device")
    link.answers[GetDrills] = reported(bare)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("4")
        await until(pilot, "#16")
        await pilot.press("G", "enter")
        await until(pilot, "not kept: No space left on device")
        await pilot.press("o")
        await settle(pilot)
        assert any("E-NO-PACKETS" in one.message for one in console._notifications)


async def test_a_running_drill_is_seen_on_every_screen_and_ended_by_a(console: HatuiApp, link: StagedLink) -> None:
    link.answers[AbortDrill] = Reply(0, Outcome.DONE, text="drill 17 is being aborted")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        told(link, drill=RUNNING)
        await until(pilot, "DRILL ON")
        await pilot.press("4")
        text = await until(pilot, "Drill #17 silent-master VI_WEB")
        assert "[now ] silent" in text
        assert "Probes every 50 ms" in text
        assert "abort limit 8.0s   by anna" in text
        assert "...................xxxxxxxxxx" in text
        await pilot.press("a")
        await until(pilot, "Abort drill #17?")
        await pilot.press("y")
        await until(pilot, "drill 17 is being aborted")
        assert AbortDrill() in link.commands()


async def test_ladder_and_details_of_a_running_drill_go_on_with_it(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("4", "l")
        await settle(pilot)
        assert any("no drill is running" in one.message for one in console._notifications)
        told(link, drill=RUNNING)
        assert "l Ladder" in await until(pilot, "Drill #17 silent-master VI_WEB")
        await pilot.press("l")
        text = await until(pilot, "Ladder of drill #17 silent-master VI_WEB")
        assert " -10.000  10.0.0.11 advert priority 150" in text
        told(link, drill=msgspec.structs.replace(RUNNING, ladder=(*RUNNING.ladder, "  +3.596  10.0.0.12 advert")))
        await until(pilot, "+3.596  10.0.0.12 advert")
        await pilot.press("escape", "tab")
        text = await until(pilot, "Details of drill #17 silent-master VI_WEB")
        assert "observe" in text
        assert "until another router serves, then" in text
        await pilot.resize_terminal(160, 45)
        assert "lb-a icmp" in await settle(pilot)
        link.feed(LinkState(Connection.LOST, NOW, "gone", NOW + S))
        await until(pilot, "UNKNOWN: the engine is silent; this was told last")
        await pilot.press("escape")
        text = await until(pilot, "the outage was 1.850 s when the engine was heard last, of 4.500 s budget")
        assert "UNKNOWN: the engine is silent; this was told last" in text
        assert "outage so far" not in text


async def test_the_ladder_follows_its_end_and_tells_that_the_drill_has_ended(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        lines = tuple(f"{at:+8.3f}  10.0.0.11 advert priority 150" for at in range(60))
        told(link, drill=msgspec.structs.replace(RUNNING, ladder=lines))
        await pilot.press("4", "l")
        await until(pilot, "+59.000  10.0.0.11 advert")
        told(link, drill=msgspec.structs.replace(RUNNING, ladder=(*lines, " +60.000  10.0.0.12 advert")))
        await until(pilot, "+60.000  10.0.0.12 advert")
        await pilot.press("g")
        told(link, drill=msgspec.structs.replace(RUNNING, ladder=(*lines, " +61.000  10.0.0.12 advert")))
        assert "+61.000" not in await settle(pilot)
        told(link, drill=None)
        await until(pilot, "it has ended: enter on its report tells how")


async def test_a_small_screen_keeps_the_outage_of_a_running_drill_in_sight(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        probes = tuple(msgspec.structs.replace(RUNNING.probes[0], name=f"c{number} icmp") for number in range(4))
        told(link, drill=msgspec.structs.replace(RUNNING, probes=probes))
        await pilot.press("4")
        text = await until(pilot, "outage so far 1.850 s of 4.500 s budget")
        assert "tab details   l ladder" in text
        assert "never drilled" in text


async def test_nothing_to_abort_is_said(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("4")
        await until(pilot, "4[Drills]")
        await pilot.press("a")
        await settle(pilot)
        assert any("no drill is running" in one.message for one in console._notifications)
        assert AbortDrill() not in link.commands()


async def test_d_shows_the_preflight_then_runs_and_shows_the_verdict(console: HatuiApp, link: StagedLink) -> None:
    def answer(command: Command) -> Reply:
        assert isinstance(command, RunDrill)
        checks = (Check("unknown", "P-PEER-HEARD", "10.0.0.12 is silent now"),)
        made = msgspec.structs.replace(REPORTS[0], checks=checks)
        return Reply(0, Outcome.DONE, text="done", drill=made)

    link.answers[RunDrill] = answer
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("D")
        text = await until(pilot, "10.0.0.12 is silent now")
        assert "Drill hand-over of VI_WEB" in text
        assert "outage at most 3.609 s" in text
        assert "hatui drill run hand-over VI_WEB" in text
        assert [one.dry_run for one in link.commands() if isinstance(one, RunDrill)] == [True]
        await pilot.press("y")
        await until(pilot, "PASS  outage 3.500 s")
        assert RunDrill("hand-over", "VI_WEB") in link.commands()


@pytest.mark.parametrize(("count", "twin", "folded"), [(4, True, False), (10, False, False), (30, False, True)])
async def test_a_long_preflight_leaves_the_keys_and_the_buttons_in_view(
    console: HatuiApp, link: StagedLink, count: int, twin: bool, folded: bool
) -> None:
    checks = tuple(Check("unknown", f"P-{number}", f"unknown number {number}") for number in range(count))
    made = msgspec.structs.replace(REPORTS[0], checks=checks)
    link.answers[RunDrill] = Reply(0, Outcome.DONE, text="done", drill=made)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("D")
        text = await until(pilot, "outage at most 3.609 s")
        assert "y Run the drill   esc Cancel   c Copy command" in text
        assert "Cancel      Run the drill" in text
        assert "unknown number 0" in text
        assert ("Same as" in text) is twin
        assert ("more lines, in a taller window" in text) is folded
        await pilot.resize_terminal(100, 60)
        text = await until(pilot, "Same as")
        assert f"unknown number {count - 1}" in text


async def test_d_takes_the_options_of_the_command_line_and_an_override(console: HatuiApp, link: StagedLink) -> None:
    def answer(command: Command) -> Reply:
        made = msgspec.structs.replace(REPORTS[0], checks=(Check("fail", "P-PENDING", "revision 7 waits"),))
        return Reply(0, Outcome.DONE, text="done", drill=made)

    link.answers[RunDrill] = answer
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("D")
        await until(pilot, "P-PENDING failed: say why it is done all the same")
        await pilot.click("#options")
        await pilot.press(*"--budget four", "escape")
        await until(pilot, "[E-RANGE]")
        await pilot.click("#options")
        await pilot.press("end", *["backspace"] * 4, *"4.5s --limit 10s", "escape")
        await pilot.click("#override")
        await pilot.press(*"ok", "escape")
        await until(pilot, "--override ok")
        await pilot.press("y")
        await until(pilot, "PASS  outage 3.500 s")
        assert link.commands()[-1] == RunDrill("hand-over", "VI_WEB", budget_s=4.5, limit_s=10.0, override="ok")


async def test_d_offers_the_real_link_where_a_plan_takes_a_link_down(console: HatuiApp, link: StagedLink) -> None:
    link.answers[RunDrill] = Reply(0, Outcome.DONE, text="done", drill=REPORTS[0])
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("D")
        assert "Real link" not in await until(pilot, "y Run the drill")
        await pilot.click("#plan")
        await pilot.press("end", *["backspace"] * 9, *"link-down", "escape")
        await until(pilot, "Real link")
        await pilot.click("#real")
        await pilot.press(*"yes", "escape")
        assert "--real-link" in await until(pilot, "REAL LINK: Drill link-down of VI_WEB")
        await pilot.press("y")
        await until(pilot, "PASS  outage 3.500 s")
        trial, done = (one for one in link.commands()[-2:] if isinstance(one, RunDrill))
        assert (trial.dry_run, trial.real_link) == (True, True), "the engine says first whether there is a second path"
        assert done == RunDrill("link-down", "VI_WEB", real_link=True)


async def test_m_says_who_will_be_master_and_needs_a_reason(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Maintenance] = Reply(0, Outcome.DONE, text="VI_WEB: 10.0.0.12 (priority 100) will be MASTER")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("M")
        text = await until(pilot, "10.0.0.12 (priority 100) will be MASTER")
        assert "Maintenance of VI_WEB" in text
        assert "write a reason" in text
        await pilot.press("y")
        assert [one.dry_run for one in link.commands() if isinstance(one, Maintenance)] == [True]
        await pilot.click("#reason")
        await pilot.press(*"fan", "escape")
        await until(pilot, "hatui maintenance on VI_WEB --reason fan")
        await pilot.press("y")
        await until(pilot, "done")
        assert Maintenance("VI_WEB") in link.commands()


async def test_m_ends_maintenance_that_is_on_and_says_whose_it_is(console: HatuiApp, link: StagedLink) -> None:
    link.answers[Maintenance] = Reply(0, Outcome.DONE, text="VI_WEB runs with its own priority again")
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        told(link, maintenance=(MaintenanceInfo("", "ben", "new fan", WALL),))
        await settle(pilot)
        await pilot.press("M")
        text = await until(pilot, "End the maintenance of the whole node?")
        assert 'On by ben: "new fan".' in text
        await pilot.press("y")
        await until(pilot, "runs with its own priority again")
        assert link.commands()[-1] == Maintenance("", on=False)


@pytest.mark.parametrize("key", ["M", "D"])
async def test_a_viewer_is_refused(link: StagedLink, tmp_path: object, key: str) -> None:
    console = HatuiApp(link, read_only=True)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert any("not allowed" in one.message for one in console._notifications)
        assert not [one for one in link.commands() if isinstance(one, RunDrill | Maintenance)]
