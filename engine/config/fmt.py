"""`hatui config fmt`: one layout for every file.

The invariant: only blanks change. The words, braces and comments of the result are those of the text, in the same
order and on lines in the same order, so keepalived reads the same; formatting twice is formatting once.
"""

from __future__ import annotations

from engine.config.syntax import CLOSE, COMMENT, OPEN, QUOTE, VALUE, WORD, Line, Token, parse

INDENT = "    "
MAX_LEVEL = 32
"""Blocks in blocks that are still indented: no configuration has more than seven, and a line has 1023 characters."""


def format_text(text: str, *, indent: str = INDENT) -> str:
    """The text with one indentation step a block, single blanks between words, a blank line between top-level
    blocks, no blanks at line ends, no two blank lines in a row, and a newline at the end.

    Parameter definitions are left as they are. A brace alone on a line goes up to its keyword, unless a condition,
    a sequence or a parameter on that line could leave the keyword out and the brace in.
    """
    out: list[str] = []
    depth = 0
    before: Line | None = None
    opened = closed = gap = False
    for line in parse(text).lines:
        if line.carried or _is_definition(line):
            if gap and not line.carried:
                out.append("")
            out.append(line.text.rstrip("\r\n") if line.carried else line.text.strip())
            before, opened, closed, gap = line, False, False, False
            continue
        if line.blank:
            gap = bool(out)
            continue
        leading = _leading_closers(line)
        level = max(depth - leading, 0)
        if before is not None and not gap and line.tokens[0].kind == OPEN and _may_join(before):
            out[-1] += " " + _joined(line)
            before = None
        else:
            if not leading and ((gap and not opened) or (closed and level == 0)):
                out.append("")
            out.append(indent * min(level, MAX_LEVEL) + _joined(line))
            before = line
        depth = max(depth + _balance(line, depth), 0)
        code = [token.kind for token in line.tokens if token.kind != COMMENT]
        opened = code[-1] == OPEN if code else False
        closed = code == [CLOSE] * len(code) if code else False
        gap = False
    if before is not None and (before.carried or _is_definition(before)) and out[-1].rstrip().endswith("\\"):
        out.append("")  # a definition that is still being continued: its next line is the empty one
    return "\n".join(out) + "\n" if out else ""


def _joined(line: Line) -> str:
    """The line's tokens with single blanks where there were blanks, two before a comment at the end."""
    tokens = line.tokens
    if _is_verbatim(line):
        last = tokens[-1]
        if last.kind == COMMENT and len(tokens) > 1:
            code = line.text[tokens[0].column - 1 : last.column - 1].rstrip()
            return f"{code}  {last.text.rstrip()}"
        return line.text.strip()
    parts: list[str] = []
    before: Token | None = None
    for token in tokens:
        if before is not None:
            parts.append(_gap(before, token))
        parts.append(token.text.rstrip() if token.kind in (COMMENT, QUOTE) else token.text)
        before = token
    return "".join(parts)


def _gap(before: Token, token: Token) -> str:
    if token.kind == COMMENT:
        return "  "
    if OPEN in (before.kind, token.kind) or CLOSE in (before.kind, token.kind):
        return " "
    return " " if token.column > before.end_column else ""


def _is_verbatim(line: Line) -> bool:
    """Script commands are read again with single quotes and backslashes, where blanks count; a blank after the word
    include makes all that follows the name of a file."""
    if line.tokens[0].text.startswith("include"):
        return True
    return "'" in line.text or "\\" in line.text or any(token.kind in (QUOTE, VALUE) for token in line.tokens)


def _is_definition(line: Line) -> bool:
    if line.blank:
        return False
    first = line.tokens[0]
    return first.kind == WORD and first.text.startswith("$") and first.text.endswith("=")


def _may_join(line: Line) -> bool:
    plain = all(token.kind == WORD and "$" not in token.text for token in line.tokens)
    return plain and not line.tokens[0].text.startswith("@") and not _is_verbatim(line)


def _leading_closers(line: Line) -> int:
    count = 0
    for token in line.tokens:
        if token.kind != CLOSE:
            break
        count += 1
    return count


def _balance(line: Line, depth: int) -> int:
    """How much deeper it is after the line; a closing brace too many closes nothing."""
    now = depth
    for token in line.tokens:
        now = now + 1 if token.kind == OPEN else max(now - 1, 0) if token.kind == CLOSE else now
    return now - depth
