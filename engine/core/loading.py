"""Reading the configuration from disk, and noticing when it changes there.

Owns the invariant that the file on disk is the truth and is read whole: what is judged, digested and
used is one and the same set of octets, and a change counts only when octets differ from those.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from watchfiles import Change, DefaultFilter, awatch

from engine.config.build import Loaded, load
from engine.config.diagnostic import Diagnostic
from engine.config.files import Reader, alternatives, has_wildcard, overlay
from engine.config.model import Config
from engine.core import security
from engine.core.revisions import digest
from engine.messages import ConfigText, HeardAdvert

FILE_LIMIT = 64 * 1024 * 1024
"""Octets of one configuration file."""
SETTLE_MS = 300
"""Changes that follow each other within this time are one: editors write, rename and chmod."""
IN_PLACE_MS = 1_000
"""After this time without a change the watch is in place."""
RETRY_S = 2.0
_SCRATCH = ("~", ".swp", ".swx", ".swo", ".tmp", ".new", ".bak")


@dataclass(frozen=True)
class Reading:
    """One reading of the configuration."""

    path: str
    config: Config | None
    """None when it cannot run."""
    diagnostics: tuple[Diagnostic, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    """Absolute path -> digest of the octets that were read; "" for a file that could not be read."""
    findings: tuple[Diagnostic, ...] = ()
    """The diagnostics and, where asked for, the hints of lint."""
    looked_in: frozenset[str] = frozenset()
    """Directories in which includes look for files, existing or not."""

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings for which a running engine refuses it."""
        return tuple(one for one in self.diagnostics if one.severity == "error")

    @property
    def problem(self) -> str:
        """One sentence for the worst of it, empty when there are no errors."""
        if not self.errors:
            return "" if self.config is not None else f"{self.path} cannot be used"
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        return f"{self.errors[0]}{more}"

    @property
    def directories(self) -> frozenset[str]:
        """Where to look for changes: the directories of all files read, of links and of their targets, and those in
        which an include may find one; the nearest one above where such a directory is not there yet."""
        return self._holding | {os.path.dirname(gate) for gate in self.gates}

    @property
    def _holding(self) -> frozenset[str]:
        paths = {*self.digests, *(os.path.realpath(path) for path in self.digests)}
        return frozenset({*(os.path.dirname(path) for path in paths), *map(_existing, self.looked_in)})

    @property
    def gates(self) -> frozenset[str]:
        """Directories that may be exchanged as a whole: those in which includes look, and symbolic links on the way
        to any file."""
        ways = {*map(os.path.dirname, self.digests), *self.looked_in}
        return frozenset({*(link for way in ways for link in _links(way)), *self.looked_in} - {"", "/"})

    def concerns(self, changed: Set[str]) -> bool:
        """Whether one of the paths is of this configuration, and not only beside a directory of it."""
        holding, gates = self._holding, self.gates
        return any(path in gates or os.path.dirname(path) in holding for path in changed)


class _Disk:
    """A Reader over the real files that remembers what it saw."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.looked_in: set[str] = set()

    def read(self, path: str) -> str | None:
        try:
            octets = read_octets(path)
        except OSError:
            self.digests[path] = ""
            return None
        self.digests[path] = digest(octets)
        return octets.decode("utf-8", "surrogateescape")

    def glob(self, pattern: str) -> list[str]:
        found: set[str] = set()
        for one in alternatives(pattern):
            found.update(glob.glob(one))
            directory = os.path.dirname(one)
            if has_wildcard(directory):
                self.looked_in.update(path for path in glob.glob(directory) if os.path.isdir(path))
            while has_wildcard(directory):
                directory = os.path.dirname(directory)
            self.looked_in.add(directory)
        return sorted(path for path in found if os.path.isfile(path))


def _links(path: str, depth: int = 16) -> Iterator[str]:
    """The symbolic links among a path and the directories above it, and among what they lead to."""
    while path not in ("", "/") and depth:
        if os.path.islink(path):
            yield path
            with contextlib.suppress(OSError):
                yield from _links(os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path))), depth - 1)
        path = os.path.dirname(path)


def _existing(directory: str) -> str:
    """It, or the nearest directory above it that is there."""
    while not os.path.isdir(directory) and directory not in ("", "/"):
        directory = os.path.dirname(directory)
    return directory or "/"


def read_octets(path: str) -> bytes:
    """A regular file, whole.

    Raises:
        OSError: it cannot be read, is too long, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no regular file", path)
        octets = file.read(FILE_LIMIT + 1)
    if len(octets) > FILE_LIMIT:
        raise OSError(0, f"it is longer than {FILE_LIMIT} octets", path)
    return octets


def read_config(
    path: str,
    config_id: str = "",
    texts: Mapping[str, str] | None = None,
    *,
    hints: bool = False,
    here: bool = False,
    heard: Sequence[HeardAdvert] = (),
) -> Reading:
    """Read, check and build what is on disk, `texts` in place of the files of those paths. `hints` adds what
    lint finds to `findings` (of other nodes, what is `heard` of them), `here` what facts of this host alone add."""
    path = os.path.abspath(path)
    disk = _Disk()
    reader = Reader(disk.read, disk.glob)
    if texts:
        reader = overlay(reader, texts)
    loaded = load(path, *reader, config_id=config_id or host_name(), env=dict(os.environ))
    config = loaded.config
    if config is not None and not config.globals.router_id:
        config = msgspec.structs.replace(
            config, globals=msgspec.structs.replace(config.globals, router_id=socket.gethostname())
        )
    for one in (path, *loaded.sources):
        disk.digests.setdefault(one, "")
    found = tuple(loaded.diagnostics)
    more = _hints(loaded, heard) if hints else _here(loaded) if here else ()
    if config is not None and (refused := security.refused_scripts(config)):
        config = security.without(config, refused)
        found += security.findings(loaded, refused)
    return Reading(path, config, found, disk.digests, more or found, frozenset(disk.looked_in))


def _hints(loaded: Loaded, heard: Sequence[HeardAdvert]) -> tuple[Diagnostic, ...]:
    from engine.config.lint import findings  # for editors only: the start does not wait for it
    from engine.core.facts import this_host

    return tuple(findings(loaded, host=this_host(), heard=heard))


def _here(loaded: Loaded) -> tuple[Diagnostic, ...]:
    from engine.config.lint import host_findings
    from engine.core.facts import this_host

    return tuple(host_findings(loaded, this_host()))


def host_name() -> str:
    """The short host name: the configuration id when -i is not given."""
    return socket.gethostname().partition(".")[0]


def config_texts(paths: Iterable[str]) -> list[ConfigText]:
    """Files as they are on disk now; those that cannot be read are left out."""
    found = []
    for path in paths:
        try:
            octets = read_octets(path)
        except OSError:
            continue
        found.append(ConfigText(path, octets.decode("utf-8", "replace"), digest(octets)))
    return found


def digests_now(paths: Iterable[str]) -> dict[str, str]:
    """What these files hold now, as in `Reading.digests`."""
    found = {}
    for path in paths:
        try:
            found[path] = digest(read_octets(path))
        except OSError:
            found[path] = ""
    return found


async def settled(paths: Iterable[str]) -> dict[str, str]:
    """`digests_now` once they have not changed for a moment: who writes slowly shall not be read half way."""
    paths = tuple(paths)
    before = await asyncio.to_thread(digests_now, paths)
    while True:
        await asyncio.sleep(SETTLE_MS / 1000)
        now = await asyncio.to_thread(digests_now, paths)
        if now == before:
            return now
        before = now


class _Filter(DefaultFilter):
    """Leaves out what editors put beside the file."""

    ignore_dirs = ()
    ignore_entity_patterns = ()

    def __call__(self, change: Change, path: str) -> bool:
        name = os.path.basename(path)
        return super().__call__(change, path) and not name.startswith(".#") and not name.endswith(_SCRATCH)


async def disk_changes(directories: frozenset[str], stop: asyncio.Event) -> AsyncIterator[set[str]]:
    """Paths in these directories that were written, renamed, created or removed, until `stop` is set. An empty
    set, once, when the watch is certainly in place: what changed before that must be looked for."""
    while not stop.is_set():
        in_place = False
        there = [directory for directory in directories if Path(directory).is_dir()]
        try:
            if there:
                async for changes in awatch(
                    *there,
                    watch_filter=_Filter(),
                    debounce=SETTLE_MS,
                    rust_timeout=IN_PLACE_MS,
                    yield_on_timeout=True,
                    recursive=False,
                    stop_event=stop,
                ):
                    if changes or not in_place:
                        in_place = True
                        yield {path for _change, path in changes}
                    if any(not Path(directory).is_dir() for directory in there):
                        break
        except (OSError, RuntimeError):
            pass  # the directory went away or inotify has no more watches: look again by hand below
        if stop.is_set():
            return
        try:
            await asyncio.wait_for(stop.wait(), RETRY_S)
        except TimeoutError:
            yield set(directories)
