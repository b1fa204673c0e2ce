"""The links: a live engine over a socket (a staged one, in this process), and a recording."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from engine.client import EngineClient
from engine.errors import EngineLost, Refused
from engine.messages import (
    EventLine,
    Failover,
    GetEvents,
    Heartbeat,
    Outcome,
    Reload,
    Reply,
    Request,
    ServerLine,
    Snapshot,
    Subscribe,
)
from engine.wire import decode_request, encode_line
from hatui.link import EngineLink, ReplayLink, load
from hatui.store import Connection, LinkState, Store, Told
from tests.console.recording import EVENTS, HELLO, NOW, SESSION, SNAPSHOT, WALL, S


class StagedEngine:
    """An engine on a socket that says what a test wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.greeting: tuple[ServerLine, ...] = (HELLO, SNAPSHOT)
        self.history: tuple[EventLine, ...] = EVENTS[:7]
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Reply] | None = None
        self.writers: list[asyncio.StreamWriter] = []
        self.raw = b""
        self.deaf = False
        """It hears and does not answer."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(self.raw or b"".join(encode_line(line) for line in self.greeting))
        while line := await reader.readline():
            request = decode_request(line)
            self.requests.append(request)
            if self.deaf:
                continue
            if self.answer is not None and not isinstance(request.command, Subscribe | GetEvents):
                writer.write(encode_line(self.answer(request)))
            elif isinstance(request.command, GetEvents):
                writer.write(encode_line(Reply(request.id, Outcome.DONE, events=self.history)))
            else:
                writer.write(encode_line(Reply(request.id, Outcome.DONE)))
        writer.close()

    def say(self, *lines: ServerLine) -> None:
        for line in lines:
            self.writers[-1].write(encode_line(line))

    def commands(self, kind: type) -> list[object]:
        return [request.command for request in self.requests if isinstance(request.command, kind)]


@asynccontextmanager
async def staged(path: Path) -> AsyncIterator[StagedEngine]:
    engine = StagedEngine(path)
    server = await asyncio.start_unix_server(engine.serve, path)
    try:
        yield engine
    finally:
        server.close()
        for writer in engine.writers:
            writer.close()
        await server.wait_closed()


class Listening:
    """A link that runs, and what it told."""

    def __init__(self, link: EngineLink) -> None:
        self.link = link
        self.told: list[Told] = []
        self._task = asyncio.get_running_loop().create_task(link.run(self._hear))
        self._news = asyncio.Event()

    def _hear(self, told: Sequence[Told]) -> None:
        self.told += told
        self._news.set()

    async def until(self, test: Callable[[list[Told]], bool]) -> None:
        async with asyncio.timeout(10):
            while not test(self.told):
                self._news.clear()
                await self._news.wait()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def states(self) -> list[Connection]:
        """Changes of the connection, without what was measured of it since."""
        return [line.connection for line in self.told if isinstance(line, LinkState) and not line.round_trip]


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[Listening]:
    ear = Listening(EngineLink(path, clock=lambda: 0))
    try:
        yield ear
    finally:
        await ear.stop()


async def test_hello_snapshot_history_then_events_in_order(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, listening(engine.path) as ear:
        await ear.until(lambda told: EVENTS[6] in told)
        assert isinstance(ear.told[0], LinkState)
        assert ear.told[1:3] == [HELLO, SNAPSHOT]
        assert ear.told[3:] == list(EVENTS[:7])
        async with asyncio.timeout(5):
            while not engine.commands(Subscribe):
                await asyncio.sleep(0)
        assert engine.commands(Subscribe) == [Subscribe(("status", "events"), 4.0, 7)]
        engine.say(EVENTS[7], EVENTS[8])
        await ear.until(lambda told: EVENTS[8] in told)


async def test_clock_is_the_engines_and_follows_its_heartbeats(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, listening(engine.path) as ear:
        await ear.until(lambda told: EVENTS[6] in told)
        assert ear.link.now() == NOW
        assert ear.link.wall() == WALL
        engine.say(Heartbeat(NOW + S, WALL + S, NOW + S, 7))
        await ear.until(lambda told: isinstance(told[-1], Heartbeat))
        assert ear.link.now() == NOW + S
        late = Heartbeat(NOW + S - 200_000_000, WALL + S, NOW + S, 7)
        engine.say(late)
        await ear.until(lambda told: told[-1] == late)
        assert ear.link.now() == NOW + S, "a line that was slow on its way does not turn the clock back"


async def test_lost_connection_is_told_and_resumed_from_the_last_event(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, listening(engine.path) as ear:
        await ear.until(lambda told: EVENTS[6] in told)
        engine.say(EVENTS[7])
        await ear.until(lambda told: EVENTS[7] in told)
        engine.greeting = (HELLO, msgspec.structs.replace(SNAPSHOT, seq=9))
        engine.writers[-1].close()
        await ear.until(lambda told: sum(line == HELLO for line in told) == 2)
        assert ear.states() == [Connection.LIVE, Connection.LOST, Connection.LIVE]
        async with asyncio.timeout(5):
            while len(engine.commands(Subscribe)) < 2:
                await asyncio.sleep(0)
        assert engine.commands(Subscribe)[-1] == Subscribe(("status", "events"), 4.0, 8)
        assert len(engine.commands(GetEvents)) == 1


@asynccontextmanager
async def impatient(path: Path) -> AsyncIterator[Listening]:
    """A link that gives a connection up after a fifth of a second without an octet."""
    ear = Listening(EngineLink(path, clock=lambda: 0, connect=lambda: EngineClient(path, silence_s=0.2)))
    try:
        yield ear
    finally:
        await ear.stop()


async def test_connection_on_which_nothing_comes_any_more_is_renewed_and_why_is_said(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, impatient(engine.path) as ear:
        await ear.until(lambda told: sum(line == HELLO for line in told) == 2)
        assert ear.states() == [Connection.LIVE, Connection.LOST, Connection.LIVE]
        lost = next(line for line in ear.told if isinstance(line, LinkState) and line.connection is Connection.LOST)
        assert lost.detail == "nothing was heard for 0.2 s"


async def test_connection_that_falls_silent_in_the_greeting_is_renewed(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, impatient(engine.path) as ear:
        engine.deaf = True
        await ear.until(lambda told: sum(line == HELLO for line in told) == 2)
        engine.deaf = False
        await ear.until(lambda told: EVENTS[6] in told)
        assert Connection.LOST in ear.states()


async def test_question_under_way_ends_with_a_connection_that_fell_silent(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, EngineClient(engine.path, silence_s=0.2) as client:
        engine.deaf = True
        with pytest.raises(
            EngineLost, match=r"nothing was heard for 0.2 s; whether the command took effect is unknown"
        ):
            await client.ask(Reload())


class Jumping:
    """The running loop's clock, which a test may put forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead)


async def test_octets_keep_a_connection_until_they_cease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Jumping(monkeypatch)
    async with staged(tmp_path / "s") as engine, EngineClient(engine.path, silence_s=10) as client:
        lines = client.lines()
        for _ in range(3):
            time.ahead += 6
            engine.say(EVENTS[7])
            assert await anext(lines) == EVENTS[7]
        time.ahead += 10
        with pytest.raises(EngineLost, match="nothing was heard for 10 s"):
            await anext(lines)


async def test_program_that_stood_still_reads_first_what_has_come_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Jumping(monkeypatch)
    async with staged(tmp_path / "s") as engine, EngineClient(engine.path, silence_s=10) as client:
        await asyncio.sleep(0)
        time.ahead += 3600  # as when a shell has stopped it, or somebody was asked something
        for _ in range(9):
            await asyncio.sleep(0)
        engine.say(EVENTS[7])
        assert await anext(client.lines()) == EVENTS[7]
        assert client.lost is None


async def test_loss_is_as_old_as_the_first_try_that_failed(tmp_path: Path) -> None:
    moment = iter(range(1_000_000))
    ear = Listening(EngineLink(tmp_path / "s", clock=lambda: next(moment) * S))
    try:
        await ear.until(lambda told: len(told) >= 3)
    finally:
        await ear.stop()
    states = [line for line in ear.told if isinstance(line, LinkState)]
    assert {line.connection for line in states} == {Connection.ABSENT}
    assert len({line.since for line in states}) == 1
    assert len({line.retry_at for line in states}) == len(states)


async def test_another_life_of_the_engine_is_asked_for_its_history(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, listening(engine.path) as ear:
        await ear.until(lambda told: EVENTS[6] in told)
        engine.greeting = (HELLO, Snapshot((), 1, NOW))
        engine.history = EVENTS[:1]
        engine.writers[-1].close()
        async with asyncio.timeout(10):
            while len(engine.commands(GetEvents)) < 2:
                await asyncio.sleep(0)


async def test_absent_engine_is_tried_again_until_it_comes(tmp_path: Path) -> None:
    async with listening(tmp_path / "s") as ear:
        await ear.until(lambda told: len(told) >= 1)
        assert ear.states()[0] is Connection.ABSENT
        async with staged(tmp_path / "s"):
            await ear.until(lambda told: HELLO in told)
            assert Connection.LOST not in ear.states()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
async def test_no_permission_is_denied(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine:
        engine.path.chmod(0)
        tmp_path.chmod(0o755)
        os.seteuid(65534)
        try:
            async with listening(engine.path) as ear:
                await ear.until(lambda told: len(told) >= 1)
                assert ear.states()[0] in (Connection.DENIED, Connection.ABSENT)
        finally:
            os.seteuid(0)


async def test_another_version_is_a_mismatch(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine:
        engine.raw = b'{"type":"hello","v":9}\n'
        async with listening(engine.path) as ear:
            await ear.until(lambda told: len(told) >= 1)
            assert ear.states()[0] is Connection.MISMATCH
            assert "version 9" in next(line.detail for line in ear.told if isinstance(line, LinkState))


async def test_command_gets_its_reply_and_a_refusal_is_one(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, listening(engine.path) as ear:
        await ear.until(lambda told: EVENTS[6] in told)
        engine.answer = lambda request: Reply(request.id, Outcome.REFUSED, "E-HELD", "held")
        reply = await ear.link.perform(Failover("VI_WEB"), "because")
        assert (reply.code, reply.text) == ("E-HELD", "held")
        assert engine.requests[-1].reason == "because"


async def test_command_without_a_connection_is_lost(tmp_path: Path) -> None:
    with pytest.raises(EngineLost, match="no connection"):
        await EngineLink(tmp_path / "s").perform(Reload())


async def test_new_subscription_is_said_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path / "s") as engine, listening(engine.path) as ear:
        await ear.until(lambda told: EVENTS[6] in told)
        ear.link.subscribe(("status", "events", "packets"))
        ear.link.subscribe(("status", "events", "packets"))
        async with asyncio.timeout(5):
            while Subscribe(("status", "events", "packets"), 4.0, 7) not in engine.commands(Subscribe):
                await asyncio.sleep(0)


async def replayed(link: ReplayLink, store: Store) -> asyncio.Task[None]:
    def hear(told: Sequence[Told]) -> None:
        for line in told:
            store.apply(line)

    task = asyncio.get_running_loop().create_task(link.run(hear))
    await asyncio.sleep(0)
    return task


async def test_recording_tells_what_is_due_and_stands_still() -> None:
    link, store = ReplayLink(SESSION), Store()
    task = await replayed(link, store)
    assert link.now() == NOW - 60 * S
    assert len(store.packets) == 0
    link.advance(55 * S)
    assert 0 < len(store.packets) < 40
    link.advance(5 * S)
    assert link.ended
    assert link.wall() == WALL
    assert len(store.packets) == 40
    with pytest.raises(Refused, match="this is a recording"):
        await link.perform(Reload())
    task.cancel()


async def test_recording_plays_by_itself_and_stops_at_its_end() -> None:
    link, store = ReplayLink(SESSION, speed=2000), Store()
    task = await replayed(link, store)
    async with asyncio.timeout(10):
        while not link.ended:
            await asyncio.sleep(0.005)
    assert link.now() == NOW
    assert not store.silent(link.now())
    task.cancel()


def test_file_of_a_recording_is_what_the_socket_said(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(b"".join(encode_line(line) for line in SESSION) + b"\n")
    assert load(path) == list(SESSION)
    path.write_bytes(encode_line(HELLO) + b"{}\n")
    with pytest.raises(ValueError, match=r"session\.jsonl:2: "):
        load(path)


async def test_way_to_the_engine_and_back_is_measured(tmp_path: Path) -> None:
    async with staged(tmp_path / "s"), listening(tmp_path / "s") as ear:
        await ear.until(lambda told: any(isinstance(line, LinkState) and line.round_trip > 0 for line in told))
        first, measured = (line for line in ear.told if isinstance(line, LinkState))
        assert (measured.connection, measured.since) == (Connection.LIVE, first.since)
