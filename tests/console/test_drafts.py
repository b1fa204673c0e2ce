"""A configuration being edited."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.config.diagnostic import Diagnostic
from engine.config.syntax import apply_edits
from engine.messages import ConfigText
from hatui.drafts import Draft, Masks, changed_lines, differing, unified
from tests.console.conftest import CONFIG, CONFIG_PATH, config_text


def draft(text: str = CONFIG, *others: ConfigText) -> Draft:
    return Draft((config_text(text), *others), "lb-a")


def test_secret_is_shown_as_its_fingerprint_and_sent_as_it_was() -> None:
    one = draft()
    shown = one.shown()
    assert "s3cret1" not in shown
    assert "auth_pass       <secret " in shown
    assert one.masks.unmask(shown) == CONFIG
    assert not one.changed(shown)


def test_every_kind_of_secret_is_masked() -> None:
    text = "SSL {\n password hunter2\n}\nvrrp_instance A {\n auth_hmac {\n key 2 deadbeefcafe\n }\n"
    text += 'authentication { auth_pass "two words" }\n}\n'
    shown = Masks().mask(text)
    for secret in ("hunter2", "deadbeefcafe", "two words"):
        assert secret not in shown


def test_equal_secrets_have_equal_marks_and_others_differ() -> None:
    masks = Masks()
    blocks = [f"authentication {{\n auth_pass {word}\n}}\n" for word in ("one", "one", "two")]
    first = masks.mask("".join(blocks))
    marks = [line.partition("auth_pass ")[2] for line in first.splitlines() if "auth_pass" in line]
    assert marks[0] == marks[1] != marks[2]


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_masking_and_unmasking_returns_any_text_unchanged(text: str) -> None:
    masks = Masks()
    assert masks.unmask(masks.mask(text)) == text
    pass_line = f"authentication {{\n auth_pass {text}\n}}"
    assert masks.unmask(masks.mask(pass_line)) == pass_line


def test_edited_secret_is_sent_as_edited() -> None:
    one = draft()
    mark = next(word for word in one.shown().split("auth_pass       ")[1].splitlines())
    edited = one.shown().replace(mark, "new")
    assert "auth_pass       new" in one.masks.unmask(edited)
    assert one.changed(edited)


def test_findings_of_the_engine_stand_where_they_are_shown_and_the_impact_stays() -> None:
    text = "vrrp_instance A {\n  authentication { auth_pass s3cret1 auth_typ PASS }\n}\n"
    one = draft(text, ConfigText("/etc/keepalived/more.conf", "x\n", ""))
    shown = one.shown()
    ours = one.judge(shown)
    at = text.split("\n")[1].index("auth_typ") + 1
    engine = [
        Diagnostic("C-UNKNOWN", "error", CONFIG_PATH, 2, at, "unknown", end_column=at + 8),
        Diagnostic("L-HERE", "warning", "/etc/keepalived/more.conf", 1, 1, "elsewhere"),
    ]
    told = one.told(ours, shown, engine, runs=False)
    (problem,) = told.problems
    assert shown.split("\n")[1][problem.column - 1 : problem.end_column - 1] == "auth_typ"
    assert [each.what for each in told.elsewhere] == ["elsewhere"]
    assert (told.runs, told.impact) == (False, ours.impact)
    assert one.told(ours, shown, (), runs=True).runs is ours.runs


def test_problems_stand_where_they_are_shown() -> None:
    one = draft("vrrp_instance A {\n  authentication { auth_pass s3cret1 auth_typ PASS }\n}\n")
    shown = one.shown()
    line = shown.splitlines()[1]
    for problem in one.judge(shown).problems:
        if problem.line == 2 and "auth_typ" in problem.what:
            assert line[problem.column - 1 :].startswith("auth_typ")


def test_untracked_script_of_the_sample_is_found_and_mended() -> None:
    one = draft()
    shown = one.shown()
    judged = one.judge(shown)
    found = next(problem for problem in judged.problems if problem.code == "L-TRACK-REF")
    assert (found.line, found.severity) == (4, "warning")
    assert found.fix is not None
    fixed = apply_edits(shown, found.fix.edits)
    assert "track_script" in fixed
    assert "<secret" in fixed
    after = one.judge(fixed)
    assert all(problem.code != "L-TRACK-REF" for problem in after.problems)
    assert any("VI_1" in line for line in after.impact)


def test_changed_priority_is_in_the_impact_and_the_diff() -> None:
    one = draft()
    edited = one.shown().replace("priority        100", "priority        150")
    judged = one.judge(edited)
    assert judged.runs
    assert any("100" in line and "150" in line for line in judged.impact)
    diff = one.diff(edited)
    assert "-        priority        100" in diff
    assert "+        priority        150" in diff
    assert not any("s3cret1" in line for line in diff)
    assert not any(line[0] in "+-" and "auth_pass" in line for line in diff)


def test_new_secret_typed_in_the_editor_is_masked_in_the_diff() -> None:
    one = draft()
    edited = one.masks.unmask(one.shown()).replace("s3cret1", "brandnew")
    assert not any("brandnew" in line for line in one.diff(edited))


def test_broken_text_is_not_offered_for_applying() -> None:
    judged = draft().judge("vrrp_instance A {\n  interface eth0\n  virtual_router_id 300\n}\n")
    assert not judged.runs or judged.errors or judged.problems


def test_included_files_are_read_from_what_the_engine_gave() -> None:
    other = ConfigText(
        "/etc/keepalived/conf.d/one.conf",
        "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n nonsense 3\n}\n",
        "x",
    )
    one = draft("include /etc/keepalived/conf.d/*.conf\n", other)
    judged = one.judge(one.shown())
    assert any(problem.file == other.path for problem in judged.elsewhere)
    assert all(problem.file == CONFIG_PATH for problem in judged.problems)


def test_changed_lines_are_marked() -> None:
    assert changed_lines("a\nb\nc", "a\nx\nc") == {1: "|"}
    assert changed_lines("a\nc", "a\nb\nc") == {1: "+"}
    assert changed_lines("a\nb\nc", "a\nc") == {1: "-"}
    assert unified("a\n", "a\n", "f") == []


LINES = st.lists(st.sampled_from(["a", "b", "}"]), max_size=12)


@given(LINES, LINES)
def test_lines_without_a_mark_are_those_that_stayed(old: list[str], new: list[str]) -> None:
    marks = changed_lines("\n".join(old), "\n".join(new))
    assert bool(marks) == ("\n".join(old) != "\n".join(new))
    lines = iter("\n".join(old).split("\n"))
    for at, line in enumerate("\n".join(new).split("\n")):
        assert marks.get(at) in ("+", "|") or line in lines  # `in` goes on from where it was


def test_lines_that_differ_are_counted() -> None:
    assert differing("a\nb\nc", "a\nb\nc") == 0
    assert differing("a\nb\nc", "a\nx\ny\nc") == 2
    assert differing("a\nb\nc", "c") == 2


def test_mark_that_stands_for_no_known_secret_is_found() -> None:
    one = draft()
    assert one.strange_secrets(one.shown()) == []
    assert one.strange_secrets(one.shown() + "# <secret 0000>\n") == ["<secret 0000>"]


def test_instances_that_change_are_named() -> None:
    one = draft()
    assert one.judge(one.shown()).touched == ()
    assert one.judge(one.shown().replace("priority        100", "priority        150")).touched == ("VI_1",)


def test_command_carries_the_secrets_the_base_and_the_time_to_confirm() -> None:
    one = draft()
    command = one.command(one.shown().replace("priority        100", "priority        150"), "more", 300)
    assert "s3cret1" in command.text
    assert (command.base, command.comment, command.confirm_s) == (config_text().digest, "more", 300)


def test_secret_that_was_not_touched_is_no_difference() -> None:
    one = draft()
    assert one.diff(one.shown()) == []
    changed = one.diff(one.shown().replace("priority        100", "priority        150"))
    assert [line for line in changed if line[:1] in "+-" and "secret" in line] == []
