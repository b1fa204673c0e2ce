"""Packets for the console: frames from the wire, each with the engine's verdict on it.

Owns the invariant that watching is free for the vrrp process and for a host where nobody watches: the
frames come from a tap of core's own, filtered in the kernel, open only while somebody subscribes. The
verdict comes from the Router and is joined by the octets of the packet; a frame that nobody judged in
time never reached the engine's socket and is UNSEEN.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from engine.core.frames import Frame, dissect, masked
from engine.core.history import wall_ns
from engine.messages import PacketJudged, PacketLine, Verdict

JOIN_S = 0.05
"""Seconds that frame and verdict wait for each other."""
PENDING = 4_096
"""Frames, and verdicts, that wait at a time."""
BUFFER = 2 * 1024 * 1024
BATCH = 256
_ALL = 0x0003
_OUTGOING = 4
_SO_ATTACH_FILTER = 26
_SNAP = 2048

_KEEP = "keep"
_PROGRAM: tuple[tuple[str, str | int, str | int], ...] = (
    # (operation or label:, operand, where to go when equal)
    ("ldh", 12, ""),
    ("jeq", 0x0806, "arp"),
    ("jeq", 0x0800, "ip4"),
    ("jeq", 0x86DD, "ip6"),
    ("ret", 0, ""),
    ("arp:", 0, ""),  # gratuitous: sender and target protocol address are equal
    ("ld", 28, ""),
    ("tax", 0, ""),
    ("ld", 38, ""),
    ("jeqx", 0, _KEEP),
    ("ret", 0, ""),
    ("ip4:", 0, ""),  # protocol 112, or AH that carries it
    ("ldb", 23, ""),
    ("jeq", 112, _KEEP),
    ("jeq", 51, "ah"),
    ("ret", 0, ""),
    ("ah:", 0, ""),
    ("ldx4", 14, ""),
    ("ldbx", 14, ""),
    ("jeq", 112, _KEEP),
    ("ret", 0, ""),
    ("ip6:", 0, ""),  # next header 112, or a neighbour advertisement
    ("ldb", 20, ""),
    ("jeq", 112, _KEEP),
    ("jeq", 58, "icmp6"),
    ("ret", 0, ""),
    ("icmp6:", 0, ""),
    ("ldb", 54, ""),
    ("jeq", 136, _KEEP),
    ("ret", 0, ""),
    ("keep:", 0, ""),
    ("ret", _SNAP, ""),
)
_CODES = {"ldh": 0x28, "ldb": 0x30, "ld": 0x20, "ldx4": 0xB1, "ldbx": 0x50, "tax": 0x07, "jeq": 0x15, "jeqx": 0x1D}
_CODES["ret"] = 0x06
_RECORD = struct.Struct("HBBI")
_STAMP = struct.Struct("qq")
_SO_TIMESTAMPNS = 35


def frame_filter() -> bytes:
    """The kernel's program that lets adverts, gratuitous ARP and neighbour advertisements through."""
    places: dict[str, int] = {}
    for operation, _operand, _target in _PROGRAM:
        if operation.endswith(":"):
            places[operation[:-1]] = sum(
                1 for one in _PROGRAM[: _PROGRAM.index((operation, 0, ""))] if one[0][-1] != ":"
            )
    records: list[bytes] = []
    for operation, operand, target in _PROGRAM:
        if not operation.endswith(":"):
            jump = places[str(target)] - len(records) - 1 if target else 0
            records.append(_RECORD.pack(_CODES[operation], jump, 0, int(operand)))
    return b"".join(records)


def attach_filter(sock: socket.socket) -> None:
    """Let only such frames into this socket. Source: packet(7), socket(7) SO_ATTACH_FILTER."""
    octets = frame_filter()
    program = ctypes.create_string_buffer(octets, len(octets))
    header = struct.pack("HL", len(octets) // _RECORD.size, ctypes.addressof(program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)


@dataclass(slots=True)
class _Waiting:
    """A received advert without its verdict yet."""

    line: PacketLine
    frame: Frame
    due: float


class Capture:
    """The tap on the interfaces of the instances."""

    def __init__(self, tell: Callable[[PacketLine, PacketLine], None], clock: Callable[[], int]) -> None:
        self._tell = tell
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._names: Mapping[tuple[str, int, int] | str, str] = {}
        self._taps: dict[str, socket.socket] = {}
        self._waiting: deque[_Waiting] = deque()
        self._verdicts: dict[tuple[str, bytes], deque[tuple[float, PacketJudged]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._seq = 0
        self.judged_elsewhere = True
        """A Router says its verdicts; without one nothing is said of what is received."""
        self.possible = self._try()
        """Whether this process may open a tap at all."""

    @property
    def on(self) -> bool:
        """Somebody watches and there is a tap."""
        return bool(self._taps)

    def watch(self, interfaces: tuple[str, ...], names: Mapping[tuple[str, int, int] | str, str]) -> None:
        """Tap exactly these interfaces; none ends it. `names` says which instance a packet belongs to."""
        self._names = names
        for name in [name for name in self._taps if name not in interfaces]:
            self._close(name)
        for name in interfaces:
            if name not in self._taps:
                with contextlib.suppress(OSError):  # an interface that is not there: it is tried again
                    self._open(name)
        if not self._taps:
            self._waiting.clear()
            self._verdicts.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def judged(self, judged: PacketJudged) -> None:
        """The Router's verdict on one datagram."""
        if not self._taps:
            return
        for waiting in self._waiting:
            if waiting.frame.packet == judged.data and waiting.line.interface == judged.interface:
                self._waiting.remove(waiting)
                self._say(waiting, judged)
                return
        if len(self._verdicts) < PENDING:
            key = (judged.interface, judged.data)
            self._verdicts.setdefault(key, deque()).append((self._loop.time() + JOIN_S, judged))
            self._sweep_later()

    def _try(self) -> bool:
        try:
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        except OSError:
            return False
        return True

    def _open(self, name: str) -> None:
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
        try:
            attach_filter(tap)
            tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            tap.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            tap.bind((name, _ALL))
        except OSError:
            tap.close()
            raise
        self._taps[name] = tap
        self._loop.add_reader(tap.fileno(), self._readable, name, tap)

    def _close(self, name: str) -> None:
        tap = self._taps.pop(name)
        self._loop.remove_reader(tap.fileno())
        tap.close()

    def _readable(self, name: str, tap: socket.socket) -> None:
        for _ in range(BATCH):
            try:
                octets, ancillary, _flags, address = tap.recvmsg(_SNAP, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._close(name)  # the interface went away; the next change of the audience opens it again
                return
            mono, wall = self._clock(), wall_ns()
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(payload) == _STAMP.size:
                    seconds, rest = _STAMP.unpack(payload)
                    stamp = seconds * 1_000_000_000 + rest
                    mono, wall = mono - max(0, wall - stamp), stamp
            self._arrived(name, octets, address[2] == _OUTGOING, mono, wall)

    def _arrived(self, interface: str, octets: bytes, outgoing: bool, mono: int, wall: int) -> None:
        frame = dissect(octets)
        if frame is None:
            return
        if frame.kind == "advert":
            instance = self._names.get((interface, frame.family, frame.vrid), "")
        else:
            instance = self._names.get(frame.address, "")
        verdict = Verdict.SENT if outgoing else Verdict.UNSEEN
        if frame.kind != "advert" or not (outgoing or self.judged_elsewhere):
            verdict = Verdict.NONE
        self._seq += 1
        direction = "out" if outgoing else "in"
        line = PacketLine(self._seq, mono, wall, interface, direction, frame.kind, octets, instance, verdict)
        if verdict is not Verdict.UNSEEN:
            self._tell(line, _masked(line))
            return
        waiting = _Waiting(line, frame, self._loop.time() + JOIN_S)
        verdicts = self._verdicts.get((interface, frame.packet))
        if verdicts:
            judged = verdicts.popleft()[1]
            if not verdicts:
                del self._verdicts[interface, frame.packet]
            self._say(waiting, judged)
            return
        if len(self._waiting) >= PENDING:
            self._say(self._waiting.popleft(), None)
        self._waiting.append(waiting)
        self._sweep_later()

    def _say(self, waiting: _Waiting, judged: PacketJudged | None) -> None:
        line = waiting.line
        if judged is not None:
            line = msgspec.structs.replace(
                line, verdict=judged.verdict, detail=judged.detail, instance=judged.instance or line.instance
            )
        self._tell(line, _masked(line))

    def _sweep_later(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(JOIN_S, self._sweep)

    def _sweep(self) -> None:
        """What nobody has judged in time was never seen; what was never tapped is forgotten."""
        self._timer = None
        now = self._loop.time() + 1e-3
        while self._waiting and self._waiting[0].due <= now:
            self._say(self._waiting.popleft(), None)
        for key in [key for key, queue in self._verdicts.items() if queue[0][0] <= now]:
            queue = self._verdicts[key]
            while queue and queue[0][0] <= now:
                queue.popleft()
            if not queue:
                del self._verdicts[key]
        if self._waiting or self._verdicts:
            self._sweep_later()


def _masked(line: PacketLine) -> PacketLine:
    octets = masked(line.frame)
    return line if octets == line.frame else msgspec.structs.replace(line, frame=octets)
