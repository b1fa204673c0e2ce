"""Rungs of the ladder: what is folded, what never is, and where a silence is drawn."""

from __future__ import annotations

from collections import deque

import msgspec

from engine.messages import PacketLine, Verdict
from hatui import rungs
from hatui.capture import PacketView
from hatui.rungs import Ladder, LadderView, Rung
from hatui.text import clock
from hatui.widgets.ladder import fold_words, head_line, nodes_of, rung_line, silence_words
from tests.console.recording import MS, S, advert, gratuitous_arp, packet, packets

A = advert("10.0.0.11", 51, 150, "10.0.0.100")
B = advert("10.0.0.12", 51, 100, "10.0.0.100")
LEAVING = advert("10.0.0.11", 51, 0, "10.0.0.100")


def sent(at: int, frame: bytes = A, verdict: Verdict = Verdict.OK) -> PacketLine:
    return packet(1, at, frame, "VI_WEB", verdict)


def ladder_of(*lines: PacketLine, silences: bool = True) -> Ladder:
    ladder = Ladder(silences=silences)
    for number, line in enumerate(lines):
        ladder.add(number, line)
    return ladder


def kinds(ladder: Ladder) -> list[tuple[str, int]]:
    return [(rung.kind, rung.count) for rung in ladder.rungs]


def words(rung: Rung, ladder: Ladder, columns: int = 80) -> str:
    nodes = nodes_of(ladder, {"10.0.0.11": "lb-a"}, columns)
    line = rung_line(rung, nodes, ladder, lambda one: clock(one.wall_ns, digits=3), columns)
    return "".join(text for text, _ in line).rstrip()


def test_equal_adverts_are_folded_with_count_and_spacing() -> None:
    ladder = ladder_of(*(sent(second * S + (3 * MS if second % 2 else 0)) for second in range(44)))
    assert kinds(ladder) == [("packet", 1), ("packet", 1), ("alike", 42)]
    assert fold_words(ladder.rungs[-1]) == "... 42 alike folded, spacing 1.000s +/- 3ms ..."


def test_an_advert_that_differs_is_a_rung_of_its_own() -> None:
    changed = advert("10.0.0.11", 51, 149, "10.0.0.100")
    ladder = ladder_of(sent(0), sent(S), sent(2 * S), sent(3 * S, changed), sent(4 * S))
    assert kinds(ladder) == [("packet", 1), ("packet", 1), ("alike", 1), ("packet", 1), ("alike", 1)]


def test_priority_0_and_gratuitous_arp_are_never_folded() -> None:
    arp = packet(1, 0, gratuitous_arp("10.0.0.100"), "VI_WEB", Verdict.NONE, kind="arp")
    lines = [sent(second * S) for second in range(10)]
    ladder = ladder_of(*lines, *[sent(10 * S, LEAVING)] * 5, *[arp] * 5)
    assert kinds(ladder)[3:] == [("packet", 1)] * 10


def test_rejected_ones_among_the_folded_are_counted() -> None:
    bad = advert("10.0.0.77", 51, 200, "10.0.0.200")
    lines = [line for second in range(9) for line in (sent(second * S), sent(second * S + 1, bad, Verdict.AUTH_TYPE))]
    ladder = ladder_of(*lines)
    assert ladder.rungs[-1].rejected == 7
    assert "2 kinds, 7 rejected" in fold_words(ladder.rungs[-1])
    assert fold_words(ladder.rungs[-1], 62) == "... 14 alike folded (2 kinds, 7 rejected), 1.000s +/- 0ms ..."
    assert fold_words(ladder.rungs[-1], 30).startswith("... 14 alike folded, 1.000s")
    assert words(ladder.rungs[-1], ladder).startswith(" x 14:02:19.000")


def test_silence_is_drawn_before_the_advert_that_ends_it() -> None:
    ladder = ladder_of(sent(0), sent(S), sent(4 * S, B))
    assert kinds(ladder) == [("packet", 1), ("packet", 1), ("silence", 1), ("packet", 1)]
    assert words(ladder.rungs[2], ladder).strip() == "-- 3.0s silence --"


def test_silence_names_the_virtual_router_when_there_are_several() -> None:
    other = advert("10.0.0.11", 52, 150, "10.0.0.101")
    lines = [
        line for second in range(5) for line in ([sent(second * S)] * (second in (0, 4)) + [sent(second * S, other)])
    ]
    ladder = ladder_of(*lines)
    silences = [words(rung, ladder).strip() for rung in ladder.rungs if rung.kind == "silence"]
    assert silences == ["-- 4.0s silence of vrid 51 --"]


def test_one_late_advert_is_no_silence_and_one_lost_is() -> None:
    assert "silence" not in dict(kinds(ladder_of(sent(0), sent(1_500 * MS))))
    assert "silence" in dict(kinds(ladder_of(sent(0), sent(2 * S))))


def test_no_silence_where_the_capture_stopped_or_the_filter_tears_streams_apart() -> None:
    ladder = Ladder()
    ladder.add(0, sent(0))
    ladder.add(1, sent(60 * S), follows=False)
    assert kinds(ladder) == [("packet", 1), ("break", 1), ("packet", 1)]
    assert "capture was interrupted" in words(ladder.rungs[1], ladder)
    assert "silence" not in dict(kinds(ladder_of(sent(0), sent(60 * S), silences=False)))


def test_silence_that_lasts_is_told_until_a_router_resigns() -> None:
    ladder = ladder_of(sent(0), sent(S))
    now = sent(S).mono_ns
    assert ladder.silent(now + S) == []
    assert ladder.silent(now + 2 * S) == [(51, 2 * S)]
    assert silence_words(2 * S, 51, alone=True, lasts=True) == "-- 2.0s silence, and on --"
    assert ladder_of(sent(0), sent(S, LEAVING)).silent(now + 9 * S) == []


def test_arrow_goes_to_the_next_node_or_to_the_unicast_target() -> None:
    ladder = ladder_of(sent(0), sent(1, B), sent(2, LEAVING))
    assert words(ladder.rungs[0], ladder) == "   14:02:11.000 |-- 51 prio 150 --------->|"
    assert words(ladder.rungs[1], ladder) == "   14:02:11.000 |<-- 51 prio 100 ---------|"
    assert words(ladder.rungs[2], ladder) == "   14:02:11.000 |-- 51 prio 0 resigns --->|"
    nodes = nodes_of(ladder, {"10.0.0.12": "lb-b"}, 80)
    assert nodes.names == ("10.0.0.12", "10.0.0.11")
    head = "".join(text for text, _ in head_line(nodes, {"10.0.0.12": "lb-b"}, 80))
    assert head.rstrip() == "   TIME         lb-b 10.0.0.12            10.0.0.11"


def test_announcement_starts_at_the_node_that_has_its_mac() -> None:
    arp = packet(1, 5, gratuitous_arp("10.0.0.100", b"\x52\x54\x00\x12\xaa\x0c"), "VI_WEB", Verdict.NONE, kind="arp")
    ladder = ladder_of(sent(0), sent(1, B), arp)
    assert words(ladder.rungs[2], ladder).endswith("|== gratuitous ARP 10.0.0.100 ==>")
    assert "|                         |==" in words(ladder.rungs[2], ladder)


def test_more_nodes_than_columns_are_counted() -> None:
    many = [sent(at, advert(f"10.0.0.{at}", 51, 100, "10.0.0.100")) for at in range(1, 30)]
    ladder = ladder_of(*many)
    nodes = nodes_of(ladder, {}, 80)
    assert nodes.more == 29 - len(nodes.names)
    assert all(len(words(rung, ladder)) <= 80 for rung in ladder.rungs)
    assert "10.0.0.1: 51 prio 100" in words(ladder.rungs[0], ladder)


def test_what_is_kept_is_bounded() -> None:
    ladder = Ladder()
    for at in range(rungs.RUNGS + 1_000):
        frame = advert(f"10.{at >> 16}.{at >> 8 & 255}.{at & 255}", 51, 100, "10.0.0.100")
        ladder.add(at, sent(at, frame))
    assert len(ladder.rungs) == rungs.RUNGS
    assert ladder.dropped == 1_000
    assert len(ladder.nodes) == len(ladder.node_of_mac) == rungs.NODES or len(ladder.node_of_mac) <= rungs.NODES
    ladder.trim(rungs.RUNGS)
    assert ladder.rungs[0].number == rungs.RUNGS


def test_ladder_of_a_view_grows_with_it_and_is_made_anew_with_another_filter() -> None:
    view, ring = PacketView(), deque(packets()[:20])
    feed = LadderView()
    view.update(ring, 20)
    feed.update(view)
    first = feed.ladder
    ring.extend(packets()[20:])
    view.interrupted(20)
    view.update(ring, len(ring))
    feed.update(view)
    assert feed.ladder is first
    assert [rung.kind for rung in first.rungs].count("break") == 1
    view.set_filter("vrid==51", ring, len(ring))
    feed.update(view)
    assert feed.ladder is not first
    assert set(feed.ladder.nodes) == {"10.0.0.11", "10.0.0.77"}


def test_hostile_frames_are_drawn_too() -> None:
    broken = msgspec.structs.replace(sent(0), frame=b"\x1b" * 10)
    ladder = ladder_of(broken, sent(1), broken)
    assert all("\x1b" not in words(rung, ladder) for rung in ladder.rungs)
