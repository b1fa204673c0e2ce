"""The engine as a service: pid file, going into the background, words to the service manager.

Owns the invariant that one pid file has one engine: the file stays locked for as long as any process of
that engine lives, so a new engine never meets an old one that is still handing over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine.errors import Refused

PATIENCE_S = 10.0
"""Seconds to wait for the processes of an engine that is dead itself."""
_POLL_S = 0.1
VRRP = 112


class PidFile:
    """The locked pid file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def lock(self, patience_s: float = PATIENCE_S) -> None:
        """Take it.

        Raises:
            Refused: E-RUNNING with the pid of the other engine; E-IO.
        """
        end = time.monotonic() + patience_s
        while True:
            self._open()
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._ours_still():
                    return
                os.close(self._descriptor)
            except OSError:
                os.close(self._descriptor)
                pid = self.pid()
                if pid and _alive(pid):
                    text = f"hatui-engine (pid {pid}) runs already, see {self.path}"
                elif time.monotonic() < end:
                    time.sleep(_POLL_S)  # before there is a loop: it is dead, its vrrp process still hands over
                    continue
                else:
                    text = f"processes of an earlier engine (pid {pid}) still run, see {self.path}"
                self._descriptor = -1
                raise Refused("E-RUNNING", text) from None

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Refused("E-IO", f"{self.path}: {error.strerror}") from error

    def _ours_still(self) -> bool:
        """Whether the path still names the file that we locked: its last owner removed it at its end."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        return False

    def fileno(self) -> int:
        """The descriptor that has the lock."""
        return self._descriptor

    def write(self) -> None:
        """Put our own pid into it: after going into the background."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def pid(self) -> int:
        """The pid that stands in it, 0 when there is none."""
        try:
            return int(self.path.read_text().strip() or 0)
        except (OSError, ValueError):
            return 0

    def remove(self) -> None:
        """At the end."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                self.path.unlink()
            os.close(self._descriptor)
            self._descriptor = -1


def other_engine() -> str:
    """Who else speaks VRRP in this network namespace, as a sentence; empty when nobody does.

    Every raw socket of protocol 112 belongs to somebody; keepalived and hatui would argue with us over the
    same addresses, other programs only listen or serve other VRIDs.
    """
    inodes = set()
    for table in ("raw", "raw6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[1].endswith(f":{VRRP:04X}"):
                    inodes.add(f"socket:[{words[9]}]")
    if not inodes:
        return ""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            name = (process / "comm").read_text().strip()
            if (name.startswith("keepalived") or name == "hatui-vrrp") and any(
                os.readlink(entry) in inodes for entry in (process / "fd").iterdir()
            ):
                return f"{name} (pid {process.name}) already speaks VRRP on this host"
    return ""


def missing_privileges() -> str:
    """What this process may not do but must, as a sentence; empty when all is well."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP).close()
    except PermissionError:
        return "hatui-engine needs raw sockets and the right to change addresses: run it as root (NET_RAW, NET_ADMIN)"
    except OSError as error:
        return f"raw sockets are not available: {error.strerror}"
    effective = 0
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                effective = int(line.split()[1], 16)
    if not effective >> 12 & 1:
        return "hatui-engine may not change addresses: it needs NET_ADMIN (run it as root)"
    return ""


def into_background() -> Callable[[str], None]:
    """Become a daemon. The caller's process waits until the daemon says how it went and ends with it: 0
    when it is up, else 1 with the sentence. Returns the function that says so, once."""
    read, write = os.pipe2(os.O_CLOEXEC)
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os.close(write)
        words = os.read(read, 4096)  # once: processes that live on hold the other end as well
        if words != b"up":
            sys.stderr.write((words.decode(errors="replace") or "hatui-engine ended at its start, see the log") + "\n")
        os._exit(0 if words == b"up" else 1)
    os.close(read)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    leave_terminal()

    def said(problem: str) -> None:
        os.write(write, problem.encode()[:4096] or b"up")
        os.close(write)

    return said


def leave_terminal() -> None:
    """Standard input, output and errors go nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def tell(words: str) -> None:
    """A word to the service manager that started us, if any. Source: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.send(words.encode())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
