"""Figures and words."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import AnnounceNow, Failover, Release, Verdict
from hatui import text
from tests.console.recording import API, DB, DNS, MS, NOW, WALL, WEB, S


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0.0s"),
        (200 * MS, "0.2s"),
        (9_949 * MS, "9.9s"),
        (10 * S, "10s"),
        (59 * S, "59s"),
        (760 * S, "12m40s"),
        (3 * 3600 * S + 245 * S, "3h04m"),
        (76 * 3600 * S, "3d04h"),
        (412 * 86400 * S, "412d"),
        (-5, "0.0s"),
    ],
)
def test_duration_takes_four_to_six_characters(ns: int, words: str) -> None:
    assert text.duration(ns) == words


@given(st.integers(0, 10**18))
def test_duration_never_takes_more_than_seven_columns(ns: int) -> None:
    assert 2 <= len(text.duration(ns)) <= 7


@given(st.integers(1, 10**7))
def test_parse_duration_reads_what_short_seconds_writes(whole: int) -> None:
    assert text.parse_duration(text.short_seconds(whole)) == whole


@pytest.mark.parametrize(
    ("written", "whole"), [("90", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172800), (" 5S ", 5)]
)
def test_parse_duration_takes_units(written: str, whole: int) -> None:
    assert text.parse_duration(written) == whole


@pytest.mark.parametrize("written", ["", "m", "3x", "1.5h", "-3m", "10m5h"])
def test_parse_duration_refuses_the_rest_in_words(written: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        text.parse_duration(written)


@given(st.text(max_size=40))
def test_plain_text_never_moves_the_cursor(anything: str) -> None:
    assert text.plain(anything).isprintable()


@given(st.lists(st.tuples(st.text("ab ", max_size=9), st.just("plain")), max_size=5), st.integers(1, 30))
def test_clip_never_exceeds_the_columns(line: list[text.Span], columns: int) -> None:
    assert text.width(text.clip(line, columns)) <= columns


@given(st.text("abc ", max_size=60), st.integers(5, 20))
def test_wrapped_lines_fit_and_lose_no_word(words: str, columns: int) -> None:
    lines = text.wrap(words, columns)
    assert all(len(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(words.split())


def test_cut_text_shows_that_it_is_cut() -> None:
    assert text.fit("VI_APPLICATION", 6) == "VI_AP~"
    assert text.fit("x", 3, right=True) == "  x"


def test_two_priorities_always_and_none_in_use_in_fault() -> None:
    assert text.priorities(WEB) == "150/150"
    assert text.priorities(API) == " 98/120"
    assert text.priorities(DB) == " --/150"


def test_master_is_named_by_address_and_priority() -> None:
    assert text.master_of(WEB) == "this node"
    assert text.master_of(DNS) == "10.0.0.12/150"
    assert text.master_of(msgspec.structs.replace(DNS, master="")) == "not known"


def test_timer_counts_down_and_says_in_words_when_it_bites() -> None:
    assert text.timer(WEB, NOW) == "adv  0.6s"
    assert text.timer(WEB, NOW + 400 * MS) == "adv  0.2s"
    assert text.timer(WEB, NOW + 10 * S) == "adv  0.0s"
    assert text.timer(DNS, NOW) == "down 3.1s"
    assert text.timer(msgspec.structs.replace(DNS, missed=2), NOW) == "missed 2 of 3"
    assert text.timer(DB, NOW) == "--"


def test_timer_bar_fills_as_the_timer_runs_out() -> None:
    assert text.timer_bar(WEB, NOW + 600 * MS) == "[######]"
    assert text.timer_bar(WEB, NOW - 400 * MS) == "[......]"
    assert text.timer_bar(DB, NOW) == ""


def test_skew_time_by_version() -> None:
    assert text.skew_time(2, 100, S) == 609_375_000
    assert text.skew_time(3, 100, S // 10) == 60_937_500


def test_clock_is_utc_or_local_with_digits() -> None:
    assert text.clock(WALL, "utc") == "14:02:11"
    assert text.clock(WALL + 412 * MS, digits=3) == "14:02:11.412"
    assert text.moment(WALL - 5 * S, WALL, "relative") == "   -5.0s"


def test_command_line_is_what_a_shell_takes() -> None:
    assert text.command_line(Failover("VI_1", "step-down", 1800.0), "kernel patch") == (
        "hatui failover VI_1 --step-down --hold 30m --reason 'kernel patch'"
    )
    assert text.command_line(Release("VI 1")) == "hatui release 'VI 1'"
    assert text.command_line(AnnounceNow()) == "hatui announce"


def test_every_verdict_has_a_role() -> None:
    assert {text.verdict_role(verdict) for verdict in Verdict} <= set(text.ROLES)
    assert text.verdict_role(Verdict.AUTH_DATA) == "bad"


def test_exit_words() -> None:
    assert text.exit_words(1) == "exit 1"
    assert text.exit_words(-9) == "killed by signal 9"
    assert text.exit_words(-1001) == "timed out"
    assert text.exit_words(None) == "not run yet"


def test_of_a_refusal_that_is_cut_the_code_stays() -> None:
    words = "not a regular expression: missing ) [E-FILTER]"
    assert text.coded(words, 80) == words
    assert text.coded(words, 30) == "not a regular expr~ [E-FILTER]"
    assert len(text.coded("no code stands behind this one", 12)) == 12
