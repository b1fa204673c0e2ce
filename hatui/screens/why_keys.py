"""What may be done with an explanation: go to what a line tells of, and pack it all for somebody else.

Invariant: a line leads to what this console holds of that very moment, or it is said that it holds nothing of it.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from engine.messages import EventLine
from hatui.explanation import Explanation
from hatui.screens.pager import Pager, PageRows
from hatui.widgets.rows import bindings


class WhyKeys(Pager):
    """A page about one change."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("why")
    shown: tuple[EventLine, Explanation] | None = None
    """The change that the page is about, and what is said of it."""

    def action_open(self) -> None:
        """The packets or the event of the line; of the change where the line has no time."""
        from hatui.screens.moments import moment_at, way_to

        if self.shown is None:
            return
        change, found = self.shown
        rows = self.query_one(PageRows)
        texts = ["".join(text for text, _ in rows.body_at(at)) for at in range(rows.count)]
        way = way_to(self.console, change, moment_at(texts, rows.cursor, found.timeline))
        if way is not None:
            self.dismiss()
            self.console.call_later(way)

    def on_rows_chosen(self) -> None:
        """A second click is enter."""
        self.action_open()

    def action_bundle(self) -> None:
        """Ask for a file for everything about the last hour."""
        from hatui.screens.bundle import SaveBundle

        console, hello = self.console, self.console.store.hello
        if console.store.nodes:
            console.say("a bundle is of one engine: `hatui --host NODE bundle` [E-ONE-ENGINE]", "warning")
        elif hello is None or console.link.recorded:
            console.say("a bundle is asked of an engine, and none is here [E-NO-ENGINE]", "warning")
        else:
            same_as = console.twin("bundle", "--last", "1h", "--output", "FILE")
            console.push_screen(SaveBundle(hello, console.link.wall(), same_as))
