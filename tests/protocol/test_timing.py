"""Skew and master-down against the worked table, and where version and interval matter."""

from __future__ import annotations

import itertools

import pytest

from engine.protocol.timing import (
    HAND_OVER_MARGIN,
    NS_PER_CS,
    NS_PER_S,
    from_centiseconds,
    hand_over_limit,
    master_down_interval,
    release_grace,
    seconds_text,
    skew_time,
    to_centiseconds,
)

TABLE = [
    # priority, v2 skew at 1 s, v3 skew at 100 cs, at 10 cs, at 4095 cs; ns
    (1, 996_093_750, 996_093_750, 99_609_375, 40_790_039_062),
    (100, 609_375_000, 609_375_000, 60_937_500, 24_953_906_250),
    (200, 218_750_000, 218_750_000, 21_875_000, 8_957_812_500),
    (254, 7_812_500, 7_812_500, 781_250, 319_921_875),
    (255, 3_906_250, 3_906_250, 390_625, 159_960_937),
]


@pytest.mark.parametrize(("priority", "v2", "second", "tenth", "longest"), TABLE)
def test_worked_table(priority: int, v2: int, second: int, tenth: int, longest: int) -> None:
    """V2-6.1-01 V2-6.1-02 V3-6.1-04 V3-6.1-05 M2 M3"""
    assert skew_time(2, priority, NS_PER_S) == v2
    assert skew_time(3, priority, 100 * NS_PER_CS) == second
    assert skew_time(3, priority, 10 * NS_PER_CS) == tenth
    assert skew_time(3, priority, 4095 * NS_PER_CS) == longest
    assert master_down_interval(2, priority, NS_PER_S) == 3 * NS_PER_S + v2
    assert master_down_interval(3, priority, 10 * NS_PER_CS, adverts=5) == 50 * NS_PER_CS + tenth


def test_v2_skew_knows_no_interval_v3_skew_does() -> None:
    """V2-6.1-01 V3-6.1-04 M4"""
    assert skew_time(2, 100, 10 * NS_PER_S) == 609_375_000
    assert master_down_interval(2, 100, 10 * NS_PER_S) == 30_609_375_000
    assert skew_time(3, 100, 10 * NS_PER_S) == 6_093_750_000


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("interval", [NS_PER_CS, NS_PER_S, 4095 * NS_PER_CS])
def test_higher_priority_always_waits_strictly_less(version: int, interval: int) -> None:
    """P11"""
    waits = [skew_time(version, priority, interval) for priority in range(1, 256)]
    assert all(better < worse for worse, better in itertools.pairwise(waits))
    assert all(type(wait) is int and wait > 0 for wait in waits)


@pytest.mark.parametrize(("version", "interval"), [(2, NS_PER_S), (2, 30 * NS_PER_S), (3, NS_PER_CS), (3, NS_PER_S)])
def test_hand_over_waits_for_the_slowest_possible_backup(version: int, interval: int) -> None:
    longest = max(skew_time(version, priority, interval) for priority in range(1, 255))
    assert longest < hand_over_limit(version, interval) - HAND_OVER_MARGIN + 1
    assert release_grace(1) < release_grace(100)


def test_centiseconds_come_back() -> None:
    """V3-5.2.7-01 V3-6.1-02"""
    assert all(to_centiseconds(from_centiseconds(cs)) == cs for cs in (1, 100, 4095))


@pytest.mark.parametrize(
    ("ns", "text"), [(0, "0.000 s"), (3_609_375_000, "3.609 s"), (999_600_000, "1.000 s"), (-1_500_000_000, "-1.500 s")]
)
def test_seconds_for_a_sentence(ns: int, text: str) -> None:
    assert seconds_text(ns) == text
