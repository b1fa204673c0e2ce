"""The same change on another node: its own text with the same lines changed, or why that cannot be.

Invariant: pure; a line is changed there only where it is the one that was changed here, beside one of the same
neighbours, so what differs on purpose between two nodes, such as a priority, is never overwritten, and never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import msgspec

from engine.messages import ConfigText
from hatui.drafts import Draft, Judgement
from hatui.text import plain


class Misfit(Exception):
    """Why a change cannot be carried over, as a sentence with its code."""


class Twin(msgspec.Struct, frozen=True):
    """The change as it would be on another node."""

    node: str
    draft: Draft | None = None
    shown: str = ""
    judged: Judgement | None = None
    problem: str = ""
    """Why it cannot be made there; empty when it can."""

    @property
    def wrong(self) -> str:
        """What forbids it there."""
        if self.problem or self.judged is None:
            return f"{self.node}: {self.problem or 'still checking [E-CHECKING]'}"
        if not self.judged.runs:
            first = next((one.what for one in self.judged.listed if one.severity == "error"), "it cannot run")
            return f"{self.node}: {plain(first)} [E-CONFIG-BROKEN]"
        return ""


def carried(before: str, after: str, other: str) -> str:
    """`other` with the lines changed that differ between `before` and `after`.

    Raises: Misfit when the lines there, or those beside them, are others.
    """
    old, new, theirs = (text.split("\n") for text in (before, after, other))
    there: dict[int, int] = {}
    for block in SequenceMatcher(None, old, theirs, autojunk=False).get_matching_blocks():
        there.update({block.a + step: block.b + step for step in range(block.size)})
    there[-1], there[len(old)] = -1, len(theirs)
    result, done = [], 0
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        above, below = there.get(first - 1), there.get(last)
        inside = [there.get(line) for line in range(first, last)]
        at = inside[0] if inside else above + 1 if above is not None else below
        kept = [*([] if above is None else [above + 1 == at]), *([] if below is None else [at == below - len(inside)])]
        if at is None or inside != list(range(at, at + len(inside))) or not any(kept) or not (inside or all(kept)):
            line = min(first, len(old) - 1)
            raise Misfit(f"its text differs at your line {line + 1}: change it there by itself [E-CONFIG-CHANGED]")
        result += [*theirs[done:at], *new[start:end]]
        done = at + len(inside)
    return "\n".join([*result, *theirs[done:]])


def twin_of(node: str, host: str, files: Sequence[ConfigText], draft: Draft, shown: str) -> Twin:
    """A draft's change on a node that has these files."""
    theirs = Draft(tuple(files), host)
    if not files or theirs.path != draft.path:
        return Twin(node, problem=f"it does not read {plain(draft.path)} [E-CONFIG-CHANGED]")
    try:
        text = carried(draft.base.text, draft.masks.unmask(shown), theirs.base.text)
        for path, typed in draft.typed.items():
            if path not in theirs.paths:
                raise Misfit(f"it does not read {plain(path)} [E-CONFIG-CHANGED]")
            new = carried(draft.file(path).text, draft.masks.unmask(typed), theirs.file(path).text)
            theirs.type(path, theirs.masks.mask(new))
    except Misfit as misfit:
        return Twin(node, problem=str(misfit))
    masked = theirs.masks.mask(text)
    if not theirs.changed(masked):
        return Twin(node, problem="it is so there already [E-UNCHANGED]")
    return Twin(node, theirs, masked, theirs.judge(masked))
