"""A configuration being edited: its text with secrets as `<secret 9f2c>`, what is wrong with it, what applying does.

Invariant: pure. Text that is shown never holds a secret unless it was revealed, text that is sent holds every
secret that was not edited as it was, and the file is never written from here: `ApplyConfig` is.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping

import msgspec

from engine.config.build import Loaded, load
from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.files import files_of
from engine.config.keywords import Keyword, table
from engine.config.lint import findings
from engine.config.plan import plan
from engine.config.syntax import Node, Token, apply_edits, parse
from engine.messages import ConfigText

TOKEN = re.compile(r"<secret [0-9a-f]{4,64}>")
SEVERITIES = ("error", "warning", "info")


def secret_tokens(text: str) -> list[Token]:
    """The words of a configuration that are passwords or keys."""
    found: list[Token] = []
    for node in parse(text).walk():
        word = _secret_word(node)
        if word is not None:
            found.append(word)
    return found


def _secret_word(node: Node) -> Token | None:
    words = node.words
    if node.keyword == "auth_pass" and len(words) > 1:
        return words[1]
    if node.keyword == "password" and len(words) > 1:
        return words[1]
    if node.keyword == "key" and node.parent is not None and node.parent.keyword == "auth_hmac" and len(words) > 2:
        return words[2]
    return None


def fingerprint(secret: str) -> str:
    """Four hex digits by which two people may compare a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()[:4]


class Masks:
    """What `<secret ...>` stands for."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def mask(self, text: str) -> str:
        """The text with every secret as its fingerprint."""
        edits = []
        for word in secret_tokens(text):
            if TOKEN.fullmatch(word.text):
                continue
            edits.append(Edit("", word.line, word.column, word.line, word.end_column, self._token(word.text)))
        return apply_edits(text, edits)

    def _token(self, secret: str) -> str:
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
        for length in range(4, 65):
            token = f"<secret {digest[:length]}>"
            if self._real.setdefault(token, secret) == secret:
                return token
        raise AssertionError("two secrets with one digest")

    def unmask(self, text: str) -> str:
        """The text with every secret as it was; a mark that stands for nothing known stays."""
        return TOKEN.sub(lambda match: self._real.get(match.group(), match.group()), text)

    def shown_column(self, shown_line: str, column: int) -> int:
        """Where a column of the real line is in the line as shown. Both count from 1."""
        shift = 0
        for match in TOKEN.finditer(shown_line):
            real = len(self._real.get(match.group(), match.group()))
            start = match.start() + 1 + shift
            if column <= start:
                break
            if column < start + real:
                return match.start() + 1
            shift += real - len(match.group())
        return max(1, column - shift)

    def shown_edit(self, edit: Edit, shown_lines: list[str]) -> Edit:
        """An edit of the real text as an edit of the text as shown."""

        def place(line: int, column: int) -> int:
            return self.shown_column(shown_lines[line - 1], column) if line <= len(shown_lines) else column

        return Edit(
            edit.file,
            edit.line,
            place(edit.line, edit.column),
            edit.end_line,
            place(edit.end_line, edit.end_column),
            self.mask(edit.text),
        )


class Judgement(msgspec.Struct, frozen=True):
    """What is to be said of a draft."""

    problems: tuple[Diagnostic, ...]
    """Of the edited file, in the order of the text; columns are those of the text as shown."""
    elsewhere: tuple[Diagnostic, ...]
    """Of included files."""
    impact: tuple[str, ...]
    """What applying does; empty when nothing changes."""
    runs: bool
    """False: it would be refused."""
    interruption: int = 0
    """ns"""

    @property
    def listed(self) -> list[Diagnostic]:
        """All, the worst first, each kind in the order of the text."""
        return sorted((*self.problems, *self.elsewhere), key=lambda one: SEVERITIES.index(one.severity))

    def count(self, severity: str) -> int:
        """How many problems are so bad."""
        return sum(one.severity == severity for one in (*self.problems, *self.elsewhere))

    @property
    def errors(self) -> int:
        """How many forbid applying it."""
        return self.count("error")


class Draft:
    """The main file of a configuration being edited, beside the files that it includes."""

    def __init__(self, files: tuple[ConfigText, ...], config_id: str) -> None:
        self.base = files[0] if files else ConfigText("/etc/keepalived/keepalived.conf", "", "")
        self.masks = Masks()
        self._others = {file.path: file.text for file in files[1:]}
        self._config_id = config_id
        self._running: Loaded | None = None

    @property
    def path(self) -> str:
        """The file."""
        return self.base.path

    def shown(self) -> str:
        """The text as it was read, secrets masked."""
        return self.masks.mask(self.base.text)

    def changed(self, shown: str) -> bool:
        """Whether this text differs from the one that was read."""
        return self.masks.unmask(shown) != self.base.text

    def _load(self, text: str) -> Loaded:
        reader = files_of({**self._others, self.path: text})
        return load(self.path, *reader, config_id=self._config_id, env={})

    def judge(self, shown: str) -> Judgement:
        """Check the text as shown. Takes milliseconds to seconds: run it beside the loop when it is long."""
        text = self.masks.unmask(shown)
        loaded = self._load(text)
        found = findings(loaded)
        lines = shown.split("\n")
        problems = tuple(self._as_shown(one, lines) for one in found if one.file == self.path)
        if self._running is None:
            self._running = self._load(self.base.text)
        impact: tuple[str, ...] = ()
        interruption = 0
        if loaded.config is not None and self._running.config is not None:
            change = plan(self._running.config, loaded.config)
            impact, interruption = change.lines, change.interruption
        runs = loaded.config is not None and not any(one.severity == "error" for one in found)
        return Judgement(problems, tuple(one for one in found if one.file != self.path), impact, runs, interruption)

    def _as_shown(self, one: Diagnostic, lines: list[str]) -> Diagnostic:
        line = lines[one.line - 1] if 0 < one.line <= len(lines) else ""
        end = self.masks.shown_column(line, one.end_column) if one.end_column else 0
        fix = one.fix
        if fix is not None:
            here = all(edit.file == self.path for edit in fix.edits)
            edits = tuple(self.masks.shown_edit(edit, lines) for edit in fix.edits) if here else fix.edits
            fix = Fix(fix.title, edits) if here else None
        return msgspec.structs.replace(one, column=self.masks.shown_column(line, one.column), end_column=end, fix=fix)

    def diff(self, shown: str) -> list[str]:
        """Unified diff from the text that was read to this one, secrets masked."""
        return unified(self.shown(), self.masks.mask(self.masks.unmask(shown)), self.path)


def unified(old: str, new: str, path: str) -> list[str]:
    """A unified diff without line ends."""
    name = path.rpartition("/")[2]
    return list(
        difflib.unified_diff(
            old.splitlines(), new.splitlines(), f"{name} (on disk)", f"{name} (yours)", lineterm="", n=2
        )
    )


def changed_lines(old: str, new: str) -> dict[int, str]:
    """Line of the new text, from 0 -> `+` new, `|` changed, `-` something was removed before it."""
    marks: dict[int, str] = {}
    matcher = difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind == "delete":
            marks.setdefault(start, "-")
        elif kind != "equal":
            marks.update(dict.fromkeys(range(start, end), "+" if kind == "insert" else "|"))
    return marks


class Hover(msgspec.Struct, frozen=True):
    """What is known of the word at a place."""

    usage: str
    default: str
    effect: str
    effective: bool


def hover(text: str, line: int) -> Hover | None:
    """The keyword of a line, which counts from 1."""
    tree = parse(text)
    node = tree.node_at(line)
    if node is None or not node.keyword:
        return None
    row = _row(node.path, node.keyword)
    if row is None:
        return None
    return Hover(row.usage, row.default, row.effect, row.effective)


def _row(path: tuple[str, ...], name: str) -> Keyword | None:
    words = table()
    return words.get(path, name) or words.head(path)


def completions(text: str, line: int, column: int) -> list[Keyword]:
    """The keywords that may stand at a place and go on as what is typed there."""
    tree = parse(text)
    before = text.split("\n")[line - 1][: column - 1] if line <= text.count("\n") + 1 else ""
    if before.strip() and (before.split() != [before.strip()] or before != before.rstrip()):
        return []
    begun = before.strip()
    words: Mapping[str, Keyword] = table().block(tree.path_at(line, column))
    return [row for name, row in sorted(words.items()) if name.startswith(begun) and not row.is_head and name != begun]
