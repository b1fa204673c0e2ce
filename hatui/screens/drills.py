"""Drills: the one under way as it goes; else plans, reports, and who was never drilled.

Invariant: a drill belongs to the engine; this screen only shows it, and `a` tells the engine to restore at once.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from engine.errors import EngineLost, Refused
from engine.messages import (
    AbortDrill,
    DrillFinished,
    DrillPlan,
    DrillProgress,
    DrillReport,
    EventLine,
    GetDrills,
    Reply,
    RunDrill,
)
from hatui import reports
from hatui.nodes import named, parted, whole
from hatui.screens.acting import Acting
from hatui.screens.ask import COLUMNS, ask_command
from hatui.screens.frame import FrameScreen
from hatui.screens.report import ReportPage
from hatui.store import Store
from hatui.text import Line, plain, rule
from hatui.widgets.drills import idle_rows, running_lines
from hatui.widgets.rows import Lines, Rows, bindings

if TYPE_CHECKING:
    from hatui.app import HatuiApp


class Drills(FrameScreen):
    """Running view over the list."""

    PLACE = "drills"
    FIRST = "#drill-list"
    BINDINGS: ClassVar[list[BindingType]] = bindings("drills")

    def __init__(self) -> None:
        super().__init__()
        self._plans: tuple[DrillPlan, ...] = ()
        self._reports: tuple[DrillReport, ...] = ()
        self._asked = -1
        self._problem = ""

    @property
    def idle_keys(self) -> tuple[str, ...]:
        """One drill at a time."""
        return ("drills.drill",) if running_on(self.console.store) else ("drills.abort",)

    def compose_body(self) -> ComposeResult:
        """The drill under way, and the list."""
        yield Lines(id="drill-running")
        yield Rows(id="drill-list")

    def on_screen_resume(self) -> None:
        """Ask for what there is."""
        super().on_screen_resume()
        self._asked = -1

    def twin(self) -> tuple[str, ...]:
        """The words behind `hatui` that print the same."""
        return ("drill", "list")

    def _ended(self, store: Store) -> int:
        """The number of the last event that ended a drill."""
        for row in reversed(store.events):
            if isinstance(row, EventLine) and isinstance(row.event, DrillFinished):
                return row.seq
        return 0

    async def _ask(self) -> None:
        """Each node has its own reports; the plans that one names are the choice."""
        plans: dict[str, DrillPlan] = {}
        reports_: list[DrillReport] = []
        problems = []
        for node in tuple(self.console.store.nodes) or ("",):
            try:
                reply = await self.console.perform(GetDrills(), node=node)
            except (EngineLost, Refused) as error:
                problems.append(str(error))
                continue
            plans = {plan.name: plan for plan in reply.plans} | plans
            reports_ += reply.drills
        self._plans = tuple(plans.values())
        if self.console.store.nodes:
            reports_.sort(key=lambda one: -one.started)
        self._reports = tuple(reports_)
        self._problem = "; ".join(problems)
        self.paint()

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        ended = self._ended(store)
        if ended != self._asked:
            self._asked = ended
            self.run_worker(self._ask(), exclusive=True, group="drills")
        running = self.query_one("#drill-running", Lines)
        drills = running_on(store)
        running.display = bool(drills)
        if drills:
            lines = [line for _, drill in drills for line in self._told(drill)]
            running.styles.height = min(len(lines), max(5, self.size.height - 8))
            running.show(lines)
        wall, mode = self.console.link.wall(), self.console.time_mode
        rows, keys = idle_rows(self._plans, self._reports, list(store.instances), tuple(store.nodes), wall, mode)
        if self._problem:
            trouble: Line = ((f"   {plain(self._problem)}", "warn"),)
            if self._plans or self._reports:
                rows, keys = [trouble, *rows], [("problem", ""), *keys]
            else:
                rows, keys = [trouble], [("problem", "")]
        table = self.query_one("#drill-list", Rows)
        table.show_rows(
            rows, keys, rule("Instances: last drill, age, trend of outages", self.size.width, "enter opens")
        )

    def _told(self, drill: DrillProgress) -> list[Line]:
        return running_lines(drill, self.console.link.wall(), self.size.width)

    # what keys do ------------------------------------------------------------------------------

    @property
    def selected(self) -> tuple[str, str]:
        """Kind and name of the row of the cursor."""
        key = self.query_one("#drill-list", Rows).key
        return key if isinstance(key, tuple) else ("", "")

    def on_rows_chosen(self) -> None:
        """A second click is enter."""
        self.action_open()

    def action_open(self) -> None:
        """A report, or the dialog for a plan or an instance."""
        kind, name = self.selected
        if kind == "report":
            node, number = parted(name, self.console.store.nodes)
            self.run_worker(self._show(int(number), node))
        else:
            self.action_drill()

    async def _show(self, number: int, node: str) -> None:
        try:
            reply = await self.console.perform(GetDrills(number), node=node)
        except (EngineLost, Refused) as error:
            self.console.say(str(error), "warning")
            return
        if reply.drill is None:
            self.console.say(f"{reply.text} [{reply.code}]", "warning")
            return
        found = ["hatui", *self.console.link.arguments(whole(node)), "drill", "report", str(number)]
        self.app.push_screen(ReportPage(reply.drill, node, shlex.join(found)))

    def action_drill(self) -> None:
        """Ask about a drill."""
        kind, name = self.selected
        open_drill(self.console, name if kind == "instance" else "", name if kind == "plan" else "")

    def action_abort(self) -> None:
        """Restore at once."""
        drills = running_on(self.console.store)
        if not drills:
            self.console.say("no drill is running [E-NO-DRILL]")
            return
        here = self.console.here
        node, drill = next((one for one in drills if one[0] == here), drills[0])
        if not self.console.refuse(whole(node)):
            words = ["What it changed is restored at once; its report says that it was aborted."]
            title = f"Abort drill #{drill.number}{f' on {node}' * bool(node)}?"
            self.app.push_screen(ask_command(title, AbortDrill(), words, node=node))


class DrillDialog(Acting):
    """`D`: which plan, on which instance; preflight first."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("plan", "Plan", "hand-over, silent-master, link-down, ..."),
        ("instance", "Instance", "whose addresses move"),
        ("simulate", "Simulate", "yes: on the model only, nothing is sent"),
        ("reason", "Reason", "for the report, such as: Q4 test"),
    )
    CONFIRM: ClassVar[str] = "Run the drill"

    def __init__(self, instance: str, plan: str) -> None:
        super().__init__()
        self._given = {"instance": instance, "plan": plan or "hand-over"}

    def given(self, name: str) -> str:
        """What is selected."""
        return self._given.get(name, "")

    def about(self) -> str:
        """The instance."""
        return self.value("instance")

    def headline(self) -> str:
        """What, and where."""
        word = "SIMULATION: " if self.value("simulate") in ("yes", "y") else ""
        return f"{word}Drill {plain(self.value('plan'))} of {plain(self.value('instance'))}"

    def command(self, *, trial: bool) -> RunDrill:
        """Run it."""
        simulate = self.value("simulate")
        if simulate not in ("", "no", "n", "yes", "y"):
            raise ValueError("simulate: yes or no")
        model = simulate in ("yes", "y") and not trial
        return RunDrill(self.value("plan"), self.value("instance"), simulate=model, dry_run=trial)

    def wrong(self) -> str:
        """The instance must be there."""
        name = self.value("instance")
        return (
            "" if name in self.console.store.instances else f"there is no instance {plain(name)} [E-UNKNOWN-INSTANCE]"
        )

    def explained(self, reply: Reply) -> list[Line]:
        """The preflight."""
        report = reply.drill
        if report is None:
            return super().explained(reply)
        roles = {"pass": "good", "warn": "warn", "fail": "bad"}
        lines: list[Line] = [
            (
                (f" {one.result:<8} ", roles.get(one.result, "unknown")),
                (plain(one.text), "plain"),
                (f" {one.code}", "dim"),
            )
            for one in report.checks
        ]
        figures = f"outage at most {reports.figure(report.expected)}, budget {reports.figure(report.budget)}"
        return [((f" {plain(report.title)}", "strong"),), *lines, ((f" expected  {figures}", "plain"),)]

    def waiting(self) -> str:
        """The drill belongs to the engine."""
        return "esc closes this window, the drill goes on: 4 shows it"

    def ended(self, reply: Reply) -> list[Line]:
        """The verdict, and where the rest is."""
        report = reply.drill
        if report is None:
            return super().ended(reply)
        role = "good" if report.outcome == "pass" else "bad"
        lines: list[Line] = [((f" {report.outcome.upper()}", role), (f"  {plain(report.text)}", "plain"))]
        facts = [f"  {name:<11} {value}" for name, value in reports.facts(report) if name != "verdict"]
        lines += [((f" {line}", "plain"),) for line in reports.folded(facts, COLUMNS - 2)]
        return lines


def open_drill(console: HatuiApp, instance: str, plan: str) -> None:
    """Ask about a drill."""
    names = [name for name in console.store.instances if parted(name, console.store.nodes)[0] == console.here]
    about = instance or next(iter(names or console.store.instances), "")
    if not console.refuse(about):
        console.push_screen(DrillDialog(about, plan))


def running_on(store: Store) -> list[tuple[str, DrillProgress]]:
    """The drills under way, each with its node (empty where there is but one engine); names carry the node."""
    found = []
    for node, one in (store.nodes or {"": store}).items():
        if one.engine is not None and one.engine.drill is not None:
            found.append((node, named(one.engine.drill, node) if node else one.engine.drill))
    return found
