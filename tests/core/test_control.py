"""The control socket with real Unix sockets and a host without an engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.client import EngineClient
from engine.core import control, peers
from engine.core.outbox import Outbox
from engine.errors import EngineLost, Refused
from engine.messages import (
    ApplyConfig,
    Cause,
    EventLine,
    Failover,
    GetConfig,
    GetEvents,
    Heartbeat,
    LogLine,
    Outcome,
    PacketLine,
    ServerLine,
    State,
    StateChanged,
    StatusGone,
    StatusLine,
    Verdict,
)
from tests.core.fake_host import FakeHost, as_user, instance, serving

CHANGE = StateChanged("VI_1", State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tuple[FakeHost, Path]]:
    async with serving(tmp_path) as pair:
        yield pair


async def until(client: EngineClient, kind: type[ServerLine], count: int = 1) -> list[Any]:
    """The next `count` lines of a kind, others left out."""
    found = []
    async for line in client.lines():
        if isinstance(line, kind):
            found.append(line)
            if len(found) == count:
                break
    return found


def keyed(status: Any) -> tuple[str, str]:
    return ("instance-status", status.name)


async def test_client_gets_hello_then_snapshot_then_the_events_it_asks_for(engine: tuple[FakeHost, Path]) -> None:
    host, path = engine
    async with EngineClient(path) as client:
        assert client.hello.role == "operator"
        assert client.snapshot.statuses == (instance(),)
        host.happen(CHANGE)
        await client.subscribe("events")
        host.happen(CHANGE)
        (line,) = await until(client, EventLine)
        assert (line.seq, line.event) == (2, CHANGE)


async def test_lines_are_plain_json_for_socat_and_jq(engine: tuple[FakeHost, Path]) -> None:
    _host, path = engine
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b'{"type":"request","id":7,"command":{"type":"get-events","limit":1}}\n')
    kinds = [json.loads(await reader.readline()) for _ in range(3)]
    assert {one["type"] for one in kinds} == {"hello", "snapshot", "reply"}
    assert all(one["v"] == 1 for one in kinds)
    writer.close()
    await writer.wait_closed()


async def test_socket_is_for_owner_and_group_only(engine: tuple[FakeHost, Path]) -> None:
    assert stat.S_IMODE(engine[1].stat().st_mode) == 0o660


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (b"hello\n", "E-PROTOCOL"),
        (b"\x00\xff\xfe\n", "E-PROTOCOL"),
        (b'{"type":"request","id":1}\n', "E-PROTOCOL"),
        (b'{"type":"request","id":1,"command":{"type":"format-disk"}}\n', "E-PROTOCOL"),
        (b'{"type":"request","id":"x","command":{"type":"reload"}}\n', "E-PROTOCOL"),
        (b'{"v":99,"type":"request","id":1,"command":{"type":"reload"}}\n', "E-PROTOCOL"),
        (b"[" * 100_000 + b"\n", "E-PROTOCOL"),
        (b"GET / HTTP/1.1\r\n\r\n", "E-PROTOCOL"),
    ],
)
async def test_garbage_closes_the_one_who_sent_it_and_nobody_else(
    engine: tuple[FakeHost, Path], garbage: bytes, code: str
) -> None:
    host, path = engine
    async with EngineClient(path) as other:
        await other.subscribe("events")
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(garbage)
        lines = [json.loads(line) for line in (await reader.read()).splitlines()]
        assert lines[-1]["type"] == "farewell"
        assert lines[-1]["code"] == code
        writer.close()
        host.happen(CHANGE)
        assert (await until(other, EventLine))[0].event == CHANGE
        assert len(host.server.clients) == 1


def flood(path: Path, limit: int) -> tuple[int, bytes]:
    """Send without a newline until the engine has enough: octets sent, what it said."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(path))
        sent, said = 0, b""
        with contextlib.suppress(OSError):
            while sent < limit:
                sent += sock.send(b"x" * 65536)
        with contextlib.suppress(OSError):
            while data := sock.recv(65536):
                said += data
        return sent, said


async def test_endless_line_closes_the_client_with_too_large(engine: tuple[FakeHost, Path]) -> None:
    _host, path = engine
    sent, said = await asyncio.to_thread(flood, path, 64 * 1024 * 1024)
    assert sent < 8 * 1024 * 1024
    assert json.loads(said.splitlines()[-1])["code"] == "E-TOO-LARGE"


async def test_client_refuses_to_send_what_the_engine_would_not_take(engine: tuple[FakeHost, Path]) -> None:
    _host, path = engine
    async with EngineClient(path) as client:
        with pytest.raises(Refused, match="E-TOO-LARGE"):
            await client.request(ApplyConfig("x" * (5 * 1024 * 1024)))
        assert (await client.request(GetEvents())).outcome is Outcome.DONE


async def test_client_that_never_reads_loses_packets_first_then_is_told_how_many(
    engine: tuple[FakeHost, Path],
) -> None:
    host, path = engine
    packet = PacketLine(1, 1, 1, "eth0", "in", "advert", b"f" * 200, "VI_1", Verdict.OK)
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 26)
    writer.transport.pause_reading()
    writer.write(
        b'{"type":"request","id":1,"command":{"type":"subscribe","topics":["events","packets","status"],"rate_hz":20}}\n'
    )
    for _ in range(50):
        await asyncio.sleep(0)
        if host.server.wants("packets"):
            break
    (slow,) = host.server.clients
    for number in range(20_000):
        host.server.tell_packet(packet, packet)
        if number % 100 == 0:
            host.happen(CHANGE)
            host.server.mark_statuses([instance(priority=number % 200)], keyed)
            host.server.send_statuses(number * 1.0)
    assert slow.outbox.lost_packets > 10_000
    assert slow.outbox.octets < 4 * 1024 * 1024
    writer.transport.resume_reading()
    got: list[dict[str, Any]] = []
    while sum(one["type"] == "event-line" for one in got) < 200 or "gap" not in {one["type"] for one in got}:
        got.append(json.loads(await reader.readline()))
    while (slow.outbox.octets or not reader.at_eof()) and sum(one["type"] == "packet-line" for one in got) + sum(
        one.get("packets", 0) for one in got if one["type"] == "gap"
    ) < 20_000:
        got.append(json.loads(await reader.readline()))
    assert [one["seq"] for one in got if one["type"] == "event-line"] == list(range(1, 201))
    lost = sum(one["packets"] for one in got if one["type"] == "gap")
    assert lost + sum(one["type"] == "packet-line" for one in got) == 20_000
    writer.close()
    await writer.wait_closed()


async def test_client_that_takes_not_even_transitions_is_let_go_and_others_stay(
    engine: tuple[FakeHost, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, path = engine
    _reader, writer = await asyncio.open_unix_connection(str(path))
    writer.transport.pause_reading()
    writer.write(b'{"type":"request","id":1,"command":{"type":"subscribe","topics":["events"]}}\n')
    while not host.server.wants("events"):
        await asyncio.sleep(0)
    (slow,) = host.server.clients
    slow.outbox = Outbox(hard_octets=200_000)
    monkeypatch.setattr(control, "GOODBYE_S", 0.0)
    async with EngineClient(path) as other:
        await other.subscribe("events")
        told = 0
        while slow in host.server.clients:
            host.happen(CHANGE)
            told += 1
            assert told < 100_000
            if told % 100 == 0:
                await asyncio.sleep(0)
        assert len(await until(other, EventLine, told)) == told
        assert len(host.server.clients) == 1
    writer.transport.abort()


def test_outbox_keeps_transitions_when_other_events_are_dropped() -> None:
    box = Outbox(event_octets=100)
    for number in range(50):
        box.put_event(b"log %d\n" % number, transition=False)
        box.put_event(b"change %d\n" % number, transition=True)
    lines = []
    while (line := box.take()) is not None:
        lines.append(line)
    assert [line for line in lines if line.startswith(b"change")] == [b"change %d\n" % one for one in range(50)]
    gap = json.loads(lines[-1])
    assert gap["type"] == "gap"
    assert gap["events"] == 50 - sum(line.startswith(b"log") for line in lines) > 0


def test_outbox_sends_only_the_newest_value_of_a_status() -> None:
    box = Outbox()
    for number in range(10):
        box.put_status(("instance-status", "VI_1"), lambda number=number: b"%d\n" % number)
    assert box.take() == b"9\n"
    assert box.take() is None


async def test_statuses_come_at_the_rate_of_each_subscriber(engine: tuple[FakeHost, Path]) -> None:
    host, path = engine
    async with EngineClient(path) as fast, EngineClient(path) as slow:
        await fast.subscribe("status", rate_hz=20)
        await slow.subscribe("status", rate_hz=1)
        for tick in range(21):
            host.server.mark_statuses([instance(priority=tick + 1)], keyed)
            host.server.send_statuses(1000 + tick * 0.05)
        host.server.tell_gone([("instance-status", "VI_1")])
        assert [line.status.priority for line in await until(fast, StatusLine, 21)] == list(range(1, 22))
        assert [line.status.priority for line in await until(slow, StatusLine, 2)] == [1, 21]
        assert await until(slow, StatusGone) == [StatusGone("instance-status", "VI_1")]


async def test_subscriber_resumes_after_the_last_event_it_saw(engine: tuple[FakeHost, Path]) -> None:
    host, path = engine
    for _ in range(5):
        host.happen(CHANGE)
    async with EngineClient(path) as client:
        asking = asyncio.ensure_future(client.subscribe("events", since=2))
        await asyncio.sleep(0)
        host.happen(CHANGE)  # while older ones are fetched
        await asking
        host.happen(CHANGE)
        seqs = [line.seq for line in await until(client, EventLine, 5)]
        assert seqs == [3, 4, 5, 6, 7]


async def test_unknown_topic_is_refused_and_the_client_stays(engine: tuple[FakeHost, Path]) -> None:
    _host, path = engine
    async with EngineClient(path) as client:
        with pytest.raises(Refused, match="E-PROTOCOL"):
            await client.subscribe("gossip")
        assert (await client.request(GetEvents())).outcome is Outcome.DONE


async def test_heartbeats_reach_everybody(engine: tuple[FakeHost, Path]) -> None:
    host, path = engine
    async with EngineClient(path) as client:
        host.server.tell_heartbeat(Heartbeat(1, 2, 3, 4))
        assert await until(client, Heartbeat) == [Heartbeat(1, 2, 3, 4)]


async def test_each_request_gets_its_own_reply_though_they_overlap(engine: tuple[FakeHost, Path]) -> None:
    host, path = engine
    host.gate = asyncio.Event()
    progress: list[str] = []
    async with EngineClient(path) as client:
        asked = [
            asyncio.ensure_future(client.request(Failover("VI_1"), "r", progress=progress.append)) for _ in range(20)
        ]
        while len(host.asked) < control.AT_ONCE:
            await asyncio.sleep(0)
        assert len(host.asked) == control.AT_ONCE
        host.gate.set()
        replies = await asyncio.gather(*asked)
        assert len({reply.id for reply in replies}) == 20
        assert len(progress) == 20


async def test_engine_that_dies_ends_waiting_requests(tmp_path: Path) -> None:
    async with serving(tmp_path) as (host, path):
        host.gate = asyncio.Event()
        async with EngineClient(path) as client:
            asked = asyncio.ensure_future(client.request(Failover("VI_1")))
            while not host.asked:
                await asyncio.sleep(0)
            await host.server.close("E-STOPPING", "the engine ends")
            with pytest.raises(EngineLost, match="unknown"):
                await asked
            with pytest.raises(EngineLost, match="the engine ends"):
                await until(client, EventLine)
    with pytest.raises(EngineLost, match="does not exist"):
        async with EngineClient(path):
            pass


async def test_stale_socket_is_replaced_and_a_living_one_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with serving(tmp_path) as (host, _):
        other = FakeHost()
        with pytest.raises(Refused, match=f"pid {os.getpid()}") as refusal:
            await other.server.listen(path)
        assert refusal.value.code == "E-RUNNING"
        assert len(host.server.clients) == 0
    assert not path.exists()


async def test_file_in_the_place_of_the_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    path.write_text("precious")
    with pytest.raises(Refused, match="no socket"):
        await FakeHost().server.listen(path)
    assert path.read_text() == "precious"


# ---- roles


def talk(path: Path, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        said = b""
        with contextlib.suppress(BrokenPipeError):  # a refusal may come before we have spoken
            sock.sendall(line)
        while b'"reply"' not in said and b'"farewell"' not in said:
            data = sock.recv(65536)
            if not data:
                break
            said += data
        return said


def open_to_all(path: Path) -> None:
    """Let anybody reach a socket of this test: only directories that pytest made are touched."""
    for part in path.parents:
        if part.name.startswith(("pytest-of-", "pytest-", "popen-", "test_")):
            part.chmod(part.stat().st_mode | 0o011)
    if path.exists():
        path.chmod(0o666)


GET_CONFIG = b'{"type":"request","id":1,"command":{"type":"get-config"}}\n'
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


async def said_by(path: Path, uid: int, gids: tuple[int, ...], line: bytes) -> dict[str, Any]:
    said = await asyncio.to_thread(as_user, uid, gids, lambda: talk(path, line))
    last: dict[str, Any] = json.loads(said.splitlines()[-1])
    return last


@root_only
async def test_stranger_is_refused_with_a_sentence(engine: tuple[FakeHost, Path]) -> None:
    host, path = engine
    assert b"PermissionError" in await asyncio.to_thread(as_user, 65534, (65534,), lambda: talk(path, b""))
    open_to_all(path)
    last = await said_by(path, 65534, (65534,), GET_CONFIG)
    assert (last["type"], last["code"]) == ("farewell", "E-PERMISSION")
    assert "usermod -aG hatui nobody" in last["text"]
    assert host.asked == []


@root_only
async def test_group_hatui_views_and_group_hatui_admin_operates(
    engine: tuple[FakeHost, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, path = engine
    open_to_all(path)
    monkeypatch.setattr(peers, "group_id", {"hatui": 64001, "hatui-admin": 64002}.get)
    viewer = await said_by(path, 65534, (65534, 64001), GET_CONFIG)
    assert (viewer["outcome"], viewer["code"]) == ("refused", "E-ROLE")
    assert "secret" not in str(viewer)
    assert host.refusals == [("GetConfig", "E-ROLE")]
    looking = await said_by(path, 65534, (65534, 64001), GET_CONFIG.replace(b"get-config", b"get-events"))
    assert looking["outcome"] == "done"
    operator = await said_by(path, 65534, (65534, 64002), GET_CONFIG)
    assert operator["text"] == "secret"
    request, peer = host.asked[-1]
    assert isinstance(request.command, GetConfig)
    assert (peer.uid, peer.role, peer.user) == (65534, "operator", "nobody")
    assert "uid 65534" in peer.origin


@root_only
async def test_member_of_hatui_admin_alone_gets_through_the_mode_of_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all(tmp_path / "none")
    monkeypatch.setattr(peers, "group_id", {"hatui": 64001, "hatui-admin": 64002}.get)
    async with serving(tmp_path) as (_host, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        for gid, said in ((64001, b"E-ROLE"), (64002, b"secret"), (64003, b"PermissionError")):
            assert said in await asyncio.to_thread(as_user, 65534, (65534, gid), lambda: talk(path, GET_CONFIG))


async def test_log_lines_are_events_too(engine: tuple[FakeHost, Path]) -> None:
    host, path = engine
    async with EngineClient(path) as client:
        await client.subscribe("events")
        host.happen(LogLine("warning", "disk"))
        assert (await until(client, EventLine))[0].event == LogLine("warning", "disk")
