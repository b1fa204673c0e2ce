"""What a failover would do, in lines for its dialog.

Invariant: pure; who, what, how long and how back stand there, and what is not known is called so.
"""

from __future__ import annotations

from hatui.moves import Move
from hatui.screens.ask import COLUMNS
from hatui.text import Line, fit, plain, seconds, wrap


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
    lines += [
        (
            (f"  {check.result:<8} ", check.role),
            (fit(plain(check.text), COLUMNS - 26), "plain"),
            (f" {check.code}", "dim"),
        )
        for check in move.checks
    ]
    lines += [_row("Back again" if not at else "", text) for at, text in enumerate(wrap(move.back, COLUMNS - 14))]
    if move.method:
        shown = wrap(same_as, COLUMNS - 13)
        lines += [_row("" if at else "Same as", text, "strong") for at, text in enumerate(shown)]
    return lines


def _row(label: str, text: str, role: str = "plain") -> Line:
    return ((f" {label:<10} ", "dim"), (text, role))
