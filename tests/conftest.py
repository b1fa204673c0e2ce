"""Rules for the whole suite.

Invariant: a test that did not run is never mistaken for one that passed. With HATUI_TEST_ALL=1 in the
environment (as in .ci/run) a skip is a failure; without it the closing lines say what was skipped and why.
No test sees the developer's own configuration or terminal settings.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

NOTHING_MAY_BE_SKIPPED = os.environ.get("HATUI_TEST_ALL") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[misc, assignment]
    if NOTHING_MAY_BE_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"HATUI_TEST_ALL=1: this test must run, but: {reason}"
    return report  # type: ignore[return-value]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report: pytest.CollectReport = yield  # type: ignore[misc, assignment]
    if NOTHING_MAY_BE_SKIPPED and report.skipped:
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"HATUI_TEST_ALL=1: these tests must run, but: {reason}"
    return report  # type: ignore[return-value]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that is not installed: named by the mark `programs`, or keepalived by a parameter."""
    needed = [name for mark in item.iter_markers("programs") for name in mark.args]
    callspec = getattr(item, "callspec", None)
    if callspec is not None and "keepalived" in str(callspec.params):
        needed.append("keepalived")
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    missing = [name for name in needed if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    for name, value in (("HOME", home), ("XDG_CONFIG_HOME", home / ".config"), ("XDG_STATE_HOME", home / ".state")):
        monkeypatch.setenv(name, str(value))
    for name in ("NO_COLOR", "COLUMNS", "LINES", "HATUI_SOCKET"):
        monkeypatch.delenv(name, raising=False)
