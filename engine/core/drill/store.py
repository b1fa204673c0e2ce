"""The journal of the drill under way, and the reports of those that have ended.

Owns the invariant that before anything is broken it is on disk what has to be mended, and that a report is
there whole or not at all.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.core.drill.packets import file_of, piece, prune
from engine.core.revisions import remove_durably, write_atomically
from engine.errors import Refused
from engine.messages import DrillReport

KEPT = 200
MODE, DIRECTORY_MODE = 0o600, 0o700
TRIAL = 64 * 1024
"""Octets that the disk has to take before a drill begins: journal and report fit."""


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """The drill under way, as far as it has to be mended."""

    number: int
    plan: str
    title: str
    instance: str
    members: tuple[str, ...]
    act: str
    by: str
    reason: str
    started: int
    real_link: bool = False


class Drills:
    """The state directory's part for drills. `directory` None keeps reports in memory. Every method may block."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory / "drills" if directory else None
        self._reports: list[DrillReport] = []
        self._open = False

    @property
    def reports(self) -> tuple[DrillReport, ...]:
        """Oldest first."""
        return tuple(self._reports)

    @property
    def next_number(self) -> int:
        """A number that no report has."""
        return max((one.number for one in self._reports), default=0) + 1

    def open(self) -> None:
        """Read what is there; once. What is damaged is left out."""
        if self._open:
            return
        self._open = True
        if self.directory is None or not self.directory.is_dir():
            return
        for path in sorted(self.directory.glob("[0-9]*.json")):
            found = _read(path, DrillReport)
            if isinstance(found, DrillReport):
                self._reports.append(found)

    def journal(self) -> Journal | None:
        """The drill that an engine before this one did not end."""
        found = _read(self.directory / "running.json", Journal) if self.directory is not None else None
        return found if isinstance(found, Journal) else None

    def check_room(self) -> None:
        """Write something as large as a report, and remove it: a disk that filled up is found before anything begins.

        Raises:
            Refused: E-HISTORY-OFF.
        """
        if self.directory is None:
            return
        trial = self.directory / "trial"
        try:
            self.directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            write_atomically(trial, bytes(TRIAL), MODE)
            trial.unlink()
        except OSError as error:
            words = f"{self.directory}: {error.strerror or error}; a drill could not be undone after a crash"
            raise Refused("E-HISTORY-OFF", words) from error

    def begin(self, journal: Journal) -> None:
        """Remember what is about to be broken.

        Raises:
            Refused: E-IO, nothing may be broken then.
        """
        if self.directory is None:
            return
        try:
            self.directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            write_atomically(self.directory / "running.json", msgspec.json.encode(journal), MODE)
        except OSError as error:
            words = f"{error.filename or self.directory}: {error.strerror or error}"
            raise Refused("E-IO", f"nothing was broken, because the journal cannot be written: {words}") from error

    def mended(self) -> None:
        """Nothing is broken any more.

        Raises:
            OSError: it may be mended once more at the next start, which does no harm.
        """
        if self.directory is not None and self.directory.is_dir():
            remove_durably(self.directory / "running.json")

    def add(self, report: DrillReport) -> None:
        """Keep a report.

        Raises:
            OSError: it is kept in memory only.
        """
        self._reports.append(report)
        del self._reports[:-KEPT]
        if self.directory is None:
            return
        self.directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        prune(self.directory, {one.number for one in self._reports})
        write_atomically(self.directory / f"{report.number:08d}.json", msgspec.json.encode(report), MODE)
        for path in sorted(self.directory.glob("[0-9]*.json"))[:-KEPT]:
            path.unlink(missing_ok=True)

    def packets_file(self, number: int) -> Path | None:
        """Where the packets of a drill belong."""
        return file_of(self.directory, number) if self.directory is not None else None

    def packets(self, number: int, offset: int) -> tuple[bytes, int]:
        """A part of the packets of a drill, and how many octets there are.

        Raises:
            Refused: E-NO-PACKETS.
        """
        path = self.packets_file(number)
        try:
            if path is None:
                raise FileNotFoundError
            return piece(path, offset)
        except OSError:
            raise Refused("E-NO-PACKETS", f"no packets of drill {number} are kept") from None


def _read(path: Path, kind: type[DrillReport | Journal]) -> DrillReport | Journal | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
