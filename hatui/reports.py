"""The report of a drill as text, Markdown, JSON and JUnit; two reports compared; the trend of an instance.

Invariant: pure; every form says the same figures, a simulation says so in its first line, and what was not
measured is "not known", never 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import msgspec

from engine.messages import DrillReport
from hatui.journal import date
from hatui.text import NS, clock, plain, wrap

FORMATS = ("text", "md", "json", "junit")
SPARKS = "_.-=#"


def figure(ns: int) -> str:
    """Seconds with three digits, or "not known"."""
    return f"{ns / NS:.3f} s" if ns >= 0 else "not known"


def title_of(report: DrillReport) -> str:
    """One line that names it."""
    number = "SIMULATION" if report.simulation else f"Drill #{report.number}"
    return plain(f"{number} {report.plan} {report.instance}")


def rendered(report: DrillReport, form: str) -> str:
    """The report in one of FORMATS."""
    match form:
        case "json":
            return msgspec.json.format(msgspec.json.encode({"v": 1, **msgspec.to_builtins(report)}), indent=2).decode()
        case "junit":
            return junit(report)
        case "md":
            return markdown(report)
    return "\n".join(text(report))


def facts(report: DrillReport) -> list[tuple[str, str]]:
    """What stands above all."""
    found = [
        ("verdict", f"{report.outcome.upper()}  {plain(report.text)}"),
        (
            "started",
            f"{date(report.started)} {clock(report.started)}{f' by {plain(report.by)}' * bool(report.by)}"
            + (f' "{plain(report.reason)}"' if report.reason else ""),
        ),
        (
            "outage",
            f"{figure(report.measured)}, expected at most {figure(report.expected)}, budget {figure(report.budget)}",
        ),
        ("takeover", f"{figure(report.takeover)}, expected {figure(report.takeover_expected)}"),
        ("two owners", figure(report.doubled)),
        ("restored", "yes" if report.restored else "NO: look at the instance"),
        ("node", f"{plain(report.host)}, hatui {report.version}, config {report.fingerprint[:12]}"),
        ("other", plain(report.peer) or "never heard"),
    ]
    if report.real_link:
        found.append(("link", "really taken down (--real-link), with all that it lost put back as the last step says"))
    if report.overridden:
        found.append(("overridden", f'{" ".join(report.overridden)}: "{plain(report.override)}"'))
    if not report.simulation:
        found.append(("packets", packets_of(report)))
    if report.simulation:
        found.insert(0, ("SIMULATION", "nothing was sent; figures of the model"))
    return found


def packets_of(report: DrillReport) -> str:
    """Where the packets of a drill are."""
    if not report.packets:
        return f"not kept: {plain(report.packets_problem) or 'none were asked for'}"
    count = f"{report.packets_kept} packets" if report.packets_kept >= 0 else "as far as the engine came"
    more = f", {report.packets_left_out} left out" if report.packets_left_out else ""
    why = f" ({plain(report.packets_problem)})" if report.packets_problem else ""
    return f"{plain(report.packets)} on {plain(report.host)}: {count}{more}{why}"


def own_owner(report: DrillReport) -> list[str]:
    """What "lost" means where a node asks who else has its address: a host never answers itself."""
    own = [one.name for one in report.probes if one.name in (f"{report.host} arp", f"{report.host} nd")]
    return [f"{plain(name)}: a loss there says that nobody else had the address, as it should be" for name in own]


def text(report: DrillReport) -> list[str]:
    """For a terminal."""
    lines = [f"{title_of(report)}: {plain(report.title).removeprefix('SIMULATION: ')}", ""]
    lines += [f"  {name:<11} {value}" for name, value in facts(report)]
    lines += ["", "  STEP         STATE   "]
    lines += [f"  {step.name:<12} {step.state:<7} {plain(step.text)}" for step in report.steps]
    lines += ["", "  PHASE        EXPECTED     MEASURED"]
    lines += [f"  {one.name:<12} {figure(one.expected):<12} {figure(one.measured)}" for one in report.phases]
    wide = max([15, *(len(plain(one.name)) + 1 for one in report.probes)])
    lines += ["", f"  {'PROBE':<{wide}}  SENT  LOST  OUTAGE    +/-      WAY BACK  OWNERS"]
    for one in report.probes:
        owners = " ".join(one.owners) or "-"
        lines.append(
            f"  {plain(one.name):<{wide}}{one.sent:>6}{one.lost:>6}  {figure(one.outage):<9} {figure(one.every):<8} "
            f"{figure(one.back):<9} {owners}"
        )
    lines += [f"  {words}" for words in own_owner(report)]
    for name, rows in (
        ("CHECKS", [f"{one.result:<8}{plain(one.text)} [{one.code}]" for one in report.checks]),
        ("NOTIFY", list(map(plain, report.notifies))),
        ("LADDER", list(map(plain, report.ladder))),
    ):
        if rows:
            lines += ["", f"  {name}", *(f"  {row}" for row in rows)]
    return lines


COLUMN = 26
"""What is wrapped goes on below its own column, where that begins before this one."""


def folded(lines: Sequence[str], columns: int) -> list[str]:
    """The lines of `text`, none longer than `columns`."""
    found: list[str] = []
    for line in lines:
        if len(line) <= columns:
            found.append(line)
            continue
        begins = [match.end() for match in re.finditer(r"(?:^| ) +", line[:COLUMN])]
        at = begins[-1] if begins else 0
        first, *more = wrap(line[at:], max(20, columns - at))
        found += [line[:at] + first, *(" " * at + part for part in more)]
    return found


def markdown(report: DrillReport) -> str:
    """For a ticket or a wiki."""

    def cell(value: str) -> str:
        return value.replace("|", "\\|")

    lines = [f"# {title_of(report)}", "", plain(report.title), "", "| | |", "|---|---|"]
    lines += [f"| {name} | {cell(value)} |" for name, value in facts(report)]
    lines += ["", "## Steps", "", "| step | state | |", "|---|---|---|"]
    lines += [f"| {step.name} | {step.state} | {cell(plain(step.text))} |" for step in report.steps]
    lines += ["", "## Outage by phase", "", "| phase | expected | measured |", "|---|---|---|"]
    lines += [f"| {one.name} | {figure(one.expected)} | {figure(one.measured)} |" for one in report.phases]
    lines += [
        "",
        "## Probes",
        "",
        "| probe | sent | lost | outage | +/- | way back | owners |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {cell(plain(one.name))} | {one.sent} | {one.lost} | {figure(one.outage)} | {figure(one.every)} | "
        f"{figure(one.back)} | {' '.join(one.owners) or '-'} |"
        for one in report.probes
    ]
    lines += ["", *own_owner(report)]
    lines += ["", "## Preflight", "", *(f"- {one.result}: {plain(one.text)} `{one.code}`" for one in report.checks)]
    if report.ladder:
        lines += ["", "## Ladder", "", "```", *map(plain, report.ladder), "```"]
    return "\n".join(lines) + "\n"


def junit(report: DrillReport) -> str:
    """For a build server: one test case a drill."""
    took = (report.ended - report.started) / NS
    kind = {"over-budget": "failure", "failed": "failure", "aborted": "error", "crashed": "error"}.get(
        report.outcome, ""
    )
    inner = f"<{kind} message={quoteattr(plain(report.text))}/>" if kind else ""
    body = escape("\n".join(text(report)))
    failures, errors = int(kind == "failure"), int(kind == "error")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name="hatui drill" tests="1" failures="{failures}" errors="{errors}" time="{took:.3f}">'
        f"<testcase classname={quoteattr(plain(report.instance))} name={quoteattr(title_of(report))} "
        f'time="{took:.3f}">{inner}<system-out>{body}</system-out></testcase></testsuite>\n'
    )


def compared(old: DrillReport, new: DrillReport) -> list[str]:
    """Two reports beside each other."""
    rows = [("", title_of(old), title_of(new), "")]

    def row(name: str, a: int, b: int) -> None:
        change = f"{(b - a) / NS:+.3f} s" if a >= 0 and b >= 0 else ""
        rows.append((name, figure(a), figure(b), change))

    rows.append(("verdict", old.outcome, new.outcome, "" if old.outcome == new.outcome else "differs"))
    row("outage", old.measured, new.measured)
    row("expected", old.expected, new.expected)
    row("budget", old.budget, new.budget)
    row("takeover", old.takeover, new.takeover)
    row("two owners", old.doubled, new.doubled)
    phases = {one.name: one.measured for one in new.phases}
    for one in old.phases:
        row(one.name, one.measured, phases.get(one.name, -1))
    for name, a, b in (("version", old.version, new.version), ("config", old.fingerprint[:12], new.fingerprint[:12])):
        rows.append((name, a, b, "" if a == b else "differs"))
    widths = [max(len(line[at]) for line in rows) for at in range(4)]
    return ["  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip() for line in rows]


def trend(reports: Sequence[DrillReport], instance: str, count: int = 12) -> str:
    """The measured outages of an instance, oldest first, one character each against their budget."""
    own = [one for one in reports if one.instance == instance and one.measured >= 0 and not one.simulation][-count:]
    marks = []
    for one in own:
        part = one.measured / max(1, one.budget)
        marks.append("!" if part > 1 else SPARKS[min(len(SPARKS) - 1, int(part * len(SPARKS)))])
    return "".join(marks)


def last_words(reports: Sequence[DrillReport], instance: str) -> str:
    """The last drill of an instance, or that there was none. `reports`: oldest first."""
    own = [one for one in reports if one.instance == instance and not one.simulation]
    if not own:
        return "never drilled"
    last = own[-1]
    return f"#{last.number} {last.plan} {last.outcome} {figure(last.measured)}"
