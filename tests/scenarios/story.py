"""A story is compared as text, line by line; the failure shows both."""

from __future__ import annotations

import difflib
import textwrap

import pytest

from engine.simulation import Lan


def tells(lan: Lan, expected: str, *more: str, since_s: float = 0.0) -> None:
    """The timeline (brief kinds and `more`) from `since_s` on reads as expected; blank lines and margin aside."""
    wanted = [line.strip() for line in textwrap.dedent(expected).splitlines() if line.strip()]
    got = [line.strip() for line in lan.text(*more, since_s=since_s).splitlines()]
    if wanted != got:
        pytest.fail(
            "\n".join(difflib.unified_diff(wanted, got, "told here", "happened", lineterm="", n=99)), pytrace=False
        )
