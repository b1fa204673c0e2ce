"""The one table of words: what may stand where, its arguments, default, and meaning.

Invariant: parsing, checking, completion, hover text and the reference page read this table and nothing
else; a word that is not in it is unknown. The rows live in `keywords.tsv` beside this module:

    block    dotted path of the block; "" is the top level, "preprocessor" the words of `expand`,
             "@name" a group of rows that others take over with a row "block = @name"
    keyword  the word; <something> is the free first word of a line
    form     the arguments, see `Term`
    default  in words; "-" for none
    since    2.2.7, or "later": understood here, unknown to keepalived 2.2.7; "2.2.7; now X" is an old
             word about which keepalived complains, X is the better one
    tier     S, A, B, C: how much it is used
    hatui    yes: it has its effect here; no: read and checked, without effect
    effect   one or two sentences

A form is a row of terms: KIND[:LOW..HIGH | :CHOICE,CHOICE][?|*|+|~]; ~ is needed like a bare
term, but without it keepalived reports and goes on instead of stopping with exit code 2. Kinds: flag bool
int dec text word name ifname ip ip4 ip6 mcast4 mcast6 port path oneof; switch (a bool that 2.2.7 does not
look at), extra ([all] NUMBER), bufs, umask, checks, cpus, codes, granularity, hex, octets (all words; octets:x
takes X for any digit), pattern (all words, quoted as a command is); end (one more word is an error); once (given
again in the same block, the first counts and keepalived complains), again (the same, but the last counts); cmd
(rest of the line: command, user, group), cmd1 (command only), user (user and group); block (keywords in
braces), lines (free lines in braces), words (the words of the rows below this keyword, on its own line). dec is
decimal seconds unless the effect names another unit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec

_TERM = re.compile(r"([a-z0-9]+)(?::([^?*+~]*))?([?*+~]?)\Z")

_REPEATED = {"once": "first", "again": "last"}

Path = tuple[str, ...]


class Term(NamedTuple):
    """One argument."""

    kind: str
    low: str = ""
    """Lowest value as written; empty when there is none."""
    high: str = ""
    choices: tuple[str, ...] = ()
    optional: bool = False
    repeated: bool = False
    soft: bool = False
    """Needed, but its absence does not end keepalived."""

    def __str__(self) -> str:
        text = _describe(self)
        if self.repeated:
            text += " ..."
        return f"[{text}]" if self.optional else text


class Keyword(msgspec.Struct, frozen=True):
    """One row of the table."""

    path: Path
    """The block in which it stands, outermost first."""
    name: str
    form: tuple[Term, ...]
    default: str
    since: str
    tier: str
    effective: bool
    """False: hatui reads it and does nothing with it."""
    effect: str
    better: str
    """What keepalived asks to write instead; empty for a word that is not old."""
    opens: str
    """ "block", "lines", or "" when no braces follow."""
    arguments: tuple[Term, ...]
    """The terms that are words on its line."""
    strict_end: bool
    """True when keepalived refuses further words."""
    counts: str = ""
    """Which one counts when keepalived complains about a keyword that is given again: "first", "last"; "" when it
    says nothing, or when more than the keyword decides."""

    @property
    def is_head(self) -> bool:
        """True for the free first word of a line."""
        return self.name.startswith("<")

    @property
    def needed(self) -> int:
        """How many arguments must be there."""
        return sum(not term.optional for term in self.arguments if term.kind != "words")

    @property
    def usage(self) -> str:
        """The line as it is written, such as `priority NUMBER 1..255`."""
        tail = {"block": "{ ... }", "lines": "{ lines }"}.get(self.opens, "")
        return " ".join(part for part in (self.name, *map(str, self.arguments), tail) if part)


def _keyword(path: Path, cells: list[str]) -> Keyword:
    name, form, default, since, tier, effective, effect = cells
    terms = () if form == "-" else tuple(_term(part) for part in form.split())
    version, _, better = since.partition("; now ")
    return Keyword(
        path,
        name,
        terms,
        default,
        version,
        tier,
        effective == "yes",
        effect,
        better,
        next((term.kind for term in terms if term.kind in ("block", "lines")), ""),
        tuple(term for term in terms if term.kind not in ("block", "lines", "flag", "end", "once", "again")),
        any(term.kind in ("end", "lines") for term in terms),
        next((counts for term in terms if (counts := _REPEATED.get(term.kind))), ""),
    )


class Table:
    """All rows, with the ways to find one."""

    def __init__(self, rows: Mapping[Path, Mapping[str, Keyword]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return sum(len(words) for words in self._rows.values())

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every block that has words."""
        return tuple(self._rows)

    def block(self, path: Path) -> Mapping[str, Keyword]:
        """The words of a block by name; empty for a block that has none."""
        return self._rows.get(path, {})

    def get(self, path: Path, name: str) -> Keyword | None:
        """The row of a word in a block."""
        return self._rows.get(path, {}).get(name)

    def head(self, path: Path) -> Keyword | None:
        """The free first word of the lines of a block."""
        return next((row for row in self.block(path).values() if row.is_head), None)

    def nearest(self, path: Path, name: str) -> str | None:
        """The word of the block that looks most like `name`, if one comes near."""
        known = [word for word in self.block(path) if word[0] != "<"]
        folded = name.lower().replace("-", "_")
        found = difflib.get_close_matches(folded, [word.lower() for word in known], n=1, cutoff=0.72)
        return next((word for word in known if found and word.lower() == found[0]), None)

    def homes(self, name: str) -> tuple[Path, ...]:
        """The blocks in braces in which the word stands at the begin of a line, the usual one first."""
        found = [path for path, words in self._rows.items() if name in words and self._holds_keywords(path)]
        return tuple(sorted(found, key=lambda path: "SABC".index(self._rows[path][name].tier)))

    def _holds_keywords(self, path: Path) -> bool:
        row = self.get(path[:-1], path[-1]) if path else None
        return not path or (row is not None and row.opens == "block")


def where(path: Path) -> str:
    """A block in words: `vrrp_instance / authentication`, or `the top level`."""
    return " / ".join(path) if path else "the top level"


def _describe(term: Term) -> str:
    match term.kind:
        case "int" | "dec":
            name = "NUMBER" if term.kind == "int" else "SECONDS"
            if term.low and term.high:
                return f"{name} {term.low}..{term.high}"
            return f"{name} from {term.low}" if term.low else name
        case "oneof":
            return "|".join(term.choices)
        case "bool" | "switch":
            return "on|off"
        case "extra":
            return f"[all] SECONDS {term.low}..{term.high}"
        case "bufs":
            return "MTU|ADVERT|NUMBER"
        case "umask":
            return "OCTAL-NUMBER|BITS"
        case "codes":
            return "CODE|CODE-CODE"
        case "granularity":
            return "NETMASK|PREFIX"
        case "hex":
            return f"{term.high} HEX-DIGITS" if term.high else "HEX-DIGITS"
        case "octets":
            return "HEX-DIGITS ..."
        case "checks":
            return "[+|-]read|match|wildcard_match|brace_match ..."
        case "cpus":
            return "NUMBER ..."
        case "ip" | "ip4" | "ip6":
            return {"ip": "ADDRESS", "ip4": "IPV4-ADDRESS", "ip6": "IPV6-ADDRESS"}[term.kind]
        case "mcast4" | "mcast6":
            return "MULTICAST-ADDRESS"
        case "cmd":
            return 'COMMAND|"COMMAND ARGUMENTS" [USER [GROUP]]'
        case "cmd1":
            return 'COMMAND|"COMMAND ARGUMENTS"'
        case "user":
            return "USER [GROUP]"
        case "ifname":
            return "INTERFACE"
        case "port":
            return "PORT"
        case "words":
            return "..."
        case _:
            return term.kind.upper()


def _term(text: str) -> Term:
    match = _TERM.match(text)
    if match is None:
        raise ValueError(f"keywords.tsv: {text!r} is no term")
    kind, detail, mark = match[1], match[2] or "", match[3]
    low = high = ""
    choices: tuple[str, ...] = ()
    if kind == "oneof":
        choices = tuple(detail.split(","))
    elif detail:
        low, _, high = detail.partition("..")
    elif kind == "port":
        low, high = "1", "65535"
    return Term(kind, low, high, choices, mark in ("?", "*"), mark in ("*", "+"), mark == "~")


@cache
def table() -> Table:
    """The table, read once."""
    text = resources.files("engine.config").joinpath("keywords.tsv").read_text("utf-8")
    rows: dict[Path, dict[str, Keyword]] = {}
    groups: dict[str, list[list[str]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# ") or not line:
            continue
        cells = line.split("\t")
        block, name = cells[0], cells[1]
        into = groups.setdefault(block, [])
        if name == "=":
            into.extend(groups[cells[2]])
        elif len(cells) == 8:
            into.append(cells[1:])
        else:
            raise ValueError(f"keywords.tsv line {number}: {len(cells)} cells")
    for block, found in groups.items():
        if block.startswith("@"):
            continue
        path: Path = tuple(block.split(".")) if block else ()
        words = rows.setdefault(path, {})
        for row in found:
            words[row[0]] = _keyword(path, row)
    for twin in ("lvs_method", "sorry_server_lvs_method"):
        rows["virtual_server", twin] = rows["virtual_server", "lb_kind"]
    rows["virtual_server", "real_server", "lvs_method"] = rows["virtual_server", "lb_kind"]
    return Table(rows)
