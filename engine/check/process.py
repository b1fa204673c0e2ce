"""The check process: core says what to watch, the results go back.

Invariant: it decides nothing and owns nothing that outlives it. When core is gone (end of the channel) it
ends what it started and goes; signals meant for the engine as a whole are core's business, not ours.
"""

from __future__ import annotations

import asyncio
import signal
import socket

from engine.check.files import Files
from engine.check.processes import Processes
from engine.check.scripts import Scripts
from engine.messages import (
    BfdChanged,
    FileRead,
    LogLine,
    ProcessCounted,
    RunScript,
    ScriptFinished,
    ScriptsWanted,
    ToCheck,
)
from engine.wire import Channel

_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def run(sock: socket.socket) -> int:
    """Serve until the other end closes. Returns the exit status."""
    return asyncio.run(_Check(sock).serve())


class _Check:
    def __init__(self, sock: socket.socket) -> None:
        self._channel: Channel[ToCheck] = Channel(sock, ToCheck)
        self._scripts = Scripts(self._tell)
        self._files = Files(self._tell)
        self._processes = Processes(self._tell)
        self._over: asyncio.Event = asyncio.Event()
        self._writing = False

    async def serve(self) -> int:
        """Until the end of the channel."""
        loop = asyncio.get_running_loop()
        for number in _IGNORED:  # a handler, not SIG_IGN: what we start must not inherit deaf ears
            loop.add_signal_handler(number, lambda: None)
        loop.add_reader(self._channel.fileno(), self._readable)
        await self._over.wait()
        loop.remove_reader(self._channel.fileno())
        if self._writing:
            loop.remove_writer(self._channel.fileno())
        self._channel.close()
        self._files.stop()
        self._processes.stop()
        await self._scripts.stop()
        return 0

    def _readable(self) -> None:
        for message in self._channel.receive():
            if isinstance(message, ScriptsWanted):
                self._scripts.want(message.config)
                self._files.want(message.config)
                self._processes.want(message.config)
            elif isinstance(message, RunScript):
                self._scripts.run_now(message.name)
        if self._channel.closed:
            self._over.set()

    def _tell(self, message: ScriptFinished | ProcessCounted | FileRead | BfdChanged | LogLine) -> None:
        self._channel.send(message)
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        wanted = not self._channel.flush() and not self._channel.closed
        if wanted and not self._writing:
            loop.add_writer(self._channel.fileno(), self._flush)
        elif self._writing and not wanted:
            loop.remove_writer(self._channel.fileno())
        self._writing = wanted
