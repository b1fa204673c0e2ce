"""pcapng: packets with the engine's verdict on each, as other tools read them.

Invariant: pure; octets of a password, digest or key are zeroed unless they are asked for by name, and what was
written so far is a whole file whenever the writing ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from engine.messages import PacketLine
from engine.protocol.packet.dissect import SECRET, Field, dissect

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_MAGIC = 0x1A2B3C4D
_ETHERNET = 1
_COMMENT, _NAME, _RESOLUTION, _FLAGS, _APPLICATION = 1, 2, 9, 2, 4
"""Option codes of pcapng; 2 is a name in an interface block and flags in a packet block.
Source: draft-ietf-opsawg-pcapng 3.5, 4.1, 4.2, 4.3."""
_INBOUND, _OUTBOUND = 1, 2


def secret_octets(frame: bytes) -> frozenset[int]:
    """Octets that are never drawn, and not written."""
    return frozenset(
        at for field in _fields(dissect(frame)) if field.value == SECRET for at in range(field.start, field.end)
    )


def _fields(fields: tuple[Field, ...]) -> Iterator[Field]:
    for field in fields:
        yield field
        yield from _fields(field.children)


def masked(packet: PacketLine) -> PacketLine:
    """The packet with its secret octets zeroed."""
    secret = secret_octets(packet.frame)
    if not secret:
        return packet
    frame = bytes(0 if at in secret else octet for at, octet in enumerate(packet.frame))
    return msgspec.structs.replace(packet, frame=frame)


class Pcapng:
    """The blocks of one file, as they are needed: interfaces are declared when they first come."""

    def __init__(self, *, with_secrets: bool = False) -> None:
        self._with_secrets = with_secrets
        self._interfaces: dict[str, int] = {}

    def begin(self) -> bytes:
        """The head of the file."""
        body = struct.pack("<IHHq", _MAGIC, 1, 0, -1)
        return _block(_SECTION, body + _options((_APPLICATION, b"hatui")))

    def add(self, packet: PacketLine) -> bytes:
        """One packet; before it its interface, if that is new."""
        octets = b""
        number = self._interfaces.get(packet.interface)
        if number is None:
            number = self._interfaces[packet.interface] = len(self._interfaces)
            name = (packet.interface or "unknown").encode()
            head = struct.pack("<HHI", _ETHERNET, 0, 0)
            octets = _block(_INTERFACE, head + _options((_NAME, name), (_RESOLUTION, b"\x09")))
        comments = [comment_of(packet)]
        if not self._with_secrets:
            bare = masked(packet)
            comments += ["secret octets are zeroed"] if bare is not packet else []
            packet = bare
        size = len(packet.frame)
        time = packet.wall_ns
        head = struct.pack("<IIIII", number, time >> 32, time & 0xFFFFFFFF, size, size)
        flags = struct.pack("<I", _OUTBOUND if packet.direction == "out" else _INBOUND)
        tail = _options((_FLAGS, flags), *((_COMMENT, comment.encode()) for comment in comments))
        return octets + _block(_PACKET, head + _padded(packet.frame) + tail)


def comment_of(packet: PacketLine) -> str:
    """The engine's verdict in words that `hatui.offline` reads again."""
    by = f" by {packet.instance}" if packet.instance else ""
    return f"verdict {packet.verdict.value}{by}" + (f": {packet.detail}" if packet.detail else "")


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def _options(*options: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options) + bytes(4)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size
