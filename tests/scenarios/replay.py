"""`python -m tests.scenarios.replay SEED [--detail]`: one random history again, told in full."""

from __future__ import annotations

import argparse
import sys

from tests.scenarios.histories import play

DETAIL = ("address", "announce", "rejected", "tracker", "interface", "note")


def main(arguments: list[str]) -> int:
    """Print the history of a seed; 1 when it has problems."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios.replay", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--detail", action="store_true", help="addresses, announcements, rejected packets, notes too")
    options = parser.parse_args(arguments)
    history = play(options.seed)
    sys.stdout.write(history.report(DETAIL if options.detail else ()))
    return 1 if history.problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
