"""A captured frame as a tree of fields with octet ranges, for people. Ethernet, ARP, IPv4, IPv6, AH, VRRP, NA.

Invariant: any octets give a tree, never an exception; ranges count from the first octet of the frame; a
password, a digest and the octets that hold them never appear in a value.
"""

from __future__ import annotations

import ipaddress

import msgspec

from engine.messages import Verdict
from engine.protocol.packet.authentication import AH_LENGTH
from engine.protocol.packet.checksum import PROTOCOL_AH, PROTOCOL_ICMPV6, PROTOCOL_VRRP, internet_sum, pseudo_header
from engine.protocol.packet.codec import PLAIN, address_size, checksum_dialect, expected_checksum, message_length
from engine.protocol.packet.trailer import TRAILER_LENGTH

ETHERNET_LENGTH = 14
_TYPES = {0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6"}
_AUTH_NAMES = {0: "none", 1: "simple password", 2: "authentication header"}
SECRET = "<secret>"
"""Stands for octets that are never shown."""


class Field(msgspec.Struct, frozen=True):
    """One node: octets [start, end) of the frame."""

    name: str
    value: str
    start: int
    end: int
    note: str = ""
    """What is remarkable: "good", "wrong, should be 0xb8c8"."""
    children: tuple[Field, ...] = ()


class Summary(msgspec.Struct, frozen=True):
    """The line of a packet list. Empty or None where the packet does not say it."""

    kind: str
    """advert, arp, na or other."""
    source: str = ""
    destination: str = ""
    source_mac: str = ""
    version: int | None = None
    vrid: int | None = None
    priority: int | None = None
    interval_cs: int | None = None
    authentication: str = ""
    """none, pw, ah, hmac, or the unknown type's number."""
    addresses: tuple[str, ...] = ()


FIELD_OF_VERDICT = {
    Verdict.LENGTH: "count",
    Verdict.VRID: "vrid",
    Verdict.AH: "protocol",
    Verdict.TTL: "ttl",
    Verdict.VERSION: "version",
    Verdict.AUTH_HMAC: "hmac trailer",
    Verdict.AUTH_TYPE_UNKNOWN: "auth type",
    Verdict.AUTH_TYPE: "auth type",
    Verdict.AUTH_DATA: "auth data",
    Verdict.INTERVAL: "interval",
    Verdict.TYPE: "type",
    Verdict.TOTAL_LENGTH: "total length",
    Verdict.COUNT_ZERO: "count",
    Verdict.INTERVAL_ZERO: "interval",
    Verdict.CHECKSUM: "checksum",
    Verdict.DESTINATION: "destination",
    Verdict.OWNER: "priority",
    Verdict.ADDRESS_LIST: "address",
    Verdict.SOURCE: "source",
    Verdict.OWN: "source",
}
"""The name of the field that failed, for highlighting."""


class _Located(msgspec.Struct, frozen=True):
    """Where the parts of a frame lie."""

    ethertype: int
    network: int
    """Offset of what follows the Ethernet header and its tags."""
    transport: int = 0
    """Offset behind the IP header; 0 when there is none."""
    end: int = 0
    """Where the IP payload ends."""
    protocol: int = 0
    source: bytes = b""
    destination: bytes = b""

    @property
    def message(self) -> int:
        """Offset of the VRRP message."""
        return self.transport + (AH_LENGTH if self.protocol == PROTOCOL_AH else 0)


def _locate(frame: bytes) -> _Located | None:
    if len(frame) < ETHERNET_LENGTH:
        return None
    network, ethertype = ETHERNET_LENGTH, int.from_bytes(frame[12:14], "big")
    while ethertype in (0x8100, 0x88A8) and len(frame) >= network + 4:
        ethertype, network = int.from_bytes(frame[network + 2 : network + 4], "big"), network + 4
    if ethertype == 0x0800 and len(frame) >= network + 20 and frame[network] >> 4 == 4:
        header = (frame[network] & 15) * 4
        total = int.from_bytes(frame[network + 2 : network + 4], "big")
        if header >= 20 and len(frame) >= network + header:
            end = min(len(frame), network + max(total, header))
            packed = frame[network + 12 : network + 16], frame[network + 16 : network + 20]
            return _Located(ethertype, network, network + header, end, frame[network + 9], *packed)
    if ethertype == 0x86DD and len(frame) >= network + 40 and frame[network] >> 4 == 6:
        payload = int.from_bytes(frame[network + 4 : network + 6], "big")
        end = min(len(frame), network + 40 + payload)
        packed = frame[network + 8 : network + 24], frame[network + 24 : network + 40]
        return _Located(ethertype, network, network + 40, end, frame[network + 6], *packed)
    return _Located(ethertype, network)


def dissect(frame: bytes) -> tuple[Field, ...]:
    """The tree of one frame, from its Ethernet header on."""
    where = _locate(frame)
    if where is None:
        return (Field("octets", f"{len(frame)} octets, shorter than an Ethernet header", 0, len(frame)),)
    found = [_ethernet(frame, where)]
    if where.ethertype == 0x0806 and len(frame) >= where.network + 28:
        found.append(_arp(frame, where.network))
    elif where.transport:
        found.append(_ipv4(frame, where) if where.ethertype == 0x0800 else _ipv6(frame, where))
        if where.protocol == PROTOCOL_AH and where.transport + AH_LENGTH <= where.end:
            found.append(_authentication_header(frame, where))
        if where.protocol in (PROTOCOL_VRRP, PROTOCOL_AH):
            found += _vrrp(frame, where)
        elif where.protocol == PROTOCOL_ICMPV6 and frame[where.transport : where.transport + 1] == b"\x88":
            found.append(_advertisement_of_neighbour(frame, where))
    last = max((field.end for field in found), default=0)
    if last < len(frame):
        padding = where.transport and last >= where.end
        found.append(Field("padding" if padding else "octets", f"{len(frame) - last} octets", last, len(frame)))
    return tuple(found)


def _mac(octets: bytes) -> str:
    return octets.hex(":")


def _ip(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets)) if len(octets) in (4, 16) else octets.hex()


def _ethernet(frame: bytes, where: _Located) -> Field:
    name = _TYPES.get(where.ethertype, f"type 0x{where.ethertype:04x}")
    children = [Field("destination mac", _mac(frame[:6]), 0, 6), Field("source mac", _mac(frame[6:12]), 6, 12)]
    for at in range(12, where.network - 2, 4):
        tag = int.from_bytes(frame[at + 2 : at + 4], "big") & 0x0FFF
        children.append(Field("vlan", str(tag), at, at + 4))
    children.append(Field("ethertype", name, where.network - 2, where.network))
    return Field("Ethernet", f"{_mac(frame[6:12])} > {_mac(frame[:6])}", 0, where.network, "", tuple(children))


def _arp(frame: bytes, at: int) -> Field:
    operation = int.from_bytes(frame[at + 6 : at + 8], "big")
    sender, target = frame[at + 14 : at + 18], frame[at + 24 : at + 28]
    words = {1: "request", 2: "reply"}.get(operation, f"operation {operation}")
    gratuitous = sender == target
    return Field(
        "ARP",
        f"gratuitous {words}: {_ip(sender)} is at {_mac(frame[at + 8 : at + 14])}"
        if gratuitous
        else f"{words}: who has {_ip(target)}, asks {_ip(sender)}",
        at,
        at + 28,
        "",
        (
            Field("operation", f"{operation} ({words})", at + 6, at + 8),
            Field("sender mac", _mac(frame[at + 8 : at + 14]), at + 8, at + 14),
            Field("sender address", _ip(sender), at + 14, at + 18),
            Field("target mac", _mac(frame[at + 18 : at + 24]), at + 18, at + 24),
            Field("target address", _ip(target), at + 24, at + 28),
        ),
    )


def _ttl(value: int, at: int, *, matters: bool) -> Field:
    return Field("ttl", str(value), at, at + 1, "not 255: it has crossed a router" if matters and value != 255 else "")


def _ipv4(frame: bytes, where: _Located) -> Field:
    at, end = where.network, where.transport
    checksum = "good" if internet_sum(frame[at:end]) == 0xFFFF else "wrong"
    vrrp = where.protocol in (PROTOCOL_VRRP, PROTOCOL_AH)
    total = int.from_bytes(frame[at + 2 : at + 4], "big")
    promised = "" if at + total <= len(frame) else f"only {len(frame) - at} octets arrived"
    children = (
        Field("header length", f"{end - at} octets", at, at + 1),
        Field("class", f"0x{frame[at + 1]:02x}", at + 1, at + 2),
        Field("total length", f"{total} octets", at + 2, at + 4, promised),
        Field("identification", str(int.from_bytes(frame[at + 4 : at + 6], "big")), at + 4, at + 6),
        Field("fragment", f"0x{frame[at + 6]:02x}{frame[at + 7]:02x}", at + 6, at + 8),
        _ttl(frame[at + 8], at + 8, matters=vrrp),
        Field("protocol", str(where.protocol), at + 9, at + 10),
        Field("header checksum", f"0x{frame[at + 10 : at + 12].hex()}", at + 10, at + 12, checksum),
        Field("source", _ip(where.source), at + 12, at + 16),
        Field("destination", _ip(where.destination), at + 16, at + 20),
    )
    value = f"{_ip(where.source)} > {_ip(where.destination)} ttl {frame[at + 8]}"
    return Field("IPv4", value, at, end, "", children)


def _ipv6(frame: bytes, where: _Located) -> Field:
    at = where.network
    payload = int.from_bytes(frame[at + 4 : at + 6], "big")
    promised = "" if at + 40 + payload <= len(frame) else f"only {len(frame) - at - 40} octets arrived"
    children = (
        Field("class", f"0x{(frame[at] & 15) << 4 | frame[at + 1] >> 4:02x}", at, at + 2),
        Field("total length", f"{payload} octets behind this header", at + 4, at + 6, promised),
        Field("protocol", str(where.protocol), at + 6, at + 7),
        _ttl(frame[at + 7], at + 7, matters=True),
        Field("source", _ip(where.source), at + 8, at + 24),
        Field("destination", _ip(where.destination), at + 24, at + 40),
    )
    value = f"{_ip(where.source)} > {_ip(where.destination)} hop limit {frame[at + 7]}"
    return Field("IPv6", value, at, at + 40, "", children)


def _authentication_header(frame: bytes, where: _Located) -> Field:
    at = where.transport
    spi = frame[at + 4 : at + 8]
    children = (
        Field("next header", str(frame[at]), at, at + 1),
        Field("spi", _ip(spi), at + 4, at + 8, "" if spi == where.source else "not the source address"),
        Field("sequence", str(int.from_bytes(frame[at + 8 : at + 12], "big")), at + 8, at + 12),
        Field("auth data", SECRET, at + 12, at + AH_LENGTH, "integrity value"),
    )
    return Field("Authentication header", f"sequence {children[2].value}", at, at + AH_LENGTH, "", children)


def _vrrp(frame: bytes, where: _Located) -> list[Field]:
    at, end = where.message, where.end
    message = frame[at:end]
    if len(message) < 8:
        note = "shorter than the header of 8"
        return [Field("VRRP", f"{len(message)} octets", min(at, len(frame)), end, note)] if end > at else []
    version, kind, count = message[0] >> 4, message[0] & 15, message[3]
    family = 4 if len(where.source) == 4 else 6
    size = address_size(family)
    length = message_length(version, count, family)
    trailer = version in (2, 3) and len(message) == length + TRAILER_LENGTH
    children = [
        Field("version", str(version), at, at + 1, "" if version in (2, 3) else "neither 2 nor 3"),
        Field("type", str(kind), at, at + 1, "" if kind == 1 else "no advertisement"),
        Field("vrid", str(message[1]), at + 1, at + 2),
        Field("priority", str(message[2]), at + 2, at + 3, {0: "leaving", 255: "address owner"}.get(message[2], "")),
        Field("count", str(count), at + 3, at + 4, _length_note(message, length, trailer=trailer)),
    ]
    if version == 2:
        known = _AUTH_NAMES.get(message[4], f"unknown ({message[4]})")
        children.append(Field("auth type", known, at + 4, at + 5))
        children.append(Field("interval", f"{message[5]} s", at + 5, at + 6))
    else:
        interval = (message[4] & 15) << 8 | message[5]
        children.append(Field("interval", f"{interval / 100:.2f} s", at + 4, at + 6))
    covered = message[:length] if trailer and family == 4 else message
    children.append(Field("checksum", f"0x{message[6:8].hex()}", at + 6, at + 8, _checksum_note(covered, where)))
    stop = 8
    for _ in range(count):
        if stop + size > len(message):
            break
        children.append(Field("address", _ip(message[stop : stop + size]), at + stop, at + stop + size))
        stop += size
    if version == 2 and family == 4 and len(message) > stop:
        last = min(len(message), stop + 8)
        empty = not any(message[stop:last])
        children.append(Field("auth data", "none" if empty else SECRET, at + stop, at + last))
        stop = last
    found = [Field(_title(version, kind), _vrrp_value(message), at, at + stop, "", tuple(children))]
    if trailer:
        found.append(_trailer(message, at, length))
    return found


def _title(version: int, kind: int) -> str:
    return f"VRRPv{version} advertisement" if kind == 1 else f"VRRPv{version} type {kind}"


def _vrrp_value(message: bytes) -> str:
    return f"vrid {message[1]} priority {message[2]} count {message[3]}"


def _length_note(message: bytes, length: int, *, trailer: bool) -> str:
    if len(message) == length or trailer:
        return ""
    return f"{len(message)} octets, but {message[3]} addresses make {length}"


def _checksum_note(message: bytes, where: _Located) -> str:
    version = message[0] >> 4
    dialect = checksum_dialect(message, where.source, where.destination)
    if not dialect:
        return f"wrong, should be 0x{expected_checksum(message, where.source, where.destination):04x}"
    return "good (message only)" if version == 3 and dialect == PLAIN else "good"


def _trailer(message: bytes, at: int, length: int) -> Field:
    start = at + length
    seconds = int.from_bytes(message[length + 4 : length + 8], "big")
    counter = int.from_bytes(message[length + 10 : length + 12], "big")
    children = (
        Field("trailer type", str(message[length]), start, start + 1),
        Field("key id", str(message[length + 1]), start + 1, start + 2),
        Field("time", f"{seconds} s", start + 4, start + 10),
        Field("counter", str(counter), start + 10, start + 12),
        Field("hmac trailer", SECRET, start + 12, start + TRAILER_LENGTH),
    )
    return Field("HMAC trailer", f"key {message[length + 1]}", start, start + TRAILER_LENGTH, "", children)


def _advertisement_of_neighbour(frame: bytes, where: _Located) -> Field:
    at, end = where.transport, where.end
    octets = frame[at:end]
    if len(octets) < 24:
        return Field("Neighbour advertisement", f"{len(octets)} octets", at, end, "too short")
    flags = octets[4]
    words = " ".join(word for bit, word in ((0x80, "router"), (0x40, "solicited"), (0x20, "override")) if flags & bit)
    header = pseudo_header(where.source, where.destination, len(octets), PROTOCOL_ICMPV6)
    good = internet_sum(header + octets) == 0xFFFF
    target = _ip(octets[8:24])
    children = [
        Field("checksum", f"0x{octets[2:4].hex()}", at + 2, at + 4, "good" if good else "wrong"),
        Field("flags", words or "none", at + 4, at + 5),
        Field("target address", target, at + 8, at + 24),
    ]
    if octets[24:26] == b"\x02\x01" and len(octets) >= 32:
        children.append(Field("target mac", _mac(octets[26:32]), at + 26, at + 32))
    return Field("Neighbour advertisement", f"{target} {words}".strip(), at, end, "", tuple(children))


def summarise(frame: bytes) -> Summary:
    """The columns of a packet list."""
    where = _locate(frame)
    if where is None:
        return Summary("other")
    mac = _mac(frame[6:12])
    if where.ethertype == 0x0806 and len(frame) >= where.network + 28:
        at = where.network
        sender, target = _ip(frame[at + 14 : at + 18]), _ip(frame[at + 24 : at + 28])
        return Summary("arp", sender, target, mac, addresses=(sender,))
    source, destination = _ip(where.source), _ip(where.destination)
    if not where.transport:
        return Summary("other", source_mac=mac)
    if where.protocol == PROTOCOL_ICMPV6:
        octets = frame[where.transport : where.end]
        if octets[:1] == b"\x88" and len(octets) >= 24:
            return Summary("na", source, destination, mac, addresses=(_ip(octets[8:24]),))
    message = frame[where.message : where.end]
    if where.protocol not in (PROTOCOL_VRRP, PROTOCOL_AH) or len(message) < 8:
        return Summary("other", source, destination, mac)
    version, count, size = message[0] >> 4, message[3], address_size(4 if len(where.source) == 4 else 6)
    listed = (message[at : at + size] for at in range(8, 8 + count * size, size))
    length = message_length(version, count, 4 if size == 4 else 6)
    if len(message) == length + TRAILER_LENGTH:
        authentication = "hmac"
    elif version == 2:
        authentication = {0: "none", 1: "pw", 2: "ah"}.get(message[4], str(message[4]))
    else:
        authentication = "none"
    return Summary(
        "advert",
        source,
        destination,
        mac,
        version,
        message[1],
        message[2],
        message[5] * 100 if version == 2 else (message[4] & 15) << 8 | message[5],
        authentication,
        tuple(_ip(one) for one in listed if len(one) == size),
    )


def without_secrets(frame: bytes) -> bytes:
    """The frame with the octets of a password as zeros; digests stay, they cannot be turned back."""
    where = _locate(frame)
    if where is None or where.protocol not in (PROTOCOL_VRRP, PROTOCOL_AH) or len(where.source) != 4:
        return frame
    at = where.message
    message = frame[at : where.end]
    if len(message) < 8 or message[0] >> 4 != 2:
        return frame
    start = at + 8 + message[3] * 4
    if message[4] == 0 or start >= len(frame):
        return frame
    return frame[:start] + bytes(len(frame) - start)
