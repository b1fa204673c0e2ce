"""Processes through the real fork server: started, killed, hopeless, stopped. The children are small and ours."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.core import forkserver, supervisor
from engine.core.forkserver import ForkServer
from engine.core.supervisor import Supervisor
from engine.messages import FromVrrp, Happened, LogLine, PullStatus, ToVrrp
from engine.wire import Channel


def echo(sock: socket.socket) -> int:
    """Says its pid once, answers each PullStatus, ends with the channel."""
    channel: Channel[ToVrrp] = Channel(sock, ToVrrp)
    channel.send(Happened(1, (LogLine("info", str(os.getpid())),)))
    while not channel.closed:
        for _ in channel.wait(10):
            channel.send(Happened(2, (LogLine("info", "pulled"),)))
    return 0


def hopeless(_sock: socket.socket) -> int:
    return 4


def stubborn(sock: socket.socket) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel: Channel[ToVrrp] = Channel(sock, ToVrrp)
    channel.send(Happened(1, (LogLine("info", str(os.getpid())),)))
    while True:
        time.sleep(1)


def failing(_sock: socket.socket) -> int:
    raise RuntimeError("a bug")


ENTRIES = {"vrrp": echo, "hopeless": hopeless, "stubborn": stubborn, "failing": failing}


class Owner:
    """Keeps what the supervisor says."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.pids: list[int] = []
        self.pulled = 0
        self.changed = asyncio.Event()

    def _note(self, *words: Any) -> None:
        self.said.append(words)
        self.changed.set()

    def started(self, role: str, *, again: bool) -> None:
        self._note("started", role, again)

    def identified(self, role: str, pid: int) -> None:
        self._note("identified", role)

    def heard(self, role: str, message: Any) -> None:
        text = message.events[0].text
        if text == "pulled":
            self.pulled += 1
        else:
            self.pids.append(int(text))
        self.changed.set()

    def died(self, role: str, reason: str, *, respawn: bool) -> None:
        self._note("died", role, reason)

    def hopeless(self, role: str, status: int, reason: str) -> None:
        self._note("hopeless", role, status)

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not what():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def forks() -> ForkServer:
    return forkserver.start(ENTRIES)


@pytest.fixture
async def pair(forks: ForkServer) -> AsyncIterator[tuple[Owner, Supervisor]]:
    owner = Owner()

    async def fresh() -> ForkServer:
        return forkserver.start(ENTRIES)

    made = Supervisor(owner, forks, fresh, dict.fromkeys(ENTRIES, FromVrrp))
    yield owner, made
    await made.close()
    for pid in owner.pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


async def test_process_is_started_named_and_spoken_to(pair: tuple[Owner, Supervisor]) -> None:
    owner, made = pair
    made.start("vrrp")
    await owner.until(lambda: bool(owner.pids) and made.pid("vrrp") == owner.pids[0])
    assert Path(f"/proc/{owner.pids[0]}/comm").read_text() == "hatui-vrrp\n"
    assert made.send("vrrp", PullStatus())
    await owner.until(lambda: owner.pulled == 1)
    assert not made.send("check", PullStatus())


async def test_killed_process_is_started_again_at_once_and_with_pauses_when_it_keeps_dying(
    pair: tuple[Owner, Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, made = pair
    monkeypatch.setattr(supervisor, "DELAYS_S", (0.0, 0.0, 0.3))
    made.start("vrrp")
    took = []
    for number in range(3):
        await owner.until(lambda number=number: len(owner.pids) > number)  # type: ignore[misc]
        began = time.monotonic()
        os.kill(owner.pids[-1], signal.SIGKILL)
        await owner.until(lambda number=number: len(owner.pids) > number + 1)  # type: ignore[misc]
        took.append(time.monotonic() - began)
    assert max(took[:2]) < 0.3 <= took[2]
    assert [words for words in owner.said if words[0] == "died"] == [("died", "vrrp", "killed by SIGKILL")] * 3
    assert len(set(owner.pids)) == 4


async def test_exit_status_that_says_it_cannot_work_is_believed(pair: tuple[Owner, Supervisor]) -> None:
    owner, made = pair
    made.start("hopeless")
    await owner.until(lambda: ("hopeless", "hopeless", 4) in owner.said)
    assert not [words for words in owner.said if words[0] == "died"]


async def test_process_that_fails_is_said_with_its_status(pair: tuple[Owner, Supervisor]) -> None:
    owner, made = pair
    made.start("failing")
    await owner.until(lambda: ("died", "failing", "exit status 1") in owner.said)


async def test_stop_ends_by_hanging_up_then_by_signals(
    pair: tuple[Owner, Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, made = pair
    made.start("vrrp")
    await owner.until(lambda: bool(owner.pids) and made.pid("vrrp") > 0)
    assert await made.stop("vrrp", 10)
    assert not Path(f"/proc/{owner.pids[0]}").exists()
    monkeypatch.setattr(supervisor, "TERM_S", 0.2)
    made.start("stubborn")
    await owner.until(lambda: len(owner.pids) == 2 and made.pid("stubborn") > 0)
    assert not await made.stop("stubborn", 0.1)
    assert not Path(f"/proc/{owner.pids[1]}").exists()
    assert not [words for words in owner.said if words[0] == "died"]


async def test_dead_fork_server_is_replaced_and_its_children_stay(
    pair: tuple[Owner, Supervisor], forks: ForkServer
) -> None:
    owner, made = pair
    made.start("vrrp")
    await owner.until(lambda: bool(owner.pids))
    os.kill(forks.pid, signal.SIGKILL)
    os.waitpid(forks.pid, 0)
    while made._forks is forks:
        await asyncio.sleep(0)
    made.send("vrrp", PullStatus())
    await owner.until(lambda: owner.pulled == 1)
    os.kill(owner.pids[0], signal.SIGKILL)
    await owner.until(lambda: len(owner.pids) == 2)
    os.waitpid(-1, os.WNOHANG)


async def test_fork_server_ends_when_core_is_gone_and_its_children_have_ended() -> None:
    server = forkserver.start(ENTRIES)
    _token, sock = server.request("vrrp")
    channel: Channel[FromVrrp] = Channel(sock, FromVrrp)
    (said,) = await asyncio.to_thread(channel.wait, 10)
    assert isinstance(said, Happened)
    server.close()
    done, _status = os.waitpid(server.pid, os.WNOHANG)
    assert done == 0
    channel.close()
    await asyncio.to_thread(os.waitpid, server.pid, 0)
