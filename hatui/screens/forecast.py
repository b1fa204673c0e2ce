"""What a failover would do, in lines for its dialog.

Invariant: pure; who, what, how long and how back stand there, and what is not known is called so.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine import messages
from engine.codes.preflight import LAST
from hatui.moves import Check, Move
from hatui.screens.ask import COLUMNS
from hatui.text import Line, fit, plain, seconds, spread, wrap

RANKS = ("fail", "warn", "unknown", "pass")
ROLES = {"pass": "good", "warn": "warn", "fail": "bad"}
MANY = 7
"""Checks beyond which those that passed are told in one line."""


def forecast_lines(move: Move, same_as: str) -> list[Line]:
    """The body of the dialog."""
    method = {
        "step-down": "hand-over: priority 0, addresses kept until another answers",
        "take-over": "take over: priority 254 here until released",
    }.get(move.method, "-")
    lines = [_row("Method", method)]
    if move.method == "step-down":
        expected = f"in {seconds(move.expected)}" if move.expected else "time unknown"
        lines.append(_row("Outage", f"none expected, done {expected}; undone if nobody answers"))
    elif move.method:
        lines.append(_row("Outage", f"as long as the other router needs to yield, about {seconds(move.expected)}"))
    lines.append(((f" {'':<11}", "plain"), (f"{'':<16}{'now':<{34 if move.unknown else 18}}after", "dim")))
    for (router, state, priority), (_, then, new_priority) in zip(move.before, move.after, strict=True):
        lines.append(
            (
                (f" {'':<11}", "plain"),
                (fit(plain(router), 15) + " ", "strong"),
                (fit(f"{state:<9}{priority}", 34 if move.unknown else 18), "unknown" if move.unknown else "plain"),
                (f"{then:<9}{new_priority}", "unknown" if move.unknown else "plain"),
            )
        )
    lines.append(_row("Addresses", plain(move.addresses)))
    counts = "   ".join(f"{word} {move.count(word)}" for word in ("pass", "warn", "fail", "unknown"))
    lines.append(_row("Preflight", counts))
    lines += check_lines(move.checks)
    lines += [_row("Back again" if not at else "", text) for at, text in enumerate(wrap(move.back, COLUMNS - 14))]
    if move.method:
        shown = wrap(same_as, COLUMNS - 13)
        lines += [_row("" if at else "Same as", text, "strong") for at, text in enumerate(shown)]
    return lines


def check_lines(found: Sequence[Check | messages.Check]) -> list[Line]:
    """Checks, what went wrong first; where there are many, those that passed share a line."""
    passed = [one for one in found if one.result == "pass"] if len(found) > MANY else []
    ranked = sorted(
        (one for one in found if one not in passed), key=lambda one: RANKS.index(one.result) if passed else 0
    )
    lines: list[Line] = []
    for one in ranked:
        first, *more = wrap(plain(one.text), COLUMNS - 14 - len(one.code)) or [""]
        result = (f"  {one.result:<8} ", ROLES.get(one.result, "unknown"))
        lines.append(spread((result, (first, "plain")), ((f"{one.code} ", "dim"),), COLUMNS))
        lines += [((" " * 11 + text, "plain"),) for text in more]
    if passed:
        codes = " ".join(dict.fromkeys(one.code for one in passed))
        words = wrap(codes, COLUMNS - 13)
        lines += [((f"  {'pass' if not at else '':<8} ", "good"), (text, "dim")) for at, text in enumerate(words)]
    return lines


def override_row(found: Sequence[Check | messages.Check], reason: str) -> str:
    """What stands against going on although checks failed; empty when nothing failed or it is overridden."""
    codes = tuple(dict.fromkeys(one.code for one in found if one.result == "fail"))
    last = [code for code in codes if code in LAST]
    if last:
        return f"{' '.join(last)} failed: nobody can override that [E-PREFLIGHT]"
    if codes and not reason:
        return f"{' '.join(codes)} failed: say why it is done all the same, or cancel [E-PREFLIGHT]"
    return ""


def _row(label: str, text: str, role: str = "plain") -> Line:
    return ((f" {label:<10} ", "dim"), (text, role))
