"""`hatui probe`: is an address served, and by whom, asked from here or from a host that has only Python.

Invariant: one JSON line for each probe, in the order of sending; the same program runs here and over there.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from engine import probe
from engine.errors import HatuiError
from hatui.commands.terminal import complain
from hatui.unreachable import FAILED, NOT_FOUND

if TYPE_CHECKING:
    from hatui.remote import Target


EPILOG = """exit codes: 0 nothing lost, 1 loss seen, 2 it cannot be probed

One JSON line for each probe: kind, n, sent and rtt (ns, clock of that host), ok, macs (who answered).
`--over user@host` needs nothing there but Python 3.8; the program is sent through ssh."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    probe.arguments(parser)
    parser.add_argument(
        "--over",
        "--host",
        dest="over",
        default="",
        metavar="USER@HOST",
        help="probe from there, through ssh (or HATUI_SSH)",
    )
    parser.add_argument("--json", action="store_true", help="JSON lines, which it speaks in any case")


def run(chosen: argparse.Namespace) -> int:
    """Do it."""
    words = words_of(chosen)
    over = chosen.over or (chosen.host or [""])[0]
    if not over:
        return probe.main(words)
    from hatui.remote import target

    try:
        there = target(over)
    except HatuiError as error:
        complain(str(error).replace("--host", "--over"))
        return 2
    return probe.main(words) if there.local else _over(there, words)


def _over(there: Target, words: list[str]) -> int:
    """Send the program to that host; its lines come here."""
    argv = [*there.ssh(os.environ), f"python3 - {shlex.join(words)}"]
    try:
        done = subprocess.run(argv, input=source(), check=False)
    except OSError as error:
        complain(f"{argv[0]}: {error.strerror} [E-IO]")
        return 2
    if done.returncode == FAILED:
        complain(f"{there.given}: ssh did not get there, or was cut off [E-SSH]", f"`ssh {there.to}` has to work")
    elif done.returncode == NOT_FOUND:
        complain(f"{there.given}: there is no python3 [E-SSH]", "probe from another host, or install it there")
    return done.returncode if done.returncode in (0, 1, 130) else 2


def source() -> bytes:
    """The program, to be sent to another host's Python."""
    return Path(probe.__file__).read_bytes()


def words_of(chosen: argparse.Namespace) -> list[str]:
    """The arguments for the program over there."""
    words = [chosen.address, "--every", chosen.every]
    words += ["--for", str(chosen.seconds)] if chosen.seconds else []
    words += ["--timeout", str(chosen.patience)] if chosen.patience != probe.PATIENCE_S else []
    words += [f"--no-{name}" for name in ("icmp", "owner") if getattr(chosen, f"no_{name}")]
    for port in chosen.tcp:
        words += ["--tcp", str(port)]
    for name in ("http", "expect", "interface", "source"):
        if getattr(chosen, name):
            words += [f"--{name}", getattr(chosen, name)]
    return words
