"""`hatui probe`: is an address served, and by whom, asked from here or from a host that has only Python.

Invariant: one JSON line for each probe, in the order of sending; the same program runs here and over there.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from pathlib import Path

from engine import probe
from hatui.commands.terminal import complain

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
    ssh = shlex.split(os.environ.get("HATUI_SSH", "") or "ssh")
    try:
        done = subprocess.run([*ssh, over, f"python3 - {shlex.join(words)}"], input=source(), check=False)
    except OSError as error:
        complain(f"{ssh[0]}: {error.strerror} [E-IO]")
        return 2
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
