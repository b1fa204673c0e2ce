"""The other two processes: started, spoken to, watched, and started again when they die.

Owns the invariant that a dead process is back at once, and not at any price: the first deaths are
answered without delay, further ones in quick succession with growing pauses, and an exit status that
says "this cannot work" is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from engine.core.ending import end
from engine.core.forkserver import Ended, Forked, ForkServer
from engine.messages import Message
from engine.wire import Channel

DELAYS_S = (0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pause before the first, second ... start again; the last one stays."""
FORGIVEN_S = 60.0
"""Seconds of life after which earlier deaths are forgotten."""
REASON_S = 0.1
"""Seconds that the fork server has to say how a process ended."""
LOOK_S = 0.1
"""Seconds between two looks at a process that has to end."""
TERM_S = 2.0
"""Seconds between SIGTERM and SIGKILL for a process that does not end by itself."""
HOPELESS = {2: "it cannot use the configuration", 4: "it has not the privileges it needs"}
"""Exit statuses after which a process is not started again."""


class Owner(Protocol):
    """Who wants the processes: core."""

    def started(self, role: str, *, again: bool) -> None:
        """A process is on its way and hears what is said to it from now on."""

    def identified(self, role: str, pid: int) -> None:
        """Its pid has become known."""

    def heard(self, role: str, message: Any) -> None:
        """A process says something."""

    def died(self, role: str, reason: str, *, respawn: bool) -> None:
        """A process ended though nobody asked it to."""

    def hopeless(self, role: str, status: int, reason: str) -> None:
        """A process ended and will end again: the engine cannot work."""


class Process:
    """One of the two, in its present life."""

    def __init__(self, role: str, incoming: Any) -> None:
        self.role = role
        self.incoming = incoming
        self.channel: Channel[Any] | None = None
        self.token = 0
        self.pid = 0
        self.born = 0.0
        self.deaths: deque[float] = deque(maxlen=len(DELAYS_S))
        self.stopping = False
        self.gone = asyncio.Event()
        """Set while it does not run."""
        self.gone.set()


class Supervisor:
    """Starts and watches processes through the fork server."""

    def __init__(
        self,
        owner: Owner,
        forks: ForkServer,
        fresh: Callable[[], Awaitable[ForkServer]],
        incoming: dict[str, Any],
    ) -> None:
        self._owner = owner
        self._forks = forks
        self._fresh = fresh
        self._loop = asyncio.get_running_loop()
        self._processes = {role: Process(role, union) for role, union in incoming.items()}
        self._statuses: dict[int, int] = {}
        self._status_came = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._loop.add_reader(forks.fileno(), self._reports)

    def pid(self, role: str) -> int:
        """The pid of a process, 0 when it does not run."""
        process = self._processes.get(role)
        return process.pid if process is not None else 0

    def start(self, role: str, *, again: bool = False) -> None:
        """Start a process and tell the owner."""
        process = self._processes[role]
        try:
            token, sock = self._forks.request(role)
        except OSError as error:
            self._later(self._restart(process, f"it could not be started: {error.strerror or error}"))
            return
        process.token, process.pid, process.stopping = token, 0, False
        process.born = self._loop.time()
        process.gone.clear()
        process.channel = Channel(sock, process.incoming)
        self._loop.add_reader(sock.fileno(), self._readable, process, process.channel)
        self._owner.started(role, again=again)

    def send(self, role: str, message: Message, *, droppable: bool = False) -> bool:
        """Say something to a process; False when it does not run, or droppable things pile up."""
        process = self._processes.get(role)
        if process is None or process.channel is None:
            return False
        channel = process.channel
        sent = channel.send(message, droppable=droppable)
        if channel.wants_write:
            self._loop.add_writer(channel.fileno(), self._writable, channel)
        return sent

    async def stop(self, role: str, patience_s: float, *, hang_up: bool = True) -> bool:
        """Wait for a process to end: by itself within `patience_s` (asked by our hanging up unless it was
        asked already), then by SIGTERM, then by SIGKILL. True when it ended by itself."""
        process = self._processes.get(role)
        if process is None:
            return True
        process.stopping = True
        if hang_up:
            self._hang_up(process)
        if await self._ends(process, patience_s):
            return True
        self._signal(process, signal.SIGTERM)
        if not await self._ends(process, TERM_S):
            self._signal(process, signal.SIGKILL)
            await self._ends(process, TERM_S)
        return False

    async def _ends(self, process: Process, seconds: float) -> bool:
        """Whether a process ends in time. That of a fork server which died is nobody's child: it is looked for."""
        end = self._loop.time() + seconds
        while (left := end - self._loop.time()) > 0:
            if await _within(process.gone, min(left, LOOK_S)):
                return True
            if process.pid and not _is_there(process.pid):
                process.gone.set()
        return False

    def kill(self, role: str) -> None:
        """End a process that does not answer; it is started again."""
        self._signal(self._processes[role], signal.SIGKILL)

    async def close(self) -> None:
        """Let go of the fork server and of everything that waits."""
        self._closing = True
        await end(self._tasks)
        for process in self._processes.values():
            self._hang_up(process)
        with contextlib.suppress(ValueError, OSError):
            self._loop.remove_reader(self._forks.fileno())
        self._forks.close()

    # ---- what the loop calls

    def _readable(self, process: Process, channel: Channel[Any]) -> None:
        for message in channel.receive():
            try:
                self._owner.heard(process.role, message)
            except Exception as error:  # a fault over one message must not cost the others
                self._loop.call_exception_handler({"message": f"after {type(message).__name__}", "exception": error})
        if channel.closed and process.channel is channel:
            self._hang_up(process)
            self._later(self._ended(process, channel.closed_reason))

    def _writable(self, channel: Channel[Any]) -> None:
        if channel.flush() or channel.closed:
            with contextlib.suppress(ValueError):
                self._loop.remove_writer(channel.fileno())

    def _reports(self) -> None:
        for report in self._forks.reports():
            if isinstance(report, Forked):
                process = self._processes.get(report.role)
                if process is not None and process.token == report.token:
                    process.pid = report.pid
                    self._owner.identified(report.role, report.pid)
            elif isinstance(report, Ended):
                self._statuses[report.pid] = report.status
                self._status_came.set()
                for process in self._processes.values():
                    if process.pid == report.pid and process.channel is None:
                        process.gone.set()
        if self._forks.lost:
            self._loop.remove_reader(self._forks.fileno())
            if not self._closing:
                self._later(self._replace())

    # ---- ends and beginnings

    async def _ended(self, process: Process, said: str) -> None:
        """The channel of a process has closed: find out why, then start it again unless it was to end."""
        status = await self._status_of(process.pid)
        reason = said or _reason(status)
        if status is None and process.pid and not process.stopping:
            self._signal(process, signal.SIGKILL)  # it hung up but lives: two of a kind must never be
        if process.stopping or self._closing:
            process.gone.set()
            return
        if status in HOPELESS:
            process.gone.set()
            self._owner.hopeless(process.role, status, HOPELESS[status])
            return
        await self._restart(process, reason)

    async def _restart(self, process: Process, reason: str) -> None:
        now = self._loop.time()
        if process.born and now - process.born > FORGIVEN_S:
            process.deaths.clear()
        delay = DELAYS_S[min(len(process.deaths), len(DELAYS_S) - 1)]
        process.deaths.append(now)
        process.pid = 0
        self._owner.died(process.role, reason, respawn=True)
        if delay:
            await asyncio.sleep(delay)
        if not process.stopping and not self._closing:
            self.start(process.role, again=True)
        else:
            process.gone.set()

    async def _status_of(self, pid: int) -> int | None:
        end = self._loop.time() + REASON_S
        while pid and pid not in self._statuses and (left := end - self._loop.time()) > 0 and not self._forks.lost:
            self._status_came.clear()
            await _within(self._status_came, left)
        return self._statuses.pop(pid, None)

    async def _replace(self) -> None:
        """The fork server died: a fresh one, for the next time that somebody must be started."""
        delay = 0.0
        while not self._closing:
            await asyncio.sleep(delay)
            try:
                forks = await self._fresh()
            except OSError:
                delay = 1.0
                continue
            self._forks.close()
            self._forks = forks
            self._loop.add_reader(forks.fileno(), self._reports)
            return

    def _hang_up(self, process: Process) -> None:
        channel, process.channel = process.channel, None
        if channel is not None:
            with contextlib.suppress(ValueError):
                self._loop.remove_reader(channel.fileno())
                self._loop.remove_writer(channel.fileno())
            channel.close()

    def _signal(self, process: Process, number: int) -> None:
        if process.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)

    def _later(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _reason(status: int | None) -> str:
    if status is None:
        return "it closed its channel"
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
        return f"killed by signal {-status}"
    return f"exit status {status}"
