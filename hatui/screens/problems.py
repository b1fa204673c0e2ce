"""`!`: all problems, the worst first, each with its code; `!` again: faults only.

Invariant: made anew from the store with every paint, so what is over is gone from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from hatui.pages import problems_page
from hatui.screens.pager import Pager
from hatui.store import Store
from hatui.text import Line
from hatui.widgets.rows import bindings


class Problems(Pager):
    """The page of problems."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("problems")

    def __init__(self, command: str = "") -> None:
        super().__init__(self._made, command=command)
        self._faults = False

    def _made(self, store: Store, now: int, columns: int) -> tuple[str, Sequence[Line]]:
        title, lines = problems_page(store, now, columns, faults=self._faults)
        return title, lines

    def action_faults(self) -> None:
        """Faults only, or all again."""
        self._faults = not self._faults
        self.paint()
