"""Everything that can be said about a configuration beyond whether it can be read.

    lint_scope     what a rule sees, and how it speaks
    lint_track     references, weights, sync groups
    lint_instance  priority, state, addresses, timing, authentication, unicast
    lint_script    scripts and notify commands
    lint_text      the text itself: leftovers, placeholders, samples
    lint_server    virtual and real servers
    lint_pairs     what takes two nodes' files to see

The invariant: one false alarm costs more trust than one missed hint. What hangs on a value that is not known is not
said, and what half of all files have is a hint, not a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.config import lint_pairs, lint_track
from engine.config.build import Loaded
from engine.config.diagnostic import Diagnostic
from engine.config.lint_scope import Scope

RULES = (*lint_track.RULES, *lint_pairs.RULES)

REPLACES = {
    "L-TRACK-REF": ("C-UNUSED", "C-UNDEFINED"),
}
"""Lint code -> codes of reading that say less about the same line; the finding takes over their exit code."""


def lint(loaded: Loaded, peers: Sequence[Loaded] = ()) -> list[Diagnostic]:
    """The findings of all rules, in the order of the text. `peers` are the other nodes' configurations."""
    scope = Scope(loaded, peers)
    found = [one for rule in RULES for one in rule(scope)]
    return in_order(found, loaded)


def findings(loaded: Loaded, peers: Sequence[Loaded] = ()) -> list[Diagnostic]:
    """All that `hatui check` shows: what reading found and what lint found, each thing once."""
    return in_order(merge(loaded.diagnostics, lint(loaded, peers)), loaded)


def merge(read: Iterable[Diagnostic], linted: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Both, without those of reading that a rule says better on the same line."""
    by_line: dict[tuple[str, int], list[Diagnostic]] = {}
    for one in read:
        by_line.setdefault((one.file, one.line), []).append(one)
    said: set[int] = set()
    out = []
    for one in linted:
        worse = [other for other in by_line.get((one.file, one.line), ()) if other.code in REPLACES.get(one.code, ())]
        said.update(id(other) for other in worse)
        code = max((other.exit_code for other in worse), default=0)
        out.append(msgspec.structs.replace(one, exit_code=code) if code > one.exit_code else one)
    return [other for others in by_line.values() for other in others if id(other) not in said] + out


def in_order(found: Iterable[Diagnostic], loaded: Loaded) -> list[Diagnostic]:
    """In the order of the files and of the text."""
    order = {path: place for place, path in enumerate(loaded.trees)}
    return sorted(found, key=lambda one: (order.get(one.file, len(order)), one.line, one.column, one.code))
