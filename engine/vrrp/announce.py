"""Gratuitous ARP and unsolicited neighbour advertisements: who has an address now, told to the link.

Owns two rules. Only an address that the kernel has confirmed is announced (the caller asks `Kernel.present`),
and no address is announced after it was taken away: `cancel` empties its place in the queue. Frames
of one interface leave in order, spaced by the configured interval; the loop asks for `deadline`.
Source: RFC 826, RFC 4861 4.4 and 7.2.6, RFC 9568 6.4.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from engine.config.model import Address
from engine.messages import EffectFailed, SendAnnouncements
from engine.vrrp.netlink import Link, packed
from engine.vrrp.sockets import packet_socket

_BROADCAST = b"\xff" * 6
_ALL_NODES = socket.inet_pton(socket.AF_INET6, "ff02::1")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
SETTLE = 5_000_000
"""ns between adding IPv6 addresses and announcing them: the kernel acknowledges an address before a worker of its own
has put the local route in, and drops what clients send here until then."""
SETTLE_MOST = 200_000_000
"""ns for which an address that the worker has not come to yet, on a busy host, is waited for."""
_SOON = 1_000_000
"""ns"""
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000


def gratuitous_arp(mac: bytes, address: bytes) -> bytes:
    """One frame of 42 octets: a broadcast request for our own address, target hardware address all ones."""
    return b"".join(
        (
            _BROADCAST,
            mac,
            struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1),
            mac,
            address,
            _BROADCAST,
            address,
        )
    )


def neighbour_advertisement(mac: bytes, address: bytes, *, router: bool) -> bytes:
    """One frame of 86 octets to all nodes, from the address itself, override set, router flag as told."""
    flags = _OVERRIDE | (_ROUTER if router else 0)
    message = struct.pack("!BBHI", 136, 0, 0, flags) + address + b"\x02\x01" + mac
    pseudo = address + _ALL_NODES + struct.pack("!I3xB", len(message), 58)
    checksum = _internet_checksum(pseudo + message)
    message = message[:2] + struct.pack("!H", checksum) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + address + _ALL_NODES
    return _ALL_NODES_MAC + mac + b"\x86\xdd" + header + message


def _internet_checksum(octets: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(slots=True)
class _Waiting:
    instance: str
    address: Address
    frame: bytes
    interval: int
    """ns to wait after it before the next frame of this interface."""


def _of(instance: str, one: _Waiting) -> bool:
    return one.instance == instance


class _Outlet(Protocol):
    """Where the frames of one interface go."""

    def send(self, frame: bytes, /) -> int:
        """Send one frame."""

    def close(self) -> None:
        """No more frames."""


@dataclass(frozen=True, slots=True)
class _Port:
    """One interface at the packet socket that all share."""

    shared: socket.socket
    interface: str

    def send(self, frame: bytes) -> int:
        """Send one frame."""
        return self.shared.sendto(frame, (self.interface, 0))

    def close(self) -> None:
        """The socket stays for the others."""


@dataclass(slots=True)
class _Line:
    """The queue of one interface."""

    ifindex: int
    outlet: _Outlet
    first: deque[_Waiting] = field(default_factory=deque)
    """First rounds: where many instances move at once, none waits for the repetitions of another."""
    rest: deque[_Waiting] = field(default_factory=deque)
    ready_at: int = 0
    settling: bool = False
    """IPv6 addresses came meanwhile: their first round waits a little, that of IPv4 addresses beside them does not."""
    settled_from: int = 0
    """When that round is due at the earliest."""
    settled_at: int = 0
    """When that round is due at the latest."""

    def drop(self, unwanted: Callable[[_Waiting], bool]) -> None:
        """Forget what is not to be sent any more."""
        self.first = deque(one for one in self.first if not unwanted(one))
        self.rest = deque(one for one in self.rest if not unwanted(one))


class Announcer:
    """One packet socket, and one queue per interface."""

    def __init__(
        self,
        links: Callable[[str], Link | None],
        present: Callable[[Address], bool],
        settled: Callable[[Address], bool],
        opened: Callable[[Link], _Outlet] | None = None,
    ) -> None:
        """`opened` makes the outlet of an interface; left out, a packet socket. `settled` says whether the kernel has
        told of an address."""
        self._links = links
        self._present = present
        self._open = opened or self._port
        self._shared: socket.socket | None = None
        self._settled = settled
        self._lines: dict[str, _Line] = {}
        self._held: dict[tuple[str, str, int], SendAnnouncements] = {}

    def announce(self, wish: SendAnnouncements) -> list[EffectFailed]:
        """Queue `repeat` rounds over all addresses that are really there."""
        frames: list[tuple[_Line, _Waiting]] = []
        failures: list[EffectFailed] = []
        routers: dict[str, bool] = {}
        for address in wish.addresses:
            link = self._links(address.interface)
            if link is None or not link.mac or not self._present(address):
                if link is not None and address.family == 6 and not address.nodad:
                    place = (address.interface, address.address, address.prefix)
                    self._held[place] = SendAnnouncements(
                        wish.instance, (address,), wish.repeat, wish.arp_interval, wish.na_interval
                    )
                continue  # its absence has been told already
            try:
                line = self._line(link)
            except OSError as error:
                why = f"cannot announce on {link.name}: {os.strerror(error.errno or errno.EIO)}"
                failures.append(EffectFailed(wish.instance, "send-announcements", why))
                continue
            mac = bytes.fromhex(link.mac.replace(":", ""))
            if address.family == 4:
                frame, interval = gratuitous_arp(mac, packed(address.address)), wish.arp_interval
            else:
                router = routers.setdefault(link.name, False) or _forwards(link.name)
                frame = neighbour_advertisement(mac, packed(address.address), router=router)
                interval = wish.na_interval
            line.settling = line.settling or address.family == 6
            frames.append((line, _Waiting(wish.instance, address, frame, interval)))
        for number in range(wish.repeat):
            for line, waiting in frames:
                (line.rest if number else line.first).append(waiting)
        return failures[:1]

    def appeared(self, interface: str, address: str, prefix: int) -> list[EffectFailed]:
        """Duplicate address detection has ended well: announce now what was held back for it."""
        wish = self._held.pop((interface, address, prefix), None)
        return self.announce(wish) if wish is not None else []

    def cancel(self, instance: str, addresses: Iterable[Address]) -> None:
        """These addresses go away: announce them no more."""
        gone = set(addresses)
        for one in gone:
            self._held.pop((one.interface, one.address, one.prefix), None)
        for line in self._lines.values():
            if line.first or line.rest:
                line.drop(lambda one: one.instance == instance and one.address in gone)

    def interface_changed(self, interface: str) -> None:
        """Follow an interface that went away or came back."""
        line, link = self._lines.get(interface), self._links(interface)
        if line is not None and (link is None or link.ifindex != line.ifindex):
            line.outlet.close()
            del self._lines[interface]

    @property
    def deadline(self) -> int | None:
        """When `work` has something to do: an instant, 0 for at once, None for never."""
        return min((line.ready_at for line in self._lines.values() if line.first or line.rest), default=None)

    def _ready(self, queue: deque[_Waiting], *, calm: bool) -> int:
        """The place of the first frame whose address the kernel has told of; -1 when there is none. Until it is `calm`
        no IPv6 address counts."""
        ready = (at for at, one in enumerate(queue) if one.address.family == 4 or (calm and self._settled(one.address)))
        return next(ready, -1)

    def work(self, now: int, limit: int) -> list[EffectFailed]:
        """Send what is due, at most about `limit` frames."""
        failed: list[EffectFailed] = []
        for name, line in self._lines.items():
            if line.settling and line.ready_at <= now:
                line.settling, line.settled_from, line.settled_at = False, now + SETTLE, now + SETTLE_MOST
            while line.ready_at <= now and limit > 0:
                queue = line.first or line.rest
                if not queue:
                    break
                calm = now >= line.settled_from
                place = self._ready(queue, calm=calm) if queue is line.first and now < line.settled_at else 0
                if place < 0:
                    line.ready_at = now + _SOON if calm else line.settled_from
                    break
                waiting = queue[place]
                del queue[place]
                limit -= 1
                try:
                    line.outlet.send(waiting.frame)
                except BlockingIOError:  # the device's queue is full: soon again
                    queue.appendleft(waiting)
                    line.ready_at = now + _SOON
                    break
                except OSError as error:
                    what = f"cannot announce {waiting.address.address} on {name}"
                    why = f"{what}: {os.strerror(error.errno or errno.EIO)}"
                    failed.append(EffectFailed(waiting.instance, "send-announcements", why))
                    line.drop(partial(_of, waiting.instance))
                    continue
                if waiting.interval:
                    line.ready_at = max(now, line.ready_at) + waiting.interval
        return failed

    def close(self) -> None:
        """Close all sockets; what waits is dropped."""
        for line in self._lines.values():
            line.outlet.close()
        self._lines.clear()
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def _port(self, link: Link) -> _Outlet:
        if self._shared is None:
            self._shared = packet_socket()
        return _Port(self._shared, link.name)

    def _line(self, link: Link) -> _Line:
        line = self._lines.get(link.name)
        if line is None:
            line = self._lines[link.name] = _Line(link.ifindex, self._open(link))
        return line


def _forwards(interface: str) -> bool:
    with suppress(OSError):
        return Path(f"/proc/sys/net/ipv6/conf/{interface}/forwarding").read_text().strip() != "0"
    return False
