"""From what is written to what is meant: include, @id, $NAME, ~SEQ, ~LST and the built-in names.

Invariant: the result is one flat flow of statements and braces in the order in which keepalived reads
them, and everything in it knows its file, line and column as written. A word that a substitution made
carries the place of the `$NAME`; a line that `~SEQ` repeats appears once for each turn.

The flow is flat because which brace closes which block depends on keywords (the brace after an unknown
word opens nothing for keepalived); `structure.py` makes the tree. Pure: files come through a `Reader`,
the environment and the configuration id are arguments, `_RANDOM` asks the callable `draw`.

    expansion = expand("/etc/keepalived/keepalived.conf", reader, config_id="node1", env={})
    expansion.flow          Statement | Brace, in order
    expansion.diagnostics   what failed, as Diagnostic
    expansion.trees         {absolute path: syntax.Tree} of every file read, the main file first
    expansion.definitions   {name: Definition} as they stand at the end
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from engine.config import files
from engine.config.diagnostic import Diagnostic
from engine.config.findings import finding
from engine.config.syntax import BLANKS, CLOSE, OPEN, QUOTE, VALUE, WORD, Line, Token, Tree, comment_start, lex, parse

MAX_DEPTH = 32
"""Files inside files."""
MAX_LINE = 1023
"""Characters that keepalived reads at once; what is behind them it takes for another line."""
MAX_EXPANDED = 65_536
"""Characters of all lines that a definition of several lines may put in place of one."""
MAX_REPEATS = 100_000
"""Turns of all ~SEQ and ~LST of a configuration together; a turn of a long line counts for more."""
MAX_SUBSTITUTIONS = 1000
"""In one line."""

INCLUDES = {"include", "includer", "includem", "includew", "includeb", "includea"}
_CHECKS = {
    "include": frozenset[str](),
    "includer": frozenset({"read"}),
    "includem": frozenset({"read", "match"}),
    "includew": frozenset({"read", "wildcard_match"}),
    "includeb": frozenset({"read", "brace_match"}),
    "includea": frozenset({"read", "match", "wildcard_match", "brace_match"}),
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = re.compile(rf"\$(?:\{{({_NAME})([ \t]+[^{{}}]*)?\}}|({_NAME})(?=[ \t,)]|\r*\Z))")
_REPEAT = re.compile(r"~(SEQx?|LST)[ \t]*\(([^()]*)\)[ \t]*")
_AFRESH = re.compile(rf"[ \t\r\f\v]*(?:@|~|\${_NAME}=|include[rmwba]?[ \t])")
_STARTS_REPEAT = re.compile(r"~(?:SEQx?|LST)[ \t]*\(")


class Statement:
    """One statement as keepalived reads it. `children` is filled by `structure.py`."""

    __slots__ = ("children", "closed_at", "file", "line", "parent", "raw", "words")

    def __init__(self, words: tuple[Token, ...], raw: str, file: str, line: int) -> None:
        self.words = words
        """Keyword and arguments; each has value, text, quoted, column, end_column."""
        self.raw = raw
        """The text from the first word on, substituted, without braces and comment."""
        self.file = file
        self.line = line
        self.children: list[Statement] | None = None
        """The statements of its block; None for a plain statement."""
        self.parent: Statement | None = None
        self.closed_at = 0
        """Line of the closing brace (in `file` unless an include closes it); 0 when there is none."""

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0].value

    @property
    def arguments(self) -> tuple[Token, ...]:
        """The words after the keyword."""
        return self.words[1:]

    @property
    def name(self) -> str:
        """The first argument, or ""."""
        return self.words[1].value if len(self.words) > 1 else ""

    @property
    def column(self) -> int:
        """Column of the keyword."""
        return self.words[0].column

    @property
    def rest(self) -> str:
        """The raw text after the keyword: what script-valued keywords parse with their own quoting."""
        return self.raw[len(self.words[0].text) :].lstrip(BLANKS)

    @property
    def path(self) -> tuple[str, ...]:
        """Keywords of the blocks around it, outermost first."""
        found: list[str] = []
        around = self.parent
        while around is not None:
            found.append(around.keyword)
            around = around.parent
        return tuple(reversed(found))

    def walk(self) -> Iterable[Statement]:
        """Itself and all inside, in order."""
        stack = [self]
        while stack:
            one = stack.pop()
            yield one
            stack.extend(reversed(one.children or ()))

    def child(self, keyword: str) -> Statement | None:
        """The last direct child of that keyword: later ones win."""
        return next((one for one in reversed(self.children or ()) if one.keyword == keyword), None)

    def __repr__(self) -> str:
        return f"Statement({self.raw!r}, {self.file}:{self.line})"


class Brace(msgspec.Struct, frozen=True, gc=False):
    """A brace outside quotes."""

    kind: str
    """{ or }"""
    file: str
    line: int
    column: int


class Definition(msgspec.Struct, frozen=True, gc=False):
    """The present meaning of a $NAME."""

    name: str
    value: str
    """Lines parted by newlines when it was continued with backslashes."""
    file: str
    line: int


class Expansion:
    """What a configuration says once nothing is left to substitute."""

    __slots__ = ("config_id", "definitions", "diagnostics", "flow", "trees")

    def __init__(self, config_id: str) -> None:
        self.flow: list[Statement | Brace] = []
        self.diagnostics: list[Diagnostic] = []
        self.trees: dict[str, Tree] = {}
        self.definitions: dict[str, Definition] = {}
        self.config_id = config_id

    @property
    def sources(self) -> tuple[str, ...]:
        """Every file that was read, the main file first."""
        return tuple(self.trees)


class _Text:
    """A substituted line: its characters, and for each where it was written."""

    __slots__ = ("ends", "starts", "text")

    def __init__(self, text: str, starts: list[int], ends: list[int]) -> None:
        self.text, self.starts, self.ends = text, starts, ends

    @classmethod
    def plain(cls, text: str, column: int = 1) -> _Text:
        return cls(text, list(range(column, column + len(text))), list(range(column + 1, column + len(text) + 1)))

    def part(self, start: int, end: int | None = None) -> _Text:
        return _Text(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def splice(self, start: int, end: int, value: str) -> _Text:
        begin, stop = self.starts[start], self.ends[end - 1]
        return _Text(
            self.text[:start] + value + self.text[end:],
            self.starts[:start] + [begin] * len(value) + self.starts[end:],
            self.ends[:start] + [stop] * len(value) + self.ends[end:],
        )

    def lines(self) -> Iterable[_Text]:
        at = 0
        for piece in self.text.split("\n"):
            yield self.part(at, at + len(piece))
            at += len(piece) + 1

    def place(self, token: Token) -> Token:
        start, end = token.column - 1, token.end_column - 1
        return Token(token.kind, token.text, token.value, token.line, self.starts[start], self.ends[end - 1])


def expand(
    main_path: str,
    reader: files.Reader,
    *,
    config_id: str = "",
    env: Mapping[str, str] | None = None,
    draw: Callable[[int, int], int] | None = None,
    all_config: bool = False,
) -> Expansion:
    """Read a configuration and everything it includes.

    `config_id` is what @id compares with (-i, else the short host name); `env` serves ${_ENV NAME};
    `draw(low, high)` gives ${_RANDOM}, by default always the middle; `all_config` is -e: every include
    must match a file.
    """
    work = _Work(reader, config_id, env or {}, draw or (lambda low, high: (low + high) // 2), all_config)
    return work.run(main_path)


class _Work:
    def __init__(
        self,
        reader: files.Reader,
        config_id: str,
        env: Mapping[str, str],
        draw: Callable[[int, int], int],
        all_config: bool,
    ) -> None:
        self.reader, self.env, self.draw = reader, env, draw
        self.out = Expansion(config_id)
        self.flow = self.out.flow
        self.defined = self.out.definitions
        self.checks: frozenset[str] = _CHECKS["includea"] if all_config else frozenset()
        self.file, self.line = "", 0
        self.open_files: list[str] = []
        self.turns = 0
        self.exhausted = False

    def say(self, code: str, column: int = 1, end: int = 0, *, strict: bool = False, **words: Any) -> None:
        severity, exit_code = ("error", 6) if strict else ("", None)
        self.out.diagnostics.append(
            finding(code, self.file, self.line, column, end, severity=severity, exit_code=exit_code, **words)
        )

    def run(self, path: str) -> Expansion:
        text = self.reader.read(path)
        if text is None:
            self.file, self.line = path, 1
            self.say("C-FILE", path=path)
            return self.out
        self.read_file(path, text)
        return self.out

    def read_file(self, path: str, text: str) -> None:
        tree = self.out.trees.get(path)
        if tree is None:
            tree = self.out.trees[path] = parse(text, path)
        before = self.file, self.line
        self.open_files.append(path)
        self.file = path
        lines = tree.lines
        octets = _SURROGATE.search(text)
        if octets:
            self.line = text.count("\n", 0, octets.start()) + 1
            self.say("C-ENCODING", octets.start() - text.rfind("\n", 0, octets.start()))
            lines = parse(_SURROGATE.sub("\ufffd", text), path).lines
        at = 0
        while at < len(lines):
            line = lines[at]
            at += 1
            self.line = line.number
            if len(line.text) > MAX_LINE:
                self.too_long(line.text)
                continue
            if not line.tokens:
                continue
            first = line.tokens[0]
            if first.kind == WORD and first.text[0] == "$" and first.text[-1] == "=" and len(first.text) > 2:
                values = _values(line)
                while at < len(lines) and lines[at].carried:
                    values += _values(lines[at])
                    at += 1
                self.define(first.text[1:-1], values)
            elif "$" in line.text or "~" in line.text or first.text[0] == "@":
                stop = comment_start(line.text)
                self.work_line(_Text.plain(line.text[:stop]))
            else:
                self.emit(line.tokens, line.text, None)
        self.open_files.pop()
        self.file, self.line = before

    def too_long(self, text: str) -> None:
        """A line that does not fit keepalived's buffer: read in pieces, comments included."""
        self.say("C-LENGTH", MAX_LINE + 1, len(text) + 1, limit=MAX_LINE)
        for at in range(0, len(text), MAX_LINE):
            piece = text[at : at + MAX_LINE]
            self.work_line(_Text.plain(piece[: comment_start(piece)], at + 1))

    def define(self, name: str, values: list[str]) -> None:
        kept = [value[:-1].rstrip(BLANKS) if value.endswith("\\") else value for value in values]
        self.defined[name] = Definition(name, "\n".join(kept), self.file, self.line)

    def work_line(self, line: _Text) -> None:
        """One line that is not plain: condition, definition, repeat, substitution, then its tokens."""
        line = _strip(line)
        if line.text.startswith("@"):
            rest = self.selected(line)
            if rest is None:
                return
            line = rest
        name = re.match(rf"\$({_NAME})=", line.text)
        if name:
            self.define(name[1], [line.text[name.end() :].strip(BLANKS)])
            return
        if _STARTS_REPEAT.match(line.text):
            self.repeat(line)
            return
        first = _REFERENCE.match(line.text)
        value = self.value_of(first[1] or first[3], (first[2] or "").split()) if first else None
        if first and value and (value[0] == "@" or _STARTS_REPEAT.match(value)) and "\n" not in value:
            self.work_line(line.splice(first.start(), first.end(), value))
            return
        done = self.substitute(line)
        if done.text == line.text:
            self.emit_text(done)
            return
        for one in done.lines():
            rest_of = _strip(one)
            if rest_of.text[:1] == "@" or _STARTS_REPEAT.match(rest_of.text):
                self.work_line(rest_of)
            else:
                self.emit_text(one.part(0, comment_start(one.text)))

    def selected(self, line: _Text) -> _Text | None:
        """The line behind its @id, or None when the id leaves it out."""
        match = re.match(r"@(\^?)([^ \t\r\f\v]*)[ \t\r\f\v]*", line.text)
        assert match
        wanted = match[2] == self.out.config_id
        return line.part(match.end()) if wanted != bool(match[1]) else None

    def substitute(self, line: _Text) -> _Text:
        at = 0
        inside: list[tuple[str, int]] = []  # names being expanded, and how much text is behind each
        for _ in range(MAX_SUBSTITUTIONS):
            match = _REFERENCE.search(line.text, at)
            if match is None:
                return line
            name = match[1] or match[3]
            value = self.value_of(name, (match[2] or "").split())
            if value is None:
                at = match.end() if match[3] else match.start() + 2
                continue
            while inside and len(line.text) - inside[-1][1] <= match.start():
                inside.pop()
            if any(name == one for one, _ in inside):
                break
            inside.append((name, len(line.text) - match.end()))
            longer = len(line.text) + len(value) > MAX_LINE
            if longer and "\n" not in value and "\n" not in line.text:
                self.say("C-LENGTH", line.starts[match.start()], line.ends[match.end() - 1], limit=MAX_LINE)
                return line
            line = line.splice(match.start(), match.end(), value)
            at = match.start()
            if len(line.text) > MAX_EXPANDED:
                break
        self.say("C-LOOP", line.starts[0] if line.starts else 1, name="a $NAME on this line")
        return _Text.plain("")

    def value_of(self, name: str, words: list[str]) -> str | None:
        """The meaning of a name; None leaves the text as it is."""
        if name in self.defined:
            return self.defined[name].value
        match name:
            case "_PWD":
                return files.directory(self.file)
            case "_INSTANCE":
                return self.out.config_id
            case "_HASH":
                return "#"
            case "_BANG":
                return "!"
            case "_RANDOM":
                bounds = [int(word) for word in words if re.fullmatch(r"-?\d{1,9}", word)]
                low = bounds[0] if bounds else 0
                high = bounds[1] if len(bounds) > 1 else 32767
                return str(self.draw(min(low, high), max(low, high)))
            case "_ENV" if words:
                return self.env.get(words[0])
            case _:
                return None

    def repeat(self, line: _Text) -> None:
        """~SEQ(...) or ~LST(...) at the front: the remainder once for each turn."""
        close = line.text.find(")")
        head = self.substitute(line.part(0, close + 1)) if close >= 0 else line
        match = _REPEAT.match(head.text)
        turns = _turns(match[1], match[2]) if match else None
        if turns is None:
            self.say("C-SEQ", line.starts[0], line.ends[max(close, 0)], text=head.text)
            return
        rest = _strip(line.part(close + 1))
        for turn in turns:
            if self.turns >= MAX_REPEATS:
                if not self.exhausted:
                    self.say("C-SEQ", line.starts[0], text=f"{head.text} with more than {MAX_REPEATS} turns in all")
                self.exhausted = True
                return
            self.turns += 1 + len(rest.text) // 64
            for name, value in turn:
                self.defined[name] = Definition(name, value, self.file, self.line)
            self.work_line(rest)

    def emit_text(self, line: _Text) -> None:
        tokens = lex(line.text, self.line, references=False)
        if tokens and line.text:
            self.emit(tokens, line.text, line)

    def emit(self, tokens: tuple[Token, ...], text: str, origin: _Text | None) -> None:
        """Put the tokens of a line into the flow; `include` reads its file in place."""
        words: list[Token] = []
        begin = end = 0
        raw_end = ""
        if "\\" in text:
            tokens, raw_end = _glued(tokens)

        def flush() -> None:
            nonlocal words
            if words:
                if words[0].text in INCLUDES and len(words) > 1:
                    self.include(words[0], words[1])
                else:
                    if words[0].text == "include_check":
                        self.include_check(words)
                    raw = text[begin:end] + (raw_end if words[-1].text.endswith(raw_end or "\n") else "")
                    self.flow.append(Statement(tuple(words), raw, self.file, self.line))
                words = []

        for token in tokens:
            start, stop = token.column - 1, token.end_column - 1
            placed = origin.place(token) if origin else token
            if token.kind == OPEN or token.kind == CLOSE:
                flush()
                self.flow.append(Brace(token.kind, self.file, self.line, placed.column))
                rest = text[stop:]
                if _AFRESH.match(rest):  # what follows a brace is read like a line of its own
                    line = origin.part(stop) if origin else _Text.plain(rest[: comment_start(rest)], stop + 1)
                    self.work_line(line)
                    return
            elif token.kind == QUOTE:
                self.say("C-QUOTE", placed.column, placed.end_column)
            elif token.kind == VALUE:
                continue
            elif token.kind != "comment":
                if not words:
                    begin = start
                words.append(placed if token.kind == WORD else msgspec.structs.replace(placed, kind=WORD))
                end = stop
        flush()

    def include_check(self, words: list[Token]) -> None:
        """`include_check` sets the strictness of every plain include after it."""
        known = set(_CHECKS["includea"])
        chosen: set[str] = set() if len(words) > 1 else known
        for word in words[1:]:
            names = {word.value.lstrip("+-")}
            if names == {"readable"}:
                names = {"read"}
            if word.value.startswith("-"):
                chosen = (chosen or known) - names
            elif word.value.startswith("+"):
                chosen = set(self.checks) | chosen | names
            else:
                chosen |= names
        self.checks = frozenset(chosen & known)

    def include(self, keyword: Token, pattern: Token) -> None:
        checks = _CHECKS[keyword.text] | (self.checks if keyword.text == "include" else frozenset())
        full = files.absolute(pattern.value, files.directory(self.file))
        found = self.reader.glob(full)
        wild = files.has_wildcard(pattern.value)
        wanted = {"wildcard_match"} if wild else {"match", "wildcard_match"}
        missing = not found and bool(wanted & checks)
        choices = files.alternatives(full) if "brace_match" in checks else []
        unmatched = len(choices) > 1 and [one for one in choices if not self.reader.glob(one)]
        if not found or unmatched:
            self.say(
                "C-INCLUDE",
                pattern.column,
                pattern.end_column,
                strict=missing or bool(unmatched),
                pattern=pattern.value,
            )
        for path in found:
            if path in self.open_files or len(self.open_files) > MAX_DEPTH:
                self.say("C-LOOP", pattern.column, pattern.end_column, name=f"include {path}")
                continue
            text = self.reader.read(path)
            if text is None:
                self.say("C-INCLUDE", pattern.column, pattern.end_column, strict="read" in checks, pattern=path)
                continue
            self.read_file(path, text)


def _glued(tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], str]:
    """The tokens of a line that ends in a blank and a backslash: no line goes on below it, and the backslash is the
    end of the word before it. Also that backslash, "" on any other line."""
    stop = len(tokens) - (tokens[-1].kind == "comment") if tokens else 0
    if stop < 2 or tokens[stop - 1].text != "\\" or tokens[stop - 2].kind != WORD or tokens[stop - 2].quoted:
        return tokens, ""
    word = tokens[stop - 2]
    glued = msgspec.structs.replace(word, text=word.text + "\\", value=word.value + "\\")
    return (*tokens[: stop - 2], glued, *tokens[stop:]), "\\"


def _values(line: Line) -> list[str]:
    found = [token.text for token in line.tokens if token.kind == VALUE]
    return found or [""]


def _strip(line: _Text) -> _Text:
    lead = len(line.text) - len(line.text.lstrip(BLANKS))
    return line.part(lead) if lead else line


def _turns(kind: str, inside: str) -> Iterable[list[tuple[str, str]]] | None:
    """For each turn the names to set; None when the specification is wrong."""
    if kind != "LST":
        return _sequence(kind, [part.strip(BLANKS) for part in inside.split(",")])
    groups = [part.strip(BLANKS) for part in re.findall(r"\{[^{}]*\}|[^,{}]+|(?<=,)(?=,|\Z)", inside)]
    groups = [group for position, group in enumerate(groups) if group or position]
    if not groups or '"' in inside:
        return None
    if groups[0].startswith("{"):
        rows = [[cell.strip(BLANKS) for cell in group.strip("{}").split(",")] for group in groups]
        names, values = rows[0], rows[1:]
    else:
        names, values = [groups[0]], [[group] for group in groups[1:]]
    if not values or any(len(row) != len(names) for row in values) or not all(_is_name(name) for name in names):
        return None
    return [list(zip(names, row, strict=True)) for row in values]


def _sequence(kind: str, parts: list[str]) -> Iterable[list[tuple[str, str]]] | None:
    if not 2 <= len(parts) <= 4 or not _is_name(parts[0]):
        return None
    try:
        numbers = [int(part, 16 if part.lower().lstrip("-").startswith("0x") else 10) for part in parts[1:]]
    except ValueError:
        return None
    start = numbers[0] if len(numbers) > 1 else 1
    end = numbers[-1]
    step = numbers[1] if len(numbers) == 3 else (1 if end >= start else -1)
    if step == 0 or (end - start) * step < 0:
        return None
    shown = "{:x}" if kind == "SEQx" else "{}"
    return ([(parts[0], shown.format(number))] for number in range(start, end + (1 if step > 0 else -1), step))


def _is_name(text: str) -> bool:
    return re.fullmatch(_NAME, text) is not None
