"""`make conformance`: runs every test that carries the id of a rule, prints id -> test -> result.

A test carries an id when its name, its docstring or its class's docstring contains it; in a name the dots and
dashes are underscores (`test_V3_6_4_2_11_...`). `V2-5.3.6-01/02` names two. Exit status 1 when an applicable
rule has no passing test, when such a test fails, or when a test names an id that does not exist.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict

import pytest

from tests.conformance_ids import LEFT_OUT, RULES

_PREFIX = r"(?:V3O|V3|V2|AU|KH|MB|YG|KA)"
_DASHED = re.compile(rf"\b({_PREFIX}(?:-[\w.]+)?-\d\d)((?:/\d\d)*)(?!\d)")
_PROPERTY = re.compile(r"\bP(1[0-5]|[1-9])\b")
_BY_NAME = {re.sub(r"[.\-]", "_", one): one for one in RULES}


def ids_in(text: str) -> set[str]:
    """All ids that a docstring names."""
    found: set[str] = set()
    for match in _DASHED.finditer(text):
        whole, more = match.groups()
        found.add(whole)
        found.update(f"{whole[:-2]}{number}" for number in more.split("/")[1:])
    found.update(f"P{match.group(1)}" for match in _PROPERTY.finditer(text))
    return found


def ids_of_name(name: str) -> set[str]:
    """All ids in a test's name, and in the parameters behind it."""
    plain, _, parameters = name.partition("[")
    found = {one for underscored, one in _BY_NAME.items() if re.search(rf"(^|_){underscored}(_|$)", plain)}
    return found | {one for one in ids_in(parameters) if one in RULES}


class Collector:
    """A pytest plugin: keeps the tests that carry ids, remembers how they ended."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.unknown: dict[str, list[str]] = defaultdict(list)
        self.results: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = []
        for item in items:
            holder = getattr(item, "cls", None)
            function = getattr(item, "function", None)
            text = f"{getattr(function, '__doc__', '') or ''}\n{getattr(holder, '__doc__', '') or ''}"
            ids = ids_in(text) | ids_of_name(item.name)
            for one in sorted(ids):
                (self.tests if one in RULES else self.unknown)[one].append(item.nodeid)
            if ids:
                kept.append(item)
        items[:] = kept

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            before = self.results.get(report.nodeid)
            self.results[report.nodeid] = "failed" if "failed" in (before, report.outcome) else report.outcome


def table(collector: Collector) -> tuple[list[str], bool]:
    """The lines to print, and whether every applicable rule has passing tests only."""
    lines: list[str] = []
    good = True
    tally: dict[str, int] = defaultdict(int)
    for one, (level, words) in RULES.items():
        nodes = collector.tests.get(one, [])
        outcomes = [collector.results.get(node, "not run") for node in nodes]
        if any(outcome == "failed" for outcome in outcomes):
            result = "FAILED"
        elif any(outcome == "passed" for outcome in outcomes):
            result = "passed"
        elif one in LEFT_OUT:
            result = "left out"
        elif nodes:
            result = outcomes[0].upper()
        else:
            result = "NO TEST"
        tally[result] += 1
        good = good and result in ("passed", "left out")
        lines.append(f"{one:<17}{level:<11}{result:<9} {words}")
        shown = [
            f"{node} {'' if outcome == 'passed' else outcome}".rstrip()
            for node, outcome in zip(nodes, outcomes, strict=True)
        ]
        lines += [f"{'':<17}  {text}" for text in shown[:4]]
        if len(shown) > 4:
            lines.append(f"{'':<17}  and {len(shown) - 4} more")
        if result == "left out":
            lines.append(f"{'':<17}  {LEFT_OUT[one]}")
    for one, nodes in sorted(collector.unknown.items()):
        good = False
        lines.append(f"{one}: no such rule, named by {nodes[0]}")
    for one in sorted(set(LEFT_OUT) & set(collector.tests)):
        good = False
        lines.append(f"{one}: left out, yet {collector.tests[one][0]} names it")
    for one in sorted(set(LEFT_OUT) - set(RULES)):
        good = False
        lines.append(f"{one}: left out, but no such rule")
    lines.append(", ".join(f"{count} {result}" for result, count in sorted(tally.items())) + f", {len(RULES)} rules")
    return lines, good


def main(arguments: list[str]) -> int:
    """Run and print; further arguments go to pytest."""
    collector = Collector()
    pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", "--tb=short", *arguments], plugins=[collector])
    lines, good = table(collector)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
