"""Run a program that is not ours: a track script, a notify script.

Invariant: whatever the program does, we go on. It has its own process group and a clean environment, its
output never blocks it nor fills our memory, SIGTERM comes at the timeout and SIGKILL two seconds later,
and the result is told at the timeout even when the process cannot be killed at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import signal
import stat
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

COULD_NOT_START = -1000
"""Exit status of a program that never ran: no such file, no permission, no such user."""
TIMED_OUT = -1001
KILL_AFTER_S = 2.0
"""Seconds between SIGTERM and SIGKILL. Source: keepalived.conf(5) vrrp_script timeout."""
OUTPUT_LIMIT = 400
"""Characters of output that a result keeps: the last ones."""
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_ACCOUNT = "keepalived_script"
"""The account of scripts without one, where it exists. Source: keepalived.conf(5) script_user."""
_LINGERING_LIMIT = 32
_KEPT_OCTETS = 8192


@dataclass(frozen=True)
class Account:
    """As whom a program runs."""

    user: str
    uid: int
    gid: int
    home: str = "/"


@dataclass(frozen=True)
class Finished:
    """The result of one run."""

    exit_status: int
    """0..255; -N killed by signal N; COULD_NOT_START; TIMED_OUT."""
    duration: int = 0
    """ns"""
    output: str = ""

    @property
    def good(self) -> bool:
        """Exit status 0."""
        return self.exit_status == 0


def account(user: str = "", group: str = "", default_user: str = "", default_group: str = "") -> Account:
    """Resolve who runs a program: its own user, else `script_user`, else keepalived_script where that
    account exists, else ourselves. A group that is not named is the user's own.

    Raises: LookupError with a sentence when the user or group does not exist.
    Source: keepalived.conf(5) script_user.
    """
    name, group_name = (user, group) if user else (default_user, group or default_group)
    if not name:
        with contextlib.suppress(KeyError):
            name = pwd.getpwnam(DEFAULT_ACCOUNT).pw_name
    if name:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise LookupError(f"user {name} does not exist") from None
        found = Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
    else:
        uid = os.geteuid()
        try:
            entry = pwd.getpwuid(uid)
            found = Account(entry.pw_name, uid, os.getegid(), entry.pw_dir)
        except KeyError:
            found = Account(str(uid), uid, os.getegid())
    if group_name:
        try:
            found = Account(found.user, found.uid, grp.getgrnam(group_name).gr_gid, found.home)
        except KeyError:
            raise LookupError(f"group {group_name} does not exist") from None
    return found


def environment(who: Account, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The clean environment of a program."""
    language = {name: os.environ[name] for name in ("LANG", "TZ") if name in os.environ}
    return {
        "PATH": SEARCH_PATH,
        "HOME": who.home,
        "USER": who.user,
        "LOGNAME": who.user,
        "SHELL": "/bin/sh",
        **language,
        **(more or {}),
    }


def insecure_part(path: str) -> str:
    """Why root must not run `path`: the first part of it, from the top and through symbolic links, that
    somebody other than root may write to, as a sentence. Empty when it is secure. In a directory with the sticky
    bit, such as /tmp, others cannot replace what belongs to root.

    Source: keepalived.conf(5) enable_script_security.
    """
    real = Path(os.path.realpath(path))
    for part in [*reversed(real.parents), real]:
        try:
            info = part.stat()
        except OSError as failure:
            return f"{part}: {failure.strerror}"
        if info.st_uid != 0:
            return f"{part} belongs to user {info.st_uid}, not to root"
        if stat.S_ISDIR(info.st_mode) and info.st_mode & stat.S_ISVTX:
            continue
        for bit, whom in ((stat.S_IWGRP, f"group {info.st_gid}"), (stat.S_IWOTH, "everybody")):
            if info.st_mode & bit and not (bit == stat.S_IWGRP and info.st_gid == 0):
                return f"{part} is writable by {whom}"
    if not os.access(real, os.X_OK):
        return f"{real} is not executable"
    return ""


@dataclass
class Run:
    """A program under way. `result` is there at its end or at the timeout, whichever is first; `gone` when
    the process has really ended."""

    argv: tuple[str, ...]
    result: asyncio.Future[Finished]
    gone: asyncio.Future[None]
    pid: int = 0
    timers: list[asyncio.TimerHandle] = field(default_factory=list, repr=False)

    def terminate(self) -> None:
        """SIGTERM to its process group now, SIGKILL two seconds later."""
        if not self.pid or self.gone.done():
            return
        self._signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        self.timers.append(loop.call_later(KILL_AFTER_S, self._signal, signal.SIGKILL))

    def kill(self) -> None:
        """SIGKILL to its process group now."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.pid and not self.gone.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def conclude(self, finished: Finished) -> None:
        """Tell the result unless it is told."""
        if not self.result.done():
            self.result.set_result(finished)


class _Output:
    """The tail of what a program writes. Read until the pipe closes, even after its end, since a daemon
    that a script started must not die of a closed pipe; a few dozen such pipes are kept."""

    lingering: ClassVar[deque[_Output]] = deque()

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._tail = bytearray()
        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, self._read)

    def _read(self, limit: int = 4) -> None:
        for _ in range(limit):
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self._tail += data[-_KEPT_OCTETS:]
            del self._tail[:-_KEPT_OCTETS]

    def text(self) -> str:
        """What there is now, the last OUTPUT_LIMIT characters."""
        if self._descriptor >= 0:
            self._read(16)
        return bytes(self._tail).decode(errors="replace").strip()[-OUTPUT_LIMIT:]

    def close(self) -> None:
        """Read no more."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def linger(self) -> None:
        """The program has ended; somebody it left behind may still write."""
        if self._descriptor < 0:
            return
        _Output.lingering.append(self)
        while len(_Output.lingering) > _LINGERING_LIMIT:
            _Output.lingering.popleft().close()


def start(
    argv: Sequence[str],
    *,
    timeout: int = 0,
    who: Account | None = None,
    more_environment: Mapping[str, str] | None = None,
) -> Run:
    """Start a program. `timeout` in ns, 0 for none; `who`: default ourselves. Never raises: a program that
    cannot be started has the result COULD_NOT_START with the reason as its output."""
    loop = asyncio.get_running_loop()
    began = time.monotonic_ns()
    run = Run(tuple(argv), loop.create_future(), loop.create_future())
    who = who or account()
    readable, writable = os.pipe()
    try:
        process = _spawn(argv, who, environment(who, more_environment), writable)
    except (OSError, ValueError, subprocess.SubprocessError) as failure:
        os.close(readable)
        reason = failure.strerror or str(failure) if isinstance(failure, OSError) else str(failure)
        run.result.set_result(Finished(COULD_NOT_START, time.monotonic_ns() - began, f"{argv[0]}: {reason}"))
        run.gone.set_result(None)
        return run
    finally:
        os.close(writable)
    run.pid = process.pid
    output = _Output(loop, readable)
    watch = os.pidfd_open(process.pid)

    def finished(status: int) -> Finished:
        return Finished(status, time.monotonic_ns() - began, output.text())

    def ended() -> None:
        status = process.poll()
        if status is None:
            return
        loop.remove_reader(watch)
        os.close(watch)
        for timer in run.timers:
            timer.cancel()
        run.conclude(finished(status))
        output.linger()
        run.gone.set_result(None)

    def late() -> None:
        run.conclude(finished(TIMED_OUT))
        run.terminate()

    loop.add_reader(watch, ended)
    if timeout:
        run.timers.append(loop.call_later(timeout / 1e9, late))
    return run


def _spawn(argv: Sequence[str], who: Account, env: dict[str, str], output: int) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {}
    if who.uid != os.geteuid() or who.gid != os.getegid():
        if os.geteuid() != 0:
            raise PermissionError(0, f"cannot run as {who.user}: the engine does not run as root")
        groups = os.getgrouplist(who.user, who.gid)
        options = {"user": who.uid, "group": who.gid, "extra_groups": groups}
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=env,
        cwd="/",
        start_new_session=True,
        **options,
    )


async def run(
    argv: Sequence[str],
    *,
    timeout: int = 0,
    who: Account | None = None,
    more_environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program to its end or its timeout (ns) and return the result. See `start`."""
    return await start(argv, timeout=timeout, who=who, more_environment=more_environment).result
