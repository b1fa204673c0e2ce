"""One change on two nodes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import ConfigText
from hatui.both import Misfit, carried, twin_of
from hatui.drafts import Draft
from tests.console.conftest import CONFIG, CONFIG_PATH, config_text

THEIRS = CONFIG.replace("priority        100", "priority        90").replace("state   MASTER", "state   BACKUP")


def test_line_is_changed_there_and_what_differs_on_purpose_stays() -> None:
    new = CONFIG.replace("interval        2", "interval        5")
    assert carried(CONFIG, new, THEIRS) == THEIRS.replace("interval        2", "interval        5")


def test_line_that_is_another_there_is_never_overwritten() -> None:
    with pytest.raises(Misfit, match="its text differs at your line 14"):
        carried(CONFIG, CONFIG.replace("priority        100", "priority        150"), THEIRS)


def test_lines_come_and_go_at_begin_and_end() -> None:
    new = "# first\n" + CONFIG + "# last\n"
    assert carried(CONFIG, new, THEIRS) == "# first\n" + THEIRS + "# last\n"
    assert carried(new, CONFIG, "# first\n" + THEIRS + "# last\n") == THEIRS


LINES = st.lists(st.sampled_from(["a", "b", "c", "{", "}"]), max_size=12).map("\n".join)


@given(LINES, LINES)
def test_node_with_the_same_text_gets_the_same_change(before: str, after: str) -> None:
    assert carried(before, after, before) == after


@given(LINES, LINES)
def test_no_change_changes_nothing_anywhere(before: str, other: str) -> None:
    assert carried(before, before, other) == other


def other_of(text: str) -> ConfigText:
    return ConfigText(CONFIG_PATH, text, hashlib.sha256(text.encode()).hexdigest())


def test_twin_is_judged_by_its_own_text_and_keeps_its_own_secret() -> None:
    draft = Draft((config_text(),), "lb-a")
    shown = draft.shown().replace("advert_int      1", "advert_int      2")
    theirs = THEIRS.replace("s3cret1", "0ther")
    twin = twin_of("lb-b", "lb-b", (other_of(theirs),), draft, shown)
    assert twin.wrong == ""
    assert twin.draft is not None
    command = twin.draft.command(twin.shown)
    assert command.text == theirs.replace("advert_int      1", "advert_int      2")
    assert command.base == other_of(theirs).digest
    assert twin.judged is not None
    assert twin.judged.touched == ("VI_1",)


def test_twin_that_cannot_be_says_why() -> None:
    draft = Draft((config_text(),), "lb-a")
    shown = draft.shown().replace("priority        100", "priority        150")
    assert "lb-b: its text differs" in twin_of("lb-b", "", (other_of(THEIRS),), draft, shown).wrong
    assert "[E-CONFIG-CHANGED]" in twin_of("lb-b", "", (), draft, shown).wrong
    same = CONFIG.replace("priority        100", "priority        150")
    already = twin_of("lb-b", "", (other_of(same),), Draft((config_text(),), ""), shown)
    assert "[E-" in already.wrong
