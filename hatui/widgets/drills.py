"""The drill under way, the plans and the reports, as lines.

Invariant: pure; what the engine has not said is not shown, and "never drilled" stands where no report is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.messages import DrillPlan, DrillProgress, DrillReport
from hatui.nodes import parted, whole
from hatui.reports import figure, last_words, trend
from hatui.text import NS, Line, Span, clock, fit, plain, rule

MARKS = {"todo": "[    ]", "now": "[now ]", "done": "[done]", "failed": "[FAIL]"}
OUTCOMES = {"pass": "good", "aborted": "warn"}


def running_lines(drill: DrillProgress, wall: int, columns: int) -> list[Line]:
    """CONSOLE 3.6: steps, probes, clock."""
    reason = f' "{plain(drill.reason)}"' if drill.reason else ""
    head = f" Drill #{drill.number} {drill.plan} {plain(drill.instance)}"
    lines: list[Line] = [
        ((head, "strong"), (f"   abort limit {drill.limit / NS:.1f}s   by {plain(drill.by)}{reason}", "plain"))
    ]
    roles = {"todo": "dim", "now": "mode", "done": "good", "failed": "bad"}
    for number, step in enumerate(drill.steps, start=1):
        lines.append(
            (
                (f"  {number} ", "plain"),
                (MARKS.get(step.state, "[    ]"), roles.get(step.state, "plain")),
                (f" {fit(step.name, 14)} ", "strong" if step.state == "now" else "plain"),
                (plain(step.text), "plain"),
            )
        )
    lines.append(rule(f"Probes every {drill.every / 1e6:.0f} ms here", columns, "ok .   lost x   wrong MAC m"))
    room = max(10, columns - 28)
    for probe in drill.probes:
        cells = probe.cells[-room:]
        lines.append(((f" {fit(plain(probe.name), 25)} ", "plain"), (cells, "bad" if "x" in cells else "good")))
    lines.append(rule("Clock", columns))
    lines += [((f" {plain(text)}", "plain"),) for text in drill.ladder[-4:]]
    if drill.acted:
        lines.append(_outage(drill, wall))
    lines += [
        (),
        ((" Nothing else changes until it is restored. Closing this window does not stop the drill.", "dim"),),
    ]
    return lines


def _outage(drill: DrillProgress, wall: int) -> Line:
    since = max(0, wall - drill.acted)
    part = min(1.0, since / drill.budget) if drill.budget else 0.0
    bar = "#" * int(20 * part) + "." * (20 - int(20 * part))
    word = "restored" if drill.restoring else "now"
    return (
        (f" +{since / NS:7.3f}  {word}  ", "strong"),
        (f"expected outage at most {figure(drill.expected)}, budget {figure(drill.budget)}  ", "plain"),
        (f"[{bar}]", "warn" if part >= 1 and not drill.restoring else "good"),
    )


def idle_rows(
    plans: Sequence[DrillPlan],
    reports: Sequence[DrillReport],
    instances: Sequence[str],
    nodes: Collection[str] = (),
) -> tuple[list[Line], list[tuple[str, str]]]:
    """Instances with their last drill, plans, reports (newest first), and the key of each row; a report of
    one of several `nodes` is known by that node and its number."""
    oldest_first = tuple(reversed(reports))
    lines: list[Line] = []
    keys: list[tuple[str, str]] = []
    for name in instances:
        words = last_words(oldest_first, name)
        marks = trend(oldest_first, name)
        spans: list[Span] = [(f"   {fit(plain(name), 15)} ", "strong")]
        spans.append((fit(words, 40), "warn" if words == "never drilled" else "plain"))
        lines.append((*spans, (f" [{marks}]" if marks else "", "dim")))
        keys.append(("instance", name))
    for plan in plans:
        own = "" if plan.source == "built in" else f" ({plain(plan.source)})"
        lines.append(((f"   {fit(plan.name, 15)} ", "key"), (f"{plain(plan.title)}, needs {plan.needs}{own}", "plain")))
        keys.append(("plan", plan.name))
    for one in reports:
        lines.append(
            (
                (f"   #{one.number:<5}", "strong"),
                (f"{clock(one.started)} {fit(one.plan, 14)} {fit(plain(one.instance), 20 if nodes else 12)} ", "plain"),
                (fit(one.outcome, 11), OUTCOMES.get(one.outcome, "bad")),
                (f" {figure(one.measured)}", "plain"),
            )
        )
        keys.append(("report", f"{whole(parted(one.instance, nodes)[0])}{one.number}"))
    return lines, keys
