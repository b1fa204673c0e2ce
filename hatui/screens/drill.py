"""`D`: a drill asked for with its preflight, its limits, and probes of other hosts.

Invariant: the drill is the engine's. Closing this ends the window alone; the probes of other hosts, and the word to the
other nodes that hold still meanwhile, are the console's and stay until the drill is over.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar

from msgspec import structs
from textual.widgets import Input

from engine.errors import EngineLost, Refused
from engine.messages import Check, Command, Reply, ReserveDrill, RunDrill
from hatui import drilling, reports
from hatui.late import later
from hatui.linked import checks_of, other_in
from hatui.nodes import parted
from hatui.remote import LOCAL, target
from hatui.screens.acting import Acting
from hatui.screens.ask import COLUMNS
from hatui.screens.forecast import check_lines, override_row
from hatui.text import NS, Line, plain

OF_THE_LINK = ("link-down", "flap")
"""Plans that can take the interface really down; for a file it is said among the options."""


class DrillDialog(Acting):
    """`D`: which plan, on which instance; preflight first."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("plan", "Plan", "hand-over, silent-master, link-down, ..."),
        ("instance", "Instance", "whose addresses move"),
        ("simulate", "Simulate", "yes: on the model only, nothing is sent"),
        ("real", "Real link", "yes: the interface is taken down, not its carrier simulated"),
        ("options", "Options", "--budget 4.5s --limit 10s --from 'ssh ops@c9' --tcp 443"),
        ("reason", "Reason", "for the report, such as: Q4 test"),
        ("override", "Override", "why it is run although a check failed"),
    )
    CONFIRM: ClassVar[str] = "Run the drill"

    def __init__(self, instance: str, plan: str) -> None:
        super().__init__()
        self._given = {"instance": instance, "plan": plan or "hand-over"}
        self._checks: tuple[Check, ...] = ()
        self._lasts = 0

    def on_mount(self) -> None:
        """Probes of the linked nodes are offered."""
        self._given["options"] = self._probes()
        self.query_one("#options", Input).value = self._given["options"]
        self._show_rows()

    def _probes(self) -> str:
        """--from for each node that is linked, without the one whose addresses move."""
        store, link = self.console.store, self.console.link
        own, _ = parted(self._given["instance"], store.nodes)
        words = []
        for node in store.nodes:
            given = link.arguments(f"{node}:")
            if node == own or "--host" not in given:
                continue
            there = target(given[given.index("--host") + 1])
            words += ["--from", "env" if there.node == LOCAL else shlex.join(there.command(os.environ)[:-1])]
        return shlex.join(words)

    def _show_rows(self) -> None:
        """Fields that have a meaning now."""
        failed = any(one.result == "fail" for one in self._checks)
        for name, wanted in (("override", failed), ("real", self.value("plan") in OF_THE_LINK)):
            row = self.query_one(f"#{name}", Input).parent
            if row is not None:
                row.display = wanted and self._phase == "asking"

    def on_input_changed(self) -> None:
        """A plan of the link can be played with the real one."""
        self._show_rows()
        super().on_input_changed()

    def given(self, name: str) -> str:
        """What is selected."""
        return self._given.get(name, "")

    def about(self) -> str:
        """The instance."""
        return self.value("instance")

    def headline(self) -> str:
        """What, and where."""
        word = "SIMULATION: " if self.value("simulate") in ("yes", "y") else ""
        if not word and self.value("real") in ("yes", "y") and self.value("plan") in OF_THE_LINK:
            word = "REAL LINK: "
        return f"{word}Drill {plain(self.value('plan'))} of {plain(self.value('instance'))}"

    def command(self, *, trial: bool) -> RunDrill:
        """Run it."""
        simulate = self.value("simulate")
        if simulate not in ("", "no", "n", "yes", "y"):
            raise ValueError("simulate: yes or no")
        model = simulate in ("yes", "y") and not trial
        real = self.value("real") if self.value("plan") in OF_THE_LINK else ""
        if real not in ("", "no", "n", "yes", "y"):
            raise ValueError("real link: yes or no")
        name = self.value("instance")
        command = RunDrill(
            self.value("plan"),
            name,
            simulate=model,
            dry_run=trial,
            override=self.value("override") if any(one.result == "fail" for one in self._checks) else "",
            checks=checks_of(self.console.store, name, self.console.link.now()),
            other=other_in(self.console.store, name, self.console.link.now()) if model else None,
        )
        command = drilling.with_limits(command, drilling.options(self.value("options")))
        return structs.replace(command, real_link=command.real_link or real in ("yes", "y"))

    def twin_words(self) -> str:
        """With the probes."""
        more = drilling.wished(drilling.options(self.value("options"))).options
        return " ".join([super().twin_words(), *([shlex.join(more)] if more else [])])

    def wrong(self) -> str:
        """The instance must be there."""
        name = self.value("instance")
        if name not in self.console.store.instances:
            return f"there is no instance {plain(name)} [E-UNKNOWN-INSTANCE]"
        if self.value("simulate") in ("yes", "y"):
            return ""
        return override_row(self._checks, self.value("override"))

    def explained(self, reply: Reply) -> list[Line]:
        """The preflight."""
        report = reply.drill
        if report is None:
            return super().explained(reply)
        self._checks, self._lasts = report.checks, report.lasts
        self._show_rows()
        lines = check_lines(report.checks)
        expected = f"outage at most {reports.figure(report.expected)}" if report.expected else "no outage"
        figures = f"{expected}, budget {reports.figure(report.budget)}"
        return [((f" {plain(report.title)}", "strong"),), *lines, ((f" expected  {figures}", "plain"),)]

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The console's, not this window's."""
        self.console.run_worker(later(work))

    async def perform(self, command: Command, reason: str) -> None:
        """With the other nodes told and the probes running, as long as it lasts."""
        assert isinstance(command, RunDrill)
        if command.simulate:
            if command.other is not None:
                ask = partial(self.console.perform, node=command.other.node)
                command = structs.replace(command, other=await drilling.with_configuration(ask, command.other))
            await super().perform(command, reason)
            return
        console, store = self.console, self.console.store
        node, bare = parted(command.instance, store.nodes)
        asks = {one: partial(console.perform, node=one) for one in store.nodes if one != node}
        wish = ReserveDrill(node, command.plan, bare, max(0, self._lasts) / NS)
        probes = drilling.wished(drilling.options(self.value("options")))
        status = store.instances.get(command.instance)
        address = status.addresses[0].address if status is not None and status.addresses else ""
        if not address:
            probes = drilling.Probing()
        try:
            async with (
                drilling.held(asks, wish),
                drilling.probing(partial(console.perform, node=node), address, probes, self._progress),
            ):
                await super().perform(command, reason)
        except (EngineLost, Refused) as error:
            self._result = [((f" nothing was done: {plain(str(error))}", "bad"),)]
            self._phase = "done"
            self.paint()

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
        if not report.simulation:
            lines += [(), ((" The whole report: 4, then enter on it.", "dim"),)]
        return lines
