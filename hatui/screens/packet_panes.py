"""The panes of the packets screen: list or ladder over fields and octets, painted from the ring or from a file.

Invariant: only the rows that are seen are drawn; a filter looks at the past in slices, so that keys are heard
meanwhile; what comes from a file is titled OFFLINE.
"""

from __future__ import annotations

from collections import deque

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from engine.messages import PacketLine
from hatui.capture import PacketView
from hatui.filters import check_packet
from hatui.nodes import parted
from hatui.offline import Opened
from hatui.rungs import LadderView
from hatui.screens.frame import HEIGHT, WIDTH
from hatui.screens.searching import Searching
from hatui.store import Connection, Store
from hatui.text import Line, Span, coded, fit, grouped, moment, plain, spread
from hatui.widgets.ladder import LadderList
from hatui.widgets.packets import FieldTree, Octets, PacketFilterLine, PacketList
from hatui.widgets.rows import Following, Lines


class PacketPanes(Searching):
    """List or ladder, fields, octets."""

    PLACE = "packets"
    FIRST = "#packet-list"

    def __init__(self) -> None:
        super().__init__()
        self.view = PacketView()
        self.ladder = LadderView()
        self.filter_text = ""
        self.offline: Opened | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """This screen is what packets are for."""
        return ("status", "events", "packets")

    @property
    def mode_word(self) -> str:
        """What stands in line 2 instead of the role."""
        return "OFFLINE" if self.offline else ""

    def compose_body(self) -> ComposeResult:
        """Status line, list over fields and octets."""
        with Horizontal(id="packet-top"):
            yield PacketFilterLine(check_packet, id="filter")
            yield Lines(id="capture-line")
        with Vertical(id="packets-panes"):
            yield PacketList(id="packet-list")
            yield LadderList(id="packet-ladder")
            with Horizontal(id="decode"):
                yield FieldTree(id="fields")
                yield Octets(id="octets")

    def _sized(self, columns: int, rows: int) -> None:
        super()._sized(columns, rows)
        if self.query("#decode"):
            self.query_one("#decode").styles.height = "1fr" if columns >= 140 else max(10, rows * 2 // 5)

    def on_screen_resume(self) -> None:
        """What passed while another screen was open was not captured; behind a dialog the capture goes on."""
        if self.console.link.subscribe(self.topics):
            self.view.interrupted(self.console.store.packets_seen)
        super().on_screen_resume()

    # painting ----------------------------------------------------------------------------------

    def source(self, store: Store) -> tuple[deque[PacketLine], int, int]:
        """The ring, how many ever came into it, and the instant from which ages count."""
        if self.offline:
            return self.offline.packets, self.offline.count, self.offline.now
        return store.packets, store.packets_seen, self.console.link.now()

    def _card(self, store: Store) -> list[Line]:
        """A file needs no engine."""
        fits = self.app.size.width >= WIDTH and self.app.size.height >= HEIGHT
        return [] if self.offline and fits else super()._card(store)

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        ring, seen, instant = self.source(store)
        if not self.offline and store.link.connection is not Connection.LIVE:
            self.view.interrupted(seen)
        self.view.update(ring, seen, instant)
        self.search_on(self.view.unsearched)
        if self.has_class("laddered"):
            self._paint_ladder(store, instant)
        else:
            packets = self.query_one(PacketList)
            packets.tell(self.view.rows, self.view.numbers, self.view.marked, self._when, self._nothing(ring))
        self.query_one("#capture-line", Lines).show((self._capture_line(store, ring, seen),))
        self.paint_selected()

    def _nothing(self, ring: deque[PacketLine]) -> str:
        if self.view.rows or self.view.unsearched:
            return ""
        hello = self.console.store.hello
        if not ring and not self.offline and hello is not None and "packets" not in hello.capabilities:
            return "the engine has no NET_RAW: it sees no packets here. Run it as root, or grant CAP_NET_RAW"
        if ring:
            return f"0 of {grouped(len(ring))} match; esc clears"
        if self.console.link.recorded and not self.offline:
            return "no packet is in this recording: an engine's journal keeps states and events"
        return "no advert, gratuitous ARP or NA was seen yet"

    def _when(self, packet: PacketLine, before: PacketLine | None = None) -> str:
        mode = self.console.time_mode
        if mode == "delta":
            since = next(iter(self.view.marked.values()), before)
            apart = (packet.mono_ns - since.mono_ns) / 1e9 if since else 0.0
            return fit(f"{apart:+.6f}" if abs(apart) < 1000 else f"{apart:+.0f}s", 12, right=True)
        wall = self.offline.now if self.offline else self.console.link.wall()
        return moment(packet.wall_ns, wall, mode, digits=3)

    def _paint_ladder(self, store: Store, instant: int) -> None:
        self.ladder.update(self.view)
        ladder = self.ladder.ladder
        deaf = store.silent(instant) or any(one.silent(instant) for one in store.nodes.values())
        live = not (self.offline or self.view.paused or self.view.unsearched or deaf)
        host = store.hello.host if store.hello else ""
        ours = {
            status.source: parted(status.name, store.nodes)[0] or host
            for status in store.instances.values()
            if status.source
        }
        nothing = self._nothing(self.source(store)[0])
        first = ladder.rungs[0].packet if ladder.rungs else None
        silent = ladder.silent(instant) if live else []
        self.query_one(LadderList).tell(
            ladder, ours, lambda packet: self._when(packet, first), nothing, silent, self.view.marked
        )

    def _capture_line(self, store: Store, ring: deque[PacketLine], seen: int) -> Line:
        field, width = self.query_one(PacketFilterLine), self.query_one("#capture-line").size.width
        if field.hint:
            return ((fit(f" {field.hint}", width), "key"),)
        if field.wrong:
            return ((f" {coded(field.wrong, width - 1)}", "bad"),)
        left: list[Span] = [] if field.has_class("open") else [(" all packets", "dim")]
        if self.offline:
            other = f", {grouped(self.offline.other)} of other protocols" if self.offline.other else ""
            left = [(f" OFFLINE {plain(self.offline.path)}", "warn"), (other, "dim")] if left else left
        old = seen - len(ring)
        text = f"   {grouped(len(self.view.rows))} of {grouped(len(ring))}"
        if width < 60:
            text += f"   lost {grouped(store.packets_lost + old)} "
        else:
            text += f"   lost {grouped(store.packets_lost)}" + (f", {grouped(old)} old" if old else "") + " "
        return spread(left, [self._state(store), (text, "bad" if store.packets_lost else "dim")], width)

    def _state(self, store: Store) -> Span:
        below = self.view.waiting
        if self.view.paused:
            return f"paused, {grouped(below)} new", "warn"
        if self.view.unsearched:
            return f"searching, {grouped(self.view.unsearched)} to go", "warn"
        if self.offline:
            return (
                ("OFFLINE", "warn") if self.query_one(PacketFilterLine).has_class("open") else ("esc closes it", "dim")
            )
        if store.link.connection is not Connection.LIVE:
            return "NO ENGINE, nothing new", "bad"
        return ("FOLLOW", "good") if self.rows.following else ("scrolled, f follows", "dim")

    @property
    def rows(self) -> Following:
        """The list, or the ladder."""
        return self.query_one(LadderList) if self.has_class("laddered") else self.query_one(PacketList)

    @property
    def selected(self) -> PacketLine | None:
        """The packet of the cursor."""
        if self.has_class("laddered"):
            rung = self.query_one(LadderList).selected
            return rung.packet if rung else None
        return self.query_one(PacketList).selected

    def paint_selected(self) -> None:
        """Fields and octets of the packet of the cursor."""
        fields, octets = self.query_one(FieldTree), self.query_one(Octets)
        if not fields.display:
            return
        packet = self.selected
        fields.tell(packet)
        if octets.has_focus:
            fields.show_octet(octets.octet)
        near = fields.has_focus or octets.has_focus
        octets.tell(packet, fields.field if near else fields.failed, failed=not near)

    def search(self) -> int:
        """The next slice of the ring."""
        self.view.search(*self.source(self.console.store))
        return self.view.unsearched
