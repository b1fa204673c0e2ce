"""What may stand at a place of a configuration, what the word there means, and which blocks there are.

Invariant: pure, and all of it comes from the table of keywords and from the text itself: what is offered is
what the engine reads, and a name that is offered is defined.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from engine.config.keywords import Keyword, Term, table
from engine.config.syntax import Node, Tree

SWITCHES = ("on", "off")
NAMED = {
    "<script>": ("vrrp_script",),
    "<file>": ("track_file", "vrrp_track_file"),
    "<process>": ("vrrp_track_process",),
    "<bfd>": ("bfd_instance",),
    "<instance>": ("vrrp_instance",),
}
"""First word of a line -> the blocks whose names may stand there."""
BLANKS = " \t"


class Hover(msgspec.Struct, frozen=True):
    """What is known of the word at a place."""

    usage: str
    default: str
    """ "-" for none."""
    effect: str
    effective: bool
    since: str = ""
    """ "2.2.7", or "later": keepalived 2.2.7 does not know it."""
    argument: str = ""
    """The argument at the place, such as "NUMBER 1..255"; empty on the keyword itself."""
    better: str = ""
    """What to write instead of an old word."""


class Candidate(msgspec.Struct, frozen=True):
    """One word that may be written."""

    word: str
    note: str
    effective: bool = True


class Offer(msgspec.Struct, frozen=True):
    """What may stand at a place, and where the word begins that it takes the place of."""

    start: int
    """Column, counts from 1."""
    candidates: tuple[Candidate, ...]


class Heading(msgspec.Struct, frozen=True):
    """One block for the outline."""

    line: int
    end_line: int
    depth: int
    keyword: str
    name: str


# what a word means -----------------------------------------------------------------------------


def hover(tree: Tree, line: int, column: int) -> Hover | None:
    """The word at a place, which counts from 1; on blanks the keyword of the line."""
    node = _node_at(tree, line)
    if node is None or not node.keyword or node.definition:
        return None
    row = _row(node.path, node.keyword)
    if row is None:
        return None
    token = tree.token_at(line, column)
    argument = ""
    if token is not None and token in node.words[1:] and token.line == line:
        at = node.words.index(token)
        inner = _row_of_word(row, node, at)
        if inner is not None:
            row = inner
        else:
            term = _term(row, at if row.is_head else at - 1)
            argument = str(term) if term is not None else ""
    return Hover(row.usage, row.default, row.effect, row.effective, row.since, argument, row.better)


def _node_at(tree: Tree, line: int) -> Node | None:
    """The innermost statement on a line; only the one block around it is looked through, however long the text is."""
    after = bisect_right(tree.nodes, line, key=lambda node: node.line)
    found = [node for top in tree.nodes[max(0, after - 1) : after] for node in top.walk()]
    on_line = [node for node in found if any(word.line == line for word in node.words)]
    return on_line[-1] if on_line else None


def _row(path: tuple[str, ...], name: str) -> Keyword | None:
    words = table()
    return words.get(path, name) or words.head(path)


def _row_of_word(row: Keyword, node: Node, at: int) -> Keyword | None:
    """The row of a later word on a line that has words of its own, such as `weight` behind a script."""
    return table().get(_inner(row, node.path), node.words[at].value)


def _inner(row: Keyword, path: tuple[str, ...]) -> tuple[str, ...]:
    """Where the further words of a line are listed."""
    return path if row.is_head else (*path, row.name)


def _term(row: Keyword, index: int) -> Term | None:
    terms = [term for term in row.arguments if term.kind != "words"]
    if 0 <= index < len(terms):
        return terms[index]
    return terms[-1] if terms and terms[-1].repeated else None


# what may be written ---------------------------------------------------------------------------


def complete(tree: Tree, line: int, column: int, interfaces: Sequence[str] = ()) -> Offer:
    """The words that may stand at a place and go on as what is typed there. Places count from 1."""
    text = tree.lines[line - 1].text[: column - 1] if line <= len(tree.lines) else ""
    statement = text[max(text.rfind("{"), text.rfind("}")) + 1 :]
    words = statement.split()
    begun = "" if not words or statement[-1] in BLANKS else words.pop()
    start = column - len(begun)
    if begun.startswith("$"):
        return Offer(start, _narrowed(_definitions(tree), begun))
    path = tree.path_at(line, column)
    found = list(_values(tree, path, words, interfaces) if words else _first(tree, path, interfaces))
    return Offer(start, _narrowed(found, begun))


def _narrowed(found: Iterable[Candidate], begun: str) -> tuple[Candidate, ...]:
    """Those that begin so, then those that hold it; what is already written whole is no offer."""
    low = begun.lower()
    fitting = [one for one in found if one.word != begun]
    begins = [one for one in fitting if one.word.lower().startswith(low)]
    inside = [one for one in fitting if len(low) > 2 and low in one.word.lower() and one not in begins]
    return (*begins, *inside)


def _first(tree: Tree, path: tuple[str, ...], interfaces: Sequence[str]) -> Iterable[Candidate]:
    """The first word of a line: the keywords of the block, the most used first, or names."""
    head = table().head(path)
    if head is not None:
        yield from _of_head(tree, head, interfaces)
        return
    rows = sorted(table().block(path).values(), key=lambda row: ("SABC".index(row.tier), row.name))
    yield from (_keyword(row) for row in rows if not row.better)


def _keyword(row: Keyword) -> Candidate:
    note = row.usage.removeprefix(row.name).strip() or "alone"
    if row.default not in ("-", ""):
        note += f"   default {row.default}"
    return Candidate(row.name, note, row.effective)


def _of_head(tree: Tree, head: Keyword, interfaces: Sequence[str]) -> Iterable[Candidate]:
    if head.name in NAMED:
        yield from (
            Candidate(name, f"{keyword}, line {line}") for keyword, name, line in _names(tree, NAMED[head.name])
        )
    elif any(term.kind == "ifname" for term in head.arguments):
        yield from (Candidate(name, "interface") for name in interfaces)


def _values(tree: Tree, path: tuple[str, ...], words: list[str], interfaces: Sequence[str]) -> Iterable[Candidate]:
    """A further word of a line."""
    row = _row(path, words[0])
    if row is None:
        return
    inner = _inner(row, path)
    last = table().get(inner, words[-1]) if len(words) > 1 else None
    if last is not None and last.needed:
        yield from _of_term(_term(last, 0), last, interfaces)
        return
    term = _term(row, len(words) - (0 if row.is_head else 1))
    if row.is_head and term is not None and row.name in NAMED:
        yield from _of_head(tree, row, interfaces)
    elif term is not None:
        yield from _of_term(term, row, interfaces)
    yield from (_keyword(one) for one in table().block(inner).values() if not one.is_head and one.name not in words)


def _of_term(term: Term | None, row: Keyword, interfaces: Sequence[str]) -> Iterable[Candidate]:
    if term is None:
        return
    default = "default" if row.default not in ("-", "") else ""
    match term.kind:
        case "oneof":
            yield from (Candidate(word, default * (word == row.default)) for word in term.choices)
        case "bool" | "switch":
            yield from (Candidate(word, default * (word == row.default)) for word in SWITCHES)
        case "ifname":
            yield from (Candidate(name, "interface") for name in interfaces)
        case "int" | "dec":
            if row.default.replace(".", "", 1).isdigit():
                yield Candidate(row.default, f"default; {term}")


def _names(tree: Tree, keywords: Sequence[str]) -> list[tuple[str, str, int]]:
    """Keyword, name and line of the blocks of these kinds."""
    return [
        (node.keyword, node.words[1].value, node.line)
        for node in tree.nodes
        if node.keyword in keywords and len(node.words) > 1
    ]


def _definitions(tree: Tree) -> Iterable[Candidate]:
    for node in tree.walk():
        if node.definition:
            yield Candidate(node.keyword.rstrip("="), " ".join(word.value for word in node.words[1:])[:40])


# which blocks there are ------------------------------------------------------------------------


def outline(tree: Tree, depth: int = 2) -> list[Heading]:
    """The blocks in the order of the text, those in blocks down to `depth` levels."""
    found: list[Heading] = []

    def look(nodes: Sequence[Node], level: int) -> None:
        for node in nodes:
            if node.is_block and node.keyword:
                name = " ".join(word.value for word in node.arguments)
                found.append(Heading(node.line, node.end_line, level, node.keyword, name))
                if level + 1 < depth:
                    look(node.children, level + 1)

    look(tree.nodes, 0)
    return found


def heading_at(headings: Sequence[Heading], line: int) -> int | None:
    """Index of the innermost block around a line."""
    around = [at for at, one in enumerate(headings) if one.line <= line <= one.end_line]
    return around[-1] if around else None


def block_of(headings: Sequence[Heading], name: str) -> Heading | None:
    """The block of this name, an instance before anything else."""
    named = [one for one in headings if one.name == name]
    return next((one for one in named if one.keyword == "vrrp_instance"), named[0] if named else None)
