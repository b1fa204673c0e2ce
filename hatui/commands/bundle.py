"""`hatui bundle`: an archive of what happened, to hand to somebody else.

Invariant: what is in it is said in `hatui.bundling`; the file is for its owner alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.errors import HatuiError
from engine.messages import Command, Reply
from hatui.bundling import collect, name_of, packed
from hatui.commands import session
from hatui.commands.terminal import complain, count, note, say, say_json
from hatui.text import NS, parse_duration

EPILOG = "exit codes: 0, 1 the file cannot be written, 2 usage, 3 no engine, 5 refused"
EXIT_USAGE = 2
STANDARD_OUTPUT = "-"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("--last", default="1h", metavar="TIME", help="how far back: 30m, 1h (default), 24h")
    parser.add_argument(
        "--output", "-o", metavar="FILE", help="default: hatui-bundle-HOST-TIME.tar.gz; - is standard output"
    )
    parser.add_argument("--json", action="store_true", help="where it is and what is in it, as one JSON object")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Collect, clean, write."""
    try:
        span = parse_duration(chosen.last)
    except ValueError as error:
        complain(f"--last: {error}")
        return EXIT_USAGE
    if chosen.json and chosen.output == STANDARD_OUTPUT:
        complain("--json and -o - both want standard output", "name a file behind -o")
        return EXIT_USAGE
    name, files = session.run_for(_collected(chosen, span * NS))
    octets = packed(name, files)
    if chosen.output == STANDARD_OUTPUT:
        sys.stdout.buffer.write(octets)
        return 0
    path = Path(chosen.output or f"{name}.tar.gz")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(octets)
    except OSError as failure:
        raise HatuiError(f"{path}: {failure.strerror} [E-IO]") from None
    if chosen.json:
        say_json({"path": str(path), "octets": len(octets), "files": sorted(files)})
        return 0
    say(str(path))
    note(
        f"{count(len(files), 'file')}, {len(octets) // 1024 + 1} KiB; passwords, keys and scripts' output are not in it"
    )
    return 0


async def _collected(chosen: argparse.Namespace, span: int) -> tuple[str, dict[str, str]]:
    """The archive's name and the clean files."""
    async with session.engine(chosen) as client:

        async def ask(command: Command, extra_s: float) -> Reply:
            return await session.within(chosen, client.request(command), extra_s)

        name = name_of(client.hello.host, client.hello.wall_ns)
        return name, await collect(ask, client.hello, client.snapshot, span)
