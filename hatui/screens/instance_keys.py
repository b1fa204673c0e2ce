"""What is done to the instance that a screen is about: failover, maintenance, drill, release.

Invariant: each of these opens a dialog, which asks; here nothing is done yet.
"""

from __future__ import annotations

from hatui.screens.frame import FrameScreen


class InstanceKeys(FrameScreen):
    """A screen on which one instance is chosen."""

    @property
    def chosen(self) -> str:
        """The name of the instance; empty when none is chosen."""
        return ""

    def action_failover(self) -> None:
        """Move an address on purpose."""
        if self.chosen:
            self.console.open_failover(self.chosen)

    def action_maintenance(self) -> None:
        """Put aside, or take back."""
        from hatui.screens.maintenance import open_maintenance

        open_maintenance(self.console, self.chosen)

    def action_drill(self) -> None:
        """Rehearse."""
        from hatui.screens.drills import open_drill

        open_drill(self.console, self.chosen, "")

    def action_release(self) -> None:
        """End a hold."""
        if self.chosen:
            self.console.open_release(self.chosen)

    def action_whatif(self) -> None:
        """Try trackers the other way round: only here, nothing is sent."""
        from hatui.screens.whatif import WhatIf

        if self.chosen:
            self.app.push_screen(WhatIf(self.chosen))


class InstanceList(InstanceKeys):
    """Several instances; beside the chosen one another may be marked, to compare the two."""

    def __init__(self) -> None:
        super().__init__()
        self.marked = ""

    def action_compare(self) -> None:
        """Mark one; on another one, both beside each other."""
        chosen, first = self.chosen, self.marked
        if not chosen:
            self.console.say("no instance is selected [E-NOTHING]", "warning")
        elif first not in ("", chosen) and first in self.console.store.instances:
            from hatui.beside import page_of
            from hatui.screens.pager import Pager

            command = self.console.twin("status", "--compare", first, chosen)
            self.app.push_screen(Pager(page_of(first, chosen), command=command))
        else:
            self.marked = "" if first == chosen else chosen
            words = "is marked: = on another instance compares the two" if self.marked else "is not marked any more"
            self.console.say(f"{chosen} {words}")
            self.paint()
