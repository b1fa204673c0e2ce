"""The engine on another host: through ssh, where `hatui relay` hands its control socket to us.

Invariant: no port is opened and no key is made for it; who may look and who may act is what the other host
says of the user who came by ssh. The ssh program ends with the connection, and what it complained of is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import socket
from collections.abc import Callable, Mapping, Sequence

import msgspec

from engine.client import DEFAULT_SOCKET, UNSURE, EngineClient
from engine.errors import EngineLost, HatuiError, ProtocolMismatch, Refused
from engine.messages import Command, Reply
from engine.wire import NO_MESSAGE
from hatui.text import plain

SSH = "HATUI_SSH"
"""The environment variable that names another ssh program, with its options."""
DEFAULT_SSH = "ssh -T -o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=2 -o ServerAliveCountMax=2"
"""BatchMode: a question of ssh would be written over the screen, and nobody could answer it. ServerAlive...: a way that
is cut is noticed within 6 s, and ssh says so, before the silence of the engine is (SILENCE_S)."""
GREETING_S = 15.0
"""Seconds for ssh, its keys, and the start of the relay there."""
LOCAL = "local"
"""The target that means this host."""
_KEPT = 65536
"""Octets of what ssh said last that are read."""


class Target(msgspec.Struct, frozen=True):
    """A host as it is named with --host: [USER@]NODE[:/SOCKET], or `local`."""

    given: str
    user: str
    node: str
    socket: str

    @property
    def to(self) -> str:
        """What ssh is told: [USER@]NODE."""
        return f"{self.user}@{self.node}" if self.user else self.node

    @property
    def local(self) -> bool:
        """It is this host."""
        return self.node == LOCAL and not self.user

    def ssh(self, environment: Mapping[str, str]) -> list[str]:
        """The ssh program with its options and where it goes; what is run there comes behind."""
        return [*shlex.split(environment.get(SSH, "") or DEFAULT_SSH), self.to]

    def command(self, environment: Mapping[str, str]) -> list[str]:
        """What is run here to speak with the engine there."""
        where = [] if self.socket == DEFAULT_SOCKET else ["--socket", shlex.quote(self.socket)]
        return [*self.ssh(environment), " ".join(["hatui", *where, "relay"])]


def target(text: str) -> Target:
    """A host as it was named.

    Raises: HatuiError when that is no name of a host.
    """
    host, found, path = text.partition(":/")
    user, _, node = host.rpartition("@")
    if not node or node.startswith("-") or user.startswith("-") or any(char.isspace() for char in text):
        raise HatuiError(f"--host {text!r}: write USER@NODE, NODE, NODE:/path/of/the/socket, or local [E-HOST]")
    return Target(text, user, node, f"/{path}" if found else DEFAULT_SOCKET)


def targets(hosts: Sequence[str], *, by_node: bool = False) -> tuple[Target, ...]:
    """The hosts as they were named, each once; one may run several engines. `by_node`: they are shown beside each
    other by the name of the host, so that each host may have but one.

    Raises: HatuiError when one is no name of a host, or is named twice.
    """
    found: dict[tuple[str, str], Target] = {}
    for there in map(target, hosts):
        key = there.node, "" if by_node else there.socket
        if key in found:
            raise HatuiError(f"--host {there.given}: {there.node} is named twice [E-HOST]")
        found[key] = there
    return tuple(found.values())


class RemoteClient(EngineClient):
    """A connection to the engine on another host; otherwise like any EngineClient."""

    greeting_s = GREETING_S

    def __init__(self, there: Target, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(there.socket)
        self._there = there
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._status: int | None = None
        """Exit status of ssh, where it ended by itself."""
        self._said = -1
        """A file in memory for what ssh and the relay say on standard error: a pipe would last as long as a master of
        shared connections (ControlPersist), which outlives the ssh that started it."""
        self._complaints: tuple[str, ...] = ()

    async def __aenter__(self) -> RemoteClient:
        """Connect and take the greeting.

        Raises: EngineLost with what ssh said and what to do; Refused, ProtocolMismatch as for any client.
        """
        there = self._there
        try:
            await super().__aenter__()
        except EngineLost as lost:
            raise await self._ending(lost) from None
        except Refused as refused:
            from hatui import unreachable

            if refused.code == "E-NO-ENGINE":
                raise unreachable.no_engine(there.given, there.to, refused.reason) from None
            reason = f"{there.given}: {refused.reason}"
            if refused.code == "E-PERMISSION":
                reason = unreachable.stranger(there.given, there.user, refused.reason)
            raise Refused(refused.code, reason) from None
        except ProtocolMismatch as mismatch:
            from hatui import unreachable

            if NO_MESSAGE in str(mismatch):
                raise unreachable.babble(there.given, there.to) from None
            raise ProtocolMismatch(f"{there.given}: {mismatch}") from None
        return self

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Start ssh with one end of a socketpair as its standard input and output."""
        here, there = socket.socketpair()
        self._said = os.memfd_create("ssh")
        argv = self._there.command(self._environment)
        try:
            with there:
                self._process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=there.fileno(),
                    stdout=there.fileno(),
                    stderr=self._said,
                    start_new_session=True,  # ctrl+c in our terminal is not for ssh
                )
        except OSError as error:
            here.close()
            os.close(self._said)
            raise EngineLost(
                f"{self._there.given}: {argv[0]} cannot be run: {error.strerror or error} [E-IO]",
                f"install ssh here, or name another program for it in {SSH}",
            ) from None
        return await asyncio.open_unix_connection(sock=here, limit=256 * 1024)

    async def ask(self, command: Command, reason: str = "", *, progress: Callable[[str], None] | None = None) -> Reply:
        """As any client.

        Raises: EngineLost with the reason that ssh gave for it.
        """
        try:
            return await super().ask(command, reason, progress=progress)
        except EngineLost as lost:
            raise await self._ending(lost) from None

    async def _ending(self, end: EngineLost | ProtocolMismatch | Refused) -> EngineLost | ProtocolMismatch | Refused:
        """With the reason that ssh gave for it."""
        if not isinstance(end, EngineLost) or end.advice:
            return end  # it is known already
        from hatui import unreachable

        await self.close()  # ssh has ended, and what it said last is here
        there = self._there
        words, under_way, _ = str(end).partition(f"; {UNSURE}")
        return unreachable.trouble(there.given, there.to, self._complaints, words, self._status, under_way)

    async def close(self) -> None:
        """Leave, and see ssh off."""
        await super().close()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.5)
        self._status = process.returncode
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        begin = max(0, os.fstat(self._said).st_size - _KEPT)
        text = os.pread(self._said, _KEPT, begin).decode(errors="replace")
        self._complaints = tuple(plain(line.strip()) for line in text.splitlines() if line.strip())
        os.close(self._said)


def client_of(there: Target, environment: Mapping[str, str] = os.environ) -> EngineClient:
    """The client for a host: over its socket when it is this one."""
    return EngineClient(there.socket) if there.local else RemoteClient(there, environment)
