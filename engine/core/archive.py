"""The configurations that were in use, kept in the state directory, and the journal of an unfinished change.

Owns the invariant that whatever instant the power fails, each revision is there whole or not at all, and that
everything a revision or the journal names can be read back, octet for octet: texts are written, under
their digest, before anything names them, and removed after nothing does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.core.revisions import digest, remove_durably, sweep, write_atomically
from engine.messages import RevisionInfo

KEPT = 50
"""Revisions."""
MODE, DIRECTORY_MODE = 0o600, 0o700
"""They hold passwords."""

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


class StoredFile(msgspec.Struct, frozen=True):
    """One file of a configuration; `digest` names its text."""

    path: str
    digest: str


class Revision(msgspec.Struct, frozen=True):
    """A configuration that was in use."""

    number: int
    parent: int
    wall_ns: int
    by: str
    comment: str
    fingerprint: str
    files: tuple[StoredFile, ...]
    """The main file first."""

    @property
    def digests(self) -> dict[str, str]:
        """Path -> digest."""
        return {one.path: one.digest for one in self.files}


class Stage(StrEnum):
    """How far a change has come."""

    WRITING = "writing"
    """Files may hold the old text or the new one: at the next start the old one comes back."""
    PENDING = "pending"
    """In use, not confirmed."""
    REVERTED = "reverted"
    """Taken back while no engine ran that could tell anybody."""
    KEPT = "kept"
    """Could not be taken back then; `obstacle` says why."""


class FileChange(msgspec.Struct, frozen=True):
    """What a change does to one file, by digests; an empty one means that there is no file."""

    path: str
    before: str
    after: str


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """The change that may have to be taken back."""

    stage: Stage
    revision: int
    previous: int
    by: str
    comment: str
    path: str
    """The main file."""
    files: tuple[FileChange, ...]
    deadline: int = 0
    """Instant of the monotonic clock of that boot, ns."""
    boot: str = ""
    excused: tuple[str, ...] = ()
    """Instances whose addresses nobody served before the change either."""
    untouched: tuple[str, ...] = ()
    """Instances whose FAULT cannot come from the change."""
    reason: str = ""
    """Why it was (or should have been) taken back."""
    obstacle: str = ""


class Archive:
    """The state directory's part for configurations. `directory` None: nothing is kept. Every method may block."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory / "revisions" if directory else None
        self._revisions: list[Revision] = []
        self._open = False
        self.problem = "" if directory else "the engine runs without a state directory"
        """Why nothing is kept; empty when all is well."""

    @property
    def disabled(self) -> bool:
        """There is no directory to keep anything in."""
        return self._directory is None

    # ---- reading

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """Those that are kept, oldest first."""
        return tuple(self._revisions)

    @property
    def last(self) -> Revision | None:
        """The newest."""
        return self._revisions[-1] if self._revisions else None

    def get(self, number: int) -> Revision | None:
        """The revision of that number."""
        return next((one for one in self._revisions if one.number == number), None)

    def infos(self, limit: int) -> tuple[RevisionInfo, ...]:
        """As clients see them, newest first."""
        found = []
        for one in reversed(self._revisions[-limit:] if limit > 0 else ()):
            parent = self.get(one.parent)
            before = parent.digests if parent is not None else {}
            changed = [path for path, text in one.digests.items() if before.get(path) != text]
            changed += [path for path in before if path not in one.digests]
            main = one.files[0].digest if one.files else ""
            found.append(
                RevisionInfo(
                    one.number, one.parent, one.wall_ns, one.by, one.comment, main, one.fingerprint, tuple(changed)
                )
            )
        return tuple(found)

    def text(self, name: str) -> bytes:
        """The octets of that digest.

        Raises:
            OSError: they are not kept, or the disk returned others.
        """
        path = self._text_path(name)
        octets = path.read_bytes()
        if digest(octets) != name:
            raise OSError(0, "the kept text is damaged", str(path))
        return octets

    def has(self, name: str) -> bool:
        """Whether the octets of that digest are kept and whole."""
        try:
            self.text(name)
        except OSError:
            return False
        return True

    @property
    def unfinished(self) -> bool:
        """Whether there is a journal."""
        return self._directory is not None and (self._directory / "pending.json").exists()

    def journal(self) -> Journal | None:
        """The unfinished change.

        Raises:
            OSError: there is one that cannot be read.
        """
        if self._directory is None:
            return None
        path = self._directory / "pending.json"
        try:
            octets = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return msgspec.json.decode(octets, type=Journal)
        except msgspec.MsgspecError as error:
            raise OSError(0, f"it is damaged ({error})", str(path)) from error

    # ---- writing

    def open(self) -> None:
        """Read what is there; once. What is damaged is left alone, and left out.

        Raises:
            OSError: the directory cannot be used.
        """
        if self._open:
            return
        directory = self._there()
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        (directory / "texts").mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        for place in (directory, directory / "texts"):
            for scrap in place.glob(".*.new"):
                scrap.unlink(missing_ok=True)
        self._revisions = []
        for path in sorted(directory.glob("[0-9]*.json")):
            found = _read(path, Revision)
            if found is not None and path.name == _name(found.number):
                self._revisions.append(found)
        self._open = True
        self.problem = ""

    def keep(self, octets: bytes) -> str:
        """Keep a text; returns its digest.

        Raises:
            OSError: it is not kept.
        """
        self.open()
        name = digest(octets)
        if not self.has(name):
            write_atomically(self._text_path(name), octets, MODE)
        return name

    def add(
        self, texts: Mapping[str, bytes], *, by: str, comment: str, fingerprint: str, wall_ns: int, number: int = 0
    ) -> Revision:
        """Keep a configuration, the main file first. Nothing is added when the newest has the same texts.

        Raises:
            OSError: it is not kept.
        """
        self.open()
        files = tuple(StoredFile(path, self.keep(octets)) for path, octets in texts.items())
        if self.last is not None and self.last.files == files:
            return self.last
        parent = self.last.number if self.last else 0
        made = Revision(number or self.next_number, parent, wall_ns, by, comment, fingerprint, files)
        write_atomically(self._there() / _name(made.number), msgspec.json.encode(made), MODE)
        self._revisions.append(made)
        with contextlib.suppress(OSError):  # too many are better than too few
            self._prune()
        return made

    @property
    def next_number(self) -> int:
        """A number that was never used."""
        journal = None
        with contextlib.suppress(OSError):
            journal = self.journal()
        return max(self.last.number if self.last else 0, journal.revision if journal else 0) + 1

    def write_journal(self, journal: Journal) -> None:
        """Remember an unfinished change.

        Raises:
            OSError: it may be forgotten.
        """
        self.open()
        write_atomically(self._there() / "pending.json", msgspec.json.encode(journal), MODE)

    def clear_journal(self) -> None:
        """The change is finished, one way or the other.

        Raises:
            OSError: it may come up again.
        """
        remove_durably(self._there() / "pending.json")

    def put_aside_journal(self) -> None:
        """Keep a damaged journal under another name, for people."""
        path = self._there() / "pending.json"
        path.rename(path.with_suffix(".broken"))

    def _prune(self) -> None:
        for old in self._revisions[:-KEPT]:
            (self._there() / _name(old.number)).unlink(missing_ok=True)
        del self._revisions[:-KEPT]
        named = {one.digest for revision in self._revisions for one in revision.files}
        journal = self.journal()
        if journal is not None:
            named |= {name for one in journal.files for name in (one.before, one.after)}
        for path in (self._there() / "texts").iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)

    def _there(self) -> Path:
        if self._directory is None:
            raise OSError(0, self.problem)
        return self._directory

    def _text_path(self, name: str) -> Path:
        return self._there() / "texts" / name


def forget_scraps(journal: Journal) -> None:
    """Remove what a change that was cut short left beside its files."""
    for one in journal.files:
        sweep(Path(one.path))


def _name(number: int) -> str:
    return f"{number:08d}.json"


def _read(path: Path, kind: type[_Kind]) -> _Kind | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
