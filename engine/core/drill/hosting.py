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

import msgspec

from engine.config.model import Config
from engine.core import kernel_facts
from engine.core.commands import Commands
from engine.core.drill import host
from engine.core.drill.cable import restorable
from engine.core.drill.link import ours_of
from engine.core.drill.preflight import Known, failover_checks, overridden, reload_impact
from engine.core.drill.reservation import Reservation
from engine.core.drill.runner import Runner
from engine.core.drill.store import Journal
from engine.core.drill.way import second_path
from engine.core.maintenance import Standing
from engine.core.peers import Peer
from engine.core.reloading import Judged
from engine.errors import Refused
from engine.messages import (
    AbortDrill,
    Check,
    CommandFinished,
    DrillProgress,
    EffectRefused,
    Event,
    Failover,
    FindingStatus,
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
    ReserveDrill,
    RunDrill,
    Stall,
    State,
    StateChanged,
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
        self.reservation = Reservation()
        self.findings: Callable[[], tuple[FindingStatus, ...]] = tuple
        """What diagnosis has found."""
        self.unusable: Callable[[], str] = str
        """Why the file on disk is not what runs; empty when it is."""
        self.on_disk: Callable[[], Awaitable[Judged]] | None = None
        """What a reload would do now."""
        self._refused: dict[str, str] = {}
        self._unfinished: Journal | None = None
        commands.obstacle = standing.obstacle = self._obstacle
        for kind, handler in ((RunDrill, self._run), (AbortDrill, self._abort), (GetDrills, self._get)):
            commands.serve(kind, handler)
        commands.serve(ProbeSeen, self._seen)
        commands.serve(ReserveDrill, self._reserve)
        commands.preflight = self._failover_checks
        commands.serve(GetDrillPackets, self._packets)

    def take_up(self) -> None:
        """Find what an engine before this one did not mend, and let its hold end. Before the vrrp process starts."""
        self._unfinished = self.runner.unfinished()
        if self._unfinished is not None:
            self._standing.forget(self._unfinished.members, f"drill {self._unfinished.number}")

    async def recover(self) -> None:
        """Tell of the drill that an engine before this one did not end. Once, when the vrrp process is up."""
        link = await self.runner.cable.recover()
        if self._unfinished is not None:
            await self.runner.recover(self._unfinished, link)

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
        if isinstance(event, EffectRefused) and event.effect == "send-advert":
            self._refused[event.instance] = event.reason
        elif isinstance(event, StateChanged):
            self._refused.pop(event.instance, None)
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
        further = await self._real_link(command, peer)
        report = await self.runner.run(command, peer.login, request.reason[:400], progress, further)
        text = f"{report.outcome}: {report.text}"
        if report.overridden:
            text += f"; overridden: {' '.join(report.overridden)}"
        return Reply(request.id, Outcome.DONE, text=text, drill=report)

    async def _real_link(self, command: RunDrill, peer: Peer) -> tuple[Check, ...]:
        """Whether a link may be taken really down: whoever asks still gets here, and all that it loses comes back."""
        instance = self.config.instance(command.instance)
        if not command.real_link or command.simulate or instance is None:
            return ()
        upset = await asyncio.to_thread(kernel_facts.managers)
        directory = self.runner.drills.directory
        return (
            await asyncio.to_thread(second_path, peer.pid, instance.interface),
            await restorable(directory, instance.interface, ours_of(self.config), upset),
        )

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

    async def _reserve(self, request: Request, peer: Peer, _: Progress) -> Reply:
        command = request.command
        assert isinstance(command, ReserveDrill)
        if command.seconds and self.runner.running is not None:
            raise Refused("E-DRILL", f"{self.about()[0]}: {self.runner.obstacle}")
        return Reply(request.id, Outcome.DONE, text=self.reservation.take(command, peer.login, self.clock()))

    async def _failover_checks(self, command: Failover) -> tuple[tuple[Check, ...], tuple[str, ...]]:
        status = next((one for one in await self.instances() if one.name == command.instance), None)
        if status is None:
            return (), ()
        known = await self.known(status, command.checks, ask=command.dry_run)
        found = failover_checks(command.method, status, known)
        if problem := self.unusable():
            found += (Check("warn", "P-RELOAD-IMPACT", f"the file on disk is not what runs: {problem}"),)
        return found, () if command.dry_run else overridden(found, command.override)

    def _obstacle(self) -> str:
        return self.runner.obstacle or self.reserved()

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

    def reserved(self) -> str:
        """The drill of another node, if one was told."""
        return self.reservation.words(self.clock())

    async def known(self, status: InstanceStatus, nodes: tuple[Check, ...], *, ask: bool = True) -> Known:
        """What a preflight has to know. `ask`: also the other router's host, whether it answers on our ports."""
        addresses = tuple(one.address for one in status.addresses)
        facts = await asyncio.to_thread(host.read, addresses, status.family)
        if ask and facts.ports and status.peer and status.state is State.MASTER:
            answers = await host.answering(status.peer, status.interface, facts.ports)
            facts = msgspec.structs.replace(facts, open=answers)
        groups = self.config.groups
        return Known(
            pending=self.pending(),
            host=facts,
            instance=self.config.instance(status.name),
            members=tuple(next((one.members for one in groups if one.name == status.sync_group), ())),
            findings=self.findings(),
            refused=self._refused.get(status.name, ""),
            nodes=nodes[:32],
            now=self.clock(),
        )

    async def impact(self) -> Check:
        """What the reload of a drill does to the instances."""
        assert self.on_disk is not None
        judged = await self.on_disk()
        return reload_impact(judged.impact, judged.errors)

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
