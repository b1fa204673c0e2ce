"""PURE but for the wall clock. The drill under way, and what becomes of it: the report with its verdict.

Invariant: the verdict is worked out from what was measured and from nothing else; a drill that did not leave all as
it was has failed, whatever it measured.
"""

from __future__ import annotations

import asyncio

from engine.core.drill.forecast import Forecast
from engine.core.drill.measure import Series, Wire, phases
from engine.core.drill.packets import Packets
from engine.core.drill.wire import Listener
from engine.core.history import wall_ns
from engine.messages import (
    Check,
    DrillPlan,
    DrillProgress,
    DrillReport,
    DrillStep,
    InstanceStatus,
    ProbeResult,
    State,
    Turn,
)

NS = 1_000_000_000
ENOUGH = 5
"""Probes of one place from which on it counts that none was answered."""


class Running:
    """The drill under way."""

    def __init__(
        self,
        number: int,
        plan: DrillPlan,
        status: InstanceStatus,
        by: str,
        reason: str,
        found: Forecast,
        packets: Packets,
        *,
        real: bool = False,
    ) -> None:
        self.number, self.plan, self.before, self.by, self.reason = number, plan, status, by, reason
        self.forecast, self.real = found, real
        self.started = wall_ns()
        self.turns: list[Turn] = []
        self.wires: list[Wire] = []
        """What was heard, by turn."""
        self.abort = asyncio.Event()
        self.why = self.found = self.host = ""
        self.listener = Listener(status)
        self.packets = packets
        self.override, self.overridden, self.lasts = "", tuple[str, ...](), -1
        self.series: dict[str, Series] = {}
        """What probes have measured, by their names."""
        self.notifies: list[str] = []
        self.takeovers: list[int] = []
        good = f"{plan.settle_s:g} s of good probes"
        seen = {"moves": f"until another router serves, then {good}", "splits": f"two masters, then {good}"}
        planned = {
            "preflight": "",
            "baseline": f"{plan.baseline_s:g} s of good probes",
            plan.act: "" if plan.repeat == 1 else f"{plan.repeat} times, each mended",
            "observe": seen.get(plan.expect, good),
            "restore": f"mend it; {_back(status)}",
            "verify": "state, priority and addresses as before",
        }
        self.steps = [DrillStep(name, text=text) for name, text in planned.items()]

    @property
    def acted(self) -> int:
        """When it was broken last; 0 before that."""
        return self.turns[-1].acted if self.turns else 0

    @property
    def restored(self) -> int:
        """When mending what is broken now began; 0 before that."""
        return self.turns[-1].restored if self.turns else 0

    def act(self, instant: int) -> None:
        """It is being broken."""
        self.turns.append(Turn(instant))
        self.listener.act(instant)
        self.wires.append(self.listener.wire)

    def mend(self, instant: int) -> None:
        """It is being mended; the first instant counts."""
        if self.turns and not self.turns[-1].restored:
            self.turns[-1] = Turn(self.turns[-1].acted, instant)

    def step(self, at: int, state: str, text: str = "") -> None:
        """A step goes on."""
        old = self.steps[at]
        self.steps[at] = DrillStep(old.name, state, text or old.text, wall_ns())

    def elsewhere(self) -> list[Series]:
        """Those of other hosts that ask for an answer, not for an owner."""
        here = f"{self.host} "
        return [one for one in self.series.values() if not one.owner and not one.name.startswith(here)]

    def progress(self) -> DrillProgress:
        """For consoles."""
        plan, found = self.plan, self.forecast
        return DrillProgress(
            number=self.number,
            plan=plan.name,
            title=plan.title,
            instance=self.before.name,
            by=self.by,
            reason=self.reason,
            started=self.started,
            budget=found.budget,
            limit=found.limit,
            expected=found.outage,
            steps=tuple(self.steps),
            probes=tuple(one.row() for one in self.series.values()),
            acted=self.acted,
            restoring=bool(self.restored),
            every=int(plan.every_ms * 1_000_000),
            ladder=self.listener.ladder(),
            real_link=self.real,
            outage=self.outage(),
        )

    def outage(self) -> int:
        """ns without answers since the last act, the longest of the probes elsewhere (else of this node's own); -1
        before the act, and where no probe measures."""
        if not self.turns:
            return -1
        counted = self.elsewhere() or [one for one in self.series.values() if not one.owner and not self.real]
        found = [-1]
        for one in counted:
            if one.samples:
                newest = one.samples[-1].sent
                spans = [(end or newest) - start for start, end in one.gaps() if not end or end > self.acted]
                found.append(max(spans, default=0))
        return max(found)


def unreached(running: Running) -> str:
    """After the baseline: why nothing may be broken, since nobody elsewhere could measure it; else empty."""
    asked = [one for one in running.elsewhere() if len(one.samples) >= ENOUGH]
    if not asked or any(each.ok for one in asked for each in one.samples):
        return ""
    return f"no probe elsewhere reaches the address, so nothing was broken: {', '.join(one.name for one in asked)}"


def unheard(running: Running, elapsed: int) -> bool:
    """With a real link down nothing is heard here: probes elsewhere tell, or else the time of a takeover counts."""
    long_enough = elapsed > running.forecast.takeover + 2 * running.before.advert_interval
    probes = [one for one in running.elsewhere() if any(each.ok for each in one.samples)]
    back = [end - running.acted for one in probes for _, end in one.gaps() if end > running.acted]
    running.found = "nothing is heard here while the link is down, and no probe elsewhere tells"
    if probes:
        running.found = f"probes elsewhere have answers again, after {max(back, default=0) / NS:.3f} s"
        quick = [one for one in probes if long_enough and one.samples[-1].ok]
        return len(back) >= len(probes) or len(quick) == len(probes)
    return long_enough


def beyond(running: Running) -> str:
    """While it is observed: which limit is passed, so that it is ended and not watched; else empty."""
    budget, limit = running.forecast.budget, running.forecast.limit
    for one in running.elsewhere() if running.real else running.series.values():
        newest = one.samples[-1] if one.samples else None
        if one.owner:
            doubled = sum(one.every for each in one.samples if len(each.macs) > 1)
            if running.plan.expect != "splits" and doubled > limit:
                return f"{one.name}: two machines have answered for {doubled / NS:.1f} s"
        elif newest is not None and not newest.ok:
            good = next((sample.sent for sample in reversed(one.samples) if sample.ok), 0)
            if good and wall_ns() - good > 2 * budget + NS:
                return f"{one.name}: no answer for more than twice the budget"
    return ""


def _back(status: InstanceStatus) -> str:
    """What comes after the restoration, as far as it is known."""
    if not status.preempt:
        return "nopreempt: it may stay elsewhere"
    if status.peer_priority and status.base_priority <= status.peer_priority:
        return "it may stay there: no lower priority"
    return "it comes back: higher priority, preempts"


def report_of(
    running: Running, about: tuple[str, str, str], found: tuple[Check, ...], outcome: str, text: str, *, restored: bool
) -> DrillReport:
    """Everything that was measured; a drill that was not cut short gets its verdict."""
    plan, outlook, before = running.plan, running.forecast, running.before
    host, version, fingerprint = about
    results = tuple(one.result(running.turns) for one in running.series.values())
    own = f"{host} "
    judged = [one for one in results if not one.name.endswith((" arp", " nd")) and not one.name.startswith(own)]
    if not running.real:  # a host whose link is down reaches nobody, whoever serves
        judged = judged or [one for one in results if one.name == f"{host} icmp"]
    measured = max((one.outage for one in judged), default=-1)
    if outcome == "pass":
        outcome, text = _verdict(running, judged, measured, restored)
    back = _first_good(running, judged)
    at = max((at for at, turn in enumerate(running.turns) if turn.acted <= back), default=len(running.turns) - 1)
    wire = running.wires[at] if running.wires else running.listener.wire
    return DrillReport(
        number=running.number,
        plan=plan.name,
        title=plan.title,
        instance=before.name,
        by=running.by,
        reason=running.reason,
        started=running.started,
        ended=wall_ns(),
        outcome=outcome,
        text=text,
        budget=outlook.budget,
        expected=outlook.outage,
        measured=measured,
        takeover_expected=outlook.takeover,
        takeover=running.takeovers[-1] if running.takeovers else -1,
        doubled=max((one.doubled for one in results), default=0),
        phases=phases(
            wire,
            running.turns[at].acted if running.turns else 0,
            back,
            max(0, outlook.detect),
            (outlook.detect, outlook.elect),
            [one.address for one in before.addresses],
        ),
        probes=results,
        steps=tuple(running.steps),
        checks=found,
        notifies=tuple(running.notifies),
        ladder=running.listener.ladder(),
        restored=restored,
        host=host,
        version=version,
        fingerprint=fingerprint,
        peer=wire.sender or before.peer,
        turns=tuple(running.turns),
        override=running.override,
        overridden=running.overridden,
        lasts=running.lasts,
        packets=running.packets.path,
        packets_kept=running.packets.kept,
        packets_left_out=running.packets.left_out,
        packets_problem=running.packets.problem,
        real_link=running.real,
    )


def as_before(before: InstanceStatus, now: InstanceStatus) -> bool:
    """State, priority, holds and addresses."""
    there = [one.present for one in now.addresses] == [one.present for one in before.addresses]
    same = (now.state, now.priority, now.hold_kind) == (before.state, before.priority, before.hold_kind)
    return same and there and now.timer != "hand-over"


def settled_elsewhere(before: InstanceStatus, now: InstanceStatus) -> bool:
    """Another router serves, and may: nothing is left of the drill here."""
    comes_back = now.preempt and (not now.master_priority or now.base_priority > now.master_priority)
    free = (now.priority, now.hold_kind) == (before.priority, before.hold_kind)
    return free and now.state is State.BACKUP and bool(now.master) and not comes_back


def _verdict(running: Running, judged: list[ProbeResult], measured: int, restored: bool) -> tuple[str, str]:
    budget = running.forecast.budget
    if not restored:
        return "failed", f"not as before: {running.steps[5].text}"
    if measured < 0:
        return "pass", "no probe has measured an outage: none was asked, or none ever answered"
    mute = [one.name for one in judged if one.sent and one.lost == one.sent]
    judged = [one for one in judged if one.name not in mute] or judged
    every = max((one.every for one in judged), default=0)
    words = f"outage {measured / NS:.3f} s (+/- {every / NS:.3f} s), budget {budget / NS:.3f} s"
    words += f"; never answered, not even before: {', '.join(mute)}" if mute else ""
    worst = max(measured, max((one.back for one in judged), default=0))
    if any(one.open for one in judged):
        return "failed", f"a probe was never good again; {words}"
    if worst > measured and worst > budget:
        return "over-budget", f"on the way back {worst / NS:.3f} s; {words}"
    return ("over-budget" if measured > budget else "pass"), words


def _first_good(running: Running, judged: list[ProbeResult]) -> int:
    """When the outage of the probe that measured the longest ended."""
    worst = max(judged, key=lambda one: one.outage, default=None)
    if worst is None or not worst.outage:
        return 0
    series = running.series[worst.name]
    return next((end for start, end in series.gaps() if end - start == worst.outage), 0)
