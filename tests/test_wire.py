"""The framing of the socketpairs and the lines of the control socket."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.model import Address, Authentication, Config, Instance
from engine.errors import ProtocolMismatch, Refused
from engine.messages import (
    Cause,
    CommandFinished,
    Configure,
    DatagramReceived,
    Failover,
    FromVrrp,
    Happened,
    Heartbeat,
    LogLine,
    Ordered,
    Outcome,
    PacketJudged,
    PullStatus,
    Request,
    State,
    StateChanged,
    StopRouter,
    ToVrrp,
    Verdict,
)
from engine.wire import Channel, LineSplitter, decode_request, decode_server_line, encode_line

Pair = tuple[Channel[FromVrrp], Channel[ToVrrp]]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    core: Channel[FromVrrp] = Channel(left, FromVrrp)
    vrrp: Channel[ToVrrp] = Channel(right, ToVrrp)
    yield core, vrrp
    core.close()
    vrrp.close()


def test_messages_arrive_whole_typed_and_in_order(pair: Pair) -> None:
    core, vrrp = pair
    address = Address(address="10.211.55.50", prefix=32, interface="eth0")
    instance = Instance(
        name="VI_1",
        interface="eth0",
        vrid=50,
        addresses=(address,),
        authentication=Authentication(kind="pass", key=b"1111\0\0\0\0"),
    )
    sent = [
        Configure(config=Config(instances=(instance,))),
        Ordered(request=7, command=Failover(instance="VI_1"), by="root"),
        PullStatus(),
        StopRouter(cause=Cause.SHUTDOWN),
    ]
    for message in sent:
        assert core.send(message)
    assert vrrp.receive() == sent

    happened = Happened(
        at=5,
        events=(
            StateChanged(instance="VI_1", old=State.BACKUP, new=State.MASTER, cause=Cause.WE_PREEMPTED),
            CommandFinished(request=7, outcome=Outcome.DONE),
        ),
    )
    assert vrrp.send(happened)
    assert core.receive() == [happened]


def test_a_frame_that_arrives_in_pieces_is_put_together() -> None:
    left, right = socket.socketpair()
    vrrp: Channel[ToVrrp] = Channel(right, ToVrrp)
    body = msgspec.msgpack.encode(PullStatus(changed_only=False))
    frame = struct.pack("!I", len(body)) + body
    for octet in frame[:-1]:
        left.send(bytes([octet]))
        assert vrrp.receive() == []
    left.send(frame[-1:])
    assert vrrp.receive() == [PullStatus(changed_only=False)]
    left.close()
    vrrp.close()


def test_a_slow_reader_loses_packets_and_never_events(pair: Pair) -> None:
    core, vrrp = pair
    judged = PacketJudged(interface="eth0", data=bytes(4000), instance="VI_1", verdict=Verdict.OK)
    while vrrp.send(judged, droppable=True):
        pass
    assert vrrp.wants_write
    assert vrrp.dropped == 1
    event = Happened(at=1, events=(LogLine(severity="info", text="after the flood"),))
    assert vrrp.send(event)

    received = []
    while not (vrrp.flush() and received and isinstance(received[-1], Happened)):
        received += core.receive()
    assert received[-1] == event
    assert received[:-1] == [judged] * (len(received) - 1)
    assert vrrp.queued == 0
    assert not vrrp.wants_write


def test_the_end_of_the_stream_closes_after_the_last_message(pair: Pair) -> None:
    core, vrrp = pair
    core.send(PullStatus())
    core.close()
    assert vrrp.receive() == [PullStatus()]
    assert vrrp.receive() == []
    assert vrrp.closed
    assert not vrrp.send(Happened(at=1, events=()))


def test_sending_to_a_dead_peer_closes_and_does_not_raise(pair: Pair) -> None:
    core, vrrp = pair
    core.close()
    vrrp.send(Happened(at=1, events=()))
    assert vrrp.closed
    assert "gone" in vrrp.closed_reason


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff\xff\xff\xff",
        struct.pack("!I", 3) + b"\xc1\xc1\xc1",
        struct.pack("!I", 1) + b"\x80",
        struct.pack("!I", 12) + msgspec.msgpack.encode({"type": "nobody"})[:12],
    ],
)
def test_garbage_in_a_frame_closes_the_channel_with_a_reason(octets: bytes) -> None:
    left, right = socket.socketpair()
    vrrp: Channel[ToVrrp] = Channel(right, ToVrrp)
    left.send(octets)
    assert vrrp.receive() == []
    assert vrrp.closed
    assert vrrp.closed_reason
    left.close()
    vrrp.close()


def test_wait_returns_at_its_timeout(pair: Pair) -> None:
    core, vrrp = pair
    assert vrrp.wait(0.01) == []
    core.send(PullStatus())
    assert vrrp.wait(5) == [PullStatus()]


def test_a_line_is_one_json_object_with_type_and_version() -> None:
    line = encode_line(Heartbeat(mono_ns=1, wall_ns=2, vrrp_heard=3, seq=4))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert msgspec.json.decode(line) == {
        "type": "heartbeat",
        "mono_ns": 1,
        "wall_ns": 2,
        "vrrp_heard": 3,
        "seq": 4,
        "v": 1,
    }
    assert decode_server_line(line) == Heartbeat(mono_ns=1, wall_ns=2, vrrp_heard=3, seq=4)


def test_a_typed_request_needs_no_version() -> None:
    line = b'{"type":"request","id":1,"command":{"type":"failover","instance":"VI_1"}}'
    assert decode_request(line) == Request(id=1, command=Failover(instance="VI_1"))


def test_another_version_is_said_by_its_number() -> None:
    with pytest.raises(ProtocolMismatch, match="version 9"):
        decode_request(b'{"type":"request","id":1,"v":9,"command":{"type":"what-is-new"}}')
    with pytest.raises(ProtocolMismatch, match="version 9"):
        decode_server_line(b'{"type":"heartbeat","v":9}')


def test_an_unknown_line_of_the_same_version_is_left_out() -> None:
    assert decode_server_line(b'{"type":"something-newer","v":1}') is None


@given(st.binary(max_size=200))
def test_no_octets_of_a_client_raise_anything_but_a_refusal(octets: bytes) -> None:
    with contextlib.suppress(Refused, ProtocolMismatch):
        decode_request(octets)
    with contextlib.suppress(ProtocolMismatch):
        decode_server_line(octets)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Refused):
        decode_request(b"[" * 100_000)


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda line: line.strip() and b"\n" not in line)), st.data())
def test_lines_come_out_however_the_stream_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    splitter, found = LineSplitter(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
    assert found == [line.strip() for line in lines]


def test_an_endless_line_is_refused() -> None:
    splitter = LineSplitter(limit=100)
    splitter.feed(b"x" * 50)
    splitter.feed(b"x" * 50)
    with pytest.raises(Refused, match="100 octets"):
        splitter.feed(b"x")


def test_datagrams_keep_their_octets_over_msgpack() -> None:
    datagram = DatagramReceived(interface="eth0", family=6, data=bytes(range(256)), source=b"\xfe\x80", ttl=255)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(datagram), type=DatagramReceived) == datagram
