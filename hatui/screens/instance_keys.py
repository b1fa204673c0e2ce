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
