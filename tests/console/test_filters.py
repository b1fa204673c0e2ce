"""The filter languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hatui.filters import (
    WORDS,
    FilterError,
    check_packet,
    check_text,
    completions,
    packet_filter,
    text_filter,
)
from hatui.frames import facts
from tests.console.recording import S, packets

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
        ('src~"a{99999999999}"', "not a regular expression"),
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


def test_odd_regular_expressions_warn_nobody() -> None:
    assert check_text("[[a]") == ""
    assert check_packet('src~"[[a]"') == ""


def test_text_filter_is_a_regular_expression_and_inverts() -> None:
    assert text_filter("api|web")("VI_API")
    assert not text_filter("!api")("VI_API")
    assert "not a regular expression" in check_text("[")


def test_completions_offer_words_not_values() -> None:
    assert completions("vrid==51 && verd") == ["vrid==51 && verdict"]
    assert completions("src==ver") == []
    assert completions("v") == ["vrid", "ver", "vip", "verdict"]


def test_completions_go_on_with_comparisons_fixed_values_and_what_was_seen() -> None:
    assert completions("vrid") == ["vrid==", "vrid!=", "vrid<", "vrid>", "vrid~"]
    assert completions("src") == ["src==", "src!=", "src~"]
    assert completions("ver")[:2] == ["verdict", "ver=="]
    assert completions("verdict==auth-t") == ["verdict==auth-type-unknown", "verdict==auth-type"]
    assert completions("!(kind==") == ["!(kind==advert", "!(kind==garp", "!(kind==na"]
    assert completions("if==e", {"if": ["eth0", "eth1"]}) == ["if==eth0", "if==eth1"]
    assert completions("vrid==51 ") == ["vrid==51 && ", "vrid==51 || "]
    assert completions("vrid==51 && ")[0] == "vrid==51 && vrid"
    assert completions("vrid==") == []
    assert len(completions("")) == len(WORDS)


@given(st.text(alphabet='vridpo=!<>~&|() "12', max_size=20))
def test_whatever_is_typed_completions_begin_with_it(text: str) -> None:
    for offered in completions(text, {"vrid": ["51"]}):
        assert offered.startswith(text)
        assert len(offered) > len(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("prio=50", "write prio==50"),
        ("vrid = 51", "write vrid==51"),
        ("prio=", "write prio==VALUE"),
        ("vrid==51 & prio==3", "write &&"),
        ("vrid==51 | prio==3", "write ||"),
        ("vrid==51 and prio==3", "write &&"),
        ("vrid==x", "vrid== needs a number (virtual router id, 1..255), not x"),
        ("prio==256", "prio is never 256"),
        ("verdict==auth", "verdict is never auth: rejected ok"),
        ("kind==arpp", "kind is never arpp: advert garp na"),
        ("ver==4", "ver is never 4: 2 3"),
        ("src>10", "> needs a number, and src is none"),
        ("age<soon", "age< needs a number"),
        ('reason~"half', 'a " is not closed'),
    ],
)
def test_wrong_filter_says_what_to_write(text: str, advice: str) -> None:
    assert advice in check_packet(text)


@pytest.mark.parametrize(
    ("text", "stranger", "ours"),
    [
        ("verdict==rejected", True, False),
        ("verdict!=rejected", False, True),
        ('reason~"ours is pass"', True, False),
        ("age<20s", True, True),
        ("age>1m", False, False),
        ("age<9500ms", True, False),
        ("kind==advert", True, True),
        ("!!verdict==rejected", True, False),
        ("if==eth0 && dir==in", True, False),
        ("vrid<=51 && vrid>=51", True, True),
        ("instance~^VI_", True, True),
    ],
)
def test_words_of_the_verdict_and_of_time(text: str, stranger: bool, ours: bool) -> None:
    now = STRANGER.mono_ns + 9 * S
    assert packet_filter(text)(facts(STRANGER, now)) is stranger
    assert packet_filter(text)(facts(OURS, now)) is ours


def test_gratuitous_arp_has_both_of_its_names() -> None:
    assert packet_filter("kind==garp")(facts(ARP))
    assert packet_filter("kind==arp")(facts(ARP))
    assert not packet_filter("kind!=garp")(facts(ARP))


def test_filter_knows_whether_it_tears_streams_apart() -> None:
    assert packet_filter("").whole_streams
    assert packet_filter("vrid==51 || instance~WEB").whole_streams
    assert not packet_filter("vrid==51 && prio>3").whole_streams
    assert not packet_filter("10.0.0.1").whole_streams


def test_depth_of_parentheses_is_bounded() -> None:
    assert check_packet("(" * 5_000 + "vrid==1" + ")" * 5_000) == "too long [E-FILTER]"
