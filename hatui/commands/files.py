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
LARGEST = 16 * 1024 * 1024
"""Octets of a configuration file; what has more is none."""


def read_text(path: str) -> str:
    """The text of a file, or of standard input for "-". Octets that are no UTF-8 become surrogates.

    Raises: HatuiError with the name and the reason.
    """
    try:
        octets = sys.stdin.buffer.read(LARGEST + 1) if path == STANDARD_INPUT else _octets(path)
    except OSError as failure:
        raise HatuiError(f"{path}: {failure.strerror} [E-IO]") from None
    if len(octets) > LARGEST:
        words = f"it has more than {LARGEST // 1024 // 1024} MiB, and is no configuration"
        raise HatuiError(f"{path}: {words} [E-FORMAT]")
    return octets.decode("utf-8", "surrogateescape")


def _octets(path: str) -> bytes:
    """Of a file, and one more than may be when it has too many: a device has no end."""
    with open(path, "rb") as file:
        return file.read(LARGEST + 1)


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
            octets = _octets(path)
        except OSError:
            return None
        return octets.decode("utf-8", "surrogateescape") if len(octets) <= LARGEST else None

    def find(pattern: str) -> list[str]:
        found = {path for one in alternatives(pattern) for path in glob.glob(one)}
        return sorted(path for path in found if os.path.isfile(path))

    return Reader(read, find)
