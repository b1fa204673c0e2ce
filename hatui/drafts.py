"""A configuration being edited: its text with secrets as `<secret 9f2c>`, what is wrong with it, what applying does.

Invariant: pure. Text that is shown never holds a secret unless it was revealed, text that is sent holds every
secret that was not edited as it was, and the file is never written from here: `ApplyConfig` is.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from engine.config.build import Loaded, load
from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.files import files_of
from engine.config.lint import findings
from engine.config.plan import Impact, plan
from engine.config.syntax import Node, Token, apply_edits, parse
from engine.messages import ApplyConfig, ConfigText, IncludedText, JudgeConfig

TOKEN = re.compile(r"<secret [0-9a-f]{4,64}>")
SEVERITIES = ("error", "warning", "info")


def secret_tokens(text: str) -> list[Token]:
    """The words of a configuration that are passwords or keys, also where they stand in a definition."""
    found: list[Token] = []
    nodes = list(parse(text).walk())
    defined = {name for node in nodes if (name := _defined(node))}
    used = {_DEFINED.sub(r"\1", word.text) for node in nodes if (word := _secret_word(node)) is not None}
    for node in nodes:
        name, word = _defined(node), _secret_word(node)
        if name:
            whole = name in used or _TELLING.search(name)
            found += [
                one for one in node.words[1:] if one.text not in ("=", "\\") and (whole or _INSIDE.search(one.text))
            ]
        elif word is not None and _DEFINED.sub(r"\1", word.text) not in defined:
            found.append(word)
    return found


_DEFINED = re.compile(r"\$\{?([A-Za-z0-9_]+)\}?\Z")
_TELLING = re.compile(r"PASS|PWD|SECRET|TOKEN|HMAC|(^|_)KEY", re.IGNORECASE)
"""Names of definitions that hold a secret; it may be used in another file."""
_INSIDE = re.compile(r"\b(auth_pass|password|key\s+\d+)\s+\S")
"""A definition of several lines with such a word in it."""


def _defined(node: Node) -> str:
    """The name that a line defines; empty when it defines none."""
    keyword = node.keyword
    equals = keyword.endswith("=") or (len(node.words) > 1 and node.words[1].text == "=")
    return keyword[1:].rstrip("=").strip() if keyword.startswith("$") and equals else ""


def _secret_word(node: Node) -> Token | None:
    words = node.words
    if node.keyword == "auth_pass" and len(words) > 1:
        return words[1]
    if node.keyword == "password" and len(words) > 1:
        return words[1]
    within = (
        node.parent is None or node.parent.keyword == "auth_hmac"
    )  # the lines of the block may be a file of their own
    if node.keyword == "key" and within and len(words) > 2:
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
    """Of the main file, in the order of the text; columns are those of the text as shown."""
    elsewhere: tuple[Diagnostic, ...]
    """Of included files."""
    impact: tuple[str, ...]
    """What applying does; empty when nothing changes."""
    runs: bool
    """False: it would be refused."""
    interruption: int = 0
    """ns"""
    touched: tuple[str, ...] = ()
    """Names of the instances that change."""
    beside: bool = False
    """Something else changes too: scripts, groups, static items, global settings."""

    @property
    def listed(self) -> list[Diagnostic]:
        """All, the worst first, each kind in the order of the text."""
        return sorted((*self.problems, *self.elsewhere), key=lambda one: SEVERITIES.index(one.severity))

    def of(self, path: str) -> list[Diagnostic]:
        """Those of one file, in the order of its text."""
        return [one for one in (*self.problems, *self.elsewhere) if one.file == path]

    def count(self, severity: str) -> int:
        """How many problems are so bad."""
        return sum(one.severity == severity for one in (*self.problems, *self.elsewhere))

    @property
    def errors(self) -> int:
        """How many forbid applying it."""
        return self.count("error")


class Draft:
    """A configuration being edited: the main file, whose text stands in the editor, and the files that it includes,
    of which those that were edited are kept here."""

    def __init__(self, files: tuple[ConfigText, ...], config_id: str) -> None:
        self.base = files[0] if files else ConfigText("/etc/keepalived/keepalived.conf", "", "")
        self.masks = Masks()
        self.typed: dict[str, str] = {}
        """Included files that were edited: path -> text as shown."""
        self._others = {file.path: file for file in files[1:]}
        self._config_id = config_id
        self._running: Loaded | None = None
        self._shown: dict[str, str] = {}

    @property
    def path(self) -> str:
        """The file."""
        return self.base.path

    @property
    def paths(self) -> tuple[str, ...]:
        """The main file and those that it includes."""
        return (self.base.path, *self._others)

    def file(self, path: str = "") -> ConfigText:
        """The main file, or an included one, as it was read."""
        return self._others.get(path, self.base)

    def shown(self, path: str = "") -> str:
        """The text as it was read, secrets masked."""
        file = self.file(path)
        if file.path not in self._shown:
            self._shown[file.path] = self.masks.mask(file.text)
        return self._shown[file.path]

    def now(self, path: str) -> str:
        """An included file as it was edited, or as it was read."""
        return self.typed.get(path, self.shown(path))

    def type(self, path: str, shown: str) -> None:
        """An included file as it stands in the editor."""
        if path not in self._others or self.masks.unmask(shown) == self._others[path].text:
            self.typed.pop(path, None)
        else:
            self.typed[path] = shown

    def texts(self, shown: str) -> tuple[object, ...]:
        """All that may be applied, to be compared."""
        return (shown, *sorted(self.typed.items()))

    def changed(self, shown: str) -> bool:
        """Whether this text differs from the one that was read, or that of an included file does."""
        return bool(self.typed) or self.masks.unmask(shown) != self.base.text

    def changes(self, shown: str) -> int:
        """How many lines differ from those that were read."""
        count = len(changed_lines(self.shown(), shown))
        return count + sum(len(changed_lines(self.shown(path), text)) for path, text in self.typed.items())

    def differs_from(self, files: Iterable[ConfigText]) -> tuple[ConfigText, ...]:
        """Those of these files, the main one or one that is edited, that are not as they were read."""
        ours = {self.base.path: self.base.digest, **{path: self._others[path].digest for path in self.typed}}
        return tuple(one for one in files if ours.get(one.path, one.digest) != one.digest)

    def strange_secrets(self, shown: str) -> list[str]:
        """Marks that stand for no secret known here: their secrets must be typed again."""
        texts = (self.masks.unmask(text) for text in (shown, *self.typed.values()))
        return [match.group() for text in texts for match in TOKEN.finditer(text)]

    def command(self, shown: str, comment: str = "", confirm_s: float = 0) -> ApplyConfig:
        """The wish to apply this text, and those of included files, over the ones that were read."""
        files = tuple(
            IncludedText(path, self.masks.unmask(text), self._others[path].digest) for path, text in self.typed.items()
        )
        return ApplyConfig(self.masks.unmask(shown), self.base.digest, comment, confirm_s=confirm_s, files=files)

    def trial(self, shown: str) -> JudgeConfig:
        """The question what the engine says of these texts."""
        command = self.command(shown)
        return JudgeConfig(command.text, command.files)

    def renew(self, files: Iterable[ConfigText]) -> None:
        """Included files that nobody edits here are as they are on disk."""
        for one in files:
            if one.path != self.base.path and one.path not in self.typed and self._others.get(one.path) != one:
                self._others[one.path] = one
                self._shown.pop(one.path, None)
                self._running = None

    def _load(self, text: str, typed: Mapping[str, str]) -> Loaded:
        others = {
            path: self.masks.unmask(typed[path]) if path in typed else file.text for path, file in self._others.items()
        }
        reader = files_of({**others, self.path: text})
        return load(self.path, *reader, config_id=self._config_id, env={})

    def judge(self, shown: str) -> Judgement:
        """Check the text as shown. Takes milliseconds to seconds: run it beside the loop when it is long."""
        text, typed = self.masks.unmask(shown), dict(self.typed)
        loaded = self._load(text, typed)
        found = findings(loaded)
        if self._running is None:
            self._running = self._load(self.base.text, {})
        impact: tuple[str, ...] = ()
        touched: tuple[str, ...] = ()
        interruption, beside = 0, False
        if loaded.config is not None and self._running.config is not None:
            change = plan(self._running.config, loaded.config)
            impact, interruption = change.lines, change.interruption
            touched = tuple(one.name for one in change.instances if one.impact is not Impact.NOTHING)
            beside = bool(change.others)
        runs = loaded.config is not None and not any(one.severity == "error" for one in found)
        here, elsewhere = self._placed(found, shown)
        return Judgement(here, elsewhere, impact, runs, interruption, touched, beside)

    def told(self, judged: Judgement, shown: str, found: Sequence[Diagnostic], *, runs: bool) -> Judgement:
        """The same with the findings of the engine, which knows its host and what other nodes advertise."""
        here, elsewhere = self._placed(found, shown)
        return msgspec.structs.replace(judged, problems=here, elsewhere=elsewhere, runs=judged.runs and runs)

    def _placed(self, found: Sequence[Diagnostic], shown: str) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
        """Those of the main file, and those of included ones, as they stand in the text that is shown."""
        texts = {self.path: shown.split("\n")}
        for path in {one.file for one in found} & set(self._others):
            texts[path] = self.now(path).split("\n")
        placed = [self._as_shown(one, texts.get(one.file, [])) for one in found]
        here = tuple(one for one in placed if one.file == self.path)
        return here, tuple(one for one in placed if one.file != self.path)

    def _as_shown(self, one: Diagnostic, lines: list[str]) -> Diagnostic:
        line = lines[one.line - 1] if 0 < one.line <= len(lines) else ""
        end = self.masks.shown_column(line, one.end_column) if one.end_column else 0
        fix = one.fix
        if fix is not None:
            here = all(edit.file == one.file for edit in fix.edits)
            edits = tuple(self.masks.shown_edit(edit, lines) for edit in fix.edits) if here else fix.edits
            fix = Fix(fix.title, edits) if here else None
        return msgspec.structs.replace(one, column=self.masks.shown_column(line, one.column), end_column=end, fix=fix)

    def diff(self, shown: str) -> list[str]:
        """Unified diff from the texts that were read to these, secrets masked."""
        found = unified(self.shown(), self.masks.mask(self.masks.unmask(shown)), self.path)
        for path, text in self.typed.items():
            found += unified(self.shown(path), self.masks.mask(self.masks.unmask(text)), path)
        return found


def unified(old: str, new: str, path: str, sides: tuple[str, str] = ("on disk", "yours")) -> list[str]:
    """A unified diff without line ends."""
    name = path.rpartition("/")[2]
    before, after = (f"{name} ({side})" for side in sides)
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="", n=2))


def differing(old: str, new: str) -> int:
    """How many lines differ, each counted once on the side that has more of them."""
    return sum(max(b - a, d - c) for _, a, b, c, d in _differences(old, new))


def changed_lines(old: str, new: str) -> dict[int, str]:
    """Line of the new text, from 0 -> `+` new, `|` changed, `-` something was removed before it."""
    marks: dict[int, str] = {}
    for kind, _, _, start, end in _differences(old, new):
        if kind == "delete":
            marks.setdefault(start, "-")
        else:
            marks.update(dict.fromkeys(range(start, end), "+" if kind == "insert" else "|"))
    return marks


def _differences(old: str, new: str) -> Iterator[tuple[str, int, int, int, int]]:
    """What replaces, deletes or inserts lines. The lines before the first change and behind the last one are left
    out at once: to compare thousands of lines that are much alike takes a tenth of a second."""
    before, after = old.split("\n"), new.split("\n")
    shorter = min(len(before), len(after))
    head = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    tail = next((at for at in range(shorter - head) if before[-1 - at] != after[-1 - at]), shorter - head)
    matcher = difflib.SequenceMatcher(
        None, before[head : len(before) - tail], after[head : len(after) - tail], autojunk=False
    )
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            yield kind, head + a, head + b, head + c, head + d
