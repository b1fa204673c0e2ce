"""This node's own probes, in a process of their own, so that nothing that they do makes core late.

Invariant: it ends with the drill; what it says is taken line by line, and a line that is none is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.messages import InstanceStatus, ProbeSample

PROGRAM = Path(__file__).resolve().parent.parent.parent / "probe.py"
Tell = Callable[[str, int, tuple[ProbeSample, ...]], None]
"""Name, interval, samples."""


class Prober:
    """The process. `tell` hears what it has measured."""

    def __init__(self, where: str, tell: Tell) -> None:
        self._where = where
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._offset = 0
        self._every = 0
        self.problems: list[str] = []

    async def start(self, status: InstanceStatus, every_ms: float) -> None:
        """Probe the instance's first address. What cannot be started is a problem, not an error."""
        if not status.addresses:
            self.problems.append("the instance has no address to probe")
            return
        words = [status.addresses[0].address, "--every", f"{every_ms:g}ms"]
        words += ["--interface", status.interface, "--source", status.source] if status.source else ["--no-owner"]
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-S",
                "-E",
                str(PROGRAM),
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            self.problems.append(f"no probe from this node: {error.strerror or error}")
            return
        self._task = asyncio.get_running_loop().create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        if "problem" in line:
            self.problems.append(str(line["problem"]))
        elif "mono" in line:
            self._offset, self._every = int(line["wall"]) - int(line["mono"]), int(line["every"])
        else:
            sample = ProbeSample(
                int(line["sent"]) + self._offset, bool(line["ok"]), int(line.get("rtt", 0)), tuple(line.get("macs", ()))
            )
            self._tell(f"{self._where} {line['kind']}", self._every, (sample,))

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._task is not None:
            await self._task
