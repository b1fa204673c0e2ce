"""A host for the control socket without an engine behind it: tests say what it knows and read what it was asked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from engine.core.control import ControlServer
from engine.core.peers import Peer
from engine.messages import (
    EventLine,
    GetConfig,
    Hello,
    InstanceStatus,
    LogLine,
    Outcome,
    Reply,
    Request,
    Snapshot,
    State,
    StateChanged,
    Status,
)


def instance(name: str = "VI_1", state: State = State.BACKUP, priority: int = 100) -> InstanceStatus:
    return InstanceStatus(
        name=name,
        interface="eth0",
        vrid=50,
        version=2,
        family=4,
        state=state,
        since=1,
        base_priority=100,
        priority=priority,
    )


class FakeHost:
    """Implements engine.core.control.Host over plain lists."""

    def __init__(self) -> None:
        self.events: list[EventLine] = []
        self.statuses: list[Status] = [instance()]
        self.asked: list[tuple[Request, Peer]] = []
        self.refusals: list[tuple[str, str]] = []
        self.gate: asyncio.Event | None = None
        self.server = ControlServer(self)

    def clock(self) -> int:
        return time.monotonic_ns()

    def hello(self, peer: Peer) -> Hello:
        return Hello("0", "here", peer.role, peer.user, (), 1, 1)

    async def snapshot(self) -> Snapshot:
        return Snapshot(tuple(self.statuses), len(self.events), 1)

    async def events_after(self, since: int) -> tuple[list[EventLine], int]:
        await asyncio.sleep(0)
        return [line for line in self.events if line.seq > since], 0

    async def perform(self, request: Request, peer: Peer, progress: Callable[[str], None]) -> Reply:
        self.asked.append((request, peer))
        if self.gate is not None:
            progress("waiting")
            await self.gate.wait()
        text = "secret" if isinstance(request.command, GetConfig) else ""
        return Reply(request.id, Outcome.DONE, text=text)

    def refused(self, request: Request, peer: Peer, code: str, text: str) -> None:
        self.refusals.append((type(request.command).__name__, code))

    def audience_changed(self) -> None:
        pass

    # what tests say

    def happen(self, event: StateChanged | LogLine) -> None:
        line = EventLine(len(self.events) + 1, 1, 1, event)
        self.events.append(line)
        self.server.tell_event(line)


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[tuple[FakeHost, Path]]:
    host = FakeHost()
    path = directory / "engine.sock"
    await host.server.listen(path)
    try:
        yield host, path
    finally:
        await host.server.close("E-STOPPING", "the test ends")


def as_user(uid: int, gids: tuple[int, ...], talk: Callable[[], bytes]) -> bytes:
    """Run `talk` in a forked child that has become somebody else; what it returns."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(read)
            os.setgroups(list(gids))
            os.setgid(gids[0] if gids else 65534)
            os.setuid(uid)
            os.write(write, talk())
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said
