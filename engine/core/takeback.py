"""Taking an unconfirmed change back: on disk, file by file, and at the start of an engine.

Owns the invariant that only octets which the change itself wrote are replaced: a file that holds neither
the old nor the new text belongs to somebody else, and then nothing at all is written. Every step may be
cut short and done again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from engine.core.archive import Archive, FileChange, Journal, Stage, forget_scraps
from engine.core.revisions import digest, remove_durably, write_atomically

Texts = Callable[[str], bytes]
"""Digest -> octets; raises OSError."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Names this run of the machine: instants of the monotonic clock mean nothing in another. Source: random(4)."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def digest_on_disk(path: str) -> str:
    """Digest of a file, empty when there is none.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return digest(Path(path).read_bytes())
    except FileNotFoundError:
        return ""


def obstacle(files: Iterable[FileChange], text: Texts) -> str:
    """Why the old texts cannot be put back; empty when they can."""
    try:
        for one in files:
            now = digest_on_disk(one.path)
            if now not in (one.before, one.after):
                return f"{one.path} was changed by somebody else meanwhile and is not overwritten"
            if one.before and now != one.before:
                text(one.before)
    except OSError as error:
        return said(error)
    return ""


def put_back(files: Iterable[FileChange], text: Texts) -> None:
    """Write the old texts where the new ones stand.

    Raises:
        OSError: some files may hold the old text, some the new; do it again.
    """
    for one in files:
        if digest_on_disk(one.path) != one.after:
            continue
        if one.before:
            write_atomically(Path(one.path), text(one.before))
        else:
            remove_durably(Path(one.path))


def put(files: Iterable[FileChange], text: Texts) -> None:
    """Write the new texts; when one cannot be written, none is.

    Raises:
        OSError: the old texts stand, as far as the disk allows.
    """
    files = tuple(files)
    try:
        for one in files:
            write_atomically(Path(one.path), text(one.after))
    except OSError:
        with contextlib.suppress(OSError):
            put_back(files, text)
        raise


def said(error: OSError) -> str:
    """The system's own words, with the file."""
    return f"{error.filename or 'a file'}: {error.strerror or error}"


def settle(directory: Path | None, main_file: str, now: int, boot: str) -> Journal | None:
    """At the start, before the configuration is read: take back what must not run. Returns the journal as it
    stands then, None when nothing is unfinished; the engine tells about it once it can.

    Raises:
        OSError: the journal cannot be read or written; nothing was decided.
    """
    archive = Archive(directory)
    journal = archive.journal()
    if journal is None or journal.stage in (Stage.REVERTED, Stage.KEPT):
        return journal
    reason = _overdue(journal, main_file, now, boot)
    forget_scraps(journal)
    if not reason:
        return journal
    problem = obstacle(journal.files, archive.text)
    if not problem:
        try:
            put_back(journal.files, archive.text)
        except OSError as error:
            problem = said(error)
    stage = Stage.KEPT if problem else Stage.REVERTED
    journal = msgspec.structs.replace(journal, stage=stage, reason=reason, obstacle=problem)
    archive.write_journal(journal)
    return journal


def _overdue(journal: Journal, main_file: str, now: int, boot: str) -> str:
    """Why the change must be taken back; empty when its time to be confirmed runs on."""
    if journal.stage is Stage.WRITING:
        return "the engine ended while the change was being made"
    if journal.boot != boot:
        return "the machine started anew before anybody confirmed it"
    if now >= journal.deadline:
        return "nobody confirmed it in time; no engine ran when the time was over"
    if journal.path != main_file:
        return "the engine was started with another configuration file"
    return ""
