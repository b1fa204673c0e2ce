"""Samples and frames become outages and phases: counted from the last good answer to the first good one."""

from __future__ import annotations

from engine.core.drill.measure import Series, Wire, phases
from engine.messages import ProbeSample, Turn

MS = 1_000_000
EVERY = 50 * MS


def series(marks: str, name: str = "c9 icmp") -> Series:
    """`.` good after 1 ms, `x` lost; one each 50 ms from 1 s on."""
    made = Series(name, EVERY)
    for at, mark in enumerate(marks):
        made.samples.append(ProbeSample(1000 * MS + at * EVERY, mark == ".", MS if mark == "." else 0))
    return made


def test_outage_reaches_from_the_last_good_answer_to_the_first_good_one() -> None:
    result = series("...xxxx..").result(())
    assert result.outage == 5 * EVERY
    assert (result.sent, result.lost, result.back, result.open) == (9, 4, 0, False)


def test_outage_on_the_way_back_is_kept_apart() -> None:
    restored = 1000 * MS + 6 * EVERY
    result = series("..xx.....xxx..").result([Turn(900 * MS, restored)])
    assert (result.outage, result.back) == (3 * EVERY, 4 * EVERY)


def test_ways_back_between_repeated_acts_are_no_outage_of_the_drill() -> None:
    at = [1000 * MS + number * EVERY for number in range(20)]
    turns = [Turn(at[2], at[5]), Turn(at[11], at[14])]
    result = series("..xx...xxx..x...xx.").result(turns)
    assert (result.outage, result.back) == (3 * EVERY, 4 * EVERY)
    early = series("..........xxxx....").result([Turn(at[2], at[5]), Turn(at[10] + 1, at[14])])
    assert (early.outage, early.back) == (5 * EVERY, 0), "it began with the last good answer before the second act"


def test_the_longest_of_several_counts() -> None:
    assert series(".x.xxx.x.").result(()).outage == 4 * EVERY


def test_an_outage_without_end_is_open_and_not_zero_seconds() -> None:
    result = series("..xx").result(())
    assert result.open
    assert result.outage == 0


def test_two_answers_are_two_owners_for_as_long_as_they_last() -> None:
    made = Series("c9 arp", EVERY)
    for at, macs in enumerate([("a",), ("a", "b"), ("b", "a"), ("b",), ()]):
        made.samples.append(ProbeSample(at * EVERY, bool(macs), 1, macs))
    result = made.result(())
    assert (result.doubled, result.owners, result.outage) == (2 * EVERY, ("a", "b"), 0)
    assert made.row().cells == ".mmmx"


def test_good_ones_in_a_row_since_an_instant() -> None:
    made = series("..x...")
    assert made.good_since(0) == 3
    assert made.good_since(1000 * MS + 4 * EVERY) == 1


def test_phases_of_a_loss_of_power() -> None:
    act = 10_000 * MS
    wire = Wire(own=act - 200 * MS, other=act + 3200 * MS, announced={"10.0.0.50": act + 3203 * MS})
    found = phases(wire, act, act + 3210 * MS, 3000 * MS, (3000 * MS, 605 * MS), ["10.0.0.50"])
    measured = {one.name: one.measured // MS for one in found}
    assert measured == {"detect": 2800, "elect": 400, "address": 3, "announce": 0, "client": 7}


def test_phases_of_a_hand_over_begin_with_the_farewell() -> None:
    act = 10_000 * MS
    wire = Wire(own=act - 200 * MS, farewell=act + MS, other=act + 800 * MS)
    found = phases(wire, act, 0, 0, (0, 605 * MS), ["10.0.0.50"])
    assert [one.measured // MS if one.measured >= 0 else -1 for one in found] == [1, 799, -1, -1, -1]


def test_what_was_not_seen_is_not_known() -> None:
    assert {one.measured for one in phases(Wire(), 5, 0, 3, (1, 1), [])} == {-1}
