"""Frames of our own making on the network of a lab host: adverts that no engine would send, and announcements.

Invariant: what is sent here is what the words say, octet by octet; nothing of the engine's own writing is used, but
for the keyed trailer, whose right form is the point.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from hatui.lab import Host
from tests.net.entering import inside
from tests.scenarios.octets import GROUP4, ip4, message

MAC4 = bytes.fromhex("01005e000012")
BROADCAST = b"\xff" * 6


def octets(mac: str) -> bytes:
    """A MAC address as it is sent."""
    return bytes.fromhex(mac.replace(":", ""))


class Forger:
    """An open packet socket on a host's eth0."""

    def __init__(self, host: Host) -> None:
        self.mac = octets(host.mac)
        with inside(host.pid):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.bind(("eth0", 0))

    def __enter__(self) -> Forger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def advert(
        self,
        *,
        source: str = "10.211.55.77",
        destination: str = GROUP4,
        to: str = "",
        ttl: int = 255,
        trailer: bytes = b"",
        **fields: object,
    ) -> None:
        """One IPv4 advertisement; `to` is the MAC for unicast, `fields` are those of the VRRP message."""
        words = {"version": 3, "interval": 50, **fields}
        payload = message(source=source, destination=destination, **words) + trailer  # type: ignore[arg-type]
        packet = ip4(payload, source=source, destination=destination, ttl=ttl)
        self._socket.send((octets(to) if to else MAC4) + self.mac + b"\x08\x00" + packet)

    def announce(self, address: str) -> None:
        """A gratuitous ARP for it, from this host's MAC. Source: RFC 5227 3."""
        own = ipaddress.IPv4Address(address).packed
        body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + self.mac + own + BROADCAST + own
        self._socket.send(BROADCAST + self.mac + b"\x08\x06" + body)


@contextmanager
def again_and_again(what: Callable[[], None], every_s: float = 0.15) -> Iterator[None]:
    """Do it meanwhile."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every_s):
            what()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
