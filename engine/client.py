"""The asyncio client of the control socket: for the console, the command line, tests, other programs.

Owns the invariant that each request gets exactly one answer or EngineLost, and that a caller never
waits for a dead engine: the end of the connection ends every waiting request and the iteration.
Connecting again after that is the caller's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TypeVar

from engine.errors import CLOSED, EngineLost, ProtocolMismatch, Refused
from engine.messages import (
    Command,
    Farewell,
    Hello,
    Outcome,
    Progress,
    Reply,
    Request,
    ServerLine,
    Snapshot,
    Subscribe,
)
from engine.wire import LINE_LIMIT as REQUEST_LIMIT
from engine.wire import LineSplitter, decode_server_line, encode_line

DEFAULT_SOCKET = "/run/hatui/engine.sock"
GREETING_S = 5.0
"""Seconds that the engine has for its hello."""
SILENCE_S = 8.0
"""Seconds without an octet after which a connection is dead: an engine says a heartbeat each second."""
UNSURE = "whether the command took effect is unknown"
"""What is added where a command was under way."""
_LATE_S = 1.0
"""Seconds by which a wake may be late; more, and this program itself stood still."""
LINE_LIMIT = 64 * 1024 * 1024
"""Octets of one line of the engine: a snapshot of many thousand instances fits."""
_RECEIVE = 256 * 1024

_Line = TypeVar("_Line", Hello, Snapshot)


class EngineClient:
    """One connection: `async with EngineClient(path) as client`.

    After entering, `hello` and `snapshot` are there. `lines()` yields everything that is not an answer
    to a request; `request` may be used at the same time, by several tasks. Lines that nobody iterates
    wait, up to `backlog` of them; then the oldest give way.
    """

    hello: Hello
    snapshot: Snapshot
    clock: int
    """ns that are added to this program's monotonic clock to make the engine's wall clock; less what the greeting was
    under way."""
    greeting_s = GREETING_S
    """Seconds from the beginning of the connection to the hello; more where the way is longer."""

    def __init__(
        self, path: str | os.PathLike[str] = DEFAULT_SOCKET, *, backlog: int = 100_000, silence_s: float = SILENCE_S
    ) -> None:
        self.path = os.fspath(path)
        self.lost: EngineLost | ProtocolMismatch | Refused | None = None
        """Why the connection ended; None while it stands."""
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._progress: dict[int, Callable[[str], None]] = {}
        self._lines: deque[ServerLine] = deque(maxlen=backlog)
        self._arrived = asyncio.Event()
        self._next_id = 0
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._task: asyncio.Task[None] | None = None
        self._silence_s = silence_s
        self._heard = 0.0
        """When octets last came, seconds of the loop's clock."""
        self._silent = False
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> EngineClient:
        """Connect and take the greeting.

        Raises:
            EngineLost: nobody listens, or it said nothing in time.
            Refused: E-PERMISSION, the engine or the socket's mode keeps us out.
            ProtocolMismatch: it speaks another version.
        """
        try:
            self._reader, self._writer = await self._open()
        except PermissionError as error:
            raise Refused("E-PERMISSION", f"{self.path}: permission denied: you are not in group hatui") from error
        except FileNotFoundError as error:
            raise EngineLost(f"no engine: the socket {self.path} does not exist") from error
        except OSError as error:
            raise EngineLost(f"no engine answers on {self.path}: {error.strerror or error}") from error
        self._task = asyncio.get_running_loop().create_task(self._read(), name="engine-client")
        try:
            try:
                self.hello = await asyncio.wait_for(self._expect(Hello), self.greeting_s)
            except TimeoutError as error:
                raise EngineLost(f"the engine on {self.path} was silent for {self.greeting_s:.0f} s") from error
            self.clock = self.hello.wall_ns - time.monotonic_ns()
            self._watching = asyncio.get_running_loop().create_task(self._watch(), name="engine-silence")
            self.snapshot = await self._expect(Snapshot)
        except BaseException:
            await self.close()
            raise
        return self

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The way to the engine; another kind of client may go another way."""
        return await asyncio.open_unix_connection(self.path, limit=_RECEIVE)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave."""
        if self._task is None:
            return
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def request(
        self, command: Command, reason: str = "", *, progress: Callable[[str], None] | None = None
    ) -> Reply:
        """Say a command and wait for its one answer. An answer UNDONE is returned, not raised.

        Raises:
            Refused: the engine refused; `code` and `reason` say why.
            EngineLost: the connection ended first; whether the command took effect is unknown.
        """
        reply = await self.ask(command, reason, progress=progress)
        if reply.outcome is Outcome.REFUSED:
            raise Refused(reply.code, reply.text)
        return reply

    async def ask(self, command: Command, reason: str = "", *, progress: Callable[[str], None] | None = None) -> Reply:
        """As `request`, but a refusal is returned as it stands, with its problems.

        Raises:
            EngineLost: the connection ended first.
            Refused: E-TOO-LARGE, the engine would not take so long a line.
        """
        if self.lost is not None:
            raise EngineLost(str(self.lost))
        self._next_id += 1
        number = self._next_id
        octets = encode_line(Request(number, command, reason))
        if len(octets) > REQUEST_LIMIT:
            raise Refused("E-TOO-LARGE", f"a request may have {REQUEST_LIMIT} octets, this one has {len(octets)}")
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        if progress is not None:
            self._progress[number] = progress
        try:
            self._writer.write(octets)
            try:
                await self._writer.drain()
            except OSError as error:
                if not future.done():
                    raise EngineLost(f"the engine closed the connection: {error.strerror or error}") from error
            return await future
        finally:
            self._waiting.pop(number, None)
            self._progress.pop(number, None)

    async def subscribe(self, *topics: str, rate_hz: float = 4.0, since: int = 0) -> Reply:
        """Replace the subscription: status, events, packets."""
        return await self.request(Subscribe(topics, rate_hz, since))

    async def lines(self) -> AsyncIterator[ServerLine]:
        """What the engine says by itself, in order, until the connection ends.

        Raises:
            EngineLost: the connection ended.
            ProtocolMismatch: the engine said something that we cannot read.
            Refused: the engine closed us, with its code.
        """
        while True:
            while self._lines:
                yield self._lines.popleft()
            if self.lost is not None:
                raise await self._ending(self.lost)
            self._arrived.clear()
            await self._arrived.wait()

    async def _ending(self, end: EngineLost | ProtocolMismatch | Refused) -> EngineLost | ProtocolMismatch | Refused:
        """The end of the connection as it is told; another kind of client may know more of it."""
        return end

    async def _expect(self, kind: type[_Line]) -> _Line:
        async for line in self.lines():
            if isinstance(line, kind):
                return line
        raise EngineLost("the engine said nothing")

    async def _watch(self) -> None:
        """End the connection when nothing comes on it any more.

        What came while this program itself stood still (stopped, or busy) is read before that is decided.
        """
        assert self._task is not None
        clock = asyncio.get_running_loop().time
        self._heard = clock()
        while (due := self._heard + self._silence_s) > clock():
            await asyncio.sleep(due - clock())
            if clock() - due > _LATE_S:
                self._heard = clock()
        self._silent = True
        self._task.cancel()

    async def _read(self) -> None:
        splitter = LineSplitter(LINE_LIMIT)
        end: EngineLost | ProtocolMismatch | Refused = EngineLost(CLOSED)
        try:
            clock = asyncio.get_running_loop().time
            while data := await self._reader.read(_RECEIVE):
                self._heard = clock()
                for octets in splitter.feed(data):
                    line = decode_server_line(octets)
                    if isinstance(line, Farewell):
                        end = Refused(line.code, line.text) if line.code != "E-STOPPING" else EngineLost(line.text)
                    if line is not None:
                        self._hear(line)
        except OSError as error:
            if isinstance(end, EngineLost):
                end = EngineLost(f"the connection to the engine broke: {error.strerror or error}")
        except (ProtocolMismatch, Refused) as error:
            end = error
        except asyncio.CancelledError:
            end = EngineLost(f"nothing was heard for {self._silence_s:g} s" if self._silent else "this client has left")
            raise
        finally:
            self.lost = end
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(EngineLost(f"{end}; {UNSURE}"))
            self._arrived.set()

    def _hear(self, line: ServerLine) -> None:
        if isinstance(line, Reply):
            future = self._waiting.get(line.id)
            if future is not None and not future.done():
                future.set_result(line)
        elif isinstance(line, Progress):
            if (told := self._progress.get(line.id)) is not None:
                told(line.text)
        else:
            self._lines.append(line)
            self._arrived.set()
