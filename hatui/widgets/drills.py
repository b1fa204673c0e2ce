"""The drill under way, the plans and the reports, as lines.

Invariant: pure; what the engine has not said is not shown, and "never drilled" stands where no report is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.messages import DrillPlan, DrillProgress, DrillReport
from hatui.journal import DAY, when
from hatui.nodes import parted, whole
from hatui.reports import figure, folded, last_words, text, title_of, trend
from hatui.text import NS, Line, Span, ago, fit, plain, rule, width, wrap

MARKS = {"todo": "[    ]", "now": "[now ]", "done": "[done]", "failed": "[FAIL]"}
NEWEST = 2
"""Lines of the ladder that are worth more than the sentence below it."""
LEAST_BAR = 6
"""Characters below which the bar of the outage says nothing."""
OUTCOMES = {"pass": "good", "aborted": "warn"}


def running_lines(drill: DrillProgress, wall: int, columns: int, rows: int, *, silent: bool = False) -> list[Line]:
    """CONSOLE 3.6: steps, probes, clock; of the ladder as much as so many rows leave room for. `silent`: the engine
    tells nothing any more."""
    reason = f' "{plain(drill.reason)}"' if drill.reason else ""
    head = f" Drill #{drill.number} {drill.plan} {plain(drill.instance)}"
    lines: list[Line] = [
        ((head, "strong"), (f"   abort limit {drill.limit / NS:.1f}s   by {plain(drill.by)}{reason}", "plain"))
    ]
    if silent:
        lines.append(((" UNKNOWN: the engine is silent; this was told last", "unknown"),))
    roles = {"todo": "dim", "now": "mode", "done": "good", "failed": "bad"}
    for number, step in enumerate(drill.steps, start=1):
        lines.append(
            (
                (f"  {number} ", "plain"),
                (MARKS.get(step.state, "[    ]"), "unknown" if silent else roles.get(step.state, "plain")),
                (f" {fit(step.name, 14)} ", "strong" if step.state == "now" else "plain"),
                (plain(step.text), "plain"),
            )
        )
    lines.append(rule(f"Probes every {drill.every / 1e6:.0f} ms here", columns, "ok .   lost x   wrong MAC m"))
    room = max(10, columns - 28)
    for probe in drill.probes:
        cells = probe.cells[-room:]
        role = "bad" if "x" in cells else "warn" if "m" in cells else "good"
        lines.append(((f" {fit(plain(probe.name), 25)} ", "plain"), (cells, role)))
    expected = f"expected outage at most {figure(drill.expected)}"
    lines.append(rule("Clock", columns, f"{expected}   tab details   l ladder"))
    last = [_outage(drill, wall, columns, silent=silent)] if drill.acted else []
    left = rows - len(lines) - len(last)
    closing = " Nothing else changes until step 5. Closing this window does not stop the drill."
    after: list[Line] = [(), ((closing, "dim"),)] if left >= NEWEST + 2 else []
    shown = max(0, min(len(drill.ladder), left - len(after), max(NEWEST, rows // 4)))
    lines += [((f" {plain(text)}", "plain"),) for text in drill.ladder[len(drill.ladder) - shown :]]
    return [*lines, *last, *after]


def ladder_lines(drill: DrillProgress) -> list[Line]:
    """All that passed on the link so far."""
    lines: list[Line] = [((f" {plain(text)}", "plain"),) for text in drill.ladder]
    return lines or [((" nothing has passed on the link yet", "dim"),)]


def details_lines(drill: DrillProgress, plan: DrillPlan | None, wall: int, columns: int) -> list[Line]:
    """All else that is known of a drill under way: who, what for, the limits, each step and probe."""
    facts = [
        ("instance", plain(drill.instance)),
        ("by", plain(drill.by) + (f' "{plain(drill.reason)}"' if drill.reason else "")),
        ("started", f"{ago(drill.started, wall)}"),
        ("expected", f"an outage of at most {figure(drill.expected)}"),
        ("budget", figure(drill.budget)),
        ("limit", f"{figure(drill.limit)} for what a step waits for; then it is aborted, and all is restored at once"),
    ]
    facts += [("interface", "is really taken down")] if drill.real_link else []
    lines: list[Line] = [((f" {plain(drill.title)}", "plain"),), ()]
    lines += _facts(facts, columns)
    lines += [(), ((f"   {'STEP':<14} {'SINCE':<12} STATE", "dim"),)]
    for step in drill.steps:
        since = ago(step.at, wall) if step.at else "-"
        room = max(20, columns - 37)
        for at, part in enumerate(wrap(plain(step.text), room) or [""]):
            head = f"   {fit(step.name, 14)} {since:<12} {step.state:<5}" if not at else " " * 36
            lines.append(((head + " ", "plain" if step.state != "failed" else "bad"), (part, "plain")))
    lines += [(), ((f"   {'PROBE':<26} {'SENT':>6} {'LOST':>6}", "dim"),)]
    lines += [((f"   {fit(plain(one.name), 26)} {one.sent:>6} {one.lost:>6}", "plain"),) for one in drill.probes]
    if plan is not None:
        lines += [(), ((f" Plan {plain(plan.name)}", "strong"),), *_of_plan(plan, columns)]
    return lines


def _facts(facts: Sequence[tuple[str, str]], columns: int) -> list[Line]:
    lines: list[Line] = []
    for name, words in facts:
        for at, part in enumerate(wrap(words, max(20, columns - 12)) or [""]):
            lines.append(((f" {name if not at else '':<10}", "dim"), (part, "plain")))
    return lines


def _outage(drill: DrillProgress, wall: int, columns: int, *, silent: bool) -> Line:
    """The time since the act, and the outage that the probes have measured since then, against its budget."""
    if silent:
        was = f"was {figure(drill.outage)}" if drill.outage >= 0 else "is not measured"
        return ((f" the outage {was} when the engine was heard last, of {figure(drill.budget)} budget", "unknown"),)
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


def last_of(reports: Sequence[DrillReport], instance: str) -> DrillReport | None:
    """The newest report of an instance, which is the first; that of a simulation where there is no other."""
    own = [one for one in reports if one.instance == instance]
    return next((one for one in own if not one.simulation), own[0] if own else None)


def about_row(
    kind: str,
    name: str,
    plans: Sequence[DrillPlan],
    reports: Sequence[DrillReport],
    nodes: Collection[str],
    columns: int,
) -> tuple[str, list[Line]]:
    """A head and what there is to say of a row of the list, by its key: a report, or the words of a plan."""
    if kind == "plan":
        plan = next((one for one in plans if one.name == name), None)
        return f"Plan {plain(name)}", [] if plan is None else _of_plan(plan, columns)
    report = last_of(reports, name) if kind == "instance" else None
    if kind == "report":
        keyed = ((f"{whole(parted(one.instance, nodes)[0])}{one.number}", one) for one in reports)
        report = next((one for key, one in keyed if key == name), None)
    if report is not None:
        return title_of(report), [((f" {line}", "plain"),) for line in folded(text(report)[2:], columns - 2)]
    if kind == "instance":
        words = "never drilled: whether it fails over in time is not known. D chooses a drill."
        return plain(name), [((f" {line}", "warn"),) for line in wrap(words, columns - 2)]
    return "", []


EXPECTED = {
    "moves": "another router serves meanwhile",
    "stays": "nothing moves",
    "splits": "two masters, then one again",
}


def _of_plan(plan: DrillPlan, columns: int) -> list[Line]:
    """What a plan does and how it is measured."""
    rows = [
        ("act", f"{plain(plan.act)}{f', {plan.repeat} times' if plan.repeat > 1 else ''}"),
        ("needs", f"this node {'in any state' if plan.needs == 'any' else f'as {plain(plan.needs)}'}"),
        ("expected", EXPECTED.get(plan.expect, plain(plan.expect))),
        ("baseline", f"{plan.baseline_s:g} s, good probes before and after: {plan.settle_s:g} s"),
        ("probes", f"each {plan.every_ms:g} ms from this node"),
        ("budget", f"{plan.budget_s:g} s" if plan.budget_s else "as the timers make one expect, and 0.5 s"),
        (
            "limit",
            f"{plan.limit_s:g} s, then all is restored" if plan.limit_s else "from the timers, then all is restored",
        ),
        ("from", plain(plan.source)),
    ]
    lines: list[Line] = [((f" {line}", "plain"),) for line in wrap(plain(plan.title), columns - 2)]
    return [*lines, (), *_facts(rows, columns)]
