"""Operators' changes of the configuration: applied, confirmed, rolled back, or taken back by the engine itself.

Owns the invariant that an unconfirmed change has exactly one way back, written to disk before the change,
and that one of three things happens to it and is told: it is confirmed, it is taken back, or, where somebody
else has changed the file meanwhile, it stays and that is said.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from engine.config.model import NS_PER_S
from engine.core.archive import Archive, FileChange, Journal, Revision, Stage
from engine.core.living import Living, unserved, untouched
from engine.core.loading import read_octets
from engine.core.reloading import Judged, Reloading
from engine.core.revisions import digest
from engine.core.takeback import digest_on_disk, obstacle, put, put_back, said
from engine.errors import Refused
from engine.messages import (
    ConfigConfirmed,
    ConfigReverted,
    ConfigRevertRefused,
    ConfigText,
    Event,
    IncludedText,
    InstanceStatus,
    LogLine,
)

CONFIRM_S = (1.0, 7 * 86_400.0)
"""Bounds of the time to confirm, seconds."""
LOOK_S = 0.25
"""Seconds between two looks at the owners of the addresses while a change waits."""


class World(Protocol):
    """What changes see of core."""

    stopping: bool

    def record(self, event: Event, at: int | None = None) -> None: ...

    def clock(self) -> int: ...

    def owners(self) -> list[InstanceStatus] | None:
        """The newest statuses of all instances; None where no vrrp process is meant to run."""

    async def fresh_owners(self) -> list[InstanceStatus] | None:
        """The same, asked for now."""

    def vrrp_heard(self) -> int: ...

    def ask_sign_of_life(self) -> None:
        """Have the statuses that changed sent."""

    def own_status_changed(self) -> None:
        """Consoles shall see it soon."""


class Changes:
    """The change that waits, and the ways to make and unmake one."""

    def __init__(self, world: World, reloading: Reloading, boot: str) -> None:
        self._world = world
        self._reloading = reloading
        self._boot = boot
        self._living: Living | None = None
        self._woken = asyncio.Event()
        self._ready = asyncio.Event()
        self.pending: Journal | None = None
        """The change that waits for its confirmation."""
        self.problem = ""
        """Why the last one could not be taken back."""

    @property
    def archive(self) -> Archive:
        """Where revisions and the journal are kept."""
        return self._reloading.archive

    # ---- at the start

    async def resume(self) -> None:
        """Take up what an earlier run of the engine has left unfinished, and keep what runs now. Once, first."""
        try:
            async with self._reloading.lock:
                await self._take_up()
                await self._reloading.remember("startup")
        finally:
            self._ready.set()
        self._world.own_status_changed()

    async def _take_up(self) -> None:
        archive = self.archive
        if archive.disabled:
            return
        try:
            await asyncio.to_thread(archive.open)
            journal = await asyncio.to_thread(archive.journal)
        except OSError as error:
            self._world.record(LogLine("warning", f"what was unfinished is not known: {said(error)}"))
            with contextlib.suppress(OSError):
                await asyncio.to_thread(archive.put_aside_journal)
            return
        if journal is None:
            return
        if journal.stage is Stage.PENDING:
            self._wait_for_confirmation(journal)
            return
        if journal.stage is Stage.REVERTED:
            self._world.record(ConfigReverted(journal.revision, journal.previous, journal.reason))
        else:
            self._kept(journal, journal.reason, journal.obstacle)
        await self._forget()

    # ---- what operators ask for

    async def apply(
        self, text: str, base: str, by: str, comment: str, confirm_s: float = 0, files: Sequence[IncludedText] = ()
    ) -> tuple[tuple[str, ...], int]:
        """Write a text that was judged good as the main file, with those of included files, and use them: all or
        none. Returns what changed, line by line, and the number of its revision (0 when none is kept).

        Raises:
            Refused: E-CONFIG-CHANGED, E-CONFIG-BROKEN, E-UNCONFIRMED, E-RANGE.
            OSError: it could not be written; nothing was changed.
        """
        _check_range(confirm_s)
        await self._ready.wait()
        async with self._reloading.lock:
            path = self._reloading.path
            before = {path: self._reloading.compare_base(base)}
            texts = {path: text.encode()}
            for one in files:
                before[one.path], texts[one.path] = self._reloading.compare_included(one), one.text.encode()
            return await self._change(texts, before, by, comment, confirm_s)

    async def judge_rollback(self, number: int, base: str) -> Judged:
        """What going back to a revision would do.

        Raises:
            Refused: as `rollback`.
        """
        texts, _before = await self._texts_of(self._revision(number), base)
        return await self._reloading.judge_texts(
            {path: octets.decode("utf-8", "surrogateescape") for path, octets in texts.items()}
        )

    async def rollback(
        self, number: int, base: str, by: str, comment: str, confirm_s: float = 0
    ) -> tuple[tuple[str, ...], int]:
        """Put the files of a revision back. While a change waits: undo it now.

        Raises:
            Refused: E-NO-REVISION, E-UNCONFIRMED, E-CONFIG-CHANGED, E-CONFIG-BROKEN, E-RANGE.
            OSError: it could not be read or written; nothing was changed.
        """
        _check_range(confirm_s)
        await self._ready.wait()
        async with self._reloading.lock:
            if self.pending is not None and number in (0, self.pending.previous):
                lines = await self._take_back(f"{by} took it back", by)
                return lines, self._last_number
            revision = self._revision(number)
            texts, before = await self._texts_of(revision, base)
            return await self._change(texts, before, by, comment or f"back to revision {number}", confirm_s)

    async def confirm(self, by: str, comment: str, number: int = 0) -> int:
        """Keep the change that waits. Returns its number.

        Raises:
            Refused: E-NOT-PENDING.
            OSError: it cannot be written down, so it still waits.
        """
        await self._ready.wait()
        async with self._reloading.lock:
            journal = self.pending
            if journal is None:
                raise Refused("E-NOT-PENDING", "no change waits for its confirmation")
            if number and number != journal.revision:
                raise Refused("E-NOT-PENDING", f"revision {number} does not wait; revision {journal.revision} does")
            await asyncio.to_thread(self.archive.clear_journal)
            self._end_waiting()
            self._world.record(ConfigConfirmed(journal.revision, by, comment))
            return journal.revision

    async def files_of(self, number: int) -> tuple[ConfigText, ...]:
        """The files of a revision.

        Raises:
            Refused: E-NO-REVISION.
            OSError: they cannot be read.
        """
        found = []
        for one in self._revision(number).files:
            octets = await asyncio.to_thread(self.archive.text, one.digest)
            found.append(ConfigText(one.path, octets.decode("utf-8", "replace"), one.digest))
        return tuple(found)

    # ---- the watch over a change that waits

    async def watch(self) -> None:
        """For ever."""
        while True:
            if self.pending is None:
                self._woken.clear()
                await self._woken.wait()
            self._world.ask_sign_of_life()
            await asyncio.sleep(LOOK_S)
            await self.turn()

    async def turn(self) -> None:
        """Take the change back when its time is over or an address has no living owner."""
        journal = self.pending
        if journal is None or self._world.stopping or not self._reason_to_take_back(journal):
            return
        async with self._reloading.lock:
            reason = self._reason_to_take_back(journal) if self.pending is journal else ""
            if reason:
                with contextlib.suppress(Refused):  # everybody was told by ConfigRevertRefused
                    await self._take_back(reason)

    def _reason_to_take_back(self, journal: Journal) -> str:
        now = self._world.clock()
        if now >= journal.deadline:
            return "nobody confirmed it in time"
        owners = self._world.owners()
        if owners is None:
            return ""
        if self._living is None or self._living.config is not self._reloading.config:
            self._living = Living(self._reloading.config, journal.excused, now, journal.untouched)
        return self._living.look({one.name: one for one in owners}, self._world.vrrp_heard(), now)

    # ---- doing it; the lock is held

    async def _change(
        self,
        texts: Mapping[str, bytes],
        before: Mapping[str, bytes | None],
        by: str,
        comment: str,
        confirm_s: float,
    ) -> tuple[tuple[str, ...], int]:
        """Replace `before`, which somebody has seen, by `texts`."""
        if self.pending is not None:
            raise Refused(
                "E-UNCONFIRMED",
                f"revision {self.pending.revision} of {self.pending.by} waits for its confirmation; "
                "confirm it or roll it back first",
            )
        files = tuple(
            FileChange(path, "" if (was := before[path]) is None else digest(was), digest(octets))
            for path, octets in texts.items()
            if before[path] != octets
        )
        if not files:
            return await self._reloading.load(by, comment), self._last_number
        known = {digest(octets): octets for octets in (*before.values(), *texts.values()) if octets is not None}
        ran, ran_on = self.archive.last, self._reloading.config
        journal = await self._way_back(files, known, by, comment, confirm_s)
        self.problem = ""
        try:
            await asyncio.to_thread(_put_unless_changed, files, known)
            lines = await self._reloading.load(by, comment, confirm_s, journal.revision if journal else 0)
        except (Refused, OSError):
            with contextlib.suppress(OSError):
                await asyncio.to_thread(put_back, files, known.__getitem__)
            await self._reloading.look_again()
            if journal is not None:
                await self._forget()
            raise
        if journal is not None and confirm_s:
            in_use = ran.digests if ran is not None else {}  # the way back leads to what ran, not to a broken draft
            journal = msgspec.structs.replace(
                journal,
                stage=Stage.PENDING,
                untouched=untouched(ran_on, self._reloading.config),
                deadline=self._world.clock() + int(confirm_s * NS_PER_S),
                files=tuple(FileChange(one.path, in_use.get(one.path, one.before), one.after) for one in files),
            )
            self._wait_for_confirmation(journal)
            try:
                await asyncio.to_thread(self.archive.write_journal, journal)
            except OSError:
                await self._take_back("its time to confirm could not be written down")
                raise
        elif journal is not None:
            await self._forget()
        self._world.own_status_changed()
        return lines, self._last_number

    async def _way_back(
        self,
        files: tuple[FileChange, ...],
        known: Mapping[str, bytes],
        by: str,
        comment: str,
        confirm_s: float,
    ) -> Journal | None:
        """Write down how to undo the change; None when it needs no such way: one file, for good.

        Raises:
            OSError: it could not be written down, so the change must not begin.
        """
        if not confirm_s and len(files) == 1:
            return None
        archive = self.archive
        excused: tuple[str, ...] = ()
        if confirm_s:
            excused = unserved(await self._world.fresh_owners() or ())
        await asyncio.to_thread(archive.open)
        journal = Journal(
            stage=Stage.WRITING,
            revision=archive.next_number,
            previous=self._last_number,
            by=by,
            comment=comment,
            path=self._reloading.path,
            files=files,
            boot=self._boot,
            excused=excused,
        )
        await asyncio.to_thread(_keep_all, archive, journal, known.values())
        return journal

    async def _take_back(self, reason: str, by: str = "") -> tuple[str, ...]:
        """Put the old texts back and use them. Whatever comes of it, the change waits no longer.

        Raises:
            Refused: E-CONFIG-CHANGED, it was not done; everybody was told why.
        """
        journal = self.pending
        assert journal is not None
        lines: tuple[str, ...] = ()
        try:
            problem = await asyncio.to_thread(obstacle, journal.files, self.archive.text)
            problem = problem or await self._would_be_refused(journal)
            if not problem:
                await asyncio.to_thread(put_back, journal.files, self.archive.text)
                lines = await self._reloading.load(by or "engine", f"revision {journal.revision} taken back: {reason}")
        except OSError as error:
            problem = said(error)
        except Refused as refusal:  # somebody changed an included file within these milliseconds
            problem = refusal.reason
        self._end_waiting()
        if problem:
            self._kept(journal, reason, problem)
            await self._forget()
            raise Refused("E-CONFIG-CHANGED", problem)
        self._world.record(ConfigReverted(journal.revision, journal.previous, reason, by))
        await self._forget()
        return lines

    async def _would_be_refused(self, journal: Journal) -> str:
        """The error of the old texts beside the included files of now; empty when there is none."""
        texts = {}
        for one in journal.files:
            if one.before:
                octets = await asyncio.to_thread(self.archive.text, one.before)
                texts[one.path] = octets.decode("utf-8", "surrogateescape")
        judged = await self._reloading.judge_texts(texts)
        return f"the text before it has errors now: {judged.errors[0]}" if judged.errors else ""

    def _kept(self, journal: Journal, reason: str, problem: str) -> None:
        self.problem = f"revision {journal.revision} was not taken back: {problem}"
        self._world.record(ConfigRevertRefused(journal.revision, reason, problem))

    def _wait_for_confirmation(self, journal: Journal) -> None:
        self.pending, self._living, self.problem = journal, None, ""
        self._woken.set()

    def _end_waiting(self) -> None:
        self.pending, self._living = None, None
        self._world.own_status_changed()

    async def _forget(self) -> None:
        """The change is over. A journal that stays is settled at the next start, by the same rules."""
        try:
            await asyncio.to_thread(self.archive.clear_journal)
        except OSError as error:
            self._world.record(LogLine("error", f"the end of a change is not written: {error.strerror}"))

    # ---- revisions

    @property
    def _last_number(self) -> int:
        return self.archive.last.number if self.archive.last else 0

    def _revision(self, number: int) -> Revision:
        found = self.archive.get(number)
        if found is None:
            raise Refused("E-NO-REVISION", f"revision {number} is not kept")
        return found

    async def _texts_of(self, revision: Revision, base: str) -> tuple[dict[str, bytes], dict[str, bytes | None]]:
        """The texts that must be written to go back to a revision, and those that they replace."""
        if not revision.files or revision.files[0].path != self._reloading.path:
            raise Refused("E-NO-REVISION", f"revision {revision.number} is of another main file")
        last = self.archive.last
        in_use = last.digests if last is not None else {}
        texts: dict[str, bytes] = {}
        before: dict[str, bytes | None] = {}
        for one in revision.files:
            octets = await asyncio.to_thread(_octets_or_none, one.path)
            now = "" if octets is None else digest(octets)
            if now == one.digest:
                continue
            known = base if base and one.path == self._reloading.path else in_use.get(one.path, "")
            if now != known:
                raise Refused(
                    "E-CONFIG-CHANGED", f"{one.path} holds a text that was never in use; look at it before it goes"
                )
            before[one.path] = octets
            texts[one.path] = await asyncio.to_thread(self.archive.text, one.digest)
        return texts, before


def _check_range(confirm_s: float) -> None:
    least, most = CONFIRM_S
    if confirm_s and not least <= confirm_s <= most:
        raise Refused("E-RANGE", f"the time to confirm lies between {least:.0f} and {most:.0f} s")


def _octets_or_none(path: str) -> bytes | None:
    try:
        return read_octets(path)
    except FileNotFoundError:
        return None


def _keep_all(archive: Archive, journal: Journal, texts: Iterable[bytes]) -> None:
    for octets in texts:
        archive.keep(octets)
    archive.write_journal(journal)


def _put_unless_changed(files: tuple[FileChange, ...], known: Mapping[str, bytes]) -> None:
    for one in files:  # writing down the way back took a moment
        if digest_on_disk(one.path) != one.before:
            raise Refused("E-CONFIG-CHANGED", f"{one.path} has changed just now; load it again")
    put(files, known.__getitem__)
