"""Adverts, gratuitous ARP and NA as they pass, with the engine's verdict on each.

Invariant: pausing stops the display, never the capture; only this screen (and the wide dashboard) asks the
engine for packets at all.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from engine.messages import PacketLine
from hatui.capture import PacketView
from hatui.filters import check_packet
from hatui.screens.frame import FrameScreen
from hatui.store import Store
from hatui.text import Line, moment, plain, spread
from hatui.widgets.fields import FilterLine
from hatui.widgets.packets import FieldTree, Octets, PacketList
from hatui.widgets.rows import Lines, Rows, bindings

REJECTED = 'verdict!=ok && verdict!=sent && verdict!="-"'


class Packets(FrameScreen):
    """List, fields, octets."""

    PLACE = "packets"
    FIRST = "#packet-list"
    BINDINGS: ClassVar[list[BindingType]] = bindings("packets")

    def __init__(self) -> None:
        super().__init__()
        self.view = PacketView()
        self.filter_text = ""

    @property
    def topics(self) -> tuple[str, ...]:
        """This screen is what packets are for."""
        return ("status", "events", "packets")

    def compose_body(self) -> ComposeResult:
        """Status line, list over fields and octets."""
        yield Lines(id="capture-line")
        with Vertical(id="packets-panes"):
            yield PacketList(id="packet-list")
            with Horizontal(id="decode"):
                yield FieldTree(id="fields")
                yield Octets(id="octets")
        yield FilterLine(check_packet, id="filter")

    def _sized(self, columns: int, rows: int) -> None:
        super()._sized(columns, rows)
        if self.query("#decode"):
            self.query_one("#decode").styles.height = "1fr" if columns >= 140 else max(10, rows * 2 // 5)

    # painting ----------------------------------------------------------------------------------

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        self.view.update(store.packets, store.packets_seen)
        packets = self.query_one(PacketList)
        wall, mode = self.console.link.wall(), self.console.time_mode

        def when(packet: PacketLine, before: PacketLine | None) -> str:  # noqa: ARG001
            return moment(packet.wall_ns, wall, mode, digits=3)

        nothing = ""
        if not self.view.rows:
            seen = len(store.packets)
            nothing = f"0 of {seen} match; esc clears" if seen else "no advert, gratuitous ARP or NA was seen yet"
        packets.tell(self.view.rows, self.view.dropped, when, nothing)
        self.query_one("#capture-line", Lines).show((self._capture_line(store),))
        self._paint_selected()

    def _capture_line(self, store: Store) -> Line:
        shown = f"/ {plain(self.filter_text)}" if self.filter_text else "all packets"
        if self.view.paused:
            state, role = f"PAUSED, {self.view.waiting} new", "warn"
        elif self.query_one(PacketList).following:
            state, role = "FOLLOW", "good"
        else:
            state, role = "scrolled, f follows", "dim"
        counts = f"   {len(self.view.rows)} of {store.packets_seen}   lost {store.packets_lost} "
        lost = "bad" if store.packets_lost else "dim"
        return spread(
            [(f" {shown}", "changed" if self.filter_text else "dim")], [(state, role), (counts, lost)], self.size.width
        )

    def _paint_selected(self) -> None:
        packet = self.query_one(PacketList).selected
        fields = self.query_one(FieldTree)
        fields.tell(packet)
        self.query_one(Octets).tell(packet, fields.field if fields.has_focus else fields.failed)

    def on_rows_moved(self, message: Rows.Moved) -> None:
        """Another packet, or another field."""
        if isinstance(message.rows, PacketList):
            self.query_one(FieldTree).move_to(0, tell=False)
        self._paint_selected()

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A second click on a packet is enter."""
        if isinstance(message.rows, PacketList | FieldTree):
            self.action_fields()

    def on_descendant_focus(self) -> None:
        """Octets are lit only while the fields have the focus."""
        self.call_after_refresh(self._paint_selected)

    # what keys do ------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Freeze the list, or go on."""
        self.view.pause()
        self.paint()

    def action_follow(self) -> None:
        """The newest again."""
        if self.view.paused:
            self.view.pause()
        self.query_one(PacketList).following = True
        self.paint()

    def action_filter(self) -> None:
        """Narrow the list."""
        self.query_one(FilterLine).open()

    def action_back(self) -> None:
        """From the fields to the list; there, clear the filter, then follow."""
        packets = self.query_one(PacketList)
        if not packets.has_focus:
            packets.focus()
        elif self.filter_text:
            self._filter("")
        else:
            self.action_follow()

    def _filter(self, text: str) -> None:
        field = self.query_one(FilterLine)
        field.set(text)
        self._narrow(text)

    def _narrow(self, text: str) -> None:
        self.filter_text = text.strip()
        store = self.console.store
        self.view.set_filter(self.filter_text, store.packets, store.packets_seen)
        self.paint()

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Show what matches."""
        self._narrow(message.text)

    def on_filter_line_closed(self) -> None:
        """Back to the list."""
        self.query_one(PacketList).focus()

    def action_hex(self) -> None:
        """Octets on or off."""
        self.toggle_class("nohex")
        self.call_after_refresh(self.paint)

    def action_fields(self) -> None:
        """Into the fields; there, open or shut a layer."""
        fields = self.query_one(FieldTree)
        if fields.has_focus:
            fields.fold()
        else:
            fields.focus()

    def action_only_instance(self) -> None:
        """Only packets of this one's instance."""
        packet = self.query_one(PacketList).selected
        if packet is None or not packet.instance:
            self.console.say("this packet belongs to no instance")
            return
        wanted = f'instance=="{packet.instance}"'
        self._filter("" if self.filter_text == wanted else wanted)

    def action_only_rejected(self) -> None:
        """Only packets that failed a test."""
        self._filter("" if self.filter_text == REJECTED else REJECTED)

    def copied(self) -> str:
        """What `y` copies: the packet as text, secrets masked."""
        packets, fields = self.query_one(PacketList), self.query_one(FieldTree)
        if packets.selected is None:
            return ""
        row = "".join(text for text, _ in packets.body_at(packets.cursor)).strip()
        tree = ["".join(text for text, _ in fields.body_at(index)).rstrip() for index in range(fields.count)]
        return "\n".join([row, *tree])
