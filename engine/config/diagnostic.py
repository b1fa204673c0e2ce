"""Findings about a configuration: what is seen, why it matters, what to do, and the edit that does it."""

from __future__ import annotations

import msgspec


class Edit(msgspec.Struct, frozen=True):
    """Replace the text from (line, column) up to, not including, (end_line, end_column). All count from 1.
    An insertion has equal ends; a whole line ends at (line + 1, 1)."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(msgspec.Struct, frozen=True):
    """A change that mends a finding: applied by --fix and by one key in the console."""

    title: str
    edits: tuple[Edit, ...]


class Diagnostic(msgspec.Struct, frozen=True):
    """One finding. `code` is known to `hatui explain`."""

    code: str
    severity: str
    """error, warning or info."""
    file: str
    line: int
    column: int
    what: str
    why: str = ""
    todo: str = ""
    """What to do, in words."""
    end_column: int = 0
    """0: the end of the word is unknown."""
    fix: Fix | None = None
    exit_code: int = 0
    """The exit code of `keepalived -t` for it (2, 4, 5, 6), 0 when keepalived says nothing."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.what} [{self.code}]"
