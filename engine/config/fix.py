"""Carrying out the fixes of findings on the text.

The invariant: a fix is made whole or not at all, and two fixes that touch the same place are never made in the
same pass. What was left over is found again by the next check, so `mend` repeats until nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.syntax import apply_edits

PASSES = 8
"""How often `mend` checks again; a fix that keeps coming back would be a mistake of ours, not of the file."""


class Fixed(msgspec.Struct, frozen=True):
    """The texts after fixing."""

    texts: dict[str, str]
    """Path -> text, every file that was given, changed or not."""
    applied: tuple[Diagnostic, ...] = ()
    """Whose fix was made, in order."""
    skipped: tuple[Diagnostic, ...] = ()
    """Whose fix would have touched the place of another one, or a file that was not given."""

    def changed(self, before: Mapping[str, str]) -> tuple[str, ...]:
        """The paths whose text differs from `before`."""
        return tuple(path for path, text in self.texts.items() if before.get(path) != text)


def apply_fixes(texts: Mapping[str, str], diagnostics: Iterable[Diagnostic]) -> Fixed:
    """Make every fix that can be made in one pass. Earlier findings win where two touch."""
    taken: dict[str, list[Edit]] = {}
    done: set[Fix] = set()
    applied: list[Diagnostic] = []
    skipped: list[Diagnostic] = []
    for one in diagnostics:
        if one.fix is None:
            continue
        if one.fix in done:
            applied.append(one)
        elif all(edit.file in texts and _free(edit, taken.get(edit.file, ())) for edit in one.fix.edits):
            done.add(one.fix)
            applied.append(one)
            for edit in one.fix.edits:
                taken.setdefault(edit.file, []).append(edit)
        else:
            skipped.append(one)
    fixed = {path: apply_edits(text, taken[path]) if path in taken else text for path, text in texts.items()}
    return Fixed(fixed, tuple(applied), tuple(skipped))


def mend(texts: Mapping[str, str], check: Callable[[Mapping[str, str]], Sequence[Diagnostic]]) -> Fixed:
    """Check and fix until nothing more can be fixed, at most `PASSES` times."""
    fixed = Fixed(dict(texts))
    for _ in range(PASSES):
        step = apply_fixes(fixed.texts, check(fixed.texts))
        fixed = Fixed(step.texts, fixed.applied + step.applied, step.skipped)
        if not step.applied:
            break
    return fixed


def _free(edit: Edit, taken: Iterable[Edit]) -> bool:
    """Neither overlapping nor touching: two insertions at one place have no order."""
    start, end = (edit.line, edit.column), (edit.end_line, edit.end_column)
    return all(
        end < (other.line, other.column) or (other.end_line, other.end_column) < start
        for other in taken
        if other != edit
    )
