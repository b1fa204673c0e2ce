"""An engine that says what a test tells it to say, on a real control socket, in its own thread."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.messages import (
    AddressStatus,
    EngineStatus,
    Hello,
    InstanceStatus,
    Message,
    Outcome,
    Reply,
    Request,
    Snapshot,
    State,
    Status,
)
from engine.wire import decode_request, encode_line

NOW = 1_000_000_000_000
WALL = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
Answer = Callable[[Request], list[Message]]


def instance(name: str = "VI_1", state: State = State.MASTER, **more: object) -> InstanceStatus:
    """An ordinary instance: master on 10.211.55.22, or a backup of it."""
    master = state is State.MASTER
    told: dict[str, object] = {
        "name": name,
        "interface": "eth0",
        "vrid": 50,
        "version": 2,
        "family": 4,
        "state": state,
        "since": NOW - 60 * SECOND,
        "base_priority": 100,
        "priority": 100,
        "source": "10.211.55.22",
        "master": "10.211.55.22" if master else "10.211.55.23",
        "master_priority": 100 if master else 150,
        "peer": "10.211.55.23",
        "peer_priority": 50,
        "timer": "advert" if master else "master-down",
        "deadline": NOW + SECOND // 2,
        "advert_interval": SECOND,
        "master_advert_interval": SECOND,
        "master_down_interval": 3 * SECOND + 609_375_000,
        "addresses": (AddressStatus("10.211.55.50", 32, "eth0", master),),
    }
    return InstanceStatus(**(told | more))  # type: ignore[arg-type]


def engine_status(**more: object) -> EngineStatus:
    told: dict[str, object] = {
        "version": "0.1.0",
        "host": "serverA",
        "router_id": "master",
        "pid": 100,
        "vrrp_pid": 101,
        "check_pid": 102,
        "started": NOW - 3600 * SECOND,
        "observe": False,
        "config_file": "/etc/keepalived/keepalived.conf",
        "config_fingerprint": "abcdef0123456789",
        "config_loaded": NOW - 3600 * SECOND,
    }
    return EngineStatus(**(told | more))  # type: ignore[arg-type]


class FakeEngine:
    """`answer` gets each request and returns the lines to say; by default every command is done."""

    def __init__(
        self,
        path: Path,
        *statuses: Status,
        answer: Answer | None = None,
        seq: int = 10,
        capabilities: tuple[str, ...] = ("packets",),
    ) -> None:
        self.path = path
        self.capabilities = capabilities
        self.statuses = statuses or (instance(), engine_status())
        self.answer = answer or (lambda request: [Reply(request.id, Outcome.DONE)])
        self.requests: list[Request] = []
        self.seq = seq
        self.mute = False
        """Accept, and say nothing."""
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> FakeEngine:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self.path.unlink(missing_ok=True)

    def hang_up(self) -> None:
        """Close every connection."""
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])

    def tell(self, *lines: Message) -> None:
        """Say something to everybody."""
        octets = b"".join(encode_line(line) for line in lines)
        self._loop.call_soon_threadsafe(lambda: [writer.write(octets) for writer in self._writers])

    def wait_for(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + 10
        while not what():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def begin() -> asyncio.AbstractServer:
            return await asyncio.start_unix_server(self._serve, os.fspath(self.path))

        server = self._loop.run_until_complete(begin())
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for writer in self._writers:
            writer.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(server.wait_closed())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            if not self.mute:
                hello = Hello("0.1.0", "serverA", "operator", "root", self.capabilities, NOW, WALL)
                writer.write(encode_line(hello) + encode_line(Snapshot(tuple(self.statuses), self.seq, NOW)))
            while line := await reader.readline():
                request = decode_request(line)
                self.requests.append(request)
                writer.write(b"".join(encode_line(one) for one in self.answer(request)))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
