"""The way by which an operator reaches this host, as far as it can be proven: a link that it needs is not taken down.

Invariant: only the kernel is believed: the connection that the person's ssh session names must exist now, arrive at an
address of another interface, and be answered over another one. What cannot be proven is no second path.
Source: ssh(1) SSH_CONNECTION, proc(5).
"""

from __future__ import annotations

import contextlib
import ipaddress
import struct
from pathlib import Path

from engine.core.drill import link
from engine.core.drill import rtnetlink as nl
from engine.core.drill.host import connected
from engine.messages import Check

CODE = "P-SECOND-PATH"
PROC = Path("/proc")
_CONSOLES = {4: "its own screen or serial line", 204: "its serial line", 229: "its hypervisor's console"}
"""Major numbers of terminals that no network carries."""
_ADDRESS, _ROUTE = struct.Struct("=BBBBI"), struct.Struct("=BBBBBBBBI")
_SEVERAL = ("tmux", "screen")


def second_path(pid: int, interface: str) -> Check:
    """Whether whoever runs a process still reaches this host when an interface is down. Blocks."""
    chain = _ancestors(pid)
    if not chain:
        return _no("the program that asks does not run on this host, so its way here is not known")
    said = next((words for one in chain if (words := _ssh(one))), ())
    if not said:
        return _console(chain)
    try:
        client, zone, server = ipaddress.ip_address(said[0].split("%")[0]), said[2].partition("%")[2], said[2]
        here, ports = ipaddress.ip_address(server.split("%")[0]), (int(said[1]), int(said[3]))
    except (ValueError, IndexError):
        return _no(f"SSH_CONNECTION is not understood: {' '.join(said)}")
    if client.is_loopback or client == here:
        return _no("your session comes from this host itself: the way to that is not known")
    if not connected(here, ports[1], client, ports[0]):
        return _no(f"the ssh connection from {client} that your session names is not there (any more)")
    try:
        with nl.Netlink() as kernel:
            under = {one.ifindex for one in link.upon(kernel, interface)}
            names = link.names(kernel)
            arrives = _holder(kernel, here, zone, names)
            answers = _over(kernel, client, here)
    except (OSError, LookupError) as error:
        return _no(f"the way to {client} is not known: {error}")
    if arrives is None:
        return _no(f"{here}, at which your session arrives, is on no interface")
    for which, word in ((arrives, "arrives"), (answers, "is answered")):
        if which in under or which not in names:
            return _no(f"your session from {client} {word} over {names.get(which, 'an unknown interface')}")
    text = f"your session from {client} arrives over {names[arrives]}, is answered over {names[answers]}"
    return Check("pass", CODE, text)


def _no(text: str) -> Check:
    return Check("fail", CODE, text)


def _ancestors(pid: int) -> list[int]:
    """A process, its parent, and so on, without the first one."""
    found: list[int] = []
    while pid > 1 and pid not in found:
        try:
            rest = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            break
        found.append(pid)
        pid = int(rest[1])
    return found


def _ssh(pid: int) -> tuple[str, ...]:
    with contextlib.suppress(OSError):
        for item in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            if item.startswith(b"SSH_CONNECTION="):
                return tuple(item.partition(b"=")[2].decode("ascii", "replace").split())
    return ()


def _console(chain: list[int]) -> Check:
    """Without ssh: a terminal that no network carries."""
    major = 0
    for pid in chain:
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = (PROC / str(pid) / "stat").read_text()
            name = text[text.index("(") + 1 : text.rindex(")")]
            if name.startswith(_SEVERAL):
                return _no(f"{name} is used, and from where it is attached is not known")
            major = major or int(text.rpartition(")")[2].split()[4]) >> 8 & 0xFFF
    if major in _CONSOLES:
        return Check("pass", CODE, f"you sit at this machine: {_CONSOLES[major]}")
    return _no("by which way you reach this host is not known: no ssh session, and no terminal of the machine")


def _holder(
    kernel: nl.Netlink, address: ipaddress.IPv4Address | ipaddress.IPv6Address, zone: str, names: dict[int, str]
) -> int | None:
    """The interface of an address."""
    if zone:
        return next((ifindex for ifindex, name in names.items() if zone in (name, str(ifindex))), None)
    for body in kernel.dump(nl.GET_ADDRESS, _ADDRESS.pack(0, 0, 0, 0, 0)):
        known = dict(nl.attributes(body, _ADDRESS.size))
        if (known.get(2) or known.get(1)) == address.packed:
            return int(_ADDRESS.unpack_from(body)[4])
    return None


def _over(
    kernel: nl.Netlink,
    client: ipaddress.IPv4Address | ipaddress.IPv6Address,
    source: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> int:
    """The interface over which answers to a client leave."""
    bits = client.max_prefixlen
    body = _ROUTE.pack(2 if client.version == 4 else 10, bits, bits, 0, 0, 0, 0, 0, 0)
    reply = kernel.ask(nl.GET_ROUTE, body + nl.packed([(1, client.packed), (2, source.packed)]))
    known = dict(nl.attributes(reply, _ROUTE.size))
    return int(struct.unpack("=I", known[4])[0]) if 4 in known else 0
