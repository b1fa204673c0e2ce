"""`hatui capture`: adverts, gratuitous ARP and NA as they pass, with the engine's verdict, as lines or as pcapng.

Invariant: standard output is either lines or a pcapng stream, never both; a file is written packet by packet, so
that it is whole whenever the capture ends; secrets are zeroed unless they are asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.client import EngineClient
from engine.errors import EngineLost, HatuiError
from engine.messages import Gap, PacketLine
from engine.protocol.packet.pcapng import Pcapng
from hatui.commands import session
from hatui.commands.packets import add_filter, packet_line
from hatui.commands.terminal import complain, count, note, say
from hatui.filters import PacketFilter
from hatui.frames import facts
from hatui.saving import record

EPILOG = """\
examples: hatui capture -f 'vrid==51 && verdict!=ok'
          hatui capture -w - | tshark -r -
exit codes: 0 also when ended by ctrl+c, 1 the file cannot be written, 2 usage (a wrong filter),
            3 no engine, or it was lost (what came before is in the file)"""
STANDARD_OUTPUT = "-"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    add_filter(parser)
    parser.add_argument(
        "-w", "--write", metavar="FILE", help="pcapng, for tshark and `hatui decode`; -: standard output"
    )
    parser.add_argument("-c", "--count", type=_count, default=0, metavar="N", help="end after N packets")
    parser.add_argument("--json", action="store_true", help="one JSON object a packet")
    parser.add_argument("--with-secrets", action="store_true", help="write passwords and digests too (operators only)")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    socket_option(parser)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no number of packets")
    return int(text)


def run(chosen: argparse.Namespace) -> int:
    """Until -c, or ctrl+c."""
    return session.run(_capture(chosen))


async def _capture(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        if "packets" not in client.hello.capabilities:
            complain("this engine cannot see packets: it has no CAP_NET_RAW", "run it as root, or grant the capability")
        if chosen.with_secrets and client.hello.role != "operator":
            complain(f"{client.hello.user} is a viewer: the engine tells no secrets")
        sink = _Sink(chosen)
        try:
            await client.subscribe("packets")
            return await _listen(client, sink)
        finally:
            sink.close()


async def _listen(client: EngineClient, sink: _Sink) -> int:
    loop = asyncio.get_running_loop()
    work = loop.create_task(_take(client, sink))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return 0
    except EngineLost as lost:
        complain(f"{lost}; {count(sink.count, 'packet')} until then")
        return 3
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


async def _take(client: EngineClient, sink: _Sink) -> None:
    async for told in client.lines():
        if isinstance(told, Gap):
            sink.lost += told.packets
        elif isinstance(told, PacketLine) and sink.take(told):
            return


class _Sink:
    """Where packets go."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.count = 0
        self.seen = 0
        self.lost = 0
        self._wanted: PacketFilter = chosen.filter
        self._limit: int = chosen.count
        self._say: Callable[[PacketLine], None] | None = None
        self._file: BinaryIO | None = None
        self._blocks = Pcapng(with_secrets=chosen.with_secrets)
        self._secrets = chosen.with_secrets
        if chosen.write:
            self._file = _open(chosen.write, replace=chosen.force)
            self._put(self._blocks.begin())
        if chosen.write != STANDARD_OUTPUT:
            self._say = self._json if chosen.json else None if chosen.write else lambda packet: say(packet_line(packet))

    def take(self, packet: PacketLine) -> bool:
        """One packet. True when it was the last one wanted."""
        self.seen += 1
        if not self._wanted(facts(packet, packet.mono_ns)):
            return False
        self.count += 1
        if self._file is not None:
            self._put(self._blocks.add(packet))
        if self._say is not None:
            self._say(packet)
        return self.count == self._limit

    def _json(self, packet: PacketLine) -> None:
        say(msgspec.json.encode(record(packet, with_secrets=self._secrets)).decode())

    def _put(self, octets: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(octets)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as failure:
            raise HatuiError(f"the file cannot be written: {failure.strerror} [E-IO]") from None

    def close(self) -> None:
        """The sum, on standard error."""
        if self._file is not None and self._file is not sys.stdout.buffer:
            self._file.close()
        note(f"{count(self.count, 'packet')}, {self.seen - self.count} did not match, {self.lost} lost")


def _open(path: str, *, replace: bool) -> BinaryIO:
    if path == STANDARD_OUTPUT:
        if sys.stdout.isatty():
            raise HatuiError(
                "pcapng is not for a terminal: name a file, or pipe it, such as | tshark -r - [E-TERMINAL]"
            )
        return sys.stdout.buffer
    how = os.O_TRUNC if replace else os.O_EXCL
    try:
        return os.fdopen(os.open(Path(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600), "wb")
    except FileExistsError:
        raise HatuiError(f"{path} exists: name another file, or say --force [E-EXISTS]") from None
    except OSError as failure:
        raise HatuiError(f"{path}: {failure.strerror} [E-IO]") from None
