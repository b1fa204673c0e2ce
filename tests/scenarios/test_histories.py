"""1,000 random histories end with exactly one master for each virtual router."""

from __future__ import annotations

import pytest

from tests.scenarios.histories import play

CHUNK = 50


@pytest.mark.parametrize("first", range(0, 1000, CHUNK))
def test_one_master_after_the_network_is_whole_again(first: int) -> None:
    """Every failing seed is printed with its story and the way to replay it."""
    failed = [history for seed in range(first, first + CHUNK) if (history := play(seed)).problems]
    if failed:
        seeds = " ".join(str(history.shape.seed) for history in failed)
        pytest.fail(f"seeds that fail: {seeds}\n\n{failed[0].report()}", pytrace=False)
