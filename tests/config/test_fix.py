"""Fixes on the text: whole or not at all, one at a place, until nothing is left."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.fix import PASSES, apply_fixes, mend
from engine.config.syntax import insert_after

FILE = "/etc/a.conf"


def found(*edits: Edit, code: str = "L-STATE") -> Diagnostic:
    return Diagnostic(code, "warning", FILE, 1, 1, "what", fix=Fix("mend it", edits) if edits else None)


def edit(column: int, end: int, text: str, file: str = FILE) -> Edit:
    return Edit(file, 1, column, 1, end, text)


def test_fixes_in_different_places_are_made_in_one_pass() -> None:
    done = apply_fixes({FILE: "one two three\n"}, [found(edit(9, 14, "3")), found(), found(edit(1, 4, "1"))])
    assert done.texts == {FILE: "1 two 3\n"}
    assert len(done.applied) == 2
    assert done.skipped == ()


def test_second_fix_of_one_place_is_left_for_the_next_pass() -> None:
    first, second = found(edit(1, 4, "1")), found(edit(2, 6, "x"))
    done = apply_fixes({FILE: "one two\n"}, [first, second])
    assert done.texts == {FILE: "1 two\n"}
    assert (done.applied, done.skipped) == ((first,), (second,))


def test_two_insertions_at_one_place_are_not_made_together() -> None:
    first, second = found(insert_after(FILE, 1, "    a")), found(insert_after(FILE, 1, "    b"))
    done = apply_fixes({FILE: "x\ny\n"}, [first, second])
    assert done.texts == {FILE: "x\n    a\ny\n"}
    assert done.skipped == (second,)


def test_the_same_fix_of_two_findings_is_made_once() -> None:
    done = apply_fixes({FILE: "x\n"}, [found(insert_after(FILE, 1, "a")), found(insert_after(FILE, 1, "a"))])
    assert done.texts == {FILE: "x\na\n"}
    assert len(done.applied) == 2


def test_fix_over_two_files_is_made_whole_or_not_at_all() -> None:
    other = "/etc/b.conf"
    one = found(edit(1, 2, "A"), edit(1, 2, "B", other))
    assert apply_fixes({FILE: "a\n", other: "b\n"}, [one]).texts == {FILE: "A\n", other: "B\n"}
    partly = apply_fixes({FILE: "a\n"}, [one])
    assert partly.texts == {FILE: "a\n"}
    assert partly.skipped == (one,)


def test_changed_names_only_files_that_differ() -> None:
    before = {FILE: "a\n", "/etc/b.conf": "b\n"}
    assert apply_fixes(before, [found(edit(1, 2, "A"))]).changed(before) == (FILE,)


def commas(texts: Mapping[str, str]) -> list[Diagnostic]:
    """Finds every comma; where two stand side by side their fixes touch."""
    return [found(edit(at.start() + 1, at.end() + 1, "")) for at in re.finditer(",", texts[FILE])]


def test_mend_goes_on_until_nothing_is_left() -> None:
    done = mend({FILE: "a,,,b"}, commas)
    assert done.texts == {FILE: "ab"}
    assert len(done.applied) == 3
    assert done.skipped == ()


def test_mend_gives_up_on_a_fix_that_always_comes_back() -> None:
    done = mend({FILE: "x"}, lambda _: [found(edit(1, 1, "y"))])
    assert len(done.applied) == PASSES
