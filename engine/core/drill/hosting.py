"""Drills as a part of core: its commands, and what it needs of the other parts.

Invariant: nothing here decides; it carries words between the runner, the control socket and the other processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from engine.config.model import Config
from engine.core.commands import Commands
from engine.core.drill.runner import Runner
from engine.core.drill.store import Journal
from engine.core.maintenance import Standing
from engine.core.peers import Peer
from engine.errors import Refused
from engine.messages import (
    AbortDrill,
    CommandFinished,
    DrillProgress,
    Event,
    Failover,
    GetDrillPackets,
    GetDrills,
    Impair,
    InstanceStatus,
    Outcome,
    PacketLine,
    ProbeSeen,
    Release,
    Relieve,
    Reply,
    Request,
    RunDrill,
    Stall,
)

Progress = Callable[[str], None]


class Sender(Protocol):
    """The supervisor, as far as it is needed."""

    def send(self, role: str, message: Any) -> bool: ...

    def pid(self, role: str) -> int: ...


class World(Protocol):
    """What this asks of core."""

    @property
    def config(self) -> Config: ...

    def clock(self) -> int: ...

    def record(self, event: Event, at: int | None = None) -> None: ...

    def own_status_changed(self) -> None: ...

    def tap_wanted(self) -> None: ...

    def waiting(self) -> str: ...

    def about(self) -> tuple[str, str, str]: ...


class Rehearsals:
    """The drills of this engine."""

    def __init__(
        self,
        world: World,
        directory: Path | None,
        commands: Commands,
        standing: Standing,
        sender: Sender,
        fresh: Callable[[], Awaitable[list[InstanceStatus] | None]],
        reload: Callable[[str], Awaitable[object]],
    ) -> None:
        self._world, self._commands, self._standing, self._sender = world, commands, standing, sender
        self._fresh, self._reload = fresh, reload
        self.runner = Runner(self, directory)
        self._unfinished: Journal | None = None
        commands.obstacle = standing.obstacle = lambda: self.runner.obstacle
        for kind, handler in ((RunDrill, self._run), (AbortDrill, self._abort), (GetDrills, self._get)):
            commands.serve(kind, handler)
        commands.serve(ProbeSeen, self._seen)
        commands.serve(GetDrillPackets, self._packets)

    def take_up(self) -> None:
        """Find what an engine before this one did not mend, and let its hold end. Before the vrrp process starts."""
        self._unfinished = self.runner.unfinished()
        if self._unfinished is not None:
            self._standing.forget(self._unfinished.members, f"drill {self._unfinished.number}")

    async def recover(self) -> None:
        """Tell of the drill that an engine before this one did not end. Once, when the vrrp process is up."""
        if self._unfinished is not None:
            await self.runner.recover(self._unfinished)

    async def close(self) -> None:
        """The engine ends."""
        await self.runner.close()

    @property
    def watching(self) -> bool:
        """Frames of the wire are wanted."""
        return self.runner.running is not None

    def progress(self) -> DrillProgress | None:
        """The drill under way."""
        return self.runner.progress()

    def happened(self, event: Event) -> None:
        """Something has."""
        self.runner.happened(event)

    def packet(self, line: PacketLine) -> None:
        """A frame of the wire."""
        self.runner.packet(line)

    # ---- commands

    async def _run(self, request: Request, peer: Peer, progress: Progress) -> Reply:
        command = request.command
        assert isinstance(command, RunDrill)
        if not (command.simulate or command.dry_run):
            self._commands.check_recorded()
        report = await self.runner.run(command, peer.login, request.reason[:400], progress)
        return Reply(request.id, Outcome.DONE, text=f"{report.outcome}: {report.text}", drill=report)

    async def _abort(self, request: Request, peer: Peer, _: Progress) -> Reply:
        return Reply(request.id, Outcome.DONE, text=self.runner.abort(peer.login))

    async def _get(self, request: Request, _peer: Peer, _: Progress) -> Reply:
        command = request.command
        assert isinstance(command, GetDrills)
        reports = await self.runner.reports()
        if command.number:
            found = next((one for one in reports if one.number == command.number), None)
            if found is None:
                raise Refused("E-NO-DRILL", f"there is no report of drill {command.number}")
            return Reply(request.id, Outcome.DONE, drill=found)
        plans, wrong = self.runner.plans()
        newest = tuple(reversed(reports[-max(0, min(command.limit, 200)) :] if command.limit > 0 else ()))
        return Reply(request.id, Outcome.DONE, drills=newest, plans=plans, problems=wrong)

    async def _packets(self, request: Request, _peer: Peer, _: Progress) -> Reply:
        command = request.command
        assert isinstance(command, GetDrillPackets)
        octets, size = await asyncio.to_thread(self.runner.drills.packets, command.number, max(0, command.offset))
        return Reply(request.id, Outcome.DONE, octets=octets, size=size)

    async def _seen(self, request: Request, _peer: Peer, _: Progress) -> Reply:
        command = request.command
        assert isinstance(command, ProbeSeen)
        self.runner.seen(command)
        return Reply(request.id, Outcome.DONE)

    # ---- what the runner asks

    @property
    def config(self) -> Config:
        return self._world.config

    def clock(self) -> int:
        return self._world.clock()

    def record(self, event: Event, at: int | None = None) -> None:
        self._world.record(event, at)

    def own_status_changed(self) -> None:
        self._world.own_status_changed()

    def watch_wire(self) -> None:
        self._world.tap_wanted()

    def about(self) -> tuple[str, str, str]:
        return self._world.about()

    async def instances(self) -> list[InstanceStatus]:
        return await self._fresh() or []

    async def order(self, command: Failover | Release | Impair | Relieve, by: str, reason: str) -> CommandFinished:
        return await self._commands.order(command, by, reason)

    async def reload(self, by: str) -> None:
        await self._reload(by)

    def stall(self, duration: int) -> bool:
        return self._sender.send("vrrp", Stall(duration))

    def vrrp_pid(self) -> int:
        return self._sender.pid("vrrp")

    def kill_vrrp(self) -> bool:
        pid = self.vrrp_pid()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(pid)

    def pending(self) -> str:
        """What stands against a drill."""
        holds = self._standing.held_now()
        if holds:
            return f"held or in maintenance: {', '.join(holds)}"
        return self._world.waiting()
