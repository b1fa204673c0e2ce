"""The real link of a drill, as core handles it: severed with a guard beside it, mended, until all is back.

Invariant: the link goes down only when what it loses is on disk and the guard, a process of its own, has said that it
watches; so neither a dead nor a stuck engine leaves it down.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

from engine.core.drill import guard, link
from engine.errors import Refused
from engine.messages import Check

START_S = 10.0
SETTLE_S = 30.0
"""Seconds that a real link may take until it carries again and everything on it is back."""
AGAIN_S = 0.25


class Cable:
    """One link at a time. `directory` is the state directory's part for drills."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / link.FILE if directory is not None else None
        self._record: link.Record | None = None
        self._guard: asyncio.subprocess.Process | None = None

    async def sever(self, interface: str, ours: link.Ours, seconds: float) -> str:
        """Take it down, for so long at most.

        Raises:
            Refused: E-LINK; it is as it was.
            OSError: the same, by the system's word.
        """
        if self._path is None:
            raise Refused("E-LINK", "without a state directory nothing would bring the link back after a crash")
        try:
            record = await asyncio.to_thread(link.read, interface, ours)
        except LookupError as error:
            raise Refused("E-LINK", str(error.args[0])) from None
        await asyncio.to_thread(link.remember, self._path, record)
        self._record = record
        words = ("-m", "engine.core.drill.guard", str(self._path), f"{seconds:.1f}")
        pipe = asyncio.subprocess.PIPE
        self._guard = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=pipe, stdout=pipe, start_new_session=True
        )
        assert self._guard.stdout is not None
        said = b""
        with contextlib.suppress(TimeoutError):
            said = await asyncio.wait_for(self._guard.stdout.readline(), START_S)
        if said != guard.READY:
            raise Refused("E-LINK", "the process that would bring the link back does not start")
        await asyncio.to_thread(link.take_down, record)
        return f"{interface} is really down; what comes back: {record.words}"

    async def mend(self) -> str:
        """The link up again, and what it lost. Raises: OSError: the guard goes on trying."""
        if self._record is None or self._path is None:
            return "the link was not down"
        await asyncio.to_thread(link.settle, self._path, self._record)
        if self._guard is not None:
            assert self._guard.stdin is not None
            with contextlib.suppress(OSError):
                self._guard.stdin.write(guard.DONE)
                await self._guard.stdin.drain()
            self._guard.stdin.close()
            await self._guard.wait()
            self._guard = None
        return f"{self._record.name} is up again"

    async def missing(self) -> tuple[str, ...]:
        """What is not back yet; it is put back once more."""
        if self._record is None or self._path is None:
            return ()
        try:
            left = await asyncio.to_thread(link.settle, self._path, self._record)
        except OSError as error:
            return (f"{self._record.name}: {error.strerror or error}",)
        return left

    async def finish(self) -> None:
        """The drill is over; what has not come back by now is said in its report, and not tried again."""
        if self._path is not None and self._record is not None and self._guard is None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(link.forget, self._path)
            self._record = None

    async def recover(self) -> str:
        """Put back what an engine before this one has left; what that was, empty when there was nothing."""
        record = await asyncio.to_thread(link.remembered, self._path) if self._path is not None else None
        if record is None:
            return ""
        self._record = record
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_S
        while (left := await self.missing()) and loop.time() < end:
            await asyncio.sleep(AGAIN_S)
        await self.finish()
        return f"{record.words}: " + (f"not back: {', '.join(left)}" if left else "all is back")


async def restorable(directory: Path | None, interface: str, ours: link.Ours, upset: tuple[str, ...]) -> Check:
    """Whether everything would come back. `upset`: programs here that take addresses off a link that is down."""
    if directory is None:
        return Check("fail", "P-RESTORE", "no state directory: nothing would bring the link back after a crash")
    try:
        record = await asyncio.to_thread(link.read, interface, ours)
    except LookupError as error:
        return Check("fail", "P-RESTORE", str(error.args[0]))
    except OSError as error:
        return Check("fail", "P-RESTORE", f"what {interface} has cannot be read: {error.strerror or error}")
    if upset:
        text = f"{' '.join(upset)} may change {interface} meanwhile; put back is {record.words}"
        return Check("warn", "P-RESTORE", text)
    return Check("pass", "P-RESTORE", f"put back is {record.words}")
