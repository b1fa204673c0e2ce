"""The layout of `hatui config fmt`: only blanks change, and a second time nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.config.fmt import format_text
from engine.config.syntax import VALUE, parse
from tests.config import test_lint_instance, test_lint_script, test_lint_text
from tests.config.lint_case import read

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
LINTED = [case[1] for module in (test_lint_instance, test_lint_script, test_lint_text) for case in module.CASES]

UGLY = """\
! head of the file


global_defs {

   router_id\tmaster    # who
\tnotification_email
   {
     a@b.c
   }

}
vrrp_script   check_nginx {
\tscript  "/usr/bin/check   it"   \t
  weight 2 }
# about VI_1
vrrp_instance VI_1
{
virtual_ipaddress { 10.0.0.1   10.0.0.2 }
        advert_int 1


        # inner remark
        priority   100
        }
"""
NEAT = """\
! head of the file

global_defs {
    router_id master  # who
    notification_email {
        a@b.c
    }
}

vrrp_script check_nginx {
    script "/usr/bin/check   it"
    weight 2 }

# about VI_1
vrrp_instance VI_1 {
    virtual_ipaddress { 10.0.0.1 10.0.0.2 }
    advert_int 1

    # inner remark
    priority 100
}
"""


def words(text: str) -> list[tuple[str, str]]:
    return [
        (token.kind, token.text if token.kind == VALUE else token.text.rstrip())
        for line in parse(text).lines
        for token in line.tokens
    ]


def test_ugly_file_becomes_neat() -> None:
    assert format_text(UGLY) == NEAT.replace("    weight 2 }\n\n", "    weight 2 }\n")


def test_neat_file_stays_as_it_is() -> None:
    text = format_text(UGLY)
    assert format_text(text) == text


def test_indentation_can_be_chosen() -> None:
    assert format_text("a {\nb\n}\n", indent="\t") == "a {\n\tb\n}\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("@one vrrp_instance A\n{\n    priority 1\n}\n", "the condition must not take the brace along"),
        ("$HEAD\n{\n    priority 1\n}\n", "the parameter may be several lines"),
        ("$BODY=priority 100 \\\n   interface  eth0  \\\n\nvrrp_instance A {\n}\n", "a blank line ends the definition"),
        ("a {\n    script '/x  \"y\"  z'\n}\n", "blanks count in single quotes of a command"),
        ("a {\n    script /x\\ \\ y\n}\n", "blanks count behind a backslash"),
        ("~SEQ(n,1,3) vrrp_instance A$n {\n", "what follows a sequence is its own"),
        ("a {\n    includer}\nb 0\n", "a blank before the brace would make it the name of a file"),
    ],
)
def test_text_whose_meaning_hangs_on_its_layout_is_left_alone(text: str, why: str) -> None:
    assert format_text(text) == text, why


def test_missing_last_newline_and_carriage_returns_are_mended() -> None:
    assert format_text("a {\r\n  b c # d\r\n}") == "a {\n    b c  # d\n}\n"


def test_brace_too_many_does_not_pull_the_rest_out_of_the_page() -> None:
    assert format_text("}\n}\na {\nb\n}\n") == "}\n}\n\na {\n    b\n}\n"


def test_empty_text_stays_empty() -> None:
    assert format_text("") == format_text("\n \n\t\n") == ""


@pytest.mark.parametrize("text", LINTED, ids=[str(number) for number in range(len(LINTED))])
def test_formatted_text_means_the_same_and_has_the_same_faults(text: str) -> None:
    before, after = read(text), read(format_text(text))
    fingerprints = [loaded.config.fingerprint if loaded.config else "" for loaded in (before, after)]
    assert fingerprints[0] == fingerprints[1]
    assert [one.code for one in before.diagnostics] == [one.code for one in after.diagnostics]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.conf")), ids=lambda path: path.name)
def test_sample_stays_the_same_configuration(path: Path) -> None:
    text = path.read_text()
    done = format_text(text)
    assert format_text(done) == done
    loaded = [read({str(path): one}).config for one in (text, done)]
    assert loaded[0] is not None
    assert loaded[1] is not None
    assert loaded[0].fingerprint == loaded[1].fingerprint


PIECES = st.sampled_from(
    ["vrrp_instance", "A", "{", "}", " ", "  ", "\t", "\n", "\n\n", "# note", "!x", '"q  q"', '"', "'", "\\", "$X",
     "$X=", "$X=a \\", "@id", "~SEQ(a,1,2)", "${X}", "\r", "a#b", "\\#", "\f", "10.0.0.1/24"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
@example("$X=a \\\n")
@example("$X=a \\")
@example("@id")
@example("\\")
def test_words_braces_and_comments_stay_in_order_and_twice_is_once(text: str) -> None:
    once = format_text(text)
    assert words(once) == words(text)
    assert format_text(once) == once


def test_indentation_ends_where_no_configuration_goes() -> None:
    """Else open braces alone would make a text grow with the square of its length, and lines too long to be read."""
    text = "{ { { {\n" * 5000
    neat = format_text(text)
    assert len(neat) < len(text) * 20
    assert format_text(neat) == neat
