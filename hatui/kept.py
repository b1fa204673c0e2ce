"""Text that was typed and not applied, kept on the operator's own disk until it is applied or thrown away.

Invariant: a console that dies, or loses its engine, loses at most the last pause in typing. The file is
readable by its owner alone and holds secrets only as far as somebody typed or revealed them; a file that
cannot be read is no text, never an error that stops the console.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """One text."""

    host: str
    path: str
    """The configuration file that was edited."""
    text: str
    """As shown: secrets that were not edited are marks."""
    base: str
    """Digest of the file that the text began from."""
    wall_ns: int
    candidate: bool = False
    """Saved on purpose."""
    included: dict[str, str] = {}
    """Included files that were edited too: path -> text as shown."""
    bases: dict[str, str] = {}
    """Digests of the files that those began from."""


def place(directory: Path, host: str, path: str) -> Path:
    """Where the text of a file on a host is kept."""
    name = hashlib.sha256(f"{host}\0{path}".encode()).hexdigest()[:12]
    return directory / "drafts" / f"{name}.json"


def keep(where: Path, kept: Kept) -> None:
    """Write it, whole or not at all.

    Raises: OSError when it cannot be written.
    """
    where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=f".{where.name}.", dir=where.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:  # mkstemp makes it 0600
            file.write(msgspec.json.encode(kept))
        os.replace(name, where)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def read(where: Path) -> Kept | None:
    """The text that is kept there."""
    try:
        return msgspec.json.decode(where.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None


def forget(where: Path) -> None:
    """Throw it away."""
    with contextlib.suppress(OSError):
        where.unlink(missing_ok=True)
