"""The kernel's links and addresses: a mirror kept by netlink, and the changes that we make.

Owns the mirror: what `present` answers is what the kernel said last, our own acknowledged changes
included. Every other change is told once, in the order in which it happened, as `InterfaceChanged`
or `AddressChanged(foreign=True)`. A lost notification (overrun) is healed by a new dump.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from engine.config.model import Address
from engine.messages import AddressChanged, EffectFailed, Input, InterfaceChanged
from engine.vrrp import netlink
from engine.vrrp.netlink import Link, LinkAddress

RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 270, 10, 11
_NETLINK_ADD_MEMBERSHIP, _NETLINK_DROP_MEMBERSHIP = 1, 2
_ROUTE_GROUPS = (7, 8, 11, 19)
"""IPv4 routes, IPv4 rules, IPv6 routes, IPv6 rules."""
_SO_RCVBUFFORCE = 33
_RECEIVE = 64 * 1024
DOOMED = 0x68617475
"""The group of interfaces that go together; nobody else has it, or they go one by one."""
_ADD_DONE = {0, errno.EEXIST}
_REMOVE_DONE = {0, errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENOENT, errno.ESRCH}

Key = tuple[int, bytes, int]
"""(ifindex, packed address, prefix)"""


class Kernel:
    """One monitor socket for what others do, one request socket for what we do."""

    def __init__(self) -> None:
        self._monitor = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._monitor.settimeout(0)
        _receive_buffer(self._monitor, 4 << 20)
        self._monitor.bind((0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))
        self._request = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        _receive_buffer(self._request, 1 << 20)
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK):
            with suppress(OSError):  # older kernels: the acknowledgement is longer and has no words
                self._request.setsockopt(_SOL_NETLINK, option, 1)
        self._request.bind((0, 0))
        self._request.settimeout(5)
        self._sequence = 0
        self._links: dict[int, Link] = {}
        self._names: dict[str, int] = {}
        self._addresses: dict[int, dict[tuple[bytes, int], LinkAddress]] = {}
        self._echoes: dict[Key, deque[bool]] = {}
        """Our acknowledged changes (True: added) whose notification has not been read yet."""
        self._awaited: dict[Key, str] = {}
        """Our additions under duplicate address detection, and their instance."""
        self.others: Callable[[netlink.Received, list[Input]], None] | None = None
        """Told of notifications that are about neither links nor addresses (see `watch_routes`)."""
        self.overrun: Callable[[list[Input]], None] | None = None
        """Called after the healing: what `others` tells of may have been lost, too."""
        self.routes_watched = False
        """Routes and rules are told of, our own changes included (see `watch_routes`)."""
        self.overruns = 0
        """How often notifications were lost and a dump healed it."""

    def fileno(self) -> int:
        """The monitor's descriptor: readable means `read`."""
        return self._monitor.fileno()

    def close(self) -> None:
        """Close both sockets."""
        self._monitor.close()
        self._request.close()

    def start(self) -> list[InterfaceChanged]:
        """The first dump: every interface with its addresses."""
        self._dump()
        return [self._told(link) for link in self._links.values()]

    def link(self, name: str) -> Link | None:
        """The interface of that name, if it exists."""
        return self._links.get(self._names.get(name, 0))

    def delete_links(self, links: Sequence[Link]) -> None:
        """Remove interfaces. Many go in one step, as a group made for it: one by one the kernel waits some 20 ms for
        each, the whole group takes hardly longer than one."""
        together = len(links) > 1 and all(one.group != DOOMED for one in self._links.values())
        if together:
            asked = [netlink.group_body(DOOMED, one.ifindex) for one in links]
            together = not any(number for number, _ in self.transact(netlink.RTM_NEWLINK, 0, asked))
        if together:
            ((number, _),) = self.transact(netlink.RTM_DELLINK, 0, [netlink.group_body(DOOMED)])
            together = not number
        if not together:
            self.transact(netlink.RTM_DELLINK, 0, [netlink.link_body(one.ifindex) for one in links])

    def down(self) -> set[str]:
        """The interfaces that are not up."""
        return {link.name for link in self._links.values() if not link.up}

    def look(self, name: str) -> Link | None:
        """The interface of that name as it is now; the mirror follows when its notification is read."""
        self._sequence += 1
        question = netlink.request(netlink.RTM_GETLINK, netlink.NLM_F_ACK, self._sequence, netlink.link_question(name))
        found = None
        try:
            self._request.send(question)
            while True:
                for message in netlink.received(self._request.recv(_RECEIVE)):
                    if message.sequence != self._sequence:
                        continue
                    if message.kind == netlink.NLMSG_ERROR:
                        return found
                    found = netlink.parse_link(message.body)
        except OSError:
            return None

    def present(self, address: Address) -> bool:
        """The address is on its interface and usable."""
        found = self._addresses.get(self._names.get(address.interface, 0), {}).get(
            (netlink.packed(address.address), address.prefix)
        )
        return found is not None and found.usable

    def settled(self, address: Address) -> bool:
        """Whether the kernel has told of an address that was added here. It acknowledges an IPv6 address at once, and
        tells of it when a worker of its own puts the local route in."""
        key = (self._names.get(address.interface, 0), netlink.packed(address.address), address.prefix)
        return True not in self._echoes.get(key, ())

    def watch_routes(self, *, on: bool) -> None:
        """Hear of routes and rules, too. Off unless some are ours: a full routing table is loud."""
        self.routes_watched = on
        option = _NETLINK_ADD_MEMBERSHIP if on else _NETLINK_DROP_MEMBERSHIP
        for group in _ROUTE_GROUPS:
            self._monitor.setsockopt(_SOL_NETLINK, option, group)

    # -- what others do

    def read(self) -> list[Input]:
        """Everything that has been notified since, in order."""
        told: list[Input] = []
        touched: dict[int, None] = {}
        while True:
            try:
                data = self._monitor.recv(_RECEIVE)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._heal(told)
                touched.clear()
                continue
            for message in netlink.received(data):
                kind = message.kind
                if kind in (netlink.RTM_NEWADDR, netlink.RTM_DELADDR):
                    found = netlink.parse_address(message.body)
                    self._notified(found, told, touched, present=kind == netlink.RTM_NEWADDR)
                elif kind == netlink.RTM_NEWLINK:
                    self._link_changed(netlink.parse_link(message.body), told)
                elif kind == netlink.RTM_DELLINK:
                    self._link_gone(netlink.parse_link(message.body).ifindex, told)
                elif self.others is not None:
                    self.others(message, told)
        told += [self._told(self._links[ifindex]) for ifindex in touched if ifindex in self._links]
        return told

    def _notified(self, found: LinkAddress, told: list[Input], touched: dict[int, None], *, present: bool) -> None:
        key = (found.ifindex, found.packed, found.prefix)
        echoes = self._echoes.get(key)
        if echoes:
            if echoes[0] is present:
                echoes.popleft()
            if echoes:  # older than a change of ours that has been acknowledged meanwhile
                return
            del self._echoes[key]
        table = self._addresses.setdefault(found.ifindex, {})
        place = (found.packed, found.prefix)
        before = table.get(place)
        if present:
            table[place] = found
        else:
            table.pop(place, None)
        was = before is not None and before.usable
        now = present and found.usable
        link = self._links.get(found.ifindex)
        if link is None:
            return
        address = netlink.text(found.packed)
        instance = self._awaited.get(key)
        if present and instance is not None and found.flags & netlink.IFA_F_DADFAILED:
            del self._awaited[key]
            why = (
                f"{address}/{found.prefix} on {link.name}: another host has this address (duplicate address detection)"
            )
            told.append(EffectFailed(instance, "add-addresses", why))
        if was == now:
            return
        ours = instance is not None and now
        if ours:
            del self._awaited[key]
        told.append(AddressChanged(link.name, address, found.prefix, present=now, foreign=not ours))
        touched[found.ifindex] = None

    def _link_changed(self, link: Link, told: list[Input]) -> None:
        before = self._links.get(link.ifindex)
        if before == link or not link.name:
            return
        if before is not None and before.name != link.name:
            self._forget_name(before, told)
        self._links[link.ifindex] = link
        self._names[link.name] = link.ifindex
        self._addresses.setdefault(link.ifindex, {})
        told.append(self._told(link))

    def _link_gone(self, ifindex: int, told: list[Input]) -> None:
        link = self._links.pop(ifindex, None)
        self._addresses.pop(ifindex, None)
        for book in (self._echoes, self._awaited):
            for key in [key for key in book if key[0] == ifindex]:
                del book[key]
        if link is not None:
            self._forget_name(link, told)

    def _forget_name(self, link: Link, told: list[Input]) -> None:
        if self._names.get(link.name) == link.ifindex:
            del self._names[link.name]
            told.append(InterfaceChanged(link.name, link.ifindex, exists=False, up=False, kind=link.kind))

    def _told(self, link: Link) -> InterfaceChanged:
        usable = [one for one in self._addresses.get(link.ifindex, {}).values() if one.usable]
        usable.sort(key=lambda one: len(one.packed) == 4 and one.flags & netlink.IFA_F_SECONDARY)
        return InterfaceChanged(
            link.name,
            link.ifindex,
            exists=True,
            up=link.up,
            mac=link.mac,
            mtu=link.mtu,
            addresses=tuple(f"{netlink.text(one.packed)}/{one.prefix}" for one in usable),
            kind=link.kind,
        )

    # -- what we do

    def add_addresses(self, instance: str, addresses: Iterable[Address]) -> list[Input]:
        """Put addresses on their interfaces; one that is there already is no failure."""
        return self._change(instance, addresses, adding=True)

    def remove_addresses(self, instance: str, addresses: Iterable[Address]) -> list[Input]:
        """Take addresses away; one that is gone already is no failure."""
        return self._change(instance, addresses, adding=False)

    def _change(self, instance: str, addresses: Iterable[Address], *, adding: bool) -> list[Input]:
        """One batch: sent at once, one acknowledgement for all, errors one by one."""
        told: list[Input] = []
        asked: list[tuple[Address, int]] = []
        failures: list[str] = []
        bodies: list[bytes] = []
        for address in addresses:
            ifindex = self._names.get(address.interface, 0)
            if ifindex and adding:
                self._drop_duplicate(address, ifindex)
            if ifindex:
                bodies.append(netlink.address_body(address, ifindex, adding=adding))
                asked.append((address, ifindex))
            elif adding:
                failures.append(f"cannot add {address}: there is no interface {address.interface}")
            else:
                told.append(
                    AddressChanged(address.interface, address.address, address.prefix, present=False, foreign=False)
                )
        kind = netlink.RTM_NEWADDR if adding else netlink.RTM_DELADDR
        flags = netlink.NLM_F_CREATE | netlink.NLM_F_EXCL if adding else 0
        results = self.transact(kind, flags, bodies)
        done = _ADD_DONE if adding else _REMOVE_DONE
        for (address, ifindex), (number, words) in zip(asked, results, strict=True):
            if number in done:
                self._acknowledged(instance, address, ifindex, told, present=adding, echoed=number == 0)
            else:
                failures.append(_sentence(address, number, words, adding=adding))
        if failures:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            told.append(EffectFailed(instance, "add-addresses" if adding else "remove-addresses", failures[0] + more))
        return told

    def _drop_duplicate(self, address: Address, ifindex: int) -> None:
        """The kernel keeps an address that failed duplicate address detection, unusable for ever: only one that is
        added anew is tried again."""
        table = self._addresses.get(ifindex, {})
        place = (netlink.packed(address.address), address.prefix)
        found = table.get(place)
        if found is not None and found.flags & netlink.IFA_F_DADFAILED:
            del table[place]
            body = netlink.address_body(address, ifindex, adding=False)
            ((number, _),) = self.transact(netlink.RTM_DELADDR, 0, [body])
            if not number:
                self._echoes.setdefault((ifindex, *place), deque()).append(False)

    def _acknowledged(
        self, instance: str, address: Address, ifindex: int, told: list[Input], *, present: bool, echoed: bool
    ) -> None:
        place = (netlink.packed(address.address), address.prefix)
        key = (ifindex, *place)
        table = self._addresses.setdefault(ifindex, {})
        if present and address.family == 6 and not address.nodad and place not in table:
            self._awaited[key] = instance  # the notification at the end of the detection makes it present
            return
        if echoed:
            self._echoes.setdefault(key, deque()).append(present)
        if present:
            table.setdefault(place, LinkAddress(ifindex, *place, 0, address.scope))
        else:
            table.pop(place, None)
            self._awaited.pop(key, None)
        told.append(AddressChanged(address.interface, address.address, address.prefix, present=present, foreign=False))

    def transact(self, kind: int, flags: int, bodies: Sequence[bytes]) -> list[tuple[int, str]]:
        """Send one message for each body in one go; (errno, the kernel's words) of each, 0 when done.

        The kernel works a batch off while it is sent, in order, and says an error for each message
        that failed; so the acknowledgement of the last one closes the batch.
        """
        if not bodies:
            return []
        first, last = self._sequence + 1, self._sequence + len(bodies)
        self._sequence = last
        sequences = range(first, last + 1)
        messages = b"".join(
            netlink.request(kind, flags | (netlink.NLM_F_ACK if sequence == last else 0), sequence, body)
            for sequence, body in zip(sequences, bodies, strict=True)
        )
        errors: dict[int, tuple[int, str]] = {}
        missing = (0, "")
        try:
            self._request.send(messages)
            while last not in errors:
                for message in netlink.received(self._request.recv(_RECEIVE)):
                    if message.kind == netlink.NLMSG_ERROR and first <= message.sequence <= last:
                        errors[message.sequence] = netlink.parse_error(message.body, message.flags)
        except OSError as error:
            missing = (error.errno or errno.EIO, "")
        return [errors.get(sequence, missing) for sequence in sequences]

    # -- dumps

    def _dump(self) -> None:
        links: dict[int, Link] = {}
        addresses: dict[int, dict[tuple[bytes, int], LinkAddress]] = {}
        for message in self._ask(netlink.link_dump):
            if message.kind == netlink.RTM_NEWLINK:
                link = netlink.parse_link(message.body)
                links[link.ifindex] = link
                addresses[link.ifindex] = {}
        for message in self._ask(netlink.address_dump):
            if message.kind == netlink.RTM_NEWADDR:
                found = netlink.parse_address(message.body)
                addresses.setdefault(found.ifindex, {})[(found.packed, found.prefix)] = found
        self._links = links
        self._names = {link.name: link.ifindex for link in links.values()}
        self._addresses = addresses
        self._echoes.clear()

    def _ask(self, dump: Callable[[int], bytes]) -> list[netlink.Received]:
        """One dump, repeated while the kernel says that it changed under it."""
        for _ in range(5):
            self._sequence += 1
            self._request.send(dump(self._sequence))
            found: list[netlink.Received] = []
            torn = done = False
            while not done:
                for message in netlink.received(self._request.recv(_RECEIVE)):
                    if message.sequence != self._sequence:
                        continue
                    torn |= bool(message.flags & netlink.NLM_F_DUMP_INTR)
                    if message.kind in (netlink.NLMSG_DONE, netlink.NLMSG_ERROR):
                        done = True
                    else:
                        found.append(message)
            if not torn:
                break
        return found

    def _heal(self, told: list[Input]) -> None:
        """Notifications were lost: dump again and tell the differences."""
        self.overruns += 1
        old_links, old_addresses = self._links, self._addresses
        self._dump()
        for ifindex, link in old_links.items():
            now = self._links.get(ifindex)
            if now is None or now.name != link.name:
                told.append(InterfaceChanged(link.name, ifindex, exists=False, up=False, kind=link.kind))
        for ifindex, link in self._links.items():
            before = {place for place, one in old_addresses.get(ifindex, {}).items() if one.usable}
            after = {place for place, one in self._addresses[ifindex].items() if one.usable}
            for octets, prefix in before - after:
                told.append(AddressChanged(link.name, netlink.text(octets), prefix, present=False))
            for octets, prefix in after - before:
                told.append(AddressChanged(link.name, netlink.text(octets), prefix, present=True))
            if before != after or old_links.get(ifindex) != link:
                told.append(self._told(link))
        if self.overrun is not None:
            self.overrun(told)


def _sentence(address: Address, number: int, words: str, *, adding: bool) -> str:
    what = f"cannot {'add' if adding else 'remove'} {address} {'to' if adding else 'from'} {address.interface}"
    why = os.strerror(number) + (f", {words}" if words else "")
    hint = {
        errno.EPERM: "; the engine needs the capability CAP_NET_ADMIN",
        errno.EACCES: f"; see the sysctl net.ipv6.conf.{address.interface}.disable_ipv6" if address.family == 6 else "",
    }.get(number, "")
    return f"{what}: {why}{hint}"


def _receive_buffer(sock: socket.socket, size: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
