"""The console as a Textual app: modes, theme, keymap, and the one way out: `perform`.

Invariant: the app decides nothing. What the link tells goes into the store, screens are painted from the
store, and a command's effect is seen when the engine says it. Nothing here ever waits for the engine while
a key is handled.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from engine.messages import AnnounceNow, Command, EventLine, PacketLine, Release, Reload, Reply, Snapshot
from hatui import keys, remote
from hatui.late import LateApp, later
from hatui.link import EngineLink, Link, Say, load
from hatui.look import LOOK_AGAIN_S
from hatui.merging import MergedLink
from hatui.nodes import parted, whole
from hatui.pending import login_address, news, waiting
from hatui.replay import JournalLink
from hatui.replaying import Replaying
from hatui.screens.frame import FrameScreen, Painted
from hatui.store import CONFIG_EVENTS, LinkState, Store, Told
from hatui.telling import Telling
from hatui.text import TIME_MODES, Line, command_line
from hatui.whose import Whose
from hatui.widgets.rows import ROLE_CLASSES, bindings

AScreen = TypeVar("AScreen", bound=Screen[Any])
PAINTS_PER_S = 4
"""At most, of what is told; what a key does is painted at once."""
QUIET_PAINTS_PER_S = 1
"""While nothing is heard but what is heard all the time."""


SETTLED_S = 2.0
"""After this much the console stands as it will for hours."""


def _collect_again() -> None:
    """The collector leaves what the start has made in peace: it pauses for a millisecond, not for thirty."""
    gc.freeze()
    gc.enable()


class Heard(Message):
    """The link told something."""

    def __init__(self, told: Sequence[Told]) -> None:
        super().__init__()
        self.told = told


def _dashboard() -> Screen[Any]:
    from hatui.screens.dashboard import Dashboard

    return Dashboard()


def _packets() -> Screen[Any]:
    from hatui.screens.packets import Packets

    return Packets()


def _config() -> Screen[Any]:
    from hatui.screens.config import ConfigScreen

    return ConfigScreen()


def _drills() -> Screen[Any]:
    from hatui.screens.drills import Drills

    return Drills()


def _events() -> Screen[Any]:
    from hatui.screens.events import Events

    return Events()


def _peers() -> Screen[Any]:
    from hatui.screens.peers import Peers

    return Peers()


class HatuiApp(LateApp, Whose, Replaying, Telling):
    """The console."""

    TITLE = "hatui"
    CSS_PATH = "hatui.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(keys.EVERYWHERE),
        *bindings("replay"),
        Binding("ctrl+q", "leave(False)", show=False, id="everywhere.ctrl_q"),
        Binding("ctrl+c", "hint_quit", show=False, id="everywhere.ctrl_c"),
    ]
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "dashboard": _dashboard,
        "packets": _packets,
        "config": _config,
        "events": _events,
        "drills": _drills,
        "peers": _peers,
    }

    def __init__(
        self,
        link: Link,
        *,
        theme: str = "",
        read_only: bool = False,
        time_mode: str = "local",
        user_files: Path | None = None,
        fine: bool = False,
        bell: bool = True,
    ) -> None:
        super().__init__(wanted_theme=theme, user_files=user_files, fine=fine, bell=bell)
        self.link = link
        self.store = Store()
        self.read_only = read_only
        self.time_mode = time_mode
        self.login = "" if link.arguments()[:1] == ["--host"] else login_address(os.environ)
        """The address of the engine's host that this console was reached at; empty when not over a network."""
        self.last_screen = ""
        """The text of the screen that `Q` leaves behind."""
        self._last_mode = ""
        self._soon: Timer | None = None
        """Something was told that may not wait for the slower pace: the paint that is on its way."""
        self._quiet: Timer
        """Times run on when nothing else is painted."""

    # start -------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Themes, keymap, first screen, link."""
        self.dress()
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGHUP, signal.SIGTERM):  # the terminal is left as it was found
                loop.add_signal_handler(number, self._ended, number)
        self.switch_mode("dashboard")
        self.run_worker(later(self.link.run, self.told), name="link", exit_on_error=True)
        self._quiet = self.set_interval(1 / QUIET_PAINTS_PER_S, self.paint, name="paint")
        self.set_interval(LOOK_AGAIN_S, self.look_again, name="look")
        if not gc.isenabled():
            self.set_timer(SETTLED_S, _collect_again, name="collect")

    def _ended(self, number: int) -> None:
        """The terminal was closed, or somebody ends us: drills and holds go on in the engine."""
        self.exit(return_code=128 + number)

    # told --------------------------------------------------------------------------------------

    def told(self, told: Sequence[Told]) -> None:
        """The link says something; it is taken in its turn."""
        self.post_message(Heard(told))

    def on_heard(self, message: Heard) -> None:
        """Into the store; the screen follows with the next paint, at once when all is new."""
        for told in message.told:
            self.store.apply(told)
            if isinstance(told, EventLine) and isinstance(told.event, CONFIG_EVENTS):
                self._say_news(told)
        self.was_told(message.told)
        if any(isinstance(told, Snapshot | LinkState) for told in message.told):
            self.paint()
        elif self._soon is None and any(isinstance(told, EventLine | PacketLine) for told in message.told):
            self._soon = self.set_timer(1 / PAINTS_PER_S, self._paint_soon, name="paint soon")
            self._quiet.reset()

    def _say_news(self, row: EventLine) -> None:
        """The end of a wait for confirmation is said on every console."""
        text, severity = news(row, self.link.now())
        if text:
            self.say(text, severity)

    def _paint_soon(self) -> None:
        self._soon = None
        self._quiet.reset()
        self.paint()

    def paint(self) -> None:
        """Every screen of the stack that shows the store."""
        for screen in self.screen_stack:
            if isinstance(screen, Painted):
                screen.paint()

    # what may be done ----------------------------------------------------------------------------

    @property
    def why_not(self) -> str:
        """Why this console may not act, with the code that explains it; empty when it may."""
        if self.link.recorded:
            return "this is a recording [E-NO-ENGINE]"
        if self.read_only:
            return "started with --read-only [E-ROLE]"
        hello = self.store.hello
        if hello is None:
            return "no engine [E-NO-ENGINE]"
        if hello.role != "operator":
            return f"{hello.user} is a viewer: operators are root and group hatui-admin [E-ROLE]"
        return ""

    @property
    def may_act(self) -> bool:
        """Whether keys in upper case do anything."""
        return not self.why_not

    @property
    def mode_word(self) -> str:
        """For line 2."""
        here: str = getattr(self.frame, "mode_word", "")
        if here:
            return here
        if self.link.recorded:
            return "REPLAY"
        if self.read_only:
            return "READ-ONLY"
        hello = self.store.hello
        if hello is None:
            return ""
        if self.store.engine is not None and self.store.engine.observe:
            return "OBSERVE"
        drilling = [
            node for node, one in (self.store.nodes or {"": self.store}).items() if one.engine and one.engine.drill
        ]
        if drilling:
            return f"DRILL ON {' '.join(drilling)}".rstrip()
        where = f"on {self.here}  " if self.here else ""
        return where + ("READ-WRITE" if hello.role == "operator" else "VIEWER")

    async def perform(self, command: Command, reason: str = "", progress: Say | None = None, node: str = "") -> Reply:
        """Say a command to the engine and wait for its reply. `node`: to which of several, where it names none itself.

        Raises:
            EngineLost: the engine is not there, or was lost before it answered.
            Refused: there is no engine behind this link.
        """
        return await self.link.perform(command, reason, progress, node)

    def refuse(self, name: str = "") -> bool:
        """Say why nothing may be done here (with this instance, or with `NODE:`), if so."""
        why = self.why_not_at(name) if name else self.why_not
        if why:
            self.say(f"not allowed: {why}", "warning")
        return bool(why)

    # keys that are valid everywhere ------------------------------------------------------------

    @property
    def frame(self) -> FrameScreen | None:
        """The screen below any dialogs."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, FrameScreen)), None)

    def action_show_mode(self, mode: str) -> None:
        """Another main screen."""
        if mode == self.current_mode:
            while len(self.screen_stack) > 1 and isinstance(self.screen, FrameScreen):
                self.pop_screen()
            return
        self._last_mode = self.current_mode
        self.switch_mode(mode)
        if mode == "dashboard":
            self.call_after_refresh(self.open_on_alarm)

    def action_last_mode(self) -> None:
        """Back to the main screen before."""
        if self._last_mode:
            self.action_show_mode(self._last_mode)

    def action_cycle_time(self) -> None:
        """Local, UTC, relative, distance to the one before."""
        self.time_mode = TIME_MODES[(TIME_MODES.index(self.time_mode) + 1) % len(TIME_MODES)]
        self.say(f"times: {self.time_mode}")
        self.paint()

    def action_help(self) -> None:
        """The keys of this place."""
        from textual.widgets import Input, TextArea

        from hatui.pages import help_page
        from hatui.screens.pager import Pager

        valid, may_act, why_not = self.valid_keys, self.may_act, self.why_not
        others = [
            (key, bound.binding.description)
            for key, bound in self.screen.active_bindings.items()
            if bound.binding.description and bound.node is self.focused and bound.binding.id is None
        ]

        typing = isinstance(self.focused, Input | TextArea)

        def page(store: Store, now: int, columns: int) -> tuple[str, Sequence[Line]]:  # noqa: ARG001
            return help_page(valid, others, may_act=may_act, why_not=why_not, columns=columns, typing=typing)

        self.push_screen(Pager(page, is_help=True))

    def action_problems(self) -> None:
        """All problems; on Events the worst of them first."""
        here = getattr(self.screen, "problems_here", None)
        if here is not None:
            here()
            return
        from hatui.screens.problems import Problems

        self.push_screen(Problems(self.twin("status")))

    def action_jump(self) -> None:
        """A letter on every pane; again: none."""
        from hatui.screens.jump import JumpScreen

        frame = self.frame
        if isinstance(self.screen, JumpScreen):
            self.screen.action_close()
        elif frame is self.screen:
            self.push_screen(JumpScreen([pane for pane in frame.focus_chain if pane.region]))

    def action_zoom(self) -> None:
        """The focused pane alone, and back."""
        frame = self.frame
        if frame is None:
            return
        pane = frame.focused
        before = pane.size if pane else None
        if frame.has_class("zoomed"):
            frame.remove_class("zoomed")
            frame.query(".zoom, .zoom-path").remove_class("zoom", "zoom-path")
        elif pane is not None:
            pane.add_class("zoom")
            for above in pane.ancestors:
                if above.id == "body":
                    break
                above.add_class("zoom-path")
            frame.add_class("zoomed")

        def after() -> None:
            self.paint()
            if pane is not None and pane.size == before:
                self.say("this pane has no other beside it [E-NOTHING]")

        self.call_after_refresh(after)

    def action_copy(self) -> None:
        """What is selected."""
        text = getattr(self.frame, "copied", lambda: "")()
        if text:
            self.copy(text)
        else:
            self.say("nothing is selected here [E-NOTHING]")

    def twin(self, *words: str) -> str:
        """The command line that prints the same as a view."""
        return shlex.join(["hatui", *self.link.arguments(), *words])

    def command_line(self, command: Command, reason: str = "", node: str = "") -> str:
        """The command line that says a command to the same engine."""
        node, plainly = self.link.bare(command, node)
        first, *rest = shlex.split(command_line(plainly, reason))
        return shlex.join([first, *(self.link.arguments(whole(node)) if first == "hatui" else ()), *rest])

    def action_copy_command(self) -> None:
        """The command line that prints what stands here."""
        frame = self.frame
        words = frame.twin() if frame else ()
        if words:
            self.copy(self.twin(*words))
        else:
            self.say("no command prints this view [E-NOTHING]")

    def action_palette(self) -> None:
        """All that can be done, by search."""
        from hatui.palette import PaletteScreen

        if not isinstance(self.screen, PaletteScreen):
            self.push_screen(PaletteScreen())

    def action_command_line(self) -> None:
        """`:`"""
        from hatui.palette import CommandLine

        self.push_screen(CommandLine())

    def action_hint_quit(self) -> None:
        """ctrl+c is for copying elsewhere."""
        self.say("q quits")

    def action_leave(self, keep: bool) -> None:
        """Quit; a screen with text that is not applied is asked first."""
        if keep:
            self.last_screen = self.screen_text()
        config = next((screen for screen in self._mode_screens() if getattr(screen, "unsaved", False)), None)
        if config is None:
            self.exit()
            return
        from hatui.screens.ask import Ask

        self.push_screen(
            Ask(
                "Quit with text that is not applied?",
                [((" The text in the editor differs from what runs. Quitting forgets it.", "plain"),)],
                confirm="Quit",
                done=lambda: self.exit(),
            )
        )

    def _mode_screens(self) -> list[Screen[Any]]:
        return [screen for stack in self._screen_stacks.values() for screen in stack]

    def opened(self, kind: type[AScreen]) -> AScreen | None:
        """The main screen of this kind, if it was ever shown."""
        return next((screen for screen in self._mode_screens() if isinstance(screen, kind)), None)

    def screen_text(self) -> str:
        strips = self.screen._compositor.render_strips()  # noqa: SLF001  no public way to read the screen
        return "\n".join(strip.text.rstrip() for strip in strips).rstrip()

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as SVG: the same cells give the same text, and blanks at the edge of a word stay."""
        picture = super().export_screenshot(title=title, simplify=simplify)
        picture = re.sub(r"terminal-\d+", "hatui-screen", picture)
        return picture.replace("<text ", '<text xml:space="preserve" ')

    # dialogs ---------------------------------------------------------------------------------------

    def open_failover(self, instance: str) -> None:
        """Ask about moving an address."""
        if self.refuse(instance):
            return
        from hatui.screens.failover import FailoverDialog

        self.push_screen(FailoverDialog(instance))

    def open_capture(self, path: str) -> None:
        """Show a capture file on the packets screen."""
        from hatui.screens.packets import Packets

        self.action_show_mode("packets")
        frame = self.frame
        if isinstance(frame, Packets):
            frame.open_file(path)

    def open_detail(self, instance: str, tab: str = "State") -> None:
        """Everything about one instance."""
        from hatui.screens.detail import Detail

        self.push_screen(Detail(instance, tab))

    def open_block(self, name: str) -> None:
        """The block of an instance in the editor."""
        from hatui.screens.config import ConfigScreen

        node, rest = parted(name, self.store.nodes)
        if node and node != self.here:
            self.choose_node(node)
        self.action_show_mode("config")
        if isinstance(self.frame, ConfigScreen):
            self.frame.show_block(rest)

    def open_release(self, instance: str) -> None:
        """Ask about ending a hold."""
        from hatui.screens.ask import ask_command

        status = self.store.instances.get(instance)
        if status is None or self.refuse(instance):
            return
        if not status.hold_kind:
            self.say(f"{instance} is not held: there is nothing to release [E-NOT-HELD]")
            return
        back = "the priority here goes back to its own; with preemption the addresses may move back"
        self.push_screen(ask_command(f"Release {instance}?", Release(instance), [back]))

    def action_announce(self) -> None:
        """Ask about sending gratuitous ARP / NA."""
        from hatui.screens.ask import ask_command

        node = self.acting_node
        if self.refuse(whole(node)):
            return
        masters = [
            status
            for status in self.store.instances.values()
            if status.state == "MASTER" and parted(status.name, self.store.nodes)[0] == node
        ]
        if not masters:
            where = f"on {node}" if node else "here"
            self.say(f"no instance is MASTER {where}: there is nothing to announce [E-NOT-MASTER]", "warning")
            return
        count = sum(len(status.addresses) for status in masters)
        what = f"gratuitous ARP / NA for {count} addresses of {', '.join(status.name for status in masters)}"
        title = f"Announce now{f' on {node}' * bool(node)}?"
        self.push_screen(ask_command(title, AnnounceNow(), [f"Sends {what}.", "No address moves."], node=node))

    def action_confirm_config(self) -> None:
        """Ask about the change that waits for its confirmation."""
        from hatui.screens.confirm import ConfirmDialog

        if self.refuse():
            return
        if waiting(self.store) is None:
            self.say("no change of the configuration waits for its confirmation [E-NOT-PENDING]")
        elif not isinstance(self.screen, ConfirmDialog):
            self.push_screen(ConfirmDialog())

    def action_reload(self) -> None:
        """Ask about reading the file again."""
        from hatui.screens.ask import ask_command

        node = self.acting_node
        if self.refuse(whole(node)):
            return
        engine = self.store.nodes.get(node, self.store).engine
        path = engine.config_file if engine else "the configuration file"
        words = [f"Reads {path} again.", "A broken file is refused, and the running configuration stays."]
        title = f"Reload the configuration{f' of {node}' * bool(node)}?"
        self.push_screen(ask_command(title, Reload(), words, node=node))


def link_to(socket_path: str, hosts: Sequence[str] = ()) -> Link:
    """The link to the engine on this socket, or to those on these hosts.

    Raises: HatuiError for a host that is none, or one that is named twice.
    """
    if not hosts:
        return EngineLink(socket_path)
    links: dict[str, EngineLink] = {}
    for there in remote.targets(hosts, by_node=True):
        connect = partial(remote.client_of, there)
        links[there.node] = EngineLink(there.socket, connect=connect, arguments=["--host", there.given])
    return MergedLink(links) if len(links) > 1 else next(iter(links.values()))


def run(
    socket_path: str,
    *,
    hosts: Sequence[str] = (),
    theme: str = "",
    read_only: bool = False,
    fine: bool = False,
    bell: bool = True,
) -> int:
    """The console on live engines. Returns the exit code.

    Raises: HatuiError for a host that is none.
    """
    return _run(HatuiApp(link_to(socket_path, hosts), theme=theme, read_only=read_only, fine=fine, bell=bell))


def replay(path: str, *, speed: float = 1.0, theme: str = "") -> int:
    """The console on a recording: a file of lines as the control socket says them.

    Raises: ValueError when the file is no recording; OSError when it cannot be read.
    """
    return review(JournalLink(load(Path(path)), speed=speed), theme=theme)


def review(link: JournalLink, *, said: Sequence[str] = (), theme: str = "") -> int:
    """The console on a recording; `said` is told when it is there."""
    console = HatuiApp(link, theme=theme)
    for words in said:
        console.call_later(console.say, words, "warning")
    return _run(console)


def _run(app: HatuiApp) -> int:
    app.run()
    if app.last_screen:
        sys.stdout.write(app.last_screen + "\n")
    return app.return_code or 0
