"""Every code is explained whole, and nothing in the program shows a code that has no explanation."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from engine.codes import CODES, VERDICTS, Code, explain, known, nearest
from engine.messages import Verdict

ROOT = Path(__file__).resolve().parent.parent
SHAPE = re.compile(r"[CELDP]-[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*")
MENTION = re.compile(r"(?<![\w-])[CELDP]-[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w-])")

PROMISED = """
    D-FW-IN D-MCAST-LOST D-UNICAST-CLASS D-VRID-CLASH D-VIP-MISMATCH D-AUTH D-HMAC D-ADVINT D-VERSION D-CSUM
    D-PRIO-EQUAL D-TWO-ENGINES D-NO-MASTER D-FAULT-STUCK D-SCRIPT-SLOW D-ARP-STALE D-VIP-GONE D-VIP-ORPHAN D-STALL
    L-UNICAST L-VRID-SAMPLE L-AUTH-LEN L-AUTH-V3 L-HMAC L-ADVINT L-PRIO-EQUAL L-WEIGHT L-TRACK-REF L-SCRIPT L-TIMEOUT
    L-NOPREEMPT L-NOPREEMPT-WEIGHT L-STRICT L-NOTIFY L-PROMOTE
    P-PEER-HEARD P-VRID-FREE P-VIP-MATCH P-RELOAD-IMPACT
    E-ROLE E-NOT-MASTER E-NOT-BACKUP E-OWNER E-UNKNOWN-INSTANCE E-NO-SUCCESSOR E-HELD E-NOT-HELD E-BUSY
    E-CONFIG-BROKEN E-CONFIG-CHANGED E-IO E-PROTOCOL E-TOO-LARGE E-STOPPING E-FAULT
"""


def literals(path: Path) -> set[str]:
    """Every string in the module that is a code, docstrings' mentions included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(MENTION.findall(node.value))
    return found


def sources() -> list[Path]:
    return [
        path
        for package in ("engine", "hatui")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "codes" not in path.relative_to(ROOT).parts
    ]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_shows_only_codes_that_are_explained(path: Path) -> None:
    assert literals(path) - CODES.keys() == set()


def uncoded(path: Path) -> list[int]:
    """Lines whose sentence has the system's own words and no code."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.JoinedStr)
        and any(isinstance(part, ast.Attribute) and part.attr == "strerror" for part in ast.walk(node))
        and not MENTION.search("".join(str(part.value) for part in node.values if isinstance(part, ast.Constant)))
    ]


CODED_ASIDE = {"hatui/checkup.py": 1, "hatui/commands/relay.py": 1}
"""Sentences without a code of their own: a check that is `unknown`, and a farewell with the code beside the text."""


def test_what_the_system_refuses_is_said_with_a_code() -> None:
    ours = {str(path.relative_to(ROOT)): path for path in sources()}
    told = {name: len(uncoded(path)) for name, path in ours.items() if name.startswith("hatui/") and uncoded(path)}
    assert {name: lines for name, lines in told.items() if not name.startswith("hatui/lab/")} == CODED_ASIDE


def test_the_search_for_codes_finds_what_it_should(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text('"""Names L-DOC-ONE."""\nx = f"{y} [E-INSIDE]"\nz = "D-PLAIN"\nn = "SHA-256 ISO-8859-1 L-x"\n')
    assert literals(sample) == {"L-DOC-ONE", "E-INSIDE", "D-PLAIN"}


@pytest.mark.parametrize("name", MENTION.findall(PROMISED))
def test_promised_code_is_explained(name: str) -> None:
    assert known(name)


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_entry_is_whole(code: Code) -> None:
    assert SHAPE.fullmatch(code.name)
    assert code.title
    assert not code.title.endswith(".")
    for part in (code.seen, code.why, code.todo):
        assert part.rstrip(')"')[-1] == ".", part
        assert "  " not in part, "two pieces of a sentence were joined with two blanks"


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_explanation_mentions_only_known_codes(code: Code) -> None:
    assert set(MENTION.findall(code.text())) <= CODES.keys()


def test_no_code_stands_twice() -> None:
    text = "".join(path.read_text() for path in (ROOT / "engine" / "codes").glob("*.py"))
    names = re.findall(r'Code\(\s*"([^"]+)"', text)
    assert len(names) == len(set(names)) == len(CODES)


def test_explain_has_four_parts_and_fits_the_width() -> None:
    text = explain("l-weight", 60)
    assert text.startswith("L-WEIGHT  ")
    for head in ("\nSeen  ", "\nWhy   ", "\nDo    "):
        assert head in text
    assert max(map(len, text.splitlines())) <= 60


def test_explain_of_an_unknown_code_is_empty_and_a_near_one_is_offered() -> None:
    assert explain("L-NOPE") == ""
    assert nearest("L-WEIGTH")[0] == "L-WEIGHT"
    assert "D-AUTH" in nearest("auth", 10)


def test_every_verdict_that_is_a_fault_has_its_code() -> None:
    faultless = {Verdict.OK, Verdict.SENT, Verdict.NONE, Verdict.VRID, Verdict.NOT_RUNNING}
    assert {verdict.value for verdict in Verdict} - {verdict.value for verdict in faultless} == set(VERDICTS)
    assert set(VERDICTS.values()) <= CODES.keys()


def said(node: ast.expr) -> str | None:
    """The text of a literal, `{}` where something is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def refusals(path: Path) -> list[str]:
    """What a module says as a warning, or gives up with, in its own words to the end and without a code."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        warned = name == "say" and any(getattr(one, "value", "") in ("warning", "error") for one in node.args[1:])
        text = said(node.args[0]) if warned or name in ("HatuiError", "OutsideError") else None
        if text is not None and not MENTION.search(text) and not text.endswith(("{}", "[{}]")):
            found.append(text)
    return found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "hatui").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT / "hatui"))
)
def test_what_the_console_and_the_commands_refuse_is_said_with_a_code(path: Path) -> None:
    assert refusals(path) == []
