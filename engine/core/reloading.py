"""The running configuration and what is on disk: read again by signal, by a changed file, by an operator's word.

Owns the invariant that a configuration with errors never replaces a running one, that a refusal says so
to everybody and leaves everything as it was, that two changes never overlap, and that what came into use
is kept as a revision.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.config.diagnostic import Diagnostic
from engine.config.model import Config
from engine.config.plan import Plan, plan
from engine.core.archive import Archive
from engine.core.history import wall_ns
from engine.core.loading import Reading, config_texts, disk_changes, read_config, read_octets, settled
from engine.core.revisions import digest
from engine.errors import Refused
from engine.messages import ConfigLoaded, ConfigRefused, ConfigText, Event, HeardAdvert, IncludedText, LogLine

PROBLEMS = 20
"""Problems named in one event."""


class User(Protocol):
    """Who runs on the configuration: core."""

    def use(self, old: Config, new: Config) -> None:
        """Put a checked configuration into use."""

    def record(self, event: Event, at: int | None = None) -> None: ...


async def _nobody() -> tuple[HeardAdvert, ...]:
    return ()


@dataclass(frozen=True)
class Judged:
    """A text that is not in use, looked at."""

    findings: tuple[Diagnostic, ...]
    errors: tuple[str, ...]
    plan: tuple[str, ...]
    """One line for each thing that would change."""
    impact: Plan | None = None
    """The same by instance; None when nothing of it can be used."""


class Reloading:
    """The running configuration and the ways to another one."""

    def __init__(
        self,
        user: User,
        running: Reading,
        config_id: str,
        clock: Callable[[], int],
        archive: Archive | None = None,
    ) -> None:
        assert running.config is not None
        self._user = user
        self._config_id = config_id
        self._clock = clock
        self.archive = archive or Archive(None)
        self.heard: Callable[[], Awaitable[Sequence[HeardAdvert]]] = _nobody
        """What is known of the other nodes by their adverts."""
        self.lock = asyncio.Lock()
        """Held by whoever changes the configuration or its files."""
        self._seen = running
        self.path = running.path
        self.config: Config = running.config
        self.loaded_at = clock()
        self.problem = running.problem
        """Set while the file on disk is refused, or was used with its faulty lines left out."""

    async def reload(self, by: str, comment: str = "") -> tuple[str, ...]:
        """Read the file again and put it into use. Returns one line for each thing that changed.

        Raises:
            Refused: E-CONFIG-BROKEN; the running configuration stays, and everybody was told.
        """
        async with self.lock:
            return await self.load(by, comment)

    async def judge(self, text: str, base: str, files: Sequence[IncludedText] = ()) -> Judged:
        """Check an edited main file, and files that it includes, without writing them.

        Raises:
            Refused: E-CONFIG-CHANGED, E-IO.
        """
        self.compare_base(base)
        for one in files:
            self.compare_included(one)
        return await self.judge_texts({self.path: text, **{one.path: one.text for one in files}})

    async def judge_texts(self, texts: Mapping[str, str]) -> Judged:
        """Check the files on disk with these texts in place of some of them."""
        heard = await self.heard()
        reading = await asyncio.to_thread(read_config, self.path, self._config_id, texts, hints=True, heard=heard)
        errors = tuple(str(one) for one in reading.errors)
        if reading.config is None and not errors:
            errors = (reading.problem,)
        found = plan(self.config, reading.config) if reading.config is not None else None
        return Judged(reading.findings, errors, found.lines if found is not None else (), found)

    async def on_disk(self) -> Judged:
        """What a reload would do now."""
        return await self.judge_texts({})

    async def look_again(self) -> None:
        """The files were put back to what runs: take note, load nothing. The lock is held."""
        self._seen = await asyncio.to_thread(read_config, self.path, self._config_id)
        self.problem = self._seen.problem

    @property
    def seen(self) -> Mapping[str, str]:
        """Path -> digest of the files that were read last."""
        return self._seen.digests

    async def texts(self) -> tuple[ConfigText, ...]:
        """The files of the configuration as they are on disk, the main file first."""
        paths = dict.fromkeys((self.path, *self.config.sources, *self._seen.digests))
        return tuple(await asyncio.to_thread(config_texts, paths))

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`: reload when a file of the configuration changes on disk."""
        while not stop.is_set():
            directories = self._seen.directories
            async for changed in disk_changes(directories, stop):
                exchanged = not changed.isdisjoint(self._seen.gates)
                if not changed or self._seen.concerns(changed):
                    await self._noticed(changed)
                if exchanged or self._seen.directories != directories:
                    break  # other directories count now: an include has come or gone, or one stands for another

    async def _noticed(self, changed: set[str]) -> None:
        """Something was written beside or into our files: reload if it concerns us."""
        now = await settled(self._seen.digests)
        async with self.lock:
            if now == self._seen.digests:
                # a file that nobody has read before concerns us only when an include takes it in
                if not self._seen.looked_in or (changed and changed <= self._seen.digests.keys()):
                    return
                reading = await asyncio.to_thread(read_config, self.path, self._config_id)
                if reading.digests == self._seen.digests:
                    self._seen = reading  # a directory may have come in which an include looks
                    return
            with contextlib.suppress(Refused):  # everybody was told by ConfigRefused
                await self.load("file", "")

    async def remember(self, by: str) -> None:
        """Keep what runs as a revision, unless the newest has the same texts. The lock is held."""
        await self._keep(self._seen, by, "")

    async def load(self, by: str, comment: str, confirm_s: float = 0, number: int = 0) -> tuple[str, ...]:
        """As `reload`; the lock is held. `number` is for its revision.

        Raises:
            Refused: E-CONFIG-BROKEN.
        """
        reading = await asyncio.to_thread(read_config, self.path, self._config_id)
        self._seen = reading
        problems = tuple(str(one) for one in reading.errors[:PROBLEMS])
        if not problems and (reading.config is None or (self.config.instances and not reading.config.instances)):
            problems = (f"{self.path}: no vrrp_instance in it; stop the engine if nothing shall be served",)
        if reading.config is None or problems:
            self.problem = reading.problem or problems[0]
            self._user.record(ConfigRefused(by, problems))
            raise Refused("E-CONFIG-BROKEN", f"{problems[0]}. The running configuration stays.")
        mended, self.problem = bool(self.problem), ""
        lines = plan(self.config, reading.config).lines
        if by == "file" and reading.config == self.config and not mended:
            await self._keep(reading, by, comment)
            return ()  # a comment, or our own writing
        old, self.config = self.config, reading.config
        self.loaded_at = self._clock()
        self._user.use(old, reading.config)
        self._user.record(ConfigLoaded(reading.config.fingerprint, by, lines, comment, confirm_s))
        await self._keep(reading, by, comment, number)
        return lines

    async def _keep(self, reading: Reading, by: str, comment: str, number: int = 0) -> None:
        """Keep a reading as a revision; a disk that refuses costs the revision, never the change."""
        if reading.config is None or self.archive.disabled:
            return
        before = self.archive.problem
        try:
            await asyncio.to_thread(self._keep_files, reading, by, comment, number)
        except OSError as error:
            self.archive.problem = f"no revision is kept: {error.filename or ''}: {error.strerror}"
            if self.archive.problem != before:
                self._user.record(LogLine("warning", self.archive.problem))
        else:
            self.archive.problem = ""

    def _keep_files(self, reading: Reading, by: str, comment: str, number: int) -> None:
        texts = {}
        for path, name in reading.digests.items():
            if not name:
                continue
            octets = read_octets(path)
            if digest(octets) != name:
                return  # written again since: the reading of that becomes a revision
            texts[path] = octets
        assert reading.config is not None
        self.archive.add(
            texts,
            by=by,
            comment=comment,
            fingerprint=reading.config.fingerprint,
            wall_ns=wall_ns(),
            number=number,
        )

    def compare_base(self, base: str, path: str = "") -> bytes | None:
        """The octets on disk of the main file or of this one, None when there is no file; refuses to overwrite what the
        editor has not seen or could not show faithfully."""
        path = path or self.path
        there = True
        try:
            octets = read_octets(path)
        except FileNotFoundError:
            octets, there = b"", False
        if base and digest(octets) != base:
            raise Refused("E-CONFIG-CHANGED", f"{path} has changed since it was read; load it again")
        try:
            octets.decode()
        except UnicodeDecodeError as error:
            raise Refused(
                "E-IO", f"{path} holds octets that are not UTF-8 (at {error.start}); edit it on the host"
            ) from None
        return octets if there else None

    def compare_included(self, one: IncludedText) -> bytes:
        """The same for an included file: it must be one of those that were read last, and still be there."""
        if one.path == self.path or one.path not in self.seen:
            raise Refused("E-CONFIG-CHANGED", f"{one.path} is not included any more; load the configuration again")
        octets = self.compare_base(one.base, one.path)
        if octets is None or not one.base:
            raise Refused("E-CONFIG-CHANGED", f"{one.path} has changed since it was read; load it again")
        return octets
