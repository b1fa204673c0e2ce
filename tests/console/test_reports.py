"""The report in every form says the same figures, and a simulation says so."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import msgspec
import pytest

from engine.messages import DrillReport, DrillStep, Phase, ProbeResult
from hatui import reports
from tests.console.rehearsed import REPORTS

REPORT = DrillReport(
    number=17,
    plan="silent-master",
    title="the master falls silent",
    instance="VI_WEB",
    by="anna",
    reason="Q4 <test>",
    started=1_700_000_000_000_000_000,
    ended=1_700_000_015_000_000_000,
    outcome="over-budget",
    text="outage 4.700 s (+/- 0.050 s), budget 4.500 s",
    budget=4_500_000_000,
    expected=3_609_000_000,
    measured=4_700_000_000,
    phases=(Phase("detect", 3_000_000_000, 2_900_000_000),),
    probes=(ProbeResult("c9 icmp", 50_000_000, 200, 94, 4_700_000_000, 0, ("02:00:00:00:00:01",)),),
    steps=(DrillStep("restore", "done", "mended"),),
    restored=True,
)


@pytest.mark.parametrize("form", reports.FORMATS)
def test_every_form_names_the_drill_its_verdict_and_its_figures(form: str) -> None:
    text = reports.rendered(REPORT, form)
    for word in ("silent-master", "VI_WEB", "over-budget" if form == "json" else "OVER-BUDGET"):
        assert word in text
    assert ("4700000000" if form == "json" else "4.700 s") in text


def test_json_is_the_report() -> None:
    assert msgspec.json.decode(reports.rendered(REPORT, "json"), type=DrillReport) == REPORT
    assert json.loads(reports.rendered(REPORT, "json"))["number"] == 17


@pytest.mark.parametrize(
    ("outcome", "failures", "errors"), [("pass", 0, 0), ("over-budget", 1, 0), ("failed", 1, 0), ("aborted", 0, 1)]
)
def test_junit_counts_it_as_a_build_server_does(outcome: str, failures: int, errors: int) -> None:
    text = reports.rendered(msgspec.structs.replace(REPORT, outcome=outcome), "junit")
    suite = ET.fromstring(text.encode())
    assert (suite.get("failures"), suite.get("errors")) == (str(failures), str(errors))
    case = suite.find("testcase")
    assert case is not None
    assert case.get("name") == "Drill #17 silent-master VI_WEB"
    assert len(case.findall("failure") + case.findall("error")) == failures + errors


@pytest.mark.parametrize("form", ["text", "md"])
def test_a_simulation_says_so_in_its_first_line(form: str) -> None:
    text = reports.rendered(msgspec.structs.replace(REPORT, simulation=True, number=0), form)
    assert "SIMULATION" in text.splitlines()[0]
    assert "nothing was sent" in text


def test_what_was_not_measured_is_not_known() -> None:
    text = reports.rendered(msgspec.structs.replace(REPORT, measured=-1), "text")
    assert "outage      not known" in text


def test_comparison_says_how_much_and_what_differs() -> None:
    new = msgspec.structs.replace(REPORT, number=18, outcome="pass", measured=3_500_000_000, fingerprint="ffff")
    lines = reports.compared(REPORT, new)
    assert any(line.startswith("outage") and line.endswith("-1.200 s") for line in lines)
    assert any(line.startswith("verdict") and line.endswith("differs") for line in lines)
    assert any(line.startswith("config") and line.endswith("differs") for line in lines)


def test_trend_and_never_drilled() -> None:
    good = msgspec.structs.replace(REPORT, measured=100_000_000)
    simulated = msgspec.structs.replace(REPORT, simulation=True)
    assert reports.trend((good, simulated, REPORT), "VI_WEB") == "_!"
    assert reports.last_words((simulated,), "VI_WEB") == "never drilled"
    assert reports.last_words((good,), "VI_WEB") == "#17 silent-master over-budget 0.100 s"


def test_folded_lines_go_on_below_their_own_column_and_lose_nothing() -> None:
    lines = reports.folded(reports.text(REPORT), 60)
    assert max(map(len, lines)) <= 60
    at = next(number for number, line in enumerate(lines) if line.startswith("  outage "))
    assert lines[at + 1].startswith(" " * 14)
    assert " ".join(" ".join(lines).split()) == " ".join(" ".join(reports.text(REPORT)).split())


def test_the_table_of_probes_has_room_on_the_smallest_page() -> None:
    probe = next(line for line in reports.text(REPORT) if "c9 icmp" in line)
    assert len(probe) <= 80, probe


def test_a_loss_of_the_nodes_own_arp_is_explained() -> None:
    own = ProbeResult("lb-a arp", 50_000_000, 44, 26, 0, 0)
    report = msgspec.structs.replace(REPORTS[0], host="lb-a", probes=(*REPORTS[0].probes, own))
    words = "lb-a arp: a loss there says that nobody else had the address"
    assert all(words in reports.rendered(report, form) for form in ("text", "md", "junit"))
    assert words not in reports.rendered(REPORTS[0], "text")
