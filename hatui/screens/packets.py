"""Adverts, gratuitous ARP and NA as they pass, with the engine's verdict on each; or those of a file.

Invariant: pausing stops the display, never the capture; only this screen (and the wide dashboard) asks the
engine for packets at all; what it writes hides secrets unless they are asked for.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.binding import BindingType

from engine.errors import HatuiError
from hatui import compare
from hatui.capture import MARKS, RING
from hatui.filters import REJECTED, unfinished
from hatui.frames import summary
from hatui.late import later
from hatui.offline import Opened, opened
from hatui.palette import Entry
from hatui.screens.packet_panes import PacketPanes
from hatui.screens.pager import Pager
from hatui.screens.save_packets import Choice, SavePackets
from hatui.store import Store
from hatui.text import Line, clock
from hatui.widgets.ladder import LadderList
from hatui.widgets.packets import FieldTree, Octets, PacketFilterLine, PacketList
from hatui.widgets.rows import Following, Lines, Rows, bindings

ONLY_REJECTED = f"verdict=={REJECTED}"
OFFERED = 500
"""Newest rows whose values a filter is completed with."""


class Packets(PacketPanes):
    """What keys do there."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("packets")

    def twin(self) -> tuple[str, ...]:
        """`hatui capture`, or `hatui decode` for a file."""
        wanted = ("-f", self.filter_text) if self.filter_text else ()
        return ("decode", self.offline.path, *wanted) if self.offline else ("capture", *wanted)

    def commands(self) -> list[Entry]:
        """For the palette: what has no key."""
        closing = Entry("close", "Back from the file to the live packets.", self.close_file)
        return [closing] if self.offline else []

    # what the panes tell -------------------------------------------------------------------------

    def on_rows_moved(self, message: Rows.Moved) -> None:
        """Another packet, another field, another octet."""
        if isinstance(message.rows, Following):
            self.query_one(FieldTree).move_to(0, tell=False)
            self.query_one("#capture-line", Lines).changed()
        self.paint_selected()

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A second click on a packet is enter."""
        if not isinstance(message.rows, Octets):
            self.action_fields()

    def on_descendant_focus(self) -> None:
        """Octets are lit only while the fields or they have the focus."""
        self.call_after_refresh(self.paint_selected)

    def on_filter_line_changed(self, message: PacketFilterLine.Changed) -> None:
        """Show what matches, once it is no longer the beginning of a word."""
        if not unfinished(message.text):
            self._narrow(message.text)

    def on_packet_filter_line_typed(self) -> None:
        """What is wrong with it, or how it may go on."""
        self.paint()

    def on_filter_line_closed(self) -> None:
        """Back to the list with what stands there; not while that is no filter."""
        field = self.query_one(PacketFilterLine)
        field.hint = ""
        if field.wrong:
            field.open()
            self.paint()
            return
        if field.text.strip() != self.filter_text:
            self._narrow(field.text)
        self.rows.focus()
        self.paint()

    # what keys do ------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Freeze the list, or go on."""
        self.view.pause()
        self.paint()

    def action_follow(self) -> None:
        """The newest again."""
        if self.view.paused:
            self.view.pause()
        self.rows.following = True
        self.paint()

    def action_filter(self) -> None:
        """Narrow the list."""
        field, newest = self.query_one(PacketFilterLine), list(self.view.rows)[-OFFERED:]
        seen = {
            "if": {packet.interface for packet in newest},
            "instance": {packet.instance for packet in newest},
            "src": {summary(packet.frame).source for packet in newest},
            "vrid": {str(summary(packet.frame).vrid or "") for packet in newest},
        }
        field.values = {word: sorted(values - {""}) for word, values in seen.items()}
        field.open()
        self.paint()

    def action_back(self) -> None:
        """From the fields to the list; there clear the filter, close the file, follow."""
        if not self.rows.has_focus:
            self.rows.focus()
        elif self.filter_text:
            self._filter("")
        elif self.offline:
            self.close_file()
        else:
            self.action_follow()

    def _filter(self, text: str) -> None:
        self.query_one(PacketFilterLine).set(text)
        self._narrow(text)

    def _narrow(self, text: str) -> None:
        self.filter_text = text.strip()
        self.view.set_filter(self.filter_text, *self.source(self.console.store))
        self.paint()

    def action_hex(self) -> None:
        """Octets on or off, where there is room for them."""
        if not self.query_one("#decode").display:
            self.console.say("the octets stand beside the list: l goes there [E-NOTHING]")
            return
        self.toggle_class("nohex")
        self.call_after_refresh(self.paint)

    def action_fields(self) -> None:
        """Into the fields; there, open or shut a layer."""
        fields = self.query_one(FieldTree)
        if fields.has_focus:
            fields.fold()
            return
        if self.has_class("laddered") and not self.has_class("wide"):
            self.action_ladder()
        self.call_after_refresh(fields.focus)

    def action_ladder(self) -> None:
        """List or ladder; the packet of the cursor stays selected."""
        rung = self.query_one(LadderList).selected if self.has_class("laddered") else None
        packets = self.query_one(PacketList)
        at = self.view.index(rung.number) if rung else None
        self.toggle_class("laddered")
        if rung is not None and at is not None and not self.query_one(LadderList).following:
            packets.following = False
            packets.move_to(at)
        self.rows.focus()
        self.call_after_refresh(self.paint)

    def action_only_instance(self) -> None:
        """Only packets of this one's instance."""
        packet = self.selected
        if packet is None or not packet.instance:
            self.console.say("this packet belongs to no instance [E-NOTHING]")
            return
        wanted = f'instance=="{packet.instance}"'
        self._filter("" if self.filter_text == wanted else wanted)

    def problems_here(self) -> None:
        """`!`: only packets that failed a test, or everything again."""
        self._filter("" if self.filter_text == ONLY_REJECTED else ONLY_REJECTED)

    def _row(self) -> int | None:
        """The row of the view on which the cursor stands."""
        if not self.has_class("laddered"):
            return self.query_one(PacketList).cursor if self.view.rows else None
        rung = self.query_one(LadderList).selected
        return self.view.index(rung.number) if rung else None

    def action_mark(self) -> None:
        """Mark this packet, or take its mark away."""
        row = self._row()
        if row is None:
            self.console.say("no packet is selected [E-NOTHING]")
        elif not self.view.mark(row):
            self.console.say(f"{MARKS} packets are marked: no more [E-RANGE]", "warning")
        else:
            self.paint()

    def action_compare(self) -> None:
        """The differences of two marked packets, or of the marked one and this."""
        row = self._row()
        pair = self.view.pair(-1 if row is None else row)
        if pair is None:
            self.console.say("mark two packets with space, or one and stand on another; then = [E-NOTHING]")
            return
        mode = self.console.time_mode

        def page(store: Store, now: int, columns: int) -> tuple[str, list[Line]]:  # noqa: ARG001
            return compare.compare_page(*pair, columns, mode)

        self.app.push_screen(Pager(page))

    def action_why(self) -> None:
        """What the verdict of this packet means."""
        packet = self.selected
        if packet is None or not compare.has_reason(packet):
            self.console.say("this packet failed no test: w explains rejected ones (! shows only those) [E-NOTHING]")
            return
        mode = self.console.time_mode

        def page(store: Store, now: int, columns: int) -> tuple[str, list[Line]]:  # noqa: ARG001
            return compare.verdict_page(packet, columns, mode)

        code = compare.code_of(packet.verdict)
        self.app.push_screen(Pager(page, command=self.console.twin("explain", code) if code else ""))

    # files ---------------------------------------------------------------------------------------

    def action_save(self) -> None:
        """Ask where to, in which form, and which packets."""
        ring, _, _ = self.source(self.console.store)
        marked = sorted(self.view.marked.items())
        choices = [Choice("shown", list(self.view.rows)), Choice("marked", [one for _, one in marked])]
        if self.filter_text:
            choices.append(Choice("all", list(ring)))
        choices = [choice for choice in choices if choice.packets]
        if not choices:
            self.console.say("no packet is shown: there is nothing to save [E-NOTHING]", "warning")
            return
        stamp = clock(self.console.link.wall(), "utc").replace(":", "")
        self.app.push_screen(SavePackets(choices, f"hatui-packets-{stamp}", self.filter_text, self.twin()))

    def open_file(self, path: str) -> None:
        """Read a capture file and show it instead of what comes."""
        self.console.say(f"reading {path}")
        self.run_worker(later(self._open, path), exclusive=True)

    async def _open(self, path: str) -> None:
        try:
            file = await asyncio.to_thread(opened, path, RING)
        except HatuiError as wrong:
            self.console.say(str(wrong), "warning")
        else:
            self.call_later(self._show, file)  # the screen may not be there yet

    def show_file(self, file: Opened) -> None:
        """Show what was read already instead of what comes."""
        self.call_later(self._show, file)

    def show_time(self, wall_ns: int) -> None:
        """The cursor to the packet of this time; it follows no more."""
        if not self.query(PacketList):  # the screen is shown for the first time
            self.call_after_refresh(self.show_time, wall_ns)
            return
        if self.offline:
            self.close_file()
        if self.filter_text:
            self._filter("")
        if self.has_class("laddered"):
            self.action_ladder()
        self.paint()
        near = [abs(packet.wall_ns - wall_ns) for packet in self.view.rows]
        if near:
            self.query_one(PacketList).move_to(near.index(min(near)))

    def close_file(self) -> None:
        """Back to what comes."""
        self._show(None)

    def _show(self, file: Opened | None) -> None:
        self.offline = file
        self.view.marked.clear()
        self.view.breaks.clear()
        self.view.interrupted(self.console.store.packets_seen if file is None else 0)
        self.view.paused = False
        self.rows.following = True
        self._filter("")
        self.set_focus(self.rows)

    def copied(self) -> str:
        """What `y` copies: the packet as text, secrets masked."""
        rows, fields, packet = self.rows, self.query_one(FieldTree), self.selected
        if packet is None:
            return ""
        fields.tell(packet)
        row = "".join(text for text, _ in rows.body_at(rows.cursor)).strip()
        tree = ["".join(text for text, _ in fields.body_at(index)).rstrip() for index in range(fields.count)]
        return "\n".join([row, *tree])
