"""A dialog that asks before something is done, shows the command line that does the same, and the result.

Invariant: Cancel has the focus when it opens; the result is what the engine answered, and where the engine
was lost before it answered the outcome is called unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from engine.errors import EngineLost, Refused
from engine.messages import Command, Outcome, Reply
from hatui import keys
from hatui.late import later
from hatui.screens.frame import Dialog
from hatui.text import Line, plain, rule, seconds, wrap
from hatui.widgets.rows import Lines, bindings

if TYPE_CHECKING:
    from hatui.app import HatuiApp

COLUMNS = 77


def outcome_lines(reply: Reply) -> list[Line]:
    """What the engine answered."""
    word, role = {
        Outcome.DONE: ("done", "good"),
        Outcome.REFUSED: ("refused", "bad"),
        Outcome.UNDONE: ("undone: everything is as before", "bad"),
    }[reply.outcome]
    took = f" after {seconds(reply.duration)}" if reply.duration else ""
    code = f" [{reply.code}]" if reply.code else ""
    lines: list[Line] = [((f" {word}{took}{code}", role),)]
    for sentence in reply.text.splitlines():
        lines += [((f" {text}", "plain"),) for text in wrap(plain(sentence), COLUMNS - 2)]
    lines += [((f" {text}", "warn"),) for problem in reply.problems for text in wrap(plain(problem), COLUMNS - 2)]
    if reply.code:
        lines.append(((f" hatui explain {reply.code}", "dim"),))
    return lines


async def performed(
    console: HatuiApp, command: Command, reason: str = "", node: str = "", *, known: bool = False
) -> tuple[list[Line], Outcome | None]:
    """Say a command; what came of it, in lines. None: the outcome is not known, or nobody was asked. `known`: the
    problems were shown before, so where it is done they are not told again."""
    try:
        reply = await console.perform(command, reason, node=node)
    except EngineLost as lost:
        lines: list[Line] = [((" the engine was lost before it answered: the outcome is unknown", "bad"),)]
        return [*lines, *(((f" {text}", "plain"),) for text in wrap(plain(str(lost)), COLUMNS - 2))], None
    except Refused as refused:
        return [((f" refused [{refused.code}]", "bad"),), ((f" {plain(refused.reason)}", "plain"),)], None
    if known and reply.outcome is Outcome.DONE:
        reply = msgspec.structs.replace(reply, problems=())
    return outcome_lines(reply), reply.outcome


def show_hint(pane: Lines, text: str, role: str) -> int:
    """The keys that mean something, or all of what stands against it. The number of its rows."""
    lines = [plain(text)] if len(text) <= COLUMNS - 2 else wrap(plain(text), COLUMNS - 2)
    pane.styles.height = len(lines)
    pane.show([((f" {line}", role),) for line in lines])
    return len(lines)


class Ask(Dialog):
    """A question with Cancel and one other answer."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(
        self,
        title: str,
        body: Sequence[Line],
        *,
        confirm: str = "Do it",
        done: Callable[[], None] | None = None,
        command: Command | None = None,
        node: str = "",
    ) -> None:
        """`node` is asked where there are several and the command names none."""
        super().__init__()
        self._node = node
        self._title = title
        self._body = body
        self._confirm = confirm
        self._done = done
        self._command = command
        self._asked = False

    def compose(self) -> ComposeResult:
        """Text and buttons."""
        with Vertical(classes="dialog"):
            yield Lines(id="text")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button(self._confirm, id="confirm")

    def on_mount(self) -> None:
        """The safe answer first."""
        self._show(self._question())
        self.query_one("#cancel").focus()

    def _question(self) -> list[Line]:
        lines = [*self._body]
        if self._command is not None:
            lines += [
                (),
                ((" Same as   ", "dim"), (self.console.command_line(self._command, node=self._node), "strong")),
            ]
        return lines

    def _show(self, lines: Sequence[Line]) -> None:
        text = self.query_one("#text", Lines)
        hint = f"{keys.show('y')} {self._confirm}   esc Cancel" if not self._asked else "esc Close"
        shown = [*lines, (), ((f" {hint}", "dim"),)]
        text.styles.height = len(shown) + 1
        text.show(shown, rule(self._title, COLUMNS, strong=True))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter."""
        if event.button.id == "confirm":
            self.action_confirm()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """Nothing is done."""
        self.dismiss()

    def action_copy_command(self) -> None:
        """The command line."""
        if self._command is not None:
            self.console.copy(self.console.command_line(self._command, node=self._node))
        else:
            self.console.say("no command does this [E-NOTHING]")

    def action_confirm(self) -> None:
        """Do it, once."""
        if self._asked:
            self.say_decided()
            return
        if self._command is None:
            self.dismiss()
            if self._done is not None:
                self._done()
            return
        self._asked = True
        self.query_one("#confirm", Button).disabled = True
        self.query_one("#cancel", Button).label = "Close"
        self._show([*self._body, (), ((" asking the engine ...", "dim"),)])
        self.run_worker(later(self._perform, self._command))

    async def _perform(self, command: Command) -> None:
        lines, _ = await performed(self.console, command, node=self._node)
        if self.is_mounted:
            self._show([*self._body, (), *lines])


def ask_command(title: str, command: Command, words: Sequence[str], *, node: str = "") -> Ask:
    """A question about one command, for `node` where there are several and it names none."""
    body: list[Line] = [((f" {text}", "plain"),) for word in words for text in wrap(plain(word), COLUMNS - 2)]
    return Ask(title, body, confirm=title.split()[0].rstrip("?"), command=command, node=node)
