"""PURE. Just enough of an Ethernet frame to say what it is: an advert, a gratuitous ARP, a neighbour advertisement.

Owns the invariant that any octets give an answer: None for what is none of the three. The decoding that
people read is done elsewhere; here it is only sorted, joined with its verdict, and its password hidden.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

_ETHERNET = 14
_VRRP, _AH, _ICMP6 = 112, 51, 58
_ARP, _IP4, _IP6 = 0x0806, 0x0800, 0x86DD
_NA = 136


class Frame(NamedTuple):
    """What a frame is."""

    kind: str
    """advert, arp or na."""
    family: int
    packet: bytes = b""
    """Advert: the octets as the Router gets them (IPv4 with its header, IPv6 the message alone)."""
    message: int = 0
    """Advert: offset of the VRRP message in the frame."""
    vrid: int = 0
    address: str = ""
    """ARP and NA: the address that is announced."""


def dissect(frame: bytes) -> Frame | None:
    """Sort one frame."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == _ARP and len(frame) >= 42:
        return Frame("arp", 4, address=str(ipaddress.IPv4Address(frame[28:32])))
    if kind == _IP4 and len(frame) >= 34:
        return _advert4(frame)
    if kind == _IP6 and len(frame) >= 54:
        length = int.from_bytes(frame[18:20], "big")
        if frame[20] == _VRRP:
            message = frame[54 : 54 + length]
            return Frame("advert", 6, message, 54, message[1] if len(message) > 1 else 0)
        if frame[20] == _ICMP6 and len(frame) >= 78 and frame[54] == _NA:
            return Frame("na", 6, address=str(ipaddress.IPv6Address(frame[62:78])))
    return None


def _advert4(frame: bytes) -> Frame | None:
    header = (frame[14] & 0x0F) * 4
    length = int.from_bytes(frame[16:18], "big")
    protocol, at = frame[23], _ETHERNET + header
    if protocol == _AH and len(frame) >= at + 2:
        protocol, at = frame[at], at + (frame[at + 1] + 2) * 4
    if protocol != _VRRP:
        return None
    return Frame("advert", 4, frame[_ETHERNET : _ETHERNET + length], at, frame[at + 1] if len(frame) > at + 1 else 0)


def masked(frame: bytes) -> bytes:
    """The frame with the octets of a VRRPv2 password zeroed; all that follows the VRRP header when its
    lengths contradict each other, since the password may be anywhere there. Source: RFC 2338 5.3.6."""
    found = dissect(frame)
    if found is None or found.kind != "advert" or len(frame) < found.message + 8:
        return frame
    version, count, kind = frame[found.message] >> 4, frame[found.message + 3], frame[found.message + 4]
    if version != 2 or kind != 1:
        return frame
    body = found.message + 8
    start = body + 4 * count
    if start + 8 != (_ETHERNET if found.family == 4 else found.message) + len(found.packet):
        start = body
    return frame[:start] + bytes(len(frame) - start)
