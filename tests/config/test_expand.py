"""From text to meaning: includes, conditions, definitions, sequences, and where each word was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.expand import Brace, Expansion, Statement, expand
from engine.config.files import Reader, alternatives, files_of, overlay
from tests.config.reading import MAIN


def expanded(text: str, files: dict[str, str] | None = None, **more: object) -> Expansion:
    more.setdefault("config_id", "node")
    return expand(MAIN, files_of({MAIN: text, **(files or {})}), **more)  # type: ignore[arg-type]


def lines(text: str, files: dict[str, str] | None = None, **more: object) -> list[str]:
    """The flow as text: one entry for each statement and brace."""
    return [one.kind if isinstance(one, Brace) else " ".join(word.value for word in one.words)
            for one in expanded(text, files, **more).flow]  # fmt: skip


def codes(expansion: Expansion) -> list[str]:
    return [one.code for one in expansion.diagnostics]


class TestDefinitions:
    @pytest.mark.parametrize(
        ("text", "meaning"),
        [
            ("$X=foo  # comment\n$X", ["foo"]),
            ('$X="a b" c\n$X', ["a b c"]),
            ("$X=1\n$Y=r $X\n$X=2\n$Y", ["r 2"]),
            ("$X=1\na $X,b $X) c.${X}.d e$X", ["a 1,b 1) c.1.d e1"]),
            ("$X=1\na$X.b", ["a$X.b"]),
            ("$X=1\na$X$X", ["a$X1"]),
            ("$X =1", ["$X =1"]),
            ("$1=x\n$B-C=z", ["$1=x", "$B-C=z"]),
            ("$_A=y\n$_A", ["y"]),
            ("$NONE\na $NONE", ["$NONE", "a $NONE"]),
            ('"$X" is no definition', ["$X is no definition"]),
            ('$X=1\nk "${X} # $X"', ["k 1 # $X"]),
        ],
    )
    def test_of_one_line(self, text: str, meaning: list[str]) -> None:
        assert lines(text) == meaning

    def test_of_several_lines_is_spliced_where_it_is_used(self) -> None:
        text = "$M=a 1 {\\\n  b 2 # comment \\\n  }\nx\n$M\ny\n"
        assert lines(text) == ["x", "a 1", "{", "b 2", "}", "y"]

    def test_undefined_name_in_braces_opens_a_block(self) -> None:
        assert lines("a ${NONE} b") == ["a $", "{", "NONE", "}", "b"]

    def test_that_leads_back_to_itself_is_reported_and_left_out(self) -> None:
        found = expanded("$A=x $A\n$A\nend")
        assert codes(found) == ["C-LOOP"]
        assert [str(one.keyword) for one in found.flow if isinstance(one, Statement)] == ["end"]

    def test_built_in_names(self) -> None:
        assert lines("${_PWD}/x ${_INSTANCE}") == ["/etc/keepalived/x node"]
        assert lines('"${_HASH}${_BANG}"') == ["#!"]
        assert lines("a${_HASH}b") == ["a"]
        assert lines("${_RANDOM 3 3} ${_RANDOM 10}", draw=min) == ["3 10"]
        assert lines("${_ENV HOME} ${_ENV NONE x}", env={"HOME": "/root"})[0] == "/root $"


class TestConditions:
    def test_lines_of_another_node_are_left_out(self) -> None:
        text = "@node a\n@other b\n@^other c\n@^node d\n  @node e\n@ f\n@node\n@node @node g"
        assert lines(text) == ["a", "c", "e", "@node g"]

    def test_id_is_compared_before_anything_is_substituted(self) -> None:
        assert lines("$ID=node\n@$ID a") == []

    def test_holds_for_definitions(self) -> None:
        assert lines("@node $X=1\n@other $X=2\na $X") == ["a 1"]

    def test_skipped_opening_leaves_the_body(self) -> None:
        assert lines("@other a {\nb\n}") == ["b", "}"]

    def test_in_a_definition_counts_where_it_is_used(self) -> None:
        assert lines("$X=@node a\n$Y=@other b\n$X\n$Y") == ["a"]


class TestSequences:
    @pytest.mark.parametrize(
        ("text", "meaning"),
        [
            ("~SEQ(v,2) a$v", ["a1", "a2"]),
            ("~SEQ(v,3,1) a$v", ["a3", "a2", "a1"]),
            ("~SEQ(v,1,2,6) a$v", ["a1", "a3", "a5"]),
            ("~SEQ(v,6,-2,1) a$v", ["a6", "a4", "a2"]),
            ("~SEQ(v,-1,1) a$v", ["a-1", "a0", "a1"]),
            ("~SEQ (v, 1, 2)b$v", ["b1", "b2"]),
            ("~SEQ(a,2) ~SEQ(b,2) ${a}_$b", ["1_1", "1_2", "2_1", "2_2"]),
            ("~SEQx(v,9,11) a$v", ["a9", "aa", "ab"]),
            ("~SEQx(v,0x1,0x1f,0x2f) a$v", ["a1", "a20"]),
            ("~LST(v,a, b) x$v", ["xa", "xb"]),
            ("~LST(v,a,) x$v", ["xa", "x"]),
            ("~LST({a,b},{1,2},{3,4}) ${a}_$b", ["1_2", "3_4"]),
            ("pre ~SEQ(v,1,2) a", ["pre ~SEQ(v,1,2) a"]),
            ("$X=~SEQ(v,1,2) m$v\n$X", ["m1", "m2"]),
            ("$N=2\n~SEQ(v,$N) a$v", ["a1", "a2"]),
            ("~SEQ(v,2) a\nb$v", ["a", "a", "b2"]),
        ],
    )
    def test_repeat_the_rest_of_the_line(self, text: str, meaning: list[str]) -> None:
        assert lines(text) == meaning

    @pytest.mark.parametrize(
        "text", ["~SEQ(v)", "~SEQ(v,1,0,3)", "~SEQ(v,3,1,1)", "~SEQ(v,x)", "~LST(v)", "~SEQ(v,1,2"]
    )
    def test_that_are_none_drop_their_line_and_are_reported(self, text: str) -> None:
        found = expanded(f"{text} a$v\nb")
        assert codes(found) == ["C-SEQ"]
        assert len(found.flow) == 1


INCLUDED = {
    "/etc/keepalived/b.conf": "b $X\n$Y=from-b",
    "/etc/keepalived/a.conf": "a",
    "/etc/keepalived/.hidden.conf": "hidden",
    "/other/c.conf": "include d.conf\n${_PWD}",
    "/other/d.conf": "d",
}


class TestIncludes:
    def test_come_in_sorted_order_and_share_definitions(self) -> None:
        assert lines("$X=1\ninclude *.conf\n$Y", INCLUDED)[-3:] == ["a", "b 1", "from-b"]

    def test_are_relative_to_the_file_they_stand_in(self) -> None:
        assert lines("include /other/c.conf", INCLUDED) == ["d", "/other"]

    def test_know_the_file_of_each_statement(self) -> None:
        found = expanded("include /other/c.conf", INCLUDED)
        assert [(one.file, one.line) for one in found.flow] == [("/other/d.conf", 1), ("/other/c.conf", 2)]
        assert found.sources == (MAIN, "/other/c.conf", "/other/d.conf")

    def test_with_alternatives(self) -> None:
        assert lines("include {a,b,x}.conf", INCLUDED) == ["a", "b $X"]
        assert alternatives("{a,b}{c,d}") == ["ac", "ad", "bc", "bd"]

    def test_of_nothing_are_warnings_unless_strict(self) -> None:
        found = expanded(
            "include x.conf\nincludem x.conf\nincludem x*.conf\nincludew x*.conf\nincludeb {a,x}.conf", INCLUDED
        )
        assert [(one.code, one.exit_code) for one in found.diagnostics] == [
            ("C-INCLUDE", 0),
            ("C-INCLUDE", 6),
            ("C-INCLUDE", 0),
            ("C-INCLUDE", 6),
            ("C-INCLUDE", 6),
        ]

    def test_become_strict_by_include_check(self) -> None:
        assert expanded("global_defs {\ninclude_check\n}\ninclude x.conf").diagnostics[0].exit_code == 6
        assert expanded("include x.conf", all_config=True).diagnostics[0].exit_code == 6

    @pytest.mark.parametrize("name", ['"a.conf"', "a.conf b.conf", "a.conf }"])
    def test_take_the_rest_of_the_line_as_the_name(self, name: str) -> None:
        found = expanded(f"include {name}  # comment\nb", INCLUDED)
        assert codes(found) == ["C-INCLUDE"]
        assert name in found.diagnostics[0].what
        assert len(found.flow) == 1

    def test_of_unreadable_files(self) -> None:
        reader = Reader({MAIN: "include x.conf\nincluder x.conf"}.get, lambda pattern: [pattern])
        found = expand(MAIN, reader)
        assert [one.exit_code for one in found.diagnostics] == [0, 6]

    def test_of_itself_end(self) -> None:
        found = expanded("a\ninclude keepalived.conf\nb")
        assert codes(found) == ["C-LOOP"]
        assert len(found.flow) == 2

    def test_see_an_editors_buffers(self) -> None:
        reader = overlay(files_of({MAIN: "include a.conf"}), {"/etc/keepalived/a.conf": "x"})
        assert len(expand(MAIN, reader).flow) == 1

    def test_main_file_that_is_absent(self) -> None:
        found = expand("/none", files_of({}))
        assert [(one.code, one.exit_code) for one in found.diagnostics] == [("C-FILE", 4)]


class TestPlaces:
    def test_plain_words_keep_theirs(self) -> None:
        (one,) = expanded("\n  priority  100").flow
        assert isinstance(one, Statement)
        assert [(one.line, word.column, word.end_column) for word in one.words] == [(2, 3, 11), (2, 13, 16)]

    def test_substituted_words_stand_where_the_name_stands(self) -> None:
        one = expanded("$X=a b\n  k $X c").flow[0]
        assert isinstance(one, Statement)
        places = [(word.value, word.column, word.end_column) for word in one.words]
        assert places == [("k", 3, 4), ("a", 5, 7), ("b", 5, 7), ("c", 8, 9)]

    def test_raw_rest_keeps_quotes(self) -> None:
        one = expanded("$D=/opt\nnotify \"${D}/x 'a b'\" root # comment").flow[0]
        assert isinstance(one, Statement)
        assert one.rest == "\"/opt/x 'a b'\" root"


def test_what_follows_a_brace_is_read_like_a_line() -> None:
    text = "a { $X=1\nb $X }\nc { @other d\n} ~SEQ(v,1,2) e$v\nf { include a.conf"
    assert lines(text, INCLUDED) == ["a", "{", "b 1", "}", "c", "{", "}", "e1", "e2", "f", "{", "a"]


def test_line_that_is_too_long_goes_on_as_another() -> None:
    found = expanded("# " + "c" * 1021 + "priority 5\nb")
    assert codes(found) == ["C-LENGTH"]
    assert lines("# " + "c" * 1021 + "priority 5\nb") == ["priority 5", "b"]
    assert codes(expanded("$X=" + "x" * 600 + "\na ${X} b")) == []
    assert codes(expanded("$X=" + "x" * 600 + "\na ${X} ${X}")) == ["C-LENGTH"]


def test_turns_of_nested_sequences_are_bounded() -> None:
    found = expanded("~SEQ(a,1,1000) " * 4 + "x")
    assert codes(found) == ["C-SEQ"]
    assert len(found.flow) < 200_000


def test_octets_that_are_no_text_are_replaced_and_kept_in_the_tree() -> None:
    text = "a\n b\udce9 c\n"
    found = expanded(text)
    assert [(one.code, one.line, one.column) for one in found.diagnostics] == [("C-ENCODING", 2, 3)]
    assert lines(text) == ["a", "b\ufffd c"]
    assert str(found.trees[MAIN]) == text


def test_quote_that_does_not_close_drops_the_rest() -> None:
    found = expanded('a "b c\nd')
    assert codes(found) == ["C-QUOTE"]
    assert [one.keyword for one in found.flow if isinstance(one, Statement)] == ["a", "d"]


@given(st.text(alphabet='ab \n{}"#\\$~@^()=,SEQLTinclude_PWD1', max_size=80))
def test_nothing_that_is_written_raises(text: str) -> None:
    expanded(text)
