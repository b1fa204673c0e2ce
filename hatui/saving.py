"""Packets written down: pcapng that other tools read, lines of text, one JSON object a line.

Invariant: octets of a password, digest or key are zeroed unless they are asked for by name, a file that exists
is never overwritten unless that is asked for, and a file appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.errors import HatuiError
from engine.messages import PacketLine, Verdict
from engine.protocol.packet.dissect import dissect
from engine.protocol.packet.pcapng import Pcapng, masked
from hatui.frames import summary, text
from hatui.text import clock, plain, seconds

FORMS = ("pcapng", "text")


class Taken(HatuiError):
    """The file exists, and nobody said that it may be replaced."""


# lines -------------------------------------------------------------------------------------------------


def verdict_text(packet: PacketLine) -> str:
    """The verdict at the end of a line: `ok`, `x auth-type: ...`, empty where there is none."""
    if packet.verdict is Verdict.NONE:
        return ""
    words = packet.verdict.value if packet.verdict in (Verdict.OK, Verdict.SENT) else f"x {packet.verdict.value}"
    return words + (f": {packet.detail}" if packet.detail else "")


def words_of(packet: PacketLine) -> str:
    """What is in a packet, without time and verdict."""
    frame = summary(packet.frame)
    if packet.kind != "advert" or frame.kind != "advert":
        layers = dissect(packet.frame)
        layer = next((one for one in layers if one.name.startswith(("ARP", "Neighbour", "VRRP"))), layers[-1])
        return text(layer) if packet.kind != "advert" else f"{frame.source} > {frame.destination}  {text(layer)}"
    interval = f"{(frame.interval_cs or 0) / 100:g}s"
    words = f"{frame.source} > {frame.destination}  v{frame.version} vrid {frame.vrid} prio {frame.priority}"
    return f"{words} adv {interval} auth {frame.authentication}  {' '.join(frame.addresses)}"


def line(packet: PacketLine) -> str:
    """One packet as one line of plain text, without secrets."""
    where = f"{packet.interface:<8} {packet.direction:<3} " if packet.interface else ""
    by = f"  {packet.instance}" if packet.instance else ""
    told = f"{clock(packet.wall_ns, digits=6)}  {where} {words_of(packet)}{by}  {verdict_text(packet)}"
    return plain(told).rstrip()


def record(packet: PacketLine, *, with_secrets: bool = False) -> dict[str, object]:
    """One packet for JSON."""
    frame = summary(packet.frame)
    shown = packet if with_secrets else masked(packet)
    return {
        "v": 1,
        "wall_ns": packet.wall_ns,
        "interface": packet.interface,
        "direction": packet.direction,
        "kind": packet.kind,
        "source": frame.source,
        "destination": frame.destination,
        "version": frame.version,
        "vrid": frame.vrid,
        "priority": frame.priority,
        "interval_cs": frame.interval_cs,
        "authentication": frame.authentication or None,
        "addresses": list(frame.addresses),
        "instance": packet.instance or None,
        "verdict": packet.verdict.value,
        "fault": packet.detail or packet.verdict.value if verdict_text(packet).startswith("x ") else None,
        "detail": packet.detail or None,
        "frame": shown.frame.hex(),
        "fields": [text(field) for layer in dissect(packet.frame) for field in (layer, *layer.children)],
    }


# files -------------------------------------------------------------------------------------------------


def text_lines(packets: Iterable[PacketLine]) -> Iterator[bytes]:
    """Lines with the time since the packet before."""
    before = 0
    for packet in packets:
        delta = f"+{seconds(max(0, packet.mono_ns - before), 3)}" if before else ""
        before = packet.mono_ns
        yield f"{delta:>9}  {line(packet)}\n".encode()


def save(
    path: str, packets: Iterable[PacketLine], form: str, *, with_secrets: bool = False, replace: bool = False
) -> int:
    """Write a file, readable by its owner alone. Returns its octets.

    Raises: Taken when the file exists and `replace` is not said; HatuiError when it cannot be written.
    """
    target = Path(os.path.expanduser(path))
    if os.path.exists(target) and not replace:
        raise Taken(f"{target} exists")
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            if form == "pcapng":
                blocks = Pcapng(with_secrets=with_secrets)
                file.write(blocks.begin())
                file.writelines(blocks.add(packet) for packet in packets)
            else:
                file.writelines(text_lines(packets))
            size = file.tell()
        if replace:
            beside.replace(target)
        else:
            os.link(beside, target)
            beside.unlink()
    except FileExistsError:
        beside.unlink(missing_ok=True)
        raise Taken(f"{target} exists") from None
    except OSError as failure:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise HatuiError(f"{target}: {failure.strerror} [E-IO]") from None
    return size
