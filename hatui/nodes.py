"""What several engines say, as one: names carry their node in front, instants are those of one clock.

Invariant: pure. `lb-a:VI_1` is VI_1 of the node lb-a everywhere in the console and nowhere on the wire: what
goes to an engine has its own names again. Engines have clocks of their own; every instant in what they say is
moved to the console's clock, so that ages and countdowns of different nodes may stand in one table.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from engine.messages import (
    EventLine,
    InstanceStatus,
    InterfaceStateChanged,
    InterfaceStatus,
    PacketLine,
    StatusGone,
    TrackerChanged,
    TrackerRun,
    TrackerStatus,
)

SEPARATOR = ":"
INSTANTS = frozenset(
    {
        "acted",
        "announced_at",
        "at",
        "config_loaded",
        "confirm_deadline",
        "counting_since",
        "deadline",
        "edit_since",
        "edit_until",
        "heard_at",
        "hold_until",
        "last_run",
        "mono_ns",
        "retry_at",
        "since",
        "started",
        "until",
        "vrrp_heard",
    }
)
"""Fields that hold an instant of the engine's clock (ns); 0 is no instant."""
FIGURES = frozenset(
    {
        "advert_interval",
        "base_priority",
        "budget",
        "check_pid",
        "code",
        "config_revision",
        "confirm_previous",
        "confirm_revision",
        "contribution",
        "duration",
        "events",
        "every",
        "exit_status",
        "expected",
        "fall",
        "family",
        "late",
        "limit",
        "lost",
        "master_advert_interval",
        "master_down_interval",
        "master_priority",
        "missed",
        "mtu",
        "near_misses",
        "new",
        "number",
        "old",
        "outage",
        "packets",
        "peer_priority",
        "pid",
        "prefix",
        "previous",
        "priority",
        "revision",
        "rise",
        "sent",
        "seq",
        "sequence",
        "since_wall",
        "skew",
        "streak",
        "transitions",
        "until_wall",
        "v",
        "version",
        "vrid",
        "vrrp_pid",
        "wall_ns",
        "weight",
        "worst_late",
    }
)
"""Whole numbers that are no instant of that clock."""
_NAMES: dict[type, tuple[str, ...]] = {
    InstanceStatus: ("name", "sync_group"),
    TrackerStatus: ("name", "tracked_by"),
    InterfaceStatus: ("name",),
    InterfaceStateChanged: ("interface",),
    TrackerChanged: ("name",),
    TrackerRun: ("name",),
}
_S = TypeVar("_S", bound=msgspec.Struct)


class NodeEventLine(EventLine, frozen=True, tag="event-line"):
    """An event of one of several nodes."""

    node: str = ""
    own: int = 0
    """Its number among the events of its node."""


class NodePacketLine(PacketLine, frozen=True, tag="packet-line"):
    """A packet as one of several nodes saw it: the same one is seen by each of them."""

    node: str = ""


def joined(node: str, name: str) -> str:
    """The name of something on a node; no name stays none."""
    return f"{node}{SEPARATOR}{name}" if name else name


def parted(name: str, nodes: Collection[str]) -> tuple[str, str]:
    """Node and name; the node is empty where the name has none."""
    node, found, rest = name.partition(SEPARATOR)
    return (node, rest) if found and node in nodes else ("", name)


@lru_cache(maxsize=256)
def _instants_of(kind: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of a message with an instant, and those with other messages in them."""
    fields = msgspec.structs.fields(kind)
    instants = tuple(field.name for field in fields if field.name in INSTANTS and field.type is int)
    plain_types = (int, str, float, bytes, bool)
    return instants, tuple(field.name for field in fields if field.type not in plain_types)


def moved(message: _S, shift: int) -> _S:
    """The message with every instant `shift` ns later."""
    instants, others = _instants_of(type(message))
    changes: dict[str, Any] = {}
    for name in instants:
        if at := getattr(message, name):
            changes[name] = at + shift
    for name in others:
        value = getattr(message, name)
        if isinstance(value, msgspec.Struct):
            changes[name] = moved(value, shift)
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            changes[name] = tuple(moved(one, shift) for one in value)
    return msgspec.structs.replace(message, **changes) if changes else message


def named(message: _S, node: str) -> _S:
    """The message with the node in front of the names of instances, trackers and interfaces."""
    changes: dict[str, Any] = {}
    if isinstance(message, StatusGone):
        kind, blank, rest = message.name.partition(" ")  # a tracker is gone as "script chk_nginx"
        changes["name"] = f"{kind} {joined(node, rest)}" if blank else joined(node, message.name)
    for name in (*_NAMES.get(type(message), ()), *(("instance",) if hasattr(message, "instance") else ())):
        value = getattr(message, name)
        changes[name] = tuple(joined(node, one) for one in value) if isinstance(value, tuple) else joined(node, value)
    for name in ("status", "event"):
        inner = getattr(message, name, None)
        if isinstance(inner, msgspec.Struct):
            changes[name] = named(inner, node)
    return msgspec.structs.replace(message, **changes) if changes else message


def event_of(line: EventLine, node: str, seq: int) -> NodeEventLine:
    """An event of a node as one of all, with its place among them."""
    given = named(line, node)
    return NodeEventLine(seq, given.mono_ns, given.wall_ns, given.event, given.v, node=node, own=line.seq)


def packet_of(line: PacketLine, node: str) -> NodePacketLine:
    """A packet as this node saw it."""
    fields = {name: getattr(line, name) for name in line.__struct_fields__}
    return NodePacketLine(**{**fields, "instance": joined(node, line.instance)}, node=node)


def whole(node: str) -> str:
    """The name that stands for all of a node where an instance may be named; empty for the only one."""
    return f"{node}{SEPARATOR}" if node else ""


def bare(message: _S, nodes: Collection[str]) -> tuple[str, _S]:
    """The node that a command is for, empty where it names none, and the command as that node knows it."""
    for field in ("instance", "name"):
        value = getattr(message, field, None)
        if isinstance(value, str):
            node, rest = parted(value, nodes)
            if node:
                return node, msgspec.structs.replace(message, **{field: rest})
    return "", message
