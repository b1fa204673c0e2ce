"""The lines around the editor: what is edited, what applying it would do, what the word at the cursor means.

Invariant: pure functions from a judgement to lines; nothing is promised that the engine has not been asked.
"""

from __future__ import annotations

from engine.config.diagnostic import Diagnostic
from hatui.drafts import Hover, Judgement
from hatui.text import Line, Span, fit, plain, rule, seconds, spread

PROBLEM_MARKS = {"error": ("!", "bad"), "warning": ("~", "warn"), "info": (".", "dim")}
"""Severity -> mark and role."""


def title_line(path: str, judged: Judgement | None, changed: int | None, why_not: str, columns: int) -> Line:
    """The file, how far it differs (`changed` lines; None: not at all), how many problems."""
    state = "as it is on disk" if changed is None else f"candidate, {changed} line{'s' if changed != 1 else ''} changed"
    right: list[Span] = []
    for severity, role in (("error", "bad"), ("warning", "warn"), ("info", "dim")):
        number = judged.count(severity) if judged else 0
        if number:
            plural = "s" if number > 1 and severity != "info" else ""
            right.append((f"{number} {severity}{plural}  ", role))
    if why_not:
        right.append((f"read only: {why_not} ", "dim"))
    name = path if columns >= 120 else path.rpartition("/")[2]
    left = [(f" {plain(name)}", "strong"), (f"  {state}", "dim" if changed is None else "changed")]
    return spread(left, right, columns)


def impact_lines(judged: Judgement, *, unsaved: bool) -> list[Line]:
    """What applying would do."""
    if not judged.runs:
        return [((" cannot be applied: mend the errors first (ctrl+n goes to them, ctrl+t mends)", "bad"),)]
    if not unsaved:
        return [((" nothing is changed", "dim"),)]
    if not judged.impact:
        return [((" nothing that runs changes (comments, layout)", "plain"),)]
    role = "warn" if judged.interruption else "plain"
    lines: list[Line] = [((f" {plain(text)}", role),) for text in judged.impact]
    if judged.interruption:
        lines.insert(0, ((f" up to {seconds(judged.interruption)} without an address here", "warn"),))
    return lines


def hover_line(found: Hover | None, columns: int) -> Line:
    """Syntax and default of the word at the cursor."""
    if found is None:
        return rule("Problems", columns)
    effect = "" if found.effective else "  (no effect here)"
    words = f"{found.usage}   default {found.default}{effect}"
    return rule(fit(words, columns - 8).rstrip(), columns)


def problem_line(one: Diagnostic, path: str) -> Line:
    """A problem as a row; those of other files carry the file's name."""
    mark, role = PROBLEM_MARKS.get(one.severity, (".", "dim"))
    where = f"{one.line}:{one.column}" if one.file == path else f"{one.file.rpartition('/')[2]}:{one.line}"
    fixable = "  (ctrl+t fixes)" if one.fix is not None else ""
    return (
        (" ", "plain"),
        (mark, role),
        (f" {where:<7} ", "dim"),
        (f"{one.code:<11} ", role),
        (plain(one.what), "plain"),
        (fixable, "good"),
    )
