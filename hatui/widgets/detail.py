"""The head of an instance's detail: its state and timer in one line, and the tabs below it.

Invariant: the line reads UNKNOWN while the engine is silent, whatever tab is open.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message

from hatui.text import (
    Line,
    Span,
    clip,
    duration,
    mark,
    master_of,
    plain,
    priorities,
    spread,
    state_word,
    timer,
    timer_bar,
)
from hatui.widgets.instances import InstanceRow
from hatui.widgets.rows import Lines


def detail_head(row: InstanceRow, columns: int) -> Line:
    """` * VI_API  MASTER 98/120  this node  12m40s  adv 0.2s [####..]  DEGRADED`"""
    status = row.status
    spans: list[Span] = [(f" {mark(row.state)} ", row.role), (plain(status.name) + "  ", "strong")]
    if not row.believed:
        was = f"UNKNOWN (was {state_word(status.state)} {duration(row.now - row.heard)} ago)"
        return clip([*spans, (was, "unknown")], columns)
    spans += [(state_word(row.state), row.role), (f" {priorities(status).strip()}  ", "plain")]
    spans += [(f"{plain(master_of(status))}  ", "plain"), (f"for {duration(row.now - status.since)}  ", "plain")]
    bites = status.timer == "master-down" and status.missed > 0
    spans.append((f"{timer(status, row.now)} ", "warn" if bites else "plain"))
    spans.append((timer_bar(status, row.now) if not bites else "", "dim"))
    word, role, _ = row.ready
    return clip([*spans, (f"  {word}", role)], columns)


class TabLine(Lines):
    """The tabs; a click opens one."""

    class Chosen(Message):
        """Somebody clicked on a tab."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._tabs: Sequence[str] = ()

    def tell(self, tabs: Sequence[str], here: str) -> None:
        """Show them."""
        self._tabs = tabs
        names: list[Span] = [(f" [{tab}]" if tab == here else f"  {tab} ", _role(tab, here)) for tab in tabs]
        self.show((spread(names, [("tab ", "key"), ("next tab ", "dim")], self.size.width or 80),))

    def on_click(self, event: Click) -> None:
        """Which one is it?"""
        event.stop()
        at = 0
        for tab in self._tabs:
            if at <= event.x < at + len(tab) + 3:
                self.post_message(self.Chosen(tab))
            at += len(tab) + 3


def _role(tab: str, here: str) -> str:
    return "selected" if tab == here else "plain"
