"""Every code of reading and of lint has a text that brings it up and one that does not."""

from __future__ import annotations

import pytest

from engine.codes import CODES
from engine.config.findings import FINDINGS
from engine.config.lint import findings
from tests.config import (
    test_lint_instance,
    test_lint_pairs,
    test_lint_script,
    test_lint_text,
    test_lint_track,
)
from tests.config.reading import MAIN, reading, with_lines

SCRIPT = 'vrrp_script chk {\n script "/bin/check"\n}\n'
SECURE = "global_defs {\n enable_script_security\n script_user root\n}\n"
TRACKED = with_lines("track_script {", "chk", "}")
GOOD = SECURE + SCRIPT + TRACKED
READING = [
    ("C-INCLUDE", "include nothing.conf\n" + GOOD),
    ("C-LOOP", "$A=$B\n$B=$A\n" + with_lines("priority $A")),
    ("C-SEQ", with_lines("~SEQ(x) priority 5")),
    ("C-QUOTE", 'global_defs {\nrouter_id "x\n}\n' + GOOD),
    ("C-LENGTH", "# " + "c" * 1100 + "\n" + GOOD),
    ("C-ENCODING", "# \udcff\n" + GOOD),
    ("C-BRACE", GOOD + "}\n"),
    ("C-BRACE-OPEN", GOOD + "bogus {\n}\n"),
    ("C-NO-BRACE", GOOD + "vrrp_instance W\ninterface eth0\n"),
    ("C-UNCLOSED", GOOD.rstrip("}\n")),
    ("C-UNKNOWN", with_lines("bogus 5")),
    ("C-NEWER", with_lines("owner_ignore_adverts")),
    ("C-NO-EFFECT", with_lines("vrf red").replace("interface eth0", "")),
    ("C-EXTRA", with_lines("nopreempt zzz")),
    ("C-DEPRECATED", with_lines("vmac_garp_intvl 5")),
    ("C-ARGUMENT", with_lines("priority")),
    ("C-VALUE", with_lines("priority five")),
    ("C-RANGE", with_lines("priority 500")),
    ("C-ROUNDED", with_lines("advert_int 1.5")),
    ("C-DUPLICATE", SECURE + SCRIPT + SCRIPT + TRACKED),
    ("C-REPEATED", with_lines("use_vmac a b")),
    ("C-FATAL", GOOD.replace("interface eth0", "")),
    ("C-MEANING", with_lines("virtual_routes {", "nonsense", "}")),
    ("C-ADJUSTED", with_lines("preempt_delay 5", "state MASTER")),
    ("C-UNDEFINED", SECURE + TRACKED),
    ("C-UNUSED", SECURE + SCRIPT + with_lines()),
    ("C-ESCAPE", with_lines("notify_master /bin/a\\#b")),
    ("C-OFF-MEANS-ON", "global_defs {\nvrrp_strict off\n}\n" + with_lines()),
    ("C-SECURITY", SCRIPT + TRACKED),
]
ELSEWHERE = {"C-FILE", "L-SCRIPT", "L-INTERFACE", "L-PROMOTE", "L-MAIL-SERVER"}
"""Tested in test_expand and test_lint_host, since they take a file or a host."""


def test_no_code_is_without_its_pair_of_texts() -> None:
    tables = (test_lint_instance, test_lint_pairs, test_lint_script, test_lint_text, test_lint_track)
    covered = {case[0] for module in tables for case in module.CASES} | {code for code, _ in READING} | ELSEWHERE
    assert {code for code in CODES if code[:2] in ("L-", "C-")} == covered
    assert set(FINDINGS) == {code for code in CODES if code.startswith("C-")}


def test_good_file_brings_up_none() -> None:
    assert reading(GOOD).diagnostics == ()


@pytest.mark.parametrize(("code", "text"), READING, ids=[code for code, _ in READING])
def test_text_brings_up_its_code_at_a_place_with_reason_and_remedy(code: str, text: str) -> None:
    found = [one for one in reading(text).diagnostics if one.code == code]
    assert found, [str(one) for one in reading(text).diagnostics]
    for one in found:
        assert (one.file, one.line >= 1, one.column >= 1) == (MAIN, True, True)
        assert one.what
        assert one.why
        assert one.todo


def test_reading_and_lint_never_lose_the_exit_code_of_each_other() -> None:
    for _, text in READING:
        loaded = reading(text)
        codes = {one.exit_code for one in loaded.diagnostics if one.code != "C-UNUSED"}
        assert codes <= {one.exit_code for one in findings(loaded)} | {0}, text
