"""Figures as arguments: each is refused with a sentence that says what it may be.

Invariant: no figure that a command cannot mean gets past its parser: no count below its least, no time that is not a
number or has no end.
"""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable

MOST = 1_000_000_000


def whole(least: int = 0) -> Callable[[str], int]:
    """A whole number of at least `least`."""

    def number(text: str) -> int:
        with contextlib.suppress(ValueError):
            if least <= (found := int(text)) <= MOST:
                return found
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")

    return number


def seconds(text: str) -> float:
    """A time in seconds, perhaps none at all."""
    with contextlib.suppress(ValueError):
        if 0 <= (found := float(text.removesuffix("s"))) < math.inf:
            return found
    raise argparse.ArgumentTypeError(f"{text!r} is no time: say seconds, such as 5 or 0.5")


def patience(text: str) -> float:
    """A time in seconds, more than none."""
    if found := seconds(text):
        return found
    raise argparse.ArgumentTypeError(f"{text!r} is no time to wait: say seconds, such as 5 or 0.5")
