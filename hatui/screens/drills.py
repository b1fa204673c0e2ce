"""Drills: the one under way as it goes; else plans, reports, and who was never drilled.

Invariant: a drill belongs to the engine; this screen only shows it, and `a` tells the engine to restore at once.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from engine.errors import EngineLost, Refused
from engine.messages import (
    AbortDrill,
    DrillFinished,
    DrillPlan,
    DrillProgress,
    DrillReport,
    EventLine,
    GetDrills,
)
from hatui.late import later
from hatui.nodes import named, parted, whole
from hatui.screens.ask import ask_command
from hatui.screens.frame import FrameScreen
from hatui.screens.pager import Pager
from hatui.screens.report import ReportPage
from hatui.store import Store
from hatui.text import Line, plain, rule
from hatui.widgets.drills import about_row, details_lines, idle_rows, ladder_lines, last_of, running_lines
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
        self._asked: tuple[int, bool] | None = None
        """The last drill that had ended then, and whether a recording was shown."""
        self._problem = ""

    @property
    def idle_keys(self) -> tuple[str, ...]:
        """One drill at a time."""
        return ("drills.drill",) if running_on(self.console.store) else ("drills.abort", "drills.ladder")

    def compose_body(self) -> ComposeResult:
        """The drill under way, the list, and where there is room what its selected row is about."""
        yield Lines(id="drill-running")
        with Horizontal(id="drill-panes"):
            yield Rows(id="drill-list")
            yield Lines(id="drill-about")

    def on_screen_resume(self) -> None:
        """Ask for what there is."""
        super().on_screen_resume()
        self._asked = None

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
        self._problem = "; ".join(dict.fromkeys(problems))
        self.paint()

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        asked = (self._ended(store), self.console.link.recorded)
        if asked != self._asked:
            self._asked = asked
            self.run_worker(later(self._ask), exclusive=True, group="drills")
        running = self.query_one("#drill-running", Lines)
        drills = running_on(store)
        running.display = bool(drills)
        if drills:
            room = max(5, self.size.height - 8)
            lines = [line for node, drill in drills for line in self._told(node, drill, room // len(drills))]
            running.styles.height = min(len(lines), room)
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
        title = rule("Instances: last drill, age, trend of outages", table.size.width, "enter opens")
        table.show_rows(rows, keys, title)
        about = self.query_one("#drill-about", Lines)
        if about.display:
            head, lines = about_row(*self.selected, self._plans, self._reports, store.nodes, about.size.width)
            about.show(lines, rule(head, about.size.width))

    def _told(self, node: str, drill: DrillProgress, rows: int) -> list[Line]:
        link = self.console.link
        silent = self.console.store.silent(link.now(), whole(node))
        return running_lines(drill, link.wall(), self.size.width, rows, silent=silent)

    # what keys do ------------------------------------------------------------------------------

    @property
    def selected(self) -> tuple[str, str]:
        """Kind and name of the row of the cursor."""
        key = self.query_one("#drill-list", Rows).key
        return key if isinstance(key, tuple) else ("", "")

    @property
    def chosen(self) -> str:
        """The instance of the cursor; empty on other rows."""
        kind, name = self.selected
        return name if kind == "instance" else ""

    def on_rows_chosen(self) -> None:
        """A second click is enter."""
        self.action_open()

    def on_rows_moved(self) -> None:
        """Tell of the row where the cursor is now."""
        self.paint()

    def action_open(self) -> None:
        """A report: that of the row, or the last one of an instance; else the dialog for the plan or the instance."""
        kind, name = self.selected
        nodes = self.console.store.nodes
        last = last_of(self._reports, name)
        if kind == "report":
            node, number = parted(name, nodes)
            self.run_worker(later(self._show, int(number), node))
        elif kind == "instance" and last is not None:
            self.run_worker(later(self._show, last.number, parted(name, nodes)[0]))
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

    def _under_way(self) -> tuple[str, DrillProgress] | None:
        """The drill that keys are about, with its node; says so when there is none."""
        drills = running_on(self.console.store)
        if not drills:
            self.console.say("no drill is running [E-NO-DRILL]")
            return None
        here = self.console.here
        return next((one for one in drills if one[0] == here), drills[0])

    def action_abort(self) -> None:
        """Restore at once."""
        found = self._under_way()
        if found is not None and not self.console.refuse(whole(found[0])):
            node, drill = found
            words = ["What it changed is restored at once; its report says that it was aborted."]
            title = f"Abort drill #{drill.number}{f' on {node}' * bool(node)}?"
            self.app.push_screen(ask_command(title, AbortDrill(), words, node=node))

    def action_ladder(self) -> None:
        """All that passed on the link in the drill under way."""
        self._page_of("Ladder", lambda drill, _: ladder_lines(drill), follow=True)

    def focus_next(self, selector: str | type[Widget] = "*") -> Widget | None:
        """The details of the drill under way are its other pane."""
        if not running_on(self.console.store):
            return super().focus_next(selector)
        plans = {plan.name: plan for plan in self._plans}
        wall = self.console.link.wall
        self._page_of("Details", lambda drill, columns: details_lines(drill, plans.get(drill.plan), wall(), columns))
        return self.focused

    def focus_previous(self, selector: str | type[Widget] = "*") -> Widget | None:
        """The same: there are two."""
        return self.focus_next(selector) if running_on(self.console.store) else super().focus_previous(selector)

    def _page_of(self, title: str, make: Callable[[DrillProgress, int], list[Line]], *, follow: bool = False) -> None:
        """A page about the drill under way, as it goes; of one that has ended the last that was told."""
        found = self._under_way()
        if found is None:
            return
        node, last = found

        def page(store: Store, now: int, columns: int) -> tuple[str, list[Line]]:
            nonlocal last
            told = next((one for name, one in running_on(store) if (name, one.number) == (node, last.number)), None)
            last = told or last
            said: list[Line] = []
            if store.silent(now, whole(node)):
                said = [((" UNKNOWN: the engine is silent; this was told last", "unknown"),), ()]
            elif told is None:
                said = [((" it has ended: enter on its report tells how", "warn"),), ()]
            return f"{title} of drill #{last.number} {last.plan} {plain(last.instance)}", [*said, *make(last, columns)]

        self.app.push_screen(Pager(page, follow=follow))


def open_drill(console: HatuiApp, instance: str, plan: str) -> None:
    """Ask about a drill."""
    names = [name for name in console.store.instances if parted(name, console.store.nodes)[0] == console.here]
    about = instance or next(iter(names or console.store.instances), "")
    if not console.refuse(about):
        from hatui.screens.drill import DrillDialog

        console.push_screen(DrillDialog(about, plan))


def drill_by_words(console: HatuiApp, words: Sequence[str]) -> str:
    """`:drill PLAN VI`: the dialog for both, in any order; without VI for the selected instance, or the only one.

    Returns what is wrong with the words, or nothing.
    """
    known = console.store.instances
    named_ = [word for word in words if word in known]
    plans_ = [word for word in words if word not in known]
    only = next(iter(known)) if len(known) == 1 else ""
    about = named_[0] if named_ else getattr(console.frame, "chosen", "") or only
    if about and len(named_) <= 1 and len(plans_) <= 1:
        open_drill(console, about, plans_[0] if plans_ else "")
        return ""
    plan = plain(plans_[0]) if plans_ else "hand-over"
    return f"write :drill {plan} VI, with VI one of {' '.join(map(plain, known)) or 'none: there is none'} [E-COMMAND]"


def running_on(store: Store) -> list[tuple[str, DrillProgress]]:
    """The drills under way, each with its node (empty where there is but one engine); names carry the node."""
    found = []
    for node, one in (store.nodes or {"": store}).items():
        if one.engine is not None and one.engine.drill is not None:
            found.append((node, named(one.engine.drill, node) if node else one.engine.drill))
    return found
