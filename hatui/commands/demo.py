"""`hatui demo`: see `hatui.demo`, which does the work."""

from __future__ import annotations

import argparse

from hatui.demo import play

EPILOG = "exit codes: 0, 1 a step of --script failed, 4 this machine does not allow the lab (see --simulate)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("--script", action="store_true", help="play the tour, print it with measured losses, and end")
    parser.add_argument("--simulate", action="store_true", help="play it in the simulation: no real host, no packet")
    parser.add_argument("--theme", default="", metavar="NAME", help="theme of the console")


def run(chosen: argparse.Namespace) -> int:
    """Play."""
    return play(script=chosen.script, simulate=chosen.simulate, theme=chosen.theme)
