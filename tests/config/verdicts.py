"""`hatui-engine -t` for many files in one process: reads paths, answers each with its exit code.

    ip netns exec NAMESPACE python -m tests.config.verdicts < paths

What it told about a file stands beside it, in PATH.said.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine import cli


def of_paths(lines: Iterable[str]) -> Iterable[int]:
    """The exit code for each path."""
    for line in lines:
        path = line.rstrip("\n")
        yield cli.main(["-t", f"{path}.said", "-i", "node", "-f", path])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; it takes no arguments."""
    del arguments
    for code in of_paths(sys.stdin):
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
    return 0


def said(path: Path) -> str:
    """What was told about the file."""
    return Path(f"{path}.said").read_text(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
