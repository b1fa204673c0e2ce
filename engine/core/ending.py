"""The end of tasks.

Invariant: a task that is told to end is told until it ends. `asyncio.wait_for` of Python 3.11 loses a cancellation
that comes together with what it waits for; a loop around it would go on for ever, and with it the engine's end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 1.0
"""What a task may need to put things in order before it is told again."""
TIMES = 5


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for them, 5 s at most; what they raise meanwhile is not heard any more."""
    left = set(tasks)
    for _ in range(TIMES):
        if not left:
            return
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()
