"""`s` on the packets screen: which packets, in which form, where to.

Invariant: a file that exists is replaced only when that is confirmed by a second answer, and secrets are written
only when the button says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label

from engine.errors import HatuiError
from engine.messages import PacketLine
from hatui import saving
from hatui.late import later
from hatui.screens.ask import COLUMNS
from hatui.screens.frame import Dialog
from hatui.text import Line, grouped, plain, rule, wrap
from hatui.widgets.rows import Lines, bindings

ENDINGS = {"pcapng": ".pcapng", "text": ".txt"}


class Choice(msgspec.Struct, frozen=True):
    """Packets that may be saved."""

    word: str
    """shown, marked or all."""
    packets: Sequence[PacketLine]


class SavePackets(Dialog):
    """Asks, writes, and says what was written."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, choices: Sequence[Choice], name: str, wanted: str, twin: tuple[str, ...]) -> None:
        super().__init__()
        self._choices = choices
        self._choice = 0
        self._form = "pcapng"
        self._with_secrets = False
        self._proposed = name
        self._wanted = wanted
        self._twin = twin
        self._exists = ""
        """The name that is taken, and may be replaced."""
        self._busy = False

    def compose(self) -> ComposeResult:
        """Words, field, buttons."""
        with Vertical(classes="dialog"):
            yield Lines(id="text")
            with Horizontal(classes="inputs"):
                yield Label("File", markup=False)
                yield Input(self._proposed + ENDINGS[self._form], id="file", select_on_focus=False)
            with Horizontal(classes="buttons"):
                yield Button("", id="which")
                yield Button("", id="form")
                yield Button("", id="secrets")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Save", id="confirm")

    def on_mount(self) -> None:
        """The name can be typed at once."""
        self._show()
        self.query_one(Input).focus()

    @property
    def command(self) -> str:
        """What does the same on the command line, from now on."""
        if self._twin[0] == "decode":
            return self.console.twin(*self._twin)
        count = str(len(self._choices[self._choice].packets))
        words = ["-w", self.query_one(Input).value] if self._form == "pcapng" else []
        secrets = ["--with-secrets"] if self._with_secrets and words else []
        return self.console.twin(*self._twin, *words, "-c", count, *secrets)

    def _show(self, wrong: str = "") -> None:
        choice = self._choices[self._choice]
        size = grouped(len(choice.packets))
        self.query_one("#which", Button).label = f"Which: {choice.word} {size}"
        self.query_one("#form", Button).label = f"As: {self._form}"
        self.query_one("#secrets", Button).label = f"Secrets: {'written' if self._with_secrets else 'zeroed'}"
        self.query_one("#confirm", Button).label = "Replace it" if self._exists else "Save"
        for button in self.query(Button):
            button.refresh(layout=True)  # a longer word needs a wider button
        match = f" that match {self._wanted}" if self._wanted and choice.word == "shown" else ""
        words = [f"{_packets(len(choice.packets))}{match}, with the engine's verdict on each."]
        if self._form == "text":
            words.append("Lines of text hold no secrets.")
        elif self._with_secrets:
            words.append("Passwords, digests and keys are WRITTEN into the file (a viewer was told none).")
        else:
            words.append("Passwords, digests and keys are zeroed: other tools may call those checksums wrong.")
        lines: list[Line] = [((f" {text}", "plain"),) for word in words for text in wrap(plain(word), COLUMNS - 2)]
        again = " From now on as   " if self._twin[0] == "capture" else " Same as          "
        head, *more = wrap(plain(self.command), COLUMNS - 20)
        lines.append(((again, "dim"), (head, "strong")))
        lines += [((" " * len(again) + text, "strong"),) for text in more]
        lines += [((f" {text}", "bad"),) for text in wrap(plain(wrong), COLUMNS - 2)]
        lines += [(), ((" enter Save   tab to the buttons   esc Cancel", "dim"),)]
        text = self.query_one("#text", Lines)
        text.styles.height = len(lines) + 1
        text.show(lines, rule("Save packets", COLUMNS, strong=True))

    def on_input_changed(self) -> None:
        """Another name is another file."""
        self._exists = ""
        self._show()

    def on_input_submitted(self) -> None:
        """Enter in the field saves; what exists is only replaced from the button."""
        if self._exists:
            self.query_one("#confirm", Button).focus()
        else:
            self.action_confirm()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter on a button."""
        match event.button.id:
            case "which":
                self._choice = (self._choice + 1) % len(self._choices)
            case "form":
                self._next_form()
            case "secrets":
                self._with_secrets = not self._with_secrets
            case "confirm":
                self.action_confirm()
                return
            case _:
                self.action_cancel()
                return
        self._show()

    def _next_form(self) -> None:
        before, self._form = self._form, saving.FORMS[1 - saving.FORMS.index(self._form)]
        field = self.query_one(Input)
        if field.value.endswith(ENDINGS[before]):
            field.value = field.value.removesuffix(ENDINGS[before]) + ENDINGS[self._form]

    def action_confirm(self) -> None:
        """Write it, while the console goes on."""
        name = self.query_one(Input).value.strip()
        if not name:
            self._show("A name is missing.")
        elif not self._busy:
            self._busy = True
            self.run_worker(later(self._write, name, replace=name == self._exists))

    async def _write(self, name: str, *, replace: bool) -> None:
        choice = self._choices[self._choice]
        try:
            size = await asyncio.to_thread(
                saving.save, name, choice.packets, self._form, with_secrets=self._with_secrets, replace=replace
            )
        except saving.Taken as taken:
            self._exists = name
            self._show(f"{taken}: replace it, or write another name [E-EXISTS]")
            return
        except HatuiError as wrong:
            self._show(str(wrong))
            return
        finally:
            self._busy = False
        self.dismiss()
        self.console.say(f"saved {_packets(len(choice.packets))}, {grouped(size)} octets: {name}")

    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss()

    def action_copy_command(self) -> None:
        """The command line."""
        self.console.copy(self.command)


def _packets(count: int) -> str:
    return f"{grouped(count)} packet{'s' * (count != 1)}"
