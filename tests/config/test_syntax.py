"""The lossless tree: nothing is lost, words know their places, blocks are what braces make of the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.config.diagnostic import Edit
from engine.config.syntax import (
    BLANKS,
    COMMENT,
    QUOTE,
    REPEAT,
    WORD,
    Tree,
    apply_edits,
    delete_lines,
    insert_after,
    lex,
    parse,
    replace,
)

ODD = st.text(alphabet='ab \t\r\n{}"#!\\$~@^()=,SEQLT\x0b\x85\u2028é', max_size=80)
CONFIG = """# the web address
vrrp_instance VI_1 {   ! first
    interface eth0
    virtual_ipaddress
    {
        10.0.0.1/24 dev "eth 0" # one
    }
}
"""


@given(ODD)
@example("a\\")
@example('"')
@example("$X=\\\n\\\n{")
@example("~SEQ(")
@example("\x85")
def test_text_comes_back_whatever_it_is(text: str) -> None:
    assert str(parse(text, "f")) == text


@given(ODD)
def test_tokens_stand_in_order_and_leave_only_blanks_between(text: str) -> None:
    for line in parse(text, "f").lines:
        at = 1
        for token in line.tokens:
            assert token.column >= at
            assert line.text[token.column - 1 : token.end_column - 1] == token.text
            assert line.text[at - 1 : token.column - 1].strip(BLANKS) == ""
            at = token.end_column
        assert line.text[at - 1 :].strip(BLANKS) == ""


@given(ODD)
def test_every_brace_is_in_the_tree_exactly_once(text: str) -> None:
    tree = parse(text, "f")
    tokens = [token for line in tree.lines for token in line.tokens]
    nodes = list(tree.walk())
    opened = sorted((node.opener.line, node.opener.column) for node in nodes if node.opener)
    closed = [node.closer for node in nodes if node.closer] + tree.stray
    assert opened == sorted((token.line, token.column) for token in tokens if token.kind == "{")
    assert sorted((one.line, one.column) for one in closed) == sorted(
        (token.line, token.column) for token in tokens if token.kind == "}"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b\tc", ["a", "b", "c"]),
        ("a#b", ["a"]),
        ("a !b", ["a"]),
        (r"a\#b c\!d", ["a#b", "c!d"]),
        (r"a\b\\c", [r"a\b\\c"]),
        ('"a # b" c', ["a # b", "c"]),
        ('ab"c d"e', ["ab", "c d", "e"]),
        ('k "open # x', ["k"]),
        ("'a b'", ["'a", "b'"]),
        ("${A}b $C", ["${A}b", "$C"]),
        ('""', [""]),
    ],
)
def test_words_of_a_line_are_those_of_keepalived(text: str, words: list[str]) -> None:
    assert [token.value for token in lex(text) if token.kind == WORD] == words


def test_kinds_of_tokens_that_are_no_words() -> None:
    assert [token.kind for token in lex('~SEQ(x,1,2) a {b} "c # d')] == [REPEAT, WORD, "{", WORD, "}", QUOTE]
    assert [token.kind for token in lex("~LST({a,b},{1,2}) x # y")] == [REPEAT, WORD, COMMENT]


def test_blocks_words_and_places() -> None:
    tree = parse(CONFIG, "f")
    (instance,) = tree.nodes
    assert (instance.keyword, instance.arguments[0].value, instance.line, instance.end_line) == (
        "vrrp_instance",
        "VI_1",
        2,
        8,
    )
    interface, addresses = instance.children
    assert interface.path == ("vrrp_instance",)
    assert addresses.opener
    assert addresses.opener.line == 5
    (line,) = addresses.children
    assert [word.value for word in line.words] == ["10.0.0.1/24", "dev", "eth 0"]
    assert line.words[2].quoted
    assert (line.words[1].line, line.words[1].column, line.words[1].end_column) == (6, 21, 24)


def test_places_lead_to_their_blocks() -> None:
    tree = parse(CONFIG, "f")
    assert tree.path_at(1, 1) == ()
    assert tree.path_at(3, 5) == ("vrrp_instance",)
    assert tree.path_at(6, 9) == ("vrrp_instance", "virtual_ipaddress")
    assert tree.path_at(8, 2) == ()
    token = tree.token_at(3, 16)
    assert token
    assert token.text == "eth0"
    node = tree.node_at(6)
    assert node
    assert node.keyword == "10.0.0.1/24"


def test_definition_keeps_its_braces_out_of_the_structure() -> None:
    tree = parse("$VIPS=virtual_ipaddress { \\\n  10.0.0.1 \\\n  }\nx\n", "f")
    definition, other = tree.nodes
    assert definition.definition
    assert not definition.is_block
    assert [word.value for word in definition.arguments] == ["virtual_ipaddress { \\", "10.0.0.1 \\", "}"]
    assert other.keyword == "x"
    assert tree.stray == []


def test_condition_and_repeat_are_parts_of_their_own() -> None:
    (node,) = parse("@node1 ~SEQ(x,1,2) priority 5", "f").nodes
    assert node.condition
    assert node.condition.text == "@node1"
    assert [token.text for token in node.repeats] == ["~SEQ(x,1,2)"]
    assert node.keyword == "priority"


def test_broken_braces_are_named() -> None:
    tree = parse("} a {\n b {\n c", "f")
    assert [(token.line, token.column) for token in tree.stray] == [(1, 1)]
    assert [node.keyword for node in tree.unclosed] == ["a", "b"]


class TestEdits:
    def test_one_word_changes_and_nothing_else(self) -> None:
        tree = parse(CONFIG, "f")
        word = tree.nodes[0].children[0].arguments[0]
        assert apply_edits(CONFIG, [replace("f", word, "eth1")]) == CONFIG.replace("eth0", "eth1")

    def test_lines_are_inserted_and_deleted(self) -> None:
        text = "a\nb\nc\n"
        assert apply_edits(text, [insert_after("f", 1, "x"), delete_lines("f", 3, 3)]) == "a\nx\nb\n"
        assert apply_edits(text, [insert_after("f", 0, "x"), insert_after("f", 0, "y")]) == "x\ny\na\nb\nc\n"

    def test_insertion_behind_a_text_without_newline_begins_a_line(self) -> None:
        assert apply_edits("a", [insert_after("f", 1, "x")]) == "a\nx\n"

    def test_overlapping_edits_are_refused(self) -> None:
        with pytest.raises(ValueError, match="overlapping"):
            apply_edits("abcdef", [Edit("f", 1, 1, 1, 4, "x"), Edit("f", 1, 3, 1, 5, "y")])

    @given(ODD, st.data())
    def test_deleting_and_putting_back_gives_the_text(self, text: str, data: st.DataObject) -> None:
        tree: Tree = parse(text, "f")
        tokens = [token for line in tree.lines for token in line.tokens]
        chosen = data.draw(st.lists(st.sampled_from(tokens), unique=True)) if tokens else []
        assert apply_edits(text, [replace("f", token, token.text) for token in chosen]) == text


@pytest.mark.parametrize(
    "piece",
    ["a b c\n", "{\n", "}\n", "a { b } c\n", "~SEQ(x,1,2) ", "~SEQ(", '"', '"a" ', "$X=y \\\n", "\\", "${", "#"],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def cost(count: int) -> float:
        text = piece * count
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            parse(text, "f")
            best = min(best, time.process_time() - start)
        return best

    assert cost(20_000) < 25 * max(cost(2_000), 0.0005)
