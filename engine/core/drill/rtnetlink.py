"""Questions to the kernel's routing: dumps as the octets that they are, and the same octets given back.

Invariant: what is read is kept octet by octet, attributes of no interest to us included, so that what is given back
is the same item and not our idea of it. Everything here may block for a moment.
Source: rtnetlink(7), netlink(7).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterable, Iterator

NEW_LINK, GET_LINK = 16, 18
NEW_ADDRESS, GET_ADDRESS = 20, 22
NEW_ROUTE, GET_ROUTE = 24, 26
NEW_NEIGHBOUR, GET_NEIGHBOUR = 28, 30
EXCLUSIVE, CREATE, APPEND = 0x200, 0x400, 0x800
_REQUEST, _ACKNOWLEDGE, _DUMP, _INTERRUPTED = 0x1, 0x4, 0x300, 0x10
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_TYPE = 0x3FFF
_TRIES = 5
_PATIENCE_S = 2.0


class Netlink:
    """One socket. Use as a context manager. Raises: OSError."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._socket.settimeout(_PATIENCE_S)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind((0, 0))
        self._number = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """The bodies of all items. A dump during which something changed is read again."""
        for _ in range(_TRIES):
            found, whole = self._dump(kind, body)
            if whole:
                break
        return found

    def _dump(self, kind: int, body: bytes) -> tuple[list[bytes], bool]:
        self._send(kind, _DUMP, body)
        found: list[bytes] = []
        whole = True
        while True:
            for what, flags, octets in self._read():
                whole = whole and not flags & _INTERRUPTED
                if what == _ERROR:
                    raise OSError(-struct.unpack_from("=i", octets)[0], "the kernel refuses a dump")
                if what == _DONE:
                    return found, whole
                found.append(octets)

    def ask(self, kind: int, body: bytes) -> bytes:
        """The body of the one answer to a question."""
        self._send(kind, 0, body)
        for what, _, octets in self._read():
            if what == _ERROR:
                number = -struct.unpack_from("=i", octets)[0]
                raise OSError(number, os.strerror(number))
            return octets
        return b""

    def give(self, kind: int, flags: int, body: bytes) -> int:
        """Have the kernel do something. Returns its error number, 0 for done."""
        self._send(kind, flags | _ACKNOWLEDGE, body)
        for what, _, octets in self._read():
            if what == _ERROR:
                return -int(struct.unpack_from("=i", octets)[0])
        return 0

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._number += 1
        header = _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, self._number, 0)
        self._socket.send(header + body)

    def _read(self) -> Iterator[tuple[int, int, bytes]]:
        """The messages of one datagram that answer the last question."""
        octets = self._socket.recv(1 << 18)
        at = 0
        while at + _HEADER.size <= len(octets):
            length, kind, flags, number, _ = _HEADER.unpack_from(octets, at)
            if length < _HEADER.size:
                return
            if number == self._number:
                yield kind, flags, octets[at + _HEADER.size : at + length]
            at += (length + 3) & ~3


def attributes(body: bytes, at: int) -> list[tuple[int, bytes]]:
    """Type and octets of all attributes from an offset on."""
    found = []
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if length < _ATTRIBUTE.size:
            break
        found.append((kind & _TYPE, body[at + _ATTRIBUTE.size : at + length]))
        at += (length + 3) & ~3
    return found


def packed(found: Iterable[tuple[int, bytes]]) -> bytes:
    """The octets of attributes."""
    return b"".join(
        _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4) for kind, value in found
    )
