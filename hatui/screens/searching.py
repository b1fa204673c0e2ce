"""Screens that filter what a whole ring holds.

Invariant: the ring is looked through in slices with pauses between them, so that keys are heard meanwhile.
"""

from __future__ import annotations

from hatui.screens.frame import FrameScreen

PAUSE_S = 0.01
"""Seconds between two slices."""
SHOWN = 4
"""What was found is painted after so many slices."""


class Searching(FrameScreen):
    """Goes on as long as something was not looked at."""

    _slices = 0
    _waits = False

    def search(self) -> int:
        """Look at the next slice. How many rows were not looked at."""
        raise NotImplementedError

    def search_on(self, unsearched: int) -> None:
        """Look at the next slice soon, when anything is left."""
        if unsearched and not self._waits:
            self._waits = True
            self.set_timer(PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        self._waits = False
        self._slices += 1
        left = self.search()
        if left and self._slices % SHOWN:
            self.search_on(left)
        else:
            self.paint()
