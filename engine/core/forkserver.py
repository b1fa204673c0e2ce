"""The fork server: a small process with one thread that makes the vrrp and check processes.

Owns the invariant that nobody forks a process that has a loop, threads or open client sockets: core
starts this server before it has any of them, and from then on only asks. It does so before it loads what
is core's alone, since whatever memory the server has, all its children have. The server itself has imported
what the vrrp process needs, so a dead one is back within a few milliseconds. It ends by itself when core is
gone and its children have ended.
"""

from __future__ import annotations

import array
import contextlib
import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping

import msgspec

from engine.core.log import log

Entry = Callable[[socket.socket], int]
"""Runs a child process on its end of the socketpair; returns the exit status."""

LINGER_S = 400
"""Seconds that the server waits for its children once core is gone: a hand-over of the slowest
VRRPv2 interval (255 s) fits."""
_RECEIVE = 4096


class Fork(msgspec.Struct, frozen=True, tag=True):
    """core asks for a process; its end of the socketpair travels along."""

    role: str
    token: int


class Hold(msgspec.Struct, frozen=True, tag=True):
    """core's pid file stays locked for as long as the server or a process of it lives; the descriptor travels along."""


class Forked(msgspec.Struct, frozen=True, tag=True):
    """The process exists."""

    role: str
    token: int
    pid: int


class Ended(msgspec.Struct, frozen=True, tag=True):
    """A process has ended. `status` is as os.waitstatus_to_exitcode says: -N is signal N."""

    pid: int
    status: int


Report = Forked | Ended
_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(Fork | Hold)
_reports = msgspec.msgpack.Decoder(Report)


class ForkServer:
    """core's side. `fileno` becomes readable when `reports` has something to say."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        sock.settimeout(0)
        self._socket = sock
        self._token = 0
        self.pid = pid
        self.lost = False

    def fileno(self) -> int:
        """The descriptor, for the loop."""
        return self._socket.fileno()

    def request(self, role: str) -> tuple[int, socket.socket]:
        """Ask for a process. Returns the token that `Forked` will carry and our end of its channel.

        Raises:
            OSError: the server is gone, or the machine is out of descriptors.
        """
        self._token += 1
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                socket.send_fds(self._socket, [_encode(Fork(role, self._token))], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        return self._token, ours

    def hold(self, descriptor: int) -> None:
        """Have the server and its children hold an open file, too.

        Raises:
            OSError: the server is gone.
        """
        socket.send_fds(self._socket, [_encode(Hold())], [descriptor])

    def reports(self) -> list[Report]:
        """What the server has said since; sets `lost` when it is gone."""
        found: list[Report] = []
        while not self.lost:
            try:
                data = self._socket.recv(_RECEIVE)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                data = b""
            if data:
                found.append(_reports.decode(data))
            else:
                self.lost = True
        return found

    def close(self) -> None:
        """Let the server go: it ends when its children have."""
        self._socket.close()


def start(entries: Mapping[str, Entry], prepare: Callable[[], None] | None = None) -> ForkServer:
    """Fork the server. Call it before there is a loop, a thread or a client. `prepare` is done in the server: it
    imports what the children need."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sys.stdout.flush()
    sys.stderr.flush()
    gc.collect()
    gc.freeze()  # neither side writes to these pages for the collector's sake
    pid = os.fork()
    if pid:
        theirs.close()
        return ForkServer(ours, pid)
    status = 1
    try:
        ours.close()
        if prepare is not None:
            prepare()
        status = serve(theirs, entries)
    except BaseException:
        log.critical("the fork server failed:\n%s", traceback.format_exc())
    finally:
        os._exit(status)


def serve(sock: socket.socket, entries: Mapping[str, Entry]) -> int:
    """The server itself: fork on request, report pids and ends, until core is gone."""
    with contextlib.suppress(PermissionError):
        os.setsid()  # signals of the terminal belong to core alone; it decides what they mean
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(one, signal.SIG_IGN)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    name_process("hatui-fork")
    gc.collect()
    gc.freeze()  # children share these pages for as long as nobody writes to them
    sock.settimeout(None)
    children: set[int] = set()
    held: list[int] = []
    core_here = True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(wake_read, select.POLLIN)
    while core_here or children:
        if not poll.poll(None if core_here else LINGER_S * 1000):
            break
        with contextlib.suppress(BlockingIOError):
            os.read(wake_read, _RECEIVE)
        core_here = _reap(sock, children) and core_here
        if core_here and select.select([sock], [], [], 0)[0]:
            core_here = _obey(sock, entries, children, held, (wake_read, wake_write))
        if not core_here:
            with contextlib.suppress(KeyError):
                poll.unregister(sock)
    return 0


def _reap(sock: socket.socket, children: set[int]) -> bool:
    """Collect the dead; False when core is gone."""
    here = True
    while children:
        try:
            pid, raw = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            children.clear()
            break
        if not pid:
            break
        children.discard(pid)
        try:
            sock.send(_encode(Ended(pid, os.waitstatus_to_exitcode(raw))), socket.MSG_NOSIGNAL)
        except OSError:
            here = False
    return here


def _obey(
    sock: socket.socket, entries: Mapping[str, Entry], children: set[int], held: list[int], private: tuple[int, int]
) -> bool:
    """Read one request, and fork or hold; False when core is gone."""
    try:
        data, ancillary, _flags, _address = sock.recvmsg(_RECEIVE, socket.CMSG_SPACE(4))
    except OSError:
        return False
    if not data:
        return False
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
    request = _requests.decode(data)
    if isinstance(request, Hold):
        held += descriptors
        return True
    return _fork_one(sock, entries, children, private, request, descriptors[0])


def _fork_one(
    sock: socket.socket,
    entries: Mapping[str, Entry],
    children: set[int],
    private: tuple[int, int],
    request: Fork,
    descriptor: int,
) -> bool:
    channel = socket.socket(fileno=descriptor)
    pid = os.fork()
    if not pid:
        status = 1
        try:
            sock.close()
            signal.set_wakeup_fd(-1)
            for descriptor in private:
                os.close(descriptor)
            for one in (signal.SIGCHLD, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
                signal.signal(one, signal.SIG_DFL)  # SIGINT and SIGHUP stay ignored: they are core's
            name_process(f"hatui-{request.role}")
            status = entries[request.role](channel)
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:
            log.critical("the %s process failed:\n%s", request.role, traceback.format_exc())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    channel.close()
    children.add(pid)
    try:
        sock.send(_encode(Forked(request.role, request.token, pid)), socket.MSG_NOSIGNAL)
    except OSError:
        return False
    return True


def name_process(name: str) -> None:
    """What ps and top show, at most 15 characters."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name[:15])
