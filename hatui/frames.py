"""Frames from the wire taken apart for reading: Ethernet, ARP, IP, VRRP, neighbour advertisement.

Invariant: for display only, it never raises on any octets, and every field knows which octets it stands in,
so a screen can light them up. What is secret (a password, a digest) is marked and its text is masked.
Decisions about a packet are the engine's alone: see its verdict.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

import msgspec

from engine.messages import PacketLine
from hatui.filters import Facts

ETHERNET = 14
SECRETS = ("pass", "ah")


class Field(msgspec.Struct, frozen=True):
    """One field, or the heading of a layer."""

    text: str
    start: int
    end: int
    """Octets start..end-1 of the frame."""
    layer: bool = False
    secret: bool = False
    name: str = ""
    """Short name, for differences: prio, vrid ..."""


class Frame(msgspec.Struct, frozen=True):
    """A frame taken apart."""

    fields: tuple[Field, ...]
    source: str = ""
    destination: str = ""
    version: int | None = None
    vrid: int | None = None
    priority: int | None = None
    interval_cs: int | None = None
    """Centiseconds."""
    authentication: str = ""
    addresses: tuple[str, ...] = ()

    def secret_octets(self) -> frozenset[int]:
        """Octets that are never shown."""
        return frozenset(at for field in self.fields if field.secret for at in range(field.start, field.end))


def mac(octets: bytes) -> str:
    """A MAC address as text."""
    return ":".join(f"{octet:02x}" for octet in octets)


def _ip(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets)) if len(octets) in (4, 16) else octets.hex()


@lru_cache(maxsize=4096)
def dissect(frame: bytes) -> Frame:
    """Take a frame apart, as far as it goes."""
    if len(frame) < ETHERNET:
        return Frame((Field(f"cut off: {len(frame)} octets", 0, len(frame), layer=True),))
    start, kind = ETHERNET, int.from_bytes(frame[12:14], "big")
    fields = [
        Field(f"Ethernet {mac(frame[6:12])} > {mac(frame[0:6])}", 0, 14, layer=True),
        Field(f"destination {mac(frame[0:6])}", 0, 6, name="eth.dst"),
        Field(f"source {mac(frame[6:12])}", 6, 12, name="eth.src"),
    ]
    if kind == 0x8100 and len(frame) >= 18:
        fields.append(Field(f"VLAN {int.from_bytes(frame[14:16], 'big') & 0xFFF}", 12, 16, name="vlan"))
        start, kind = 18, int.from_bytes(frame[16:18], "big")
    fields.append(Field(f"type {kind:#06x}", start - 2, start, name="eth.type"))
    if kind == 0x0806:
        return _arp(frame, start, fields)
    if kind == 0x0800 and len(frame) >= start + 20:
        return _ipv4(frame, start, fields)
    if kind == 0x86DD and len(frame) >= start + 40:
        return _ipv6(frame, start, fields)
    fields.append(Field(f"{len(frame) - start} octets of something else", start, len(frame), layer=True))
    return Frame(tuple(fields), mac(frame[6:12]), mac(frame[0:6]))


def _arp(frame: bytes, at: int, fields: list[Field]) -> Frame:
    body = frame[at : at + 28]
    if len(body) < 28:
        fields.append(Field("ARP, cut off", at, len(frame), layer=True))
        return Frame(tuple(fields), mac(frame[6:12]), mac(frame[0:6]))
    operation = {1: "request", 2: "reply"}.get(int.from_bytes(body[6:8], "big"), "?")
    sender, target = _ip(body[14:18]), _ip(body[24:28])
    word = "gratuitous ARP" if sender == target else "ARP"
    fields += [
        Field(f"{word} {operation}: {sender} is at {mac(body[8:14])}", at, at + 28, layer=True),
        Field(f"operation {operation}", at + 6, at + 8, name="arp.op"),
        Field(f"sender MAC {mac(body[8:14])}", at + 8, at + 14, name="arp.sha"),
        Field(f"sender IP {sender}", at + 14, at + 18, name="arp.spa"),
        Field(f"target MAC {mac(body[18:24])}", at + 18, at + 24, name="arp.tha"),
        Field(f"target IP {target}", at + 24, at + 28, name="arp.tpa"),
    ]
    return Frame(tuple(fields), sender, target, addresses=(sender,))


def _ipv4(frame: bytes, at: int, fields: list[Field]) -> Frame:
    header = (frame[at] & 15) * 4
    source, destination = _ip(frame[at + 12 : at + 16]), _ip(frame[at + 16 : at + 20])
    ttl, protocol = frame[at + 8], frame[at + 9]
    total = int.from_bytes(frame[at + 2 : at + 4], "big")
    fields += [
        Field(f"IPv4 {source} > {destination} ttl {ttl}", at, at + header, layer=True),
        Field(f"total length {total}", at + 2, at + 4, name="ip.len"),
        Field(f"id {int.from_bytes(frame[at + 4 : at + 6], 'big')}", at + 4, at + 6, name="ip.id"),
        Field(f"ttl {ttl}", at + 8, at + 9, name="ip.ttl"),
        Field(f"protocol {protocol}", at + 9, at + 10, name="ip.proto"),
        Field(f"checksum {frame[at + 10 : at + 12].hex()}", at + 10, at + 12, name="ip.csum"),
        Field(f"source {source}", at + 12, at + 16, name="src"),
        Field(f"destination {destination}", at + 16, at + 20, name="dst"),
    ]
    end = min(len(frame), at + max(total, header))
    body = at + header
    authentication = ""
    if protocol == 51 and end >= body + 12:
        length = (frame[body + 1] + 2) * 4
        spi = int.from_bytes(frame[body + 4 : body + 8], "big")
        sequence = int.from_bytes(frame[body + 8 : body + 12], "big")
        fields += [
            Field(f"AH spi {spi} sequence {sequence}", body, min(end, body + length), layer=True),
            Field("digest (masked)", body + 12, min(end, body + length), secret=True, name="ah.icv"),
        ]
        protocol, body, authentication = frame[body], body + length, "ah"
    if protocol != 112:
        fields.append(Field(f"IP protocol {protocol}", body, end, layer=True))
        return Frame(tuple(fields), source, destination)
    return _vrrp(frame, body, end, fields, source, destination, 4, authentication)


def _ipv6(frame: bytes, at: int, fields: list[Field]) -> Frame:
    source, destination = _ip(frame[at + 8 : at + 24]), _ip(frame[at + 24 : at + 40])
    length, protocol, limit = int.from_bytes(frame[at + 4 : at + 6], "big"), frame[at + 6], frame[at + 7]
    fields += [
        Field(f"IPv6 {source} > {destination} hop limit {limit}", at, at + 40, layer=True),
        Field(f"payload length {length}", at + 4, at + 6, name="ip.len"),
        Field(f"next header {protocol}", at + 6, at + 7, name="ip.proto"),
        Field(f"hop limit {limit}", at + 7, at + 8, name="ip.ttl"),
        Field(f"source {source}", at + 8, at + 24, name="src"),
        Field(f"destination {destination}", at + 24, at + 40, name="dst"),
    ]
    body, end = at + 40, min(len(frame), at + 40 + length)
    if protocol == 58 and end >= body + 24 and frame[body] == 136:
        return _neighbour(frame, body, end, fields, source, destination)
    if protocol != 112:
        fields.append(Field(f"next header {protocol}", body, end, layer=True))
        return Frame(tuple(fields), source, destination)
    return _vrrp(frame, body, end, fields, source, destination, 6, "")


def _neighbour(frame: bytes, body: int, end: int, fields: list[Field], source: str, destination: str) -> Frame:
    target = _ip(frame[body + 8 : body + 24])
    flags = frame[body + 4]
    words = [word for bit, word in ((0x80, "router"), (0x40, "solicited"), (0x20, "override")) if flags & bit]
    fields += [
        Field(f"Neighbour advertisement for {target}", body, end, layer=True),
        Field(f"flags {' '.join(words) or 'none'}", body + 4, body + 5, name="na.flags"),
        Field(f"target {target}", body + 8, body + 24, name="na.target"),
    ]
    if end >= body + 32 and frame[body + 24] == 2:
        fields.append(Field(f"is at {mac(frame[body + 26 : body + 32])}", body + 24, body + 32, name="na.mac"))
    return Frame(tuple(fields), source, destination, addresses=(target,))


def _vrrp(
    frame: bytes,
    at: int,
    end: int,
    fields: list[Field],
    source: str,
    destination: str,
    family: int,
    authentication: str,
) -> Frame:
    if end - at < 8:
        fields.append(Field(f"VRRP, cut off after {max(0, end - at)} octets", at, end, layer=True))
        return Frame(tuple(fields), source, destination)
    version, kind, vrid, priority, count = frame[at] >> 4, frame[at] & 15, frame[at + 1], frame[at + 2], frame[at + 3]
    fields += [
        Field(f"VRRPv{version} advertisement" if kind == 1 else f"VRRPv{version} type {kind}", at, end, layer=True),
        Field(f"version {version}, type {kind}", at, at + 1, name="ver"),
        Field(f"vrid {vrid}", at + 1, at + 2, name="vrid"),
        Field(f"priority {priority}{' (resigns)' if not priority else ''}", at + 2, at + 3, name="prio"),
        Field(f"address count {count}", at + 3, at + 4, name="count"),
    ]
    if version == 2:
        words = {0: "none", 1: "pass", 2: "ah"}
        kind_word = words.get(frame[at + 4], str(frame[at + 4]))
        authentication = authentication or kind_word
        interval_cs = frame[at + 5] * 100
        fields += [
            Field(f"auth type {frame[at + 4]} ({kind_word})", at + 4, at + 5, name="auth"),
            Field(f"interval {frame[at + 5]} s", at + 5, at + 6, name="adv"),
        ]
    else:
        authentication = "none"
        interval_cs = int.from_bytes(frame[at + 4 : at + 6], "big") & 0xFFF
        fields.append(Field(f"max advert interval {interval_cs} cs", at + 4, at + 6, name="adv"))
    fields.append(Field(f"checksum {frame[at + 6 : at + 8].hex()}", at + 6, at + 8, name="csum"))
    size = 4 if family == 4 else 16
    addresses: list[str] = []
    here = at + 8
    for _ in range(count):
        if here + size > end:
            fields.append(Field("addresses cut off", here, end))
            break
        addresses.append(_ip(frame[here : here + size]))
        fields.append(Field(f"vip {addresses[-1]}", here, here + size, name="vip"))
        here += size
    if version == 2 and here + 8 <= end:
        if frame[at + 4] == 1:
            fields.append(Field("simple password (masked)", here, here + 8, secret=True, name="auth.data"))
        else:
            fields.append(
                Field("authentication data", here, here + 8, secret=any(frame[here : here + 8]), name="auth.data")
            )
        here += 8
    if here < end:
        fields.append(Field(f"trailer of {end - here} octets (masked)", here, end, secret=True, name="trailer"))
    return Frame(
        tuple(fields), source, destination, version, vrid, priority, interval_cs, authentication, tuple(addresses)
    )


def facts(packet: PacketLine) -> Facts:
    """What a filter can ask of a packet."""
    frame = dissect(packet.frame)
    seconds = None if frame.interval_cs is None else f"{frame.interval_cs / 100:g}"
    return {
        "vrid": frame.vrid,
        "prio": frame.priority,
        "src": frame.source,
        "dst": frame.destination,
        "if": packet.interface,
        "ver": frame.version,
        "adv": seconds,
        "auth": frame.authentication or None,
        "vip": frame.addresses,
        "verdict": packet.verdict.value,
        "kind": packet.kind,
        "dir": packet.direction,
        "instance": packet.instance,
    }
