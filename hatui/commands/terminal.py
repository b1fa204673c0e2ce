"""What people see of a command: text, colour, questions, complaints.

Invariant: standard output carries the result and nothing else; colour only where a person looks (a
terminal, NO_COLOR not set), and never as the only sign of anything.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from engine.errors import HatuiError
from hatui.text import NS, Span, plain

DAY = 24 * 3600 * NS

_SGR = {
    "dim": "2",
    "strong": "1",
    "title": "1",
    "key": "1",
    "good": "32",
    "warn": "33",
    "bad": "1;31",
    "alarm": "1;31",
    "master": "1;32",
    "backup": "36",
    "fault": "1;31",
    "init": "33",
    "unknown": "33",
    "changed": "33",
}


def say(text: str = "") -> None:
    """One line of the result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """One line about the work, for people: not part of the result, so it costs nothing but itself when it is lost."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def complain(text: str, hint: str = "") -> None:
    """What went wrong and what to do, on standard error."""
    note(f"hatui: {plain(text)}")
    if hint:
        note(f"       {hint}")


def say_json(value: Any) -> None:
    """The result as one JSON object: a message, or a mapping of plain Python values."""
    say(msgspec.json.format(json_line(value), indent=2))


def say_failure(text: str) -> None:
    """What went wrong as a JSON object, with the keys that every change of the configuration and of a state has."""
    found = re.search(r" \[([A-Z]-[A-Z0-9-]+)\]$", text)
    words, code = (text[: found.start()], found.group(1)) if found else (text, "")
    with contextlib.suppress(OSError):
        say_json({"outcome": "failed", "code": code, "text": plain(words)})


def json_line(value: Any) -> str:
    """The same on one line, for one of many results.

    The version of the schema stands first; it counts up when a key goes or means something else, not when one comes.
    """
    return msgspec.json.encode({"v": 1, **msgspec.to_builtins(value)}).decode()


def coloured() -> bool:
    """True when standard output may have colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def painted(spans: Iterable[Span]) -> str:
    """Spans as text, with colour where it is allowed."""
    colour = coloured()
    return "".join(f"\x1b[{_SGR[role]}m{text}\x1b[0m" if colour and role in _SGR else text for text, role in spans)


def count(number: int, noun: str) -> str:
    """`1 packet`, `2 packets`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def time_of_day(text: str) -> str:
    """A time as an argument. Raises: argparse.ArgumentTypeError when it is none."""
    from hatui.replay import moment_of

    try:
        moment_of(text, DAY)
    except HatuiError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def columns() -> int:
    """Width of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100


def table(rows: Sequence[Sequence[Span]]) -> list[str]:
    """Rows of cells as aligned columns; the first row is the head."""
    widths = [max(len(row[at][0]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells: list[Span] = []
        for at, (text, role) in enumerate(row):
            last = at == len(row) - 1
            cells.append((text, role))
            if not last:
                cells.append((" " * (widths[at] - len(text) + 2), "plain"))
        lines.append(painted(cells).rstrip())
    return lines


def agreed(question: str) -> bool:
    """Ask for yes on the terminal. False where nobody can be asked."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
