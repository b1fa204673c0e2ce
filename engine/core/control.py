"""The control socket: who may connect, what is said to each client, and what each may ask.

Owns the invariant that no client can hurt another one, or the engine: each has its own bounded outbox,
a line that is no request closes the one that sent it, and nothing here ever waits for a client.
What the commands do is the `Host`'s business; this module only carries them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Protocol

from engine.core import peers
from engine.core.ending import end
from engine.core.outbox import Outbox, StatusKey
from engine.core.peers import OPERATOR, Peer
from engine.errors import HatuiError, ProtocolMismatch, Refused
from engine.messages import (
    VIEWER_COMMANDS,
    EventLine,
    Farewell,
    Gap,
    HandOverFinished,
    HandOverStarted,
    Heartbeat,
    Hello,
    HoldChanged,
    Message,
    Outcome,
    PacketLine,
    ProcessDied,
    Progress,
    Reply,
    Request,
    Snapshot,
    StateChanged,
    Status,
    StatusGone,
    StatusLine,
    Subscribe,
)
from engine.wire import LineSplitter, decode_request, encode_line

CLIENTS = 64
"""Clients at a time."""
AT_ONCE = 8
"""Commands of one client under way at a time; further ones wait unread."""
VIEWER_LINE = 64 * 1024
"""Octets of one line of a viewer; an operator may send a whole configuration."""
HIGH_WATER = 64 * 1024
"""Octets handed to the kernel and the loop at a time; the rest waits in the outbox, where it can be dropped."""
GOODBYE_S = 1.0
"""Seconds that a client has to take its farewell."""
TOPICS = frozenset({"status", "events", "packets"})
TRANSITIONS = (StateChanged, HandOverStarted, HandOverFinished, HoldChanged, ProcessDied)
RATE_MIN, RATE_MAX = 0.1, 20.0
_ANYBODY = 0xFFFFFFFF
"""Id of an entry of an access list that needs none. Source: acl(5)."""


class Host(Protocol):
    """What the control socket asks of the engine."""

    def hello(self, peer: Peer) -> Hello: ...

    async def snapshot(self) -> Snapshot: ...

    async def events_after(self, since: int) -> tuple[list[EventLine], int]: ...

    async def perform(self, request: Request, peer: Peer, progress: Callable[[str], None]) -> Reply: ...

    def refused(self, request: Request, peer: Peer, code: str, text: str) -> None:
        """A command was refused before it reached `perform`."""

    def audience_changed(self) -> None:
        """Somebody came, went, or subscribed anew."""

    def clock(self) -> int: ...


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._reading = True
        self._leaving = False
        self._splitter = LineSplitter(VIEWER_LINE)
        self._waiting: list[Request] = []
        self._busy = 0
        self._welcomed = False
        self.outbox = Outbox()
        self.peer: Peer | None = None
        self.topics: frozenset[str] = frozenset()
        self.held: list[EventLine] | None = None
        """Events that happen while older ones are fetched for it."""
        self.staged: dict[StatusKey, Callable[[], bytes]] = {}
        """Statuses that wait for its next turn."""
        self.rate_hz = 4.0
        self.next_status = 0.0
        """Loop time of its next status lines."""

    # ---- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        sock: socket.socket = transport.get_extra_info("socket")
        try:
            self.peer = peers.peer_of(sock)
        except OSError as error:
            self.leave("E-PERMISSION", f"The kernel does not say who you are: {error.strerror}")
            return
        if not self.peer.role:
            self.leave("E-PERMISSION", self.peer.refusal)
        elif len(self._server.clients) >= CLIENTS:
            self.leave("E-BUSY", f"{CLIENTS} clients are connected already.")
        else:
            if self.peer.role == OPERATOR:
                self._splitter = LineSplitter()
            self._server.join(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self._transport = None
        self._leaving = True
        self._server.part(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self.pump()

    def leave(self, code: str, text: str) -> None:
        """Say why, and close: at once for one that reads, within a second for one that does not."""
        if self._leaving or self._transport is None:
            return
        self._leaving = True
        transport = self._transport
        if not self.outbox.overfull:
            while transport.get_write_buffer_size() < HIGH_WATER and (line := self.outbox.take()) is not None:
                transport.write(line)
        transport.write(encode_line(Farewell(code, text)))
        transport.close()  # the loop still sends what it has been given
        self._server.loop.call_later(GOODBYE_S, transport.abort)
        self._server.part(self)

    # ---- to the client

    def say(self, message: Message) -> None:
        """A line that must arrive."""
        self.outbox.put(encode_line(message))
        self.pump()

    def pump(self) -> None:
        """Hand over what waits for as long as the client takes it."""
        transport = self._transport
        while transport is not None and not self._paused and not self._leaving:
            line = self.outbox.take()
            if line is None:
                break
            transport.write(line)
        if self.outbox.overfull:
            self.leave("E-SLOW", "You read too slowly: more waits for you than the engine keeps.")

    def welcome(self, snapshot: Snapshot) -> None:
        """The end of the greeting: from now on requests are heard."""
        self._welcomed = True
        self.say(snapshot)
        self._next()

    # ---- from the client

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        try:
            for line in self._splitter.feed(data):
                self._waiting.append(decode_request(line))
        except Refused as refusal:
            self.leave(refusal.code, refusal.reason)
            return
        except ProtocolMismatch as mismatch:
            self.leave("E-PROTOCOL", str(mismatch))
            return
        self._next()

    def _next(self) -> None:
        """Start what may be started; stop reading while more waits."""
        while self._welcomed and self._waiting and self._busy < AT_ONCE and not self._leaving:
            request = self._waiting.pop(0)
            self._busy += 1
            self._server.run(self._answer(request))
        if self._transport is not None and self._reading == bool(self._waiting):
            self._reading = not self._waiting
            (self._transport.resume_reading if self._reading else self._transport.pause_reading)()

    async def _answer(self, request: Request) -> None:
        peer = self.peer
        assert peer is not None
        try:
            if isinstance(request.command, Subscribe):
                await self._subscribe(request)
            elif peer.role != OPERATOR and not isinstance(request.command, VIEWER_COMMANDS):
                text = f"Your role is {peer.role}: it may look, not act."
                self._server.host.refused(request, peer, "E-ROLE", text)
                self.say(Reply(request.id, Outcome.REFUSED, "E-ROLE", text))
            else:
                self.say(
                    await self._server.host.perform(request, peer, lambda text: self.say(Progress(request.id, text)))
                )
        except Refused as refusal:
            self.say(Reply(request.id, Outcome.REFUSED, refusal.code, refusal.reason))
        except (HatuiError, OSError) as error:
            self.say(Reply(request.id, Outcome.REFUSED, "E-IO", str(error)))
        finally:
            self._busy -= 1
            self._next()

    async def _subscribe(self, request: Request) -> None:
        wish = request.command
        assert isinstance(wish, Subscribe)
        topics = frozenset(wish.topics)
        if unknown := topics - TOPICS:
            raise Refused("E-PROTOCOL", f"unknown topic {sorted(unknown)[0]!r}; there are {', '.join(sorted(TOPICS))}")
        host = self._server.host
        past: list[EventLine] = []
        lost = 0
        if "events" in topics and wish.since:
            self.held = []
            try:
                past, lost = await host.events_after(wish.since)
            finally:
                held, self.held = self.held, None
            newest = past[-1].seq if past else wish.since
            past += [line for line in held if line.seq > newest]
        fresh = topics - self.topics
        self.topics = topics
        self.rate_hz = min(max(wish.rate_hz, RATE_MIN), RATE_MAX)
        self.say(Reply(request.id, Outcome.DONE))
        if lost:
            self.say(Gap(events=lost))
        for line in past:
            self.outbox.put(encode_line(line))
        if "packets" not in topics:
            self.outbox.forget_packets()
        host.audience_changed()
        self.pump()
        if "status" in fresh:
            self.say(await host.snapshot())


class ControlServer:
    """All clients, and what is said to all of them."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.loop = asyncio.get_running_loop()
        self.clients: set[Client] = set()
        self._listener: asyncio.AbstractServer | None = None
        self._path: Path | None = None
        self._inode = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, path: Path) -> None:
        """Open the socket.

        Raises:
            Refused: E-RUNNING, another engine listens there; E-IO, the path cannot be used.
        """
        sock = bind(path)
        self._path = path
        self._inode = path.stat().st_ino
        self._listener = await self.loop.create_unix_server(lambda: Client(self), sock=sock)

    async def close(self, code: str, text: str) -> None:
        """Say farewell to everybody and remove the socket."""
        if self._listener is not None:
            self._listener.close()
        for client in list(self.clients):
            client.leave(code, text)
        await end(self._tasks)
        if self._path is not None:
            with contextlib.suppress(OSError):
                if self._path.stat().st_ino == self._inode:  # never the socket of the one who comes after us
                    self._path.unlink()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something for a client; held until it ends."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.call_exception_handler({"message": "a client's command failed", "exception": error})

    def join(self, client: Client) -> None:
        """A client with a role has come: hello, snapshot, heartbeats; the rest when it subscribes."""
        assert client.peer is not None
        self.clients.add(client)
        client.say(self.host.hello(client.peer))
        self.host.audience_changed()
        self.run(self._welcome(client))

    async def _welcome(self, client: Client) -> None:
        client.welcome(await self.host.snapshot())

    def part(self, client: Client) -> None:
        """A client has gone."""
        if client in self.clients:
            self.clients.discard(client)
            self.host.audience_changed()

    # ---- the audience

    def wants(self, topic: str) -> bool:
        """Whether anybody subscribes to it."""
        return any(topic in client.topics for client in self.clients)

    @property
    def rate_hz(self) -> float:
        """The fastest status rate wished, 0 when nobody wants statuses."""
        return max((client.rate_hz for client in self.clients if "status" in client.topics), default=0.0)

    # ---- to all

    def tell_event(self, line: EventLine) -> None:
        """One event to all who want events."""
        if not self.clients:
            return
        octets = encode_line(line)
        transition = isinstance(line.event, TRANSITIONS)
        for client in list(self.clients):
            if client.held is not None:
                client.held.append(line)
            elif "events" in client.topics:
                client.outbox.put_event(octets, transition=transition)
                client.pump()

    def mark_statuses(self, statuses: Iterable[Status], key: Callable[[Status], StatusKey]) -> None:
        """These statuses have changed; they are sent with `send_statuses`."""
        watchers = self._of("status")
        if not watchers:
            return
        clock = self.host.clock
        for status in statuses:
            maker = _line_maker(status, clock)
            for client in watchers:
                client.staged[key(status)] = maker

    def tell_gone(self, keys: Iterable[StatusKey]) -> None:
        """These statuses exist no longer."""
        for kind, name in keys:
            for client in self._of("status"):
                client.staged.pop((kind, name), None)
                client.outbox.forget_status((kind, name))
                client.say(StatusGone(kind, name))

    def send_statuses(self, now: float) -> None:
        """Let those clients' statuses go whose time has come by their rate."""
        for client in self._of("status"):
            if client.staged and now + 1e-3 >= client.next_status:
                client.next_status = now + 1 / client.rate_hz
                for key, maker in client.staged.items():
                    client.outbox.put_status(key, maker)
                client.staged.clear()
                client.pump()

    def tell_packet(self, line: PacketLine, masked: PacketLine) -> None:
        """One packet to all who want packets; `masked` to viewers."""
        for whole, message in ((True, line), (False, masked)):
            readers = [
                one for one in self._of("packets") if (one.peer is not None and one.peer.role == OPERATOR) == whole
            ]
            if readers:
                octets = encode_line(message)
                for client in readers:
                    client.outbox.put_packet(octets)
                    client.pump()

    def tell_heartbeat(self, heartbeat: Heartbeat) -> None:
        """To everybody who keeps up; one that lags has enough to read."""
        octets = encode_line(heartbeat)
        for client in list(self.clients):
            if not client.outbox.octets:
                client.outbox.put(octets)
                client.pump()

    def _of(self, topic: str) -> list[Client]:
        return [client for client in self.clients if topic in client.topics]


def bind(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0660, group hatui where there is one. A stale socket is removed.

    Raises:
        Refused: E-RUNNING, somebody listens there; E-IO, the path cannot be used.
    """
    if len(os.fsencode(path)) > 107:
        raise Refused("E-IO", f"{path}: the path of a socket may have 107 octets at most")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() or path.is_symlink():
            _remove_stale(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            before = os.umask(0o117)
            try:
                sock.bind(os.fspath(path))
            finally:
                os.umask(before)
            _let_groups_in(path)
            sock.listen(128)
            sock.settimeout(0)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        raise Refused("E-IO", f"{path}: {error.strerror}") from error
    return sock


def _let_groups_in(path: Path) -> None:
    """Group hatui by ownership; hatui-admin, whose members need not be in hatui, by an access list."""
    groups = [gid for name in (peers.VIEW_GROUP, peers.ADMIN_GROUP) if (gid := peers.group_id(name)) is not None]
    if groups:
        with contextlib.suppress(PermissionError):
            os.chown(path, -1, groups[0])
    for gid in groups[1:]:
        entries = ((0x01, _ANYBODY), (0x04, _ANYBODY), (0x08, gid), (0x10, _ANYBODY))
        octets = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, 6, who) for tag, who in entries)
        with contextlib.suppress(OSError):  # a file system without access lists: then be in both groups
            os.setxattr(path, "system.posix_acl_access", octets + struct.pack("<HHI", 0x20, 0, _ANYBODY))


def _remove_stale(path: Path) -> None:
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise Refused("E-IO", f"{path} exists and is no socket; remove it or choose another path with --socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                return
            raise Refused("E-RUNNING", f"{path} is in use: {error.strerror or error}") from error
        with contextlib.suppress(OSError):
            pid = peers.peer_of(probe).pid
            raise Refused("E-RUNNING", f"an engine (pid {pid}) listens on {path} already")
        raise Refused("E-RUNNING", f"an engine listens on {path} already")


def _line_maker(status: Status, clock: Callable[[], int]) -> Callable[[], bytes]:
    made: list[bytes] = []

    def line() -> bytes:
        if not made:
            made.append(encode_line(StatusLine(status, clock())))
        return made[0]

    return line
