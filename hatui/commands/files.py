"""Configuration files for commands that need no engine: read as they are on this disk.

Invariant: a file that cannot be read is a sentence with its name, never a traceback.
"""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path

from engine.config.files import Reader, alternatives
from engine.errors import HatuiError

STANDARD_INPUT = "-"


def read_text(path: str) -> str:
    """The text of a file, or of standard input for "-". Octets that are no UTF-8 become surrogates.

    Raises: HatuiError with the name and the reason.
    """
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        return Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except OSError as failure:
        raise HatuiError(f"{path}: {failure.strerror} [E-IO]") from None


def write_text(path: str, text: str) -> None:
    """Replace the text of a file in one step; owner and mode stay. Raises: HatuiError."""
    from engine.core.revisions import write_atomically

    try:
        write_atomically(Path(path), text.encode("utf-8", "surrogateescape"))
    except OSError as failure:
        raise HatuiError(f"{path}: {failure.strerror} [E-IO]") from None


def disk() -> Reader:
    """A reader over the real files."""

    def read(path: str) -> str | None:
        try:
            return Path(path).read_bytes().decode("utf-8", "surrogateescape")
        except OSError:
            return None

    def find(pattern: str) -> list[str]:
        found = {path for one in alternatives(pattern) for path in glob.glob(one)}
        return sorted(path for path in found if os.path.isfile(path))

    return Reader(read, find)
