"""Findings as text for people and as JSON, SARIF and GitHub annotations for programs.

The invariant: no rendering shows a password or key: source lines that hold one are masked.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from engine.codes import CODES, SEVERITIES
from engine.config.diagnostic import Diagnostic

FORMATS = ("text", "json", "sarif", "github")
SECRET = "<secret>"
_SECRET_LINE = re.compile(r"^(\s*(?:@\S+\s+)?(?:auth_pass|password|key)\s+(?:\d+\s+)?)(\S.*?)(\s*)$")
_WORDS = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("hint", "hints")}


def exit_code(diagnostics: Iterable[Diagnostic], *, runs: bool = True) -> int:
    """The exit code of `hatui check`: 0 fine, 3 cannot run, 4 runs after ignoring errors, 5 script security.

    `runs` is whether a configuration came out of it at all. The worst counts. Source: keepalived(8) --config-test;
    2.2.7 itself returns 4, 5 and 6 for the last three, and 2 for a missing argument (`Diagnostic.exit_code`).
    """
    found = list(diagnostics)
    if not runs or any(one.exit_code in (2, 4) for one in found):
        return 3
    if any(one.severity == "error" or one.exit_code == 5 for one in found):
        return 4
    return 5 if any(one.exit_code == 6 for one in found) else 0


def ordered(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Worst first, then in the order of the text."""
    return sorted(diagnostics, key=lambda one: (SEVERITIES.index(one.severity), one.file, one.line, one.column))


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Such as "1 error, 2 warnings, 3 fixable"; "no findings" when there is nothing."""
    found = list(diagnostics)
    parts = []
    for severity in SEVERITIES:
        count = sum(one.severity == severity for one in found)
        if count:
            parts.append(f"{count} {_WORDS[severity][count != 1]}")
    fixable = sum(one.fix is not None for one in found)
    if fixable:
        parts.append(f"{fixable} fixable by --fix")
    return ", ".join(parts) or "no findings"


def render(kind: str, diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], *, version: str = "") -> str:
    """All findings in one of `FORMATS`. `texts` are the files by path; `version` is hatui's, for SARIF."""
    match kind:
        case "text":
            return as_text(diagnostics, texts)
        case "json":
            return as_json(diagnostics, texts)
        case "sarif":
            return as_sarif(diagnostics, version=version)
        case "github":
            return as_github(diagnostics)
        case _:
            raise ValueError(f"unknown format {kind!r}: use one of {', '.join(FORMATS)}")


def as_text(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], *, width: int = 100) -> str:
    """For people: each finding with its line, a caret, why and what to do; a summary at the end."""
    lines: dict[str, list[str]] = {}
    parts = []
    for one in diagnostics:
        if one.file not in lines:
            lines[one.file] = texts.get(one.file, "").split("\n")
        parts.append(_one_text(one, lines[one.file], width))
    return "\n".join([*parts, summary(diagnostics) + "\n"])


def _one_text(one: Diagnostic, lines: Sequence[str], width: int) -> str:
    out = [f"{one.file}:{one.line}:{one.column}: {one.severity}: {one.what} [{one.code}]"]
    if 0 < one.line <= len(lines) and lines[one.line - 1].strip():
        shown = lines[one.line - 1].rstrip("\r")
        pad = re.sub(r"[^\t]", " ", shown[: one.column - 1])
        safe = mask(shown)
        until = min(one.end_column or one.column + 1, len(safe) + 1)
        out.append(f"{one.line:>5} | {safe}")
        out.append(f"      | {pad}{'^' * max(until - one.column, 1)}")
    fix = f"{one.fix.title} (--fix does it)" if one.fix else ""
    for head, body in (("why", one.why), ("do", one.todo), ("fix", fix)):
        if body:
            out += textwrap.wrap(
                body, width, initial_indent=f"  {head:<4} ", subsequent_indent=" " * 7, break_on_hyphens=False
            )
    return "\n".join(out) + "\n"


def mask(line: str) -> str:
    """The source line without the secret on it."""
    return _SECRET_LINE.sub(rf"\1{SECRET}\3", line)


def as_json(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str]) -> str:
    """One object: "v", "files", "summary" and "findings" (the fields of Diagnostic)."""
    findings = msgspec.to_builtins(diagnostics)
    for one in findings:
        one["title"] = CODES[one["code"]].title if one["code"] in CODES else ""
    counts = {severity: sum(one.severity == severity for one in diagnostics) for severity in SEVERITIES}
    return _json({"v": 1, "files": list(texts), "summary": counts, "findings": findings})


def as_sarif(diagnostics: Sequence[Diagnostic], *, version: str = "") -> str:
    """SARIF 2.1.0, for code scanning services."""
    used = list(dict.fromkeys(one.code for one in diagnostics))
    rules = []
    for name in used:
        rule: dict[str, Any] = {"id": name}
        if name in CODES:
            code = CODES[name]
            rule["shortDescription"] = {"text": code.title}
            rule["fullDescription"] = {"text": f"{code.seen} {code.why}"}
            rule["help"] = {"text": code.todo}
        rules.append(rule)
    driver: dict[str, Any] = {"name": "hatui", "rules": rules}
    if version:
        driver["version"] = version
    return _json(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": driver},
                    "columnKind": "unicodeCodePoints",
                    "results": [_sarif_result(one, used.index(one.code)) for one in diagnostics],
                }
            ],
        }
    )


def _sarif_result(one: Diagnostic, rule: int) -> dict[str, Any]:
    region = {"startLine": one.line, "startColumn": one.column}
    if one.end_column > one.column:
        region["endColumn"] = one.end_column
    result: dict[str, Any] = {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": {"error": "error", "warning": "warning"}.get(one.severity, "note"),
        "message": {"text": _sentence(one)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(one.file)}, "region": region}}],
    }
    if one.fix:
        by_file: dict[str, list[dict[str, Any]]] = {}
        for edit in one.fix.edits:
            deleted = {
                "startLine": edit.line,
                "startColumn": edit.column,
                "endLine": edit.end_line,
                "endColumn": edit.end_column,
            }
            by_file.setdefault(edit.file, []).append({"deletedRegion": deleted, "insertedContent": {"text": edit.text}})
        result["fixes"] = [
            {
                "description": {"text": one.fix.title},
                "artifactChanges": [
                    {"artifactLocation": {"uri": _uri(file)}, "replacements": edits} for file, edits in by_file.items()
                ],
            }
        ]
    return result


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands that GitHub Actions shows beside the lines of a change."""
    lines = []
    for one in diagnostics:
        kind = {"error": "error", "warning": "warning"}.get(one.severity, "notice")
        place = f"file={_escape_property(one.file)},line={one.line},col={one.column}"
        if one.end_column > one.column:
            place += f",endColumn={one.end_column}"
        lines.append(f"::{kind} {place},title={_escape_property(one.code)}::{_escape(_sentence(one))}\n")
    return "".join(lines)


def _sentence(one: Diagnostic) -> str:
    return " ".join(f"{part.rstrip('.')}." for part in (one.what, one.why, one.todo) if part)


def _uri(path: str) -> str:
    """A URI reference: percent-encoded where SARIF readers would stumble."""
    return re.sub(r"[ %#?\[\]{}<>\"^`|\\]", lambda found: f"%{ord(found[0]):02X}", path)


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
