"""The detail of an instance: its tabs, what each asks the engine for, and what happens when that is lost."""

from __future__ import annotations

import re

import msgspec
import pytest

from engine.errors import EngineLost
from engine.messages import (
    AddressesMoved,
    Cause,
    Command,
    GetConfig,
    GetEvents,
    GetTrackerRuns,
    Outcome,
    Reply,
    RunTracker,
    ScriptRan,
    State,
    StateChanged,
    StatusGone,
    Verdict,
)
from hatui import facets
from hatui.app import HatuiApp
from hatui.store import Connection, LinkState
from tests.console.conftest import CONFIG, StagedLink, config_text
from tests.console.piloting import settle, until
from tests.console.recording import (
    API,
    EVENTS,
    HELLO,
    MS,
    NOW,
    SNAPSHOT,
    VIEWER,
    WEB,
    S,
    event,
    gratuitous_arp,
    packet,
)

SIZE = (80, 24)
PAST = (
    event(-2, 90 * 3600 * S, StateChanged("VI_API", State.INIT, State.BACKUP, Cause.STARTUP)),
    event(-1, 760 * S - MS, AddressesMoved("VI_API", ("10.0.0.101/24",), present=True)),
    event(0, 759 * S, ScriptRan("VI_API", ("/usr/bin/notify", "INSTANCE", "VI_API", "MASTER"), 3, 184 * MS, "no mail")),
)


@pytest.fixture
def link() -> StagedLink:
    link = StagedLink()
    link.answers[GetEvents] = Reply(0, Outcome.DONE, events=PAST)
    link.answers[RunTracker] = Reply(0, Outcome.DONE, text="chk_haproxy runs now")
    named = CONFIG.replace("VI_1", "VI_API")
    link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(named),))
    return link


def asked(link: StagedLink, kind: type[Command]) -> list[Command]:
    return [command for command, _ in link.asked if isinstance(command, kind)]


async def test_state_tab_lists_timers_and_counters_under_a_head_with_state_and_timer(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=(80, 60)) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter")
        text = await until(pilot, "[State]")
        assert " * VI_API  MASTER 98/120  this node  for 12m40s  adv  0.2s [#####.]  DEGRADED" in text
        for words in ("master-down interval   3.414s", "skew time              0.617s", "advert_sent            760"):
            assert words in text
        assert "auth_ext_replay        0" in text


async def test_a_long_sentence_goes_on_below_and_is_one_row_for_copying(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter", "j", "j", "j")
        text = await until(pilot, "[State]")
        assert re.search(r"  ready +DEGRADED: .*\n> +10\.0\.0\.12 was heard 12m40s ago; backups are silent\n", text)
        assert console.frame is not None
        assert console.frame.copied() == (
            "ready                  DEGRADED: chk_haproxy fails here; other routers: 10.0.0.12 was heard 12m40s ago; "
            "backups are silent"
        )


async def test_trackers_tab_shows_the_last_runs_and_enter_runs_one_now_after_asking(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter", "tab")
        text = await until(pilot, "no process found")
        assert "  -22  script chk_haproxy" in text
        assert "1.0s ago  exit 1            0.21s  no process found" in text
        assert "timed out" in text
        assert asked(link, GetTrackerRuns)[0] == GetTrackerRuns(instance="VI_API")
        await pilot.press("enter")
        assert "hatui trackers --run chk_haproxy" in await until(pilot, "Run chk_haproxy now?")
        await pilot.press("y")
        await until(pilot, "chk_haproxy runs now")
        assert asked(link, RunTracker) == [RunTracker("chk_haproxy")]


async def test_vips_tab_says_who_set_an_address_and_which_mac_announced_it(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("enter", "tab", "tab")
        text = await until(pilot, "[VIPs]")
        assert "10.0.0.100/24" in text
        assert "announced    3d04h ago by this node, 52:54:00:12:34:56" in text
        assert "on the wire  9.9s ago, 52:54:00:12:34:56, this node" in text
        assert "packets" in link.topics
        frame = gratuitous_arp("10.0.0.100", b"\x52\x54\x00\x99\x99\x99")
        stolen = msgspec.structs.replace(
            packet(90, 0, frame, "VI_WEB", Verdict.NONE, kind="arp"), direction="in", mono_ns=NOW
        )
        link.feed(stolen)
        assert "52:54:00:99:99:99, ANOTHER STATION" in await settle(pilot)
        await pilot.press("right_square_bracket")
        text = await until(pilot, "10.0.0.102/24")
        assert (
            "by whom      set by the engine 12m39s ago" in text or "by whom      set by the engine 12m40s ago" in text
        )
        assert "not known: the events here do not reach back so far" in text


async def test_notify_tab_lists_runs_and_config_tab_its_own_block_without_secrets(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter", "tab", "tab", "tab")
        text = await until(pilot, "[Notify]")
        assert "exit 3            0.18s  /usr/bin/notify INSTANCE VI_API MASTER" in text
        assert "no mail" in text
        await pilot.press("tab")
        text = await until(pilot, "vrrp_instance VI_API {")
        assert "     9  vrrp_instance VI_API {" in text
        assert "/etc/keepalived/keepalived.conf" in text
        assert "s3cret1" not in text
        assert "<secret " in text
        assert "vrrp_script" not in text


async def test_history_tab_goes_back_into_the_journal_and_enter_explains(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter", "shift+tab")
        text = await until(pilot, "[History]")
        assert "backup -> MASTER" in text
        assert "INIT -> backup" in text
        await pilot.press("enter")
        await until(pilot, "Why did VI_API change?")
        await pilot.press("escape")
        await until(pilot, "[History]")
        await pilot.press("slash", *"INIT", "enter")
        assert "backup -> MASTER" not in await settle(pilot)
        await pilot.press("escape", "escape")
        assert "INSTANCE " in await settle(pilot)


async def test_silent_engine_makes_the_head_and_the_tabs_unknown(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, "[State]")
        link.answers[GetTrackerRuns] = EngineLost("gone")
        link.feed(LinkState(Connection.LOST, NOW, "gone", NOW + 2 * S))
        text = await until(pilot, "? VI_WEB  UNKNOWN (was MASTER")
        assert "UNKNOWN (was MASTER): the engine is silent" in text
        assert "MASTER for" not in text
        await pilot.press("tab", "tab")
        text = await until(pilot, "[VIPs]")
        assert " set" not in text.replace("by the engine", "")
        link.feed(LinkState(Connection.LIVE, NOW), HELLO, SNAPSHOT)
        await until(pilot, "* VI_WEB  MASTER 150/150")


async def test_instance_that_goes_away_is_said_and_a_viewer_reads_no_configuration(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(VIEWER)
        await pilot.press("enter", "shift+tab", "shift+tab")
        await until(pilot, "is for operators [E-ROLE]")
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "enter")
        assert asked(link, GetConfig) == []
        assert asked(link, RunTracker) == []
        link.feed(StatusGone("instance-status", "VI_WEB"))
        await until(pilot, "VI_WEB is gone: the configuration no longer has it. esc goes back")
        await pilot.press("escape")
        assert "VI_API" in await settle(pilot)


async def test_number_of_the_main_screen_and_a_resize_leave_nothing_behind(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, "[State]")
        for size in ((160, 45), (72, 20), (100, 30)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        await until(pilot, "[State]")
        await pilot.press("1")
        assert "[State]" not in await settle(pilot)
        await pilot.press("enter")
        await until(pilot, "[State]")
        await pilot.press("5", "1")
        await until(pilot, "[State]")


async def test_problems_again_shows_faults_only(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("exclamation_mark")
        assert "chk_haproxy fails" in await until(pilot, "All problems")
        await pilot.press("exclamation_mark")
        text = await until(pilot, "Faults only: 1 of")
        assert "chk_haproxy fails" not in text.split("Faults only")[1]
        await pilot.press("exclamation_mark")
        await until(pilot, "All problems")


def test_told_and_asked_for_events_are_merged_once_each() -> None:
    assert [row.seq for row in facets.merged(EVENTS, (EVENTS[3], *PAST))] == [-2, -1, 0, *range(1, 10)]


def test_trackers_of_others_are_not_listed() -> None:
    assert "nothing is tracked" in facets.trackers_tab(WEB, (), None, NOW)[0].line[0][0]
    row = facets.trackers_tab(API, (), None, NOW)
    assert len(row) == 1
