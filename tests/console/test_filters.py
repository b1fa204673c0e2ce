"""The filter languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hatui.filters import (
    FilterError,
    check_packet,
    check_text,
    completions,
    packet_filter,
    text_filter,
)
from hatui.frames import facts
from tests.console.recording import packets

PACKETS = packets()
STRANGER = next(packet for packet in PACKETS if packet.verdict == "auth-type")
OURS = PACKETS[0]
ARP = next(packet for packet in PACKETS if packet.kind == "arp")


@pytest.mark.parametrize(
    ("text", "stranger", "ours"),
    [
        ("", True, True),
        ("vrid==51", True, True),
        ("vrid == 51 && verdict != sent", True, False),
        ("vrid==52 || prio>=200", True, False),
        ("!(prio>150)", False, True),
        ("src~^10\\.0\\.0\\.77$", True, False),
        ("src==10.0.0.11", False, True),
        ("vip==10.0.0.100", False, True),
        ("auth==pw", False, True),
        ("ver==v2", True, True),
        ("adv==1s", True, True),
        ("adv<=1", True, True),
        ("dir==out", False, True),
        ('verdict=="auth-type"', True, False),
        ("10.0.0.77", True, False),
        ("kind==arp", False, False),
    ],
)
def test_packet_filter(text: str, stranger: bool, ours: bool) -> None:
    test = packet_filter(text)
    assert test(facts(STRANGER)) is stranger
    assert test(facts(OURS)) is ours


def test_what_a_packet_has_not_does_not_match_and_does_not_raise() -> None:
    assert packet_filter("prio>0")(facts(ARP)) is False
    assert packet_filter("vip==10.0.0.100")(facts(ARP)) is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vrid==", "a value after =="),
        ("colour==red", "colour is no word of a filter"),
        ("prio>many", "needs a number"),
        ("(vrid==51", "a ) is missing"),
        ("vrid==51)", "not expected here: )"),
        ("src~(", "not expected|missing"),
        ('src~"("', "not a regular expression"),
        ("&& vrid==1", "a word is missing"),
    ],
)
def test_wrong_filter_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(FilterError, match=words.replace("(", "\\(").replace(")", "\\)") if "|" not in words else words):
        packet_filter(text)
    assert check_packet(text)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_an_explained_error(text: str) -> None:
    wrong = check_packet(text)
    if not wrong:
        for packet in (STRANGER, ARP):
            assert packet_filter(text)(facts(packet)) in (True, False)
    check_text(text)


def test_text_filter_is_a_regular_expression_and_inverts() -> None:
    assert text_filter("api|web")("VI_API")
    assert not text_filter("!api")("VI_API")
    assert "not a regular expression" in check_text("[")


def test_completions_offer_words_not_values() -> None:
    assert completions("vrid==51 && ver") == ["vrid==51 && verdict"]
    assert completions("src==ver") == []
    assert completions("v") == ["vrid", "ver", "vip", "verdict"]
