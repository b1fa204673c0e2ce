"""The packets of a drill, kept as pcapng beside its report.

Invariant: what was written is a whole file at any moment, also when the engine dies; secrets are zeroed; neither
one drill nor all of them together grow beyond their limit. A disk that takes nothing costs the file, not the drill.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from pathlib import Path

from engine.messages import PacketLine
from engine.protocol.packet.pcapng import Pcapng

MOST = 20_000
"""Packets of one drill."""
TOTAL = 64 * 1024 * 1024
"""Octets of all files together."""
PIECE = 96 * 1024
"""Octets in one reply to a console."""
MODE = 0o600


class Packets:
    """One file. `path` None keeps nothing."""

    def __init__(self, path: Path | None, instances: Collection[str]) -> None:
        self._path = path
        self._instances = frozenset(instances)
        self._waiting: list[PacketLine] = []
        self._blocks: Pcapng | None = None
        self._writing = threading.Lock()
        self.kept = 0
        self.left_out = 0
        """Packets beyond the limit, or after a problem."""
        self.problem = "" if path else "the engine has no state directory"

    @property
    def path(self) -> str:
        """Where they are; empty when there is no file."""
        return str(self._path) if self._path is not None and self._blocks is not None else ""

    def add(self, line: PacketLine) -> None:
        """A frame of the wire, if it is of one of the instances."""
        if line.instance not in self._instances:
            return
        if self.problem or self.kept + len(self._waiting) >= MOST:
            self.left_out += 1
            return
        self._waiting.append(line)

    def flush(self) -> None:
        """Write what came. Blocks; never raises for the disk's sake."""
        with self._writing:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._path is None or self.problem or not (waiting or self._blocks is None):
            return
        try:
            if self._blocks is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                os.close(os.open(self._path, how, MODE))
                self._blocks = Pcapng()
                octets = self._blocks.begin()
            else:
                octets = b""
            with self._path.open("ab") as file:
                file.write(octets + b"".join(map(self._blocks.add, waiting)))
        except OSError as error:
            self.problem = error.strerror or str(error)
            self.left_out += len(waiting)
        else:
            self.kept += len(waiting)


def file_of(directory: Path, number: int) -> Path:
    """The file of a drill."""
    return directory / f"{number:08d}.pcapng"


def prune(directory: Path, numbers: Collection[int], total: int = TOTAL) -> None:
    """Remove the files of reports that are gone, and the oldest ones beyond `total` octets. Blocks."""
    size = 0
    for path in sorted(directory.glob("[0-9]*.pcapng"), reverse=True):
        size += path.stat().st_size
        if size > total or not path.stem.isdecimal() or int(path.stem) not in numbers:
            path.unlink(missing_ok=True)


def piece(path: Path, offset: int) -> tuple[bytes, int]:
    """A part of a file, and how long the whole is. Blocks.

    Raises: OSError.
    """
    with path.open("rb") as file:
        total = os.fstat(file.fileno()).st_size
        file.seek(offset)
        return file.read(PIECE), total
