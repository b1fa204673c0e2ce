"""Findings for people and for programs, and the exit code of `hatui check`."""

from __future__ import annotations

import json

import pytest

from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.report import exit_code, mask, ordered, render, summary

FILE = "/etc/keepalived/keepalived.conf"
TEXT = "global_defs {\n}\nvrrp_script chk {\n\tweight 2\n    auth_pass hushhush # note\n}\n"
FIX = Fix("remove it", (Edit(FILE, 4, 1, 5, 1, ""),))
WEIGHT = Diagnostic("L-WEIGHT", "warning", FILE, 4, 9, "too small", "because", "make it larger", 10, FIX)
PASSWORD = Diagnostic("L-AUTH-LEN", "error", FILE, 5, 5, "too long", end_column=14)
FOUND = [WEIGHT, PASSWORD]


def test_text_shows_the_line_a_caret_and_what_to_do() -> None:
    assert render("text", [WEIGHT], {FILE: TEXT}) == (
        f"{FILE}:4:9: warning: too small [L-WEIGHT]\n"
        "    4 | \tweight 2\n"
        "      | \t       ^\n"
        "  why  because\n"
        "  do   make it larger\n"
        "  fix  remove it (--fix does it)\n"
        "\n"
        "1 warning, 1 fixable by --fix\n"
    )


def test_text_underlines_the_whole_word() -> None:
    lines = render("text", [PASSWORD], {FILE: TEXT}).splitlines()
    assert lines[1:3] == ["    5 |     auth_pass <secret>", "      |     ^^^^^^^^^"]


@pytest.mark.parametrize("kind", ["text", "json", "sarif", "github"])
def test_no_format_shows_a_password(kind: str) -> None:
    assert "hushhush" not in render(kind, FOUND, {FILE: TEXT})


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("   auth_pass\thush", "   auth_pass\t<secret>"),
        ('auth_pass "two words"', "auth_pass <secret>"),
        ("@node1 auth_pass hush", "@node1 auth_pass <secret>"),
        ("key 1 0123456789", "key 1 <secret>"),
        ("key 0123456789\r", "key <secret>\r"),
        ("auth_type PASS", "auth_type PASS"),
        ("auth_pass", "auth_pass"),
    ],
)
def test_secret_is_masked_and_the_rest_is_kept(line: str, masked: str) -> None:
    assert mask(line) == masked


def test_finding_beyond_the_text_has_no_source_line() -> None:
    gone = Diagnostic("C-FILE", "error", "/nowhere", 1, 1, "cannot be read")
    assert render("text", [gone], {}) == "/nowhere:1:1: error: cannot be read [C-FILE]\n\n1 error\n"


def test_nothing_found_is_said() -> None:
    assert render("text", [], {FILE: TEXT}) == "no findings\n"


def test_summary_counts_in_words() -> None:
    hint = Diagnostic("L-PREFIX", "info", FILE, 1, 1, "x")
    assert summary([PASSWORD, PASSWORD, WEIGHT, hint]) == "2 errors, 1 warning, 1 hint, 1 fixable by --fix"


def test_json_holds_every_field_and_the_counts() -> None:
    told = json.loads(render("json", FOUND, {FILE: TEXT}))
    assert told["v"] == 1
    assert told["files"] == [FILE]
    assert told["summary"] == {"error": 1, "warning": 1, "info": 0}
    first = told["findings"][0]
    assert first["code"] == "L-WEIGHT"
    assert first["fix"]["edits"][0]["end_line"] == 5
    assert first["title"]


def test_sarif_has_rules_results_and_fixes() -> None:
    told = json.loads(render("sarif", FOUND, {FILE: TEXT}, version="1.2"))
    assert told["version"] == "2.1.0"
    (run,) = told["runs"]
    assert run["tool"]["driver"]["version"] == "1.2"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["L-WEIGHT", "L-AUTH-LEN"]
    first, second = run["results"]
    assert first["level"] == "warning"
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 9, "endColumn": 10}
    assert first["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": ""}
    assert second["ruleIndex"] == 1


def test_github_annotation_escapes_what_would_end_it() -> None:
    odd = Diagnostic("L-STATE", "info", "/a,b:c", 3, 2, "100% of\nit", end_column=5)
    assert render("github", [odd], {}) == (
        "::notice file=/a%2Cb%3Ac,line=3,col=2,endColumn=5,title=L-STATE::100%25 of%0Ait.\n"
    )


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="use one of text, json"):
        render("yaml", [], {})


def test_worst_comes_first_then_the_order_of_the_text() -> None:
    assert ordered(FOUND) == [PASSWORD, WEIGHT]


def at(severity: str, code: int) -> Diagnostic:
    return Diagnostic("L-STATE", severity, FILE, 1, 1, "x", exit_code=code)


@pytest.mark.parametrize(
    ("found", "runs", "code"),
    [
        ([], True, 0),
        ([at("info", 0), at("warning", 0)], True, 0),
        ([at("warning", 6)], True, 5),
        ([at("warning", 6), at("warning", 5)], True, 4),
        ([at("error", 0)], True, 4),
        ([at("error", 5), at("error", 4)], True, 3),
        ([at("error", 2)], True, 3),
        ([], False, 3),
    ],
)
def test_exit_code_is_the_worst(found: list[Diagnostic], runs: bool, code: int) -> None:
    assert exit_code(found, runs=runs) == code
