"""A dialog with fields that asks the engine what would happen, then does it, and shows what the engine answered.

Invariant: Cancel has the focus when it opens, enter never confirms, and nothing is claimed before the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label

from engine.errors import EngineLost, Refused
from engine.messages import Command, Reply
from hatui.late import later
from hatui.meanwhile import Meanwhile
from hatui.screens.ask import COLUMNS, outcome_lines, show_hint
from hatui.screens.frame import Dialog
from hatui.text import Line, plain, rule, wrap
from hatui.widgets.rows import Lines, bindings

AROUND = 5
"""Rows of a dialog that are neither text nor fields nor hint: frame, headline, buttons with a row above."""


def _fitted(lines: list[Line], twin: list[Line], room: int) -> list[Line]:
    """What leaves room for the fields, the keys and the buttons. The last line is the sum of those before it; the
    command line can be copied without being seen."""
    if len(lines) + len(twin) <= room:
        return [*lines, *twin]
    if len(lines) <= room:
        return lines
    kept = max(0, room - 2)
    more: Line = ((f" ... {len(lines) - 1 - kept} more lines, in a taller window", "dim"),)
    return [*lines[:kept], more, lines[-1]]


class Acting(Dialog):
    """What differs between such dialogs is `fields`, `title`, `command`, `explained`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")
    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    """Id, label, placeholder."""
    CONFIRM: ClassVar[str] = "Do it"

    def __init__(self) -> None:
        super().__init__()
        self._phase = "asking"
        self._forecast: list[Line] = [((" asking the engine ...", "dim"),)]
        self._result: list[Line] = []
        self._meanwhile: Meanwhile | None = None

    def compose(self) -> ComposeResult:
        """Text, fields, buttons."""
        with Vertical(classes="dialog"):
            yield Lines(id="text")
            for name, label, placeholder in self.FIELDS:
                with Horizontal(classes="inputs"):
                    yield Label(label, markup=False)
                    yield Input(self.given(name), id=name, placeholder=placeholder, select_on_focus=False)
            yield Lines(id="hint")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button(self.CONFIRM, id="confirm")

    def on_mount(self) -> None:
        """The safe answer first; the engine is asked what would happen."""
        self._meanwhile = Meanwhile(self.console.store, self.about())
        self.query_one("#cancel").focus()
        self.paint()
        self.ask_again()

    # what a dialog says ------------------------------------------------------------------------

    def given(self, name: str) -> str:  # noqa: ARG002
        """What stands in a field at first."""
        return ""

    def headline(self) -> str:
        """The first line."""
        raise NotImplementedError

    def command(self, *, trial: bool) -> Command:
        """The wish. Raises: ValueError when a field cannot be read."""
        raise NotImplementedError

    def about(self) -> str:
        """The instance, or `NODE:`, that it acts on; empty: the chosen node."""
        return ""

    def wrong(self) -> str:
        """What stands against it, besides what the engine says."""
        return ""

    def waiting(self) -> str:
        """What stands below while the engine works."""
        return "esc Close"

    def explained(self, reply: Reply) -> list[Line]:
        """The engine's answer to the trial."""
        return [((f" {line}", "plain"),) for part in reply.text.split("; ") for line in wrap(plain(part), COLUMNS - 2)]

    def twin_words(self) -> str:
        """The command line that does the same. Raises: ValueError when a field cannot be read."""
        return self.console.command_line(self.command(trial=False), self.value("reason"))

    def ended(self, reply: Reply) -> list[Line]:
        """The engine's answer."""
        return outcome_lines(reply)

    # what is shown -------------------------------------------------------------------------------

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.query_one(f"#{name}", Input).value.strip()

    def ask_again(self) -> None:
        """Let the engine say what would happen."""
        try:
            command = self.command(trial=True)
        except ValueError:
            return
        self.run_worker(later(self._try, command), exclusive=True, group="trial")

    async def _try(self, command: Command) -> None:
        try:
            reply = await self.console.perform(command, "trial")
        except (EngineLost, Refused) as error:
            self._forecast = [((f" {plain(str(error))}", "bad"),)]
        else:
            self._forecast = self.explained(reply) if not reply.code else outcome_lines(reply)
        self.paint()

    def _against(self) -> str:
        why_not = self.console.why_not_at(self.about()) or self.console.why_silent(self.about())
        if why_not:
            return why_not
        try:
            self.command(trial=False)
        except ValueError as error:
            return f"{error} [E-RANGE]"
        begun = self._meanwhile.against(self.console.store) if self._meanwhile is not None else ""
        return begun or self.wrong()

    def paint(self) -> None:
        """Forecast while asking, the result afterwards."""
        if not self.is_mounted or not self.query("#text"):
            return
        asking = self._phase == "asking"
        against = self._against() if asking else ""
        after = self.waiting() if self._phase == "waiting" else "esc Close"
        hint = against or (f"y {self.CONFIRM}   esc Cancel   c Copy command" if asking else after)
        taken = show_hint(self.query_one("#hint", Lines), hint, "warn" if against else "dim")
        taken += AROUND + sum(bool(row.display) for row in self.query(".inputs"))
        twin = self._twin() if asking and not against else []
        lines = _fitted(self._forecast if asking else self._result, twin, self.size.height - taken)
        text = self.query_one("#text", Lines)
        text.styles.height = len(lines) + 1
        text.show(lines, rule(self.headline(), COLUMNS, strong=True))
        self.query_one("#confirm", Button).disabled = bool(against) or not asking

    def _twin(self) -> list[Line]:
        parts = wrap(self.twin_words(), COLUMNS - 11)
        return [
            (),
            *((((" Same as  " if not at else " " * 10), "dim"), (part, "strong")) for at, part in enumerate(parts)),
        ]

    def on_resize(self) -> None:
        """Another size shows more, or less."""
        self.paint()

    # what is done --------------------------------------------------------------------------------

    def on_input_changed(self) -> None:
        """The command line follows the fields."""
        self.paint()

    def on_input_submitted(self) -> None:
        """Enter in a field goes to the buttons; the engine says anew what would happen."""
        self.query_one("#cancel").focus()
        self.ask_again()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter on a button."""
        if event.button.id == "confirm":
            self.action_confirm()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """From a field to the buttons; from there away."""
        if isinstance(self.focused, Input) and self._phase == "asking":
            self.query_one("#cancel").focus()
            self.ask_again()
        else:
            self.dismiss()

    def action_copy_command(self) -> None:
        """The command line that does the same."""
        if against := self._against():
            self.console.say(against, "warning")
        else:
            self.console.copy(self.twin_words())

    def action_confirm(self) -> None:
        """Do it, once."""
        against = self._against()
        if self._phase != "asking" or against:
            if against:
                self.console.say(against, "warning")
            else:
                self.say_decided()
            return
        command, reason = self.command(trial=False), self.value("reason")
        self._phase = "waiting"
        self._result = [((" asking the engine ...", "dim"),)]
        for row in self.query(".inputs"):
            row.display = False
        self.query_one("#cancel", Button).label = "Close"
        self.query_one("#cancel").focus()
        self.paint()
        self.begin(partial(self.perform, command, reason))

    def _progress(self, text: str) -> None:
        self._result = [*self._result, ((f" {plain(text)}", "plain"),)][-12:]
        self.paint()

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let it run, as long as this dialog is there."""
        self.run_worker(later(work))

    async def perform(self, command: Command, reason: str) -> None:
        """Ask the engine and keep what it answers."""
        try:
            reply = await self.console.perform(command, reason, self._progress)
        except EngineLost as lost:
            self._result = [((" the engine was lost before it answered: the outcome is unknown", "bad"),)]
            self._result += [((f" {text}", "plain"),) for text in wrap(plain(str(lost)), COLUMNS - 2)]
        except Refused as refused:
            self._result = [((f" refused [{refused.code}]", "bad"),), ((f" {plain(refused.reason)}", "plain"),)]
        else:
            self._result = self.ended(reply)
        self._phase = "done"
        self.paint()
