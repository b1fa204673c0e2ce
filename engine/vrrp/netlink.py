"""Octets of rtnetlink: messages to send and messages received, without a socket.

Owns the layout of what the vrrp process says to the kernel in quantity: links and addresses. Encoding
by hand, because a failover of a thousand addresses is a thousand messages and nothing else.
Source: rtnetlink(7), netlink(7).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from engine.config.model import Address

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x4, 0x10
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_DUMP = 0x100, 0x200, 0x400, 0x300

IFF_UP, IFF_RUNNING = 0x1, 0x40

IFA_F_SECONDARY, IFA_F_NODAD, IFA_F_HOMEADDRESS, IFA_F_DADFAILED = 0x01, 0x02, 0x10, 0x08
IFA_F_TENTATIVE, IFA_F_MANAGETEMPADDR, IFA_F_NOPREFIXROUTE, IFA_F_MCAUTOJOIN = 0x40, 0x100, 0x200, 0x400

_FOREVER = 0xFFFFFFFF
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_AF_SPEC = 1, 3, 4, 5, 18, 26
_IFLA_GROUP = 27
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_MACVLAN_MODE, _MACVLAN_MODE_PRIVATE = 1, 2, 1, 1
_IFLA_INET6_ADDR_GEN_MODE, _IN6_ADDR_GEN_MODE_NONE = 8, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_BROADCAST, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 3, 4, 6, 8
_NLMSGERR_ATTR_MSG, _NLM_F_CAPPED, _NLM_F_ACK_TLVS = 1, 0x100, 0x200
_NESTED = 0x8000

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_U32 = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class Link:
    """One interface as the kernel describes it."""

    ifindex: int
    name: str
    up: bool
    """Administratively up and running (carrier)."""
    mac: str = ""
    mtu: int = 0
    kind: str = ""
    parent: int = 0
    """ifindex of the device below a macvlan, 0 for none."""
    group: int = 0
    """The kernel's device group, 0 unless somebody has set one."""


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """One address of one interface as the kernel describes it."""

    ifindex: int
    packed: bytes
    """4 or 16 octets."""
    prefix: int
    flags: int
    scope: int

    @property
    def usable(self) -> bool:
        """Not waiting for, and not failed by, duplicate address detection."""
        return not self.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) or len(self.packed) == 4


@dataclass(frozen=True, slots=True)
class Received:
    """One netlink message inside a buffer."""

    kind: int
    flags: int
    sequence: int
    body: memoryview


def received(data: bytes) -> Iterator[Received]:
    """The messages of one datagram; a cut one ends it."""
    view, offset = memoryview(data), 0
    while offset + 16 <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < 16 or offset + length > len(data):
            return
        yield Received(kind, flags, sequence, view[offset + 16 : offset + length])
        offset += (length + 3) & ~3


def request(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """One message with its header, padded."""
    length = 16 + len(body)
    return _HEADER.pack(length, kind, flags | NLM_F_REQUEST, sequence, 0) + body + bytes(-length & 3)


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute, padded."""
    length = 4 + len(data)
    return _ATTRIBUTE.pack(length, kind) + data + bytes(-length & 3)


def attributes(body: memoryview, offset: int) -> Iterator[tuple[int, memoryview]]:
    """(kind, data) of each attribute from `offset` on."""
    end = len(body)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < 4 or offset + length > end:
            return
        yield kind & ~_NESTED, body[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def link_dump(sequence: int) -> bytes:
    """Ask for all interfaces."""
    return request(RTM_GETLINK, NLM_F_DUMP, sequence, _LINK.pack(0, 0, 0, 0, 0))


def address_dump(sequence: int) -> bytes:
    """Ask for all addresses of both families."""
    return request(RTM_GETADDR, NLM_F_DUMP, sequence, _ADDRESS.pack(0, 0, 0, 0, 0))


def link_question(name: str) -> bytes:
    """The body of RTM_GETLINK for one interface."""
    return _LINK.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name.encode() + b"\0")


def parse_link(body: memoryview) -> Link:
    """The body of RTM_NEWLINK or RTM_DELLINK."""
    _, _, ifindex, flags, _ = _LINK.unpack_from(body)
    name = mac = kind = ""
    mtu = parent = group = 0
    for key, data in attributes(body, _LINK.size):
        if key == _IFLA_IFNAME:
            name = bytes(data).rstrip(b"\0").decode(errors="replace")
        elif key == _IFLA_ADDRESS:
            mac = data.hex(":")
        elif key == _IFLA_MTU:
            (mtu,) = _U32.unpack_from(data)
        elif key == _IFLA_LINK:
            (parent,) = _U32.unpack_from(data)
        elif key == _IFLA_GROUP:
            (group,) = _U32.unpack_from(data)
        elif key == _IFLA_LINKINFO:
            for inner, value in attributes(data, 0):
                if inner == _IFLA_INFO_KIND:
                    kind = bytes(value).rstrip(b"\0").decode(errors="replace")
    up = flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING
    return Link(ifindex, name, up, mac, mtu, kind, parent, group)


def parse_address(body: memoryview) -> LinkAddress:
    """The body of RTM_NEWADDR or RTM_DELADDR."""
    _, prefix, flags, scope, ifindex = _ADDRESS.unpack_from(body)
    packed = local = b""
    for key, data in attributes(body, _ADDRESS.size):
        if key == _IFA_LOCAL:  # with a peer, IFA_ADDRESS is the peer's
            local = bytes(data)
        elif key == _IFA_ADDRESS:
            packed = bytes(data)
        elif key == _IFA_FLAGS:
            (flags,) = _U32.unpack_from(data)
    return LinkAddress(ifindex, local or packed, prefix, flags, scope)


def parse_error(body: memoryview, flags: int) -> tuple[int, str]:
    """The body of NLMSG_ERROR: errno (0 is an acknowledgement) and the kernel's own words, if any."""
    (number,) = struct.unpack_from("=i", body)
    words = ""
    if flags & _NLM_F_ACK_TLVS:
        (length,) = _U32.unpack_from(body, 4)
        offset = 20 if flags & _NLM_F_CAPPED else 4 + ((length + 3) & ~3)
        for key, data in attributes(body, offset):
            if key == _NLMSGERR_ATTR_MSG:
                words = bytes(data).rstrip(b"\0").decode(errors="replace")
    return -number, words


def macvlan_body(name: str, parent: int, mac: str) -> bytes:
    """The body of RTM_NEWLINK that makes a private macvlan on `parent`."""
    mode = attribute(_IFLA_MACVLAN_MODE, _U32.pack(_MACVLAN_MODE_PRIVATE))
    info = attribute(_IFLA_INFO_KIND, b"macvlan") + attribute(_IFLA_INFO_DATA, mode)
    return b"".join(
        (
            _LINK.pack(0, 0, 0, 0, 0),
            attribute(_IFLA_IFNAME, name.encode() + b"\0"),
            attribute(_IFLA_LINK, _U32.pack(parent)),
            attribute(_IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))),
            attribute(_IFLA_LINKINFO, info),
        )
    )


def own_addresses_only_body(ifindex: int) -> bytes:
    """The body of RTM_NEWLINK that forbids generated IPv6 addresses: the virtual MAC must not feed one.
    Source: RFC 9568 7.4."""
    inet6 = attribute(_IFLA_INET6_ADDR_GEN_MODE, bytes([_IN6_ADDR_GEN_MODE_NONE]))
    return _LINK.pack(0, 0, ifindex, 0, 0) + attribute(_IFLA_AF_SPEC, attribute(socket.AF_INET6, inet6))


def link_up_body(ifindex: int) -> bytes:
    """The body of RTM_NEWLINK that sets an interface administratively up."""
    return _LINK.pack(0, 0, ifindex, IFF_UP, IFF_UP)


def link_body(ifindex: int) -> bytes:
    """The body of RTM_DELLINK."""
    return _LINK.pack(0, 0, ifindex, 0, 0)


def group_body(group: int, ifindex: int = 0) -> bytes:
    """The body of RTM_NEWLINK that puts an interface into a group, or of RTM_DELLINK for the whole group."""
    return _LINK.pack(0, 0, ifindex, 0, 0) + attribute(_IFLA_GROUP, _U32.pack(group))


def packed(address: str) -> bytes:
    """The 4 or 16 octets of an address in text."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def text(octets: bytes) -> str:
    """The text of 4 or 16 octets."""
    return socket.inet_ntop(socket.AF_INET if len(octets) == 4 else socket.AF_INET6, octets)


def address_body(address: Address, ifindex: int, *, adding: bool) -> bytes:
    """The body of RTM_NEWADDR or RTM_DELADDR for one configured address.

    A full-length IPv6 address is deprecated from the start, so that it never becomes the source of
    the host's own connections. Source: keepalived.conf(5) virtual_ipaddress.
    """
    octets = packed(address.address)
    family = socket.AF_INET if len(octets) == 4 else socket.AF_INET6
    parts = [_ADDRESS.pack(family, address.prefix, 0, address.scope & 0xFF, ifindex), attribute(_IFA_LOCAL, octets)]
    if address.peer or adding:
        parts.append(attribute(_IFA_ADDRESS, packed(address.peer) if address.peer else octets))
    if not adding:
        return b"".join(parts)
    flags = 0
    if family == socket.AF_INET6:
        flags |= IFA_F_NODAD if address.nodad else 0
        flags |= IFA_F_HOMEADDRESS if address.home else 0
        flags |= IFA_F_MANAGETEMPADDR if address.mngtmpaddr else 0
    flags |= IFA_F_NOPREFIXROUTE if address.noprefixroute else 0
    flags |= IFA_F_MCAUTOJOIN if address.autojoin else 0
    if address.broadcast:
        parts.append(attribute(_IFA_BROADCAST, packed(address.broadcast)))
    if address.label:
        parts.append(attribute(_IFA_LABEL, address.label.encode() + b"\0"))
    if flags:
        parts.append(attribute(_IFA_FLAGS, _U32.pack(flags)))
    preferred = address.preferred_lifetime_s
    if preferred is None and family == socket.AF_INET6 and address.prefix == 128:
        preferred = 0
    if preferred is not None:
        parts.append(attribute(_IFA_CACHEINFO, struct.pack("=IIII", preferred, _FOREVER, 0, 0)))
    return b"".join(parts)
