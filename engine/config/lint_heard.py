"""The other side of pair rules as its adverts tell it, where its file is not at hand.

Invariant: only what stands in an advert is compared, and what follows from it is a warning at most: the priority that
was heard may have been a lowered one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from engine.config import lint_pairs
from engine.config.build import Loaded, load
from engine.config.diagnostic import Diagnostic
from engine.config.files import files_of
from engine.config.lint_scope import Scope

_TOLD_BY_ADVERTS = {"L-WEIGHT", "L-PRIO-EQUAL"}
_PATH = "/heard"


class Heard(NamedTuple):
    """The last advert that was accepted from another router."""

    router: str
    """Its address."""
    interface: str
    vrid: int
    family: int
    priority: int
    """1..255, as it stood in the advert."""


def pairs(loaded: Loaded, heard: Sequence[Heard]) -> Iterator[Diagnostic]:
    """What the pair rules say of these routers."""
    scope = Scope(loaded, [_peer(heard)])
    scope.peers[0].title = "the other node (by its adverts)"
    for rule in (lint_pairs.weights, lint_pairs.priorities):
        for one in rule(scope):
            if one.code in _TOLD_BY_ADVERTS:
                yield msgspec.structs.replace(one, severity="warning") if one.severity == "error" else one


def _peer(heard: Iterable[Heard]) -> Loaded:
    """A configuration that would send these adverts, as far as they tell."""
    blocks = []
    for one in heard:
        group = "224.0.0.18" if one.family == 4 else "ff02::12"
        blocks.append(
            f"vrrp_instance {one.router}-{one.interface}-{one.vrid} {{\n state BACKUP\n interface {one.interface}\n"
            f" virtual_router_id {one.vrid}\n priority {one.priority}\n mcast_dst_ip {group}\n}}\n"
        )
    return load(_PATH, *files_of({_PATH: "".join(blocks)}))
