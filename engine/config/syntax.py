"""What is written: a lossless tree over the text of one configuration file.

Invariant: `str(parse(text, file)) == text` for every text, broken ones included. On every line the
tokens stand in order, do not overlap, equal the text at their columns, and what lies between them is
blank. Nothing here knows a keyword: blocks are what braces outside quotes make of the text, which is
what keepalived's lexer sees before it includes, substitutes or selects anything (that is `expand`).

Editing goes by `Edit` (diagnostic.py): `replace`, `insert_after`, `delete_lines` make edits from
tokens and nodes, `apply_edits` carries them out on the text. All lines and columns count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from engine.config.diagnostic import Edit

BLANKS = " \t\r\f\v"
WORD, OPEN, CLOSE, COMMENT, REPEAT, VALUE, QUOTE = "word", "{", "}", "comment", "repeat", "value", "quote"

_TOKEN = re.compile(
    r"""[ \t\r\f\v]*(?:
      (?P<word>(?:\\[\#!]|\$\{[^{}\s"\#!]*\}|[^ \t\r\f\v"{}\#!])+)
    | (?P<quoted>"[^"]*")
    | (?P<open>\{)
    | (?P<close>\})
    | (?P<comment>[\#!].*)
    | (?P<quote>".*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_TOKEN_NO_REFERENCE = re.compile(_TOKEN.pattern.replace(r'\$\{[^{}\s"\#!]*\}|', ""), re.VERBOSE | re.DOTALL)
_REPEAT = re.compile(r"~(?:SEQx?|LST)\([^()]*\)")
_BARE = re.compile(r"[^ \t\r\f\v]+")
_PLAIN = re.compile(r'[^"{}#!$~@\\]*\Z')
_DEFINITION = re.compile(r"([ \t\r\f\v]*)(\$[A-Za-z_][A-Za-z0-9_]*=)", re.DOTALL)
_INCLUDE = re.compile(r"[ \t\r\f\v]*(include[rmwba]?)(?=[ \t\r\f\v])")
_UNESCAPE = re.compile(r"\\([#!])")


class Token(msgspec.Struct, frozen=True, gc=False):
    """One piece of a line: a word, a brace, a comment, a definition's value or an unmatched quote."""

    kind: str
    """word, {, }, comment, repeat (~SEQ, ~LST), value (of $NAME=), quote (a quote that never closes)."""
    text: str
    """As written, quotes included."""
    value: str
    """As keepalived reads it: quotes removed, \\# and \\! made plain."""
    line: int
    column: int
    end_column: int
    """One past the last character. Words that a substitution made span the place of the $NAME."""

    @property
    def quoted(self) -> bool:
        """True for a word in double quotes."""
        return self.kind == WORD and self.text.startswith('"') and self.text != self.value


class Line(msgspec.Struct, frozen=True, gc=False):
    """One physical line without its newline. `carried` marks the continuation of a definition."""

    number: int
    text: str
    tokens: tuple[Token, ...]
    carried: bool = False

    @property
    def blank(self) -> bool:
        """True when there is nothing on it, not even a comment."""
        return not self.tokens

    @property
    def indent(self) -> str:
        """The blanks it begins with."""
        return self.text[: len(self.text) - len(self.text.lstrip(BLANKS))]


class Node:
    """One statement as written: its words, and its block if braces follow."""

    __slots__ = ("children", "closer", "condition", "definition", "opener", "parent", "repeats", "words")

    def __init__(self, words: tuple[Token, ...], parent: Node | None) -> None:
        self.words = words
        """Keyword and arguments, without condition and repeats."""
        self.condition: Token | None = None
        """@ID or @^ID at its front."""
        self.repeats: tuple[Token, ...] = ()
        """~SEQ(...) and ~LST(...) on its line."""
        self.definition = False
        """$NAME=VALUE: words[0] is "$NAME=", the value tokens follow, one for each line."""
        self.opener: Token | None = None
        self.closer: Token | None = None
        """None for a plain statement and for a block that never ends."""
        self.children: list[Node] = []
        self.parent = parent

    @property
    def keyword(self) -> str:
        """The first word, or "" for a nameless block."""
        return self.words[0].value if self.words else ""

    @property
    def arguments(self) -> tuple[Token, ...]:
        """The words after the keyword."""
        return self.words[1:]

    @property
    def line(self) -> int:
        """Where it begins."""
        first = self.condition or (self.words[0] if self.words else self.opener)
        return first.line if first else 1

    @property
    def end_line(self) -> int:
        """Its last line, the block included."""
        if self.closer:
            return self.closer.line
        if self.children:
            return self.children[-1].end_line
        last = self.opener or (self.words[-1] if self.words else None)
        return max(self.line, last.line if last else 1)

    @property
    def is_block(self) -> bool:
        """True when a brace opens after it."""
        return self.opener is not None

    @property
    def path(self) -> tuple[str, ...]:
        """Keywords of the blocks around it, outermost first."""
        found: list[str] = []
        around = self.parent
        while around is not None:
            found.append(around.keyword)
            around = around.parent
        return tuple(reversed(found))

    def walk(self) -> Iterator[Node]:
        """Itself and everything inside, in the order of the text."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def __repr__(self) -> str:
        return f"Node({' '.join(word.text for word in self.words)!r}, line {self.line})"


class Tree:
    """A whole file. `str(tree)` is the text it was made from."""

    __slots__ = ("file", "lines", "nodes", "stray", "unclosed")

    def __init__(self, file: str, lines: list[Line]) -> None:
        self.file = file
        self.lines = lines
        self.nodes: list[Node] = []
        self.stray: list[Token] = []
        """Closing braces that close nothing."""
        self.unclosed: list[Node] = []
        """Blocks still open at the end, outermost first."""

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def walk(self) -> Iterator[Node]:
        """Every statement, in the order of the text."""
        for node in self.nodes:
            yield from node.walk()

    def block_at(self, line: int, column: int) -> Node | None:
        """The innermost block whose braces surround the place; None outside all of them."""
        found: Node | None = None
        nodes = self.nodes
        while True:
            inner = next((node for node in nodes if _surrounds(node, line, column)), None)
            if inner is None:
                return found
            found, nodes = inner, inner.children

    def path_at(self, line: int, column: int) -> tuple[str, ...]:
        """Keywords of the blocks around the place, outermost first: what completion asks."""
        block = self.block_at(line, column)
        return () if block is None else (*block.path, block.keyword)

    def token_at(self, line: int, column: int) -> Token | None:
        """The token under, or ending at, the place."""
        if not 1 <= line <= len(self.lines):
            return None
        tokens = self.lines[line - 1].tokens
        return next((token for token in tokens if token.column <= column <= token.end_column), None)

    def node_at(self, line: int) -> Node | None:
        """The innermost statement whose own words stand on the line."""
        found = [node for node in self.walk() if any(word.line == line for word in node.words)]
        return found[-1] if found else None


def _surrounds(node: Node, line: int, column: int) -> bool:
    if node.opener is None or (line, column) < (node.opener.line, node.opener.end_column):
        return False
    return node.closer is None or (line, column) <= (node.closer.line, node.closer.column)


def lex(text: str, number: int = 1, *, references: bool = True) -> tuple[Token, ...]:
    """The tokens of one line, as keepalived's lexer parts it. Without `references` a `${NAME}` is not
    kept whole, nor a ~SEQ(...): what is left of them after substitution is text, and its braces count."""
    included = _INCLUDE.match(text) if "include" in text else None
    if included:
        return _included(text, number, included)
    pattern = _TOKEN if references else _TOKEN_NO_REFERENCE
    tokens: list[Token] = []
    if _PLAIN.match(text):
        for found in _BARE.finditer(text):
            word = found[0]
            tokens.append(Token(WORD, word, word, number, found.start() + 1, found.end() + 1))
        return tuple(tokens)
    repeats = list(_REPEAT.finditer(text)) if "~" in text and references else []
    at = 0
    while True:
        while repeats and repeats[0].start() < at:
            repeats.pop(0)
        repeat = repeats[0] if repeats else None
        match = pattern.match(text, at)
        if match is None:
            return tuple(tokens)
        kind = match.lastgroup or ""
        start, end = match.span(kind)
        if repeat and kind == "word" and start <= repeat.start() < end:
            if repeat.start() > start:
                end = repeat.start()
            else:
                kind, end = REPEAT, repeat.end()
        piece = text[start:end]
        at = end
        if kind == "word":
            value = _UNESCAPE.sub(r"\1", piece) if "\\" in piece else piece
            kind = WORD
        elif kind == "quoted":
            value, kind = piece[1:-1], WORD
        else:
            value = piece
            kind = {"open": OPEN, "close": CLOSE, "comment": COMMENT, "quote": QUOTE}.get(kind, kind)
        tokens.append(Token(kind, piece, value, number, start + 1, end + 1))


def _included(text: str, number: int, match: re.Match[str]) -> tuple[Token, ...]:
    """include and the whole rest of the line, which is the name of the file, quotes and braces with it."""
    start, end = match.span(1)
    word = Token(WORD, match[1], match[1], number, start + 1, end + 1)
    tokens, _ = _definition(text, number, end)
    return (word, *(msgspec.structs.replace(token, kind=WORD) if token.kind == VALUE else token for token in tokens))


def comment_start(text: str) -> int:
    """Where a comment begins on a line that is no ordinary statement; its length if none does."""
    quoted, at = False, 0
    while at < len(text):
        here = text[at]
        if here == "\\":
            at += 1
        elif here == '"':
            quoted = not quoted
        elif here in "#!" and not quoted:
            return at
        at += 1
    return len(text)


def _definition(text: str, number: int, start: int) -> tuple[tuple[Token, ...], bool]:
    """The value from `start`, its comment, and whether the next line continues it."""
    tokens: list[Token] = []
    stop = comment_start(text[start:]) + start
    value = text[start:stop].rstrip(BLANKS)
    begin = start + len(value) - len(value.lstrip(BLANKS))
    value = value.lstrip(BLANKS)
    if value:
        tokens.append(Token(VALUE, value, value, number, begin + 1, begin + 1 + len(value)))
    if stop < len(text):
        tokens.append(Token(COMMENT, text[stop:], text[stop:], number, stop + 1, len(text) + 1))
    return tuple(tokens), text.rstrip(BLANKS).endswith("\\")


def _lines(text: str) -> list[Line]:
    lines: list[Line] = []
    carried = False
    for number, raw in enumerate(text.split("\n"), 1):
        if carried:
            tokens, more = _definition(raw, number, 0)
            lines.append(Line(number, raw, tokens, carried=True))
            carried = more
            continue
        match = _DEFINITION.match(raw) if "=" in raw else None
        if match:
            column = match.end(1) + 1
            name = Token(WORD, match[2], match[2], number, column, column + len(match[2]))
            tokens, carried = _definition(raw, number, match.end())
            lines.append(Line(number, raw, (name, *tokens)))
        else:
            lines.append(Line(number, raw, lex(raw, number)))
    return lines


def parse(text: str, file: str = "") -> Tree:
    """The tree of a text. Never fails: what is broken is kept as it stands."""
    tree = Tree(file, _lines(text))
    stack: list[Node] = []
    last: Node | None = None  # a block may open on a later line

    def add(words: tuple[Token, ...]) -> Node:
        parent = stack[-1] if stack else None
        node = Node(words, parent)
        (parent.children if parent else tree.nodes).append(node)
        return node

    carried: list[Token] = []
    for line in tree.lines:
        if line.carried:
            carried.extend(token for token in line.tokens if token.kind == VALUE)
            continue
        if carried and last is not None:
            last.words += tuple(carried)
            carried = []
        words: list[Token] = []
        condition: Token | None = None
        repeats: list[Token] = []
        for token in (*line.tokens, None):
            kind = token.kind if token else ""
            if token and kind in (WORD, VALUE):
                if not words and condition is None and kind == WORD and token.text.startswith("@"):
                    condition = token
                else:
                    words.append(token)
                continue
            if token and kind == REPEAT:
                repeats.append(token)
                continue
            if words:
                last = add(tuple(words))
                last.condition, last.repeats = condition, tuple(repeats)
                last.definition = words[0].text.startswith("$") and words[0].text.endswith("=")
                words, condition, repeats = [], None, []
            if token and kind == OPEN:
                if last is None or last.opener is not None or last.definition:
                    last = add(())
                last.opener = token
                stack.append(last)
                last = None
            elif token and kind == CLOSE:
                last = None
                if stack:
                    stack.pop().closer = token
                else:
                    tree.stray.append(token)
    if carried and last is not None:
        last.words += tuple(carried)
    tree.unclosed = list(stack)
    return tree


def replace(file: str, token: Token, text: str) -> Edit:
    """Put `text` in the place of a token."""
    return Edit(file, token.line, token.column, token.line, token.end_column, text)


def insert_after(file: str, line: int, text: str) -> Edit:
    """Insert whole lines (`text` without its last newline) after a line; 0 is the top of the file."""
    return Edit(file, line + 1, 1, line + 1, 1, text + "\n")


def delete_lines(file: str, first: int, last: int) -> Edit:
    """Remove whole lines."""
    return Edit(file, first, 1, last + 1, 1, "")


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. Places refer to the text as it is before any of them.

    An insertion after the last line of a text without a final newline begins a new line.

    Raises:
        ValueError: two edits overlap.
    """
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        if line >= len(starts):
            return len(text)
        end = min(starts[line] - 1, len(text))
        return min(starts[line - 1] + column - 1, end)

    spans = sorted(
        ((offset(e.line, e.column), offset(e.end_line, e.end_column), order, e) for order, e in enumerate(edits)),
        key=lambda span: span[:3],
    )
    parts: list[str] = []
    at = 0
    for start, end, _, edit in spans:
        if start < at or end < start:
            raise ValueError(f"overlapping edits at line {edit.line}")
        parts.append(text[at:start])
        if start == len(text) and edit.line >= len(starts) and text and not text.endswith("\n"):
            parts.append("\n")
        parts.append(edit.text)
        at = end
    return "".join((*parts, text[at:]))
