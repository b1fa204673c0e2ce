"""What the console knows of the engine's words and time: a live engine, or a recording of one.

Invariant: the link is also the console's only clock. `now` is the engine's monotonic clock, so an age or a
countdown is right on a screen far away, stands still with a recording, and can be set by a test.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from engine.client import DEFAULT_SOCKET, EngineClient
from engine.errors import EngineLost, ProtocolMismatch, Refused
from engine.messages import (
    Command,
    EventLine,
    GetEvents,
    Heartbeat,
    Hello,
    PacketLine,
    Reply,
    ServerLine,
    Snapshot,
    StatusLine,
    Subscribe,
)
from hatui.store import Connection, LinkState, Told

Deliver = Callable[[Sequence[Told]], None]
Say = Callable[[str], None]


class Link(Protocol):
    """One interface for a live engine and for a recording."""

    recorded: bool

    def now(self) -> int:
        """The engine's monotonic clock, ns."""

    def wall(self) -> int:
        """The engine's wall clock, ns; for display."""

    async def run(self, deliver: Deliver) -> None:
        """Deliver all that is told, until cancelled."""

    async def perform(self, command: Command, reason: str = "", progress: Say | None = None, node: str = "") -> Reply:
        """Say a command and wait for its one reply. `node` is asked where there are several and the command names none.

        Raises: EngineLost when there is nobody to answer.
        """

    def subscribe(self, topics: tuple[str, ...]) -> bool:
        """Ask for these topics from now on: status, events, packets. False: they were told already."""

    def bare(self, command: Command, node: str = "") -> tuple[str, Command]:
        """The node that a command is for (empty where there is but one), and the command in that node's own words."""

    def arguments(self, instance: str = "") -> list[str]:
        """The options by which a command line finds the engine that this link talks to (about this instance)."""


def instant(line: ServerLine) -> tuple[int, int] | None:
    """The engine's monotonic and wall clock in a line (wall 0 where it has none)."""
    if isinstance(line, Hello | Heartbeat | EventLine | PacketLine):
        return line.mono_ns, line.wall_ns
    if isinstance(line, Snapshot | StatusLine):
        return line.mono_ns, 0
    return None


RETRY_S = (0.3, 0.5, 1.0, 2.0, 3.0)
"""Seconds to wait before each new try to connect; the last one again and again."""
HISTORY = 300
"""Events that a console asks for when it comes."""


class EngineLink:
    """A live engine on a control socket; connects again by itself and resumes where it was."""

    recorded = False

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        rate_hz: float = 4.0,
        connect: Callable[[], EngineClient] | None = None,
        arguments: Sequence[str] | None = None,
    ) -> None:
        """`connect` makes a client on another way than over `path`, and `arguments` are the options for that way."""
        self.path = Path(path)
        self._connect = connect or (lambda: EngineClient(self.path))
        usual = [] if str(self.path) == DEFAULT_SOCKET else ["--socket", str(self.path)]
        self._arguments = usual if arguments is None else list(arguments)
        self._clock = clock
        self._rate_hz = rate_hz
        self._offset: int | None = None
        self._wall_offset = 0
        self._client: EngineClient | None = None
        self._topics: tuple[str, ...] = ("status", "events")
        self._seq = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> int:
        """The engine's monotonic clock, as the last heartbeats tell it."""
        return self._clock() + (self._offset or 0)

    def wall(self) -> int:
        """The engine's wall clock."""
        return self.now() + self._wall_offset

    async def run(self, deliver: Deliver) -> None:
        """Connect, deliver, connect again; until cancelled."""
        known = False
        tries = 0
        lost: LinkState | None = None
        while True:
            try:
                async with self._connect() as client:
                    self._client = client
                    known = True
                    await self._greet(client, deliver)
                    tries, lost = 0, None
                    await self._listen(client, deliver)
            except (EngineLost, ProtocolMismatch, Refused) as error:
                wait = RETRY_S[min(tries, len(RETRY_S) - 1)]
                state = self._state_after(error, known=known)
                since = lost.since if lost is not None and lost.connection is state else self.now()
                advice = getattr(error, "advice", "")
                lost = LinkState(state, since, self._detail(error), self.now() + int(wait * 1e9), advice=advice)
                deliver([lost])
                tries += 1
                await asyncio.sleep(wait)
            finally:
                self._client = None

    def _detail(self, error: Exception) -> str:
        """Its words; without the host, which is named wherever they are shown, where it only is not reached."""
        words = str(error)
        if isinstance(error, EngineLost) and self._arguments:
            return words.removeprefix(f"{self._arguments[-1]}: ")
        return words

    @staticmethod
    def _state_after(error: Exception, *, known: bool) -> Connection:
        if isinstance(error, ProtocolMismatch):
            return Connection.MISMATCH
        if isinstance(error, Refused) and error.code in ("E-PERMISSION", "E-ROLE"):
            return Connection.DENIED
        return Connection.LOST if known else Connection.ABSENT

    async def _greet(self, client: EngineClient, deliver: Deliver) -> None:
        self._offset = None
        self._set_clock(client.hello.mono_ns, client.hello.wall_ns)
        state = LinkState(Connection.LIVE, self.now())
        deliver([state, client.hello, client.snapshot])
        if not self._seq or client.snapshot.seq < self._seq:  # the first time, or another life of the engine
            history = (await client.ask(GetEvents(HISTORY))).events
            deliver(history)
            self._seq = history[-1].seq if history else client.snapshot.seq
        asked = self._clock()
        await client.ask(Subscribe(self._topics, self._rate_hz, self._seq))
        deliver([LinkState(Connection.LIVE, state.since, round_trip=max(1, self._clock() - asked))])

    async def _listen(self, client: EngineClient, deliver: Deliver) -> None:
        """Deliver what comes in one go as one sequence."""
        loop = asyncio.get_running_loop()
        batch: list[Told] = []

        def flush() -> None:
            lines = batch.copy()
            batch.clear()
            deliver(lines)

        async for line in client.lines():
            if isinstance(line, Heartbeat):
                self._set_clock(line.mono_ns, line.wall_ns)
            elif isinstance(line, EventLine):
                self._seq = max(self._seq, line.seq)
            if not batch:
                loop.call_soon(flush)
            batch.append(line)

    def _set_clock(self, mono: int, wall: int) -> None:
        """The line that travelled fastest tells the time best; a jump is believed."""
        offset = mono - self._clock()
        if self._offset is None or offset > self._offset or self._offset - offset > 1_000_000_000:
            self._offset = offset
        self._wall_offset = wall - mono

    async def perform(
        self,
        command: Command,
        reason: str = "",
        progress: Say | None = None,
        node: str = "",  # noqa: ARG002  there is but one engine
    ) -> Reply:
        """Say a command and wait for its one reply; a refusal is a reply too."""
        if self._client is None:
            raise EngineLost("there is no connection to the engine")
        return await self._client.ask(command, reason, progress=progress)

    def forget(self) -> None:
        """Nothing was told yet: the next connection tells the history again."""
        self._seq = 0

    def bare(self, command: Command, node: str = "") -> tuple[str, Command]:  # noqa: ARG002
        """There is but one engine."""
        return "", command

    def arguments(self, instance: str = "") -> list[str]:  # noqa: ARG002  one engine has them all
        """--host, or --socket where it is not the usual one."""
        return list(self._arguments)

    def subscribe(self, topics: tuple[str, ...]) -> bool:
        """Replace the subscription, now and after each reconnect."""
        if topics == self._topics:
            return False
        self._topics = topics
        if self._client is None:
            return True
        task = asyncio.get_running_loop().create_task(self._subscribe(self._client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _subscribe(self, client: EngineClient) -> None:
        try:
            await client.ask(Subscribe(self._topics, self._rate_hz, self._seq))
        except EngineLost:
            return  # the next connection subscribes anew


class ReplayLink:
    """A recording: the engine's lines at their own instants.

    With `speed` 0 the time stands still until `advance` moves it (tests, single steps); otherwise it runs
    so many times as fast as it was, and stands still at the end.
    """

    recorded = True

    def __init__(
        self,
        lines: Iterable[ServerLine],
        *,
        speed: float = 0.0,
        answer: Callable[[Command, str], Awaitable[Reply]] | None = None,
    ) -> None:
        self._due: list[tuple[int, Told]] = []
        self._wall_offset = 0
        at = 0
        for line in lines:
            times = instant(line)
            if times is not None:
                at = max(at, times[0])
                if times[1]:
                    self._wall_offset = times[1] - times[0]
            self._due.append((at, line))
        first = next((due for due, _ in self._due if due), 0)
        self._due = [(due or first, line) for due, line in self._due]
        self._now = first
        self._next = 0
        self._speed = speed
        self._answer = answer
        self._deliver: Deliver | None = None
        self._moved = asyncio.Event()
        self.topics: tuple[str, ...] = ()

    def now(self) -> int:
        """Where the recording is."""
        return self._now

    def wall(self) -> int:
        """The wall clock then."""
        return self._now + self._wall_offset

    @property
    def ended(self) -> bool:
        """Everything has been told."""
        return self._next >= len(self._due)

    async def run(self, deliver: Deliver) -> None:
        """Play."""
        self._deliver = deliver
        deliver([LinkState(Connection.LIVE, self._now)])
        self._tell_due()
        loop = asyncio.get_running_loop()
        while True:
            if self._speed and not self.ended:
                started, at = loop.time(), self._now
                wait = min(0.1, (self._due[self._next][0] - at) / 1e9 / self._speed)
                await asyncio.sleep(max(0.001, wait))
                self._now = min(at + int((loop.time() - started) * self._speed * 1e9), self._due[-1][0])
                self._tell_due()
            else:
                self._moved.clear()
                await self._moved.wait()
                self._tell_due()

    def advance(self, ns: int) -> None:
        """Move the time; what is due by then is told."""
        self._now += ns
        self._tell_due()

    def feed(self, *told: Told) -> None:
        """Tell something now that is not in the recording."""
        if self._deliver is not None:
            self._deliver(told)

    def _tell_due(self) -> None:
        if self._deliver is None:
            return
        first = self._next
        while self._next < len(self._due) and self._due[self._next][0] <= self._now:
            self._next += 1
        if self._next > first:
            self._deliver(self._worded([told for _, told in self._due[first : self._next]]))

    def _worded(self, told: Sequence[Told]) -> Sequence[Told]:
        """What is delivered of lines that are due: all of them."""
        return told

    async def perform(
        self,
        command: Command,
        reason: str = "",
        progress: Say | None = None,  # noqa: ARG002
        node: str = "",  # noqa: ARG002
    ) -> Reply:
        """Nobody is there to command, unless a test answers."""
        if self._answer is None:
            raise Refused("E-NO-ENGINE", "this is a recording: there is no engine to command")
        return await self._answer(command, reason)

    def bare(self, command: Command, node: str = "") -> tuple[str, Command]:  # noqa: ARG002
        """There is none."""
        return "", command

    def arguments(self, instance: str = "") -> list[str]:  # noqa: ARG002
        """A recording has no engine."""
        return []

    def subscribe(self, topics: tuple[str, ...]) -> bool:
        """A recording holds what was asked for then."""
        changed, self.topics = topics != self.topics, topics
        return changed


def load(path: Path) -> list[ServerLine]:
    """The lines of a recording: what an engine said on its control socket, one JSON object a line.

    Raises: ValueError with the number of the line that is no message.
    """
    decode = msgspec.json.Decoder(ServerLine).decode
    lines: list[ServerLine] = []
    for number, text in enumerate(path.read_bytes().splitlines(), start=1):
        if not text.strip():
            continue
        try:
            lines.append(decode(text))
        except msgspec.DecodeError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
    return lines
