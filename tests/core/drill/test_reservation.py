"""One drill at a time in a site: told by somebody with a link to both nodes."""

from __future__ import annotations

import pytest

from engine.core.drill.reservation import NS, Reservation
from engine.errors import Refused
from engine.messages import ReserveDrill

WISH = ReserveDrill("lb-a", "silent-master", "VI_1", 30)


def test_it_is_in_the_way_until_its_time_is_over() -> None:
    made = Reservation()
    assert made.words(0) == ""
    made.take(WISH, "anna", 0)
    assert made.words(10 * NS) == "lb-a drills VI_1 (silent-master), by anna, for at most 20 s more"
    assert made.words(30 * NS) == ""


def test_the_same_node_renews_and_ends_it_and_no_other_does() -> None:
    made = Reservation()
    made.take(WISH, "anna", 0)
    for seconds in (30, 0):
        with pytest.raises(Refused, match="lb-a drills VI_1"):
            made.take(ReserveDrill("lb-c", "hand-over", "VI_1", seconds), "ben", NS)
    made.take(WISH, "anna", 20 * NS)
    assert made.words(40 * NS)
    made.take(ReserveDrill("lb-a", "silent-master", "VI_1", 0), "anna", 41 * NS)
    assert made.words(41 * NS) == ""
    made.take(ReserveDrill("lb-c", "hand-over", "VI_1", 5), "ben", 42 * NS)


def test_it_has_a_range() -> None:
    for seconds in (-1, 1e9):
        with pytest.raises(Refused):
            Reservation().take(ReserveDrill("lb-a", "p", "VI_1", seconds), "anna", 0)
