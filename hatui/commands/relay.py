"""`hatui relay`: the engine's control socket on standard input and output, for a console on another host.

Invariant: octets pass as they are, in both directions, and the end of one side ends the other; where the engine
is not there, the reason is the one line that is said, in the engine's own words.
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import sys

from engine.messages import Farewell
from engine.wire import encode_line
from hatui.commands import EXIT_NO_ENGINE
from hatui.commands.terminal import complain

EPILOG = "exit codes: 0 one side has ended the connection, 3 no engine, or no permission"
PIECE = 65536


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    socket_option(parser, remote=False)


def run(chosen: argparse.Namespace) -> int:
    """Until one side ends."""
    with socket.socket(socket.AF_UNIX) as engine:
        try:
            engine.connect(chosen.socket)
        except OSError as failure:
            return _absent(chosen.socket, failure)
        try:
            pump(sys.stdin.fileno(), sys.stdout.fileno(), engine)
        except (BrokenPipeError, ConnectionError):
            return 0
    return 0


def _absent(path: str, failure: OSError) -> int:
    """Say it in a line that the console understands, and in a sentence for people."""
    denied = isinstance(failure, PermissionError)
    code = "E-PERMISSION" if denied else "E-NO-ENGINE"
    text = f"{path}: {failure.strerror or failure}"
    if denied:
        text += f": {_user()} is not in group hatui"
    sys.stdout.buffer.write(encode_line(Farewell(code, text)))
    sys.stdout.buffer.flush()
    complain(f"{text} [{code}]")
    return EXIT_NO_ENGINE


def _user() -> str:
    """The name of who runs this."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"


def pump(source: int, sink: int, engine: socket.socket) -> None:
    """Copy `source` to the engine and the engine to `sink` until the engine ends."""
    with selectors.PollSelector() as ready:
        ready.register(source, selectors.EVENT_READ)
        ready.register(engine, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is engine:
                    data = engine.recv(PIECE)
                    if not data:
                        return
                    _write(sink, data)
                elif data := os.read(source, PIECE):
                    engine.sendall(data)
                else:  # no more requests; the answers to those before still have a reader
                    ready.unregister(source)
                    engine.shutdown(socket.SHUT_WR)


def _write(sink: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]
