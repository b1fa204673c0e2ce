"""Everything that can be said about a configuration beyond whether it can be read.

    lint_scope     what a rule sees, and how it speaks
    lint_track     references, weights, sync groups
    lint_instance  priority, state, addresses, timing, authentication, unicast
    lint_script    scripts and notify commands
    lint_text      the text itself: leftovers, placeholders, samples
    lint_server    virtual and real servers
    lint_pairs     what takes two nodes' files to see
    lint_heard     the same by the other node's adverts, as far as they tell
    lint_host      what takes facts of the host to see

The invariant: one false alarm costs more trust than one missed hint. What hangs on a value that is not known is not
said, and what half of all files have is a hint, not a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.config import (
    lint_heard,
    lint_host,
    lint_instance,
    lint_pairs,
    lint_script,
    lint_server,
    lint_text,
    lint_track,
)
from engine.config.build import Loaded
from engine.config.collector import uncollected
from engine.config.diagnostic import Diagnostic
from engine.config.lint_scope import Scope

RULES = (
    *lint_track.RULES,
    *lint_instance.RULES,
    *lint_script.RULES,
    *lint_text.RULES,
    *lint_server.RULES,
    *lint_pairs.RULES,
)

REPLACES: dict[str, tuple[str, ...]] = {
    "L-TRACK-REF": ("C-UNDEFINED",),
    "L-SYNC-SINGLE": ("C-MEANING",),
    "L-SYNC-REF": ("C-MEANING",),
    "L-STATE": ("C-VALUE",),
    "L-NOPREEMPT": ("C-ADJUSTED",),
    "L-STRICT": ("C-ADJUSTED",),
    "L-ADVINT": ("C-ROUNDED",),
    "L-NO-VIP": ("C-ADJUSTED",),
    "L-AUTH-LEN": ("C-ROUNDED",),
    "L-AUTH-V3": ("C-ADJUSTED",),
    "L-HMAC": ("C-RANGE",),
    "L-UNICAST": ("C-ADJUSTED",),
    "L-SCRIPT-ARGS": ("C-EXTRA",),
    "L-NOTIFY": ("C-EXTRA", "C-REPEATED"),
    "L-FLAG-ARG": ("C-EXTRA",),
    "L-SEMICOLON": ("C-VALUE", "C-MEANING"),
    "L-VARIABLE": ("C-VALUE", "C-MEANING"),
    "L-RETIRED": ("C-UNKNOWN", "C-DEPRECATED"),
    "L-GARP-ZERO": ("C-RANGE",),
    "L-MERGE": (),
    "L-PASTE": (),
    "L-PLACEHOLDER": (),
}
"""Lint code -> codes of reading that say less about the same line (none: all of them)."""

ELSEWHERE = {
    "L-TRACK-SELF": "is its own interface",
    "L-OWNER-TRACK": "priority 255 takes none",
    "L-SYNC-WEIGHT": "the instance is in a sync group",
    "L-NO-SERVER": "has no real_server",
    "L-SCRIPT-SECURITY": "enable_script_security is not set",
}
"""Lint code -> what reading says of the same thing at the head of the block."""


def lint(loaded: Loaded, peers: Sequence[Loaded] = (), *, host: lint_host.Host | None = None) -> list[Diagnostic]:
    """The findings of all rules, in the order of the text. `peers` are the other nodes' configurations, `host` the
    facts of the host on which it is to run."""
    return in_order(_lint(Scope(loaded, peers), host), loaded)


def _lint(scope: Scope, host: lint_host.Host | None) -> list[Diagnostic]:
    found = [one for rule in RULES for one in rule(scope)]
    if host is not None:
        found += [one for about in lint_host.RULES for one in about(scope, host)]
    return found


@uncollected
def findings(
    loaded: Loaded,
    peers: Sequence[Loaded] = (),
    *,
    host: lint_host.Host | None = None,
    heard: Sequence[lint_heard.Heard] = (),
) -> list[Diagnostic]:
    """All that `hatui check` shows: what reading found and what lint found, each thing once. `heard` are the other
    nodes by their adverts; they count where no file of a peer is given."""
    scope = Scope(loaded, peers)
    read = [one for one in loaded.diagnostics if one.code != "C-UNUSED"]  # L-TRACK-REF knows when that is certain
    linted = _lint(scope, host)
    if heard and not peers:
        certain = list(lint_heard.pairs(loaded, heard))
        told = {(one.code, one.file, one.line) for one in certain}
        linted = [one for one in linted if (one.code, one.file, one.line) not in told] + certain
    return in_order(merge(read, linted), loaded)


def host_findings(loaded: Loaded, host: lint_host.Host) -> list[Diagnostic]:
    """What reading found, and what facts of the host add: all that a test of the configuration tells."""
    scope = Scope(loaded)
    rules = (*lint_host.RULES, *lint_host.SLOW_RULES)
    return in_order(merge(loaded.diagnostics, [one for rule in rules for one in rule(scope, host)]), loaded)


def merge(read: Iterable[Diagnostic], linted: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Both, without those of reading that a rule says better on the same line. Such a finding takes over the exit
    code, and is a warning at least where keepalived calls the file faulty."""
    by_line: dict[tuple[str, int], list[Diagnostic]] = {}
    for one in read:
        by_line.setdefault((one.file, one.line), []).append(one)
    said: set[int] = set()
    out = []
    everything = [other for others in by_line.values() for other in others]
    for one in linted:
        codes, phrase = REPLACES.get(one.code), ELSEWHERE.get(one.code)
        here = by_line.get((one.file, one.line), ())
        less = [other for other in here if codes is not None and (other.code in codes or not codes)]
        if phrase:
            less += [other for other in everything if other.code[:2] == "C-" and phrase in other.what]
        said.update(id(other) for other in less)
        out.append(_heavier(one, less))
    return [other for other in everything if id(other) not in said] + out


def _heavier(one: Diagnostic, less: Sequence[Diagnostic]) -> Diagnostic:
    codes = [other.exit_code for other in less]
    code = 2 if 2 in codes else max(codes, default=0)
    if code <= one.exit_code and code != 2:
        return one
    severity = "warning" if one.severity == "info" and code != 6 else one.severity
    return msgspec.structs.replace(one, exit_code=code, severity=severity)


def in_order(found: Iterable[Diagnostic], loaded: Loaded) -> list[Diagnostic]:
    """In the order of the files and of the text."""
    order = {path: place for place, path in enumerate(loaded.trees)}
    return sorted(found, key=lambda one: (order.get(one.file, len(order)), one.line, one.column, one.code))
