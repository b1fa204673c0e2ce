"""`Simulate` in the failover dialog: the engine plays the move on its model, and the report is shown.

Invariant: what is asked of the engine from here is always a simulation, so nothing is sent and nothing moves; the
page that shows it is titled so.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from engine.errors import EngineLost, Refused
from engine.messages import DrillReport, RunDrill
from hatui import drilling, reports
from hatui.linked import other_in
from hatui.moves import Move
from hatui.screens.pager import Pager
from hatui.text import Line, plain

if TYPE_CHECKING:
    from hatui.app import HatuiApp

TAKE_OVER = 'title = "this backup takes the addresses"\nact = "take-over"\nneeds = "backup"\n'
"""No built-in plan does it, so it goes along as text."""


def simulation_of(move: Move) -> RunDrill:
    """The same move on the model."""
    if move.method == "take-over":
        return RunDrill("take-over", move.instance, TAKE_OVER, simulate=True)
    return RunDrill("hand-over", move.instance, simulate=True)


async def show_simulation(console: HatuiApp, move: Move) -> None:
    """Ask the engine for it; a report that is none of a simulation is not shown as one."""
    command = simulation_of(move)
    other = other_in(console.store, move.instance, console.link.now())
    if other is not None:
        other = await drilling.with_configuration(partial(console.perform, node=other.node), other)
    command = structs.replace(command, other=other)
    try:
        reply = await console.perform(command, "simulated before a failover")
    except (EngineLost, Refused) as error:
        console.say(str(error), "warning")
        return
    report = reply.drill
    if report is None or not report.simulation:
        console.say(f"no simulation: {plain(reply.text)} [{reply.code}]", "warning")
        return
    same_as = "" if command.text else console.command_line(command)
    console.push_screen(
        Pager(lambda _store, _now, columns: (reports.title_of(report), _lines(report, columns)), command=same_as)
    )


def _lines(report: DrillReport, columns: int) -> list[Line]:
    return [((f" {line}", "plain"),) for line in reports.folded(reports.text(report), columns - 2)]
