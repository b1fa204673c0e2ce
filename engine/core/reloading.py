"""Changing the running configuration: by signal, by a changed file, by an operator's reload or edit.

Owns the invariant that a configuration with errors never replaces a running one, that a refusal says so
to everybody and leaves everything as it was, and that two changes never overlap.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.config.diagnostic import Diagnostic
from engine.config.model import Config
from engine.config.plan import plan
from engine.core.loading import Reading, config_texts, disk_changes, read_config, read_octets, settled
from engine.core.revisions import digest, write_atomically
from engine.errors import Refused
from engine.messages import ConfigLoaded, ConfigRefused, ConfigText, Event

PROBLEMS = 20
"""Problems named in one event."""


class User(Protocol):
    """Who runs on the configuration: core."""

    def use(self, old: Config, new: Config) -> None:
        """Put a checked configuration into use."""

    def record(self, event: Event, at: int | None = None) -> None: ...


@dataclass(frozen=True)
class Judged:
    """A text that is not in use, looked at."""

    findings: tuple[Diagnostic, ...]
    errors: tuple[str, ...]
    plan: tuple[str, ...]
    """One line for each thing that would change."""


class Reloading:
    """The running configuration and the ways to another one."""

    def __init__(self, user: User, running: Reading, config_id: str, clock: Callable[[], int]) -> None:
        assert running.config is not None
        self._user = user
        self._config_id = config_id
        self._clock = clock
        self._lock = asyncio.Lock()
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
        async with self._lock:
            return await self._reload(by, comment)

    async def judge(self, text: str, base: str) -> Judged:
        """Check an edited main file without writing it.

        Raises:
            Refused: E-CONFIG-CHANGED, E-IO.
        """
        self._compare_base(base)
        reading = await asyncio.to_thread(read_config, self.path, self._config_id, {self.path: text}, hints=True)
        errors = tuple(str(one) for one in reading.errors)
        if reading.config is None and not errors:
            errors = (reading.problem,)
        lines = plan(self.config, reading.config).lines if reading.config is not None else ()
        return Judged(reading.findings, errors, lines)

    async def apply(self, text: str, base: str, by: str, comment: str) -> tuple[str, ...]:
        """Write a text that `judge` found good as the main file, then reload.

        Raises:
            Refused: E-CONFIG-CHANGED, E-CONFIG-BROKEN.
            OSError: it could not be written; nothing was changed.
        """
        async with self._lock:
            before = self._compare_base(base)
            await asyncio.to_thread(write_atomically, Path(self.path), text.encode())
            try:
                return await self._reload(by, comment)
            except Refused:
                await asyncio.to_thread(write_atomically, Path(self.path), before)
                self._seen = await asyncio.to_thread(read_config, self.path, self._config_id)
                self.problem = self._seen.problem
                raise

    async def texts(self) -> tuple[ConfigText, ...]:
        """The files of the configuration as they are on disk, the main file first."""
        paths = dict.fromkeys((self.path, *self.config.sources, *self._seen.digests))
        return tuple(await asyncio.to_thread(config_texts, paths))

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`: reload when a file of the configuration changes on disk."""
        while not stop.is_set():
            directories = self._seen.directories
            async for changed in disk_changes(directories, stop):
                await self._noticed(changed)
                if self._seen.directories != directories:
                    break  # an include has come or gone: other directories count now

    async def _noticed(self, changed: set[str]) -> None:
        """Something was written beside or into our files: reload if it concerns us."""
        now = await settled(self._seen.digests)
        async with self._lock:
            if now == self._seen.digests:
                # a file that nobody has read before concerns us only when an include takes it in
                if len(self._seen.digests) < 2 or changed <= self._seen.digests.keys():
                    return
                reading = await asyncio.to_thread(read_config, self.path, self._config_id)
                if reading.digests.keys() == self._seen.digests.keys():
                    return
            with contextlib.suppress(Refused):  # everybody was told by ConfigRefused
                await self._reload("file", "")

    async def _reload(self, by: str, comment: str) -> tuple[str, ...]:
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
            return ()  # a comment, or our own writing
        old, self.config = self.config, reading.config
        self.loaded_at = self._clock()
        self._user.use(old, reading.config)
        self._user.record(ConfigLoaded(reading.config.fingerprint, by, lines, comment))
        return lines

    def _compare_base(self, base: str) -> bytes:
        """The octets on disk; refuses to overwrite what the editor has not seen or could not show faithfully."""
        try:
            octets = read_octets(self.path)
        except FileNotFoundError:
            octets = b""
        if base and digest(octets) != base:
            raise Refused("E-CONFIG-CHANGED", f"{self.path} has changed since it was read; load it again")
        try:
            octets.decode()
        except UnicodeDecodeError as error:
            raise Refused(
                "E-IO", f"{self.path} holds octets that are not UTF-8 (at {error.start}); edit it on the host"
            ) from None
        return octets
