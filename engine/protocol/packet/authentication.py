"""The authentication header as keepalived sends it (RFC 2338, RFC 2402, HMAC-MD5-96).

Invariant: an integrity value is checked in constant time and before any field is believed. What differs
from RFC 2402 is keepalived's own: the TTL keeps its value in the digest's input unless unicast.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

import msgspec

from engine.errors import PacketError
from engine.protocol.packet.checksum import PROTOCOL_AH, PROTOCOL_VRRP
from engine.protocol.packet.codec import ipv4_header

AH_LENGTH = 24
ICV_LENGTH = 12
_AH = struct.Struct(">BBHII12s")


class AuthHeader(msgspec.Struct, frozen=True):
    """The fields of one authentication header."""

    next_header: int
    length_words: int
    spi: int
    sequence: int
    icv: bytes


def password_key(password: bytes) -> bytes:
    """The 8 octets that a password stands for: cut, or padded with zeros. Source: RFC 2338 5.3.10."""
    return password[:8].ljust(8, b"\0")


def parse_ah(payload: bytes) -> AuthHeader:
    """The authentication header at the start of `payload`.

    Raises: PacketError when 24 octets are not there.
    """
    if len(payload) < AH_LENGTH:
        raise PacketError(f"{len(payload)} octets are shorter than the authentication header of 24")
    next_header, words, _, spi, sequence, icv = _AH.unpack_from(payload)
    return AuthHeader(next_header, words, spi, sequence, icv)


def integrity_value(ip_header: bytes, ah: bytes, message: bytes, key: bytes, *, unicast: bool = False) -> bytes:
    """The 12 octets of HMAC-MD5-96 over header, AH (its own value as zero) and message.

    TOS, flags and header checksum count as zero, identification and total length as they are; the TTL as it
    is for multicast and as zero for unicast. Source: RFC 2403; keepalived on the wire.
    """
    ttl = b"\0" if unicast else ip_header[8:9]
    immutable = ip_header[0:1] + b"\0" + ip_header[2:6] + b"\0\0" + ttl + ip_header[9:10] + b"\0\0" + ip_header[12:]
    whole = immutable + ah[:ICV_LENGTH] + bytes(ICV_LENGTH) + message
    return hmac.digest(key, whole, hashlib.md5)[:ICV_LENGTH]


def ah_packet(
    message: bytes,
    source: bytes,
    destination: bytes,
    key: bytes,
    *,
    sequence: int,
    identification: int,
    ttl: int = 255,
    unicast: bool = False,
) -> bytes:
    """A whole IPv4 packet with authentication header. The SPI is the source address."""
    header = ipv4_header(
        source,
        destination,
        AH_LENGTH + len(message),
        identification=identification,
        ttl=ttl,
        protocol=PROTOCOL_AH,
    )
    ah = _AH.pack(PROTOCOL_VRRP, AH_LENGTH // 4 - 2, 0, int.from_bytes(source, "big"), sequence, bytes(ICV_LENGTH))
    icv = integrity_value(header, ah, message, key, unicast=unicast)
    return header + ah[:ICV_LENGTH] + icv + message


def icv_fits(ip_header: bytes, ah: bytes, message: bytes, key: bytes, *, unicast: bool = False) -> bool:
    """Whether the integrity value in `ah` is the one of this packet, in constant time."""
    return hmac.compare_digest(ah[12:24], integrity_value(ip_header, ah, message, key, unicast=unicast))
