"""The internet checksum and the pseudo-headers that VRRP puts before it.

Invariant: `internet_sum` is the folded one's complement sum, so octets that carry a right checksum sum
to 0xFFFF exactly. VRRP knows no "0 means none".
"""

from __future__ import annotations

PROTOCOL_VRRP = 112
PROTOCOL_AH = 51
PROTOCOL_ICMPV6 = 58


def internet_sum(data: bytes) -> int:
    """The folded 16-bit one's complement sum of `data`; an odd last octet is padded with zero.

    2**16 is 1 modulo 65535, so the sum is the octets read as one number, modulo 65535.
    """
    if len(data) & 1:
        data += b"\0"
    number = int.from_bytes(data, "big")
    return number % 0xFFFF or (0xFFFF if number else 0)


def internet_checksum(data: bytes) -> int:
    """The checksum that makes `data` (its checksum field zero) sum to 0xFFFF."""
    return 0xFFFF ^ internet_sum(data)


def pseudo_header(source: bytes, destination: bytes, length: int, protocol: int = PROTOCOL_VRRP) -> bytes:
    """What goes before the message: 12 octets for IPv4 addresses, 40 for IPv6.

    Source: RFC 768 (IPv4 form), RFC 8200 8.1 (IPv6 form).
    """
    if len(source) == 4:
        return source + destination + bytes((0, protocol)) + length.to_bytes(2, "big")
    return source + destination + length.to_bytes(4, "big") + bytes((0, 0, 0, protocol))
