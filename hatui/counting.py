"""Pings of an address while it is moved, from the host on which this program runs.

Invariant: counted, not estimated; an address that answers no ping at all tells nothing, and where none can be sent
nothing is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.messages import Command, Outcome, ProbeSample, ProbeSeen, Reply
from hatui import drilling

EVERY = "10ms"
START_S = 1.0
"""Seconds that a move waits at most until the pings run."""
AFTER_S = 0.6
"""Seconds of pings after the engine has answered, and until the last one is judged."""


class Count:
    """What they have measured."""

    def __init__(self) -> None:
        self.samples: list[ProbeSample] = []

    @property
    def lost(self) -> int:
        """Pings without an answer."""
        return sum(not one.ok for one in self.samples)

    @property
    def words(self) -> str:
        """For people; empty when there is nothing to tell."""
        if not any(one.ok for one in self.samples):
            return ""
        return f"{self.lost} of {len(self.samples)} pings from here lost"

    async def take(self, command: Command) -> Reply:
        """What a probe says, in the words that an engine is told in."""
        if isinstance(command, ProbeSeen) and command.name.endswith(" icmp"):
            self.samples += command.samples
        return Reply(0, Outcome.DONE)


@asynccontextmanager
async def counted(address: str) -> AsyncIterator[Count]:
    """Ping meanwhile, and a moment longer; without an address nothing is done."""
    count = Count()
    if not address:
        yield count
        return
    wish = drilling.Probing(("env",), EVERY)
    async with drilling.probing(count.take, address, wish, lambda _: None, START_S):
        yield count
        await asyncio.sleep(AFTER_S)
