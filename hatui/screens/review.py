"""The review of a changed configuration: the difference, its problems, what applying does, and apply.

Invariant: errors forbid applying, and so does a file that changed since it was read; the engine checks both
again. Where this node serves an instance that changes, the change is applied with a way back. What the engine
answers is shown as it stands.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label

from engine.messages import Outcome
from hatui.drafts import Draft, Judgement
from hatui.late import later
from hatui.nodes import whole
from hatui.pending import waiting, why_not_for_good
from hatui.screens.ask import performed
from hatui.screens.editor import LONG_TEXT
from hatui.screens.frame import Dialog
from hatui.screens.twins import Twins
from hatui.text import Line, parse_duration, plain, rule, wrap
from hatui.widgets.candidate import diff_lines, review_impact, review_problems
from hatui.widgets.rows import Rows, bindings

if TYPE_CHECKING:
    from hatui.screens.config import ConfigScreen

WITHIN = "5m"
"""Time to confirm that is offered."""
LONGEST_S = 7 * 86_400
"""What the engine takes at most, seconds."""


class Review(Dialog):
    """Difference, problems, impact; `y` applies and waits for a confirmation."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("review")]

    def __init__(self, screen: ConfigScreen, draft: Draft, shown: str, disk: bool) -> None:
        super().__init__()
        self._screen = screen
        self._draft = draft
        self._shown = shown
        self._disk = disk
        self._judged: Judgement | None = None if len(shown) > LONG_TEXT else draft.judge(shown)
        self._diff = draft.diff(shown)
        self._phase = "asking"
        self._result: list[Line] = []
        self._twins = Twins(screen.console, screen.node)

    def compose(self) -> ComposeResult:
        """Difference, comment, buttons."""
        with Vertical(classes="dialog tall-dialog wide-dialog"):
            yield Rows(id="diff")
            with Horizontal(classes="inputs"):
                yield Label("Comment", markup=False)
                yield Input(id="comment", placeholder="for the history", select_on_focus=False)
            with Horizontal(classes="inputs", id="nodes-row"):
                yield Label("Apply", markup=False)
                yield Button(self._twins.label, id="nodes")
            with Horizontal(classes="inputs", id="within-row"):
                yield Label("Confirm within", markup=False)
                yield Input(WITHIN, id="within", select_on_focus=False)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Apply and confirm", id="confirm")
                yield Button("For good", id="for-good")
                yield Button("Save only", id="save")

    def on_mount(self) -> None:
        """The difference has the keys."""
        self.query_one(Rows).focus()
        self.query_one("#within-row").display = self._may_confirm
        self.query_one("#nodes-row").display = self._twins.possible
        self.call_after_refresh(self.paint)
        self.run_worker(later(self._judge))

    async def _judge(self) -> None:
        if self._judged is None:
            self._judged = await asyncio.to_thread(self._draft.judge, self._shown)
        judged = self._judged
        self.paint()
        self._judged = await self._screen.editing.verdict(self._screen.home, self._screen.ask, self._shown, judged)
        self.paint()

    # what stands against it --------------------------------------------------------------------

    @property
    def _may_confirm(self) -> bool:
        """The engine knows how to take an unconfirmed change back."""
        hello = self._screen.home.hello
        return hello is not None and "confirm" in hello.capabilities

    @property
    def _wrong(self) -> str:
        """What forbids applying."""
        judged, one = self._judged, waiting(self._screen.home)
        if self._phase == "waiting":
            return "the engine is at it: its answer comes here [E-CHECKING]"
        if self._phase == "done":
            return "the engine has answered: esc closes this [E-NOTHING]"
        if self._screen.why_not:
            return self._screen.why_not
        if silent := self.console.why_silent(whole(self._screen.node)):
            return silent
        if self._disk:
            return "the file on disk has changed since it was read: esc, d shows it, u or k decides [E-CONFIG-CHANGED]"
        if not self._draft.changed(self._shown):
            return "nothing is changed [E-UNCHANGED]"
        if strange := self._draft.strange_secrets(self._shown):
            return f"{strange[0]} stands for no secret that is known here: type the secret again [E-SECRET]"
        if judged is None:
            return "still checking [E-CHECKING]"
        if not judged.runs:
            return f"{judged.errors or 'fatal'} errors: mend them first [E-CONFIG-BROKEN]"
        if one is not None:
            return (
                f"config #{one.number} of {one.by} waits for its confirmation: C decides about it first [E-UNCONFIRMED]"
            )
        return self._twins.wrong

    @property
    def _why_not_for_good(self) -> str:
        """What a node serves now, or this connection comes over, and the change touches."""
        return self._own_way_back or self._twins.why_not_for_good

    @property
    def _own_way_back(self) -> str:
        home = self._screen.home
        own = (home.hello.arrived if home.hello else "") or self.console.login
        return why_not_for_good(self._judged, home, own) if self._judged and self._may_confirm else ""

    def _within(self) -> int:
        """Raises: ValueError."""
        seconds_left = parse_duration(self.query_one("#within", Input).value)
        if not 1 <= seconds_left <= LONGEST_S:
            raise ValueError("the time to confirm lies between 1s and 7d [E-RANGE]")
        return seconds_left

    @property
    def _wrong_time(self) -> str:
        """What is wrong with the time to confirm."""
        try:
            self._within()
        except ValueError as error:
            return str(error) if self._may_confirm else ""
        return ""

    # what is shown -----------------------------------------------------------------------------

    def _lines(self) -> list[Line]:
        lines: list[Line] = list(self._result)
        judged = self._judged
        if self._phase == "asking":
            wrong = self._wrong or self._wrong_time
            columns = max(40, self.query_one(Rows).size.width - 3)
            shown = wrap(plain(wrong or self._why_not_for_good), columns)
            lines += [((f" {text}", "bad" if wrong else "warn"),) for text in shown]
            lines += [()] if wrong or self._why_not_for_good else []
            lines += review_impact(judged, columns - 3) if judged else []
        lines += [((" Difference", "title"),), *diff_lines(self._diff)]
        lines += self._twins.lines() if self._phase == "asking" else []
        return lines + (review_problems(judged, self._draft.path) if judged and self._phase == "asking" else [])

    def paint(self) -> None:
        """All of it."""
        if not self.is_mounted or not self.query("#diff"):
            return
        rows = self.query_one(Rows)
        lines = self._lines()
        ready = self._phase == "asking" and not self._wrong
        for_good = ready and not self._why_not_for_good
        hint = "esc Close"
        if ready:
            first = "y Apply and confirm" if self._may_confirm else "y Apply"
            hint = f"{first}{'  A For good' * (for_good and self._may_confirm)}  esc Cancel"
        elif waiting(self._screen.home) is not None:
            hint = "C Confirm it now   esc Close" if self._phase == "done" else "C Decide about it   esc Close"
        path = self._draft.path if rows.size.width >= 100 else self._draft.path.rpartition("/")[2]
        title = rule(f"Review {whole(self._screen.node)}{plain(path)}", rows.size.width, hint, strong=True)
        rows.show_rows(lines, list(range(len(lines))), title)
        self.query_one("#confirm", Button).disabled = not (ready and self._may_confirm and not self._wrong_time)
        self.query_one("#confirm", Button).display = self._may_confirm
        self.query_one("#for-good", Button).disabled = not for_good
        for name in ("#save", "#nodes"):
            self.query_one(name, Button).disabled = self._phase != "asking"

    # what is done ------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter on a button."""
        doing = {"confirm": self.action_confirm, "for-good": self.action_for_good, "save": self.action_save}
        doing["nodes"] = self._turn
        doing.get(event.button.id or "", self.action_cancel)()

    def on_input_changed(self) -> None:
        """A time that cannot be meant is said while it is typed."""
        self.paint()

    def on_input_submitted(self) -> None:
        """Enter in a field never applies."""
        self.query_one(Rows).focus()

    def action_cancel(self) -> None:
        """Back to the editor."""
        if isinstance(self.focused, Input):
            self.query_one(Rows).focus()
        else:
            self.dismiss()

    def action_copy_command(self) -> None:
        """The command line that applies a file in the same way."""
        within = self._within() if self._may_confirm and not self._wrong_time else 0
        command = self._draft.command(self._shown, confirm_s=within)
        along = "".join(f" --include {plain(one.path)}={plain(one.path)}" for one in command.files)
        line = self.console.command_line(command, node=self._screen.node)
        self.console.copy(f"{line} {plain(self._draft.path)}{along}")

    def action_confirm(self) -> None:
        """Apply, to be confirmed in time."""
        if self._wrong_time:
            self.console.say(self._wrong_time, "warning")
        else:
            self._begin(self._within() if self._may_confirm else 0)

    def action_for_good(self) -> None:
        """Apply without a way back."""
        if self._why_not_for_good and not self._wrong:
            self.console.say(self._why_not_for_good, "warning")
            return
        self._begin(0)

    def _turn(self) -> None:
        self._twins.turn()
        self.query_one("#nodes", Button).label = self._twins.label
        self.paint()
        if self._twins.wanted:
            self.run_worker(later(self._fetch_twins), exclusive=True, group="twins")

    async def _fetch_twins(self) -> None:
        await self._twins.fetch(self._draft, self._shown)
        self.paint()

    def action_save(self) -> None:
        """Keep it on this host; nothing is applied."""
        if self._phase == "asking":
            self.run_worker(later(self._save))
        else:
            self.console.say(self._wrong)

    async def _save(self) -> None:
        wrong = await self._screen.keep(on_purpose=True)
        self.console.say(
            wrong or "saved as your candidate: it is here again when you come back",
            "warning" if wrong else "information",
        )
        self.dismiss()

    def action_confirm_config(self) -> None:
        """Decide about what was just applied."""
        if self._phase != "waiting" and waiting(self._screen.home) is not None:
            self.dismiss()
        self.console.action_confirm_config()

    def _begin(self, confirm_s: int) -> None:
        if self._wrong:
            self.console.say(self._wrong, "warning")
            return
        self._phase = "waiting"
        self._result = [((" the engine checks and applies ...", "dim"),), ()]
        self.paint()
        self.run_worker(later(self._apply, confirm_s))

    async def _apply(self, confirm_s: int) -> None:
        comment, own = self.query_one("#comment", Input).value, self._screen.node
        if self._twins.wanted:
            last = bool(self._own_way_back)
            self._result, done = await self._twins.apply(self._draft, self._shown, comment, confirm_s, last=last)
        else:
            command = self._draft.command(self._shown, comment, confirm_s)
            self._result, outcome = await performed(self.console, command, node=own, known=True)
            done = outcome is Outcome.DONE
        self._result.append(())
        self._phase = "done"
        if done:
            self._screen.applied()
        self.paint()
        if self.is_mounted:
            self.query_one("#cancel", Button).label = "Close"
            self.query_one(Rows).move_to(0)
