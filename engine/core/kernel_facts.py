"""What diagnosis asks of the kernel: groups, other VRRP sockets, living neighbours, network managers.

Invariant: read from /proc and /sys in the network namespace of this process, changing nothing; what cannot be read
is unknown, never an accusation. Everything here may take milliseconds: it runs in a thread.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

PROC = Path("/proc")
_PID_FILES = (Path("/run/vrrp.pid"), Path("/run/keepalived/vrrp.pid"))
"""Of keepalived's VRRP process. Source: keepalived(8) --vrrp_pid."""
_VRRP_PORT = "0070"
"""Protocol 112 as the raw socket tables write it."""
_MANAGERS = {
    "systemd-network": "systemd-networkd",
    "NetworkManager": "NetworkManager",
    "dhclient": "dhclient",
    "dhcpcd": "dhcpcd",
    "netplan": "netplan",
}
"""By the name of the process, of which the kernel keeps 15 characters."""
_CLOUDS = (
    "Amazon EC2",
    "Google",
    "Microsoft Corporation",
    "DigitalOcean",
    "Hetzner",
    "OpenStack Foundation",
    "Alibaba",
)
_REACHED = 0x2


def groups() -> dict[str, frozenset[str]] | None:
    """The multicast groups that are joined, by interface. Source: proc(5) /proc/net/igmp, /proc/net/igmp6."""
    found: dict[str, set[str]] = {}
    try:
        name = ""
        for line in _lines("net/igmp")[1:]:
            words = line.split()
            if line[:1].isdigit():
                name = words[1].rstrip(":")
                found.setdefault(name, set())
            elif words and name:
                found[name].add(str(ipaddress.IPv4Address(bytes.fromhex(words[0])[::-1])))
        with contextlib.suppress(FileNotFoundError):
            for line in _lines("net/igmp6"):
                words = line.split()
                found.setdefault(words[1], set()).add(str(ipaddress.IPv6Address(bytes.fromhex(words[2]))))
    except (OSError, ValueError, IndexError):
        return None
    return {name: frozenset(joined) for name, joined in found.items()}


def other_engines(own: Iterable[int]) -> tuple[str, ...]:
    """Programs that speak VRRP in this network namespace, without the processes `own`: by their raw sockets, and a
    keepalived that lives by its pid file, which has no socket while it waits for an interface."""
    inodes: set[str] = set()
    for table in ("net/raw", "net/raw6"):
        with contextlib.suppress(OSError):
            for line in _lines(table)[1:]:
                words = line.split()
                if len(words) > 9 and words[1].rpartition(":")[2] == _VRRP_PORT:
                    inodes.add(words[9])
    pids = set(own)
    for pid in pids:
        inodes -= set(_sockets(pid))
    found: dict[str, int] = {}
    for pid in _pids() if inodes else ():
        if pid not in pids and inodes & set(_sockets(pid)):
            found[_comm(pid)] = min(pid, found.get(_comm(pid), pid))
    waiting = _waiting()
    if waiting and waiting not in pids:
        found.setdefault("keepalived", waiting)
    return tuple(f"{name} (pid {pid})" for name, pid in sorted(found.items()))


def _waiting() -> int:
    """The VRRP process of a keepalived that is alive in this network namespace, by its pid file; 0: there is none."""
    for file in _PID_FILES:
        with contextlib.suppress(OSError, ValueError):
            pid = int(file.read_text())
            here = _namespace("self")
            if _comm(pid) == "keepalived" and here and _namespace(str(pid)) == here:
                return pid
    return 0


def alive() -> frozenset[str]:
    """IPv4 neighbours whose link address is known. Source: proc(5) /proc/net/arp."""
    found = set()
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _lines("net/arp")[1:]:
            words = line.split()
            if int(words[2], 16) & _REACHED:
                found.add(words[0])
    return frozenset(found)


def on_link(interface: str, address: str) -> bool:
    """Whether an IPv4 address is reached on an interface without a router. Source: proc(5) /proc/net/route; of IPv6
    only link-local addresses are taken to be."""
    if ":" in address:
        return ipaddress.ip_address(address).is_link_local
    wanted = int.from_bytes(ipaddress.IPv4Address(address).packed[::-1], "big")
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _lines("net/route")[1:]:
            name, network, gateway, _flags, _ref, _use, _metric, mask = line.split()[:8]
            if name == interface and not int(gateway, 16) and wanted & int(mask, 16) == int(network, 16):
                return True
    return False


def link_local(interface: str) -> str:
    """The link-local IPv6 address of an interface; empty when there is none. Source: proc(5) /proc/net/if_inet6."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _lines("net/if_inet6"):
            octets, _index, _prefix, scope, _flags, name = line.split()
            if name == interface and scope == "20":
                return str(ipaddress.IPv6Address(bytes.fromhex(octets)))
    return ""


def managers() -> tuple[str, ...]:
    """Programs of this network namespace that clean up addresses."""
    here = _namespace("self")
    names = {_comm(pid) for pid in _pids() if _namespace(str(pid)) == here}
    return tuple(sorted(told for name, told in _MANAGERS.items() if name in names))


def firewalls() -> tuple[str, ...]:
    """What filters packets here, as far as it shows."""
    found = []
    if any(_comm(pid) == "firewalld" for pid in _pids()):
        found.append("firewalld")
    with contextlib.suppress(OSError):
        if "filter" in _lines("net/ip_tables_names"):
            found.append("iptables")
    return tuple(found)


def processor() -> tuple[int, int] | None:
    """Ticks of all processors since boot, and those of them that a hypervisor gave to others. Source: proc(5)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        ticks = [int(one) for one in _lines("stat")[0].split()[1:9]]
        return sum(ticks), ticks[7]
    return None


def cloud() -> str:
    """The vendor of the cloud that this machine runs in; empty when it is none that is known."""
    with contextlib.suppress(OSError):
        vendor = Path("/sys/class/dmi/id/sys_vendor").read_text().strip()
        return next((one for one in _CLOUDS if one in vendor), "")
    return ""


def _lines(name: str) -> list[str]:
    return (PROC / name).read_text().splitlines()


def _pids() -> Iterator[int]:
    return (int(one) for one in os.listdir(PROC) if one.isdecimal())


def _comm(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _namespace(pid: str) -> str:
    try:
        return os.readlink(PROC / pid / "ns" / "net")
    except OSError:
        return ""


def _sockets(pid: int) -> Iterator[str]:
    """The inodes of a process's sockets."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(PROC / str(pid) / "fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(entry.path)
                if target.startswith("socket:["):
                    yield target[8:-1]
