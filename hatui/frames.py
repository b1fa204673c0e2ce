"""Frames for the packet screens: `engine.protocol.packet` takes them apart, here they become rows and facts.

Invariant: pure and cached; octets of a password, digest or key are in `secret_octets` and never drawn. Decisions
about a packet are the engine's alone: see its verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from engine.messages import PacketLine, Verdict
from engine.protocol.packet import pcapng
from engine.protocol.packet.dissect import FIELD_OF_VERDICT, Field, Summary, dissect, summarise
from hatui.filters import REJECTED, Facts

PASSED = frozenset({Verdict.OK, Verdict.SENT, Verdict.NONE})
"""Verdicts of packets that failed no test."""


class Row(msgspec.Struct, frozen=True):
    """One row of the tree."""

    field: Field
    depth: int
    """0 for a layer."""
    layer: str
    """Name of its layer."""
    failed: bool = False
    """This is the field that failed the engine's test."""


@lru_cache(maxsize=4096)
def summary(frame: bytes) -> Summary:
    """The columns of a packet list."""
    return summarise(frame)


@lru_cache(maxsize=64)
def tree(frame: bytes) -> tuple[Field, ...]:
    """The layers."""
    return dissect(frame)


def _walk(fields: tuple[Field, ...], depth: int, layer: str) -> Iterator[tuple[Field, int, str]]:
    for field in fields:
        name = layer or field.name
        yield field, depth, name
        yield from _walk(field.children, depth + 1, name)


def rows(packet: PacketLine) -> list[Row]:
    """The whole tree, the field that failed marked: the last of its name, which is the innermost layer's."""
    found = [Row(field, depth, layer) for field, depth, layer in _walk(tree(packet.frame), 0, "")]
    wanted = FIELD_OF_VERDICT.get(packet.verdict)
    for at in range(len(found) - 1, -1, -1):
        if found[at].depth and found[at].field.name == wanted:
            found[at] = msgspec.structs.replace(found[at], failed=True)
            break
    return found


def text(field: Field) -> str:
    """A field in words."""
    note = f" ({field.note})" if field.note else ""
    return f"{field.name} {field.value}{note}".strip()


@lru_cache(maxsize=64)
def secret_octets(frame: bytes) -> frozenset[int]:
    """Octets that are never drawn."""
    return pcapng.secret_octets(frame)


def facts(packet: PacketLine, now: int = 0) -> Facts:
    """What a filter can ask of a packet, at an instant of the clock that stamped it."""
    frame = summary(packet.frame)
    verdict = packet.verdict.value
    return {
        "vrid": frame.vrid,
        "prio": frame.priority,
        "src": frame.source,
        "dst": frame.destination,
        "if": packet.interface,
        "ver": frame.version,
        "adv": None if frame.interval_cs is None else f"{frame.interval_cs / 100:g}",
        "auth": frame.authentication or None,
        "vip": frame.addresses,
        "verdict": verdict if packet.verdict in PASSED else (verdict, REJECTED),
        "kind": "garp" if packet.kind == "arp" else packet.kind,
        "dir": packet.direction,
        "instance": packet.instance,
        "node": getattr(packet, "node", None),
        "reason": packet.detail,
        "age": max(0, now - packet.mono_ns) / 1e9,
    }
