"""What operators have put aside: maintenance of the node or of an instance, and the holds of failovers.

Owns the invariant that it outlives the engine: it is on disk before the Router hears of it, and the Router
hears of it before its first advert. Maintenance with `persist` outlives the machine's boot, too; everything
else ends with it. What disk and Router know is brought together by naming all of it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec

from engine.config.model import Config
from engine.core.history import wall_ns
from engine.core.peers import Peer
from engine.core.revisions import remove_durably, sweep, write_atomically
from engine.errors import Refused
from engine.messages import (
    CommandFinished,
    Event,
    Handicap,
    Handicapped,
    HoldChanged,
    LastKnown,
    LogLine,
    Maintenance,
    MaintenanceInfo,
    Outcome,
    Reply,
    Request,
    State,
)

LONGEST_S = 366 * 86_400.0
MODE = 0o600
_TEXT = 400

Ask = Callable[[Handicap, str, str], Awaitable[CommandFinished]]
"""Command, by, reason -> the Router's answer."""


class World(Protocol):
    """What this asks of core."""

    def clock(self) -> int: ...

    def record(self, event: Event, at: int | None = None) -> None: ...

    def has_instance(self, name: str) -> bool: ...

    def own_status_changed(self) -> None: ...


class Stored(msgspec.Struct, frozen=True):
    """The file."""

    boot: str
    maintenance: tuple[MaintenanceInfo, ...] = ()
    holds: tuple[HoldChanged, ...] = ()


class Standing:
    """Maintenance and holds, in memory and on disk. `directory` None keeps them in memory only."""

    def __init__(self, world: World, directory: Path | None, boot: str, ask: Ask) -> None:
        self._world = world
        self._path = directory / "standing.json" if directory else None
        self._boot = boot
        self._ask = ask
        self._lock = asyncio.Lock()
        self._holds: dict[str, HoldChanged] = {}
        self._records: dict[str, MaintenanceInfo] = {}
        """By instance; "" is the node."""
        self._task: asyncio.Task[None] | None = None
        self._wanted = False
        self.obstacle: Callable[[], str] = lambda: ""
        """Why nothing may be moved on purpose now; empty when it may."""

    @property
    def infos(self) -> tuple[MaintenanceInfo, ...]:
        """What is in maintenance."""
        return tuple(self._records.values())

    # ---- at the start

    def load(self) -> list[LogLine]:
        """Take up what an engine before this one knew. Once, before the vrrp process hears anything. Returns what
        is worth a line."""
        if self._path is None:
            return []
        sweep(self._path)
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Stored)
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            with contextlib.suppress(OSError):
                self._path.rename(self._path.with_suffix(".broken"))
            return [LogLine("warning", f"what was in maintenance is not known: {self._path}: {error}")]
        notes = []
        now, wall, same = self._world.clock(), wall_ns(), found.boot == self._boot
        for one in found.maintenance:
            if not same and not one.persist:
                notes.append(LogLine("info", f"{scope_of(one.instance)}: maintenance ended with the last boot"))
                continue
            until = one.until if same or not one.until else max(1, now + one.until_wall - wall)
            if not until or until > now:
                self._records[one.instance] = msgspec.structs.replace(one, until=until)
        if same:
            self._holds = {one.instance: one for one in found.holds if not one.until or one.until > now}
        return notes

    def resume(self, config: Config, known: tuple[LastKnown, ...] = ()) -> tuple[LastKnown, ...]:
        """What a vrrp process that starts must know: `known`, each with its hold, and holds of the others."""
        wanted = self._held(config)
        found = []
        by_key = {(one.interface, one.family, one.vrid): one for one in known}
        for one in config.instances:
            last = by_key.get(one.key)
            hold = wanted.get(one.name)
            if hold is None:
                found += [last] if last is not None else []
                continue
            last = last or LastKnown(one.interface, one.family, one.vrid, State.INIT, 0)
            found.append(
                msgspec.structs.replace(
                    last, hold_kind=hold.kind, hold_until=hold.until, hold_by=hold.by, hold_reason=hold.reason
                )
            )
        return tuple(found)

    def _held(self, config: Config) -> dict[str, HoldChanged]:
        found = dict(self._holds)
        for one in self._wanted_now():
            members = next((group.members for group in config.groups if one.instance in group.members), (one.instance,))
            for name in (one.instance, *members):
                found[name] = HoldChanged(name, "maintenance", one.until, one.by, one.reason)
        if "" in self._records:
            node = self._records[""]
            for instance in config.instances:
                found.setdefault(instance.name, HoldChanged(instance.name, "maintenance", *_said(node)))
        return found

    def forget(self, instances: tuple[str, ...], by: str) -> None:
        """Drop the holds of somebody who is no more. Before the vrrp process hears of them."""
        for name in instances:
            if name in self._holds and self._holds[name].by == by:
                del self._holds[name]

    def held_now(self) -> list[str]:
        """All that is held or in maintenance, in words."""
        return [*(f"{name} ({one.kind})" for name, one in self._holds.items()), *map(scope_of, self._records)]

    # ---- what happens

    def happened(self, event: Event) -> None:
        """Holds begin and end."""
        if not isinstance(event, HoldChanged):
            return
        if event.kind in ("step-down", "take-over"):
            self._holds[event.instance] = event
        elif event.kind == "" and not self._holds.pop(event.instance, None) and not self._expire():
            return
        if event.kind != "maintenance":
            self._write_soon()

    def _expire(self) -> bool:
        """Forget what has ended by time; True when something has."""
        now = self._world.clock()
        over = [key for key, one in self._records.items() if one.until and one.until <= now]
        for key in over:
            del self._records[key]
        if over:
            self._world.own_status_changed()
        return bool(over)

    async def reapply(self, instances: tuple[str, ...]) -> None:
        """A new configuration is in use: instances that came with it are in maintenance, too, if the node is."""
        if not self._records:
            return
        self._expire()
        try:
            done = await self._ask(self._handicap(instances), "engine", "new configuration")
        except Refused as refusal:
            self._world.record(LogLine("warning", f"maintenance after the reload: {refusal.reason}"))
            return
        if done.outcome is not Outcome.DONE:
            self._world.record(LogLine("warning", f"maintenance after the reload: {done.text} [{done.code}]"))

    # ---- what operators ask for

    async def perform(self, request: Request, peer: Peer, instances: tuple[str, ...]) -> Reply:
        """Switch it on or off.

        Raises:
            Refused: with its code; nothing was changed.
            OSError: it could not be written down; nothing was changed.
        """
        command = request.command
        assert isinstance(command, Maintenance)
        async with self._lock:
            self._expire()
            before = dict(self._records)
            if command.on:
                made = self._made(command, request.reason.strip()[:_TEXT], peer.login)
                self._records[command.instance] = made
            else:
                self._check_off(command)
                del self._records[command.instance]
            after, self._records = self._records, before
            handicap = self._handicap(instances, after, dry_run=command.dry_run)
            if not command.dry_run:
                self._records = after
                await self._write_or(before)
            done = await self._asked(handicap, peer.login, request.reason[:_TEXT], before)
        self._world.own_status_changed()
        return Reply(request.id, done.outcome, done.code, done.text, done.duration)

    async def _asked(
        self, handicap: Handicap, by: str, reason: str, before: dict[str, MaintenanceInfo]
    ) -> CommandFinished:
        """Let the Router do it; a refusal is taken back on disk."""
        try:
            done = await self._ask(handicap, by, reason)
        except Refused:
            done = None
        if done is not None and done.outcome is Outcome.DONE:
            return done
        if not handicap.dry_run:
            self._records = before
            await self._write()
        if done is None:
            raise Refused("E-SILENT", "the vrrp process does not answer; nothing is in maintenance by this command")
        return done

    def _made(self, command: Maintenance, reason: str, by: str) -> MaintenanceInfo:
        if not reason:
            raise Refused("E-REASON", "maintenance needs a reason: whoever looks here next must know why")
        if command.instance and not self._world.has_instance(command.instance):
            raise Refused("E-UNKNOWN-INSTANCE", f"there is no instance {command.instance!r}")
        if not 0 <= command.for_s <= LONGEST_S:
            raise Refused("E-RANGE", f"{command.for_s:g} s is no time for maintenance: 0 to 366 days")
        if command.persist and self._path is None:
            raise Refused("E-IO", "the engine runs without a state directory: nothing can persist")
        obstacle = self.obstacle()
        if obstacle:
            raise Refused("E-DRILL", obstacle)
        present = self._records.get(command.instance) or self._records.get("")
        if present is not None:
            text = f"{scope_of(present.instance)} is in maintenance already, by {present.by}: {present.reason}"
            raise Refused("E-MAINTENANCE", text)
        length, wall = int(command.for_s * 1e9), wall_ns()
        return MaintenanceInfo(
            command.instance,
            by,
            reason,
            wall,
            self._world.clock() + length if length else 0,
            wall + length if length else 0,
            command.persist,
        )

    def _check_off(self, command: Maintenance) -> None:
        if command.instance in self._records:
            return
        if command.instance and "" in self._records:
            raise Refused("E-MAINTENANCE", f"the whole node is in maintenance, not {command.instance} alone")
        raise Refused("E-NO-MAINTENANCE", f"{scope_of(command.instance)} is not in maintenance")

    def _wanted_now(self) -> list[MaintenanceInfo]:
        return [one for one in self._records.values() if one.instance]

    def _handicap(
        self,
        instances: tuple[str, ...],
        records: dict[str, MaintenanceInfo] | None = None,
        *,
        dry_run: bool = False,
    ) -> Handicap:
        """All of it as the Router hears it. Where node and instance are both said, the longer one counts."""
        records = self._records if records is None else records
        node = records.get("")
        held = []
        for name in instances:
            said = [one for one in (node, records.get(name)) if one is not None]
            if said:
                longest = max(said, key=lambda one: one.until or 1 << 62)
                held.append(Handicapped(name, *_said(longest)))
        return Handicap(tuple(held), dry_run)

    # ---- the disk

    async def _write_or(self, before: dict[str, MaintenanceInfo]) -> None:
        try:
            await self._write()
        except OSError:
            self._records = before
            raise

    async def _write(self) -> None:
        if self._path is None:
            return
        path = self._path
        if not self._records and not self._holds:
            await asyncio.to_thread(remove_durably, path)
            return
        octets = msgspec.json.encode(Stored(self._boot, self.infos, tuple(self._holds.values())))
        await asyncio.to_thread(write_atomically, path, octets, MODE)

    def _write_soon(self) -> None:
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        while self._wanted:
            self._wanted = False
            async with self._lock:
                try:
                    await self._write()
                except OSError as error:
                    text = f"holds are not written down and end with the engine: {error.strerror or error}"
                    self._world.record(LogLine("warning", text))

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def _said(one: MaintenanceInfo) -> tuple[int, str, str]:
    return one.until, one.by, one.reason


def scope_of(instance: str) -> str:
    """What is in maintenance, in words."""
    return instance or "the node"
