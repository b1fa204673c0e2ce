"""Many adverts with one system call, where hundreds are due at once.

Invariant: an advert that the kernel did not take is left to the caller, which sends it alone and learns why; the
order within a burst stays. Source: sendmmsg(2), ip(7).
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence

LIMIT = 64
"""Adverts in one call."""


class _Piece(ctypes.Structure):
    """struct iovec"""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr"""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("pieces", ctypes.c_void_p),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr"""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


_sendmmsg = ctypes.PyDLL(None).sendmmsg  # it keeps the interpreter's lock: nothing here waits
_sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


class Burst:
    """Room for `LIMIT` IPv4 packets of one length (octets) to one destination."""

    def __init__(self, destination: str, octets: int) -> None:
        self._octets = octets
        self._packets = ctypes.create_string_buffer(LIMIT * octets)
        self._at = ctypes.addressof(self._packets)
        name = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_pton(socket.AF_INET, destination))
        self._name = ctypes.create_string_buffer(name, len(name))
        self._pieces, self._messages = (_Piece * LIMIT)(), (_Message * LIMIT)()
        for number in range(LIMIT):
            self._pieces[number] = _Piece(self._at + number * octets, octets)
            piece = ctypes.addressof(self._pieces) + number * ctypes.sizeof(_Piece)
            self._messages[number].header = _Header(ctypes.addressof(self._name), len(name), piece, 1, None, 0, 0)
        self._first = ctypes.addressof(self._messages)

    def send(self, sender: socket.socket, packets: Sequence[bytes]) -> int:
        """Send them in order; returns how many of the first ones have left."""
        left, fd = 0, sender.fileno()
        while left < len(packets):
            part = packets[left : left + LIMIT]
            octets = b"".join(part)
            assert len(octets) == len(part) * self._octets
            ctypes.memmove(self._at, octets, len(octets))
            sent = _sendmmsg(fd, self._first, len(part), 0)
            if sent <= 0:
                break
            left += sent
        return left
