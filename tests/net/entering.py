"""Work inside the network of a lab host from here: for kernel objects, and to start the vrrp process there."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000


def enter(path: str) -> None:
    """Move this thread into the network namespace at `path`. Source: setns(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"setns: {os.strerror(number)}")
    finally:
        os.close(fd)


@contextmanager
def inside(pid: int) -> Iterator[None]:
    """Sockets made within belong to the network of process `pid`."""
    home = f"/proc/self/task/{os.getpid()}/ns/net"
    keep = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(f"/proc/{pid}/ns/net")
        try:
            yield
        finally:
            enter(f"/proc/self/fd/{keep}")
    finally:
        os.close(keep)


def main() -> None:
    """The vrrp process in the network of a host: entering.py PID FD."""
    from engine.vrrp.loop import Options, run

    enter(f"/proc/{sys.argv[1]}/ns/net")
    run(socket.socket(fileno=int(sys.argv[2])), Options())


if __name__ == "__main__":
    main()
