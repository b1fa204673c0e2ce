"""Diagnosis of this running engine: it collects the facts, listens now and then, and tells the findings.

Owns the invariant that it works only while somebody watches or asks, that it listens in samples (the tap and the
verdicts cost the vrrp process something), never where the adverts are too many, and that a finding is told when it
comes, when it changes and when it goes, not in between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from engine.config.model import Config
from engine.core import kernel_facts
from engine.core.present import Present
from engine.core.silent import SilentPeers
from engine.diagnosis import Announcement, Facts, Runs, Tally, diagnose
from engine.messages import (
    AddressLost,
    Event,
    FindingStatus,
    InstanceStatus,
    InterfaceStatus,
    NearMiss,
    PacketLine,
    ScriptFinished,
    Snapshot,
    State,
    StateChanged,
    TrackerChanged,
    TrackerStatus,
)

EVERY_S = 2.0
"""Seconds between two looks while somebody watches."""
SAMPLE_S, SAMPLE_MOST_S = 4.0, 15.0
PAUSE_S = 20.0
"""Seconds between two samples, unless an instance changes its state."""
BEGIN_NS = 500_000_000
"""ns after opening the tap in which the verdicts are on their way."""
KERNEL_S = 10.0
"""Seconds for which the kernel's facts are good."""
ADVERTS = 500.0
"""Adverts a second of all instances beyond which nobody listens unasked."""
MEMORY = 600_000_000_000
RUNS = 20
LISTEN_MOST_S = 60.0
STEAL_NS = 60_000_000_000
"""ns since the processors were last looked at, beyond which a share says nothing of a moment."""
ASKED = 16
"""Addresses of ours that are asked for in one sample."""


class Host(Protocol):
    """What diagnosis asks of the engine."""

    present: Present

    @property
    def config(self) -> Config: ...

    def clock(self) -> int: ...

    def record(self, event: Event, at: int | None = None) -> None: ...

    def tap_wanted(self) -> None:
        """`listening` has changed."""

    def own_pids(self) -> tuple[int, ...]:
        """The processes of this engine."""

    def watched(self) -> bool:
        """Somebody looks at the statuses."""

    def tell_findings(self, changed: list[FindingStatus], gone: list[str]) -> None: ...

    async def snapshot(self) -> Snapshot: ...


@dataclass
class _Kernel:
    """The kernel's facts, and when they were read."""

    at: float = -1e9
    groups: dict[str, frozenset[str]] | None = None
    others: tuple[str, ...] = ()
    alive: frozenset[str] = frozenset()
    culprits: tuple[str, ...] = ()
    firewalls: tuple[str, ...] = ()
    cloud: str = ""


class Diagnosis:
    """Collects, looks, tells."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._tally = Tally()
        self._sampled = 0
        """ns that the last sample lasted; 0 before the first."""
        self._answers: tuple[Announcement, ...] = ()
        """Of the last sample."""
        self._kernel = _Kernel()
        self._lost: deque[tuple[int, AddressLost]] = deque(maxlen=32)
        self._near: deque[tuple[int, NearMiss]] = deque(maxlen=32)
        self._turns: deque[tuple[int, StateChanged]] = deque(maxlen=64)
        self._flips: dict[str, deque[int]] = {}
        self._durations: dict[str, deque[int]] = {}
        self._findings: dict[str, FindingStatus] = {}
        self._silent = SilentPeers(host)
        self._stolen: dict[int, float] = {}
        self._ticks: tuple[int, int] | None = None
        self._ticks_at = 0
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self.listening = False
        """The tap has to be open."""
        self.observing = False
        """The other engine of this host is the one that is looked at."""
        self.impaired: Callable[[], frozenset[str]] = frozenset
        """Instances that a drill makes ill on purpose."""

    @property
    def findings(self) -> tuple[FindingStatus, ...]:
        """What is wrong, as of the last look."""
        return tuple(self._findings.values())

    def forget(self, gone: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """What was found of an instance goes with it; the keys of that, where these statuses are `gone`."""
        names = {name for kind, name in gone if kind == "instance-status"}
        found = [one.name for one in self._findings.values() if one.instance in names]
        for name in found:
            del self._findings[name]
        for lost in [one for one in self._lost if one[1].instance in names]:
            self._lost.remove(lost)
        return [("finding-status", name) for name in found]

    # ---- what is told

    def packet(self, line: PacketLine) -> None:
        """A packet from the tap."""
        if self.listening:
            self._tally.note(line)

    def happened(self, event: Event, at: int) -> None:
        """An event of the vrrp process."""
        if isinstance(event, AddressLost):
            self._lost.append((at, event))
        elif isinstance(event, NearMiss):
            self._near.append((at, event))
            self._steal(at)
        elif isinstance(event, TrackerChanged):
            self._flips.setdefault(event.name, deque(maxlen=RUNS)).append(at)
        elif isinstance(event, StateChanged):
            self._changed.set()
            self._turns.append((at, event))
            if not self.observing:
                self._silent.happened(event)

    def _steal(self, at: int) -> None:
        """How much of the processors was stolen since they were last looked at, where that was lately."""
        now, before = kernel_facts.processor(), self._ticks
        if now is None or before is None or at - self._ticks_at > STEAL_NS or now[0] <= before[0]:
            return
        self._stolen[at] = (now[1] - before[1]) / (now[0] - before[0])
        for old in list(self._stolen)[:-32]:
            del self._stolen[old]

    def ran(self, result: object) -> None:
        """A result of the check process."""
        if isinstance(result, ScriptFinished):
            self._durations.setdefault(result.name, deque(maxlen=RUNS)).append(result.duration)

    # ---- looking

    async def run(self) -> None:
        """For ever: look while somebody watches, listen now and then."""
        next_sample = 0.0
        loop = asyncio.get_running_loop()
        while True:
            if not self._host.watched():
                await asyncio.sleep(EVERY_S)
                continue
            if (loop.time() >= next_sample or self._changed.is_set()) and self._bearable():
                self._changed.clear()
                await self._listen(self._sample_s())
                next_sample = loop.time() + PAUSE_S
            await self.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), EVERY_S)

    async def ask(self, listen_s: float) -> tuple[FindingStatus, ...]:
        """Listen for so long, and look: for somebody who does not watch. The kernel is read anew."""
        await self._host.snapshot()
        self._kernel.at = -1e9
        if listen_s > 0:
            await self._listen(min(listen_s, LISTEN_MOST_S))
            await self._host.snapshot()
        await self.look()
        return self.findings

    def _bearable(self) -> bool:
        adverts = sum(1e9 / max(1, one.advert_interval) for one in self._host.config.instances)
        return adverts <= ADVERTS

    def _sample_s(self) -> float:
        longest = max((one.master_down_interval for one in self._host.present.instances()), default=0)
        return min(max(SAMPLE_S, 3.2 * longest / 1e9), SAMPLE_MOST_S)

    async def _listen(self, seconds: float) -> None:
        async with self._lock:
            began = self._host.clock() + BEGIN_NS
            self._tally.begin(began)
            self._turn(listening=True)
            try:
                whole = seconds + BEGIN_NS / 1e9
                _, self._answers = await asyncio.gather(asyncio.sleep(whole), self._ask_for_ours(whole))
            finally:
                self._turn(listening=False)
            self._sampled = self._host.clock() - began

    async def _ask_for_ours(self, whole: float) -> tuple[Announcement, ...]:
        """Does another host answer for an address that we hold as master? Asked at the end of a sample of `whole`
        seconds. An observer asks nothing."""
        if self.observing:
            return ()
        from engine.core import neighbours

        await asyncio.sleep(max(0.0, whole - neighbours.ROUNDS * neighbours.EVERY_S))
        masters = [one for one in self._host.present.instances() if one.state is State.MASTER and not one.unicast]
        questions = []
        for one in masters[:ASKED]:
            address = next((held.address for held in one.addresses if held.present and held.advertised), "")
            if address and (one.family == 4 or one.source):
                source = neighbours.NOBODY if one.family == 4 else one.source
                questions.append(neighbours.Question(one.interface, address, source))
        at = self._host.clock()
        answers = await asyncio.to_thread(neighbours.who_has, questions) if questions else []
        return tuple(Announcement(one.question.address, mac, at) for one in answers for mac in one.macs)

    def _turn(self, *, listening: bool) -> None:
        self.listening = listening
        self._host.tap_wanted()

    async def look(self) -> None:
        """Find, and tell what is new and what is gone."""
        await self._read_kernel()
        now = self._host.clock()
        statuses = self._host.present.statuses
        found = diagnose(
            Facts(
                now=now,
                config=self._host.config,
                instances=tuple(one for one in statuses if isinstance(one, InstanceStatus)),
                trackers=tuple(one for one in statuses if isinstance(one, TrackerStatus)),
                interfaces=tuple(one for one in statuses if isinstance(one, InterfaceStatus)),
                sampled=self._sampled,
                senders=self._tally.senders if self._sampled else (),
                announcements=self._tally.announcements,
                answers=self._answers,
                groups=self._kernel.groups,
                others=() if self.observing else self._kernel.others,
                alive=self._kernel.alive,
                lost=tuple(self._lost),
                near=tuple(self._near),
                turns=() if self.observing else tuple(self._turns),
                stolen=self._stolen,
                runs=tuple(self._runs(now)),
                culprits=self._kernel.culprits,
                firewalls=self._kernel.firewalls,
                cloud=self._kernel.cloud,
                impaired=self.impaired(),
            )
        )
        before, self._findings = self._findings, {}
        for one in found:
            known = before.get(one.name)
            self._findings[one.name] = msgspec.structs.replace(one, since=known.since if known else now)
        changed = [one for name, one in self._findings.items() if before.get(name) != one]
        self._host.tell_findings(changed, [name for name in before if name not in self._findings])

    def _runs(self, now: int) -> Iterable[Runs]:
        for name in {*self._durations, *self._flips}:
            changes = sum(now - at <= MEMORY for at in self._flips.get(name, ()))
            yield Runs(name, tuple(self._durations.get(name, ())), changes)

    async def _read_kernel(self) -> None:
        kernel, loop = self._kernel, asyncio.get_running_loop()
        if loop.time() - kernel.at < KERNEL_S:
            return
        kernel.at = loop.time()
        self._ticks, self._ticks_at = kernel_facts.processor(), self._host.clock()
        pids, suspect = self._host.own_pids(), bool(self._lost)

        def read() -> None:
            kernel.groups = kernel_facts.groups()
            kernel.others = kernel_facts.other_engines(pids)
            kernel.alive = kernel_facts.alive()
            kernel.culprits = kernel_facts.managers() if suspect else ()
            kernel.firewalls = kernel_facts.firewalls()
            kernel.cloud = kernel_facts.cloud()

        await asyncio.to_thread(read)
