"""The suite's own rules: with HATUI_TEST_ALL=1 nothing may be skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
SKIPPING = """
import pytest
def test_that_is_skipped():
    pytest.skip("no such program")
@pytest.mark.skipif(True, reason="by mark")
def test_that_is_marked():
    pass
def test_that_runs():
    pass
"""


@pytest.mark.parametrize(("everything", "outcome"), [("", "1 passed, 2 skipped"), ("1", "1 failed, 1 passed, 1 error")])
def test_skip_is_a_failure_when_everything_must_run(tmp_path: Path, everything: str, outcome: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "test_some.py").write_text(SKIPPING)
    env = {**os.environ, "HATUI_TEST_ALL": everything}
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert outcome in done.stdout
    if everything:
        assert "this test must run, but: Skipped: no such program" in done.stdout
