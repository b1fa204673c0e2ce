"""The short form of many failovers in a row; `make soak` runs a hundred."""

from __future__ import annotations

import pytest

from hatui.lab import Lab
from tests.net.failovers import in_a_row, wrong


@pytest.mark.programs("ping")
def test_failovers_in_a_row_of_a_group_with_both_families_lose_no_ping_and_are_all_audited(lab: Lab) -> None:
    found = in_a_row(lab, 6)
    assert wrong(found, 6) == []
    assert found.sent_4 > 1000
