"""`:` with completion, and the palette: all that the console can do, by name.

Invariant: both are made from the key table, the themes and the instances; nothing can be done here that a
key or a subcommand cannot do.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.fuzzy import Matcher
from textual.widgets import Input, Label

from engine.codes import explain, nearest
from hatui import keys
from hatui.screens.frame import Dialog
from hatui.screens.pager import Pager
from hatui.store import Store
from hatui.text import Line, plain, rule
from hatui.widgets.rows import Rows, bindings

if TYPE_CHECKING:
    from hatui.app import HatuiApp


class Entry(msgspec.Struct, frozen=True):
    """One thing that can be done."""

    words: str
    """What is typed after `:`."""
    help: str
    run: Callable[[], object]
    key: str = ""
    acts: bool = False


def entries(app: HatuiApp) -> list[Entry]:
    """All that can be done now, in a fixed order."""
    found: list[Entry] = []
    for mode in ("dashboard", "packets", "config", "drills", "events", "peers"):
        key = keys.named(f"everywhere.{mode}")
        found.append(Entry(mode, key.help, _call(app.action_show_mode, mode), key.key))
    for status in app.store.instances.values():
        name = status.name
        found.append(
            Entry(
                f"failover {name}",
                f"Move the addresses of {name} on purpose.",
                _call(app.open_failover, name),
                "F",
                acts=True,
            )
        )
        if status.hold_kind:
            found.append(
                Entry(f"release {name}", f"End the hold of {name}.", _call(app.open_release, name), "U", acts=True)
            )
        found.append(Entry(f"vrid {status.vrid}", f"Select {name}.", _call(_select, app, name)))
        found.append(Entry(f"instance {name}", f"Select {name}.", _call(_select, app, name)))
    found += [
        Entry("announce", keys.named("everywhere.announce").help, app.action_announce, "A", acts=True),
        Entry("reload", keys.named("everywhere.reload").help, app.action_reload, "R", acts=True),
        Entry("problems", keys.named("everywhere.problems").help, app.action_problems, "!"),
        Entry("help", keys.named("everywhere.help").help, app.action_help, "?"),
        Entry("time", keys.named("everywhere.time").help, app.action_cycle_time, "t"),
    ]
    for node in app.store.nodes:
        found.append(
            Entry(f"node {node}", f"Configuration and node-wide commands: {node}.", _call(app.choose_node, node))
        )
    for theme in sorted(app.available_themes):
        found.append(Entry(f"theme {theme}", f"Colours of {theme}.", _call(_theme, app, theme)))
    found += [
        Entry("nocolor", "No colours: bold, reverse and underline instead.", _call(_theme, app, "hatui-mono")),
        Entry("replay TIME", "The past on these screens, such as `replay 13:50`.", _call(_replay, app)),
        Entry("open FILE", "A capture file (pcap, pcapng) on the packets screen.", _call(_open, app)),
        Entry(
            "drill PLAN VI",
            "Rehearse a failover, such as `drill silent-master`: of the selected instance, or of VI.",
            _call(_drill, app, ()),
            "D",
            acts=True,
        ),
        Entry("explain CODE", "What a code means, such as `explain E-NO-SUCCESSOR`.", _call(_explain, app, "")),
        Entry("quit", keys.named("everywhere.quit").help, _call(app.action_leave, False), "q"),  # noqa: FBT003
    ]
    from hatui.screens.config_words import config_entries

    for extra in getattr(app.frame, "commands", list)():
        found.append(extra)
    found += config_entries(app)
    return [*found, *_keyed(app, {entry.words for entry in found})]


TYPED = {"everywhere.command", "everywhere.palette", "everywhere.next", "everywhere.previous"}
"""Keys that mean nothing as words."""


def _keyed(app: HatuiApp, known: Collection[str]) -> Iterator[Entry]:
    """What the keys of this screen do, and those that are valid everywhere; also for who has only a mouse."""
    frame = app.frame
    table, idle = app.keymap.table, frame.idle_keys if frame is not None else ()
    here = keys.at(frame.PLACE, table) if frame is not None else ()
    widens = (keys.named("list.wide_columns"),) if getattr(frame and frame.focused, "WIDENS", False) else ()
    for key in (*here, *widens, *keys.at(keys.EVERYWHERE, table)):
        words = key.id.partition(".")[2].replace("_", " ")
        if words not in known and key.id not in TYPED and key.id not in idle:
            where: object = frame.focused if frame is not None and key in widens else frame
            where = app if key.place == keys.EVERYWHERE else where
            yield Entry(words, key.help, _call(app.call_later, app.run_action, key.action, where), key.key, key.acts)


def _call(function: Callable[..., object], *arguments: object) -> Callable[[], object]:
    return lambda: function(*arguments)


def _theme(app: HatuiApp, name: str) -> None:
    app.theme = name


def _select(app: HatuiApp, name: str) -> None:
    from hatui.screens.dashboard import Dashboard
    from hatui.widgets.instances import InstanceTable

    app.action_show_mode("dashboard")
    frame = app.frame
    if isinstance(frame, Dashboard):
        frame.query_one(InstanceTable).move_to_key(name)


def _replay(app: HatuiApp) -> None:
    app.say("write a time behind it, such as :replay 13:50 [E-COMMAND]")


def _open(app: HatuiApp) -> None:
    app.say("write a file behind it, such as :open /tmp/vrrp.pcapng [E-COMMAND]")


def _drill(app: HatuiApp, words: Sequence[str]) -> None:
    from hatui.screens.drills import drill_by_words

    if wrong := drill_by_words(app, words[1:] if words[:1] == ["run"] else words):
        app.say(wrong, "warning")


def _explain(app: HatuiApp, code: str) -> None:
    text = explain(code, 72) if code else "Write a code behind it, such as :explain E-NO-SUCCESSOR"
    if not text:
        near = " ".join(nearest(code))
        text = f"No code is named {plain(code)}." + (f" Did you mean {near}?" if near else "")
    lines: list[Line] = [((f" {line}", "plain"),) for line in text.splitlines()]

    def page(store: Store, now: int, columns: int) -> tuple[str, Sequence[Line]]:  # noqa: ARG001
        return plain(code.upper()) or "explain", lines

    app.push_screen(Pager(page))


def execute(app: HatuiApp, text: str) -> str:
    """Do what was typed after `:`. Returns what is wrong with it, or nothing."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        return f"{error} [E-COMMAND]"
    if not words:
        return ""
    typed = " ".join(words)
    if words[0] == "explain" and len(words) == 2:
        _explain(app, words[1])
        return ""
    if words[0] == "replay" and len(words) in (2, 3):
        app.start_replay(" ".join(words[1:]))
        return ""
    if words[0] == "open" and len(words) == 2:
        app.open_capture(words[1])
        return ""
    if words[0] == "block" and len(words) == 2:
        app.open_block(words[1])
        return ""
    if words[0] == "rollback" and len(words) == 2 and words[1].isdecimal():
        from hatui.screens.config_words import roll_back

        roll_back(app, int(words[1]))
        return ""
    if words[0] in ("q", "quit"):
        app.action_leave(False)  # noqa: FBT003
        return ""
    matching = [entry for entry in entries(app) if entry.words == typed]
    if not matching and words[0] == "failover" and len(words) > 2:
        matching = [entry for entry in entries(app) if entry.words == " ".join(words[:2])]
    if not matching and words[0] == "drill":
        _drill(app, words[1:])
        return ""
    if not matching:
        begun = [entry for entry in entries(app) if entry.words.startswith(typed)]
        if len(begun) == 1:
            matching = begun
    if not matching:
        return f"not understood: {plain(typed)} [E-COMMAND]"
    matching[0].run()
    return ""


class CommandLine(Dialog):
    """`:` at the bottom of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("command")

    def compose(self) -> ComposeResult:
        """Candidates over the field."""
        with Vertical():
            yield Rows(id="candidates")
            with Horizontal(classes="field-line open"):
                yield Label(":", markup=False)
                yield Input(id="command-input", select_on_focus=False)
                yield Label("", id="command-verdict", markup=False)

    def on_mount(self) -> None:
        """Ready to type."""
        self._entries = entries(self.console)
        self._shown: list[Entry] = []
        self.query_one(Rows).can_focus = False
        self.query_one(Input).focus()
        self._narrow("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what it may become."""
        self.query_one("#command-verdict", Label).update("")
        self._narrow(event.value)

    def _narrow(self, text: str) -> None:
        begun = text.strip().lower()
        starting = [entry for entry in self._entries if entry.words.lower().startswith(begun)]
        inside = [entry for entry in self._entries if begun in entry.words.lower() and entry not in starting]
        self._shown = [*starting, *inside][:60]
        rows = self.query_one(Rows)
        rows.styles.height = min(8, len(self._shown))
        rows.show_rows(
            [_entry_line(entry, may_act=self.console.may_act) for entry in self._shown], list(range(len(self._shown)))
        )
        rows.move_to(0)

    def action_choose(self, step: int) -> None:
        """Another candidate."""
        self.query_one(Rows).action_cursor(step)

    def action_complete(self) -> None:
        """The candidate into the field."""
        at = self.query_one(Rows).cursor
        if at < len(self._shown):
            field = self.query_one(Input)
            field.value = self._shown[at].words
            field.cursor_position = len(field.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do it."""
        event.stop()
        text = event.value.strip()
        at = self.query_one(Rows).cursor
        if text and all(entry.words != text for entry in self._entries) and at and at < len(self._shown):
            text = self._shown[at].words
        app = self.console
        self.dismiss()
        app.call_later(self._execute, app, text)

    def on_rows_chosen(self) -> None:
        """A second click does it."""
        self.action_complete()
        self.call_later(self.query_one(Input).action_submit)

    @staticmethod
    def _execute(app: HatuiApp, text: str) -> None:
        wrong = execute(app, text)
        if wrong:
            app.say(wrong, "warning")

    def action_close(self) -> None:
        """Nothing."""
        self.dismiss()


def _entry_line(entry: Entry, *, may_act: bool) -> Line:
    dim = entry.acts and not may_act
    key = keys.show(entry.key) if entry.key else ""
    return (
        (f"  {entry.words:<26} ", "dim" if dim else "strong"),
        (f"{key:<3} ", "key"),
        (entry.help, "dim"),
    )


class PaletteScreen(Dialog):
    """ctrl+p: search all entries."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("palette")

    def compose(self) -> ComposeResult:
        """A field over the list."""
        with Vertical(classes="dialog tall-dialog"):
            with Horizontal(classes="field-line open"):
                yield Label(" > ", markup=False)
                yield Input(placeholder="what to do", id="palette-input", select_on_focus=False)
            yield Rows(id="found")

    def on_mount(self) -> None:
        """Ready to type."""
        self._entries = entries(self.console)
        self._shown: list[Entry] = []
        self.query_one(Input).focus()
        self.call_after_refresh(self._narrow, "")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Best match first."""
        self._narrow(event.value)

    def _narrow(self, text: str) -> None:
        if text.strip():
            matcher = Matcher(text.strip())
            scored = [
                (max(matcher.match(entry.words), 0.6 * matcher.match(entry.help)), entry) for entry in self._entries
            ]
            self._shown = [entry for score, entry in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
        else:
            self._shown = list(self._entries)
        rows = self.query_one(Rows)
        lines = [_entry_line(entry, may_act=self.console.may_act) for entry in self._shown]
        rows.show_rows(
            lines, list(range(len(lines))), rule("Palette", rows.size.width, f"{len(lines)} of {len(self._entries)}")
        )
        rows.move_to(0)

    def action_choose(self, step: int) -> None:
        """Another one."""
        self.query_one(Rows).action_cursor(step)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do the selected one."""
        event.stop()
        self._run()

    def on_rows_chosen(self) -> None:
        """A second click does it."""
        self._run()

    def _run(self) -> None:
        at = self.query_one(Rows).cursor
        if at < len(self._shown):
            entry = self._shown[at]
            self.dismiss()
            self.console.call_later(entry.run)

    def action_close(self) -> None:
        """Nothing."""
        self.dismiss()
