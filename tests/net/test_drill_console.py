"""A drill by keys alone, in a real terminal against real engines."""

from __future__ import annotations

import pytest

from hatui.lab import Lab
from tests.net.test_drills import pair, plain_state
from tests.net.test_operator import terminal


@pytest.mark.programs("tmux")
def test_operator_drills_with_keys_alone_and_reads_the_report(lab: Lab) -> None:
    engine, _, pinger = pair(lab, "hatui", 50)
    before = plain_state(engine)
    with terminal(engine) as console:
        console.see("* VI_1       MASTER  100/100  this node")
        console.keys("D")
        console.see("Drill hand-over of VI_1", "10.211.55.23 (priority 50", "y Run the drill")
        console.keys("y")
        console.see("PASS", "outage")
        console.keys("Escape")
        console.see("ADVERTS 60s")
        console.keys("4")
        console.see("#1 hand-over pass")
    pinger.wait_for_owner("serverA")
    assert plain_state(engine) == before
