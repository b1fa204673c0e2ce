"""`hatui metrics`: the engine's state for Prometheus, on standard output or as a file for the textfile collector.

Invariant: a file is replaced whole, in one step: a collector never reads half of it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine.errors import EngineLost, HatuiError, ProtocolMismatch, Refused
from hatui import metrics
from hatui.commands import EXIT_NO_ENGINE, session
from hatui.commands.terminal import complain, say, say_json

EPILOG = "exit codes: 0, 1 the file cannot be written, 3 no engine (then keepalived_up is 0)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("--json", action="store_true", help="the same figures as one JSON object")
    parser.add_argument("--textfile", metavar="FILE", help="replace this file (node_exporter's textfile collector)")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Say it once."""
    status, families = session.run_for(_families(chosen))
    if chosen.textfile:
        _replace(Path(chosen.textfile), metrics.written(families))
    if chosen.json:
        say_json({"up": status == 0, "metrics": metrics.record(families)})
    elif not chosen.textfile:
        say(metrics.written(families).rstrip("\n"))
    return status


async def _families(chosen: argparse.Namespace) -> tuple[int, list[metrics.Family]]:
    try:
        client, store = await session.snapshot(chosen)
    except (EngineLost, Refused, ProtocolMismatch) as failure:
        complain(str(failure))
        return EXIT_NO_ENGINE, metrics.down()
    return 0, metrics.families_of(store, client.snapshot.mono_ns)


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text)
        beside.chmod(0o644)
        beside.replace(path)
    except OSError as failure:
        beside.unlink(missing_ok=True)
        raise HatuiError(f"{path}: {failure.strerror or failure} [E-IO]") from None
