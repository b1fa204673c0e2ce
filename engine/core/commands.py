"""What operators ask for: performed, answered once, and written into the audit trail.

Owns the invariant that every command that acts leaves one CommandLogged event: who, from where, what, why and
with which result, whether it was done, refused or cut short. What only reads leaves none: a console that opens
is no act of its operator.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from engine.core.change import Changes
from engine.core.drill.preflight import reload_impact
from engine.core.peers import Peer
from engine.core.reloading import Judged, Reloading
from engine.errors import Refused
from engine.messages import (
    AnnounceNow,
    ApplyConfig,
    Check,
    CommandFinished,
    CommandLogged,
    ConfirmConfig,
    Diagnose,
    EditConfig,
    Event,
    EventLine,
    Failover,
    GetConfig,
    GetDrillPackets,
    GetDrills,
    GetEvents,
    GetHeard,
    GetJournal,
    GetRevisions,
    GetTrackerRuns,
    Handicap,
    HandOverStarted,
    Impair,
    JudgeConfig,
    Ordered,
    Outcome,
    ProbeSeen,
    Release,
    Relieve,
    Reload,
    Reply,
    Request,
    RollbackConfig,
    RunDrill,
    StopEngine,
)

SILENCE_S = 5.0
"""Seconds without a sign of life of the vrrp process after which a command waits no longer."""
EVENTS_LIMIT = 5_000
"""Events in one reply."""
RouterOrder = Failover | Release | AnnounceNow | Handicap | Impair | Relieve
Handler = Callable[[Request, Peer, Callable[[str], None]], Awaitable[Reply]]
READS = (
    Diagnose,
    GetDrillPackets,
    GetDrills,
    GetEvents,
    GetHeard,
    GetJournal,
    GetTrackerRuns,
    JudgeConfig,
    GetConfig,
    GetRevisions,
    ProbeSeen,
)
"""Commands that change nothing: they are answered while the engine stops, too."""
_TEXT = 400
"""Characters of an operator's reason or comment that are kept."""


class Engine(Protocol):
    """What commands ask of core."""

    stopping: bool

    def order(self, ordered: Ordered) -> bool:
        """Hand an order to the vrrp process; False when it does not run."""

    def record(self, event: Event, at: int | None = None) -> None: ...

    def vrrp_heard(self) -> int: ...

    def ask_sign_of_life(self) -> None: ...

    async def last_events(self, wish: GetEvents, limit: int) -> list[EventLine]: ...

    def stop_soon(self, reason: str) -> None: ...

    def has_instance(self, name: str) -> bool: ...


class Commands:
    """Performs requests."""

    def __init__(self, engine: Engine, reloading: Reloading, changes: Changes) -> None:
        self._engine = engine
        self._reloading = reloading
        self._changes = changes
        self._numbers = itertools.count(1)
        self._orders: dict[int, asyncio.Future[CommandFinished]] = {}
        self._told: dict[int, tuple[str, Callable[[str], None]]] = {}
        self._served: dict[type, Handler] = {}
        self.obstacle: Callable[[], str] = lambda: ""
        """Why nothing may be moved on purpose now; empty when it may."""
        self.preflight: Callable[[Failover], Awaitable[tuple[tuple[Check, ...], tuple[str, ...]]]] = _unchecked
        """What is checked before a failover, and the codes that are overridden; raises Refused E-PREFLIGHT."""
        self.observing = False
        """This engine only looks on beside another."""
        self.unrecorded: Callable[[], str] = lambda: ""
        """Why what is done now could not be written down; empty when it can. Drills and commits need it empty."""

    def serve(self, kind: type, handler: Handler) -> None:
        """Let somebody else perform the commands of a kind."""
        self._served[kind] = handler

    async def perform(self, request: Request, peer: Peer, progress: Callable[[str], None]) -> Reply:
        """Do it and log it."""
        began = time.monotonic_ns()
        try:
            reply = await self._perform(request, peer, progress)
        except Refused as refusal:
            reply = Reply(request.id, Outcome.REFUSED, refusal.code, refusal.reason)
        except asyncio.CancelledError:
            self.log(request, peer, Outcome.REFUSED, "E-STOPPING", "the engine ended before the answer")
            raise
        except (OSError, UnicodeError) as error:
            reply = Reply(request.id, Outcome.REFUSED, "E-IO", str(error))
        if not reply.duration:
            reply = msgspec.structs.replace(reply, duration=time.monotonic_ns() - began)
        self.log(request, peer, reply.outcome, reply.code, reply.text)
        return reply

    def log(self, request: Request, peer: Peer, outcome: Outcome, code: str, text: str) -> None:
        """Write the audit row."""
        if unwritten(request):
            return
        by = peer.login if peer.login == peer.user else f"{peer.login} as {peer.user}"
        self._engine.record(
            CommandLogged(by, peer.origin, spoken(request), request.reason[:_TEXT], outcome, code, text[:_TEXT])
        )

    def finished(self, done: CommandFinished) -> None:
        """The Router's answer to an order."""
        future = self._orders.get(done.request)
        if future is not None and not future.done():
            future.set_result(done)

    def happened(self, event: Event) -> None:
        """Something that an order under way may want to show."""
        if isinstance(event, HandOverStarted):
            for instance, tell in self._told.values():
                if instance == event.instance:
                    tell("priority 0 sent; addresses are kept until a successor is heard")

    def vrrp_died(self) -> None:
        """Orders under way will not be answered."""
        for future in self._orders.values():
            if not future.done():
                future.set_exception(
                    Refused("E-SILENT", "the vrrp process ended before it answered; look at the status")
                )

    async def _perform(self, request: Request, peer: Peer, progress: Callable[[str], None]) -> Reply:
        number, command = request.id, request.command
        if self._engine.stopping and not isinstance(command, READS):
            raise Refused("E-STOPPING", "the engine is stopping")
        if self.observing and not isinstance(command, (*READS, Reload, StopEngine)):
            raise Refused("E-OBSERVE", "this engine only looks on: it sends nothing and changes nothing")
        match command:
            case Failover():
                self._check_free(command)
                found, codes = await self.preflight(command)
                done = await self.order(bare_order(command), peer.login, request.reason[:_TEXT], progress)
                text = f"{done.text}; overridden: {' '.join(codes)}" if codes else done.text
                return Reply(number, done.outcome, done.code, text, done.duration, checks=found)
            case Release() | AnnounceNow():
                self._check_free(command)
                done = await self.order(command, peer.login, request.reason[:_TEXT], progress)
                return Reply(number, done.outcome, done.code, done.text, done.duration)
            case Reload():
                lines = await self._reloading.reload(f"operator {peer.login}")
                return Reply(number, Outcome.DONE, text="\n".join(lines) or "nothing changed")
            case ApplyConfig():
                return await self._apply(number, command, peer)
            case RollbackConfig():
                return await self._rollback(number, command, peer)
            case ConfirmConfig():
                kept = await self._changes.confirm(f"operator {peer.login}", command.comment[:_TEXT], command.revision)
                return Reply(number, Outcome.DONE, text=f"revision {kept} stays")
            case GetRevisions():
                files = await self._changes.files_of(command.revision) if command.revision else ()
                return Reply(number, Outcome.DONE, files=files, revisions=self._reloading.archive.infos(command.limit))
            case GetConfig():
                return Reply(number, Outcome.DONE, files=await self._reloading.texts())
            case JudgeConfig():
                texts = {one.path: one.text for one in command.files}
                judged = await self._reloading.judge_texts({self._reloading.path: command.text} | texts)
                wrong = judged.errors[0] if judged.errors else ""
                outcome, code = (Outcome.REFUSED, "E-CONFIG-BROKEN") if wrong else (Outcome.DONE, "")
                return Reply(number, outcome, code, wrong, judged=judged.findings)
            case GetHeard():
                heard = await self._reloading.heard()
                if peer.role != "operator":
                    heard = [msgspec.structs.replace(one, secret="") for one in heard]
                return Reply(number, Outcome.DONE, heard=tuple(heard))
            case GetEvents():
                limit = min(max(command.limit, 0), EVENTS_LIMIT)
                return Reply(number, Outcome.DONE, events=tuple(await self._engine.last_events(command, limit)))
            case StopEngine():
                self._engine.stop_soon(f"operator {peer.login}")
                return Reply(number, Outcome.DONE, text="handing over, then the engine ends")
        handler = self._served.get(type(command))
        if handler is not None:
            return await handler(request, peer, progress)
        raise Refused("E-PROTOCOL", f"{type(command).__name__} is no command that can be performed")

    def check_recorded(self) -> None:
        """Before something that must not be forgotten.

        Raises: Refused E-HISTORY-OFF.
        """
        if problem := self.unrecorded():
            raise Refused("E-HISTORY-OFF", problem)

    def _check_free(self, command: Failover | Release | AnnounceNow) -> None:
        if command.instance and not self._engine.has_instance(command.instance):
            raise Refused("E-UNKNOWN-INSTANCE", f"there is no instance {command.instance!r}")
        obstacle = self.obstacle()
        if obstacle and isinstance(command, Failover | Release):
            raise Refused("E-DRILL", obstacle)

    async def order(
        self, command: RouterOrder, by: str, reason: str, progress: Callable[[str], None] = lambda _: None
    ) -> CommandFinished:
        """Hand an order to the Router and wait for its answer.

        Raises:
            Refused: E-SILENT; whether it was carried out is not known.
        """
        number = next(self._numbers)
        future: asyncio.Future[CommandFinished] = asyncio.get_running_loop().create_future()
        self._orders[number] = future
        self._told[number] = (getattr(command, "instance", ""), progress)
        try:
            if not self._engine.order(Ordered(number, command, by, reason)):
                raise Refused("E-SILENT", "the vrrp process does not run just now; it is being started again")
            while True:
                try:
                    return await asyncio.wait_for(asyncio.shield(future), 1.0)
                except TimeoutError:
                    self._engine.ask_sign_of_life()
                    if time.monotonic_ns() - self._engine.vrrp_heard() > SILENCE_S * 1e9:
                        raise Refused("E-SILENT", f"the vrrp process has been silent for {SILENCE_S:.0f} s") from None
        finally:
            del self._orders[number], self._told[number]
            future.cancel()

    async def _apply(self, number: int, command: ApplyConfig, peer: Peer) -> Reply:
        judged = await self._reloading.judge(command.text, command.base, command.files)
        if judged.errors or command.dry_run:
            return _verdict(number, judged)
        self.check_recorded()
        lines, revision = await self._changes.apply(
            command.text,
            command.base,
            f"operator {peer.login}",
            command.comment[:_TEXT],
            command.confirm_s,
            command.files,
        )
        return self._applied(number, judged, lines, revision)

    async def _rollback(self, number: int, command: RollbackConfig, peer: Peer) -> Reply:
        by, comment = f"operator {peer.login}", command.comment[:_TEXT]
        waiting = self._changes.pending
        if waiting is not None and command.revision in (0, waiting.previous):
            if command.dry_run:
                return Reply(number, Outcome.DONE, text=f"takes revision {waiting.revision} back, which waits")
            lines, revision = await self._changes.rollback(command.revision, "", by, comment)
            return Reply(number, Outcome.DONE, text=_told(lines, revision))
        judged = await self._changes.judge_rollback(command.revision, command.base)
        if judged.errors or command.dry_run:
            return _verdict(number, judged)
        self.check_recorded()
        lines, revision = await self._changes.rollback(command.revision, command.base, by, comment, command.confirm_s)
        return self._applied(number, judged, lines, revision)

    def _applied(self, number: int, judged: Judged, lines: tuple[str, ...], revision: int) -> Reply:
        waiting = self._changes.pending
        text = _told(lines, revision)
        if waiting is not None and waiting.revision == revision:
            text += "; it is taken back unless it is confirmed in time"
        return Reply(number, Outcome.DONE, text=text, problems=tuple(str(one) for one in judged.findings))


async def _unchecked(_command: Failover) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Nobody checks anything."""
    return (), ()


def bare_order(command: Failover) -> Failover:
    """The order as the Router needs it: what was checked before is not its business."""
    return msgspec.structs.replace(command, override="", checks=())


def _verdict(number: int, judged: Judged) -> Reply:
    """The answer to a trial, or to a text with errors."""
    impact = (reload_impact(judged.impact, judged.errors),)
    problems = tuple(str(one) for one in judged.findings)
    if judged.errors:
        return Reply(number, Outcome.REFUSED, "E-CONFIG-BROKEN", judged.errors[0], problems=problems, checks=impact)
    text = "\n".join(judged.plan) or "nothing changes"
    return Reply(number, Outcome.DONE, text=text, problems=problems, checks=impact)


def _told(lines: tuple[str, ...], revision: int) -> str:
    told = "\n".join(lines) or "nothing changed"
    return f"{told}\nrevision {revision} is in use" if revision else told


def unwritten(request: Request) -> bool:
    """Whether a command leaves no row: what only reads or tells, unless it shows secrets or takes from somebody."""
    command = request.command
    if isinstance(command, GetConfig):
        return not command.reveal
    if isinstance(command, EditConfig):
        return not command.take_over
    if isinstance(command, RunDrill | Failover):
        return command.dry_run
    return isinstance(command, READS)


def spoken(request: Request) -> str:
    """A command in one line for the audit trail: its words, never a configuration's text."""
    command = request.command
    name = str(command.__struct_config__.tag)
    if isinstance(command, ApplyConfig):
        words = [f"{len(command.text.encode(errors='replace'))} octets", *(["dry run"] if command.dry_run else [])]
        words += [f"{one.path} {len(one.text.encode(errors='replace'))} octets" for one in command.files]
        if command.confirm_s:
            words.append(f"to be confirmed within {command.confirm_s:g} s")
        if command.comment:
            words.append(f'"{command.comment[:_TEXT]}"')
        return f"{name}: {', '.join(words)}"
    told = ((field, getattr(command, field)) for field in command.__struct_fields__ if field not in ("checks", "other"))
    words = [f"{field}={value}" for field, value in told if value and value != -1]  # -1: the plan's own
    return " ".join([name, *words])
