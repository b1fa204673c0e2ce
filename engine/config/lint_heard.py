"""The other side of pair rules as its adverts tell it, where its file is not at hand.

Invariant: only what stands in an advert is compared, with the instance on the same interface, and what follows from it
is a warning at most: the priority that was heard may have been a lowered one, and the other node may be about to
follow. Passwords are compared by a mark of four digits: an equal one says nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from engine.config import lint_pairs
from engine.config.build import Loaded, load
from engine.config.diagnostic import Diagnostic
from engine.config.files import files_of
from engine.config.lint_scope import InstanceView, Scope
from engine.config.model import NS_PER_S
from engine.messages import HeardAdvert, password_mark

Heard = HeardAdvert

_PATH = "/heard"
_STRANGE = "other"
"""Stands for a password that is not ours."""
_PLAIN = re.compile(r"[\w.,:;@%+=/-]+")
"""Passwords that can be written without thinking of quotes; others are not compared."""
_PRIORITY = {"L-WEIGHT", "L-PRIO-EQUAL"}
"""What the priority alone decides."""
_ALL = _PRIORITY | {"L-VERSION-PEER", "L-ADVINT-PEER", "L-AUTH-PEER", "L-UNICAST-PEER", "L-VIP-PEER", "L-VRID-PEER"}
_RULES = (
    lint_pairs.weights,
    lint_pairs.priorities,
    lint_pairs.timing,
    lint_pairs.authentication,
    lint_pairs.unicast,
    lint_pairs.addresses,
)


class _Other(Scope):
    """A configuration that would send such adverts; of several other nodes one for each virtual router."""

    def partner(self, view: InstanceView) -> InstanceView | None:
        """The router that is heard on the interface of `view`, or on one that is not known."""
        same = [one for one in self.by_vrid.get(view.vrid or 0, ()) if view.family in (None, one.family)]
        return next((one for one in same if view.own_interface in (None, one.own_interface)), None)


def pairs(loaded: Loaded, heard: Sequence[HeardAdvert]) -> Iterator[Diagnostic]:
    """What the pair rules say of these routers."""
    scope = Scope(loaded)
    own = {(view.own_interface, view.vrid): view for view in scope.instances}
    said: set[tuple[str, str, int, str]] = set()
    whole, bare = [one for one in heard if one.version], [one for one in heard if not one.version]
    for told, codes in ((whole, _ALL), (bare, _PRIORITY)):
        scope.peers = [_other(some, own) for some in _apart(told)]
        for peer in scope.peers:
            peer.title = f"{'the other' if len(scope.peers) == 1 else 'another'} node (by its adverts)"
        for rule in _RULES if scope.peers else ():
            for one in rule(scope):
                key = (one.code, one.file, one.line, one.what)
                if one.code in codes and key not in said:
                    said.add(key)
                    yield msgspec.structs.replace(one, severity="warning") if one.severity == "error" else one


def _apart(heard: Iterable[HeardAdvert]) -> list[list[HeardAdvert]]:
    """Lists that have each virtual router once. Priority 0 is a farewell: it is nobody's priority."""
    lists: list[dict[tuple[str, int, int], HeardAdvert]] = []
    for one in heard:
        if not one.priority:
            continue
        key = (one.interface, one.vrid, one.family)
        free = next((each for each in lists if key not in each), None)
        if free is None:
            lists.append({key: one})
        else:
            free[key] = one
    return [list(each.values()) for each in lists]


def _other(heard: Iterable[HeardAdvert], own: Mapping[tuple[str | None, int | None], InstanceView]) -> Scope:
    blocks = [_block(one, own.get((one.interface, one.vrid))) for one in heard]
    return _Other(load(_PATH, *files_of({_PATH: "\n".join(blocks)})))


def _block(one: HeardAdvert, own: InstanceView | None) -> str:
    """An instance that would send this advert, as far as it tells."""
    lines = [
        "state BACKUP",
        f"interface {one.interface}",
        f"virtual_router_id {one.vrid}",
        f"priority {one.priority}",
        f"mcast_dst_ip {'224.0.0.18' if one.family == 4 else 'ff02::12'}",
    ]
    if one.version:
        # addresses of the other family are never advertised
        unsaid = [str(each) for each in own.addresses if each.version != one.family] if own is not None else []
        lines += [f"version {one.version}", f"advert_int {one.interval / NS_PER_S:g}"]
        lines += ["virtual_ipaddress {", *one.addresses, *unsaid, "}"]
        lines += _authentication(one, own)
    if one.destination and not ipaddress.ip_address(one.destination).is_multicast:
        lines += [f"unicast_src_ip {one.router}", "unicast_peer {", one.destination, "}"]
    return "\n".join([f"vrrp_instance {one.router}-{one.interface}-{one.vrid} {{", *lines, "}", ""])


def _authentication(one: HeardAdvert, own: InstanceView | None) -> list[str]:
    """Its type, with our password where it may be the same: an AH key is never sent."""
    if one.authentication not in ("pass", "ah"):
        return []
    kind, ours = one.authentication.upper(), lint_pairs.secret_of(own) if own is not None else ("nothing", "")
    secret = "$hidden" if ours is None else _STRANGE
    if ours is not None and ours[0] == kind:
        alike = kind == "AH" or one.secret in ("", password_mark(ours[1].encode("utf-8", "surrogateescape")))
        if alike:
            secret = ours[1] if _PLAIN.fullmatch(ours[1]) else "$hidden"
        elif ours[1] == _STRANGE:
            secret = _STRANGE[::-1]
    return ["authentication {", f"auth_type {kind}", f"auth_pass {secret}", "}"]
