"""The lines of a block with their values as keepalived 2.2.7 takes them, wrong ones left out without a word.

Invariant: only lines that keepalived uses come out; a time from 0 that is no number counts as 0, as it does there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.config import values
from engine.config.check import Checker, Sayings
from engine.config.context import Values
from engine.config.expand import Statement
from engine.config.keywords import Keyword, Path, table
from engine.config.syntax import Token


class Lines:
    """Reads lines by the table; what is wrong has been said when the configuration was loaded."""

    def __init__(self) -> None:
        self.table = table()
        self._check = Checker(Sayings(), self.table)

    def values(self, statement: Statement, row: Keyword) -> Values | None:
        """The values of one line; None where keepalived leaves it out."""
        given = self._check.values(statement, row)
        term = row.arguments[0] if row.arguments else None
        zero = term is not None and term.kind == "dec" and term.low == "0" and statement.name
        return (0,) if given is None and zero and values.seconds(statement.name) is None else given

    def inline(self, statement: Statement, row: Keyword, given: Iterable[Token]) -> Iterator[tuple[str, Any]]:
        """The words behind a keyword, each with its value, None for a wrong one; unknown words are left out."""
        path, words = (*row.path, row.name), iter(given)
        for word in words:
            inner = self.table.get(path, word.value)
            behind = next(words, None) if inner is not None else None
            if inner is not None and behind is not None:
                yield inner.name, self._check.value(statement, inner, inner.arguments[0], behind)

    def of(self, block: Statement, path: Path) -> Iterator[tuple[Statement, Keyword, Values]]:
        """Each line that counts, with its row and values; blocks inside come with their head's."""
        for statement in block.children or ():
            row = self.table.get(path, statement.keyword)
            if row is None:
                continue
            given = self.values(statement, row)
            if given is not None:
                yield statement, row, given
