"""An interface taken really down, and everything that it loses by that put back.

Owns the invariant that what is put back is what was read before, octet by octet, and only what is missing; what
belongs to the engine (addresses and routes of instances, static ones) is left to the engine, which alone knows whether
it may have them now. Every function may block for a moment; each can be done again without harm.
Source: ip-link(8): a link that goes down loses its routes, its IPv6 addresses and its neighbours.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import struct
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from engine.config.model import Config
from engine.core.drill import rtnetlink as nl
from engine.core.revisions import remove_durably, write_atomically
from engine.core.takeback import boot_id

FILE = "link.json"
MODE = 0o600
NS = 1_000_000_000
_LINK, _ADDRESS = struct.Struct("=BxHiII"), struct.Struct("=BBBBI")
_ROUTE, _NEIGHBOUR = struct.Struct("=BBBBBBBBI"), struct.Struct("=BxxxiHBB")
_LIFE, _HOP, _U32 = struct.Struct("=4I"), struct.Struct("=HBBi"), struct.Struct("=I")
_IFF_UP = 1
_NAME, _BELOW, _MASTER, _INFO, _BELOW_ELSEWHERE = 3, 5, 10, 18, 37
_A_ADDRESS, _A_LOCAL, _A_LIFE, _A_FLAGS, _A_KEPT = 1, 2, 6, 8, frozenset({1, 2, 3, 4, 5, 6, 8, 9, 11})
_GIVEN_FLAGS, _TEMPORARY = 0x2 | 0x10 | 0x100 | 0x200 | 0x400, 0x01
_FOREVER = 0xFFFFFFFF
_R_DST, _R_OIF, _R_SOURCE, _R_HOPS, _R_CACHE, _R_TABLE, _R_EXPIRES, _R_OBJECT = 1, 4, 7, 9, 12, 15, 23, 30
_HOP_FLAGS = 0x2 | 0x4
_TICKS = 100
"""Units of an expiry in a second (USER_HZ)."""
_LOCAL_TABLE, _BY_KERNEL, _UNICAST = 255, 2, 1
_PERMANENT, _PROXY = 0x80, 0x8
_N_DST, _N_MAC = 1, 2


class LinkUp(msgspec.Struct, frozen=True):
    """An interface, and whether it was up."""

    ifindex: int
    name: str
    up: bool


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What there was before the link went down; on disk while it is down."""

    boot: str
    at: int
    """Monotonic, ns."""
    links: tuple[LinkUp, ...]
    """The interface first, then those that lie on it."""
    addresses: tuple[bytes, ...] = ()
    routes: tuple[bytes, ...] = ()
    neighbours: tuple[bytes, ...] = ()
    """Those that somebody has written down: permanent ones and proxies."""

    @property
    def name(self) -> str:
        """The interface that is taken down."""
        return self.links[0].name

    @property
    def words(self) -> str:
        """What is put back."""
        upon = f" and {', '.join(one.name for one in self.links[1:])} on it" if self.links[1:] else ""
        counts = (len(self.addresses), "addresses"), (len(self.routes), "routes"), (len(self.neighbours), "neighbours")
        return f"{self.name}{upon}: " + ", ".join(f"{count} {word}" for count, word in counts)


class Ours(msgspec.Struct, frozen=True):
    """What the engine puts there and takes away by itself."""

    addresses: frozenset[bytes] = frozenset()
    routes: frozenset[tuple[int, bytes, int, int]] = frozenset()
    """Protocol, destination, its prefix, table."""


def ours_of(config: Config) -> Ours:
    """Of all instances, and the static ones."""
    addresses = [one for each in config.instances for one in (*each.addresses, *each.excluded_addresses)]
    routes = [*config.static_routes, *(one for each in config.instances for one in each.routes)]
    found = set()
    for one in routes:
        word = {"default": "0.0.0.0/0" if one.family == 4 else "::/0"}.get(one.destination, one.destination)
        with contextlib.suppress(ValueError):
            network = ipaddress.ip_network(word, strict=False)
            found.add((one.protocol, network.network_address.packed, network.prefixlen, one.table))
    return Ours(
        frozenset(ipaddress.ip_address(one.address).packed for one in (*addresses, *config.static_addresses)),
        frozenset(found),
    )


def read(interface: str, ours: Ours) -> Record:
    """What there is now. Raises: LookupError with a sentence when it could not be put back; OSError."""
    with nl.Netlink() as kernel:
        links = upon(kernel, interface)
        indices = {one.ifindex for one in links}
        addresses = [body for body in _addresses(kernel, indices) if _address_of(body) not in ours.addresses]
        routes = []
        for body in _routes(kernel, indices):
            known = dict(nl.attributes(body, _ROUTE.size))
            if _R_OBJECT in known:
                raise LookupError(f"a route over {interface} uses a nexthop object, which would not come back")
            _, prefix, _, _, _, protocol, *_ = _ROUTE.unpack_from(body)
            destination = known.get(_R_DST, bytes(4 if body[0] == 2 else 16))
            own = (protocol, destination, prefix, _table(known)) in ours.routes
            if not own and not (protocol == _BY_KERNEL and known.get(_R_SOURCE) in ours.addresses):
                routes.append(body)
        neighbours = _neighbours(kernel, indices)
    return Record(
        boot=boot_id(),
        at=time.monotonic_ns(),
        links=links,
        addresses=tuple(addresses),
        routes=tuple(routes),
        neighbours=tuple(neighbours),
    )


def take_down(record: Record) -> None:
    """Take it down. Raises: OSError."""
    with nl.Netlink() as kernel:
        if number := _set_up(kernel, record.links[0].ifindex, up=False):
            raise OSError(number, os.strerror(number), record.name)


def put_back(record: Record) -> None:
    """The link up again, and what is missing now. What the kernel does not take yet is left for another time.

    Raises: OSError: the link cannot be taken up.
    """
    with nl.Netlink() as kernel:
        if number := _set_up(kernel, record.links[0].ifindex, up=True):
            raise OSError(number, os.strerror(number), record.name)
        for one in record.links[1:]:
            _set_up(kernel, one.ifindex, up=one.up)
        indices = {one.ifindex for one in record.links}
        there = {_address_key(body) for body in _addresses(kernel, indices)}
        for body in record.addresses:
            if _address_key(body) not in there and (again := _address_again(body, record.at)):
                kernel.give(nl.NEW_ADDRESS, nl.CREATE | nl.EXCLUSIVE, again)
        known = set(_neighbours(kernel, indices))
        for body in record.neighbours:
            if body not in known:
                kernel.give(nl.NEW_NEIGHBOUR, nl.CREATE, body)
        _put_routes(kernel, record, indices)


def _put_routes(kernel: nl.Netlink, record: Record, indices: set[int]) -> None:
    """Again and again while one more is taken: a route by a gateway needs the one to the gateway."""
    waiting = list(record.routes)
    while waiting:
        there = {_route_key(body) for body in _routes(kernel, indices)}
        waiting = [body for body in waiting if _route_key(body) not in there]
        left = []
        for body in waiting:
            number = kernel.give(nl.NEW_ROUTE, nl.CREATE | nl.APPEND, _route_again(body, record.at))
            if number not in (0, errno.EEXIST):
                left.append(body)
        if len(left) == len(waiting):
            return
        waiting = left


def missing(record: Record) -> tuple[str, ...]:
    """What is not as it was; empty when all is. An address that is still being looked for twins counts as missing,
    a route from an address that is not here does not. Raises: OSError."""
    with nl.Netlink() as kernel:
        links = {one.ifindex: one for one in _all_links(kernel)}
        indices = {one.ifindex for one in record.links}
        words = [
            f"{one.name} is {'down' if one.up else 'up'}"
            for one in record.links
            if one.ifindex not in links or links[one.ifindex].up != one.up
        ]
        addresses = _addresses(kernel, indices)
        there = {_address_key(body) for body in addresses if not _tentative(body)}
        words += [
            f"address {_text(_address_of(body))}/{body[1]}"
            for body in record.addresses
            if _address_key(body) not in there and _address_again(body, record.at)
        ]
        here = {_address_of(body) for body in _addresses(kernel, None)}
        routes = {_route_key(body) for body in _routes(kernel, indices)}
        for body in record.routes:
            known = dict(nl.attributes(body, _ROUTE.size))
            if _route_key(body) not in routes and known.get(_R_SOURCE, b"") in {b"", *here}:
                destination = known.get(_R_DST, bytes(4 if body[0] == 2 else 16))
                words.append(f"route {_text(destination)}/{body[1]} table {_table(known)}")
        left = set(_neighbours(kernel, indices))
        words += [
            f"neighbour {_text(dict(nl.attributes(body, _NEIGHBOUR.size))[_N_DST])}"
            for body in record.neighbours
            if body not in left
        ]
    return tuple(words)


# ---- on disk


def remember(path: Path, record: Record) -> None:
    """Before anything is taken down. Raises: OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, msgspec.json.encode(record), MODE)


def remembered(path: Path) -> Record | None:
    """What somebody has not put back; None where there is nothing, or where the machine started anew since."""
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError):
        return None
    return record if record.boot == boot_id() else None


def forget(path: Path) -> None:
    """All is as it was. Raises: OSError: it is put back once more, which does no harm."""
    remove_durably(path)


def settle(path: Path, record: Record) -> tuple[str, ...]:
    """Put back what is missing, and forget it when nothing is any more. Returns what still is. Some things take a
    while (an IPv6 address is looked for twins first): ask again. Raises: OSError."""
    put_back(record)
    left = missing(record)
    if not left:
        forget(path)
    return left


# ---- octets


def _all_links(kernel: nl.Netlink) -> list[LinkUp]:
    found = []
    for body in kernel.dump(nl.GET_LINK, _LINK.pack(0, 0, 0, 0, 0)):
        _, _, ifindex, flags, _ = _LINK.unpack_from(body)
        name = dict(nl.attributes(body, _LINK.size)).get(_NAME, b"").rstrip(b"\0").decode(errors="replace")
        found.append(LinkUp(ifindex, name, bool(flags & _IFF_UP)))
    return found


def names(kernel: nl.Netlink) -> dict[int, str]:
    """All interfaces by their numbers."""
    return {one.ifindex: one.name for one in _all_links(kernel)}


def upon(kernel: nl.Netlink, interface: str) -> tuple[LinkUp, ...]:
    """An interface and all that lie on it. Raises: LookupError when it cannot be taken down and up again."""
    facts = {}
    for body in kernel.dump(nl.GET_LINK, _LINK.pack(0, 0, 0, 0, 0)):
        _, _, ifindex, flags, _ = _LINK.unpack_from(body)
        known = dict(nl.attributes(body, _LINK.size))
        name = known.get(_NAME, b"").rstrip(b"\0").decode(errors="replace")
        facts[ifindex] = (LinkUp(ifindex, name, bool(flags & _IFF_UP)), known)
    top = next((one for one, _ in facts.values() if one.name == interface), None)
    if top is None:
        raise LookupError(f"there is no interface {interface}")
    if not top.up:
        raise LookupError(f"{interface} is down already")
    master = facts[top.ifindex][1].get(_MASTER)
    if master is not None:
        above, known = facts.get(_U32.unpack(master)[0], (top, {}))
        kind = dict(nl.attributes(known.get(_INFO, b""), 0)).get(1, b"").rstrip(b"\0")
        if kind != b"vrf":
            raise LookupError(f"{interface} is a port of {above.name}")
    found = [top]
    for one in found:
        found += [
            each
            for each, known in facts.values()
            if _BELOW_ELSEWHERE not in known
            and known.get(_BELOW) == _U32.pack(one.ifindex)
            and each.ifindex not in {other.ifindex for other in found}
        ]
    return tuple(found)


def _set_up(kernel: nl.Netlink, ifindex: int, *, up: bool) -> int:
    return kernel.give(nl.NEW_LINK, 0, _LINK.pack(0, 0, ifindex, _IFF_UP if up else 0, _IFF_UP))


def _addresses(kernel: nl.Netlink, indices: set[int] | None) -> list[bytes]:
    found = kernel.dump(nl.GET_ADDRESS, _ADDRESS.pack(0, 0, 0, 0, 0))
    return [body for body in found if indices is None or _ADDRESS.unpack_from(body)[4] in indices]


def _address_of(body: bytes) -> bytes:
    known = dict(nl.attributes(body, _ADDRESS.size))
    return known.get(_A_LOCAL) or known.get(_A_ADDRESS, b"")


def _address_key(body: bytes) -> tuple[int, int, int, bytes, bytes]:
    family, prefix, _, _, ifindex = _ADDRESS.unpack_from(body)
    known = dict(nl.attributes(body, _ADDRESS.size))
    return family, prefix, ifindex, known.get(_A_LOCAL, b""), known.get(_A_ADDRESS, b"")


def _flags(body: bytes) -> int:
    known = dict(nl.attributes(body, _ADDRESS.size))
    return int(_U32.unpack(known[_A_FLAGS])[0]) if _A_FLAGS in known else body[2]


def _tentative(body: bytes) -> bool:
    return body[0] == 10 and bool(_flags(body) & 0x40)


def _address_again(body: bytes, at: int) -> bytes:
    """The octets that put it there again; empty for one that the kernel makes by itself, or whose life is over."""
    family, prefix, _, scope, ifindex = _ADDRESS.unpack_from(body)
    flags = _flags(body)
    if family == 10 and flags & _TEMPORARY:
        return b""
    found = []
    for kind, value in nl.attributes(body, _ADDRESS.size):
        if kind == _A_FLAGS:
            value = _U32.pack(flags & _GIVEN_FLAGS)
        elif kind == _A_LIFE:
            preferred, valid, *_ = _LIFE.unpack(value)
            gone = (time.monotonic_ns() - at) // NS
            if valid != _FOREVER and valid <= gone:
                return b""
            left = [one if one == _FOREVER else max(0, one - gone) for one in (preferred, valid)]
            value = _LIFE.pack(*left, 0, 0)
        if kind in _A_KEPT:
            found.append((kind, value))
    return _ADDRESS.pack(family, prefix, flags & _GIVEN_FLAGS & 0xFF, scope, ifindex) + nl.packed(found)


def _routes(kernel: nl.Netlink, indices: set[int]) -> list[bytes]:
    """All routes that lead over an interface, but for those of the table local, which the kernel keeps."""
    found = []
    for family in (2, 10):
        for body in kernel.dump(nl.GET_ROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
            known = dict(nl.attributes(body, _ROUTE.size))
            over = {_U32.unpack(known[_R_OIF])[0]} if _R_OIF in known else set()
            over |= {ifindex for _, _, ifindex, _ in _hops(known.get(_R_HOPS, b""))}
            if body[0] == family and over & indices and _table(known) != _LOCAL_TABLE and body[7] == _UNICAST:
                found.append(body)
    return found


def _hops(octets: bytes) -> Iterable[tuple[int, int, int, bytes]]:
    at = 0
    while at + _HOP.size <= len(octets):
        length, flags, hops, ifindex = _HOP.unpack_from(octets, at)
        if length < _HOP.size:
            return
        yield flags, hops, ifindex, octets[at + _HOP.size : at + length]
        at += (length + 3) & ~3


def _table(known: dict[int, bytes]) -> int:
    return int(_U32.unpack(known[_R_TABLE])[0]) if _R_TABLE in known else 0


def _plain(body: bytes) -> list[tuple[int, bytes]]:
    """The attributes without what is of the moment."""
    found = []
    for kind, value in nl.attributes(body, _ROUTE.size):
        if kind == _R_HOPS:
            value = b"".join(
                _HOP.pack(_HOP.size + len(rest), flags & _HOP_FLAGS, hops, ifindex) + rest
                for flags, hops, ifindex, rest in _hops(value)
            )
        if kind not in (_R_CACHE, _R_EXPIRES):
            found.append((kind, value))
    return found


def _route_key(body: bytes) -> tuple[bytes, tuple[tuple[int, bytes], ...]]:
    return body[:4] + body[5:8], tuple(sorted(_plain(body)))


def _route_again(body: bytes, at: int) -> bytes:
    *head, flags = _ROUTE.unpack_from(body)
    found = _plain(body)
    cache = dict(nl.attributes(body, _ROUTE.size)).get(_R_CACHE, b"")
    expires = struct.unpack_from("=IIi", cache)[2] if body[0] == 10 and len(cache) >= 12 else 0
    if expires > 0:
        left = expires // _TICKS - (time.monotonic_ns() - at) // NS
        found.append((_R_EXPIRES, _U32.pack(max(1, left))))
    return _ROUTE.pack(*head, flags & _HOP_FLAGS) + nl.packed(found)


def _neighbours(kernel: nl.Netlink, indices: set[int]) -> list[bytes]:
    found = []
    for flags in (0, _PROXY):
        for body in kernel.dump(nl.GET_NEIGHBOUR, _NEIGHBOUR.pack(0, 0, 0, flags, 0)):
            family, ifindex, state, kinds, of = _NEIGHBOUR.unpack_from(body)
            written = state & _PERMANENT or (flags and kinds & _PROXY)
            if ifindex in indices and written and family in (2, 10):
                known = [one for one in nl.attributes(body, _NEIGHBOUR.size) if one[0] in (_N_DST, _N_MAC)]
                found.append(_NEIGHBOUR.pack(family, ifindex, state, kinds, of) + nl.packed(known))
    return list(dict.fromkeys(found))


def _text(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets))
