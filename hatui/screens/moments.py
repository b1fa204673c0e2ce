"""From a line of an explanation to what it tells of: the packets of that moment, or the event itself.

Invariant: what this console does not hold is said, with its code; nothing near it is shown in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.messages import EventLine
from hatui.explanation import Moment
from hatui.store import Row
from hatui.text import NS, clock

if TYPE_CHECKING:
    from hatui.app import HatuiApp

ON_THE_WIRE = {"advert", "missed", "rejected"}
"""Kinds of moments that packets tell of."""
NEAR = NS
"""ns within which a row is that of the moment."""
_OFFSET = re.compile(r"\s*([+-]\d+\.\d{3})\s")


def moment_at(texts: Sequence[str], index: int, timeline: Sequence[Moment]) -> Moment | None:
    """The moment that a line of the page tells of, which may go on over several lines; None for other lines."""
    while index >= 0 and texts[index].startswith(" " * 10):
        index -= 1
    found = _OFFSET.match(texts[index]) if index >= 0 else None
    if found is None:
        return None
    word = found.group(1)
    nth = sum(bool((one := _OFFSET.match(text)) and one.group(1) == word) for text in texts[:index])
    same = [moment for moment in timeline if f"{moment.offset / NS:+.3f}" == word]
    return same[min(nth, len(same) - 1)] if same else None


def way_to(console: HatuiApp, change: EventLine, moment: Moment | None) -> Callable[[], None] | None:
    """What shows the thing that a moment tells of (the change where there is none); None, and said, when it is gone."""
    wall = change.wall_ns + (moment.offset if moment else 0)
    at = clock(wall, console.time_mode, digits=3)
    if moment is not None and moment.kind in ON_THE_WIRE:
        held = console.store.packets
        if held and held[0].wall_ns - NEAR <= wall <= held[-1].wall_ns + NEAR:
            return lambda: to_packets(console, wall)
        console.say(f"no packets of {at} are held here: they are kept while a screen shows them [E-NOT-HERE]")
        return None
    row = nearest([row for row in console.store.events if isinstance(row, EventLine)], change, wall)
    if row is not None:
        return lambda: to_event(console, row)
    console.say(f"the events of {at} are older than those of this console: G in Events fetches more [E-NOT-HERE]")
    return None


def to_packets(console: HatuiApp, wall: int) -> None:
    """The packets of this time."""
    from hatui.screens.packets import Packets

    console.action_show_mode("packets")
    if isinstance(console.frame, Packets):
        console.frame.show_time(wall)


def to_event(console: HatuiApp, row: Row) -> None:
    """This event."""
    from hatui.screens.events import Events

    console.action_show_mode("events")
    if isinstance(console.frame, Events):
        console.frame.show_row(row)


def nearest(rows: Sequence[EventLine], change: EventLine, wall: int) -> Row | None:
    """The change itself at its own time, else the event that is nearest to a time; None when none is near."""
    if wall == change.wall_ns:
        return next((row for row in rows if row.seq == change.seq), None)
    row = min(rows, key=lambda row: abs(row.wall_ns - wall), default=None)
    return row if row is not None and abs(row.wall_ns - wall) <= NEAR else None
