"""Who is at the other end of the control socket, and what that person may do.

Owns the invariant that a role comes from the kernel's word about the peer (uid, gid and groups at the
moment of connecting), never from anything that the peer says.
"""

from __future__ import annotations

import contextlib
import grp
import ipaddress
import os
import pwd
import socket
import struct
from pathlib import Path

import msgspec

OPERATOR = "operator"
VIEWER = "viewer"
ADMIN_GROUP = "hatui-admin"
VIEW_GROUP = "hatui"

_SO_PEERGROUPS = getattr(socket, "SO_PEERGROUPS", 59)
_CREDENTIALS = struct.Struct("3i")
_NO_LOGIN = 4294967295
_TEXT = 64
"""Characters kept of anything that the peer could have chosen itself."""


class Peer(msgspec.Struct, frozen=True):
    """One client by the kernel's word."""

    pid: int
    uid: int
    gids: tuple[int, ...]
    user: str
    """Name of the uid."""
    login: str
    """Name under which the person logged in, before any sudo; else `user`."""
    origin: str
    """pid, uid, terminal and ssh address where known, for the audit trail."""
    role: str
    """operator, viewer, or empty: refused."""
    arrived: str = ""
    """The address of this host at which the person's ssh connection arrives; empty where there is none."""

    @property
    def refusal(self) -> str:
        """The sentence for somebody without a role."""
        return (
            f"You are {self.user} (uid {self.uid}), neither root nor in group {VIEW_GROUP} or {ADMIN_GROUP}. "
            f"`usermod -aG {VIEW_GROUP} {self.user}` lets you look, {ADMIN_GROUP} lets you operate; then log in again."
        )


def peer_of(sock: socket.socket) -> Peer:
    """The peer of a connected Unix socket."""
    pid, uid, gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    gids = tuple(dict.fromkeys((gid, *_groups_of(sock))))
    user = user_name(uid)
    login = _login_of(pid) or user
    ssh = _ssh_of(pid)
    return Peer(pid, uid, gids, user, login, _origin_of(pid, uid, ssh), role_of(uid, gids), _arrival(ssh))


def role_of(uid: int, gids: tuple[int, ...]) -> str:
    """root, the engine's own user and hatui-admin operate; hatui views; nobody else has a role."""
    if uid in (0, os.geteuid()) or group_id(ADMIN_GROUP) in gids:
        return OPERATOR
    return VIEWER if group_id(VIEW_GROUP) in gids else ""


def group_id(name: str) -> int | None:
    """The gid of a group, None when there is none of that name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def user_name(uid: int) -> str:
    """The name of a uid, or the uid as text."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _groups_of(sock: socket.socket) -> tuple[int, ...]:
    """Supplementary groups that the peer had when it connected."""
    try:
        raw = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 1024)
    except OSError:
        return ()
    count = len(raw) // 4
    return struct.unpack(f"{count}I", raw[: count * 4])


def _login_of(pid: int) -> str:
    with contextlib.suppress(OSError, ValueError):
        uid = int(Path(f"/proc/{pid}/loginuid").read_text())
        if uid != _NO_LOGIN:
            return user_name(uid)
    return ""


def _ssh_of(pid: int) -> tuple[str, ...]:
    """The four words of SSH_CONNECTION: client, its port, server, its port. Source: ssh(1)."""
    with contextlib.suppress(OSError):
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        ssh = next((item for item in environment if item.startswith(b"SSH_CONNECTION=")), b"")
        words = ssh.partition(b"=")[2].decode("ascii", "replace").split(" ")
        return tuple(_plain(word) for word in words) if ssh else ()
    return ()


def _arrival(ssh: tuple[str, ...]) -> str:
    address = ssh[2].partition("%")[0] if len(ssh) == 4 else ""
    try:
        return str(ipaddress.ip_address(address)) if address else ""
    except ValueError:
        return ""


def _origin_of(pid: int, uid: int, ssh: tuple[str, ...]) -> str:
    words = [f"pid {pid}", f"uid {uid}"]
    with contextlib.suppress(OSError):
        terminal = os.readlink(f"/proc/{pid}/fd/0")
        if terminal.startswith(("/dev/pts/", "/dev/tty")):
            words.append(_plain(terminal.removeprefix("/dev/")))
    if ssh:
        words.append(f"from {ssh[0]}")
    return " ".join(words)


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:_TEXT]
