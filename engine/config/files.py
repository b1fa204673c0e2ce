"""What reading a configuration asks of the world, as values: nothing here touches a disk.

Invariant: `engine.config` reads files only through a `Reader`. core and the command line make one over
the real disk; the console makes one that shows the text in its editor instead of the file; tests use
`files_of`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

_WILD = re.compile(r"[*?\[{]")


class Reader(NamedTuple):
    """Two callables: all that reading a configuration needs from the world."""

    read: Callable[[str], str | None]
    """The text of a file; None when it cannot be read. Bytes that are no UTF-8 come as surrogates."""
    glob: Callable[[str], list[str]]
    """Existing files that match an absolute pattern, sorted; a pattern without wildcard matches itself."""


def files_of(texts: Mapping[str, str]) -> Reader:
    """A reader over texts by absolute path."""

    def glob(pattern: str) -> list[str]:
        found = {path for one in alternatives(pattern) for path in texts if _matches(path, one)}
        return sorted(found)

    return Reader(lambda path: texts.get(path), glob)


def overlay(reader: Reader, texts: Mapping[str, str]) -> Reader:
    """The same reader with some texts put in place of files: an editor's unsaved buffers."""
    shown = files_of(texts)
    return Reader(
        lambda path: texts[path] if path in texts else reader.read(path),
        lambda pattern: sorted({*reader.glob(pattern), *shown.glob(pattern)}),
    )


def has_wildcard(pattern: str) -> bool:
    """True when glob characters stand in it."""
    return _WILD.search(pattern) is not None


def alternatives(pattern: str) -> list[str]:
    """The patterns that {a,b} stands for, at most 1024."""
    done: list[str] = []
    todo = [pattern]
    while todo and len(done) + len(todo) <= 1024:
        one = todo.pop()
        match = re.search(r"\{([^{}]*,[^{}]*)\}", one)
        if match is None:
            done.append(one)
            continue
        todo.extend(one[: match.start()] + choice + one[match.end() :] for choice in match[1].split(","))
    return sorted(done)


def directory(path: str) -> str:
    """The directory of a file, without a slash at its end."""
    return str(PurePosixPath(path).parent)


def absolute(path: str, base: str) -> str:
    """The path seen from the directory `base`."""
    return path if path.startswith("/") or not base else str(PurePosixPath(base) / path)


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, want) and (not part.startswith(".") or want.startswith("."))
        for part, want in zip(parts, wanted, strict=True)
    )
