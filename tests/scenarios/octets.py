"""A second hand that writes advertisements: shares no line with engine/protocol, so that a mistake made
there is not made here too. Every field can be set wrong on purpose."""

from __future__ import annotations

import hmac
import ipaddress
import struct

from engine import messages as m

GROUP4, GROUP6 = "224.0.0.18", "ff02::12"


def ones_sum(data: bytes) -> int:
    """The one's complement of the one's complement sum."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def message(
    *,
    version: int = 2,
    kind: int = 1,
    vrid: int = 50,
    priority: int = 100,
    addresses: tuple[str, ...] = ("10.0.0.50",),
    count: int | None = None,
    interval: int | None = None,
    auth_type: int = 0,
    password: bytes = b"",
    source: str = "10.0.0.9",
    destination: str = GROUP4,
    pseudo: bool | None = None,
    checksum: int | None = None,
    reserved: int = 0,
) -> bytes:
    """The VRRP message. `interval` in seconds (v2, default 1) or centiseconds (v3, default 100)."""
    octets = b"".join(ipaddress.ip_address(one).packed for one in addresses)
    number = len(addresses) if count is None else count
    if version == 2:
        middle = bytes((auth_type, 1 if interval is None else interval))
        trailer = password.ljust(8, b"\0")
    else:
        middle = struct.pack(">H", (reserved << 12) | (100 if interval is None else interval))
        trailer = b""
    head = bytes((version << 4 | kind, vrid, priority, number)) + middle
    body = head + b"\0\0" + octets + trailer
    covered = body
    if pseudo if pseudo is not None else version == 3:
        ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
        tail = (
            struct.pack(">BBH", 0, 112, len(body)) if len(ends) == 8 else struct.pack(">IBBBB", len(body), 0, 0, 0, 112)
        )
        covered = ends + tail + body
    value = ones_sum(covered) if checksum is None else checksum
    return head + struct.pack(">H", value) + octets + trailer


def ip4(
    payload: bytes,
    *,
    source: str = "10.0.0.9",
    destination: str = GROUP4,
    ttl: int = 255,
    protocol: int = 112,
    options: bytes = b"",
    total: int | None = None,
) -> bytes:
    """An IPv4 packet around it."""
    length = 20 + len(options) + len(payload)
    header = struct.pack(
        ">BBHHHBBH4s4s",
        0x40 | (20 + len(options)) // 4,
        0xC0,
        length if total is None else total,
        1,
        0,
        ttl,
        protocol,
        0,
        ipaddress.IPv4Address(source).packed,
        ipaddress.IPv4Address(destination).packed,
    )
    header += options
    return header[:10] + struct.pack(">H", ones_sum(header)) + header[12:] + payload


def advert(
    *,
    interface: str = "eth0",
    source: str = "10.0.0.9",
    destination: str | None = None,
    ttl: int = 255,
    family: int = 4,
    **fields: object,
) -> m.DatagramReceived:
    """A whole received datagram; `fields` as in `message`."""
    target = destination or (GROUP4 if family == 4 else GROUP6)
    payload = message(source=source, destination=target, **fields)  # type: ignore[arg-type]
    if family == 4:
        return m.DatagramReceived(
            interface=interface, family=4, data=ip4(payload, source=source, destination=target, ttl=ttl)
        )
    return m.DatagramReceived(
        interface=interface,
        family=6,
        data=payload,
        source=ipaddress.ip_address(source).packed,
        destination=ipaddress.ip_address(target).packed,
        ttl=ttl,
    )


def ah_packet(
    payload: bytes,
    key: bytes,
    *,
    source: str = "10.0.0.9",
    destination: str = GROUP4,
    sequence: int = 1,
    ttl: int = 255,
    spi: int | None = None,
    next_header: int = 112,
    icv: bytes | None = None,
    unicast: bool = False,
) -> m.DatagramReceived:
    """An IPv4 packet with authentication header around a v2 message whose type is 2."""
    own = int(ipaddress.IPv4Address(source)) if spi is None else spi
    ah = struct.pack(">BBHII", next_header, 4, 0, own, sequence)
    whole = ip4(ah + bytes(12) + payload, source=source, destination=destination, ttl=ttl, protocol=51)
    masked = bytearray(whole)
    masked[1] = masked[6] = masked[7] = masked[10] = masked[11] = 0
    if unicast:
        masked[8] = 0
    digest = hmac.new(key.ljust(8, b"\0"), bytes(masked), "md5").digest()[:12] if icv is None else icv
    data = whole[:32] + digest + whole[44:]
    return m.DatagramReceived(interface="eth0", family=4, data=data)
