"""What holds for every finding, and how findings of lint and of reading come together."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.codes import CODES, SEVERITIES
from engine.config.diagnostic import Diagnostic
from engine.config.fix import mend
from engine.config.lint import findings, lint
from engine.config.report import exit_code
from tests.config import test_lint_instance, test_lint_pairs, test_lint_script, test_lint_text, test_lint_track
from tests.config.lint_case import FILE, instance, read, script, told
from tests.config.test_lint_track import SERVER_A, TRACKED

SAMPLES = [
    text
    for module in (test_lint_track, test_lint_instance, test_lint_script, test_lint_text)
    for case in module.CASES
    for text in case[1:]
] + [text for case in test_lint_pairs.CASES for text in case[1:]]
NUMBERED = pytest.mark.parametrize("text", SAMPLES, ids=[str(number) for number in range(len(SAMPLES))])


@NUMBERED
def test_finding_stands_at_a_word_of_the_text(text: str) -> None:
    lines = text.split("\n")
    for one in lint(read(text)):
        assert one.file == FILE
        assert one.code in CODES
        assert one.severity in SEVERITIES
        line = lines[one.line - 1]
        assert 1 <= one.column < one.end_column <= len(line) + 1, (one, line)
        assert line[one.column - 1 : one.end_column - 1].strip() == line[one.column - 1 : one.end_column - 1]
        assert "\n" not in one.what
        assert not one.what.endswith(".")


@NUMBERED
def test_all_fixes_together_come_to_an_end_and_make_nothing_worse(text: str) -> None:
    def errors(found: list[Diagnostic]) -> int:
        return sum(one.severity == "error" for one in found)

    def check(texts: Mapping[str, str]) -> list[Diagnostic]:
        return findings(read(dict(texts)))

    done = mend({FILE: text}, check)
    assert mend(done.texts, check).texts == done.texts
    assert [one for one in check(done.texts) if one.fix and one.code.startswith("L-")] == []
    assert errors(check(done.texts)) <= errors(check({FILE: text}))


@NUMBERED
def test_nothing_is_said_twice_of_one_word(text: str) -> None:
    seen: dict[tuple[int, int], list[str]] = {}
    for one in findings(read(text)):
        if one.code not in ("C-NO-EFFECT", "C-NEWER"):
            seen.setdefault((one.line, one.column), []).append(one.code)
    for codes in seen.values():
        linted = [code for code in codes if code.startswith("L-")]
        assert not linted or linted == codes, "a rule and reading speak of one word"
        assert len(linted) == len(set(linted))


def test_plain_good_file_has_nothing_to_say() -> None:
    defs = "global_defs {\n    script_user nobody\n    enable_script_security\n}\n"
    auth = "authentication {\n auth_type PASS\n auth_pass t1l7p\n}\n"
    assert findings(read(defs + script("weight -60") + instance(auth + TRACKED))) == []


def test_the_sample_of_the_project_is_told_both_things_with_line_why_and_what_to_do() -> None:
    found = {one.code: one for one in findings(read(SERVER_A))}
    assert found["L-TRACK-REF"].line == 4
    assert found["L-WEIGHT"].line == 7
    assert all(one.why and one.todo for one in found.values())
    assert found["L-TRACK-REF"].fix is not None
    assert "C-UNUSED" not in found
    assert exit_code(found.values()) == 5  # scripts without enable_script_security, as of most files
    assert {code for code, one in found.items() if one.severity != "info"} == {"L-TRACK-REF"}


def test_finding_takes_over_the_exit_code_of_what_it_replaces() -> None:
    (one,) = [each for each in findings(read(instance(TRACKED))) if each.code == "L-TRACK-REF"]
    assert (one.severity, one.exit_code) == ("error", 5)
    assert told(instance(TRACKED), "L-TRACK-REF")[0].exit_code == 0


def test_hint_that_keepalived_calls_an_error_is_a_warning() -> None:
    text = "global_defs {\n    vrrp_garp_interval 0\n}\n"
    assert told(text, "L-GARP-ZERO")[0].severity == "info"
    (one,) = findings(read(text))
    assert (one.code, one.severity, one.exit_code) == ("L-GARP-ZERO", "warning", 5)


def test_fatal_exit_code_wins_over_a_higher_one() -> None:
    (one,) = [each for each in findings(read(instance("mcast_src_ip {{ address }}"))) if each.code == "L-PLACEHOLDER"]
    assert one.exit_code == 2


def test_findings_are_in_the_order_of_the_files_and_of_the_text() -> None:
    texts = {FILE: "include a.conf\n" + script(), "/etc/keepalived/a.conf": instance(vrid=51)}
    places = [(one.file, one.line) for one in findings(read(texts))]
    assert places == sorted(places, key=lambda place: (place[0] != FILE, place[1]))
    assert len(set(places)) > 2


PIECES = st.sampled_from(
    [
     "vrrp_instance", "vrrp_script", "vrrp_sync_group", "global_defs", "track_script", "virtual_ipaddress",
     "group", "authentication", "auth_pass", "auth_type", "AH", "priority", "255", "weight", "reverse", "-2",
     "state", "MASTER", "interface", "eth0", "nopreempt", "preempt_delay", "advert_int", "0.5", "version", "3",
     "notify_master", "unicast_peer", "unicast_src_ip", "10.0.0.1/24", "2001:db8::1", "script", '"a b | c"', "'x",
     '"', "{", "}", "\n", "\n", "\n", " ", "$X", "${X}", "$X=1", "@id", "~SEQ(a,1,2)", "include", "#", ";",
     "<<<<<<<", "<IP>", "virtual_server", "real_server", "lb_kind", "DR", "auth_hmac", "key", "hex:zz",
     "track_interface", "vrrp_strict", "strict_mode", "vrrp_version", "virtual_router_id"
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(PIECES, max_size=60).map(" ".join))
def test_no_text_upsets_a_rule(text: str) -> None:
    loaded = read(text)
    for one in findings(loaded, [loaded]):
        assert one.code in CODES
        assert one.line >= 1


def test_no_rule_grows_faster_than_the_file() -> None:
    text = script() + "".join(
        instance(TRACKED, name=f"VI_{count}", vrid=count % 255 + 1, vip=f"10.0.{count >> 8}.{count & 255}/8")
        for count in range(2000)
    )
    loaded = read(text)
    begin = time.process_time()
    lint(loaded, [loaded])
    assert time.process_time() - begin < 8, "comparing each instance with each other one takes twenty seconds"
