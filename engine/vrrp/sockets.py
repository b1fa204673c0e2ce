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
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from engine.config.model import Config
from engine.messages import EffectFailed, SendAdvert
from engine.vrrp.netlink import Link
from engine.vrrp.receivers import (
    IPPROTO_VRRP,
    IPV6_HOPLIMIT,
    Key,
    Receiver,
    Wanted,
    bound_socket,
    hear_nothing,
    needed,
    open_receiver,
)

if TYPE_CHECKING:
    from engine.vrrp.bursts import Burst

_SO_PRIORITY = 12
_TC_PRIO_CONTROL = 7
_TRAFFIC_CLASS = 0xC0
"""Internetwork control, as keepalived sends it."""
_RECEIVE_BUFFER = 1 << 20
MANY = 16
"""Adverts that are due together from which on they share system calls."""
_BURSTS_KEPT = 16


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
        self._wanted: dict[Key, Wanted] = {}
        self._users: dict[str, list[str]] = {}
        self._buffer = _RECEIVE_BUFFER
        self._receivers: dict[Key, Receiver] = {}
        self._senders: dict[tuple[str, int], tuple[int, socket.socket]] = {}
        self._room: Callable[[str, int], Burst] | None = None
        self._bursts: dict[tuple[str, int], Burst] = {}
        """(destination, octets) to the room for many such packets."""
        self._frames: socket.socket | None = None
        """Sends whole Ethernet frames."""
        self._silent: dict[str, str] = {}
        self._egress: dict[str, str] = {}

    def configure(
        self, config: Config, devices: Mapping[str, str] | None = None, egress: Mapping[str, str] | None = None
    ) -> list[EffectFailed]:
        """Hear what the instances of `config` need, no more; unchanged sockets stay as they are.
        `devices`: instance name to its virtual MAC device; `egress`: to the device that its adverts
        leave from, where that is not its interface."""
        self._users = {}
        self._egress = dict(egress or {})
        self._wanted = needed(config, devices or {})
        for instance in config.instances:
            self._users.setdefault(instance.interface, []).append(instance.name)
        self._silent = {name: why for name, why in self._silent.items() if config.instance(name)}
        if config.globals.rx_buffer_bytes:
            self._buffer = config.globals.rx_buffer_bytes
        if len(config.instances) >= MANY and self._room is None:
            from engine.vrrp.bursts import Burst  # ctypes costs 15 ms of the start, and few have so many

            self._room = Burst
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
        key = receiver.key
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

    def send_many(self, adverts: Sequence[SendAdvert]) -> Sequence[SendAdvert]:
        """Send what can leave with few system calls. Returns the others, which `send` then takes one by one."""
        if self._room is None or self._silent or self._egress:
            return adverts
        groups: dict[tuple[str, str, int], list[SendAdvert]] = {}
        for advert in adverts:
            key = (advert.interface, advert.destination, len(advert.data))
            if key in groups:
                groups[key].append(advert)
            else:
                groups[key] = [advert]
        left: list[SendAdvert] = []
        for key, group in groups.items():
            sender = self._senders.get((key[0], 4))
            if sender is None or len(group) < MANY or group[0].family != 4:
                left += group
                continue
            burst = self._bursts.get(key[1:])
            if burst is None:
                if len(self._bursts) >= _BURSTS_KEPT:
                    self._bursts.clear()
                burst = self._bursts[key[1:]] = self._room(key[1], key[2])
            left += group[burst.send(sender[1], [advert.data for advert in group]) :]
        return left

    def close(self) -> None:
        """Close everything."""
        for key in list(self._receivers):
            self._drop(key)
        for _, sock in self._senders.values():
            sock.close()
        self._senders.clear()
        if self._frames is not None:
            self._frames.close()
            self._frames = None

    # -- receiving

    def _refresh(self, keys: Iterable[Key]) -> list[EffectFailed]:
        failed: list[EffectFailed] = []
        for key in keys:
            wanted, link = self._wanted[key], self._links(key[0])
            receiver = self._receivers.get(key)
            if receiver is not None and (link is None or link.ifindex != receiver.ifindex):
                self._drop(key)
                receiver = None
            if link is None:
                continue  # the Router holds the instance in FAULT until it appears
            try:
                if receiver is None:
                    receiver = open_receiver(key, link, wanted, self._buffer)
                    self._receivers[key] = receiver
                    self._watch(receiver)
                receiver.adapt(wanted)
            except OSError as error:
                full = "; see the sysctl net.ipv4.igmp_max_memberships" if error.errno == errno.ENOBUFS else ""
                why = f"cannot receive on {key[0]}: {_words(error)}{full}"
                failed += [EffectFailed(name, "open-socket", why) for name in self._users.get(wanted.interface, ())]
        return failed

    def _drop(self, key: Key) -> None:
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
        if self._frames is None:
            self._frames = packet_socket()
        self._frames.sendto(b"".join((ethernet, header, source, group, advert.data)), (device, 0))

    def _sender(self, interface: str, family: int) -> socket.socket:
        found = self._senders.get((interface, family))
        if found is not None:
            return found[1]
        link = self._links(interface)
        if link is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        sock = _open_sender(link, family)
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
            (socket.IPPROTO_IPV6, IPV6_HOPLIMIT, struct.pack("=i", advert.ttl)),
        ]
        # a scope only where the address needs one: a routed unicast peer must not carry it
        scope = ifindex if advert.destination.startswith(("fe8", "fe9", "fea", "feb", "ff")) else 0
        sender.sendmsg([advert.data], control, 0, (advert.destination, 0, 0, scope))


def _open_sender(link: Link, family: int) -> socket.socket:
    """A socket that only sends: IPv4 whole packets, IPv6 messages (its own receiving is filtered away)."""
    sock = bound_socket(link, family, socket.IPPROTO_RAW if family == 4 else IPPROTO_VRRP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_PRIORITY, _TC_PRIO_CONTROL)
        if family == 4:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=8xi", link.ifindex))
        else:
            hear_nothing(sock)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, link.ifindex)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _TRAFFIC_CLASS)
    except OSError:
        sock.close()
        raise
    return sock


def packet_socket() -> socket.socket:
    """A socket that sends whole frames to an interface that is named with each, and receives none. One serves all
    interfaces: the kernel waits some 15 ms for each that is closed.

    Raises:
        OSError: no permission.
    """
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    return socket.socket(socket.AF_PACKET, kind, 0)


def _words(error: OSError) -> str:
    why = os.strerror(error.errno) if error.errno else str(error)
    hint = {
        errno.EPERM: "; the engine needs the capability CAP_NET_RAW, and no firewall rule in its way",
        errno.EINVAL: "; is the source address on the interface?",
    }.get(error.errno or 0, "")
    return why + hint
