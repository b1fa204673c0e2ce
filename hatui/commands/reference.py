"""The reference pages, written from the table of keywords and from the codes: `hatui explain --page`.

Invariant: nothing stands in a page that `hatui explain WORD` would not say. docs/keywords.md is such a page, written
by `make docs`; a test compares it.
"""

from __future__ import annotations

from engine.codes import CODES
from engine.config.keywords import Keyword, Path, table

KINDS = {
    "L": "Findings in a configuration",
    "C": "Findings while reading a configuration",
    "D": "What a running engine sees",
    "P": "Checks before something is moved",
    "E": "Refusals of a command",
}
HEAD = """\
# Keywords of keepalived.conf

Written by `make docs` from the table that also drives parsing, checking, completion and `hatui explain KEYWORD`.
[ ] is optional. *read only*: hatui reads and checks the word, and says once that it has no effect here.
"""


def keywords_page() -> str:
    """Every keyword, block by block."""
    words = table()
    parts = [HEAD]
    shown: dict[tuple[str, ...], str] = {}
    for path in words.paths:
        title = _title(path)
        alike = tuple(_row(row) for row in words.block(path).values())
        parts.append(f"## {title}\n")
        if alike in shown:
            parts.append(f"The words of {shown[alike]}.\n")
            continue
        shown[alike] = title
        parts += ["| keyword | default | effect |", "|---|---|---|", *alike, ""]
    return "\n".join(parts).rstrip() + "\n"


def _title(path: Path) -> str:
    if not path:
        return "Top level"
    return "Preprocessor" if path == ("preprocessor",) else " / ".join(path)


def _row(row: Keyword) -> str:
    notes = []
    if not row.effective:
        notes.append("*read only*")
    if row.since != "2.2.7":
        notes.append("*newer than 2.2.7*")
    if row.better:
        notes.append(f"*old word for {row.better}*")
    default = "" if row.default in ("-", "") else row.default
    return f"| `{_cell(row.usage)}` | {_cell(default)} | {' '.join([_cell(row.effect), *notes])} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def codes_page() -> str:
    """Every code, kind by kind."""
    parts = ["# Codes\n", "`hatui explain CODE` says the same.\n"]
    for kind, title in KINDS.items():
        parts.append(f"## {title}\n")
        for code in sorted(
            (one for one in CODES.values() if one.name.startswith(f"{kind}-")), key=lambda one: one.name
        ):
            parts += [
                f"### {code.name}: {code.title}\n",
                f"{code.seen}\n",
                f"*Why* {code.why}\n",
                f"*Do* {code.todo}\n",
            ]
    return "\n".join(parts).rstrip() + "\n"


PAGES = {"keywords": keywords_page, "codes": codes_page}
