"""`s`: what a screen shows, into a file.

Invariant: an existing file is never overwritten, and what is said to be saved has been written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, TextArea

from hatui.screens.ask import COLUMNS
from hatui.screens.frame import Dialog, FrameScreen
from hatui.text import NS, Line, clock, plain, rule, wrap
from hatui.widgets.rows import Lines, bindings

if TYPE_CHECKING:
    from hatui.app import HatuiApp


def save_new(path: Path, octets: bytes) -> str:
    """Write a file that does not exist yet, for its owner alone. Returns what is wrong, or nothing."""
    try:
        descriptor = os.open(os.path.expanduser(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
    except FileExistsError:
        return f"{path} exists: choose another name [E-EXISTS]"
    except OSError as error:
        return f"{path}: {error.strerror} [E-IO]"
    return ""


MOST = 5000
"""Rows of one pane that are written down; the screens of packets and events save all of theirs."""


def save_view(screen: FrameScreen) -> None:
    """Ask for a file for all panes of a screen, with the rows that are out of sight too."""
    if screen.has_class("card"):
        screen.console.say("there is nothing to save while there is no engine [E-NO-ENGINE]", "warning")
        return
    text = "\n".join(view_lines(screen)) + "\n"
    words = ["All panes of this screen as text, with the rows that are out of sight. Secrets stay hidden."]
    screen.app.push_screen(
        Save(f"Save {screen.PLACE}", words, file_name(screen.console, screen.PLACE), lambda: text.encode())
    )


def file_name(console: HatuiApp, what: str, ending: str = "txt") -> str:
    """The name that is offered: what, where, when."""
    hello = console.store.hello
    host = f"{hello.host.partition('.')[0]}-" if hello else ""
    stamp = clock(console.link.wall(), "utc").replace(":", "")
    return f"hatui-{what}-{''.join(char if char.isalnum() or char in '-_' else '_' for char in host)}{stamp}.{ending}"


def view_lines(screen: FrameScreen) -> Iterator[str]:
    """The panes that are seen, from first to last, each under its title."""
    hello, wall = screen.console.store.hello, screen.console.link.wall()
    yield f"{plain(hello.host) if hello else ''}  {screen.PLACE}  {datetime.fromtimestamp(wall // NS, UTC).isoformat()}"
    for pane in screen.query_one("#body").walk_children():
        if isinstance(pane, TextArea) and pane.region:
            yield from ("", *screen.guarded(pane.text).splitlines())
        elif isinstance(pane, Lines) and pane.region:
            yield ""
            yield from map(flat, pane.written(MOST))


def flat(line: Line) -> str:
    """A line as text."""
    return "".join(text for text, _ in line).rstrip()


class Save(Dialog):
    """Asks for the name of a file."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(
        self, title: str, words: Sequence[str], name: str, octets: Callable[[], bytes], same_as: str = ""
    ) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._name = name
        self._octets = octets
        self._same_as = same_as

    def compose(self) -> ComposeResult:
        """Words, field, buttons."""
        with Vertical(classes="dialog"):
            yield Lines(id="text")
            with Horizontal(classes="inputs"):
                yield Label("File", markup=False)
                yield Input(self._name, id="file", select_on_focus=False)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Save", id="confirm")

    def on_mount(self) -> None:
        """The name can be typed at once."""
        self._show()
        self.query_one(Input).focus()

    def _show(self, wrong: str = "") -> None:
        lines: list[Line] = [
            ((f" {text}", "plain"),) for word in self._words for text in wrap(plain(word), COLUMNS - 2)
        ]
        if self._same_as:
            lines.append(((" Same as   ", "dim"), (self._same_as, "strong")))
        lines += [((f" {text}", "bad"),) for text in wrap(plain(wrong), COLUMNS - 2)]
        lines += [(), ((" enter Save   esc Cancel", "dim"),)]
        text = self.query_one("#text", Lines)
        text.styles.height = len(lines) + 1
        text.show(lines, rule(self._title, COLUMNS, strong=True))

    def on_input_submitted(self) -> None:
        """Enter in the field saves: nothing is ever overwritten."""
        self.action_confirm()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter on a button."""
        if event.button.id == "confirm":
            self.action_confirm()
        else:
            self.action_cancel()

    def action_confirm(self) -> None:
        """Write it."""
        name = self.query_one(Input).value.strip()
        if not name:
            self._show("a name is missing [E-NOTHING]")
            return
        wrong = save_new(Path(name), self._octets())
        if wrong:
            self._show(wrong)
            return
        self.dismiss()
        self.console.say(f"saved {name}")

    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss()

    def action_copy_command(self) -> None:
        """The command line that does the same."""
        if self._same_as:
            self.console.copy(self._same_as)
        else:
            self.console.say("no command does this [E-NOTHING]")
