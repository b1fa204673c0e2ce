"""`hatui explain`: a code that hatui has shown, or a keyword of the configuration."""

from __future__ import annotations

import argparse
import difflib

from engine.codes import CODES, explain, known, nearest
from engine.config.keywords import Keyword, Path, table, where
from hatui.commands.terminal import columns, complain, say, say_json
from hatui.text import wrap

EPILOG = "exit codes: 0, 1 neither a code nor a keyword"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("word", nargs="?", metavar="CODE|KEYWORD", help="such as L-WEIGHT or advert_int")
    parser.add_argument("--list", action="store_true", help="all codes, one a line")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument("--page", choices=("keywords", "codes"), help="all of them as one page in Markdown")
    socket_option(parser, asks=False)


def run(chosen: argparse.Namespace) -> int:
    """Explain it."""
    if chosen.json:
        return _as_json("" if chosen.list or chosen.page else chosen.word or "")
    if chosen.page:
        from hatui.commands.reference import PAGES

        say(PAGES[chosen.page]().rstrip("\n"))
        return 0
    if chosen.list or not chosen.word:
        for code in CODES.values():
            say(f"{code.name:<22} {code.title}")
        return 0
    width = min(columns(), 100)
    if known(chosen.word):
        say(explain(chosen.word, width).rstrip())
        return 0
    rows = rows_of(chosen.word)
    for at, (row, *others) in enumerate(rows):
        if at:
            say()
        for line in keyword_text(row, width, *others):
            say(line)
    if rows:
        return 0
    alike = _alike(chosen.word)
    complain(
        f"{chosen.word} is neither a code nor a keyword",
        f"did you mean {', '.join(alike)}?" if alike else "`hatui explain --list` shows all codes",
    )
    return 1


def _alike(word: str) -> list[str]:
    return [*nearest_words(word), *nearest(word)][:4]


def _as_json(word: str) -> int:
    """What is known of a word; of every code without one."""
    codes = [CODES[word.upper()]] if known(word) else [] if word else list(CODES.values())
    rows = rows_of(word) if word and not codes else []
    found = bool(codes or rows)
    say_json(
        {
            "word": word,
            "codes": [
                {"code": one.name, "kind": one.kind, "title": one.title}
                | {"seen": one.seen, "why": one.why, "do": one.todo}
                for one in codes
            ],
            "keywords": [
                {"keyword": row.name, "usage": row.usage, "blocks": [list(one.path) for one in (row, *others)]}
                | {"default": row.default, "since": row.since, "effective": row.effective, "effect": row.effect}
                for row, *others in rows
            ],
            "alike": [] if found else _alike(word),
        }
    )
    return 0 if found else 1


def rows_of(word: str) -> list[list[Keyword]]:
    """Every meaning of a keyword, those at the begin of a line first; the rows of one meaning, which differ by their
    block only, together."""
    known = table()
    found: dict[tuple[str, str, str], list[Keyword]] = {}
    homes = sorted(known.homes(word), key=_rank)
    inside = [path for path in known.paths if path not in homes]
    for path in (*homes, *inside):
        row = known.get(path, word)
        if row is not None:
            found.setdefault((row.usage, row.default, row.effect), []).append(row)
    return list(found.values())


def _rank(path: tuple[str, ...]) -> int:
    """Where people mean it first: in an instance, then in global_defs, then elsewhere."""
    order = ("vrrp_instance", "global_defs", "vrrp_script", "vrrp_sync_group")
    return order.index(path[0]) if len(path) == 1 and path[0] in order else len(order)


def _blocks(paths: list[Path]) -> str:
    """Blocks in words; those inside one block share its name."""
    inside: dict[Path, list[str]] = {}
    for path in paths:
        inside.setdefault(path[:-1], []).append(path[-1] if path else where(path))
    return "; ".join(" / ".join((*around, ", ".join(names))) for around, names in inside.items())


def nearest_words(word: str) -> list[str]:
    """Keywords that look like `word`."""
    known = table()
    words = {name for path in known.paths for name in known.block(path) if not name.startswith("<")}
    return difflib.get_close_matches(word, words, 3, 0.7)


def keyword_text(row: Keyword, width: int, *others: Keyword) -> list[str]:
    """A row of the table in words, with the blocks of others that say the same."""
    facts = [("In", _blocks([one.path for one in (row, *others)]))]
    if row.default not in ("-", ""):
        facts.append(("Default", row.default))
    if row.since != "2.2.7":
        facts.append(("Since", "a keepalived newer than 2.2.7"))
    if not row.effective:
        facts.append(("Here", "hatui reads and checks it; it has no effect yet"))
    facts.append(("Effect", row.effect))
    lines = [row.usage]
    for head, body in facts:
        for at, text in enumerate(wrap(body, width - 10)):
            lines.append(f"  {head if not at else '':<8}{text}")
    return lines
