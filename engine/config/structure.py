"""Which statement stands in which block: the flow of `expand` made into a tree, as keepalived reads it.

Invariant: a brace counts only where the table says that a block opens. The brace after an unknown word
is ignored, its lines are read as words of the block around it, and its closing brace closes that block:
this is what keepalived 2.2.7 does, so it is what the configuration means. Each such place is reported.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.expand import Brace, Statement
from engine.config.findings import finding
from engine.config.keywords import Path, Table, where
from engine.config.syntax import CLOSE, OPEN, WORD, Token

MAX_SUGGESTIONS = 500
"""Unknown words for which the nearest known one is looked up: a file with more is none of ours."""


_ESCAPE = re.compile(r"\\[#!]")


class _Level:
    __slots__ = ("kind", "path", "statement", "whole")

    def __init__(self, statement: Statement | None, kind: str, path: Path, *, whole: bool = True) -> None:
        self.statement, self.kind, self.path = statement, kind, path
        self.whole = whole
        """False for lines that no brace opened: the brace that ends them ends the block around them, too."""


def structure(flow: list[Statement | Brace], table: Table) -> tuple[list[Statement], list[Diagnostic]]:
    """The top-level statements with their blocks filled, and what does not fit."""
    return _Structure(table).run(flow)


class _Structure:
    def __init__(self, table: Table) -> None:
        self.table = table
        self.top: list[Statement] = []
        self.levels = [_Level(None, "block", ())]
        self.diagnostics: list[Diagnostic] = []
        self.last: Statement | None = None
        self.instances: set[str] = set()
        self.depth = 0
        self.said: set[tuple[str, Path]] = set()
        self.reported: set[tuple[object, ...]] = set()

    def run(self, flow: list[Statement | Brace]) -> tuple[list[Statement], list[Diagnostic]]:
        count = len(flow)
        at = 0
        while at < count:
            item = flow[at]
            at += 1
            if isinstance(item, Brace):
                self.brace(item)
                continue
            if "\\" in item.raw and self.levels[-1].path[:1] != ("global_defs",):
                column = self.cut(item)
                while column and at < count and _behind(flow[at], item, column):
                    at += 1
                if not item.words:
                    continue
            opens = at < count and isinstance(follower := flow[at], Brace) and follower.kind == OPEN
            if self.statement(item, opens=opens) and opens:
                self.depth += 1
                at += 1
        self.end()
        return self.top, self.diagnostics

    def cut(self, statement: Statement) -> int:
        """keepalived takes \\# and \\! for plain characters when it reads a file, and then hands the lines on to its
        processes, which read them again without the backslash. Only global_defs is not read a second time. The column
        of the comment that this makes, 0 where there is none."""
        for position, word in enumerate(statement.words):
            escape = None if word.quoted else _ESCAPE.search(word.text)
            if escape is None:
                continue
            kept = word.text[: escape.start()]
            self.diagnostics.append(
                finding("C-ESCAPE", statement.file, statement.line, word.column, word.end_column, word=word.text)
            )
            words = statement.words[:position]
            if kept:
                words = (*words, msgspec.structs.replace(word, text=kept, value=kept))
            statement.words = words
            return word.column
        return 0

    def add(self, statement: Statement) -> None:
        level = self.levels[-1]
        statement.parent = level.statement
        if level.statement is None:
            self.top.append(statement)
        else:
            assert level.statement.children is not None
            level.statement.children.append(statement)

    def statement(self, statement: Statement, *, opens: bool) -> bool:
        """Place one statement. True when the brace behind it belongs to it."""
        level = self.levels[-1]
        self.last = statement
        if level.kind == "skipped":
            if opens:
                self.levels.append(_Level(statement, "skipped", level.path))
            return opens
        if level.kind == "lines":
            self.add(statement)
            return False
        row = self.table.get(level.path, statement.keyword)
        if row is None or row.is_head:
            self.unknown(statement, level.path)
            return False
        if row.opens == "block" and not opens:
            self.say("C-NO-BRACE", statement, keyword=statement.keyword)
        if row.since == "later" and (row.name, level.path) not in self.said:
            self.said.add((row.name, level.path))
            self.say("C-NEWER", statement, keyword=statement.keyword)
        self.add(statement)
        if not row.opens:
            return False
        statement.children = []
        kind = "skipped" if self.skipped(statement, level.path) else row.opens
        whole = opens or row.opens == "block"
        self.levels.append(_Level(statement, kind, (*level.path, row.name), whole=whole))
        return True

    def skipped(self, statement: Statement, path: Path) -> bool:
        """Blocks that keepalived passes over without reading: instances of a name that is taken, and
        instances and sync groups without exactly one name."""
        if path or statement.keyword not in ("vrrp_instance", "vrrp_sync_group"):
            return False
        name = statement.name
        taken = statement.keyword == "vrrp_instance" and name in self.instances
        if statement.keyword == "vrrp_instance":
            self.instances.add(name)
        return taken or len(statement.words) != 2

    def brace(self, brace: Brace) -> None:
        if brace.kind == CLOSE:
            self.depth -= 1
            if len(self.levels) > 1:
                while True:
                    level = self.levels.pop()
                    assert level.statement
                    level.statement.closed_at = brace.line
                    if level.whole or len(self.levels) == 1:
                        break
                if not level.whole:
                    self.diagnostics.append(finding("C-BRACE", brace.file, brace.line, brace.column, brace.column + 1))
            else:
                self.diagnostics.append(finding("C-BRACE", brace.file, brace.line, brace.column, brace.column + 1))
            return
        self.depth += 1
        if self.levels[-1].kind == "lines":
            word = Token(WORD, "{", "{", brace.line, brace.column, brace.column + 1)
            self.add(Statement((word,), "{", brace.file, brace.line))
            return
        keyword = self.last.keyword if self.last else "nothing"
        self.diagnostics.append(
            finding("C-BRACE-OPEN", brace.file, brace.line, brace.column, brace.column + 1, keyword=keyword)
        )

    def unknown(self, statement: Statement, path: Path) -> None:
        word = statement.words[0]
        key = (statement.file, statement.line, word.column, word.value, path)
        if key in self.reported:
            return  # a turn of a sequence
        self.reported.add(key)
        homes = self.table.homes(word.value)
        near = None
        if homes:
            nearest = f"; it belongs in {where(homes[0])}"
            advice = f"Move it into {' or '.join(where(home) for home in homes[:3])}."
        elif near := self.nearest(path, word.value):
            nearest, advice = f"; nearest: {near}", f"Write {near}, if that is meant."
        else:
            nearest, advice = "", "Remove it, or look it up: no block knows this word."
        fix = None
        if near and word.end_column - word.column == len(word.text):
            edit = Edit(statement.file, statement.line, word.column, statement.line, word.end_column, near)
            fix = Fix(f"write {near}", (edit,))
        self.say("C-UNKNOWN", statement, fix=fix, keyword=word.value, where=where(path), nearest=nearest, advice=advice)

    def nearest(self, path: Path, word: str) -> str | None:
        return self.table.nearest(path, word) if len(self.reported) <= MAX_SUGGESTIONS else None

    def say(self, code: str, statement: Statement, *, fix: Fix | None = None, **words: Any) -> None:
        first = statement.words[0]
        self.diagnostics.append(
            finding(code, statement.file, statement.line, first.column, first.end_column, fix=fix, **words)
        )

    def end(self) -> None:
        """Blocks still open. keepalived only counts braces, so a missing one can hide behind one too many."""
        for level in self.levels[1:]:
            assert level.statement
            first = level.statement.words[0]
            self.diagnostics.append(
                finding(
                    "C-UNCLOSED",
                    level.statement.file,
                    level.statement.line,
                    first.column,
                    first.end_column,
                    exit_code=5 if self.depth > 0 else 0,
                    keyword=level.statement.keyword,
                )
            )


def _behind(item: Statement | Brace, statement: Statement, column: int) -> bool:
    """Whether something stands on the line of a statement behind a column."""
    return item.file == statement.file and item.line == statement.line and item.column > column
