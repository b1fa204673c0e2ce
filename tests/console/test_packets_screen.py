"""The packets screen on a recorded session."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Button, Input

from engine.messages import Gap, PacketLine, Verdict
from hatui.app import HatuiApp
from hatui.offline import packets
from hatui.palette import execute
from hatui.saving import save
from hatui.store import Connection, LinkState, Store
from hatui.widgets.packets import spacing
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import HELLO, MS, NOW, SESSION, SNAPSHOT, VIEWER, S, advert, heartbeat, packet
from tests.console.recording import packets as recorded

SIZE = (80, 24)


def notices(app: HatuiApp) -> str:
    """All that was said at the edge of the screen."""
    return "\n".join(str(notice.message) for notice in app._notifications)


async def opened(pilot: object) -> str:
    await pilot.press("2")  # type: ignore[attr-defined]
    return await settle(pilot)  # type: ignore[arg-type]


async def test_follows_the_newest_with_the_engines_verdict(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        text = await opened(pilot)
        assert "FOLLOW" in text
        assert "40 of 40   lost 0" in text
        assert ">. 14:02:10.877 +0.676 10.0.0.12    224.0.0.18 v3  53   150 1s   none ok" in text
        assert " x 14:02:09.640 +0.439 10.0.0.77    224.0.0.18 v2  51   200 1s   none auth-type" in text
        assert "packets" in link.topics
        link.feed(packet(99, 113_000_000, advert("10.0.0.12", 53, 0, "10.0.0.53", version=3), "VI_DNS", Verdict.OK))
        text = await settle(pilot)
        assert ">. 14:02:11.113" in text
        assert "41 of 41" in text


async def test_only_a_screen_that_shows_packets_asks_for_them(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "packets" not in link.topics
        await opened(pilot)
        assert "packets" in link.topics
        await pilot.press("1")
        await settle(pilot)
        assert "packets" not in link.topics


async def test_pause_freezes_the_display_and_counts(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("p")
        link.feed(packet(99, 0, advert("10.0.0.12", 53, 1, "10.0.0.53", version=3), "VI_DNS", Verdict.OK))
        text = await settle(pilot)
        assert "paused, 1 new" in text
        assert "14:02:11.000" not in text
        await pilot.press("f")
        text = await settle(pilot)
        assert "FOLLOW" in text
        assert ">. 14:02:11.000" in text


async def test_scrolling_up_stops_following_and_stays_on_its_packet(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("k", "k")
        assert "scrolled, f follows" in await settle(pilot)
        link.feed(packet(99, 0, advert("10.0.0.12", 53, 1, "10.0.0.53", version=3), "VI_DNS", Verdict.OK))
        text = await settle(pilot)
        assert ">+ 14:02:10.113" in text
        await pilot.press("G")
        assert "FOLLOW" in await settle(pilot)


async def test_filter_narrows_live_and_history_and_wrong_ones_are_explained(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"vrid==51 && prio", "greater_than_sign", "equals_sign", *"200")
        text = await settle(pilot)
        assert "3 of 40" in text
        await pilot.press(*" && ")
        assert "a word is missing" in await settle(pilot)
        await pilot.press("escape")
        text = await settle(pilot)
        assert "40 of 40" in text
        assert "filter>" not in text


async def test_nothing_matches_says_so(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"vrid==99", "enter")
        text = await settle(pilot)
        assert "0 of 40 match; esc clears" in text
        assert "no packet is selected" in text
        await pilot.press("escape")
        assert "40 of 40" in await settle(pilot)


async def test_rejected_and_instance_toggles(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("exclamation_mark")
        assert "3 of 40" in await settle(pilot)
        await pilot.press("exclamation_mark")
        assert "40 of 40" in await settle(pilot)
        await pilot.press("i")
        text = await settle(pilot)
        assert "12 of 40" in text
        assert 'instance=="VI_DNS"' in text


async def test_rejected_packet_tells_the_test_and_lights_the_octets(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 40)) as pilot:
        await opened(pilot)
        await pilot.press("exclamation_mark")
        text = await settle(pilot)
        assert "x REJECTED by VI_WEB, test 9 of 21:" in text
        assert "Code D-AUTH" in " ".join(text.split())
        assert "x   auth type none" in text
        assert "fails at octet 38 of 54" in text
        await pilot.press("enter", "j", "j", "j", "j")
        text = await settle(pilot)
        assert "+ IPv4" in text
        await pilot.press("enter")
        assert "source 10.0.0.77" in await settle(pilot)


async def test_password_octets_are_never_drawn(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await opened(pilot)
        await pilot.press("k", "k")
        text = await settle(pilot)
        assert "0020  00 12 21 33 96 01 01 01" in text
        assert "31 31 31 31" not in text
        assert "octets shown as .. are secret" in text
        assert "1111" not in text


async def test_gratuitous_arp_is_shown_in_words(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"kind==arp", "enter")
        text = await settle(pilot)
        assert "10.0.0.100  gratuitous ARP for 10.0.0.100" in text
        assert "gratuitous request: 10.0.0.100" in text


async def test_lost_packets_are_counted_on_the_screen(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        link.feed(Gap(packets=17))
        assert "lost 17" in await settle(pilot)


async def test_octets_on_and_off_and_copy(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("x")
        assert "- Hex" not in await settle(pilot)
        await pilot.press("x")
        assert "- Hex" in await settle(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert console.clipboard.startswith(". 14:02:10.877") or console.clipboard.startswith(">. 14:02:10.877")
        assert "vrid 53" in console.clipboard


async def test_no_packet_yet_says_so(tmp_path: object) -> None:
    link = StagedLink((HELLO, SNAPSHOT, heartbeat()))
    app = HatuiApp(link, user_files=tmp_path)  # type: ignore[arg-type]
    async with app.run_test(size=SIZE) as pilot:
        text = await opened(pilot)
        assert "no advert, gratuitous ARP or NA was seen yet" in text


async def test_engine_that_cannot_see_packets_says_so(tmp_path: Path) -> None:
    blind = msgspec.structs.replace(HELLO, capabilities=("config",))
    link = StagedLink((blind, SNAPSHOT, heartbeat()))
    app = HatuiApp(link, user_files=tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        assert "the engine has no NET_RAW: it sees no packets here" in await opened(pilot)


async def test_hostile_detail_cannot_write_on_the_screen(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await opened(pilot)
        bad = packet(99, 0, b"\x1b[2J" * 4, "V\x1b[31m", Verdict.LENGTH, detail="\x1b]0;owned\x07")
        link.feed(msgspec.structs.replace(bad, frame=b"\x1b" * 10))
        text = await settle(pilot)
        assert "\x1b" not in text
        assert "length" in text


# the ladder ------------------------------------------------------------------------------------


async def test_ladder_has_a_column_for_each_node_and_folds(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("l")
        text = await settle(pilot)
        assert "TIME         lb-a 10.0.0.11           10.0.0.12                10.0.0.77" in text
        assert " x 14:02:01.640 |                        |<-- 51 prio 200 x ------| x auth-type" in text
        assert "... 7 alike folded (3 kinds), spacing 1.000s +/- 0ms ..." in text
        assert "- Decode" not in text
        await pilot.press("l")
        assert "- Decode" in await settle(pilot)


async def test_ladder_grows_follows_and_draws_priority_0_in_full(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await opened(pilot)
        await pilot.press("l")
        await settle(pilot)
        link.feed(packet(99, 0, advert("10.0.0.12", 53, 0, "10.0.0.53", version=3), "VI_DNS", Verdict.OK))
        text = await settle(pilot)
        assert "-- 53 prio 0 resigns" in text
        assert "priority 0 (leaving)" in text
        await pilot.press("k")
        assert "scrolled, f follows" in await settle(pilot)
        link.feed(packet(100, MS, advert("10.0.0.12", 53, 1, "10.0.0.53", version=3), "VI_DNS", Verdict.OK))
        text = await settle(pilot)
        assert "53 prio 1 " in text
        assert "53 prio 1 " not in next(line for line in text.splitlines() if line.startswith(">"))
        await pilot.press("f")
        text = await settle(pilot)
        assert "53 prio 1 " in next(line for line in text.splitlines() if line.startswith(">"))


async def test_ladder_tells_a_silence_that_lasts_but_not_of_a_lost_engine(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"vrid==53", "enter", "l")
        await settle(pilot)
        link.feed(heartbeat(2 * S))
        link.advance(2 * S)
        assert "-- 2.1s silence, and on --" in await settle(pilot)
        link.feed(LinkState(Connection.LOST, NOW, "the engine closed the connection", NOW + S))
        text = await settle(pilot)
        assert "and on --" not in text
        assert "NO ENGINE, nothing new" in text


async def test_ladder_row_leads_to_its_packet(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("l", "g", "j")
        await settle(pilot)
        await pilot.press("enter")
        text = await settle(pilot)
        assert ">+ 14:01:59.201" in text
        assert "vrid 52" in text


async def test_ladder_shows_the_marks_of_the_list_and_its_own(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("g", "space", "l", "g", "j", "space")
        marked = [line[3:15] for line in (await settle(pilot)).splitlines() if line[2:3] == "#"]
        assert len(marked) == 2
        await pilot.press("space")
        assert [line[3:15] for line in (await settle(pilot)).splitlines() if line[2:3] == "#"] == marked[:1]


# two packets, marks, verdicts ----------------------------------------------------------------------


async def test_two_marked_packets_are_compared(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("k", "space", "k", "k", "k", "space")
        text = await settle(pilot)
        assert text.count("#") == 2
        await pilot.press("G", "equals_sign")
        text = await settle(pilot)
        assert "differences, 1.000s apart" not in text  # the marked ones, not the row of the cursor
        assert "auth-type" not in text.split("about it")[0]
        assert "fields are the same" in text
        assert "<> source" in text
        assert "another" not in text
        await pilot.press("escape", "k", "space")
        await settle(pilot)
        assert len(console.screen.view.marked) == 1  # type: ignore[attr-defined]


async def test_compare_says_what_it_needs_and_never_shows_a_secret(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(100, 30)) as pilot:
        other = advert("10.0.0.11", 51, 150, "10.0.0.100", b"9999")
        link.feed(packet(99, 0, other, "VI_WEB", Verdict.AUTH_DATA))
        await opened(pilot)
        await pilot.press("equals_sign")
        await settle(pilot)
        assert "mark two packets with space" in notices(console)
        await pilot.press("space", "k", "k", "k", "equals_sign")
        text = await settle(pilot)
        assert "<> auth data" in text
        assert "<secret> one" in text
        assert "<secret> another" in text
        assert "9999" not in text


async def test_why_opens_the_code_of_a_rejected_packet_only(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("w")
        await settle(pilot)
        assert "failed no test" in notices(console)
        await pilot.press("exclamation_mark", "w")
        text = await settle(pilot)
        assert "Why was it rejected?  D-AUTH" in text
        assert "test 9 of 21: auth-type" in text
        assert "D-AUTH  The password or its type differs" in text


async def test_every_verdict_that_is_no_pass_has_an_explanation() -> None:
    from hatui.compare import verdict_page

    for verdict in Verdict:
        one = packet(1, 0, advert("10.0.0.11", 51, 150, "10.0.0.100"), "VI_WEB", verdict)
        _, lines = verdict_page(one, 78)
        told = " ".join("".join(text for text, _ in line) for line in lines[5:])
        assert bool(told.strip()) is (verdict not in (Verdict.OK, Verdict.SENT, Verdict.NONE)), verdict


async def test_octet_and_field_light_each_other(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press(*"jjjjjj")
        text = await settle(pilot)
        assert ">    vrid 53" in text
        assert "35..35 of 46" in text
        await pilot.press("tab", "g", "right", "j")
        text = await settle(pilot)
        assert "octet 17: total length" in text
        assert ">    total length 32 octets" in text
        await pilot.press("x")
        assert "- Hex" not in await settle(pilot)


# the filter ----------------------------------------------------------------------------------------


async def test_tab_completes_and_a_wrong_filter_cannot_be_left(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"verd", "tab")
        text = await settle(pilot)
        assert "filter> verdict" in text
        assert text.splitlines()[-1].startswith(" enter Keep  tab Complete  esc Clear  ctrl+p Palette")
        await pilot.press("equals_sign", "equals_sign", *"rej", "ctrl+@")
        text = await settle(pilot)
        assert "filter> verdict==rejected" in text
        assert "3 of 40" in text
        await pilot.press(*" && prio", "equals_sign", *"50", "enter")
        text = await settle(pilot)
        assert "write prio==50" in text
        assert console.focused is not None
        assert console.focused.id == "filter-input"
        await pilot.press("escape")
        assert "40 of 40" in await settle(pilot)


async def test_list_stands_still_while_a_word_is_typed(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"kin")
        assert "40 of 40" in await settle(pilot)
        await pilot.press(*"d", "equals_sign", "equals_sign", *"garp", "enter")
        assert "1 of 40" in await settle(pilot)


async def test_past_is_searched_while_keys_are_heard(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        frame = advert("10.0.0.12", 53, 1, "10.0.0.53", version=3)
        link.feed(*(packet(number, number * MS, frame, "VI_DNS", Verdict.OK) for number in range(9_000)))
        await opened(pilot)
        await pilot.press("slash", *"verdict", "equals_sign", "equals_sign", *"rejected", "enter")
        await until(pilot, "3 of 9 040")


async def test_filter_by_age_lets_go_of_what_grows_old(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"age", "less_than_sign", *"2s", "enter")
        assert "7 of 40" in await settle(pilot)
        link.advance(1 * S)
        assert "3 of 40" in await settle(pilot)


# times, files ----------------------------------------------------------------------------------------


async def test_times_are_local_utc_relative_and_the_distance_to_the_marked_one(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("t", "t")
        assert "-0.1s" in await settle(pilot)
        await pilot.press("t")
        assert ">.    +0.676000 +0.676" in await settle(pilot)
        await pilot.press("k", "k", "space")
        text = await settle(pilot)
        assert " .    +0.764000 +0.676" in text
        assert "+#   +0.000000" in text
        await pilot.press("space", "l", "g")
        text = await settle(pilot)
        assert ">     +0.000000 |-- 51" in text
        assert "      +0.088000 |-- 52" in text


async def test_save_asks_where_and_never_replaces_silently(console: HatuiApp, link: StagedLink, tmp_path: Path) -> None:
    path = tmp_path / "mine.pcapng"
    path.write_text("mine")
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"vrid==51", "enter", "s")
        text = await settle(pilot)
        assert "15 packets that match vrid==51" in text
        assert "hatui capture -f vrid==51 -w" in text
        console.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, "exists: replace it")
        await until(pilot, "Replace it")
        assert path.read_text() == "mine"
        await pilot.press("enter", "enter")
        await settle(pilot)
        await until(pilot, "FOLLOW")
    written = [one for one in packets(str(path)) if one is not None]
    assert len(written) == 15
    assert b"1111" not in path.read_bytes()


async def test_save_of_marked_ones_as_text(console: HatuiApp, link: StagedLink, tmp_path: Path) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("space", "k", "space", "s")
        await settle(pilot)
        for button in ("#which", "#form"):
            console.screen.query_one(button, Button).press()
            await settle(pilot)
        field = console.screen.query_one(Input)
        assert field.value.endswith(".txt")
        field.value = str(tmp_path / "two.txt")
        await settle(pilot)
        assert "Which: marked 2" in console.screen_text()
        await pilot.press("enter")
        await until(pilot, "all packets")
        assert len((tmp_path / "two.txt").read_text().splitlines()) == 2


async def test_save_that_fails_says_why(
    console: HatuiApp, link: StagedLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("s")
        await settle(pilot)
        console.screen.query_one(Input).value = "no/where"
        await pilot.press("enter")
        await until(pilot, "No such file or directory")
        await pilot.press("escape")
        assert "FOLLOW" in await settle(pilot)


async def test_open_reads_a_file_offline_without_an_engine(tmp_path: Path) -> None:
    path = tmp_path / "old.pcapng"
    save(str(path), recorded(), "pcapng")
    link = StagedLink(())
    link._now = NOW
    app = HatuiApp(link, user_files=tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        link.feed(LinkState(Connection.ABSENT, NOW, "no engine", NOW + S))
        await settle(pilot)
        assert not execute(app, f"open {path}")
        text = await until(pilot, "40 of 40")
        assert "OFFLINE" in text
        assert "auth-type" in text
        await pilot.press("exclamation_mark")
        assert "3 of 40" in await settle(pilot)
        await pilot.press("l")
        text = await settle(pilot)
        assert "51 prio 200" in text
        await pilot.press("l", "escape", "escape")
        assert "No engine on this host" in await settle(pilot)


async def test_open_of_what_is_no_capture_says_so(
    console: HatuiApp, link: StagedLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text").write_text("no capture, but long enough to be read as the head of one, is it not?")
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("colon", *"open text", "enter")
        for _ in range(400):
            await settle(pilot)
            if "text: " in notices(console):
                break
        assert "text: " in notices(console)
        assert "40 of 40" in await settle(pilot)


async def test_a_dialog_over_the_packets_interrupts_nothing_and_another_screen_does(
    console: HatuiApp, link: StagedLink
) -> None:
    def more(at: int) -> PacketLine:
        return packet(99, at * S, advert("10.0.0.12", 53, 150, "10.0.0.53", version=3), "VI_DNS", Verdict.OK)

    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)  # after the dashboard: the first interruption
        link.feed(more(30))
        await pilot.press("f", "l", "s")
        await settle(pilot)
        await pilot.press("escape")
        link.feed(more(31))
        assert (await settle(pilot)).count("-- capture was interrupted --") == 1
        await pilot.press("1")
        await settle(pilot)
        await pilot.press("2")
        link.feed(more(60))
        assert (await settle(pilot)).count("-- capture was interrupted --") == 2


# an engine lost, a viewer, another size ------------------------------------------------------------


async def test_engine_lost_in_the_middle_keeps_what_was_seen_and_says_so(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("p")
        link.feed(LinkState(Connection.LOST, NOW, "the engine closed the connection", NOW + S))
        text = await settle(pilot)
        assert "40 of 40" in text
        await pilot.press("f")
        assert "NO ENGINE, nothing new" in await settle(pilot)
        await pilot.press("k", "s")
        assert "Save packets" in await settle(pilot)
        await pilot.press("escape")
        link.feed(LinkState(Connection.LIVE, NOW), heartbeat())
        link.feed(packet(99, 30 * S, advert("10.0.0.12", 53, 150, "10.0.0.53", version=3), "VI_DNS", Verdict.OK))
        await pilot.press("f", "l")
        text = await settle(pilot)
        assert "-- capture was interrupted --" in text
        assert "silence" not in text


async def test_viewer_may_look_mark_compare_and_save(tmp_path: Path) -> None:
    link = StagedLink((VIEWER, *SESSION[1:]))
    app = HatuiApp(link, user_files=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("space", "k", "equals_sign")
        assert "differences" in await settle(pilot)
        await pilot.press("escape", "s")
        text = await settle(pilot)
        assert "Save packets" in text
        assert "VIEWER" in text


async def test_resize_in_the_middle_keeps_the_packet_and_the_ladder(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("k", "k", "k")
        await settle(pilot)
        for size in ((160, 45), (100, 30), (80, 24)):
            await pilot.resize_terminal(*size)
            text = await settle(pilot)
            assert ">. 14:02:09.877" in text
        await pilot.press("l")
        await settle(pilot)
        await pilot.resize_terminal(160, 45)
        assert "- Decode" in await settle(pilot)
        await pilot.resize_terminal(70, 20)
        assert "hatui needs 80x24" in await settle(pilot)
        await pilot.resize_terminal(80, 24)
        assert "14:02:10.877" in await settle(pilot)


async def test_view_stands_still_while_older_rows_leave(tmp_path: Path) -> None:
    link = StagedLink()
    app = HatuiApp(link, user_files=tmp_path)
    app.store = Store(packets=40)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("k")
        before = (await settle(pilot)).splitlines()[5:13]
        frame = advert("10.0.0.12", 53, 1, "10.0.0.53", version=3)
        link.feed(*(packet(number, number * MS, frame, "VI_DNS", Verdict.OK) for number in range(20)))
        text = await settle(pilot)
        assert text.splitlines()[5:13] == before
        assert "lost 0, 20 old" in text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        *((0, "+0.000"), (-1, "+0.000"), (1.0034, "+1.003"), (9.9996, "+10.00"), (82.2994, "+82.30")),
        *((99.999, "+100.0"), (311.36, "+311.4"), (4000, "+4000s"), (33000, "+9h")),
    ],
)
def test_time_since_the_packet_before_is_never_cut(seconds: float, shown: str) -> None:
    assert spacing(int(seconds * 1e9)) == shown
    assert len(shown) <= 6


async def test_wrong_filter_names_its_code_in_the_narrowest_line(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "slash", *"prio=50")
        assert "(= is no com~ [E-FILTER]" in await until(pilot, "[E-FILTER]")
