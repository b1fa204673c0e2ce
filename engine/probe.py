"""Is an address served, by whom, and since when not: probes from a third host. Standard library only.

Invariant: every probe gives exactly one line, in the order of sending, good or lost; a probe that has not been
answered within its patience is lost, and what was lost never becomes good later. Nothing is averaged.

This file is a program of its own, so that it can be sent to a host that has only Python (3.8 or newer):
`hatui probe ADDRESS --over user@host` pipes it through ssh.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import json
import os
import select
import socket
import struct
import sys
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, Callable  # noqa: UP035 - Python 3.8 knows no other

MAGIC = b"HATUIPRB"
PATIENCE_S = 1.0
OUTSTANDING = 256
"""TCP probes under way at a time; beyond it one counts as lost at once."""
EVERY_MS = (5, 1000)
ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86DD
BROADCAST = b"\xff" * 6

Clock = Callable[[], int]
Say = Callable[["dict[str, Any]"], None]


def checksum(data: bytes) -> int:
    """The Internet checksum. Source: RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


class _Waiting:
    """One probe that is under way."""

    def __init__(self, sent: int) -> None:
        self.sent = sent
        self.at = 0
        """When it was answered; -1: it cannot be any more."""
        self.macs: list[str] = []
        self.text = ""


class _Connection:
    """One TCP probe that is under way."""

    def __init__(self, sock: socket.socket, number: int, since: int) -> None:
        self.sock, self.number, self.since = sock, number, since
        self.data = b""
        self.asked = False


class Pending:
    """Probes of one kind that wait for an answer; each ends as one line."""

    def __init__(self, kind: str, say: Say, patience: int) -> None:
        self.kind = kind
        self.say = say
        self.patience = patience
        self.waiting: OrderedDict[int, _Waiting] = OrderedDict()

    def sent(self, number: int, now: int) -> None:
        """A probe has left."""
        self.waiting[number] = _Waiting(now)

    def answered(self, number: int, now: int, mac: str = "", text: str = "") -> None:
        """It was answered."""
        found = self.waiting.get(number)
        if found is None:
            return
        found.at = found.at or now
        if mac and mac not in found.macs:
            found.macs.append(mac)
        found.text = found.text or text

    def failed(self, number: int, text: str) -> None:
        """It cannot be answered any more."""
        found = self.waiting.get(number)
        if found is not None and not found.at:
            found.at, found.text = -1, text

    def flush(self, now: int, grace: int = 0, *, end: bool = False) -> None:
        """Say those that are decided, in order. `grace`: how long an answered one waits for a second answer."""
        while self.waiting:
            number, found = next(iter(self.waiting.items()))
            sent, at, macs, text = found.sent, found.at, found.macs, found.text
            if not at and not end and now - sent < self.patience:
                return
            if at > 0 and grace and not end and now - sent < grace:
                return
            del self.waiting[number]
            line: dict[str, Any] = {"v": 1, "kind": self.kind, "n": number, "sent": sent, "ok": at > 0}
            if at > 0:
                line["rtt"] = at - sent
            if macs:
                line["macs"] = macs
            if text:
                line["text"] = text
            self.say(line)


class Icmp:
    """ICMP echo, by a ping socket where the kernel allows it, else by a raw one."""

    def __init__(self, family: int, address: str, pending: Pending) -> None:
        self.six = family == socket.AF_INET6
        self.address, self.pending = address, pending
        protocol = socket.IPPROTO_ICMPV6 if self.six else socket.IPPROTO_ICMP
        self.raw = False
        try:
            self.sock = socket.socket(family, socket.SOCK_DGRAM, protocol)
        except OSError:
            self.sock = socket.socket(family, socket.SOCK_RAW, protocol)
            self.raw = True
        self.sock.settimeout(0)
        self.identifier = os.getpid() & 0xFFFF

    def send(self, number: int, now: int) -> None:
        """One probe."""
        self.pending.sent(number, now)
        body = MAGIC + struct.pack("!QQ", number, os.getpid())
        kind = 128 if self.six else 8
        head = struct.pack("!BBHHH", kind, 0, 0, self.identifier, number & 0xFFFF)
        total = 0 if self.six else checksum(head + body)
        head = struct.pack("!BBHHH", kind, 0, total, self.identifier, number & 0xFFFF)
        try:
            self.sock.sendto(head + body, (self.address, 0))
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
                self.pending.failed(number, os.strerror(error.errno or 0))

    def read(self, clock: Clock) -> None:
        """What has been answered."""
        while True:
            try:
                data = self.sock.recv(2048)
            except OSError:
                return
            if self.raw and not self.six and data:
                data = data[(data[0] & 15) * 4 :]
            if len(data) >= 32 and data[0] == (129 if self.six else 0) and data[8:16] == MAGIC:
                number, pid = struct.unpack("!QQ", data[16:32])
                if pid == os.getpid():
                    self.pending.answered(number, clock())


class Owner:
    """ARP or neighbour discovery: who answers for the address, with which MAC. Two answers are two owners."""

    def __init__(self, family: int, address: str, interface: str, source: str, pending: Pending) -> None:
        self.six = family == socket.AF_INET6
        self.pending, self.number = pending, 0
        self.target = socket.inet_pton(family, address)
        self.source = socket.inet_pton(family, source)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.bind((interface, ETH_P_IPV6 if self.six else ETH_P_ARP))
        if self.six:
            record = struct.Struct("HBBI")
            program = b"".join(
                record.pack(*one) for one in ((0x30, 0, 0, 54), (0x15, 0, 1, 136), (0x06, 0, 0, 256), (0x06, 0, 0, 0))
            )
            octets = ctypes.create_string_buffer(program, len(program))
            self.sock.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 4, ctypes.addressof(octets)))
        self.sock.settimeout(0)
        self.mac: bytes = self.sock.getsockname()[4]

    def send(self, number: int, now: int) -> None:
        """One probe."""
        self.number = number
        self.pending.sent(number, now)
        try:
            self.sock.send(self._solicitation() if self.six else self._request())
        except OSError as error:
            self.pending.failed(number, os.strerror(error.errno or 0))

    def _request(self) -> bytes:
        """Source: RFC 826."""
        head = BROADCAST + self.mac + struct.pack("!HHHBBH", ETH_P_ARP, 1, 0x0800, 6, 4, 1)
        return head + self.mac + self.source + bytes(6) + self.target

    def _solicitation(self) -> bytes:
        """Source: RFC 4861 4.3, 7.2.2."""
        group = bytes.fromhex("ff0200000000000000000001ff") + self.target[13:]
        body = struct.pack("!BBHI", 135, 0, 0, 0) + self.target + b"\x01\x01" + self.mac
        pseudo = self.source + group + struct.pack("!II", len(body), 58)
        total = checksum(pseudo + body)
        body = body[:2] + struct.pack("!H", total) + body[4:]
        head = struct.pack("!IHBB", 0x60000000, len(body), 58, 255) + self.source + group
        return b"\x33\x33" + group[12:] + self.mac + struct.pack("!H", ETH_P_IPV6) + head + body

    def read(self, clock: Clock) -> None:
        """What has been answered."""
        while True:
            try:
                frame = self.sock.recv(256)
            except OSError:
                return
            if self.six:
                answers = len(frame) >= 78 and frame[54] == 136 and frame[62:78] == self.target and frame[58] & 0x40
            else:
                answers = len(frame) >= 42 and frame[20:22] == b"\0\x02" and frame[28:32] == self.target
            if answers and frame[6:12] != self.mac:
                self.pending.answered(self.number, clock(), ":".join(f"{one:02x}" for one in frame[6:12]))


class Tcp:
    """A TCP connection each time; with `request` also an HTTP answer that must hold a text, with `tls` through TLS.

    Whose certificate it is is not asked: the question is who serves, not whether to trust it."""

    def __init__(
        self,
        family: int,
        address: str,
        port: int,
        pending: Pending,
        poll: select.poll,
        request: bytes = b"",
        expect: str = "",
        tls: Any = None,
        name: str = "",
    ) -> None:
        self.tls, self.name = tls, name
        self.family, self.place, self.pending, self.poll = family, (address, port), pending, poll
        self.request, self.expect = request, expect.encode()
        self.open: dict[int, _Connection] = {}

    def send(self, number: int, now: int) -> None:
        """One probe."""
        self.pending.sent(number, now)
        if len(self.open) >= OUTSTANDING:
            self.pending.failed(number, "too many connections under way")
            return
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.settimeout(0)
        code = sock.connect_ex(self.place)
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            self.pending.failed(number, os.strerror(code))
            return
        self.open[sock.fileno()] = _Connection(sock, number, now)
        self.poll.register(sock, select.POLLOUT)

    def ready(self, fd: int, clock: Clock) -> None:
        """A connection has moved on."""
        entry = self.open.get(fd)
        if entry is None:
            return
        sock, number = entry.sock, entry.number
        try:
            if not entry.asked:
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    raise OSError(code, os.strerror(code))
                if self.tls is not None and not self._shaken(entry):
                    return
                sock = entry.sock
                if self.request:
                    sock.send(self.request)
                    entry.asked = True
                    self.poll.modify(sock, select.POLLIN)
                    return
                self.pending.answered(number, clock())
            else:
                while True:  # what TLS has decoded does not wake the poll again
                    try:
                        data = sock.recv(4096)
                    except OSError as error:
                        if _waits(error):
                            return
                        raise
                    entry.data += data
                    if self._judge(entry, clock, over=not data):
                        break
                    if self.tls is None:
                        return
        except OSError as error:
            self.pending.failed(number, _sentence(error))
        self._close(fd)

    def _shaken(self, entry: _Connection) -> bool:
        """The TLS handshake is over. Raises: OSError when it failed."""
        if not hasattr(entry.sock, "do_handshake"):
            entry.sock = self.tls.wrap_socket(
                entry.sock, server_hostname=self.name or None, do_handshake_on_connect=False
            )
        try:
            entry.sock.do_handshake()  # type: ignore[attr-defined]
        except OSError as error:
            if not _waits(error):
                raise
            writes = type(error).__name__ == "SSLWantWriteError"
            self.poll.modify(entry.sock, select.POLLOUT if writes else select.POLLIN)
            return False
        return True

    def _judge(self, entry: _Connection, clock: Clock, *, over: bool) -> bool:
        """True when the answer is decided."""
        head, parted, body = entry.data.partition(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].split()
        good = len(words) > 1 and words[1][:1] in (b"2", b"3")
        if parted and good and self.expect in body:
            line = body.decode("utf-8", "replace").strip().split("\n")[0]
            self.pending.answered(entry.number, clock(), text=line[:80])
            return True
        if over or len(entry.data) > 65536:
            why = "the text is not in it" if good else "status " + b" ".join(words[1:2]).decode("ascii", "replace")
            self.pending.failed(entry.number, why)
            return True
        return False

    def expire(self, now: int, patience: int) -> None:
        """Give up what takes too long."""
        for fd, entry in list(self.open.items()):
            if now - entry.since >= patience:
                self._close(fd)

    def _close(self, fd: int) -> None:
        sock = self.open.pop(fd).sock
        with contextlib.suppress(KeyError, ValueError):
            self.poll.unregister(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


def _waits(error: OSError) -> bool:
    """TLS wants to read or write more first. `ssl` is loaded only where it is used."""
    return type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")


def _sentence(error: OSError) -> str:
    """What went wrong; of TLS its own word for it."""
    reason = str(getattr(error, "reason", "") or "")
    return "TLS: " + reason.lower().replace("_", " ") if reason else os.strerror(error.errno or 0)


def source_of(family: int, address: str) -> str:
    """The address that this host uses towards another."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.connect((address, 9))
        return str(sock.getsockname()[0])
    finally:
        sock.close()


def interface_of(family: int, source: str) -> str:
    """The interface that has an address, or empty. Source: proc(5), netdevice(7) SIOCGIFADDR."""
    if family == socket.AF_INET6:
        wanted = socket.inet_pton(family, source).hex()
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            words = line.split()
            if words[0] == wanted:
                return words[5]
        return ""
    import fcntl

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        for _, name in socket.if_nameindex():
            try:
                found = fcntl.ioctl(sock, 0x8915, struct.pack("256s", name.encode()))
            except OSError:
                continue
            if socket.inet_ntoa(found[20:24]) == source:
                return name
    finally:
        sock.close()
    return ""


def arguments(made: argparse.ArgumentParser) -> None:
    """The command line."""
    made.add_argument("address", metavar="VIP")
    made.add_argument("--every", default="50ms", metavar="50ms", help="5ms to 1000ms between two probes")
    made.add_argument("--for", dest="seconds", type=seconds, default=0, metavar="S", help="end after so many seconds")
    made.add_argument(
        "--timeout",
        dest="patience",
        type=seconds,
        default=PATIENCE_S,
        metavar="S",
        help=f"what is not answered by then is lost (default {PATIENCE_S:g})",
    )
    made.add_argument("--no-icmp", action="store_true", help="do not ping")
    made.add_argument("--no-owner", action="store_true", help="do not ask by ARP or neighbour discovery who answers")
    made.add_argument("--tcp", type=port, action="append", default=[], metavar="PORT", help="also connect to this port")
    made.add_argument("--http", default="", metavar="URL", help="also read http:// or https://VIP/...")
    made.add_argument("--expect", default="", metavar="TEXT", help="the text that the answer must hold")
    made.add_argument("--interface", default="", metavar="IF", help="where to ask for the owner")
    made.add_argument("--source", default="", metavar="ADDRESS", help="our own address when asking for the owner")


def seconds(text: str) -> float:
    """A time in seconds, more than nothing."""
    value = float(text[:-1] if text.endswith("s") else text)
    if not 0 < value < 1e9:
        raise ValueError
    return value


def port(text: str) -> int:
    """A TCP port."""
    value = int(text)
    if not 0 < value < 65536:
        raise ValueError
    return value


def interval_ms(text: str) -> float:
    """50, 50ms, 0.05s as milliseconds within the allowed range."""
    try:
        scale = 1 if text.endswith("ms") or not text.endswith("s") else 1000
        value = float(text.rstrip("ms")) * scale
    except ValueError:
        value = 0.0
    if not EVERY_MS[0] <= value <= EVERY_MS[1]:
        raise ValueError(f"--every {text}: an interval is 5ms to 1000ms")
    return value


def probes_of(chosen: argparse.Namespace, poll: select.poll, say: Say, patience: int) -> list[Icmp | Owner | Tcp]:
    """The probes that were asked for; what is not possible is said once and left out."""
    info = socket.getaddrinfo(chosen.address, None, type=socket.SOCK_DGRAM)[0]
    family, address = info[0], str(info[4][0])
    scheme, place, web, wish = _url(chosen.http) if chosen.http else ("", "", 0, b"")
    made: list[Icmp | Owner | Tcp] = []
    if not chosen.no_icmp:
        try:
            made.append(Icmp(family, address, Pending("icmp", say, patience)))
        except OSError as error:
            say({"v": 1, "problem": f"icmp: {error.strerror or error}"})
    if not chosen.no_owner:
        kind = "nd" if family == socket.AF_INET6 else "arp"
        try:
            source = chosen.source or source_of(family, address)
            interface = chosen.interface or interface_of(family, source)
            if not interface or source == address:
                say({"v": 1, "problem": f"{kind}: name the interface and our own address on it"})
            else:
                made.append(Owner(family, address, interface, source, Pending(kind, say, patience)))
        except OSError as error:
            say({"v": 1, "problem": f"{kind}: {error.strerror or error}"})
    for number in chosen.tcp:
        made.append(Tcp(family, address, number, Pending(f"tcp:{number}", say, patience), poll))  # noqa: PERF401
    if scheme:
        pending = Pending(scheme, say, patience)
        tls, name = _tls(place) if scheme == "https" else (None, "")
        made.append(Tcp(family, address, web, pending, poll, wish, chosen.expect, tls, name))
    return made


def _url(url: str) -> tuple[str, str, int, bytes]:
    """Scheme, host, port and what is asked. Raises: ValueError when it cannot be read."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https"):
        raise ValueError("only http:// and https:// are read")
    place, _, path = rest.partition("/")
    number = 443 if scheme == "https" else 80
    if place.rpartition(":")[2].isdigit() and "]" not in place[-1:]:
        number = int(place.rpartition(":")[2])
    if not 0 < number < 65536:
        raise ValueError(f"{url}: {number} is no port")
    return scheme, place, number, f"GET /{path} HTTP/1.0\r\nHost: {place}\r\n\r\n".encode()


def _tls(place: str) -> tuple[Any, str]:
    """How TLS is spoken, and the name that is asked for; none for a bare address."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    name = place.partition(":")[0]
    return context, "" if name.startswith("[") or name.replace(".", "").isdigit() else name


def run(chosen: argparse.Namespace, say: Say, clock: Clock = time.monotonic_ns) -> int:
    """Probe until the time is over or nobody listens. Returns 1 when anything was lost, else 0."""
    lost: list[int] = []

    def told(line: dict[str, Any]) -> None:
        if line.get("ok") is False:
            lost.append(line["n"])
        say(line)

    every, patience = int(interval_ms(chosen.every) * 1e6), int(chosen.patience * 1e9)
    poll = select.poll()
    probes = probes_of(chosen, poll, told, patience)
    if not probes:
        return 2
    by_fd: dict[int, Icmp | Owner] = {}
    for probe in probes:
        if not isinstance(probe, Tcp):
            by_fd[probe.sock.fileno()] = probe
            poll.register(probe.sock, select.POLLIN)
    say(
        {
            "v": 1,
            "target": chosen.address,
            "every": every,
            "host": socket.gethostname(),
            "mono": clock(),
            "wall": time.time_ns(),
            "kinds": [probe.pending.kind for probe in probes],
        }
    )
    began = due = clock()
    end = began + int(chosen.seconds * 1e9) if chosen.seconds else 1 << 62
    number = 0
    while True:
        now = clock()
        if now >= end:
            break
        if now >= due:
            for probe in probes:
                probe.send(number, clock())
            number += 1
            due = max(due + every, now)
        for fd, _ in poll.poll(max(0, (min(due, end) - clock()) / 1e6)):
            if fd in by_fd:
                by_fd[fd].read(clock)
            else:
                for probe in probes:
                    if isinstance(probe, Tcp):
                        probe.ready(fd, clock)
        now = clock()
        for probe in probes:
            if isinstance(probe, Tcp):
                probe.expire(now, patience)
            probe.pending.flush(now, every if isinstance(probe, Owner) else 0)
    for probe in probes:
        probe.pending.flush(clock(), end=True)
    return 1 if lost else 0


def main(argv: list[str] | None = None) -> int:
    """As a program: JSON lines on standard output."""
    made = argparse.ArgumentParser(prog="hatui probe", description="Is an address served, and by whom?")
    arguments(made)
    chosen = made.parse_args(argv)

    def say(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    try:
        return run(chosen, say)
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        if isinstance(error, socket.gaierror):
            error = ValueError(f"{chosen.address}: {error.strerror}")
        sys.stderr.write(f"hatui probe: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
