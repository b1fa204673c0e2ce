"""`hatui decode`: the adverts, gratuitous ARPs and neighbour advertisements of a capture file.

Invariant: the engine's own dissection shows the fields, its codec judges the octets; what belongs to other
protocols is counted, not hidden. Passwords are masked.
"""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.errors import HatuiError, PacketError
from engine.protocol.packet import PROTOCOL_VRRP, codec
from engine.protocol.packet.dissect import ETHERNET_LENGTH, Field, Summary, dissect, summarise
from hatui.commands.terminal import note, painted, say
from hatui.frames import text
from hatui.text import clock, plain

EPILOG = "exit codes: 0, 1 the file cannot be read as a capture, or a packet in it is malformed"
_ETHERNET, _RAW_LINKS, _COOKED, _COOKED_2 = 1, (101, 12, 14), 113, 276
"""Link types. Source: the registry of pcap link types."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("file", metavar="FILE", help="pcap or pcapng, as tcpdump, tshark and the console write it")
    parser.add_argument("--json", action="store_true", help="one JSON object a packet")
    parser.add_argument("--fields", action="store_true", help="every field of each packet")


def run(chosen: argparse.Namespace) -> int:
    """Decode it."""
    shown = other = wrong = 0
    for wall_ns, data in frames(chosen.file):
        layers, summary = dissect(data), summarise(data)
        kind = kind_of(layers, summary)
        if not kind:
            other += 1
            continue
        fault = fault_of(data, layers) if kind == "advert" else ""
        shown += 1
        wrong += bool(fault)
        if chosen.json:
            say(msgspec.json.encode(record(layers, summary, kind, fault, wall_ns)).decode())
            continue
        say(line_of(layers, summary, fault, wall_ns))
        if chosen.fields:
            for layer in layers:
                say(f"    {plain(text(layer))}")
                for field in layer.children:
                    say(f"      {plain(text(field))}")
    note(f"{shown} packets, {wrong} malformed, {other} of other protocols")
    return 1 if wrong else 0


def kind_of(layers: tuple[Field, ...], summary: Summary) -> str:
    """advert (also one that is too short to be read), arp, na, or empty for what is none of our business."""
    if any(layer.name.startswith("VRRP") for layer in layers):
        return "advert"
    return summary.kind if summary.kind in ("arp", "na") else ""


def fault_of(data: bytes, layers: tuple[Field, ...]) -> str:
    """What is wrong with an advert by itself, in words; empty when nothing is. What only a configuration can
    tell (VRID, authentication, addresses) is left to the engine's verdict.

    Source: RFC 9568 7.1, RFC 3768 7.1.
    """
    at = next((layer.start for layer in layers if layer.name in ("IPv4", "IPv6")), ETHERNET_LENGTH)
    try:
        if data[at] >> 4 == 4:
            header = codec.parse_ipv4(data[at:])
            if not header.complete:
                return f"cut off: the IP header promises {header.total_length} octets"
            source, destination, ttl, message = header.source, header.destination, header.ttl, header.payload
            if header.protocol != PROTOCOL_VRRP:  # behind an authentication header
                message = message[(message[1] + 2) * 4 :]
        else:
            ttl, message = data[at + 7], data[at + 40 :]
            source, destination = data[at + 8 : at + 24], data[at + 24 : at + 40]
        family = 4 if len(source) == 4 else 6
        codec.decode(message, family)
    except (PacketError, IndexError) as error:
        return str(error)
    if not codec.checksum_dialect(message, source, destination):
        right = codec.expected_checksum(message, source, destination)
        return f"checksum {message[6:8].hex()}, it should be {right:04x}"
    if ttl != 255 and ipaddress.ip_address(destination).is_multicast:
        return f"ttl {ttl}, it must be 255"
    return ""


def record(layers: tuple[Field, ...], summary: Summary, kind: str, fault: str, wall_ns: int) -> dict[str, object]:
    """One packet as JSON."""
    return {
        "v": 1,
        "wall_ns": wall_ns,
        "kind": kind,
        "source": summary.source,
        "destination": summary.destination,
        "version": summary.version,
        "vrid": summary.vrid,
        "priority": summary.priority,
        "interval_cs": summary.interval_cs,
        "authentication": summary.authentication or None,
        "addresses": list(summary.addresses),
        "fault": fault or None,
        "fields": [text(field) for layer in layers for field in (layer, *layer.children)],
    }


def line_of(layers: tuple[Field, ...], summary: Summary, fault: str, wall_ns: int) -> str:
    """One packet as one line."""
    advert = summary.kind == "advert"
    if advert:
        interval = f"{(summary.interval_cs or 0) / 100:g}s"
        words = f"{summary.source} > {summary.destination}  v{summary.version} vrid {summary.vrid}"
        words += f" prio {summary.priority} adv {interval} auth {summary.authentication}"
        words += f"  {' '.join(summary.addresses)}"
    else:
        layer = next((one for one in layers if one.name.startswith(("ARP", "Neighbour", "VRRP"))), layers[-1])
        words = f"{summary.source} > {summary.destination}  {text(layer)}" if fault else text(layer)
    verdict = (f"  BAD: {fault}", "bad") if fault else ("  ok" if advert else "", "good")
    return painted([(f"{clock(wall_ns, digits=6)}  ", "dim"), (plain(words), "plain"), verdict])


def frames(path: str) -> Iterator[tuple[int, bytes]]:
    """Wall time (ns) and octets of each frame of a capture file, from an Ethernet header on.

    Raises: HatuiError when it is no capture file.
    """
    from scapy.error import Scapy_Exception
    from scapy.utils import RawPcapNgReader, RawPcapReader

    try:
        with open(path, "rb") as file, RawPcapReader(file) as reader:
            modern = isinstance(reader, RawPcapNgReader)
            for data, about in reader:
                link = about.linktype if modern else reader.linktype
                yield _instant(about, reader, modern=modern), _ethernet(bytes(data), link)
    except (OSError, Scapy_Exception, EOFError) as failure:
        raise HatuiError(f"{path}: {getattr(failure, 'strerror', None) or failure}") from None


def _instant(about: Any, reader: Any, *, modern: bool) -> int:
    if not modern:
        return int(about.sec) * 1_000_000_000 + int(about.usec) * (1 if reader.nano else 1000)
    if about.tshigh is None:
        return 0
    return ((int(about.tshigh) << 32) + int(about.tslow)) * 1_000_000_000 // int(about.tsresol or 1_000_000)


def _ethernet(data: bytes, link: int) -> bytes:
    """The frame with an Ethernet header, made up where the link had none."""
    if link == _ETHERNET:
        return data
    if link in _RAW_LINKS and data:
        return b"\0" * 12 + (b"\x86\xdd" if data[0] >> 4 == 6 else b"\x08\0") + data
    if link == _COOKED and len(data) >= 16:
        return b"\0" * 6 + data[6:12] + data[14:16] + data[16:]
    if link == _COOKED_2 and len(data) >= 20:
        return b"\0" * 6 + data[12:18] + data[0:2] + data[20:]
    return b""
