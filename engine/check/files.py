"""Track files: the integer in a file, told when it is first read and whenever it changes.

Invariant: a missing, empty or unreadable file reads 0 and is never an error; creation, replacement by
rename and removal of the file or its directory are all noticed, by inotify at once and by a look every
second where inotify cannot see.

Source: keepalived.conf(5) track_file; inotify(7).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
from collections.abc import Callable

from engine.config.model import Config, TrackedFile
from engine.messages import FileRead, LogLine

Tell = Callable[[FileRead | LogLine], None]

LOOK_EVERY_S = 1.0
_LIMIT = 2**31 - 1
_IN_NONBLOCK, _IN_CLOEXEC = 0o4000, 0o2000000
_IN_EVENTS = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
"""MODIFY, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF."""
_NUMBER = re.compile(rb"\s*([+-]?\d{1,12})")


def value_of(content: bytes) -> int:
    """The first integer in a file's content, 0 when it does not begin with one."""
    found = _NUMBER.match(content)
    return max(-_LIMIT, min(_LIMIT, int(found[1]))) if found else 0


def tracked_files(config: Config) -> dict[str, TrackedFile]:
    """The files that an instance tracks, by name."""
    wanted = {track.name for one in config.instances for track in one.tracking.files}
    return {file.name: file for file in config.files if file.name in wanted}


class Files:
    """Watches what `want` names. Lives inside a running asyncio loop."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._files: dict[str, TrackedFile] = {}
        self._told: dict[str, int] = {}
        self._complained: dict[str, str] = {}
        self._notices = _Notices(self._look)
        self._timer: asyncio.TimerHandle | None = None

    def want(self, config: Config) -> None:
        """First configuration or reload: a file that was not watched before is initialised and read."""
        wanted = tracked_files(config)
        for name, file in wanted.items():
            known = self._files.get(name)
            if known is None or known.path != file.path:
                self._told.pop(name, None)
                self._initialise(file)
        for name in [name for name in self._told if name not in wanted]:
            del self._told[name]
        self._files = wanted
        self._notices.watch({os.path.dirname(file.path) for file in wanted.values()})
        self._look()
        if self._timer is None and wanted:
            self._again()

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._files = {}
        self._notices.close()

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._again) if self._files else None
        self._notices.watch({os.path.dirname(file.path) for file in self._files.values()})
        self._look()

    def _look(self) -> None:
        for name, file in self._files.items():
            value = self._read(file)
            if self._told.get(name) != value:
                self._told[name] = value
                self._tell(FileRead(name, value))

    def _read(self, file: TrackedFile) -> int:
        try:
            with open(file.path, "rb") as opened:
                content = opened.read(64)
        except FileNotFoundError:
            return 0
        except OSError as failure:
            reason = failure.strerror or str(failure)
            if self._complained.get(file.name) != reason:
                self._complained[file.name] = reason
                self._tell(LogLine("warning", f"track file {file.name}: {file.path}: {reason}; its value counts as 0"))
            return 0
        self._complained.pop(file.name, None)
        return value_of(content)

    def _initialise(self, file: TrackedFile) -> None:
        if file.init_value is None or (os.path.exists(file.path) and not file.init_overwrite):
            return
        try:
            with open(file.path, "w", encoding="ascii") as opened:
                opened.write(f"{file.init_value}\n")
        except OSError as failure:
            self._tell(LogLine("warning", f"track file {file.name}: cannot create {file.path}: {failure.strerror}"))


class _Notices:
    """inotify on directories; `changed` is called when something in one of them changes. Where inotify is
    not to be had, nothing happens: the look every second remains."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        self._watches: dict[str, tuple[int, tuple[int, int]]] = {}

    def watch(self, directories: set[str]) -> None:
        """Watch exactly these; one that does not exist yet is tried again at the next call."""
        if self._descriptor < 0:
            if not directories:
                return
            self._descriptor = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
            if self._descriptor < 0:
                return
            asyncio.get_running_loop().add_reader(self._descriptor, self._readable)
        for path in [path for path in self._watches if path not in directories]:
            self._libc.inotify_rm_watch(self._descriptor, self._watches.pop(path)[0])
        for path in directories:
            identity = _identity(path)
            known = self._watches.get(path)
            if identity is None or (known is not None and known[1] == identity):
                continue
            number = self._libc.inotify_add_watch(self._descriptor, os.fsencode(path), _IN_EVENTS)
            if number >= 0:
                self._watches[path] = (number, identity)

    def close(self) -> None:
        """Watch nothing."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
            self._watches.clear()

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._descriptor, 65536):
                pass
        self._changed()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return (info.st_dev, info.st_ino)
