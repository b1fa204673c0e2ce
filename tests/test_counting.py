"""Pings of an address while it is moved: counted, and silent where they tell nothing."""

from __future__ import annotations

import asyncio

import pytest

from engine.messages import Outcome, ProbeSample, ProbeSeen
from hatui import counting


async def test_counts_the_pings_of_the_probe_and_of_nothing_else() -> None:
    count = counting.Count()
    assert count.words == ""
    samples = tuple(ProbeSample(at, ok=at != 2) for at in range(4))
    for name in ("c9#1 icmp", "c9#1 arp", "c9#1 icmp"):
        assert (await count.take(ProbeSeen(name, 10_000_000, samples))).outcome is Outcome.DONE
    assert (count.words, count.lost) == ("2 of 8 pings from here lost", 2)


async def test_address_that_never_answered_tells_nothing() -> None:
    count = counting.Count()
    await count.take(ProbeSeen("c9#1 icmp", 10_000_000, (ProbeSample(1, ok=False),)))
    assert count.words == ""


async def test_this_host_is_pinged_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "AFTER_S", 0.0)
    async with counting.counted("127.0.0.1") as count:
        end = asyncio.get_running_loop().time() + 5
        while not count.samples and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0)
    assert count.words in ("", f"0 of {len(count.samples)} pings from here lost"), "a host may forbid pings"
    async with counting.counted("") as nothing:
        pass
    assert nothing.words == ""
