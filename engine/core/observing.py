"""Looking on beside another engine: the kernel's notifications and a tap go into the pure `Observer`, events come out.

Owns the invariant of observation: nothing is sent and nothing is changed. There is no VRRP socket, no group is joined,
no address is touched, no script is run; the tap and the netlink monitor only read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.config.model import Config
from engine.core import kernel_facts
from engine.messages import Event, Input, InterfaceChanged, PacketLine, StatusBatch
from engine.protocol.observer import Observer
from engine.protocol.packet import summarise

TICK_S = 0.1
ALIVE_S = 2.0
"""Seconds between two looks for the other engine's sockets."""


class Watch(Protocol):
    """The netlink monitor of the vrrp layer, used for reading alone."""

    def fileno(self) -> int: ...

    def start(self) -> list[InterfaceChanged]: ...

    def read(self) -> list[Input]: ...

    def close(self) -> None: ...


class Observation:
    """Feeds the Observer; `tell` gets its events."""

    def __init__(
        self, watch: Watch, config: Config, clock: Callable[[], int], tell: Callable[[Sequence[Event], int], None]
    ) -> None:
        self._watch = watch
        self._clock = clock
        self._tell = tell
        self._observer = Observer(config, clock())

    def configure(self, config: Config) -> None:
        """The file on disk was read again."""
        self._observer.configure(config, self._clock())

    def packet(self, line: PacketLine) -> None:
        """A frame from the tap."""
        if line.kind == "advert":
            at = self._clock()
            told = summarise(line.frame)
            self._say(self._observer.advert(line.interface, told, at, outgoing=line.direction == "out"), at)

    def batch(self) -> StatusBatch:
        """The present."""
        return StatusBatch(self._observer.statuses(), whole=True, heard=())

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        await self._look_for_engine()
        at = self._clock()
        self._say(self._observer.kernel(self._watch.start(), at), at)
        loop.add_reader(self._watch.fileno(), self._readable)
        looked = loop.time()
        try:
            while True:
                await asyncio.sleep(TICK_S)
                if loop.time() - looked >= ALIVE_S:
                    looked = loop.time()
                    await self._look_for_engine()
                at = self._clock()
                self._say(self._observer.tick(at), at)
        finally:
            loop.remove_reader(self._watch.fileno())
            self._watch.close()

    def _readable(self) -> None:
        at = self._clock()
        self._say(self._observer.kernel(self._watch.read(), at), at)

    async def _look_for_engine(self) -> None:
        self._observer.running = bool(await asyncio.to_thread(kernel_facts.other_engines, ()))

    def _say(self, events: Sequence[Event], at: int) -> None:
        if events:
            self._tell(events, at)
