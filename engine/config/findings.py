"""What reading a configuration can find wrong: one row for each code, and the maker of `Diagnostic`s.

Invariant: every diagnostic of `expand`, `structure` and `build` comes from this table, so `hatui explain`
can show the row and no text is written twice. `{words}` in a row are filled in by `finding`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.config.diagnostic import Diagnostic, Fix


class Row(NamedTuple):
    """One kind of finding."""

    severity: str
    exit_code: int
    """What `keepalived -t` returns for it, 0 when it says nothing."""
    what: str
    why: str
    todo: str


FINDINGS: dict[str, Row] = {
    # the text itself
    "C-FILE": Row(
        "error", 4, "{path} cannot be read",
        "Without it there is nothing to run. (keepalived 2.2.7 returns 0 for -t when the file is absent.)",
        "Check the path and its permissions.",
    ),
    "C-INCLUDE": Row(
        "warning", 0, "no readable file for include {pattern}",
        "keepalived logs this and goes on without the file, unless a strict include or include_check asks for it.",
        "Check the path: it is relative to the directory of this file.",
    ),
    "C-LOOP": Row(
        "error", 5, "{name} leads back to itself",
        "Reading would never end.", "Break the circle.",
    ),
    "C-SEQ": Row(
        "error", 5, "{text} is no sequence",
        "keepalived leaves the whole line out.",
        "Write ~SEQ(NAME,END), ~SEQ(NAME,START,END), ~SEQ(NAME,START,STEP,END) or ~LST(NAME,A,B,...).",
    ),
    "C-QUOTE": Row(
        "error", 5, "a double quote opens here and does not close on this line",
        "The rest of the line is dropped.", "Close the quote.",
    ),
    "C-LENGTH": Row(
        "error", 0, "the line is longer than {limit} characters",
        "keepalived takes what is behind them for another line, even after a comment, and substitutes no more.",
        "Split it, or shorten it with $NAME definitions.",
    ),
    "C-ENCODING": Row(
        "warning", 0, "the file is not UTF-8 here",
        "What is no UTF-8 is read as a replacement character; keepalived takes the octets as they are.",
        "Save the file as UTF-8.",
    ),
    # structure
    "C-BRACE": Row(
        "error", 5, "a closing brace that closes no block",
        "An earlier block ended too soon: often an unknown block keyword above, whose brace keepalived does not count.",
        "Remove it, or mend the block above.",
    ),
    "C-BRACE-OPEN": Row(
        "error", 5, "{{ after {keyword}, which opens no block",
        "keepalived ignores this brace; the next closing brace then ends the block around it.",
        "Correct the keyword, or remove the braces.",
    ),
    "C-NO-BRACE": Row(
        "error", 5, "{keyword} is not followed by {{",
        "keepalived reads the lines after it as if it were there, and counts one closing brace too many.",
        "Write {{ after it.",
    ),
    "C-UNCLOSED": Row(
        "error", 5, "the block {keyword} is never closed",
        "Everything up to the end of the file was read as part of it.", "Add the missing }}.",
    ),
    "C-UNKNOWN": Row(
        "error", 5, "unknown keyword {keyword} in {where}{nearest}",
        "keepalived skips the line (and hatui with it).", "{advice}",
    ),
    "C-NEWER": Row(
        "warning", 5, "{keyword} is a word of keepalived newer than 2.2.7",
        "hatui understands it; keepalived 2.2.7 calls it unknown and skips it.",
        "Keep it out of files that an older keepalived reads, too.",
    ),
    "C-NO-EFFECT": Row(
        "warning", 0, "{keyword} is read and checked, but has no effect in hatui",
        "{effect}", "Nothing, unless you rely on it: hatui does not do it.",
    ),
    "C-EXTRA": Row(
        "warning", 0, "{words} after {keyword} is ignored",
        "The keyword does not use it; keepalived says nothing about it.", "Put it on a line of its own, or remove it.",
    ),
    "C-DEPRECATED": Row(
        "warning", 0, "{keyword} is an old spelling", "It still works.", "Write {better}.",
    ),
    # values
    "C-ARGUMENT": Row(
        "error", 2, "{keyword} needs {needs}",
        "keepalived stops at once with exit code 2, even when it is already running and reloads.",
        "Write {keyword} {form}.",
    ),
    "C-VALUE": Row(
        "error", 5, "{keyword}: {value} is not {needs}", "{consequence}", "Write {keyword} {form}.",
    ),
    "C-RANGE": Row(
        "error", 5, "{keyword}: {value} is outside {low} to {high}", "{consequence}",
        "Choose a value from {low} to {high}.",
    ),
    "C-ROUNDED": Row(
        "warning", 5, "{keyword}: {value} runs as {used}", "{why}", "Write {used}.",
    ),
    "C-DUPLICATE": Row(
        "error", 5, "{keyword} {name} is defined twice", "{consequence}", "Rename or remove one of them.",
    ),
    "C-REPEATED": Row(
        "warning", 0, "{keyword} is given again: {consequence}", "Only one of the two can be meant.",
        "Remove one of them.",
    ),
    # meaning
    "C-FATAL": Row(
        "error", 4, "{instance}: {what}", "{consequence}", "{todo}",
    ),
    "C-MEANING": Row(
        "error", 5, "{what}", "{consequence}", "{todo}",
    ),
    "C-ADJUSTED": Row(
        "warning", 5, "{what}", "{consequence}", "{todo}",
    ),
    "C-UNDEFINED": Row(
        "error", 5, "{keyword} {name} is not defined before this line{nearest}",
        "keepalived ignores the line: nothing is tracked.", "Define it above, or correct the name.",
    ),
    "C-UNUSED": Row(
        "warning", 0, "{keyword} {name} is defined, but nothing tracks it",
        "It is never run, so it can change nothing.", "Name it in a track block of an instance or sync group.",
    ),
    "C-ESCAPE": Row(
        "warning", 0, "the line ends inside {word}",
        "keepalived's processes read the line again without the backslash, and take the rest for a comment.",
        "Put the word in double quotes, which keep # and ! without a backslash.",
    ),
    "C-OFF-MEANS-ON": Row(
        "warning", 0, "{keyword} {value} switches it ON in keepalived 2.2.7, and so here",
        "2.2.7 does not look at the argument, whatever the manual says.", "Remove the line to have it off.",
    ),
    "C-SECURITY": Row(
        "warning", 6, "{what}", "{consequence}", "{todo}",
    ),
}  # fmt: skip


def finding(
    code: str,
    file: str,
    line: int,
    column: int = 1,
    end_column: int = 0,
    *,
    severity: str = "",
    exit_code: int | None = None,
    fix: Fix | None = None,
    **words: Any,
) -> Diagnostic:
    """A diagnostic from the row of `code`; severity and exit code only where they depend on the case."""
    row = FINDINGS[code]
    return Diagnostic(
        code,
        severity or row.severity,
        file,
        line,
        column,
        row.what.format(**words),
        row.why.format(**words),
        row.todo.format(**words),
        end_column,
        fix,
        row.exit_code if exit_code is None else exit_code,
    )


def exit_code(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> int:
    """What `keepalived -t` would return: a missing argument (2) ends it at once, else the highest code."""
    codes = {one.exit_code for one in diagnostics}
    return 2 if 2 in codes else max(codes, default=0)
