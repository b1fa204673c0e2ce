"""The review of a changed configuration: the difference, its problems, what applying does, and apply.

Invariant: errors forbid applying, and so does a file that changed since it was read; the engine checks both
again. What the engine answers is shown as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label

from engine.errors import EngineLost, Refused
from engine.messages import ApplyConfig, ConfigText, Outcome
from hatui.drafts import Draft, unified
from hatui.screens.ask import outcome_lines
from hatui.screens.frame import Dialog
from hatui.text import Line, plain, rule, seconds
from hatui.widgets.rows import Rows, bindings

if TYPE_CHECKING:
    from hatui.screens.config import ConfigScreen

ROLES = {"+": "good", "-": "bad", "@": "title"}


class Review(Dialog):
    """Difference, problems, impact; `y` applies."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, draft: Draft, shown: str, disk: ConfigText | None) -> None:
        super().__init__()
        self._draft = draft
        self._shown = shown
        self._disk = disk
        self._judged = draft.judge(shown)
        self._phase = "asking"
        self._result: list[Line] = []

    def compose(self) -> ComposeResult:
        """Difference, comment, buttons."""
        with Vertical(classes="dialog tall-dialog wide-dialog"):
            yield Rows(id="diff")
            with Horizontal(classes="inputs"):
                yield Label("Comment", markup=False)
                yield Input(id="comment", placeholder="for the history", select_on_focus=False)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Apply", id="confirm")

    def on_mount(self) -> None:
        """The difference has the keys."""
        self.query_one(Rows).focus()
        self.call_after_refresh(self.paint)

    @property
    def _wrong(self) -> str:
        """What forbids applying."""
        if self.console.why_not:
            return self.console.why_not
        if self._disk is not None:
            return "the file on disk has changed since it was read: close this and press u, or apply is refused"
        if not self._draft.changed(self._shown):
            return "nothing is changed"
        if not self._judged.runs:
            return f"{self._judged.errors or 'fatal'} errors: mend them first"
        return ""

    def _lines(self) -> list[Line]:
        lines: list[Line] = list(self._result)
        wrong = self._wrong if self._phase == "asking" else ""
        if wrong:
            lines += [((f" {plain(wrong)}", "bad"),), ()]
        if self._disk is not None:
            lines.append(((" Changed on disk by somebody else:", "title"),))
            mine = self._draft.shown()
            lines += _diff_lines(unified(mine, self._draft.masks.mask(self._disk.text), self._draft.path))
            lines += [(), ((" Yours:", "title"),)]
        lines += _diff_lines(self._draft.diff(self._shown))
        lines += [(), ((" Impact", "title"),)]
        impact = self._judged.impact or ("nothing that runs changes",)
        lines += [((f"   {plain(text)}", "plain"),) for text in impact]
        if self._judged.interruption:
            lines.append(((f"   up to {seconds(self._judged.interruption)} without an address on this node", "warn"),))
        found = (*self._judged.problems, *self._judged.elsewhere)
        if found:
            lines += [(), ((" Problems", "title"),)]
        for one in found:
            role = {"error": "bad", "warning": "warn"}.get(one.severity, "dim")
            lines.append(((f"   {one.line}:{one.column} {one.code:<11} ", role), (plain(one.what), "plain")))
        return lines

    def paint(self) -> None:
        """All of it."""
        if not self.is_mounted or not self.query("#diff"):
            return
        rows = self.query_one(Rows)
        lines = self._lines()
        hint = "y Apply   esc Cancel" if self._phase == "asking" and not self._wrong else "esc Close"
        title = rule(f"Review {plain(self._draft.path)}", rows.size.width, hint, strong=True)
        rows.show_rows(lines, list(range(len(lines))), title)
        self.query_one("#confirm", Button).disabled = self._phase != "asking" or bool(self._wrong)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter on a button."""
        if event.button.id == "confirm":
            self.action_confirm()
        else:
            self.action_cancel()

    def on_input_submitted(self) -> None:
        """Enter in the field never applies."""
        self.query_one(Rows).focus()

    def action_cancel(self) -> None:
        """Back to the editor."""
        if isinstance(self.focused, Input):
            self.query_one(Rows).focus()
        else:
            self.dismiss()

    def action_copy_command(self) -> None:
        """The difference as text."""
        self.console.copy("\n".join(self._draft.diff(self._shown)))

    def action_confirm(self) -> None:
        """Apply, once."""
        if self._phase != "asking":
            return
        if self._wrong:
            self.console.say(self._wrong, "warning")
            return
        self._phase = "waiting"
        self._result = [((" the engine checks and applies ...", "dim"),), ()]
        self.paint()
        self.run_worker(self._apply())

    async def _apply(self) -> None:
        text = self._draft.masks.unmask(self._shown)
        command = ApplyConfig(text, self._draft.base.digest, self.query_one("#comment", Input).value)
        done = False
        try:
            reply = await self.console.perform(command)
        except EngineLost as lost:
            self._result = [((" the engine was lost before it answered: the outcome is unknown", "bad"),)]
            self._result.append(((f" {plain(str(lost))}", "plain"),))
        except Refused as refused:
            self._result = [((f" refused [{refused.code}]: {plain(refused.reason)}", "bad"),)]
        else:
            self._result = outcome_lines(reply)
            done = reply.outcome is Outcome.DONE
        self._result.append(())
        self._phase = "done"
        if done:
            screen = self.console.frame
            if screen is not None and screen.PLACE == "config":
                config: ConfigScreen = screen  # type: ignore[assignment]
                config.applied()
        self.paint()
        if self.is_mounted:
            self.query_one("#cancel", Button).label = "Close"
            self.query_one(Rows).move_to(0)


def _diff_lines(diff: list[str]) -> list[Line]:
    return [((f" {plain(text)}", ROLES.get(text[:1], "plain")),) for text in diff] or [((" no difference", "dim"),)]
