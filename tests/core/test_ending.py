"""Tasks end, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

from engine.core import ending


async def test_task_that_loses_a_cancellation_is_told_again() -> None:
    ending_times = 0

    async def deaf() -> None:
        nonlocal ending_times
        while ending_times < 2:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                ending_times += 1

    async def broken() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise RuntimeError("while it put things in order")

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(broken())]  # noqa: TID251
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await ending.end(tasks)
    assert all(task.done() for task in tasks)
    assert ending_times == 2
