"""The drill under way, the plans and the reports, as lines.

Invariant: pure; what the engine has not said is not shown, and "never drilled" stands where no report is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.messages import DrillPlan, DrillProgress, DrillReport
from hatui.journal import DAY, when
from hatui.nodes import parted, whole
from hatui.reports import figure, last_words, trend
from hatui.text import NS, Line, Span, ago, fit, plain, rule, width

MARKS = {"todo": "[    ]", "now": "[now ]", "done": "[done]", "failed": "[FAIL]"}
LEAST_BAR = 6
"""Characters below which the bar of the outage says nothing."""
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
    lines.append(rule("Clock", columns, f"expected outage at most {figure(drill.expected)}"))
    lines += [((f" {plain(text)}", "plain"),) for text in drill.ladder[-4:]]
    if drill.acted:
        lines.append(_outage(drill, wall, columns))
    lines += [(), ((" Nothing else changes until step 5. Closing this window does not stop the drill.", "dim"),)]
    return lines


def _outage(drill: DrillProgress, wall: int, columns: int) -> Line:
    """The time since the act, and the outage that the probes have measured since then, against its budget."""
    since = max(0, wall - drill.acted)
    word = "restored" if drill.restoring else "now"
    so_far = f"outage so far {figure(drill.outage)}" if drill.outage >= 0 else "no probe measures the outage"
    line: list[Span] = [
        (f" +{since / NS:7.3f}  {word}  ", "strong"),
        (f"{so_far} of {figure(drill.budget)} budget  ", "plain"),
    ]
    over = drill.outage > drill.budget
    room = min(20, columns - width(line) - 3)
    if room >= LEAST_BAR and drill.budget and drill.outage >= 0:
        full = min(room, int(room * drill.outage / drill.budget))
        line.append((f"[{'#' * full + '.' * (room - full)}]", "bad" if over else "good"))
    return tuple(line)


def idle_rows(
    plans: Sequence[DrillPlan],
    reports: Sequence[DrillReport],
    instances: Sequence[str],
    nodes: Collection[str] = (),
    wall: int = 0,
    mode: str = "local",
) -> tuple[list[Line], list[tuple[str, str]]]:
    """Instances with their last drill, plans, reports (newest first), and the key of each row; a report of
    one of several `nodes` is known by that node and its number. `wall` is now, and `mode` how times are shown."""
    now = wall or max((one.started for one in reports), default=0)
    oldest_first = tuple(reversed(reports))
    lines: list[Line] = []
    keys: list[tuple[str, str]] = []
    for name in instances:
        words = last_words(oldest_first, name)
        marks = trend(oldest_first, name)
        spans: list[Span] = [(f"   {fit(plain(name), 15)} ", "strong")]
        last = next((one for one in reports if one.instance == name and not one.simulation), None)
        spans.append((fit(words, 38) + " ", "warn" if last is None else "plain"))
        spans.append((f"{ago(last.started, now) if last is not None else '':<11}", "dim"))
        lines.append((*spans, (f" [{marks}]" if marks else "", "dim")))
        keys.append(("instance", name))
    if plans:
        lines += [(), ((f"   {'PLAN':<15} {'NEEDS':<7} WHAT IT REHEARSES", "dim"),)]
        keys += [("head", "plans"), ("head", "plan")]
    for plan in plans:
        own = "" if plan.source == "built in" else f" ({plain(plan.source)})"
        needs = (f"{fit(plan.needs, 7)} ", "dim")
        lines.append(((f"   {fit(plan.name, 15)} ", "key"), needs, (f"{plain(plan.title)}{own}", "plain")))
        keys.append(("plan", plan.name))
    if reports:
        place = fit("INSTANCE", 20 if nodes else 12)
        lines += [(), ((f"   {'#':<6} {'STARTED':<11} {'PLAN':<14} {place} {'VERDICT':<11} OUTAGE", "dim"),)]
        keys += [("head", "reports"), ("head", "report")]
    for one in reports:
        lines.append(
            (
                (f"   #{one.number:<5} ", "strong"),
                (f"{fit(when(one.started, now, mode, 11 if now - one.started > DAY else 8), 11)} ", "plain"),
                (f"{fit(one.plan, 14)} ", "plain"),
                (f"{fit(plain(one.instance), 20 if nodes else 12)} ", "plain"),
                (fit(one.outcome, 11), OUTCOMES.get(one.outcome, "bad")),
                (f" {figure(one.measured)}", "plain"),
            )
        )
        keys.append(("report", f"{whole(parted(one.instance, nodes)[0])}{one.number}"))
    return lines, keys
