"""The main process in operation: it joins the other two, the clients, the history and the configuration.

Owns the order of things at the beginning and at the end: processes before clients, clients until the
last transition has been told, and nothing of ours left behind, neither addresses nor files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from engine import VERSION
from engine.config.model import Config
from engine.core import dumps, log, service
from engine.core.archive import Archive
from engine.core.capture import Capture
from engine.core.change import Changes
from engine.core.commands import Commands
from engine.core.control import ControlServer
from engine.core.diagnosing import Diagnosis
from engine.core.drill.hosting import Rehearsals
from engine.core.editors import Editors
from engine.core.ending import end
from engine.core.forkserver import ForkServer
from engine.core.history import History, wall_ns
from engine.core.journal import Journal
from engine.core.loading import Reading
from engine.core.maintenance import Standing
from engine.core.notify import Notifier
from engine.core.observing import Observation, Watch
from engine.core.options import Options
from engine.core.peers import Peer
from engine.core.present import Present, key_of
from engine.core.reloading import Reloading
from engine.core.runs import Runs
from engine.core.statuses import StatusPump
from engine.core.supervisor import Supervisor
from engine.core.takeback import boot_id
from engine.errors import Refused
from engine.messages import (
    CommandFinished,
    Configure,
    Diagnose,
    EditConfig,
    EngineStarted,
    EngineStatus,
    EngineStopping,
    Event,
    EventLine,
    FindingStatus,
    FromCheck,
    FromVrrp,
    GetEvents,
    GetJournal,
    GetTrackerRuns,
    Happened,
    Hello,
    InstanceStatus,
    InterfaceStateChanged,
    LogLine,
    Maintenance,
    Ordered,
    Outcome,
    PacketJudged,
    PacketLine,
    ProcessDied,
    PullStatus,
    Reply,
    Request,
    RunTracker,
    ScriptFinished,
    ScriptsWanted,
    Snapshot,
    StatusBatch,
    StopRouter,
    WatchPackets,
)
from engine.protocol.timing import LONGEST_GRACE, hand_over_limit

CAPABILITIES = ("failover", "config", "history", "confirm", "editors", "maintenance", "drill", "judge", "includes")
NOTIFY_S = 5.0
"""Seconds that notify scripts have at the end."""
MARGIN_S = 3.0
"""Seconds beyond the longest hand-over that a stop may take."""
JOURNAL_LIMIT = 50
"""Snapshots in one reply."""


class Engine:
    """One running engine. `run` returns its exit status."""

    def __init__(
        self,
        options: Options,
        reading: Reading,
        forks: ForkServer,
        fresh: Callable[[], Any],
        watch: Watch | None = None,
    ) -> None:
        """`watch` is the netlink monitor of an engine that only observes."""
        self.options = options
        self.stopping = False
        self._loop = asyncio.get_running_loop()
        self._started_at = self.clock()
        self._stop_reason = ""
        self._stop_wanted = asyncio.Event()
        self._status = 0
        self._reload_waits = False
        self._loop.set_exception_handler(self._loop_fault)
        self._tasks: set[asyncio.Task[Any]] = set()
        roles = () if watch is not None else (("vrrp", options.run_vrrp), ("check", options.run_check))
        self._roles = [role for role, wanted in roles if wanted]
        self.history: History
        self.present = Present()
        self.control = ControlServer(self)
        self.supervisor = Supervisor(self, forks, fresh, {"vrrp": FromVrrp, "check": FromCheck})
        self.reloading = Reloading(self, reading, options.config_id, self.clock, Archive(options.state_dir))
        self.changes = Changes(self, self.reloading, boot_id())
        self.commands = Commands(self, self.reloading, self.changes)
        self.standing = Standing(self, options.state_dir, boot_id(), self.commands.order)
        self.commands.serve(Maintenance, self._maintain)
        self.editors = Editors(self.clock, self.own_status_changed)
        self.commands.serve(EditConfig, self.editors.answer)
        self.runs = Runs(lambda: self.config, lambda wish: self.supervisor.send("check", wish))
        for kind in (GetTrackerRuns, RunTracker):
            self.commands.serve(kind, self.runs.answer)
        self.rehearsals = Rehearsals(
            self,
            options.state_dir,
            self.commands,
            self.standing,
            self.supervisor,
            self.fresh_owners,
            self.reloading.reload,
        )
        self.notifier = Notifier(self.record)
        self.diagnosis = Diagnosis(self)
        self.rehearsals.findings = lambda: self.diagnosis.findings
        self.rehearsals.on_disk, self.rehearsals.unusable = self.reloading.on_disk, lambda: self.reloading.problem
        self.commands.serve(Diagnose, self._diagnose)
        self.capture = Capture(self._packet, self.clock)
        self.pump = StatusPump(
            self.control, self.present, self._pull, self._own_status, self.clock, wall_ns, lambda: self.history.seq
        )
        self.pump.further, self.pump.along = lambda: self.diagnosis.findings, self.diagnosis.forget
        self.reloading.heard = self.pump.heard
        self.diagnosis.impaired = self._in_drill
        self.observation: Observation | None = None
        if watch is not None:
            self.observation = Observation(watch, self.config, self.clock, self._observed)
            self.commands.observing = self.diagnosis.observing = True
            self.capture.judged_elsewhere = False

    @property
    def config(self) -> Config:
        """The running configuration."""
        return self.reloading.config

    async def run(self, ready: Callable[[str], None]) -> int:
        """Work until told to stop. `ready` is called once: with "" when all is up, else with what failed."""
        try:
            await self.control.listen(self.options.socket_path)
        except Refused as refusal:
            ready(str(refusal))
            await self.supervisor.close()
            return 1
        early = self.standing.load() if self.observation is None else ()
        if self.observation is None:
            self.rehearsals.take_up()
        for role in self._roles:
            self.supervisor.start(role)
        self.history = History(self.options.state_dir)  # while the others come up; they are heard after this
        self.history.on_problem = self._history_problem
        self.commands.unrecorded = lambda: self.history.refusal
        self.journal = Journal(self.history, self.pump.snapshot, wall_ns)
        self.commands.serve(GetJournal, self._journal)
        self.notifier.use(self.config)
        self.record(EngineStarted(VERSION, os.getpid()))
        if self.history.problem:
            self._history_problem(self.history.problem)
        for note in early:
            self.record(note)
        self._listen_to_signals()
        watching = asyncio.Event()
        if self.observation is None:
            for work in (self.rehearsals.recover(), self.changes.resume(), self.changes.watch()):
                self._run(work)
        else:
            self._run(self.observation.run())
            self._tap()
        for always in (self.pump.pull(), self.pump.beat(), self.reloading.watch(watching)):
            self._run(always)
        self._run(self.journal.run())
        self._run(self.diagnosis.run())
        ready("")
        service.tell("READY=1")
        await self._stop_wanted.wait()
        watching.set()
        await self._stop()
        return self._status

    def stop_soon(self, reason: str, status: int = 0) -> None:
        """Stop with a hand-over."""
        if not self.stopping:
            self.stopping = True
            self._stop_reason, self._status = reason, status
            self._stop_wanted.set()

    async def _stop(self) -> None:
        service.tell("STOPPING=1")
        await self.rehearsals.close()
        self.record(EngineStopping(self._stop_reason))
        if "vrrp" in self._roles:
            limits = [hand_over_limit(one.version, one.advert_interval) for one in self.config.instances]
            patience = (max(limits, default=0) + LONGEST_GRACE) / 1e9 + MARGIN_S
            asked = self.supervisor.send("vrrp", StopRouter(release_addresses=self.options.release_addresses))
            if not await self.supervisor.stop("vrrp", patience if asked else MARGIN_S, hang_up=False):
                self._status = self._status or 1
                self.record(LogLine("error", "the vrrp process did not end in time and was killed; see --release"))
        await self.standing.close()
        await self.notifier.close(NOTIFY_S)
        if "check" in self._roles:
            await self.supervisor.stop("check", MARGIN_S)
        await end(self._tasks)
        self.capture.watch((), {})
        await self.control.close("E-STOPPING", f"the engine ends: {self._stop_reason}")
        await self.supervisor.close()
        self.history.close()

    # ---- what happens

    def clock(self) -> int:
        """The engine's monotonic clock, ns."""
        return time.monotonic_ns()

    def record(self, event: Event, at: int | None = None) -> None:
        """Something has happened: into the log, the history, to all clients, to notify scripts."""
        line = self.history.append(event, self.clock() if at is None else at)
        log.log_event(event)
        self.control.tell_event(line)

    def heard(self, role: str, message: Any) -> None:
        """A process says something."""
        if role == "check":
            if isinstance(message, LogLine):
                self.record(message)
            else:
                self.present.result(message)
                self.diagnosis.ran(message)
                if isinstance(message, ScriptFinished):
                    self.runs.ended(message, self.clock())
                self.supervisor.send("vrrp", message)
            return
        self.pump.heard_at = self.clock()
        if isinstance(message, StatusBatch):
            self.pump.arrived(message)
        elif isinstance(message, PacketJudged):
            self.capture.judged(message)
        elif isinstance(message, Happened):
            for event in message.events:
                if isinstance(event, CommandFinished):
                    self.commands.finished(event)
                    continue
                self.present.remember(event, message.at)
                self.record(event, message.at)
                self.journal.happened(event)
                self.diagnosis.happened(event, message.at)
                if isinstance(event, InterfaceStateChanged):
                    self._tap()
                for listener in (
                    self.commands.happened,
                    self.standing.happened,
                    self.rehearsals.happened,
                    self.notifier.happened,
                ):
                    try:
                        listener(event)
                    except Exception as error:  # neither a script nor a command may cost a transition
                        self._fault(error)
            self.pump.kick()

    def _history_problem(self, problem: str) -> None:
        self.record(LogLine("warning", problem) if problem else LogLine("info", "the history is written again"))
        self.own_status_changed()

    # ---- the other processes

    def started(self, role: str, *, again: bool) -> None:
        """A process is on its way: say what it needs first."""
        if role == "check":
            self.supervisor.send("check", ScriptsWanted(self.config))
            return
        resumed = self.present.resume(self.config, self.clock()) if again else ()
        resumed = self.standing.resume(self.config, resumed)
        former = self.present.former(self.config, self.clock()) if again else ()
        self.supervisor.send("vrrp", Configure(self.config.effective(), resumed, former))
        if again:
            for result in self.present.results():
                self.supervisor.send("vrrp", result)
        if self.capture.on:
            self.supervisor.send("vrrp", WatchPackets(on=True))

    def identified(self, role: str, pid: int) -> None:
        """Its pid is known; the status shows it with the next turn."""
        log.log.debug("the %s process has pid %d", role, pid)

    def died(self, role: str, reason: str, *, respawn: bool) -> None:
        """A process died and is started again."""
        self.record(ProcessDied(role, reason, respawn))
        if role == "vrrp":
            self.commands.vrrp_died()

    def hopeless(self, role: str, status: int, reason: str) -> None:
        """A process cannot work: neither can we."""
        self.record(ProcessDied(role, f"exit status {status}: {reason}", respawned=False))
        if role == "vrrp":
            self.commands.vrrp_died()
            self.stop_soon(f"the vrrp process ended: {reason}", status)

    def order(self, ordered: Ordered) -> bool:
        """Hand an operator's order to the Router."""
        return self.supervisor.send("vrrp", ordered)

    def use(self, old: Config, new: Config) -> None:
        """Put a checked configuration into use."""
        if self.observation is not None:
            self.observation.configure(new)
        self.supervisor.send("vrrp", Configure(new.effective()))
        self.supervisor.send("check", ScriptsWanted(new))
        self.present.reloaded(old, new, self.clock())
        self.runs.reloaded(new)
        self.notifier.use(new)
        self._run(self.standing.reapply(tuple(one.name for one in new.instances)))
        self._tap()

    def _pull(self, pull: PullStatus) -> bool:
        if self.observation is not None:
            self._loop.call_soon(self._observed, (), self.clock())
            return True
        return self.supervisor.send("vrrp", pull, droppable=True)

    def _observed(self, events: Sequence[Event], at: int) -> None:
        """What the engine beside us does; also its present."""
        assert self.observation is not None
        self.pump.heard_at = self.clock()
        for event in events:
            self.present.remember(event, at)
            self.record(event, at)
            self.journal.happened(event)
            self.diagnosis.happened(event, at)
        self.pump.arrived(self.observation.batch())

    def owners(self) -> list[InstanceStatus] | None:
        """Who serves what, as last told; None where no vrrp process is meant to run."""
        return self.present.instances() if "vrrp" in self._roles else None

    async def fresh_owners(self) -> list[InstanceStatus] | None:
        """The same, asked for now."""
        await self.pump.snapshot()
        return self.owners()

    def own_status_changed(self) -> None:
        """Have consoles see it."""
        self.pump.kick()

    def _own_status(self) -> EngineStatus:
        kept, waiting, editor = self.reloading.archive.last, self.changes.pending, self.editors.now
        return EngineStatus(
            version=VERSION,
            host=socket.gethostname(),
            router_id=self.config.globals.router_id,
            pid=os.getpid(),
            vrrp_pid=self.supervisor.pid("vrrp"),
            check_pid=self.supervisor.pid("check"),
            started=self._started_at,
            observe=self.observation is not None,
            config_file=self.reloading.path,
            config_fingerprint=self.config.fingerprint,
            config_loaded=self.reloading.loaded_at,
            config_problem=self.reloading.problem,
            worst_late=self.present.worst_late,
            refused_packets=self.present.refused,
            config_revision=kept.number if kept else 0,
            config_by=kept.by if kept else "",
            confirm_revision=waiting.revision if waiting else 0,
            confirm_deadline=waiting.deadline if waiting else 0,
            confirm_previous=waiting.previous if waiting else 0,
            confirm_by=waiting.by if waiting else "",
            confirm_comment=waiting.comment if waiting else "",
            confirm_problem=self.changes.problem,
            edit_by=editor.by,
            edit_origin=editor.origin,
            edit_since=editor.since,
            edit_until=editor.until,
            history_problem=self.history.refusal,
            state_directory=str(self.options.state_dir or "none"),
            maintenance=self.standing.infos,
            drill=self.rehearsals.progress(),
        )

    # ---- the clients

    def hello(self, peer: Peer) -> Hello:
        """The first line to a client."""
        can = CAPABILITIES if self.observation is None else ("history", "judge")
        capabilities = (*can, *(("packets",) if self.capture.possible else ()))
        name = socket.gethostname()
        at, wall = self.clock(), wall_ns()
        return Hello(VERSION, name, peer.role, peer.user, capabilities, at, wall, arrived=peer.arrived)

    async def snapshot(self) -> Snapshot:
        """All statuses at one instant."""
        return await self.pump.snapshot()

    async def events_after(self, since: int) -> tuple[list[EventLine], int]:
        """For a client that resumes."""
        return await self.history.after(since)

    async def last_events(self, wish: GetEvents, limit: int) -> list[EventLine]:
        """For GetEvents."""
        return await self.history.last(limit, wish.instance, wish)

    async def perform(self, request: Request, peer: Peer, progress: Callable[[str], None]) -> Reply:
        """Do what a client asks."""
        return await self.commands.perform(request, peer, progress)

    async def _maintain(self, request: Request, peer: Peer, _progress: Callable[[str], None]) -> Reply:
        return await self.standing.perform(request, peer, tuple(one.name for one in self.config.instances))

    # ---- diagnosis

    def _packet(self, line: PacketLine, masked: PacketLine) -> None:
        self.diagnosis.packet(line)
        if self.observation is not None:
            self.observation.packet(line)
        self.rehearsals.packet(line)
        self.control.tell_packet(line, masked)

    def tap_wanted(self) -> None:
        """Diagnosis or a drill begins or ends to listen."""
        self._tap()

    def waiting(self) -> str:
        """What is under way that a drill would disturb."""
        pending = self.changes.pending
        return f"revision {pending.revision} waits for its confirmation" if pending is not None else ""

    def about(self) -> tuple[str, str, str]:
        """This node, the version, the fingerprint of what runs."""
        return socket.gethostname(), VERSION, self.config.fingerprint

    def _in_drill(self) -> frozenset[str]:
        """The instances that a drill makes ill on purpose: those that move together with the one it is about."""
        drill = self.rehearsals.progress()
        if drill is None:
            return frozenset()
        groups = [one.members for one in self.config.groups if drill.instance in one.members]
        return frozenset({drill.instance, *(name for members in groups for name in members)})

    def own_pids(self) -> tuple[int, ...]:
        """The processes of this engine."""
        return (os.getpid(), self.supervisor.pid("vrrp"), self.supervisor.pid("check"))

    def watched(self) -> bool:
        """Somebody looks at the statuses."""
        return bool(self.control.rate_hz)

    def tell_findings(self, changed: list[FindingStatus], gone: list[str]) -> None:
        """Consoles see what is new and what is gone."""
        self.control.mark_statuses(changed, key_of)
        self.control.tell_gone(("finding-status", name) for name in gone)
        self.control.send_statuses(self._loop.time())

    async def _diagnose(self, request: Request, peer: Peer, progress: Callable[[str], None]) -> Reply:  # noqa: ARG002
        wish = request.command
        assert isinstance(wish, Diagnose)
        return Reply(request.id, Outcome.DONE, findings=await self.diagnosis.ask(wish.listen_s))

    async def _journal(self, request: Request, peer: Peer, progress: Callable[[str], None]) -> Reply:  # noqa: ARG002
        wish = request.command
        assert isinstance(wish, GetJournal)
        limit = min(max(wish.limit, 1), JOURNAL_LIMIT)
        found = await self.journal.between(wish.since_wall_ns, wish.until_wall_ns, limit)
        return Reply(request.id, Outcome.DONE, snapshots=tuple(found))

    def refused(self, request: Request, peer: Peer, code: str, text: str) -> None:
        """A client asked for what its role may not do."""
        self.commands.log(request, peer, Outcome.REFUSED, code, text)

    def audience_changed(self) -> None:
        """Watch packets and pull statuses only while somebody looks."""
        self._tap()
        self.pump.kick()

    def vrrp_heard(self) -> int:
        """When the vrrp process last said anything."""
        return self.pump.heard_at

    def ask_sign_of_life(self) -> None:
        """Make it say something."""
        self._pull(PullStatus())

    def has_instance(self, name: str) -> bool:
        """Whether the running configuration has an instance of that name."""
        return self.config.instance(name) is not None

    def _tap(self) -> None:
        before = self.capture.on
        wanted = self.control.wants("packets") or self.diagnosis.listening or self.rehearsals.watching
        if (wanted or self.observation is not None) and not self.stopping:
            self.capture.watch(tuple({one.interface for one in self.config.instances}), names(self.config))
        else:
            self.capture.watch((), {})
        if self.capture.on != before:
            self.supervisor.send("vrrp", WatchPackets(on=self.capture.on))

    # ---- signals and tasks

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.stop_soon, f"signal {signal.Signals(number).name}")
        self._loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        for wanted in dumps.SIGNALS:
            self._loop.add_signal_handler(wanted, self._dump_soon, wanted)

    def _hang_up(self) -> None:
        if not self._reload_waits and not self.stopping:
            self._reload_waits = True
            self._run(self._reload_by_signal())

    async def _reload_by_signal(self) -> None:
        await asyncio.sleep(0)  # several signals at once are one wish
        self._reload_waits = False
        with contextlib.suppress(Refused):  # everybody was told by ConfigRefused
            await self.reloading.reload("signal")

    def _dump_soon(self, number: int) -> None:
        self._run(self._dump(number))

    async def _dump(self, number: int) -> None:
        statuses, ahead = (await self.snapshot()).statuses, wall_ns() - self.clock()
        try:
            path = dumps.write(
                number, self.config, statuses, lambda at: (at + ahead) / 1e9, running=self.present.running()
            )
        except OSError as error:
            self.record(LogLine("warning", f"signal {number}: the dump cannot be written: {error}"))
            return
        cleared = ""
        if number == dumps.STATS_CLEAR:
            done = self.supervisor.send("vrrp", dumps.counted(statuses))
            cleared = "; the counters begin anew" if done else "; the counters stay, there is no vrrp process"
        self.record(LogLine("info", f"signal {number}: written to {path}{cleared}"))

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault(error)

    def _loop_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._fault(context.get("exception") or RuntimeError(context.get("message", "unknown")))

    def _fault(self, error: BaseException) -> None:
        """A bug of ours: said with its trace, survived."""
        log.log.error("a fault of the engine: %r", error, exc_info=error)
        self.record(LogLine("error", f"a fault of the engine: {error!r}"))


def names(config: Config) -> dict[tuple[str, int, int] | str, str]:
    """What names an instance in a packet: interface, family and VRID of an advert, address of an ARP or NA."""
    found: dict[tuple[str, int, int] | str, str] = {}
    for one in config.instances:
        found[one.key] = one.name
        for address in (*one.addresses, *one.excluded_addresses):
            found[address.address] = one.name
    return found
