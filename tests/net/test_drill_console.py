"""Drills by keys alone, in a real terminal against real engines. `make drills` runs all of them so."""

from __future__ import annotations

import pytest

from hatui.lab import Lab
from tests.net.drills import drilled, scene, way

HOW = "console"
MIX = {
    "hatui": ("hand-over", "silent-master", "engine-crash", "flap"),
    "keepalived": ("silent-master", "engine-crash", "flap"),
}
"""By the peer: those that differ most in what happens."""


@pytest.mark.timeout(180)
@pytest.mark.programs("tmux", "keepalived")
@pytest.mark.parametrize("peer", MIX)
def test_operator_drills_with_keys_alone_and_it_is_what_a_pinger_measures(lab: Lab, peer: str) -> None:
    found = scene(lab, peer)
    found.shorten(MIX[peer])
    with way(HOW, found) as by:
        for name in MIX[peer]:
            cell = drilled(found, by, HOW, name)
            assert not cell.wrong, str(cell)
        by.tells(f"#{len(MIX[peer])} flap pass")
