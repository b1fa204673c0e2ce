"""Raw sockets for adverts: one receiver per interface and family, one sender beside it.

Owns the rule that an advert leaves and arrives on exactly the interface of its instance: every socket
is bound to its device, hears only the groups it joined, and never its own packets. Sockets follow
the interface: when it is deleted and comes back under the same name they are made anew. Whatever the
kernel refuses is a sentence in the hands of the caller, never an exception.
Source: RFC 9568 5.1, 7.2; raw(7), ip(7), ipv6(7), packet(7).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from array import array
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from engine.config.model import Config, Instance
from engine.messages import DatagramReceived, EffectFailed, SendAdvert
from engine.vrrp.netlink import Link

IPPROTO_AH, IPPROTO_VRRP = 51, 112
_IP_MULTICAST_ALL, _IPV6_MULTICAST_ALL, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 49, 29, 51, 52
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER, _SO_PRIORITY = 33, 26, 12
_TC_PRIO_CONTROL = 7
_TRAFFIC_CLASS = 0xC0
"""Internetwork control, as keepalived sends it."""
_RECEIVE_BUFFER = 1 << 20
_FRAMES = 0
"""In place of a family: whole Ethernet frames."""
_LARGEST = 8192
"""Octets; the longest advert is an IPv6 one of 255 addresses, 4,088 octets and its trailer."""
_DROP_ALL = array("B", struct.pack("=HBBI", 0x06, 0, 0, 0))
"""A socket filter of one instruction: return 0."""
_CONTROL_SPACE = socket.CMSG_SPACE(20) + socket.CMSG_SPACE(4)

Channel = tuple[str, int, int]
"""(interface, family, protocol)"""


@dataclass(slots=True)
class Receiver:
    """One bound receiving socket and the groups it has joined."""

    interface: str
    ifindex: int
    family: int
    protocol: int
    socket: socket.socket
    groups: set[str] = field(default_factory=set)

    def read(self, limit: int) -> list[DatagramReceived]:
        """At most `limit` datagrams that wait now.

        Raises:
            OSError: the socket is of no more use.
        """
        found: list[DatagramReceived] = []
        interface, sock, append = self.interface, self.socket, found.append
        try:
            if self.family == 4:
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


def _with_control(interface: str, data: bytes, control: list[tuple[int, int, bytes]], sender: str) -> DatagramReceived:
    destination = ttl = None
    for level, kind, value in control:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            destination = value[:16]
        elif level == socket.IPPROTO_IPV6 and kind == _IPV6_HOPLIMIT:
            (ttl,) = struct.unpack("=i", value[:4])
    source = socket.inet_pton(socket.AF_INET6, sender.partition("%")[0])
    return DatagramReceived(interface, 6, data, source, destination, ttl)


class Sockets:
    """All sockets of the vrrp process. `watch` and `forget` tell the loop which receivers to poll."""

    def __init__(
        self,
        links: Callable[[str], Link | None],
        watch: Callable[[Receiver], None],
        forget: Callable[[Receiver], None],
    ) -> None:
        self._links = links
        self._watch = watch
        self._forget = forget
        self._wanted: dict[Channel, set[str]] = {}
        self._users: dict[str, list[str]] = {}
        self._buffer = _RECEIVE_BUFFER
        self._receivers: dict[Channel, Receiver] = {}
        self._senders: dict[tuple[str, int], tuple[int, socket.socket]] = {}
        self._silent: dict[str, str] = {}
        self._egress: dict[str, str] = {}

    def configure(self, config: Config, egress: Mapping[str, str] | None = None) -> list[EffectFailed]:
        """Hear what the instances of `config` need, no more; unchanged sockets stay as they are.
        `egress`: instance name to the device that its adverts leave from instead of its interface."""
        self._wanted, self._users = {}, {}
        self._egress = dict(egress or {})
        for instance in config.instances:
            self._users.setdefault(instance.interface, []).append(instance.name)
            self._wanted.setdefault(channel(instance), set()).update(groups(instance))
        self._silent = {name: why for name, why in self._silent.items() if config.instance(name)}
        if config.globals.rx_buffer_bytes:
            self._buffer = config.globals.rx_buffer_bytes
        for key in [key for key in self._receivers if key not in self._wanted]:
            self._drop(key)
        return self._refresh(self._wanted)

    def interface_changed(self, interface: str) -> list[EffectFailed]:
        """Follow an interface that went away or came back under the same name."""
        for name, family in [key for key in self._senders if key[0] == interface]:
            link = self._links(interface)
            if link is None or link.ifindex != self._senders[name, family][0]:
                self._senders.pop((name, family))[1].close()
        return self._refresh([key for key in self._wanted if key[0] == interface])

    def broken(self, receiver: Receiver) -> list[EffectFailed]:
        """A receiver raised: make it anew."""
        key = (receiver.interface, receiver.family, receiver.protocol)
        if self._receivers.get(key) is receiver:
            self._drop(key)
        return self._refresh([key] if key in self._wanted else [])

    def send(self, advert: SendAdvert) -> EffectFailed | None:
        """Send one advert now. A failure is told once, until it changes or sending works again."""
        why = ""
        device = self._egress.get(advert.instance, advert.interface) if self._egress else advert.interface
        try:
            if advert.family == 4:
                self._sender(device, 4).sendto(advert.data, (advert.destination, 0))
            elif device == advert.interface:
                self._send_ipv6(self._sender(device, 6), advert)
            else:
                self._send_frame(device, advert)
        except OSError as error:
            why = f"cannot send from {device} to {advert.destination}: {_words(error)}"
            if error.errno in (errno.ENODEV, errno.ENXIO, errno.EBADF):
                self._forget_sender(device, advert.family)
        if not why:
            if self._silent:
                self._silent.pop(advert.instance, None)
            return None
        if self._silent.get(advert.instance) == why:
            return None
        self._silent[advert.instance] = why
        return EffectFailed(advert.instance, "send-advert", why)

    def close(self) -> None:
        """Close everything."""
        for key in list(self._receivers):
            self._drop(key)
        for _, sock in self._senders.values():
            sock.close()
        self._senders.clear()

    # -- receiving

    def _refresh(self, keys: Iterable[Channel]) -> list[EffectFailed]:
        failed: list[EffectFailed] = []
        for key in keys:
            interface, family, protocol = key
            link = self._links(interface)
            receiver = self._receivers.get(key)
            if receiver is not None and (link is None or link.ifindex != receiver.ifindex):
                self._drop(key)
                receiver = None
            if link is None:
                continue  # the Router holds the instance in FAULT until it appears
            try:
                if receiver is None:
                    receiver = _open_receiver(link, family, protocol, self._buffer)
                    self._receivers[key] = receiver
                    self._watch(receiver)
                _regroup(receiver, self._wanted[key])
            except OSError as error:
                why = f"cannot receive on {interface}: {_words(error)}"
                failed += [EffectFailed(name, "open-socket", why) for name in self._users.get(interface, ())]
        return failed

    def _drop(self, key: Channel) -> None:
        receiver = self._receivers.pop(key)
        self._forget(receiver)
        receiver.socket.close()

    # -- sending

    def _send_frame(self, device: str, advert: SendAdvert) -> None:
        """IPv6 from a virtual MAC: the frame carries the parent's link-local address, which the device
        itself must not have, or two MACs would answer for it. Source: RFC 9568 7.4."""
        link = self._links(device)
        if link is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        group = socket.inet_pton(socket.AF_INET6, advert.destination)
        header = struct.pack("!IHBB", 6 << 28 | _TRAFFIC_CLASS << 20, len(advert.data), IPPROTO_VRRP, advert.ttl)
        ethernet = b"\x33\x33" + group[12:] + bytes.fromhex(link.mac.replace(":", "")) + b"\x86\xdd"
        source = socket.inet_pton(socket.AF_INET6, advert.source)
        self._sender(device, _FRAMES).send(b"".join((ethernet, header, source, group, advert.data)))

    def _sender(self, interface: str, family: int) -> socket.socket:
        found = self._senders.get((interface, family))
        if found is not None:
            return found[1]
        link = self._links(interface)
        if link is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        sock = packet_socket(link) if family == _FRAMES else _open_sender(link, family)
        self._senders[interface, family] = (link.ifindex, sock)
        return sock

    def _forget_sender(self, interface: str, family: int) -> None:
        found = self._senders.pop((interface, family), None)
        if found is not None:
            found[1].close()

    def _send_ipv6(self, sender: socket.socket, advert: SendAdvert) -> None:
        ifindex = self._senders[advert.interface, 6][0]
        source = socket.inet_pton(socket.AF_INET6, advert.source)
        control = [
            (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source + struct.pack("=I", ifindex)),
            (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT, struct.pack("=i", advert.ttl)),
        ]
        # a scope only where the address needs one: a routed unicast peer must not carry it
        scope = ifindex if advert.destination.startswith(("fe8", "fe9", "fea", "feb", "ff")) else 0
        sender.sendmsg([advert.data], control, 0, (advert.destination, 0, 0, scope))


def channel(instance: Instance) -> Channel:
    """The receiver that an instance listens on."""
    ah = instance.family == 4 and instance.authentication.kind == "ah"
    return (instance.interface, instance.family, IPPROTO_AH if ah else IPPROTO_VRRP)


def groups(instance: Instance) -> set[str]:
    """The multicast groups that an instance hears."""
    return set() if instance.unicast else {instance.group_address}


def _open_receiver(link: Link, family: int, protocol: int, buffer: int) -> Receiver:
    sock = _raw(link, family, protocol)
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
    return Receiver(link.name, link.ifindex, family, protocol, sock)


def _regroup(receiver: Receiver, wanted: set[str]) -> None:
    for group in receiver.groups - wanted:
        with suppress(OSError):
            _membership(receiver, group, join=False)
        receiver.groups.discard(group)
    for group in wanted - receiver.groups:
        _membership(receiver, group, join=True)
        receiver.groups.add(group)


def _membership(receiver: Receiver, group: str, *, join: bool) -> None:
    if receiver.family == 4:
        request = socket.inet_pton(socket.AF_INET, group) + struct.pack("=4xi", receiver.ifindex)
        option = socket.IP_ADD_MEMBERSHIP if join else socket.IP_DROP_MEMBERSHIP
        receiver.socket.setsockopt(socket.IPPROTO_IP, option, request)
    else:
        request = socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", receiver.ifindex)
        option = socket.IPV6_JOIN_GROUP if join else socket.IPV6_LEAVE_GROUP
        receiver.socket.setsockopt(socket.IPPROTO_IPV6, option, request)


def _open_sender(link: Link, family: int) -> socket.socket:
    """A socket that only sends: IPv4 whole packets, IPv6 messages (its own receiving is filtered away)."""
    sock = _raw(link, family, socket.IPPROTO_RAW if family == 4 else IPPROTO_VRRP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_PRIORITY, _TC_PRIO_CONTROL)
        if family == 4:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=8xi", link.ifindex))
        else:
            program = struct.pack("@HP", 1, _DROP_ALL.buffer_info()[0])
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, link.ifindex)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _TRAFFIC_CLASS)
    except OSError:
        sock.close()
        raise
    return sock


def packet_socket(link: Link) -> socket.socket:
    """A socket that sends whole frames on one interface and receives none.

    Raises:
        OSError: no permission, no interface.
    """
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    sock = socket.socket(socket.AF_PACKET, kind, 0)
    try:
        sock.bind((link.name, 0))
    except OSError:
        sock.close()
        raise
    return sock


def _raw(link: Link, family: int, protocol: int) -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.name.encode() + b"\0")
    except OSError:
        sock.close()
        raise
    return sock


def _words(error: OSError) -> str:
    why = os.strerror(error.errno) if error.errno else str(error)
    hint = {
        errno.EPERM: "; the engine needs the capability CAP_NET_RAW, and no firewall rule in its way",
        errno.EINVAL: "; is the source address on the interface?",
    }.get(error.errno or 0, "")
    return why + hint
