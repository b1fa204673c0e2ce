"""The past on the same screens: a recording, or the engine's journal, played, stepped and scrubbed.

Invariant: what is shown at an instant is what the engine said up to then and nothing later; going back tells all of it
again from the beginning. Between two snapshots of the journal the engine lived, which is all that is filled in.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from engine.errors import HatuiError
from engine.messages import (
    Command,
    EventLine,
    GetEvents,
    GetJournal,
    Heartbeat,
    Hello,
    Reply,
    ServerLine,
    Snapshot,
)
from hatui.link import Deliver, ReplayLink
from hatui.store import Connection, LinkState, Rewound, Told
from hatui.text import NS

BEFORE, AFTER = 600 * NS, 1800 * NS
"""ns of the journal that are fetched before and after the instant that was asked for."""
ALIVE = 65 * NS
"""ns between two snapshots within which the engine lived all the time."""
BEAT = NS
SNAPSHOTS = 400
"""Snapshots that are fetched at most."""
PAGE = 50
JOURNAL = "journal.jsonl"
"""The recording inside a bundle."""
EVENTS = 5000
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M")

Ask = Callable[[Command], Awaitable[Reply]]


def moment_of(text: str, now_wall: int, *, end: bool = True) -> int:
    """The wall time (ns) of a local time; without a date the last such time. `end`: of the named second or minute
    the end is meant, else its beginning.

    Raises: HatuiError when it is none.
    """
    now = datetime.fromtimestamp(now_wall / NS, tz=UTC).astimezone()
    for form in _FORMS:
        try:
            read = datetime.strptime(text, form)  # noqa: DTZ007  a local time: its zone follows
        except ValueError:
            continue
        span = timedelta(seconds=1) if "%S" in form else timedelta(minutes=1)
        if "%Y" not in form:
            read = read.replace(year=now.year, month=now.month, day=now.day)
            if read > now.replace(tzinfo=None):
                read -= timedelta(days=1)
        begins = int(read.astimezone().timestamp()) * NS
        return begins + int(span.total_seconds()) * NS - 1 if end else begins
    raise HatuiError(f"{text!r} is no time: write 14:02, 14:02:10 or 2026-01-31 14:02:10 [E-TIME]")


def recording(hello: Hello, snapshots: Sequence[Snapshot], events: Sequence[EventLine]) -> list[ServerLine]:
    """The lines of a recording, in order, from parts of the journal. Empty when there is no snapshot."""
    if not snapshots:
        return []
    lines: list[tuple[int, int, ServerLine]] = []
    for at, shot in enumerate(snapshots):
        mono = shot.mono_ns
        lines.append((shot.wall_ns, 1, shot))
        following = snapshots[at + 1].mono_ns if at + 1 < len(snapshots) else mono
        if 0 <= following - mono <= ALIVE:
            for beat in range(mono + BEAT, following, BEAT):
                wall = shot.wall_ns + beat - mono
                lines.append((wall, 2, Heartbeat(beat, wall, beat, shot.seq)))
    lines += [(row.wall_ns, 0, row) for row in events]
    lines.sort(key=lambda one: one[:2])
    first = snapshots[0]
    greeting = msgspec.structs.replace(hello, mono_ns=first.mono_ns, wall_ns=first.wall_ns, role="viewer")
    return [greeting, *(line for _, _, line in lines)]


async def fetch(ask: Ask, hello: Hello, since_wall: int, until_wall: int) -> list[ServerLine]:
    """A span of the engine's journal as a recording; of a long one the first SNAPSHOTS snapshots."""
    snapshots: list[Snapshot] = []
    at = since_wall
    while len(snapshots) < SNAPSHOTS:
        page = (await ask(GetJournal(at, until_wall, PAGE))).snapshots
        snapshots += [one for one in page if not snapshots or one.wall_ns > snapshots[-1].wall_ns]
        if len(page) < PAGE:
            break
        at = page[-1].wall_ns
    if not snapshots:
        return []
    last = until_wall if len(snapshots) < SNAPSHOTS else snapshots[-1].wall_ns
    wish = GetEvents(limit=EVENTS, since_wall_ns=min(since_wall, snapshots[0].wall_ns), until_wall_ns=last)
    return recording(hello, snapshots, (await ask(wish)).events)


class JournalLink(ReplayLink):
    """A recording that can be paused, stepped event by event, and set to any instant, backwards too."""

    def __init__(self, lines: Iterable[ServerLine], *, at_wall: int = 0, speed: float = 0.0) -> None:
        told = list(lines)
        super().__init__(told, speed=speed)
        self._events = [at for at, line in self._due if isinstance(line, EventLine)]
        if at_wall:
            self._now = min(max(at_wall - self._wall_offset, self._now), self._due[-1][0] if self._due else self._now)

    @property
    def playing(self) -> bool:
        """It runs on by itself."""
        return bool(self._speed) and not self.ended

    def play(self, speed: float) -> None:
        """Run so many times as fast as it was; 0 stands still."""
        self._speed = speed
        self._moved.set()

    def step(self, count: int) -> bool:
        """To the next event (1) or the one before (-1); False when there is none."""
        self.play(0)
        if count > 0:
            at = bisect_right(self._events, self._now)
            if at >= len(self._events):
                return False
            self.seek(self._events[at])
            return True
        earlier = [at for at in self._events if at < self._now]
        if not earlier:
            return False
        self.seek(earlier[-1])
        return True

    def seek(self, at: int) -> None:
        """Be at an instant of the recording's clock, ns."""
        first = self._due[0][0] if self._due else 0
        at = max(at, first)
        if at < self._now:
            self._next, self._now = 0, at
            if self._deliver is not None:
                again: list[Told] = [Rewound(), LinkState(Connection.LIVE, at)]
                self._deliver(again)
        self._now = at
        self._tell_due()

    async def run(self, deliver: Deliver) -> None:
        """Play from where it stands, all that was before told at once."""
        self._next = 0
        try:
            await super().run(deliver)
        finally:
            self._deliver = None
            self._moved = asyncio.Event()
