"""What all screens share: the frame, the cards that stand instead of a screen, and painting.

Invariant: a screen shows what the store holds at one instant of the link's clock, and nothing that it only
hopes. `paint` may be called at any time and always shows everything again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Resize
from textual.screen import ModalScreen, Screen

from engine import VERSION
from hatui.keys import ALWAYS
from hatui.late import Late
from hatui.pending import timer_line
from hatui.sentences import banners, problems
from hatui.store import Connection, Store
from hatui.text import Line, clock, duration, plain, wrap
from hatui.widgets.fields import FilterLine
from hatui.widgets.frame import Foot, Head, Identity
from hatui.widgets.rows import Lines, Rows

if TYPE_CHECKING:
    from hatui.app import HatuiApp

WIDTH, HEIGHT = 80, 24
"""The smallest screen."""


class Painted(Late):
    """Anything on the stack of screens that shows the store."""

    @property
    def console(self) -> HatuiApp:
        """The app, with its own type."""
        return cast("HatuiApp", self.app)

    def paint(self) -> None:
        """Show everything again."""


class Dialog(Painted, ModalScreen[None]):
    """A screen over the screen. It says itself what has the focus at first."""

    AUTO_FOCUS = ""

    def say_decided(self) -> None:
        """A key that decides, once more: nothing is asked for twice."""
        self.console.say("this is decided: its answer comes or stands here, esc closes it [E-NOTHING]")


class FrameScreen(Painted, Screen[None]):
    """One of the main screens."""

    AUTO_FOCUS = ""
    PLACE: ClassVar[str] = "everywhere"
    TAB: ClassVar[str] = ""
    """The main screen that it belongs to; empty: it is one."""
    FIRST: ClassVar[str] = ""
    """The pane that has the keys at first."""
    WITHOUT_ENGINE: ClassVar[bool] = False
    """Still of use while there is no engine."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What this screen needs to be told."""
        return ("status", "events")

    def twin(self) -> tuple[str, ...]:
        """The words behind `hatui` that print the same on the command line; none where nothing does."""
        return ()

    @property
    def idle_keys(self) -> tuple[str, ...]:
        """Ids of keys that mean nothing where the focus is."""
        return ()

    def compose(self) -> ComposeResult:
        """The frame; the body is the screen's own."""
        yield Head(id="head")
        with Vertical(id="body"):
            yield from self.compose_body()
        yield Lines(id="card")
        yield Foot(id="foot")

    def compose_body(self) -> ComposeResult:
        """What stands between the lines of the frame."""
        yield from ()

    def on_mount(self) -> None:
        """Paint as soon as there is something to paint on."""
        self._sized(self.app.size.width, self.app.size.height)
        self.set_focus(self.query_one(self.FIRST))
        self.paint()

    def on_screen_resume(self) -> None:
        """Only the visible screen subscribes."""
        self.console.link.subscribe(self.topics)
        self.call_after_refresh(self.paint)

    def on_resize(self, event: Resize) -> None:
        """Another layout may fit."""
        self._sized(event.size.width, event.size.height)
        self.call_after_refresh(self.paint)

    def _sized(self, columns: int, rows: int) -> None:
        self.set_class(columns < WIDTH or rows < HEIGHT, "small")
        self.set_class(columns >= 140 and rows >= 40, "wide")

    def on_rows_widened(self, message: Rows.Widened) -> None:
        """Lay the rows out anew."""
        table = message.rows
        fits = "every column fits already" if table.size.width >= table.room else "h, l and arrows go sideways"
        self.console.say(f"wide columns: {fits}" if table.wide else "columns as the screen has room")
        self.paint()

    def action_save(self) -> None:
        """What is shown, as a file of text."""
        from hatui.screens.save import save_view

        save_view(self)

    def guarded(self, text: str) -> str:
        """A text of this view as it may be written down."""
        return text

    def on_head_tab_clicked(self, message: Head.TabClicked) -> None:
        """The mouse may do what 1, 2 and 3 do."""
        self.console.action_show_mode(message.mode)

    def on_head_problem_clicked(self) -> None:
        """The mouse may do what ! does."""
        self.console.action_problems()

    def on_foot_key_clicked(self, message: Foot.KeyClicked) -> None:
        """The mouse may press what the last line names."""
        self.app.call_later(self.app.simulate_key, message.key)  # as if from the terminal: bindings stop at a sender

    def on_head_timer_clicked(self) -> None:
        """The mouse may do what C does."""
        self.console.action_confirm_config()

    def paint(self) -> None:
        """The frame, then the body or the card that stands for it."""
        if not self.is_mounted or not self.query("#head"):
            return
        app = self.console
        store, now = app.store, app.link.now()
        found = [*problems(store, now), *banners(store, VERSION)]
        app.sound(found)
        worst = found[0] if found else None
        problem = (worst.text, worst.role, len(found)) if worst else ("", "plain", 0)
        timer = timer_line(store, now, may_act=app.may_act, typing=bool(getattr(self, "typing", False)))
        self.query_one(Head).tell(identity(app, now, self.TAB or self.PLACE), problem, timer)
        self.paint_foot()
        card = self._card(store)
        self._lay_card(bool(card))
        if card:
            self.query_one("#card", Lines).show(card)
        else:
            self.paint_body(store, now)

    def paint_foot(self) -> None:
        """The keys that are valid now."""
        app, field = self.console, self.focused.parent if self.focused is not None else None
        typing = field.TYPING if isinstance(field, FilterLine) else ()
        idle = frozenset(self.idle_keys) | (ALWAYS if getattr(self, "typing", False) else frozenset())
        foot = self.query_one(Foot)
        foot.tell(self.PLACE, may_act=app.may_act, without=idle, table=app.keymap.table, typing=typing)

    def on_descendant_focus(self) -> None:
        """Other keys are valid there."""
        if self.is_mounted and self.query("#foot"):
            self.paint_foot()

    def _lay_card(self, on: bool) -> None:
        """Over the body, which hears no keys meanwhile."""
        if on == self.has_class("card"):
            return
        self.set_class(on, "card")
        self.query_one("#body").disabled = on
        if not on:
            self.set_focus(self.query_one(self.FIRST))

    def paint_body(self, store: Store, now: int) -> None:
        """The screen's own part."""

    def _card(self, store: Store) -> list[Line]:
        size = self.app.size
        if size.width < WIDTH or size.height < HEIGHT:
            here = f"this is {size.width}x{size.height}"
            return [
                (),
                ((f" hatui needs {WIDTH}x{HEIGHT}, {here}.", "strong"),),
                ((" `hatui watch` works at any size.", "plain"),),
            ]
        if self.WITHOUT_ENGINE or store.hello is not None:
            return []
        there = self.console.link.arguments()
        host = there[1] if there[:1] == ["--host"] else ""
        beside: tuple[str, list[str]] = ("", [])
        if store.link.connection is Connection.ABSENT and not host and not store.nodes:
            from hatui import resident

            beside = resident.words(resident.at(store.link))
        return connection_card(store, str(getattr(self.console.link, "path", "")), host, beside)


def connection_card(store: Store, socket: str, host: str = "", beside: tuple[str, list[str]] = ("", [])) -> list[Line]:
    """Why there is nothing to see yet, and the next command; `host` is the one that was named with --host, `beside`
    what is here instead of an engine."""
    detail = plain(store.link.detail)
    match store.link.connection:
        case Connection.ABSENT if host:
            head = f"No engine answers on {plain(host)}."
            by_hand = [
                f"Can you log in there without a question?   ssh {plain(host.partition(':/')[0])} hatui status",
                "Is the engine running there, and hatui installed?   hatui doctor",
            ]
            advice = plain(store.link.advice)
            rest = [*wrap(detail, WIDTH - 2), "", *(wrap(f"To do: {advice}", WIDTH - 2) if advice else by_hand)]
        case Connection.ABSENT if beside[0]:
            head = f"No engine on this host, {beside[0]}."
            rest = [detail or "The engine's socket is absent.", "", *beside[1]]
            if "systemctl" not in " ".join(beside[1]):
                rest += ["Start it:", "  sudo systemctl enable --now hatui-engine"]
        case Connection.ABSENT:
            head = "No engine on this host."
            rest = [
                detail or "the socket is absent",
                "",
                "It is started with one of:",
                "  sudo systemctl start hatui-engine",
                "  sudo hatui-engine -f /etc/keepalived/keepalived.conf",
                "",
                "`hatui demo` shows two engines without touching this host.",
                "`hatui check FILE` checks a configuration without an engine.",
            ]
        case Connection.DENIED:
            head = "The engine does not let you in."
            rest = [
                detail,
                "Members of group hatui may look, members of hatui-admin and root may act:",
                f"  sudo usermod -aG hatui $USER     ({'there; ' * bool(host)}then log in again)",
            ]
        case Connection.MISMATCH:
            head = "The engine speaks another version than this console."
            rest = [
                detail,
                "Install the same version of hatui on both sides, or restart the engine after an upgrade:",
                "  sudo systemctl restart hatui-engine",
            ]
        case _:
            return [(), ((f" connecting to the engine {plain(socket)}", "dim"),)]
    lines: list[Line] = [(), ((f" {head}", "bad"),), ()]
    lines += [((f" {text}", "plain"),) for text in rest]
    lines += [(), ((" Trying again by itself.  q Quit", "dim"),)]
    return lines


def identity(app: HatuiApp, now: int, place: str) -> Identity:
    """Lines 1 and 2 from the store."""
    store = app.store
    silent = store.silent(now)
    states = [status.state.value for status in store.instances.values()]
    known = [status.state.value for name, status in store.instances.items() if not store.silent(now, name)]
    if store.link.connection is Connection.LIVE:
        age = duration(now - store.vrrp_heard) if store.vrrp_heard else ""
        liveness = f"engine SILENT {age}" if silent else f"engine live {age}"
    else:
        liveness = f"engine {store.link.connection.value}"
    if store.nodes:
        quiet = [name for name, node in store.nodes.items() if node.silent(now)]
        liveness = f"{len(store.nodes) - len(quiet)} of {len(store.nodes)} engines live"
        silent = bool(quiet)
    host = store.hello.host if store.hello else "-"
    engine = store.engine
    config = (
        f"config {engine.config_fingerprint[:8]} loaded {duration(now - engine.config_loaded)} ago" if engine else ""
    )
    return Identity(
        host=plain(host),
        masters=known.count("MASTER"),
        backups=known.count("BACKUP"),
        faults=known.count("FAULT"),
        unknown=len(states) - len(known),
        liveness=liveness,
        alive=not silent,
        clock=clock(app.link.wall(), app.time_mode) if store.hello else "--:--:--",
        mode=app.mode_word,
        tab=place,
        config=config,
    )
