"""`w`: why an instance changed its state, one page a change, `[` and `]` to the changes before and after.

Invariant: a page is a change that the engine told; which one it is does not move when further ones happen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import EventLine
from hatui.pages import transitions, why_page
from hatui.screens.pager import Page, Pager
from hatui.store import Store
from hatui.text import Line

if TYPE_CHECKING:
    from hatui.app import HatuiApp


def open_why(app: HatuiApp, name: str, seq: int = 0) -> None:
    """Explain the change with this number, or the last one of the instance."""
    at = _place(transitions(app.store, name), seq)
    chosen = [at[1]]

    def page(store: Store, now: int, columns: int) -> tuple[str, list[Line]]:  # noqa: ARG001
        changes = transitions(store, name)
        index, _ = _place(changes, chosen[0])
        title, lines = why_page(store, name, max(0, len(changes) - 1 - index), columns, app.time_mode)
        return title, list(lines)

    def turn(step: int) -> Page:
        changes = transitions(app.store, name)
        index, _ = _place(changes, chosen[0])
        index = max(0, min(len(changes) - 1, index + step))
        chosen[0] = changes[index].seq if changes else 0
        return page

    app.push_screen(Pager(page, turn=turn))


def _place(changes: list[EventLine], seq: int) -> tuple[int, int]:
    """Index and number of the last change at or before a number; 0 is the last of all."""
    for index in range(len(changes) - 1, -1, -1):
        if not seq or changes[index].seq <= seq:
            return index, changes[index].seq
    return 0, changes[0].seq if changes else 0
