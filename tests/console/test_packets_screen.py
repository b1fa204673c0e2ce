"""The packets screen on a recorded session."""

from __future__ import annotations

import msgspec

from engine.messages import Gap, Verdict
from hatui.app import HatuiApp
from tests.console.conftest import StagedLink
from tests.console.piloting import settle
from tests.console.recording import advert, packet

SIZE = (80, 24)


async def opened(pilot: object) -> str:
    await pilot.press("2")  # type: ignore[attr-defined]
    return await settle(pilot)  # type: ignore[arg-type]


async def test_follows_the_newest_with_the_engines_verdict(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        text = await opened(pilot)
        assert "FOLLOW" in text
        assert "40 of 40   lost 0" in text
        assert ">. 14:02:10.877 +0.676 10.0.0.12     224.0.0.18  v3  53   150 1s   none ok" in text
        assert " x 14:02:09.640 +0.439 10.0.0.77     224.0.0.18  v2  51   200 1s   none auth-ty~" in text
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
    from tests.console.recording import HELLO, SNAPSHOT, heartbeat

    link = StagedLink((HELLO, SNAPSHOT, heartbeat()))
    app = HatuiApp(link, user_files=tmp_path)  # type: ignore[arg-type]
    async with app.run_test(size=SIZE) as pilot:
        text = await opened(pilot)
        assert "no advert, gratuitous ARP or NA was seen yet" in text


async def test_hostile_detail_cannot_write_on_the_screen(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(160, 45)) as pilot:
        await opened(pilot)
        bad = packet(99, 0, b"\x1b[2J" * 4, "V\x1b[31m", Verdict.LENGTH, detail="\x1b]0;owned\x07")
        link.feed(msgspec.structs.replace(bad, frame=b"\x1b" * 10))
        text = await settle(pilot)
        assert "\x1b" not in text
        assert "length" in text
