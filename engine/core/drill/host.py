"""What a preflight asks of this host: ports in use on an address, services bound to it, whether it is a machine of
a hypervisor, and whether the other router's host answers on those ports.

Invariant: read from /proc and asked with one connection a port, changing nothing; what cannot be read is unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Collection
from pathlib import Path

from engine.core.drill.preflight import HostFacts

PROC = Path("/proc")
_ESTABLISHED, _LISTEN = "01", "0A"
_MOST = 8
"""Ports that are tried on the other host."""
_ANSWER_S = 0.5


def read(addresses: Collection[str], family: int) -> HostFacts:
    """Everything but `open`. Blocks. Source: proc(5) /proc/net/tcp, ip-sysctl ip_nonlocal_bind."""
    ports, bound = set[int](), set[int]()
    wanted = {ipaddress.ip_address(one) for one in addresses}
    for table in ("net/tcp", "net/tcp6"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in (PROC / table).read_text().splitlines()[1:]:
                words = line.split()
                address, port = _local(words[1])
                if address in wanted and words[3] in (_ESTABLISHED, _LISTEN):
                    (ports if words[3] == _ESTABLISHED else bound).add(port)
    return HostFacts(tuple(sorted(ports | bound)), tuple(sorted(bound)), _nonlocal(family), _virtual())


def connected(
    here: ipaddress.IPv4Address | ipaddress.IPv6Address,
    port: int,
    there: ipaddress.IPv4Address | ipaddress.IPv6Address,
    other_port: int,
) -> bool:
    """Whether there is a TCP connection between exactly these. Source: proc(5) /proc/net/tcp."""
    for table in ("net/tcp", "net/tcp6"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in (PROC / table).read_text().splitlines()[1:]:
                words = line.split()
                ends = (_local(words[1]), _local(words[2]))
                if words[3] == _ESTABLISHED and ends == ((here, port), (there, other_port)):
                    return True
    return False


def _local(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    octets, _, port = text.partition(":")
    raw = bytes.fromhex(octets)
    words = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(words)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped, int(port, 16)
    return address, int(port, 16)


def _nonlocal(family: int) -> bool | None:
    try:
        return (PROC / f"sys/net/ipv{family}/ip_nonlocal_bind").read_text().strip() == "1"
    except OSError:
        return None


def _virtual() -> bool | None:
    """Source: the flag "hypervisor" of proc(5) /proc/cpuinfo."""
    try:
        flags = next(line for line in (PROC / "cpuinfo").read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        return None
    return "hypervisor" in flags.split()


async def answering(peer: str, interface: str, ports: Collection[int]) -> tuple[int, ...]:
    """The ports on which a host takes a connection; each is asked once, and left at once."""
    where = f"{peer}%{interface}" if peer.startswith("fe80:") else peer

    async def one(port: int) -> int:
        with contextlib.suppress(OSError, TimeoutError):
            _, writer = await asyncio.wait_for(asyncio.open_connection(where, port), _ANSWER_S)
            writer.close()
            return port
        return 0

    found = await asyncio.gather(*(one(port) for port in sorted(ports)[:_MOST]))
    return tuple(port for port in found if port)
