"""Makes one host of the lab: run by path as a program of its own, standard library only.

Invariant: the host lives exactly as long as the pipe on standard input. The last process here becomes
process 1 of the host's own pid namespace and waits for end of file; when it ends, for whatever reason,
the kernel kills every process of the host and takes its network away. So nothing is left behind, even
when the lab itself is killed with SIGKILL.

Usage: holder.py NAME [--user] [--mount SOURCE:TARGET]...; prints the pid of process 1, then a line
"ready" or "failed: REASON". Source: user_namespaces(7), pid_namespaces(7), network_namespaces(7).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shutil
import signal
import stat
import sys
import tempfile

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x00020000,
    0x04000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8

libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`. Source: unshare(2)."""
    _check(libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    """Source: mount(2)."""
    done = libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None)
    _check(done, f"mount {source} on {target}")


def become_root_inside() -> None:
    """A new user namespace where our own user is root. Source: user_namespaces(7)."""
    user, group = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def private_mounts() -> None:
    """Own /proc, /sys and an empty /run, so that default paths of two hosts do not collide."""
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with contextlib.suppress(OSError):  # only listings of /sys/class/net differ then
        mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV)


def graft(parent: str) -> None:
    """Put a writable copy of the directory `parent` in its place, each entry bound to the real one, so that
    a mount point can be created there without touching the real directory."""
    stage = tempfile.mkdtemp(prefix="graft-", dir="/run")
    mount("tmpfs", stage, "tmpfs", MS_NODEV)
    for entry in os.scandir(parent):
        target = f"{stage}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)
            continue
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            os.mkdir(target)
        elif stat.S_ISREG(mode):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
        else:
            continue
        mount(entry.path, target, "", MS_BIND | MS_REC)
    mount(stage, parent, "", MS_MOVE)
    shutil.rmtree(stage, ignore_errors=True)


def bind(source: str, target: str) -> None:
    """Show the directory `source` at `target`, which need not exist."""
    if not os.path.isdir(target):
        parent = os.path.dirname(target)
        while not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        if parent == "/":
            raise OSError(0, f"cannot create {target}: nothing of its path exists")
        if not parent.startswith("/run"):
            graft(parent)
        os.makedirs(target)
    mount(source, target, "", MS_BIND | MS_REC)


def live(name: str, mounts: list[str]) -> None:
    """Process 1 of the host: set up, say so, wait for the end of the pipe."""
    try:
        libc.sethostname(name.encode(), ctypes.c_size_t(len(name)))
        private_mounts()
        for pair in mounts:
            source, _, target = pair.partition(":")
            bind(source, target)
    except OSError as failure:
        os.write(1, f"failed: {failure.strerror or failure}\n".encode())
        os._exit(1)
    os.write(1, b"ready\n")
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps orphans for us
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.execvp("cat", ["cat"])


def main() -> int:
    """Create the namespaces, fork process 1, print its pid, wait for it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--user", action="store_true")
    parser.add_argument("--mount", action="append", default=[])
    wanted = parser.parse_args()
    try:
        if wanted.user:
            become_root_inside()
        unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID)
    except OSError as failure:
        os.write(1, f"0\nfailed: {failure.strerror}\n".encode())
        return 1
    gate, key = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(key)
        os.read(gate, 1)  # the pid is printed first
        live(wanted.name, wanted.mount)
    os.close(0)
    os.close(gate)
    os.write(1, f"{child}\n".encode())
    os.close(key)
    os.close(1)
    _, status = os.waitpid(child, 0)
    return 0 if os.WIFEXITED(status) else 1


if __name__ == "__main__":
    sys.exit(main())
