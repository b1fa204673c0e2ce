"""Receiving sockets: which ones a configuration needs, and how each is made.

Owns the rule that each advert on the wire is heard once. An instance listens on its interface; one with a
virtual MAC listens on that device alone, since the kernel gives a frame with the virtual MAC as its
source to nobody else, and then its VRID is left out on the interface below.
Source: RFC 9568 5.1; raw(7), ip(7), ipv6(7), socket(7).
"""

from __future__ import annotations

import socket
import struct
from array import array
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from engine.config.model import Config, Instance
from engine.messages import DatagramReceived
from engine.vrrp.netlink import Link

IPPROTO_AH, IPPROTO_VRRP = 51, 112
IPV6_HOPLIMIT = 52
_IP_MULTICAST_ALL, _IPV6_MULTICAST_ALL, _IPV6_RECVHOPLIMIT = 49, 29, 51
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER, _SO_DETACH_FILTER = 33, 26, 27
_LARGEST = 8192
"""Octets; the longest advert is an IPv6 one of 255 addresses, 4,088 octets and its trailer."""
_CONTROL_SPACE = socket.CMSG_SPACE(20) + socket.CMSG_SPACE(4)
_AH_OCTETS = 24
_BPF_HEADER_LENGTH, _BPF_BYTE_AT_X, _BPF_BYTE, _BPF_EQUAL, _BPF_RETURN = 0xB1, 0x50, 0x30, 0x15, 0x06
_ALL, _NOTHING = 0xFFFFFFFF, 0

Key = tuple[str, int, int]
"""(device, family, protocol)"""


@dataclass(slots=True)
class Wanted:
    """What one receiver has to hear."""

    interface: str
    """The interface of the instances, which is told with each datagram."""
    groups: set[str] = field(default_factory=set)
    only: set[int] = field(default_factory=set)
    """VRIDs; empty for all."""
    never: set[int] = field(default_factory=set)
    """VRIDs that another receiver hears."""


@dataclass(slots=True)
class Receiver:
    """One bound receiving socket."""

    key: Key
    interface: str
    ifindex: int
    socket: socket.socket
    groups: set[str] = field(default_factory=set)
    filtered: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())

    def read(self, limit: int) -> list[DatagramReceived]:
        """At most `limit` datagrams that wait now.

        Raises:
            OSError: the socket is of no more use.
        """
        found: list[DatagramReceived] = []
        interface, sock, append = self.interface, self.socket, found.append
        try:
            if self.key[1] == 4:
                receive = sock.recv
                for _ in range(limit):
                    append(DatagramReceived(interface, 4, receive(_LARGEST)))
            else:
                for _ in range(limit):
                    data, control, _, sender = sock.recvmsg(_LARGEST, _CONTROL_SPACE)
                    append(_with_control(interface, data, control, sender[0]))
        except (BlockingIOError, InterruptedError):
            pass
        return found

    def adapt(self, wanted: Wanted) -> None:
        """Join and leave groups, set the filter.

        Raises:
            OSError: the kernel refuses a group.
        """
        self.interface = wanted.interface
        filtered = (frozenset(wanted.only), frozenset(wanted.never))
        if filtered != self.filtered:
            _filter(self, *filtered)
            self.filtered = filtered
        for group in self.groups - wanted.groups:
            with suppress(OSError):
                _membership(self, group, join=False)
            self.groups.discard(group)
        for group in wanted.groups - self.groups:
            _membership(self, group, join=True)
            self.groups.add(group)


def _with_control(interface: str, data: bytes, control: list[tuple[int, int, bytes]], sender: str) -> DatagramReceived:
    destination = ttl = None
    for level, kind, value in control:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            destination = value[:16]
        elif level == socket.IPPROTO_IPV6 and kind == IPV6_HOPLIMIT:
            (ttl,) = struct.unpack("=i", value[:4])
    source = socket.inet_pton(socket.AF_INET6, sender.partition("%")[0])
    return DatagramReceived(interface, 6, data, source, destination, ttl)


def protocol_of(instance: Instance) -> int:
    """The IP protocol of an instance's adverts."""
    return IPPROTO_AH if instance.family == 4 and instance.authentication.kind == "ah" else IPPROTO_VRRP


def needed(config: Config, devices: Mapping[str, str]) -> dict[Key, Wanted]:
    """The receivers of a configuration. `devices`: instance name to its virtual MAC device."""
    found: dict[Key, Wanted] = {}
    for one in config.instances:
        if one.unicast or not (device := devices.get(one.name, "")):
            device = one.interface
        wanted = found.setdefault((device, one.family, protocol_of(one)), Wanted(one.interface))
        if not one.unicast:
            wanted.groups.add(one.group_address)
        if device != one.interface:
            wanted.only.add(one.vrid)
    for one in config.instances:
        below = found.get((one.interface, one.family, protocol_of(one)))
        if below is not None and not one.unicast and one.name in devices:
            below.never.add(one.vrid)
    return found


def open_receiver(key: Key, link: Link, wanted: Wanted, buffer: int) -> Receiver:
    """Make the socket of a receiver, without groups.

    Raises:
        OSError: no permission, no interface.
    """
    _, family, protocol = key
    sock = bound_socket(link, family, protocol)
    try:
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if family == 4:
            sock.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        else:
            with suppress(OSError):  # Linux 4.20; before it foreign groups only cost a rejected packet
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    except OSError:
        sock.close()
        raise
    return Receiver(key, wanted.interface, link.ifindex, sock)


def bound_socket(link: Link, family: int, protocol: int) -> socket.socket:
    """A raw socket that knows no other device than this.

    Raises:
        OSError: no permission, no interface.
    """
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.name.encode() + b"\0")
    except OSError:
        sock.close()
        raise
    return sock


def _membership(receiver: Receiver, group: str, *, join: bool) -> None:
    if receiver.key[1] == 4:
        request = socket.inet_pton(socket.AF_INET, group) + struct.pack("=4xi", receiver.ifindex)
        option = socket.IP_ADD_MEMBERSHIP if join else socket.IP_DROP_MEMBERSHIP
        receiver.socket.setsockopt(socket.IPPROTO_IP, option, request)
    else:
        request = socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", receiver.ifindex)
        option = socket.IPV6_JOIN_GROUP if join else socket.IPV6_LEAVE_GROUP
        receiver.socket.setsockopt(socket.IPPROTO_IPV6, option, request)


def attach(sock: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    """Give a socket a classic filter of (code, jump if true, jump if false, operand).

    Raises:
        OSError: the kernel refuses it.
    """
    octets = array("B", b"".join(struct.pack("=HBBI", *step) for step in program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), octets.buffer_info()[0]))


def hear_nothing(sock: socket.socket) -> None:
    """A filter that drops everything: for a socket that only sends.

    Raises:
        OSError: the kernel refuses it.
    """
    attach(sock, [(_BPF_RETURN, 0, 0, _NOTHING)])


def _filter(receiver: Receiver, only: frozenset[int], never: frozenset[int]) -> None:
    """Let the kernel choose by VRID, before a packet wakes anybody."""
    vrids = sorted(only or never)
    if not vrids:
        receiver.socket.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        return
    _, family, protocol = receiver.key
    if family == 4:
        offset = 1 + (_AH_OCTETS if protocol == IPPROTO_AH else 0)
        load = [(_BPF_HEADER_LENGTH, 0, 0, 0), (_BPF_BYTE_AT_X, 0, 0, offset)]
    else:
        load = [(_BPF_BYTE, 0, 0, 1)]
    matched, other = (_ALL, _NOTHING) if only else (_NOTHING, _ALL)
    tests = [(_BPF_EQUAL, len(vrids) - number, 0, vrid) for number, vrid in enumerate(vrids)]
    attach(receiver.socket, [*load, *tests, (_BPF_RETURN, 0, 0, other), (_BPF_RETURN, 0, 0, matched)])
