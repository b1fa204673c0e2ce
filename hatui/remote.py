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
from collections import deque
from collections.abc import Mapping

import msgspec

from engine.client import DEFAULT_SOCKET, EngineClient
from engine.errors import EngineLost, HatuiError, Refused
from hatui.text import plain

SSH = "HATUI_SSH"
"""The environment variable that names another ssh program, with its options."""
DEFAULT_SSH = "ssh -T -o BatchMode=yes -o ConnectTimeout=5"
"""BatchMode: a question of ssh would be written over the screen, and nobody could answer it."""
LOCAL = "local"
"""The target that means this host."""
_KEPT_LINES = 4


class Target(msgspec.Struct, frozen=True):
    """A host as it is named with --host: [USER@]NODE[:/SOCKET], or `local`."""

    given: str
    user: str
    node: str
    socket: str

    @property
    def local(self) -> bool:
        """It is this host."""
        return self.node == LOCAL and not self.user

    def command(self, environment: Mapping[str, str]) -> list[str]:
        """What is run here to speak with the engine there."""
        ssh = shlex.split(environment.get(SSH, "") or DEFAULT_SSH)
        where = [] if self.socket == DEFAULT_SOCKET else ["--socket", shlex.quote(self.socket)]
        return [*ssh, f"{self.user}@{self.node}" if self.user else self.node, " ".join(["hatui", *where, "relay"])]


def target(text: str) -> Target:
    """A host as it was named.

    Raises: HatuiError when that is no name of a host.
    """
    host, found, path = text.partition(":/")
    user, _, node = host.rpartition("@")
    if not node or node.startswith("-") or user.startswith("-") or any(char.isspace() for char in text):
        raise HatuiError(f"--host {text!r}: write USER@NODE, NODE, NODE:/path/of/the/socket, or local [E-HOST]")
    return Target(text, user, node, f"/{path}" if found else DEFAULT_SOCKET)


class RemoteClient(EngineClient):
    """A connection to the engine on another host; otherwise like any EngineClient."""

    def __init__(self, there: Target, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(there.socket)
        self._there = there
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> RemoteClient:
        """Connect and take the greeting.

        Raises: EngineLost with what ssh said; Refused, ProtocolMismatch as for any client.
        """
        try:
            await super().__aenter__()
        except EngineLost as lost:
            raise await self._explained(lost) from None
        except Refused as refused:
            raise Refused(refused.code, f"{self._there.given}: {refused.reason}") from None
        return self

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Start ssh with one end of a socketpair as its standard input and output."""
        here, there = socket.socketpair()
        argv = self._there.command(self._environment)
        try:
            with there:
                self._process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=there.fileno(),
                    stdout=there.fileno(),
                    stderr=asyncio.subprocess.PIPE,
                    start_new_session=True,  # ctrl+c in our terminal is not for ssh
                )
        except OSError as error:
            here.close()
            raise EngineLost(
                f"{self._there.given}: {argv[0]} cannot be run: {error.strerror or error} [E-IO]"
            ) from None
        self._listening = asyncio.get_running_loop().create_task(self._listen(), name="ssh-complaints")
        return await asyncio.open_unix_connection(sock=here, limit=256 * 1024)

    async def _listen(self) -> None:
        """What ssh and the relay say on standard error."""
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            if text := plain(line.decode(errors="replace").strip()):
                self._complaints.append(text)

    async def _explained(self, lost: EngineLost) -> EngineLost:
        """The end of the connection with the reason that ssh gave for it."""
        said = "; ".join(self._complaints)
        name = self._there.given
        return EngineLost(f"{name}: {said}" if said else str(lost) if str(lost).startswith(name) else f"{name}: {lost}")

    async def close(self) -> None:
        """Leave, and see ssh off."""
        await super().close()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.5)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._listening is not None:
            await self._listening


def client_of(there: Target, environment: Mapping[str, str] = os.environ) -> EngineClient:
    """The client for a host: over its socket when it is this one."""
    return EngineClient(there.socket) if there.local else RemoteClient(there, environment)
