"""Capture files as packets: pcap and pcapng, whoever wrote them, through the decoder of the console.

Invariant: reading decides nothing that only a configuration can tell. A file that this program wrote still says
the engine's verdicts (in its comments); otherwise an advert is judged by its octets alone, and what is in order
keeps the verdict "-".
"""

from __future__ import annotations

import io
import ipaddress
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.errors import HatuiError, PacketError
from engine.messages import PacketLine, Verdict
from engine.protocol.packet import PROTOCOL_VRRP, codec
from engine.protocol.packet.dissect import ETHERNET_LENGTH, Field, Summary, dissect, summarise

_ETHERNET, _RAW_LINKS, _COOKED, _COOKED_2 = 1, (101, 12, 14), 113, 276
"""Link types. Source: the registry of pcap link types."""
_COMMENT = re.compile(r"verdict (\S+)(?: by ([^:\n]*))?(?:: (.*))?")
_INBOUND = 1


class Captured(msgspec.Struct, frozen=True):
    """One frame of a file."""

    wall_ns: int
    frame: bytes
    """From an Ethernet header on."""
    interface: str = ""
    direction: str = "in"
    comment: str = ""


class Opened(msgspec.Struct):
    """A file that was read for the console."""

    path: str
    packets: deque[PacketLine]
    """The newest, as many as a ring holds."""
    count: int
    """All packets that it held."""
    other: int
    """Frames of other protocols."""

    @property
    def now(self) -> int:
        """The instant of the last packet: ages count from there."""
        return self.packets[-1].mono_ns if self.packets else 0


def opened(path: str, ring: int, octets: bytes | None = None) -> Opened:
    """Read a whole file, or `octets` that an engine gave from one; of its packets the newest `ring` are kept.

    Raises: HatuiError when it is no capture file.
    """
    kept: deque[PacketLine] = deque(maxlen=ring)
    count = other = 0
    for packet in packets(path, octets):
        if packet is None:
            other += 1
        else:
            count += 1
            kept.append(packet)
    return Opened(path, kept, count, other)


def packets(path: str, octets: bytes | None = None) -> Iterator[PacketLine | None]:
    """Each frame as a packet; None for one of another protocol. Its clock is the wall clock of the file.

    Raises: HatuiError when it is no capture file.
    """
    for number, one in enumerate(captured(path, octets), start=1):
        layers, summary = dissect(one.frame), summarise(one.frame)
        kind = kind_of(layers, summary)
        if not kind:
            yield None
            continue
        instance, told = "", _told(one.comment)
        if told is not None:
            verdict, instance, detail = told
        elif kind == "advert":
            verdict, detail = fault_of(one.frame, layers)
        else:
            verdict, detail = Verdict.NONE, ""
        direction = "out" if verdict is Verdict.SENT else one.direction
        yield PacketLine(
            number, one.wall_ns, one.wall_ns, one.interface, direction, kind, one.frame, instance, verdict, detail
        )


def _told(comment: str) -> tuple[Verdict, str, str] | None:
    """What the engine had said when this program wrote the file."""
    match = _COMMENT.search(comment)
    if match is None:
        return None
    try:
        return Verdict(match.group(1)), match.group(2) or "", match.group(3) or ""
    except ValueError:
        return None


def kind_of(layers: tuple[Field, ...], summary: Summary) -> str:
    """advert (also one that is too short to be read), arp, na, or empty for what is none of our business."""
    if any(layer.name.startswith("VRRP") for layer in layers):
        return "advert"
    return summary.kind if summary.kind in ("arp", "na") else ""


def fault_of(data: bytes, layers: tuple[Field, ...]) -> tuple[Verdict, str]:
    """The test that an advert fails by itself, and why; "-" when it fails none. What only a configuration can
    tell (VRID, authentication, addresses) is left to the engine's verdict.

    Source: RFC 9568 7.1, RFC 3768 7.1.
    """
    at = next((layer.start for layer in layers if layer.name in ("IPv4", "IPv6")), ETHERNET_LENGTH)
    message = b""
    try:
        if data[at] >> 4 == 4:
            header = codec.parse_ipv4(data[at:])
            if not header.complete:
                return Verdict.TOTAL_LENGTH, f"cut off: the IP header promises {header.total_length} octets"
            source, destination, ttl, message = header.source, header.destination, header.ttl, header.payload
            if header.protocol != PROTOCOL_VRRP:  # behind an authentication header
                message = message[(message[1] + 2) * 4 :]
        else:
            ttl, message = data[at + 7], data[at + 40 :]
            source, destination = data[at + 8 : at + 24], data[at + 24 : at + 40]
        codec.decode(message, 4 if len(source) == 4 else 6)
    except (PacketError, IndexError) as error:
        if len(message) >= 8 and message[0] >> 4 not in (2, 3):
            return Verdict.VERSION, str(error)
        return Verdict.TYPE if len(message) >= 8 and message[0] & 15 != 1 else Verdict.LENGTH, str(error)
    if not codec.checksum_dialect(message, source, destination):
        right = codec.expected_checksum(message, source, destination)
        return Verdict.CHECKSUM, f"checksum {message[6:8].hex()}, it should be {right:04x}"
    if ttl != 255 and ipaddress.ip_address(destination).is_multicast:
        return Verdict.TTL, f"ttl {ttl}, it must be 255"
    return Verdict.NONE, ""


def captured(path: str, octets: bytes | None = None) -> Iterator[Captured]:
    """Each frame of a capture file.

    Raises: HatuiError when it is no capture file.
    """
    from scapy.error import Scapy_Exception
    from scapy.utils import RawPcapNgReader, RawPcapReader

    try:
        with open(path, "rb") if octets is None else io.BytesIO(octets) as file, RawPcapReader(file) as reader:
            modern = isinstance(reader, RawPcapNgReader)
            for data, about in reader:
                frame = _ethernet(bytes(data), about.linktype if modern else reader.linktype)
                wall_ns = _instant(about, reader, modern=modern)
                if not modern:
                    yield Captured(wall_ns, frame)
                    continue
                comment = b"\n".join(about.comments or ()).decode("utf-8", "replace")
                direction = "in" if about.direction in (None, _INBOUND) else "out"
                name = (about.ifname or b"").decode("utf-8", "replace")
                yield Captured(wall_ns, frame, name, direction, comment)
    except (OSError, Scapy_Exception, EOFError) as failure:
        raise HatuiError(f"{path}: {getattr(failure, 'strerror', None) or failure} [E-IO]") from None


def frames(path: str) -> Iterator[tuple[int, bytes]]:
    """Wall time (ns) and octets of each frame of a capture file, from an Ethernet header on.

    Raises: HatuiError when it is no capture file.
    """
    for one in captured(path):
        yield one.wall_ns, one.frame


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
