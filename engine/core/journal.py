"""The journal for replay: what all statuses were, now and then and right after each change, for a day.

Owns the invariant that it costs nothing noticeable: one snapshot in `EVERY_S`, and one soon after a change but never
more than one a second; packed and written by the history's thread; the oldest go when a day or the size is exceeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import zlib
from collections.abc import Awaitable, Callable

import msgspec

from engine.core.history import History
from engine.messages import Event, HandOverFinished, HandOverStarted, HoldChanged, MasterChanged, Snapshot, StateChanged

EVERY_S = 30.0
"""Seconds between two snapshots while nothing happens."""
SOON_S = 0.3
"""Seconds after a change: its statuses have settled."""
APART_S = 1.0
"""Seconds between two snapshots at least."""
DAY_NS = 24 * 3600 * 1_000_000_000
OCTETS = 64 * 1024 * 1024
"""Octets of all packed snapshots."""
PRUNE = 64
"""Snapshots between two looks at the size."""
CHANGES = (StateChanged, MasterChanged, HandOverStarted, HandOverFinished, HoldChanged)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Snapshot).decode


class Journal:
    """Takes the snapshots and gives them back."""

    def __init__(
        self,
        history: History,
        snapshot: Callable[[], Awaitable[Snapshot]],
        wall: Callable[[], int],
        octets: int = OCTETS,
    ) -> None:
        self._history = history
        self._snapshot = snapshot
        self._wall = wall
        self._octets = octets
        self._wake = asyncio.Event()
        self._kept = 0

    def happened(self, event: Event) -> None:
        """A change is worth a snapshot of its own."""
        if isinstance(event, CHANGES):
            self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._wake.clear()
            await self.keep()
            await asyncio.sleep(APART_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), EVERY_S - APART_S)
                await asyncio.sleep(SOON_S)

    async def keep(self) -> None:
        """Take one snapshot."""
        taken = msgspec.structs.replace(await self._snapshot(), wall_ns=self._wall())
        octets = _encode(taken)
        self._kept += 1
        prune = self._kept % PRUNE == 1
        await self._history.work(lambda database: self._write(database, taken.wall_ns, octets, prune=prune))

    def _write(self, database: sqlite3.Connection, wall_ns: int, octets: bytes, *, prune: bool) -> None:
        database.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?)", (wall_ns, zlib.compress(octets, 1)))
        if prune:
            database.execute("DELETE FROM snapshots WHERE wall_ns < ?", (wall_ns - DAY_NS,))
            room = self._octets
            for kept, size in database.execute("SELECT wall_ns, length(octets) FROM snapshots ORDER BY wall_ns DESC"):
                room -= size
                if room < 0:
                    database.execute("DELETE FROM snapshots WHERE wall_ns <= ?", (kept,))
                    break

    async def between(self, since_wall_ns: int, until_wall_ns: int, limit: int) -> list[Snapshot]:
        """The snapshots of a span, oldest first, at most `limit`; the last one before it leads them."""

        def read(database: sqlite3.Connection) -> list[bytes]:
            start = database.execute(
                "SELECT max(wall_ns) FROM snapshots WHERE wall_ns <= ?", (since_wall_ns,)
            ).fetchone()
            first = start[0] if start and start[0] is not None else since_wall_ns
            rows = database.execute(
                "SELECT octets FROM snapshots WHERE wall_ns >= ? AND wall_ns <= ? ORDER BY wall_ns LIMIT ?",
                (first, until_wall_ns, limit),
            )
            return [zlib.decompress(row[0]) for row in rows]

        found = []
        for octets in await self._history.work(read) or []:
            with contextlib.suppress(msgspec.MsgspecError):  # of a newer engine, after a downgrade
                found.append(_decode(octets))
        return found
