"""What lint asks about this host: programs, accounts, interfaces, addresses.

Invariant: everything is looked up when it is asked, in the network namespace of this process, and nothing is
changed. What cannot be read is answered as if there were nothing to remark on.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import shutil
import socket
import stat
import struct
from pathlib import Path

from engine import programs
from engine.config.lint_host import Host

_SIOCGIFCONF = 0x8912
_IFREQ = 40
"""Octets of one struct ifreq on 64-bit Linux."""
_MOST = 4096
"""IPv4 addresses that are read."""


def this_host() -> Host:
    """The host that we run on."""
    return Host(refuses, insecure, account, interfaces, addresses, promotes, resolves)


def account(user: str, group: str) -> str:
    """Why nothing can run as this user and group; empty when something can."""
    try:
        programs.account(user, group)
    except LookupError as failure:
        return str(failure)
    return ""


def refuses(program: str, user: str, group: str) -> str:
    """Why a program would not be run; empty when it would."""
    try:
        who = programs.account(user, group)
    except LookupError as failure:
        return str(failure)
    path = _found(program)
    if not path:
        return "it is not found"
    try:
        mode = os.stat(path).st_mode
    except OSError as failure:
        return failure.strerror.lower() if failure.strerror else str(failure)
    if not stat.S_ISREG(mode):
        return "it is no regular file"
    return _closed(path, who)


def insecure(program: str, user: str, group: str) -> str:
    """Which part of the path others may change, when the program runs as root; empty otherwise.
    Source: keepalived.conf(5) enable_script_security."""
    try:
        who = programs.account(user, group)
    except LookupError:
        return ""
    path = _found(program)
    return programs.insecure_part(path) if path and who.uid == 0 else ""


def _found(program: str) -> str:
    """Its path, as a program of ours would look it up; empty when there is none."""
    if "/" not in program:
        return shutil.which(program, path=programs.SEARCH_PATH) or ""
    return program if os.path.exists(program) else ""


def _closed(path: str, who: programs.Account) -> str:
    """The part of the path that keeps this account from running it; empty when nothing does."""
    real = Path(os.path.realpath(path))
    groups = {who.gid}
    with contextlib.suppress(KeyError, OSError):
        groups |= set(os.getgrouplist(who.user, who.gid))
    for part in [*reversed(real.parents), real]:
        try:
            info = part.stat()
        except OSError as failure:
            return f"{part}: {failure.strerror}"
        mode = info.st_mode
        if who.uid == 0:
            allowed = bool(mode & 0o111)
        elif info.st_uid == who.uid:
            allowed = bool(mode & stat.S_IXUSR)
        elif info.st_gid in groups:
            allowed = bool(mode & stat.S_IXGRP)
        else:
            allowed = bool(mode & stat.S_IXOTH)
        if not allowed:
            what = "is not executable for" if part == real else "cannot be entered by"
            return f"{part} {what} {who.user}"
    return ""


def interfaces() -> frozenset[str]:
    """Names of all interfaces."""
    return frozenset(name for _, name in socket.if_nameindex())


def addresses(interface: str) -> list[str]:
    """The addresses of an interface, IPv4 first."""
    return [one for name, one in (*_inet(), *_inet6()) if name == interface]


def _inet() -> list[tuple[str, str]]:
    """(interface, IPv4 address). Source: netdevice(7) SIOCGIFCONF."""
    room = array.array("B", bytes(_IFREQ * _MOST))
    asked = struct.pack("iL", len(room), room.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        (length,) = struct.unpack_from("i", fcntl.ioctl(sock, _SIOCGIFCONF, asked))
    octets = room.tobytes()[:length]
    found = []
    for at in range(0, length, _IFREQ):
        label = octets[at : at + 16].split(b"\0", 1)[0].decode(errors="replace")
        found.append((label.partition(":")[0], socket.inet_ntoa(octets[at + 20 : at + 24])))
    return found


def _inet6() -> list[tuple[str, str]]:
    """(interface, IPv6 address). Source: proc(5) /proc/net/if_inet6."""
    try:
        lines = Path("/proc/thread-self/net/if_inet6").read_text().splitlines()
    except OSError:
        return []
    return [(line.split()[5], socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line[:32]))) for line in lines]


def promotes(interface: str) -> bool:
    """Whether secondary addresses stay when the primary one goes. Source: Linux ip-sysctl promote_secondaries."""
    for name in ("all", interface):
        with contextlib.suppress(OSError):
            if Path(f"/proc/sys/net/ipv4/conf/{name}/promote_secondaries").read_text().strip() == "1":
                return True
    return False


def resolves(name: str) -> bool:
    """Whether a name has an address, as name servers and /etc/hosts say now."""
    try:
        return bool(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False
