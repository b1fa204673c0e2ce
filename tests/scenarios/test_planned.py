"""What operators do on purpose loses no ping, whatever the order."""

from __future__ import annotations

import pytest

from tests.scenarios.planned import planned


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_planned_changes_lose_no_ping(first: int) -> None:
    """P9: starts, stops, failovers, releases, reloads, weighted scripts, a respawn, a short stall."""
    failed = [life for seed in range(first, first + 100) if (life := planned(seed)).problems]
    if failed:
        seeds = " ".join(str(life.seed) for life in failed)
        pytest.fail(f"seeds that fail: {seeds}\n\n{failed[0].report()}", pytrace=False)
