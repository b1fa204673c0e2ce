"""Every code that hatui ever shows, with its explanation.

    commands     E-*  why a command was refused or undone
    console      E-*  why the console or the command line refuses before an engine is asked
    reading      C-*  the configuration cannot be read, or a value is out of place (and a few L-* of the same kind)
    habits       L-*  the configuration is read, and will not do what was meant
    live         D-*  what a running engine sees on the wire and in the kernel
    preflight    P-*  what is checked before anything is moved on purpose

The invariant: a code that stands anywhere in the program stands here; a test reads the sources and
compares. `explain` is what `hatui explain CODE` prints.
"""

from __future__ import annotations

import difflib

from engine.codes.commands import COMMANDS
from engine.codes.console import CONSOLE
from engine.codes.entry import KINDS, SEVERITIES, Code
from engine.codes.habits import HABITS
from engine.codes.live import LIVE, VERDICTS
from engine.codes.preflight import PREFLIGHT
from engine.codes.reading import READING

CODES: dict[str, Code] = {code.name: code for code in (*COMMANDS, *CONSOLE, *READING, *HABITS, *LIVE, *PREFLIGHT)}


def known(name: str) -> bool:
    """Whether `name` is a code, in any case."""
    return name.upper() in CODES


def explain(name: str, width: int = 78) -> str:
    """The text of one code; empty when there is no such code (then see `nearest`)."""
    code = CODES.get(name.upper())
    return code.text(width) if code else ""


def nearest(name: str, limit: int = 3) -> list[str]:
    """The codes that look most like `name`, for "did you mean"."""
    wanted = name.upper()
    inside = [one for one in CODES if wanted in one]
    return (inside or difflib.get_close_matches(wanted, CODES, limit, 0.5))[:limit]


__all__ = ["CODES", "KINDS", "SEVERITIES", "VERDICTS", "Code", "explain", "known", "nearest"]
