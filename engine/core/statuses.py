"""Asking the vrrp process for statuses: only while somebody looks, only what changed, at their rate.

Owns the invariant that nobody watching costs nothing, and that the sign of life which a console trusts
is one of the vrrp loop itself, never core's own good health.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from engine.core.control import ControlServer
from engine.core.outbox import StatusKey
from engine.core.present import Present, key_of
from engine.messages import EngineStatus, HeardAdvert, Heartbeat, PullStatus, Snapshot, Status, StatusBatch

WHOLE_S = 0.5
"""Seconds that the vrrp process has to answer before a snapshot is made of what was known last."""
HEARTBEAT_S = 1.0
KICK_S = 0.05
"""Seconds between two pulls at least, however many transitions call for one."""


class StatusPump:
    """Pulls statuses and hands them on."""

    def __init__(
        self,
        control: ControlServer,
        present: Present,
        ask: Callable[[PullStatus], bool],
        own: Callable[[], EngineStatus],
        clock: Callable[[], int],
        wall: Callable[[], int],
        seq: Callable[[], int],
    ) -> None:
        self._control = control
        self._present = present
        self._ask = ask
        self._own = own
        self._clock = clock
        self._wall = wall
        self._seq = seq
        self._own_told: EngineStatus | None = None
        self._whole: asyncio.Event | None = None
        self._listened: asyncio.Event | None = None
        self._heard: tuple[HeardAdvert, ...] = ()
        self._wake = asyncio.Event()
        self.heard_at = 0
        """When the vrrp process last said anything."""
        self.further: Callable[[], tuple[Status, ...]] = tuple
        """Statuses of core's own that snapshots hold too."""
        self.along: Callable[[Iterable[StatusKey]], list[StatusKey]] = lambda _gone: []
        """Those of core's own that go with what is gone."""

    def arrived(self, batch: StatusBatch) -> None:
        """The vrrp process has answered."""
        changed, gone = self._present.merge(batch, self._clock())
        own = self._own()
        if own != self._own_told:
            self._own_told = own
            changed.append(own)
        self._control.mark_statuses(changed, key_of)
        self._control.tell_gone([*gone, *self.along(gone)])
        self._control.send_statuses(asyncio.get_running_loop().time())
        if batch.whole and self._whole is not None:
            self._whole.set()
            self._whole = None
        if batch.heard is not None and self._listened is not None:
            self._heard = batch.heard
            self._listened.set()
            self._listened = None

    def kick(self) -> None:
        """Something changed that is worth showing before the next turn."""
        self._wake.set()

    async def snapshot(self) -> Snapshot:
        """All statuses, fresh from the vrrp process where it answers."""
        if self._whole is None:
            waiting = asyncio.Event()
            if self._ask(PullStatus(changed_only=False)):
                self._whole = waiting
            else:
                waiting.set()
        else:
            waiting = self._whole
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting.wait(), WHOLE_S)
        if self._whole is waiting:
            self._whole = None
        own = self._own_told = self._own()
        return Snapshot((*self._present.statuses, *self.further(), own), self._seq(), self._clock())

    async def heard(self) -> tuple[HeardAdvert, ...]:
        """What other routers said last, by the vrrp process; as far as the statuses tell where it does not answer."""
        if self._listened is None:
            listened = asyncio.Event()
            if not self._ask(PullStatus(heard=True)):
                return self._heard_by_statuses()
            self._listened = listened
        else:
            listened = self._listened
        try:
            await asyncio.wait_for(listened.wait(), WHOLE_S)
        except TimeoutError:
            if self._listened is listened:
                self._listened = None
            return self._heard_by_statuses()
        return self._heard or self._heard_by_statuses()

    def _heard_by_statuses(self) -> tuple[HeardAdvert, ...]:
        return tuple(
            HeardAdvert(one.peer, one.interface, one.vrid, one.family, one.peer_priority)
            for one in self._present.instances()
            if one.peer and one.peer_priority
        )

    async def pull(self) -> None:
        """For ever: pull at the rate of the fastest watcher, at once after a transition."""
        while True:
            rate = self._control.rate_hz
            self._wake.clear()
            if rate:
                self._ask(PullStatus())
                await asyncio.sleep(min(KICK_S, 1 / rate))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, 1 / rate - KICK_S) if rate else None)

    async def beat(self) -> None:
        """For ever: a heartbeat a second to everybody, with the last sign of life of the vrrp process."""
        while True:
            if self._control.clients:
                if not self._control.rate_hz:
                    self._ask(PullStatus())
                    await asyncio.sleep(KICK_S)
                self._control.tell_heartbeat(Heartbeat(self._clock(), self._wall(), self.heard_at, self._seq()))
            await asyncio.sleep(HEARTBEAT_S)
