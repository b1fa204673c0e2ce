"""keepalived's keyed trailer behind an advertisement (auth_hmac): HMAC-SHA-256 cut to 128 bits.

Invariant: a digest is compared in constant time, over the source address too, so an advert cannot be replayed
from elsewhere. Source: keepalived.conf(5) auth_hmac; vectors published with keepalived.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

import msgspec

from engine.errors import PacketError

TRAILER_LENGTH = 28
HMAC_SHA256_128 = 1
_HEAD = struct.Struct(">BBHIHH")
HEAD_LENGTH = 12


class Trailer(msgspec.Struct, frozen=True):
    """The fields of one trailer."""

    kind: int
    """1 = HMAC-SHA-256/128."""
    key_id: int
    """1..255"""
    reserved: int
    seconds: int
    """Wall-clock seconds modulo 2**32."""
    fraction: int
    """1/65536 s"""
    counter: int
    """Distinguishes adverts of one instant, 0..65535."""
    digest: bytes
    """16 octets."""

    @property
    def mark(self) -> int:
        """Seconds, fraction and counter as one number that rises with each advert of a sender."""
        return self.seconds << 32 | self.fraction << 16 | self.counter


def parse_trailer(octets: bytes) -> Trailer:
    """The fields of 28 octets.

    Raises: PacketError when there are not exactly 28.
    """
    if len(octets) != TRAILER_LENGTH:
        raise PacketError(f"{len(octets)} octets are no trailer of {TRAILER_LENGTH}")
    kind, key_id, reserved, seconds, fraction, counter = _HEAD.unpack_from(octets)
    return Trailer(kind, key_id, reserved, seconds, fraction, counter, octets[HEAD_LENGTH:])


def seal(message: bytes, source: bytes, key_id: int, key: bytes, mark: int) -> bytes:
    """The trailer of a message that leaves from `source`. `mark` as in `Trailer.mark`."""
    head = _HEAD.pack(HMAC_SHA256_128, key_id, 0, mark >> 32 & 0xFFFFFFFF, mark >> 16 & 0xFFFF, mark & 0xFFFF)
    return head + digest(message, source, head, key)


def digest(message: bytes, source: bytes, head: bytes, key: bytes) -> bytes:
    """The 16 octets over family, version, VRID, source, message (its checksum as zero) and trailer head."""
    place = bytes((4 if len(source) == 4 else 6, message[0] >> 4, message[1], 0)) + source.ljust(16, b"\0")
    whole = place + message[:6] + b"\0\0" + message[8:] + head + bytes(16)
    return hmac.digest(key, whole, hashlib.sha256)[:16]


def digest_fits(message: bytes, source: bytes, octets: bytes, key: bytes) -> bool:
    """Whether the trailer's digest is the one of this message from this source."""
    return hmac.compare_digest(octets[HEAD_LENGTH:], digest(message, source, octets[:HEAD_LENGTH], key))


def newer(mark: int, before: int) -> bool:
    """Whether `mark` lies after `before` in serial-number arithmetic over 64 bits. Source: RFC 1982."""
    return 0 < (mark - before) % (1 << 64) < 1 << 63
