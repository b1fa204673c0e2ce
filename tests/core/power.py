"""A process that dies at the n-th word to the disk, by kill -9 or by loss of power.

Every call that changes the disk (create, mode, write, fsync, rename, unlink) counts twice: before and after it. kill -9
leaves what the kernel has. Loss of power leaves the least that POSIX promises: octets that were not fsynced
are gone but for their first half, and renames and unlinks whose directory was not fsynced never happened.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

DONE = 0
CALLS = ("fsync", "replace", "unlink", "fchmod", "fchown", "mkdir")


class Disk:
    """What the disk has promised to keep."""

    def __init__(self, die_at: int, *, power: bool) -> None:
        self._left = die_at
        self._power = power
        self._unsynced: dict[int, str] = {}
        """inode -> path of files made here whose octets are not promised."""
        self._undo: list[tuple[str, Callable[[], None]]] = []
        """Directory, and how to take back what it has not been told to keep."""
        self._real = {name: getattr(os, name) for name in CALLS}
        self._real_mkstemp = tempfile.mkstemp

    def watch(self) -> None:
        """From now on; for a process of its own."""
        for name in CALLS:
            setattr(os, name, self._wrapped(name))
        module: Any = tempfile
        module.mkstemp = self._mkstemp

    def _point(self) -> None:
        self._left -= 1
        if self._left:
            return
        if self._power:
            self._lose()
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()

    def _mkstemp(self, *arguments: Any, **words: Any) -> tuple[int, str]:
        self._point()
        descriptor, path = self._real_mkstemp(*arguments, **words)
        self._unsynced[os.fstat(descriptor).st_ino] = path
        self._point()
        return descriptor, path

    def _wrapped(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*arguments: Any, **words: Any) -> Any:
            self._point()
            if name == "replace":
                self._before_replace(os.fspath(arguments[0]), os.fspath(arguments[1]))
            elif name == "unlink":
                self._before_unlink(os.fspath(arguments[0]))
            found = real(*arguments, **words)
            if name == "fsync":
                self._synced(arguments[0])
            self._point()
            return found

        return call

    def _synced(self, descriptor: int) -> None:
        facts = os.fstat(descriptor)
        if stat.S_ISDIR(facts.st_mode):
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            self._undo = [one for one in self._undo if one[0] != path]
        else:
            self._unsynced.pop(facts.st_ino, None)

    def _before_replace(self, source: str, target: str) -> None:
        inode = os.stat(source).st_ino
        if inode in self._unsynced:
            self._unsynced[inode] = target
        self._undo.append((os.path.dirname(target), self._restorer(target)))

    def _before_unlink(self, path: str) -> None:
        if os.path.exists(path):
            self._undo.append((os.path.dirname(path), self._restorer(path)))

    def _restorer(self, path: str) -> Callable[[], None]:
        was = Path(path).read_bytes() if os.path.exists(path) else None

        def restore() -> None:
            if was is not None:
                Path(path).write_bytes(was)
            else:
                self._real["unlink"](path)

        return restore

    def _lose(self) -> None:
        for path in self._unsynced.values():
            with contextlib.suppress(OSError):
                octets = Path(path).read_bytes()
                Path(path).write_bytes(octets[: len(octets) // 2])
        for _directory, restore in reversed(self._undo):
            with contextlib.suppress(OSError):
                restore()


def run(work: Callable[[], None], die_at: int, *, power: bool) -> bool:
    """Do the work in a process that dies at that point. False when it ended before it came so far.

    Raises: AssertionError when the work itself failed.
    """
    pid = os.fork()
    if not pid:
        status = 1
        try:
            Disk(die_at, power=power).watch()
            work()
            status = DONE
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert os.WIFEXITED(status)
    assert os.WEXITSTATUS(status) == DONE, "the work failed by itself"
    return False
