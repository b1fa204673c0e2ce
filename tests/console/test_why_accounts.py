"""Why, where the console sees both nodes of a move: the other node gives its account, which settles the cause."""

from __future__ import annotations

from engine import messages as m
from tests.console.piloting import settle, until
from tests.console.recording import NOW, WALL, S
from tests.console.test_several_hosts import AWAY, DOWN, SIZE, Pair, pair

__all__ = ["pair"]

FAULT = m.StateChanged("VI_WEB", m.State.MASTER, m.State.FAULT, m.Cause.INTERFACE_DOWN, "interface eth0 is down")
TOOK_OVER = m.StateChanged(
    "VI_WEB", m.State.BACKUP, m.State.MASTER, m.Cause.MASTER_NO_RESPONSE, peer="10.0.0.11", priority=100
)


async def test_other_nodes_account_stands_on_the_page_and_makes_the_cause_certain(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_WEB")
        pair.a.feed(m.EventLine(1, NOW - 10 * S, WALL - 10 * S, FAULT))
        pair.a.feed(m.EventLine(2, NOW - 9 * S, WALL - 9 * S, m.NearMiss("VI_DNS", "of another instance")))
        pair.b.feed(m.EventLine(1, NOW + AWAY - 7 * S, WALL - 7 * S, TOOK_OVER))
        await settle(pilot)
        await pilot.press(*DOWN, "w")
        text = await until(pilot, "Why did lb-b:VI_WEB change?")
        assert "Certain    lb-a says itself: interface-down: interface eth0 is down." in text
        assert "Peer log   lb-a " in text
        assert "MASTER -> FAULT" in text
        assert "of another instance" not in text


async def test_node_that_recorded_nothing_of_it_says_so(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_WEB")
        pair.b.feed(m.EventLine(1, NOW + AWAY - 7 * S, WALL - 7 * S, TOOK_OVER))
        await settle(pilot)
        await pilot.press(*DOWN, "w")
        text = await until(pilot, "Why did lb-b:VI_WEB change?")
        assert "Peer log   lb-a nothing of it in its record" in text
        assert "says itself" not in text
