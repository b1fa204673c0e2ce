"""How messages travel: msgpack frames over the socketpairs, JSON lines over the control socket.

Owns two invariants. A frame is four octets of length (big-endian) and one msgpack message; a reader
that falls behind costs the writer memory up to a bound and never time. And a line is one JSON
object of one message; whatever else arrives there is a refusal with a sentence, never a crash.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections import deque
from typing import Any, Generic, TypeVar

import msgspec

from engine.errors import ProtocolMismatch, Refused
from engine.messages import PROTOCOL_VERSION, Message, Request, ServerLine

Incoming = TypeVar("Incoming")
NO_MESSAGE = "a line that is no message"
"""The words of ProtocolMismatch where what came is no JSON."""

FRAME_LIMIT = 256 * 1024 * 1024
"""Octets; a longer frame can only be a fault, and ends the channel."""
QUEUE_LIMIT = 1024 * 1024
"""Octets waiting to be sent beyond which droppable messages are dropped."""
LINE_LIMIT = 4 * 1024 * 1024
"""Octets of one JSON line, enough for a configuration file in ApplyConfig."""

_LENGTH = struct.Struct("!I")
_RECEIVE = 256 * 1024

_encode_frame = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode
_requests = msgspec.json.Decoder(Request)
_server_lines = msgspec.json.Decoder(ServerLine)


class _Stamp(msgspec.Struct):
    v: int = 0
    type: str = ""


_stamps = msgspec.json.Decoder(_Stamp)


class Channel(Generic[Incoming]):
    """One end of a socketpair between two processes of the engine.

    Never blocks: `send` queues what the kernel does not take, `flush` goes on when the socket is
    writable again, `receive` returns what has arrived. `incoming` is the union of messages that
    the other end may say. EOF, a broken peer and a frame that is no such message set `closed`.
    """

    def __init__(self, sock: socket.socket, incoming: Any, limit: int = QUEUE_LIMIT) -> None:
        sock.settimeout(0)
        self._socket = sock
        self._decode = msgspec.msgpack.Decoder(incoming).decode
        self._limit = limit
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._sent = 0  # octets of the first queued frame that are gone already
        self._buffer = bytearray()
        self.closed = False
        self.closed_reason = ""
        self.dropped = 0
        """Droppable messages that were dropped so far."""

    def fileno(self) -> int:
        """The descriptor, for epoll and asyncio; -1 after `close`."""
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """Something is queued: watch for writability and call `flush`."""
        return bool(self._queue) and not self.closed

    @property
    def queued(self) -> int:
        """Octets waiting to be sent."""
        return self._queued - self._sent

    def send(self, message: Message, *, droppable: bool = False) -> bool:
        """Queue one message and send what goes. False: dropped, or the channel is closed."""
        if self.closed:
            return False
        if droppable and self._queued >= self._limit:
            self.dropped += 1
            return False
        body = _encode_frame(message)
        self._queue.append(_LENGTH.pack(len(body)) + body)
        self._queued += _LENGTH.size + len(body)
        if len(self._queue) == 1:
            self.flush()
        return True

    def flush(self) -> bool:
        """Send what the kernel takes now. True when nothing is left."""
        queue = self._queue
        while queue and not self.closed:
            frame = queue[0]
            try:
                self._sent += self._socket.send(memoryview(frame)[self._sent :] if self._sent else frame)
            except (BlockingIOError, InterruptedError):
                return False
            except OSError as error:
                self._close(f"the other end is gone: {error.strerror}")
                break
            if self._sent == len(frame):
                queue.popleft()
                self._queued -= len(frame)
                self._sent = 0
        return not queue

    def receive(self) -> list[Incoming]:
        """All whole messages that have arrived. Sets `closed` at the end of the stream; the
        messages before it are still returned."""
        while not self.closed:
            try:
                data = self._socket.recv(_RECEIVE)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                # a peer that closes with our messages unread resets the stream; what it said before still counts
                self._close("" if error.errno == errno.ECONNRESET else str(error.strerror))
                break
            if not data:
                self._close("")
                break
            self._buffer += data
            if len(data) < _RECEIVE:
                break
        return self._take() if self._buffer else []

    def wait(self, timeout_s: float) -> list[Incoming]:
        """Blocking: at least one message, or [] after `timeout_s` seconds or at the end of the stream."""
        end = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while True:
            messages = self.receive()
            left = end - time.monotonic()
            if messages or self.closed or left <= 0:
                return messages
            poll.poll(left * 1000)

    def close(self) -> None:
        """Close our end; the other end reads what was sent and then the end of the stream."""
        self.closed = True
        self._socket.close()

    def _take(self) -> list[Incoming]:
        buffer, start, messages = self._buffer, 0, []
        view = memoryview(buffer)
        try:
            while len(buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(buffer, start)
                if length > FRAME_LIMIT:
                    self._close(f"a frame of {length} octets")
                    break
                end = start + _LENGTH.size + length
                if end > len(buffer):
                    break
                messages.append(self._decode(view[start + _LENGTH.size : end]))
                start = end
        except msgspec.MsgspecError as error:
            self._close(f"a message that is none: {error}")
        finally:
            view.release()
        del buffer[:start]
        return messages

    def _close(self, reason: str) -> None:
        self.closed = True
        self.closed_reason = reason


class LineSplitter:
    """Turns the octets of a stream into lines, none longer than `limit`."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their newline; empty lines are left out.

        Raises:
            Refused: E-TOO-LARGE, a line exceeds the limit. The stream cannot go on.
        """
        self._buffer += data
        lines = []
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            if end > self._limit:
                break
            line = bytes(self._buffer[:end]).strip()
            if line:
                lines.append(line)
            del self._buffer[: end + 1]
            self._searched = 0
        self._searched = len(self._buffer)
        if self._searched > self._limit:
            raise Refused("E-TOO-LARGE", f"a line may have {self._limit} octets at most")
        return lines


def encode_line(message: Message) -> bytes:
    """One message as one JSON line, newline included."""
    return _encode_json(message) + b"\n"


def decode_request(line: bytes) -> Request:
    """A client's line.

    Raises:
        ProtocolMismatch: the client speaks another version.
        Refused: E-PROTOCOL, it is not a request that we know.
    """
    try:
        stamp = _stamps.decode(line)
        if stamp.v not in (0, PROTOCOL_VERSION):  # `v` left out is the present one: people type these lines
            raise ProtocolMismatch(
                f"you speak version {stamp.v} of the protocol, this engine speaks {PROTOCOL_VERSION}"
            )
        return _requests.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refused("E-PROTOCOL", f"not a request: {error}") from None


def decode_server_line(line: bytes) -> ServerLine | None:
    """An engine's line; None for a kind of line that a newer engine says and we do not know.

    Raises:
        ProtocolMismatch: another version of the protocol, or not JSON at all.
    """
    try:
        message: ServerLine = _server_lines.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        try:
            stamp = _stamps.decode(line)
        except (msgspec.MsgspecError, RecursionError):
            raise ProtocolMismatch(f"the engine sent {NO_MESSAGE}: {error}") from None
        if stamp.v != PROTOCOL_VERSION:
            raise ProtocolMismatch(
                f"the engine speaks version {stamp.v} of the protocol, this program speaks {PROTOCOL_VERSION}"
            ) from None
        return None
    if message.v != PROTOCOL_VERSION:
        raise ProtocolMismatch(
            f"the engine speaks version {message.v} of the protocol, this program speaks {PROTOCOL_VERSION}"
        )
    return message
