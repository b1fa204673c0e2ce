"""The report of a drill as a page, with the way to its packets.

Invariant: the packets come from the engine that ran the drill, so they open here also when it is another host.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from engine.errors import EngineLost, HatuiError, Refused
from engine.messages import DrillReport
from hatui import drilling, reports
from hatui.capture import RING
from hatui.late import later
from hatui.screens.pager import Pager
from hatui.text import Line
from hatui.widgets.rows import bindings


class ReportPage(Pager):
    """One report."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("report")

    def __init__(self, report: DrillReport, node: str, command: str) -> None:
        super().__init__(
            lambda _store, _now, columns: (reports.title_of(report), self._lines(columns)), command=command
        )
        self._report = report
        self._node = node

    def _lines(self, columns: int) -> list[Line]:
        lines: list[Line] = [
            ((f" {line}", "plain"),) for line in reports.folded(reports.text(self._report), columns - 2)
        ]
        if self._report.packets:
            head = next((at for at, line in enumerate(lines) if not line[0][0].strip()), 1)  # it may be folded
            lines.insert(head, ((" o  opens its packets on the Packets screen", "dim"),))
        return lines

    def action_packets(self) -> None:
        """What was on the wire during this drill."""
        if self._report.packets:
            self.run_worker(later(self._open), exclusive=True, group="packets")
        else:
            self.console.say(f"packets {reports.packets_of(self._report)} [E-NO-PACKETS]", "warning")

    async def _open(self) -> None:
        from hatui.offline import opened
        from hatui.screens.packets import Packets

        console, report = self.console, self._report
        try:
            octets = await drilling.packets(partial(console.perform, node=self._node), report.number)
            file = await asyncio.to_thread(opened, report.packets, RING, octets)
        except (EngineLost, Refused, HatuiError) as error:
            console.say(str(error), "warning")
            return
        self.dismiss()
        console.action_show_mode("packets")
        if isinstance(console.frame, Packets):
            console.frame.show_file(file)
