"""The lines around the editor: what is edited, what applying it would do, what the word at the cursor means.

Invariant: pure functions from a judgement to lines; nothing is promised that the engine has not been asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.config.diagnostic import Diagnostic
from hatui.assist import Candidate, Heading, Hover
from hatui.drafts import SEVERITIES, Judgement
from hatui.nodes import whole
from hatui.text import Line, Span, fit, plain, rule, seconds, spread, wrap

PROBLEM_MARKS = {"error": ("!", "bad"), "warning": ("~", "warn"), "info": (".", "dim")}
"""Severity -> mark and role."""
DIFF_ROLES = {"+": "good", "-": "bad", "@": "title"}


def title_line(
    path: str,
    judged: Judgement | None,
    changed: int | None,
    note: str,
    columns: int,
    *,
    typing: bool = False,
    running: int = 0,
    node: str = "",
) -> Line:
    """The file, how far it differs (`changed` lines; None: not at all), how many problems, and a note. `running` is
    the revision in use, told where there is room; `node` is whose it is, of several."""
    state = "as it is on disk" if changed is None else f"candidate, {changed} line{'s' if changed != 1 else ''} changed"
    if running and columns >= 100:
        state += f", running is #{running}"
    right: list[Span] = []
    for severity, role in (("error", "bad"), ("warning", "warn"), ("info", "dim")):
        number = judged.count(severity) if judged else 0
        if number:
            plural = "s" if number > 1 and severity != "info" else ""
            right.append((f"{number} {severity}{plural}  ", role))
    if note:
        right.append((f"{note} ", "dim"))
    if typing:
        right.append(("TYPING ", "mode"))
    name = path if columns >= 120 else path.rpartition("/")[2]
    left = [(f" {plain(whole(node) + name)}", "strong"), (f"  {state}", "dim" if changed is None else "changed")]
    return spread(left, right, columns)


def disk_line(path: str, lines: int, columns: int) -> Line:
    """The banner over a file that somebody else has changed meanwhile."""
    name = plain(path if columns >= 120 else path.rpartition("/")[2])
    plural = "s" if lines != 1 else ""
    return (
        (f" {name}: disk differs by {lines} line{plural}", "alarm"),
        ("  d", "key"),
        (" diff", "plain"),
        ("  u", "key"),
        (" use disk", "plain"),
        ("  k", "key"),
        (" keep mine", "plain"),
    )


def files_line(paths: Sequence[str], here: str, judged: Judgement | None, columns: int) -> Line:
    """The files of the configuration as tabs, each with the mark of its worst problem."""
    line: list[Span] = [(" ", "plain")]
    for path in paths:
        worst = min((SEVERITIES.index(one.severity) for one in judged.of(path)), default=2) if judged else 2
        mark = ("!", "~", "")[worst]
        name = plain(path.rpartition("/")[2]) + mark
        line.append((f"[{name}] " if path == here else f" {name}  ", "selected" if path == here else "plain"))
    return spread(line, [("[ ] another file ", "dim")], columns)


def tab_at(paths: Sequence[str], judged: Judgement | None, x: int) -> str:
    """The file whose tab covers a column; empty beside them."""
    at = 1
    for path in paths:
        worst = min((SEVERITIES.index(one.severity) for one in judged.of(path)), default=2) if judged else 2
        end = at + len(path.rpartition("/")[2]) + (worst < 2) + 3
        if at <= x < end:
            return path
        at = end
    return ""


def impact_lines(judged: Judgement, *, unsaved: bool, columns: int = 80) -> list[Line]:
    """What applying would do."""
    if not judged.runs:
        return [((" cannot be applied: mend the errors first (ctrl+n goes to them, ctrl+t mends)", "bad"),)]
    if not unsaved:
        return [((" nothing is changed", "dim"),)]
    if not judged.impact:
        return [((" nothing that runs changes (comments, layout)", "plain"),)]
    role = "warn" if judged.interruption else "plain"
    lines: list[Line] = []
    for sentence in judged.impact:
        first, *more = wrap(plain(sentence), max(20, columns - 2)) or [""]
        lines += [((f" {first}", role),), *(((f"   {text}", role),) for text in more)]
    if judged.interruption:
        lines.insert(0, ((f" up to {seconds(judged.interruption)} without an address here", "warn"),))
    return lines


def hover_line(found: Hover | None, columns: int, otherwise: str = "Problems") -> Line:
    """Form, default and age of the word at the cursor; it is also the head of the pane below."""
    if found is None:
        return rule(otherwise, columns)
    words = found.usage
    if found.argument:
        words = f"{found.usage.split()[0]}: {found.argument}"
    if found.default not in ("-", ""):
        words += f"   default {found.default}"
    if found.since == "later":
        words += "   not in keepalived 2.2.7"
    if not found.effective:
        words += "   (no effect here)"
    return rule(fit(words, columns - 8).rstrip(), columns)


def word_lines(found: Hover | None, columns: int) -> list[Line]:
    """All that is known of the word, where there is room for sentences."""
    if found is None:
        return [((" the cursor stands on no keyword", "dim"),)]
    lines: list[Line] = [((f" {text}", "strong"),) for text in wrap(found.usage, columns - 2)]
    if found.argument:
        lines.append(((" here      ", "dim"), (found.argument, "plain")))
    if found.default not in ("-", ""):
        first, *more = wrap(found.default, columns - 12) or [""]
        lines.append(((" default   ", "dim"), (first, "plain")))
        lines += [((" " * 11 + text, "plain"),) for text in more]
    since = "keepalived 2.2.7 and before" if found.since == "2.2.7" else "hatui and newer keepalived, not 2.2.7"
    lines.append(((" known to  ", "dim"), (since, "plain")))
    if found.better:
        lines.append(((" old word: ", "warn"), (f"write {found.better}", "warn")))
    if not found.effective:
        lines.append(((" read and checked, without effect in hatui", "warn"),))
    lines += [((f" {text}", "plain"),) for text in wrap(found.effect, columns - 2)]
    return lines


def outline_line(one: Heading, mark: str, columns: int) -> Line:
    """A block in the tree at the left."""
    words = f"{one.keyword.removeprefix('vrrp_')} {one.name}" if one.name else one.keyword
    role = {"!": "bad", "~": "warn"}.get(mark, "plain" if one.depth else "strong")
    return ((" ", "plain"), (fit("  " * one.depth + plain(words), columns - 4), role), (f" {mark}", role))


def choice_line(one: Candidate, word: int, columns: int) -> Line:
    """A word in the list over the editor."""
    role = "plain" if one.effective else "dim"
    note = one.note + ("" if one.effective else "  (no effect)")
    return (
        (" ", "plain"),
        (fit(one.word, word), "strong" if one.effective else "dim"),
        (fit(f"  {note}", columns - word - 1), role),
    )


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


def diff_lines(diff: list[str]) -> list[Line]:
    """A unified diff in colours."""
    return [((f" {plain(text)}", DIFF_ROLES.get(text[:1], "plain")),) for text in diff] or [
        ((" no difference", "dim"),)
    ]


def review_impact(judged: Judgement, columns: int) -> list[Line]:
    """What applying does, in the review."""
    lines: list[Line] = [((" Impact", "title"),)]
    for sentence in judged.impact or ("nothing that runs changes",):
        first, *more = wrap(plain(sentence), columns) or [""]
        lines += [((f"   {first}", "plain"),), *(((f"     {text}", "plain"),) for text in more)]
    if judged.interruption:
        lines.append(((f"   up to {seconds(judged.interruption)} without an address on this node", "warn"),))
    return [*lines, ()]


def review_problems(judged: Judgement, path: str) -> list[Line]:
    """All problems, in the review."""
    found = (*judged.problems, *judged.elsewhere)
    lines: list[Line] = [(), ((" Problems", "title"),)] if found else []
    for one in found:
        role = {"error": "bad", "warning": "warn"}.get(one.severity, "dim")
        where = f"{one.line}:{one.column}" if one.file == path else f"{one.file}:{one.line}"
        lines.append(((f"   {where} {one.code:<11} ", role), (plain(one.what), "plain")))
    return lines
