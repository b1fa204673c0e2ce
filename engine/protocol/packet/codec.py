"""Octets of advertisements to fields and back: VRRPv2 and VRRPv3, IPv4 and IPv6.

Invariant: `decode` raises nothing but `PacketError`, on any octets of any length, and
`decode(encode(advert)) == advert` for every advert whose fields are in range; `encode` refuses the rest.
Intervals are centiseconds here and nowhere else. Source: RFC 9568 5.2, RFC 3768 5.3.
"""

from __future__ import annotations

import struct

import msgspec

from engine.errors import PacketError
from engine.protocol.packet.checksum import PROTOCOL_VRRP, internet_checksum, internet_sum, pseudo_header

ADVERTISEMENT = 1
AUTH_NONE, AUTH_PASS, AUTH_AH = 0, 1, 2
AUTH_LENGTH = 8
HEADER_LENGTH = 8
TOS_INTERNETWORK_CONTROL = 0xC0
GROUP_V4 = bytes((224, 0, 0, 18))
GROUP_V6 = bytes.fromhex("ff020000000000000000000000000012")

PSEUDO, PLAIN = "pseudo", "plain"
"""The two checksum dialects of VRRPv3 over IPv4: with pseudo-header (all deployed routers), message only (RFC 9568)."""

_V2 = struct.Struct(">BBBBBBH")
_V3 = struct.Struct(">BBBBHH")
_IPV4 = struct.Struct(">BBHHHBBH4s4s")
_AT_CHECKSUM = 6


class Advert(msgspec.Struct, frozen=True):
    """The fields of one advertisement."""

    version: int
    """2 or 3"""
    vrid: int
    """1..255"""
    priority: int
    """0..255; 0 is leaving, 255 the address owner."""
    interval_cs: int
    """Centiseconds; v3 1..4095, v2 whole seconds 100..25500."""
    addresses: tuple[bytes, ...]
    """Packed, 4 or 16 octets each."""
    auth_type: int = AUTH_NONE
    """v2 only."""
    auth_data: bytes = b""
    """v2: 8 octets; v3: empty."""

    def __repr__(self) -> str:  # a password never reaches a log or a traceback
        return (
            f"Advert(v{self.version} vrid={self.vrid} priority={self.priority} interval_cs={self.interval_cs} "
            f"addresses={[a.hex() for a in self.addresses]} auth_type={self.auth_type})"
        )


class Envelope(msgspec.Struct, frozen=True):
    """What the IP header says, and the octets behind it cut to the length it gives."""

    source: bytes
    destination: bytes
    ttl: int
    protocol: int
    identification: int
    total_length: int
    header: bytes
    payload: bytes
    complete: bool
    """False when fewer octets arrived than the header promised."""


def address_size(family: int) -> int:
    """Octets of an address: 4 or 16."""
    return 4 if family == 4 else 16


def message_length(version: int, count: int, family: int) -> int:
    """Octets of an advertisement with `count` addresses, without AH or trailer."""
    return HEADER_LENGTH + count * address_size(family) + (AUTH_LENGTH if version == 2 and family == 4 else 0)


def encode(advert: Advert, source: bytes, destination: bytes, dialect: str = PSEUDO) -> bytes:
    """The message, checksum in place. The addresses of the envelope enter the checksum of v3.

    Raises: PacketError when a field is out of range.
    Source: RFC 9568 5.2, RFC 3768 5.3.
    """
    family = 4 if len(source) == 4 else 6
    _refuse_out_of_range(advert, family)
    body = b"".join(advert.addresses)
    count = len(advert.addresses)
    first = advert.version << 4 | ADVERTISEMENT
    if advert.version == 2:
        seconds = advert.interval_cs // 100
        message = _V2.pack(first, advert.vrid, advert.priority, count, advert.auth_type, seconds, 0) + body
        if family == 4:
            message += advert.auth_data or bytes(AUTH_LENGTH)
    else:
        message = _V3.pack(first, advert.vrid, advert.priority, count, advert.interval_cs, 0) + body
    checked = message
    if family == 6 or (advert.version == 3 and dialect == PSEUDO):
        checked = pseudo_header(source, destination, len(message)) + message
    checksum = internet_checksum(checked)
    return message[:_AT_CHECKSUM] + checksum.to_bytes(2, "big") + message[_AT_CHECKSUM + 2 :]


def _refuse_out_of_range(advert: Advert, family: int) -> None:
    if advert.version not in (2, 3):
        raise PacketError(f"version {advert.version} is neither 2 nor 3")
    if not 1 <= advert.vrid <= 255:
        raise PacketError(f"VRID {advert.vrid} is outside 1..255")
    if not 0 <= advert.priority <= 255:
        raise PacketError(f"priority {advert.priority} is outside 0..255")
    if not (1 if advert.version == 3 else 0) <= len(advert.addresses) <= 255:
        raise PacketError(f"{len(advert.addresses)} addresses do not fit the count of v{advert.version}")
    if any(len(address) != address_size(family) for address in advert.addresses):
        raise PacketError(f"an address is not of family IPv{family}")
    if advert.version == 3:
        if not 1 <= advert.interval_cs <= 4095:
            raise PacketError(f"interval {advert.interval_cs} cs is outside 1..4095")
        if advert.auth_type or advert.auth_data:
            raise PacketError("VRRPv3 carries no authentication")
        return
    if advert.interval_cs % 100 or not 100 <= advert.interval_cs <= 25500:
        raise PacketError(f"interval {advert.interval_cs} cs is no whole second in 1..255")
    if not 0 <= advert.auth_type <= 255:
        raise PacketError(f"authentication type {advert.auth_type} is outside 0..255")
    if len(advert.auth_data) not in (0, AUTH_LENGTH) or (advert.auth_data and family == 6):
        raise PacketError("authentication data is 8 octets, over IPv4 alone")


def decode(message: bytes, family: int = 4) -> Advert:
    """The fields of a whole message. The checksum is another matter: see `checksum_dialect`.

    Raises: PacketError, and nothing else, when version, type, count or length make no advertisement.
    """
    if len(message) < HEADER_LENGTH:
        raise PacketError(f"{len(message)} octets are shorter than the header of 8")
    version, kind = message[0] >> 4, message[0] & 15
    if version not in (2, 3):
        raise PacketError(f"version {version} is neither 2 nor 3")
    if kind != ADVERTISEMENT:
        raise PacketError(f"type {kind} is no advertisement")
    count = message[3]
    length = message_length(version, count, family)
    if len(message) != length:
        raise PacketError(f"{len(message)} octets, but {count} addresses make {length}")
    return fields(message, family)


def fields(message: bytes, family: int) -> Advert:
    """The fields of a message whose length and version have been found right."""
    version, count = message[0] >> 4, message[3]
    size = address_size(family)
    end = HEADER_LENGTH + count * size
    addresses = tuple(message[at : at + size] for at in range(HEADER_LENGTH, end, size))
    if version == 2:
        auth = message[end : end + AUTH_LENGTH] if family == 4 else b""
        return Advert(2, message[1], message[2], message[5] * 100, addresses, message[4], auth)
    return Advert(3, message[1], message[2], (message[4] & 15) << 8 | message[5], addresses)


def checksum_dialect(message: bytes, source: bytes, destination: bytes) -> str:
    """Which checksum the message carries: PSEUDO, PLAIN (also for v2), or "" when it is wrong.

    A sum that fits both counts as PSEUDO. Source: RFC 9568 5.2.8, RFC 5798 5.2.8, RFC 3768 5.3.8.
    """
    plain = internet_sum(message)
    version, family = message[0] >> 4, 4 if len(source) == 4 else 6
    if version == 2 and family == 4:
        return PLAIN if plain == 0xFFFF else ""
    if internet_sum(pseudo_header(source, destination, len(message)) + message) == 0xFFFF:
        return PSEUDO
    return PLAIN if family == 4 and plain == 0xFFFF else ""


def expected_checksum(message: bytes, source: bytes, destination: bytes, dialect: str = PSEUDO) -> int:
    """The checksum that the message should carry, for messages and the console's decode."""
    zeroed = message[:_AT_CHECKSUM] + b"\0\0" + message[_AT_CHECKSUM + 2 :]
    if len(source) == 16 or (message[0] >> 4 == 3 and dialect == PSEUDO):
        zeroed = pseudo_header(source, destination, len(message)) + zeroed
    return internet_checksum(zeroed)


def ipv4_header(
    source: bytes,
    destination: bytes,
    payload_length: int,
    *,
    identification: int = 0,
    ttl: int = 255,
    protocol: int = PROTOCOL_VRRP,
) -> bytes:
    """An IPv4 header without options, class 0xC0, checksum in place. Source: RFC 791; RFC 9568 5.1.1."""
    length = 20 + payload_length
    raw = _IPV4.pack(0x45, TOS_INTERNETWORK_CONTROL, length, identification, 0, ttl, protocol, 0, source, destination)
    return raw[:10] + internet_checksum(raw).to_bytes(2, "big") + raw[12:]


def parse_ipv4(packet: bytes) -> Envelope:
    """The header of an IPv4 packet; what lies behind its total length (Ethernet padding) is cut off.

    Raises: PacketError when there is no whole IPv4 header.
    """
    if len(packet) < 20 or packet[0] >> 4 != 4:
        raise PacketError("no IPv4 header")
    header_length = (packet[0] & 15) * 4
    if header_length < 20 or len(packet) < header_length:
        raise PacketError(f"an IPv4 header of {header_length} octets in {len(packet)}")
    total = packet[2] << 8 | packet[3]
    return Envelope(
        source=packet[12:16],
        destination=packet[16:20],
        ttl=packet[8],
        protocol=packet[9],
        identification=packet[4] << 8 | packet[5],
        total_length=total,
        header=packet[:header_length],
        payload=packet[header_length : max(total, header_length)],
        complete=header_length <= total <= len(packet),
    )
