"""Runs one drill: preflight, baseline, act, observe, restore, verify; then the report.

Owns the invariant that what a drill has broken is mended: at its end, at its limit, when somebody says so, when
the engine stops, and by the next engine when this one dies (the journal). One drill at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from engine.config.model import Config
from engine.core.drill import plans
from engine.core.drill.cable import Cable
from engine.core.drill.forecast import BACK_S, PATIENCE_S, forecast, lasting, longest, moves, slowest_back
from engine.core.drill.link import ours_of
from engine.core.drill.measure import Series
from engine.core.drill.packets import Packets
from engine.core.drill.preflight import Known, checks, overridden
from engine.core.drill.probing import Prober
from engine.core.drill.running import NS, Running, as_before, beyond, report_of, settled_elsewhere, unheard, unreached
from engine.core.drill.store import Drills, Journal
from engine.core.history import wall_ns
from engine.errors import Refused
from engine.messages import (
    Check,
    CommandFinished,
    DrillFinished,
    DrillPlan,
    DrillProgress,
    DrillReport,
    DrillStarted,
    Event,
    Failover,
    Impair,
    InstanceStatus,
    LogLine,
    MasterChanged,
    Outcome,
    PacketLine,
    ProbeSample,
    ProbeSeen,
    Release,
    Relieve,
    RunDrill,
    ScriptRan,
    State,
)

AWAITED = {"moves": "another router takes over", "splits": "two masters"}
LOOK_S = 0.05
TELL_S = 0.5
IMPAIRMENTS = {"silent": "silent", "link": "link", "tracker": "tracker", "deaf": "deaf"}
MARGIN = 10 * NS
"""ns that the vrrp process' own end of an impairment lies behind ours."""


class Site(Protocol):
    """What a drill asks of core."""

    @property
    def config(self) -> Config: ...

    def clock(self) -> int: ...

    def record(self, event: Event, at: int | None = None) -> None: ...

    def own_status_changed(self) -> None: ...

    async def instances(self) -> list[InstanceStatus]: ...

    async def order(self, command: Failover | Release | Impair | Relieve, by: str, reason: str) -> CommandFinished: ...

    def stall(self, duration: int) -> bool: ...

    def kill_vrrp(self) -> bool: ...

    def vrrp_pid(self) -> int: ...

    async def reload(self, by: str) -> None: ...

    def watch_wire(self) -> None: ...

    def reserved(self) -> str: ...

    async def known(self, status: InstanceStatus, nodes: tuple[Check, ...]) -> Known: ...

    async def impact(self) -> Check: ...

    def about(self) -> tuple[str, str, str]: ...


class Aborted(Exception):
    """Mend it now."""


class Runner:
    """All drills of this engine."""

    def __init__(self, site: Site, directory: Path | None) -> None:
        self._site = site
        self._plans = directory / "drills" / "plans" if directory else None
        self.drills = Drills(directory)
        self.cable = Cable(self.drills.directory)
        self.running: Running | None = None
        self._task: asyncio.Task[DrillReport] | None = None
        self._heard: dict[str, tuple[str, int]] = {}
        """Other routers by instance, with their priority: what a new vrrp process cannot know."""

    # ---- at the start

    def unfinished(self) -> Journal | None:
        """What an engine before this one did not mend. Its impairments ended with it; its holds have to."""
        return self.drills.journal()

    async def recover(self, journal: Journal, link: str = "") -> None:
        """Write the report of the drill that a crash has ended. `link`: what became of the real link."""
        await asyncio.to_thread(self.drills.open)
        host, version, fingerprint = self._site.about()
        packets = self.drills.packets_file(journal.number)
        report = DrillReport(
            number=journal.number,
            plan=journal.plan,
            title=journal.title,
            instance=journal.instance,
            by=journal.by,
            reason=journal.reason,
            started=journal.started,
            ended=wall_ns(),
            outcome="crashed",
            text="the engine ended during the drill; "
            + (link or "what it had broken ended with it, its hold was released"),
            restored=True,
            host=host,
            version=version,
            fingerprint=fingerprint,
            packets=str(packets) if packets is not None and packets.exists() else "",
            packets_kept=-1,
            real_link=journal.real_link,
        )
        await self._keep(report)
        self._site.record(DrillFinished(report.number, report.plan, report.instance, report.outcome, report.text))

    # ---- what is there

    def plans(self) -> tuple[tuple[DrillPlan, ...], tuple[str, ...]]:
        """Built in, then files; and what is wrong with files."""
        found, wrong = plans.from_directory(self._plans)
        return (*plans.BUILT_IN, *found), tuple(wrong)

    @property
    def obstacle(self) -> str:
        """Why nothing else may be moved now."""
        running = self.running
        return f"drill {running.number} ({running.plan.name}) is running, by {running.by}" if running else ""

    def progress(self) -> DrillProgress | None:
        """The drill under way."""
        return self.running.progress() if self.running is not None else None

    async def reports(self) -> tuple[DrillReport, ...]:
        """Oldest first."""
        await asyncio.to_thread(self.drills.open)
        return self.drills.reports

    # ---- what operators ask for

    async def run(
        self, command: RunDrill, by: str, reason: str, tell: Callable[[str], None], further: tuple[Check, ...] = ()
    ) -> DrillReport:
        """Run a drill to its end. Whoever waits may leave; the drill goes on. `further` belongs to the preflight.

        Raises:
            Refused: E-DRILL, E-PLAN, E-UNKNOWN-INSTANCE, E-PREFLIGHT, E-HISTORY-OFF; nothing was done.
        """
        plan = self._planned(command)
        await asyncio.to_thread(self.drills.open)
        status = await self._status(command.instance)
        if status is None:
            raise Refused("E-UNKNOWN-INSTANCE", f"there is no instance {command.instance!r}")
        if not (command.simulate or command.dry_run):
            await asyncio.to_thread(self.drills.check_room)
        if self.running is not None:
            raise Refused("E-DRILL", self.obstacle)
        elsewhere = self._site.reserved()
        if elsewhere and not (command.simulate or command.dry_run):
            raise Refused("E-DRILL", elsewhere)
        found = (*checks(plan, status, await self._site.known(status, command.checks)), *further)
        if plan.act == "reload":
            found = (*found, await self._site.impact())
        outlook = forecast(plan, status)
        if command.simulate:
            from engine.core.drill.rehearse import rehearse  # the simulation: no start of an engine waits for it

            args = (plan, self._site.config, status, outlook, self._site.about(), command.other)
            report = await asyncio.to_thread(rehearse, *args)
            return msgspec.structs.replace(report, by=by, reason=reason, checks=found)
        codes = () if command.dry_run else overridden(found, command.override)
        number = self.drills.next_number
        packets = Packets(None if command.dry_run else self.drills.packets_file(number), self._members(status))
        running = Running(number, plan, status, by, reason, outlook, packets, real=command.real_link)
        running.host = self._site.about()[0]
        running.override, running.overridden = (command.override if codes else ""), codes
        running.lasts = longest(plan, status, outlook, real=running.real)
        if command.dry_run:
            return report_of(running, self._site.about(), found, "preflight", "nothing was done", restored=True)
        self.running = running
        self._task = asyncio.get_running_loop().create_task(self._run(running, found, tell))
        return await asyncio.shield(self._task)

    def _planned(self, command: RunDrill) -> DrillPlan:
        if command.text:
            plan = plans.parse(command.text, command.plan or "plan")
        else:
            known, wrong = self.plans()
            chosen = next((one for one in reversed(known) if one.name == command.plan), None)
            if chosen is None:
                names = " ".join(dict.fromkeys(one.name for one in known))
                more = f"; not readable: {'; '.join(wrong)}" if wrong else ""
                raise Refused("E-PLAN", f"there is no plan {command.plan!r}: {names}{more}")
            plan = chosen
        changes: dict[str, object] = {}
        for name in ("budget_s", "limit_s", "repeat", "tracker"):
            if getattr(command, name):
                changes[name] = getattr(command, name)
        if command.real_link and not command.simulate:
            if plan.act != "link":
                raise Refused("E-PLAN", f"{plan.name}: only a drill of the link can take it really down")
            changes["title"] = f"REAL: the interface is taken down. {plan.title.replace(' (simulated)', '')}"
        if command.baseline_s >= 0:
            changes["baseline_s"] = command.baseline_s
        return plans.checked(msgspec.structs.replace(plan, **changes))

    def abort(self, by: str) -> str:
        """Mend at once.

        Raises:
            Refused: E-NO-DRILL.
        """
        running = self.running
        if running is None:
            raise Refused("E-NO-DRILL", "no drill is running")
        self._abort(running, f"aborted by {by}")
        return f"drill {running.number} is being aborted; what it changed is restored at once"

    def _abort(self, running: Running, why: str) -> None:
        running.why = running.why or why
        running.abort.set()

    async def close(self) -> None:
        """The engine ends: mend, if the vrrp process still hears."""
        if self.running is not None and self._task is not None:
            self._abort(self.running, "the engine ends")
            with contextlib.suppress(TimeoutError, Refused, OSError):
                await asyncio.wait_for(asyncio.shield(self._task), 3.0)

    # ---- what is told

    def packet(self, line: PacketLine) -> None:
        """A frame of the wire."""
        if self.running is not None:
            self.running.listener.packet(line)
            self.running.packets.add(line)

    def happened(self, event: Event) -> None:
        """Notify scripts count, too."""
        if isinstance(event, MasterChanged) and event.master and event.priority:
            self._heard[event.instance] = (event.master, event.priority)
        running = self.running
        if running is not None and isinstance(event, ScriptRan):
            name = event.argv[0] if event.argv else ""
            running.notifies.append(
                f"{event.instance} {name} exit {event.exit_status} after {event.duration / 1e9:.3f} s"
            )

    def seen(self, said: ProbeSeen) -> None:
        """What a probe elsewhere has measured.

        Raises:
            Refused: E-NO-DRILL.
        """
        if self.running is None:
            raise Refused("E-NO-DRILL", "no drill is running")
        self._measured(said.name[:60], max(1, said.every), said.samples)

    def _measured(self, name: str, every: int, samples: tuple[ProbeSample, ...]) -> None:
        if self.running is not None:
            series = self.running.series
            if name in series or len(series) < 32:
                series.setdefault(name, Series(name, every)).samples.extend(samples)

    # ---- the steps

    async def _status(self, name: str) -> InstanceStatus | None:
        found = next((one for one in await self._site.instances() if one.name == name), None)
        if found is not None and not found.peer and name in self._heard:
            peer, priority = self._heard[name]
            return msgspec.structs.replace(found, peer=peer, peer_priority=priority)
        return found

    async def _run(self, running: Running, found: tuple[Check, ...], tell: Callable[[str], None]) -> DrillReport:
        site, plan = self._site, running.plan
        host = site.about()[0]
        prober = Prober(host, self._measured)
        site.record(DrillStarted(running.number, plan.name, running.before.name, running.by, running.reason))
        counts = {word: sum(one.result == word for one in found) for word in ("pass", "warn", "unknown")}
        running.step(0, "done", "   ".join(f"{count} {word}" for word, count in counts.items()))
        site.watch_wire()
        teller = asyncio.get_running_loop().create_task(self._tell(running))
        outcome, text = "failed", ""
        restored = False
        try:
            await prober.start(running.before, plan.every_ms)
            await self._baseline(running, tell)
            try:
                await asyncio.to_thread(self.drills.begin, self._journal(running))
                for turn in range(plan.repeat):
                    if turn:
                        await self._restore(running, tell)
                        await self._verify(running)
                    await self._act(running, tell)
                    await self._observe(running, tell)
                outcome = "pass"
            finally:
                restored, _ = await self._mend(running, tell)
            await self._wait(min(plan.settle_s, PATIENCE_S), abortable=False, running=running)
            await asyncio.sleep(PATIENCE_S)
        except Aborted:
            outcome, text = "aborted", running.why
        except Refused as refusal:
            outcome, text = "failed", f"{refusal.reason} [{refusal.code}]"
        except OSError as error:
            outcome, text = "failed", f"{error.filename or 'a file'}: {error.strerror or error}"
        finally:
            await prober.stop()
            teller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await teller
            await asyncio.to_thread(running.packets.flush)
        if outcome == "aborted" and not running.acted:
            restored = True
        await self.cable.finish()
        report = report_of(running, site.about(), found, outcome, text, restored=restored)
        await self._keep(report)
        self.running = None
        site.watch_wire()
        site.own_status_changed()
        site.record(
            DrillFinished(report.number, report.plan, report.instance, report.outcome, report.text, report.measured)
        )
        return report

    async def _tell(self, running: Running) -> None:
        while True:
            self._site.own_status_changed()
            await asyncio.to_thread(running.packets.flush)
            await asyncio.sleep(TELL_S)

    async def _baseline(self, running: Running, tell: Callable[[str], None]) -> None:
        running.step(1, "now")
        tell(
            f"drill {running.number} {running.plan.name} {running.before.name}: baseline {running.plan.baseline_s:g} s"
        )
        await self._wait(running.plan.baseline_s, running=running)
        words = [
            f"{one.name} {len(one.samples) - one.row().lost}/{len(one.samples)}" for one in running.series.values()
        ]
        running.step(1, "done", "   ".join(words) or "no probe has said anything")
        if why := unreached(running):
            self._abort(running, why)
            raise Aborted

    async def _wait(self, seconds: float, *, running: Running, abortable: bool = True) -> None:
        """Some time, unless it is aborted."""
        if not abortable:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running.abort.wait(), seconds)
        if running.abort.is_set():
            raise Aborted

    async def _act(self, running: Running, tell: Callable[[str], None]) -> None:
        """Break it."""
        site, plan, name = self._site, running.plan, running.before.name
        if running.abort.is_set():
            raise Aborted
        by, reason = f"drill {running.number}", running.reason or plan.title
        running.step(2, "now")
        tell(f"{plan.act} now")
        running.act(wall_ns())
        running.listener.note(running.acted, f"act: {plan.act}")
        last = lasting(plan, running.before)
        until = site.clock() + max(running.forecast.limit, last) + int(plan.settle_s * NS) + MARGIN
        text = ""
        if running.real:
            seconds = (until - site.clock()) / NS
            text = await self.cable.sever(running.before.interface, ours_of(site.config), seconds)
        elif plan.act in IMPAIRMENTS:
            text = await self._ordered(Impair(name, IMPAIRMENTS[plan.act], until, plan.tracker), by, reason)
        elif plan.act in ("hand-over", "take-over"):
            method = "step-down" if plan.act == "hand-over" else "take-over"
            limit_s = (until - site.clock()) / NS
            text = await self._moved(running, Failover(name, method, limit_s), by, reason)
        elif plan.act == "stall":
            if not site.stall(last):
                raise Refused("E-SILENT", "the vrrp process does not run just now")
            text = f"the vrrp process stands still for {last / NS:.1f} s"
        elif plan.act == "crash":
            before = site.vrrp_pid()
            if not site.kill_vrrp():
                raise Refused("E-SILENT", "the vrrp process does not run just now")
            text = f"vrrp process {before} killed"
        else:
            await site.reload(by)
            text = "configuration read again"
        running.step(2, "done", text)

    async def _moved(self, running: Running, command: Failover, by: str, reason: str) -> str:
        """Order a move; what takes longer than the limit, or is aborted meanwhile, is taken back."""
        order = asyncio.ensure_future(self._ordered(command, by, reason))
        aborted = asyncio.ensure_future(running.abort.wait())
        try:
            limit = running.forecast.limit / NS
            await asyncio.wait({order, aborted}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if order.done():
                return order.result()
            if not running.abort.is_set():
                self._abort(running, f"nobody has taken over within {limit:.1f} s")
            raise Aborted
        finally:
            for task in (order, aborted):
                task.cancel()

    async def _ordered(self, command: Failover | Release | Impair | Relieve, by: str, reason: str) -> str:
        done = await self._site.order(command, by, reason)
        if done.outcome is not Outcome.DONE:
            raise Refused(done.code or "E-BUSY", done.text)
        return done.text

    async def _observe(self, running: Running, tell: Callable[[str], None]) -> None:
        """Wait for what must happen, then a while of good probes."""
        site, plan = self._site, running.plan
        wanted = moves(plan, running.before)
        running.step(
            3, "now", {"moves": "another router takes over", "splits": "two masters"}.get(wanted, "nothing moves")
        )
        began = site.clock()
        while True:
            elapsed = site.clock() - began
            if await self._happened(running, wanted, elapsed):
                break
            if elapsed > running.forecast.limit:
                self._abort(running, f"not seen within {running.forecast.limit / NS:.1f} s: {running.steps[3].text}")
            await self._wait(LOOK_S, running=running)
        if running.listener.wire.other:
            took = running.listener.wire.other - running.acted
            running.takeovers.append(took)
            tell(f"{running.listener.wire.sender} took over after {took / NS:.3f} s")
        end = site.clock() + int(plan.settle_s * NS)
        while (left := end - site.clock()) > 0:
            await self._wait(min(left / NS, LOOK_S), running=running)
            if why := beyond(running):
                self._abort(running, why)
                raise Aborted
        other = running.listener.wire.sender
        text = running.found or "as expected"
        if running.takeovers and other:
            text = f"{other} after {running.takeovers[-1] / NS:.3f} s"
        running.step(3, "done", text)

    async def _happened(self, running: Running, wanted: str, elapsed: int) -> bool:
        plan = running.plan
        if running.real:
            return unheard(running, elapsed)
        if wanted == "splits":
            status = await self._status(running.before.name)
            return status is not None and status.state is State.MASTER
        if plan.act == "crash":
            status = await self._status(running.before.name)
            alive = self._site.vrrp_pid() != 0 and status is not None and status.state is running.before.state
            return alive and elapsed > running.before.advert_interval
        if plan.act == "take-over":
            status = await self._status(running.before.name)
            return status is not None and status.state is State.MASTER
        if wanted == "stays":
            return elapsed > 2 * running.before.advert_interval + NS // 2
        return bool(running.listener.wire.other)

    async def _restore(self, running: Running, tell: Callable[[str], None]) -> None:
        """Mend what the act broke. Said again and again until the vrrp process hears it."""
        site, act = self._site, running.plan.act
        running.step(4, "now")
        running.mend(wall_ns())
        running.listener.note(wall_ns(), "restore")
        tell("restore")
        by = f"drill {running.number}"
        command: Release | Relieve | None = None
        text = "nothing to mend"
        if running.real:
            try:
                text = await self.cable.mend()
            except OSError as error:
                text = f"{error.filename}: {error.strerror}; its guard goes on trying"
        elif act in IMPAIRMENTS:
            command = Relieve()
        elif act in ("hand-over", "take-over"):
            command = Release(running.before.name)
        elif act == "stall":
            site.stall(0)
        for _ in range(20):
            if command is None:
                break
            try:
                done = await site.order(command, by, "end of the drill")
            except Refused as refusal:
                text = refusal.reason
            else:
                text = done.text
                if done.outcome is Outcome.DONE or done.code == "E-NOT-HELD":
                    break
            await asyncio.sleep(0.25)
        running.step(4, "done", text)

    async def _mend(self, running: Running, tell: Callable[[str], None]) -> tuple[bool, str]:
        """Restore, and see that it is as before."""
        if not running.acted:
            return True, "nothing was changed"
        await self._restore(running, tell)
        good, text = await self._verify(running)
        if good:
            try:
                await asyncio.to_thread(self.drills.mended)
            except OSError as error:
                self._site.record(LogLine("warning", f"the journal of the drill stays: {error.strerror or error}"))
        return good, text

    async def _verify(self, running: Running) -> tuple[bool, str]:
        """Whether all is as it was before."""
        before = running.before
        running.step(5, "now", f"{before.state} again")
        end = self._site.clock() + slowest_back(before, real=running.real) + int(BACK_S * NS)
        status, lost = None, tuple[str, ...]()
        while self._site.clock() < end:
            status = await self._status(before.name)
            lost = await self.cable.missing() if running.real else ()
            if lost:
                await asyncio.sleep(LOOK_S)
                continue
            if status is not None and as_before(before, status):
                more = ", all of the link as before" if running.real else ""
                running.step(5, "done", f"{status.state}, priority {status.priority}, addresses as before{more}")
                return True, ""
            if status is not None and settled_elsewhere(before, status) and self._site.clock() > end - int(BACK_S * NS):
                running.step(5, "done", f"serves elsewhere: {status.master}; nothing is held or broken here")
                return True, ""
            await asyncio.sleep(LOOK_S)
        text = f"{status.state}, priority {status.priority}" if status is not None else "no answer"
        text += f"; lost: {', '.join(lost)}" if lost else ""
        running.step(5, "failed", f"it was {before.state}, priority {before.priority}; it is {text}")
        return False, text

    # ---- the report

    def _members(self, status: InstanceStatus) -> tuple[str, ...]:
        """Those that move together."""
        groups = self._site.config.groups
        found = next((one.members for one in groups if one.name == status.sync_group), (status.name,))
        return tuple(found)

    def _journal(self, running: Running) -> Journal:
        return Journal(
            number=running.number,
            plan=running.plan.name,
            title=running.plan.title,
            instance=running.before.name,
            members=self._members(running.before),
            act=running.plan.act,
            by=running.by,
            reason=running.reason,
            started=running.started,
            real_link=running.real,
        )

    async def _keep(self, report: DrillReport) -> None:
        try:
            await asyncio.to_thread(self.drills.add, report)
            if report.restored:
                await asyncio.to_thread(self.drills.mended)
        except OSError as error:
            self._site.record(LogLine("warning", f"the report of drill {report.number} is in memory only: {error}"))
