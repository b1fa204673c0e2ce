"""The configuration in an editor: checked while you type, reviewed, applied by the engine.

Invariant: what is written, is written by the engine after its own check and only over the text that was
edited; a file that changed meanwhile is shown, never overwritten. Secrets are fingerprints until revealed.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import TextArea

from engine.config.diagnostic import Diagnostic
from engine.config.syntax import apply_edits
from engine.errors import EngineLost, Refused
from engine.messages import ConfigLoaded, ConfigRefused, ConfigText, EventLine, GetConfig, Outcome
from hatui.drafts import Draft, Judgement, changed_lines, hover
from hatui.palette import Entry
from hatui.screens.frame import FrameScreen
from hatui.store import Store
from hatui.text import Line, fit, plain, rule, seconds, spread
from hatui.widgets.editor import ConfigEditor, Margin, Underline
from hatui.widgets.rows import Lines, Rows, bindings

PAUSE_S = 0.2
"""Seconds after the last key before the text is checked."""
LONG_TEXT = 20_000
"""Characters from which on checking runs in a thread."""
MARKS = {"error": ("!", "bad"), "warning": ("~", "warn"), "info": (".", "dim")}


class ConfigScreen(FrameScreen):
    """Editor, problems, impact."""

    PLACE = "config"
    BINDINGS: ClassVar[list[BindingType]] = bindings("config")

    def __init__(self) -> None:
        super().__init__()
        self.draft: Draft | None = None
        self.judgement: Judgement | None = None
        self.disk: ConfigText | None = None
        """The text on disk when it differs from the one that was edited."""
        self._trouble = ""
        self._fetched = -1
        self._changes: dict[int, str] = {}
        self._timer: Timer | None = None
        self._old_shown = ""

    def compose_body(self) -> ComposeResult:
        """Title, margin and editor, hover line, problems, impact."""
        yield Lines(id="config-title")
        with Horizontal(id="editor-row"):
            yield Margin(id="margin")
            yield ConfigEditor(id="editor")
        yield Lines(id="hover")
        yield Rows(id="config-problems")
        yield Lines(id="impact")

    def on_mount(self) -> None:
        """The margin scrolls with the editor."""
        super().on_mount()
        editor = self.query_one(ConfigEditor)
        self.watch(editor, "scroll_y", self._paint_margin, init=False)
        self.watch(self.app, "theme", editor.recolour, init=False)
        editor.focus()
        self._fetch_if_needed(self.console.store)

    # fetching ----------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """As it stands in the editor."""
        return self.query_one(ConfigEditor).text

    @property
    def unsaved(self) -> bool:
        """The text differs from the one that was read."""
        return self.draft is not None and self.is_mounted and self.draft.changed(self.text)

    def _fetch_if_needed(self, store: Store) -> None:
        """Read the files again when the engine says that a configuration was loaded or refused."""
        latest = 0
        for row in reversed(store.events):
            if isinstance(row, EventLine) and isinstance(row.event, ConfigLoaded | ConfigRefused):
                latest = row.seq
                break
        if latest == self._fetched or store.hello is None or store.silent(self.console.link.now()):
            return
        if self.console.why_not and store.hello.role != "operator":
            self._trouble = self.console.why_not
            return
        self._fetched = latest
        self.run_worker(self._fetch(), group="fetch", exclusive=True)

    async def _fetch(self) -> None:
        try:
            reply = await self.console.perform(GetConfig(), "open in the console")
        except (EngineLost, Refused) as error:
            self._trouble, self._fetched = str(error), -1
            return
        if reply.outcome is not Outcome.DONE or not reply.files:
            self._trouble = f"{reply.text} [{reply.code}]" if reply.code else "the engine has no configuration file"
            return
        self._trouble = ""
        if self.draft is None or not self.unsaved:
            self._open(reply.files)
        elif reply.files[0].digest != self.draft.base.digest:
            self.disk = reply.files[0]
            self._disk_files = reply.files
        self.paint()

    def _open(self, files: tuple[ConfigText, ...]) -> None:
        hello = self.console.store.hello
        config_id = hello.host.partition(".")[0] if hello else ""
        keep = self.query_one(ConfigEditor).cursor_location
        self.draft = Draft(files, config_id)
        self.disk = None
        self._old_shown = self.draft.shown()
        editor = self.query_one(ConfigEditor)
        editor.load_text(self._old_shown)
        editor.read_only = not self.console.may_act
        editor.goto(*keep)
        self._check_soon(0)

    # checking ----------------------------------------------------------------------------------

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Check when the typing pauses."""
        event.stop()
        self._check_soon(PAUSE_S)

    def _check_soon(self, pause_s: float) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(
            max(0.01, pause_s), lambda: self.run_worker(self._check(), group="check", exclusive=True)
        )

    async def _check(self) -> None:
        draft, text = self.draft, self.text
        if draft is None:
            return
        if len(text) > LONG_TEXT:
            judgement = await asyncio.to_thread(draft.judge, text)
            changes = await asyncio.to_thread(changed_lines, self._old_shown, text)
        else:
            judgement, changes = draft.judge(text), changed_lines(self._old_shown, text)
        if draft is not self.draft:
            return
        self.judgement, self._changes = judgement, changes
        self.query_one(ConfigEditor).mark([_underline(one, text) for one in judgement.problems])
        self.paint()

    # painting ----------------------------------------------------------------------------------

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        self._fetch_if_needed(store)
        columns = self.size.width
        self.query_one("#config-title", Lines).show((self._title(columns),))
        self._paint_margin()
        self._paint_hover()
        problems = self.query_one("#config-problems", Rows)
        found = self.judgement.problems if self.judgement else ()
        elsewhere = self.judgement.elsewhere if self.judgement else ()
        lines = [_problem_line(one, self.draft.path if self.draft else "") for one in (*found, *elsewhere)]
        problems.show_rows(lines or [((" no problems", "good"),)] if self.judgement else [], list(range(len(lines))))
        self.query_one("#impact", Lines).show(self._impact(), rule("Impact on apply", columns))

    def _title(self, columns: int) -> Line:
        if self.draft is None:
            return (
                (f" {plain(self._trouble) or 'reading the configuration ...'}", "warn" if self._trouble else "dim"),
            )
        if self.disk is not None:
            return (
                (
                    f" {plain(self.draft.path)} CHANGED ON DISK meanwhile: u takes it, ctrl+s shows the difference",
                    "alarm",
                ),
            )
        judged = self.judgement
        count = len(self._changes)
        state = f"candidate, {count} line{'s' if count != 1 else ''} changed" if self.unsaved else "as it is on disk"
        right: list[tuple[str, str]] = []
        if judged:
            for severity, role in (("error", "bad"), ("warning", "warn"), ("info", "dim")):
                number = judged.count(severity)
                if number:
                    right.append((f"{number} {severity}{'s' if number > 1 and severity != 'info' else ''}  ", role))
        if not self.console.may_act:
            right.append((f"read only: {self.console.why_not} ", "dim"))
        return spread(
            [(f" {plain(self.draft.path)}", "strong"), (f"  {state}", "changed" if self.unsaved else "dim")],
            right,
            columns,
        )

    def _paint_margin(self) -> None:
        marks = {row: (mark, "changed") for row, mark in self._changes.items()}
        for one in reversed(self.judgement.problems if self.judgement else ()):
            if one.severity != "info" or one.line - 1 not in marks:
                marks[one.line - 1] = MARKS[one.severity]
        editor = self.query_one(ConfigEditor)
        self.query_one(Margin).tell(marks, editor.scroll_offset.y)

    def _paint_hover(self) -> None:
        row, _ = self.query_one(ConfigEditor).cursor_location
        found = hover(self.text, row + 1) if self.draft is not None else None
        columns = self.size.width
        if found is None:
            self.query_one("#hover", Lines).show((rule("Problems", columns),))
            return
        effect = "" if found.effective else "  (no effect here)"
        words = f"{found.usage}   default {found.default}{effect}"
        self.query_one("#hover", Lines).show((rule(fit(words, columns - 8).rstrip(), columns),))

    def _impact(self) -> list[Line]:
        judged = self.judgement
        if judged is None or self.draft is None:
            return []
        if not judged.runs:
            return [((" cannot be applied: mend the errors first (ctrl+n goes to them, ctrl+t mends)", "bad"),)]
        if not self.unsaved:
            return [((" nothing is changed", "dim"),)]
        if not judged.impact:
            return [((" nothing that runs changes (comments, layout)", "plain"),)]
        lines: list[Line] = [
            ((f" {plain(text)}", "warn" if judged.interruption else "plain"),) for text in judged.impact
        ]
        if judged.interruption:
            lines.insert(0, ((f" up to {seconds(judged.interruption)} without an address here", "warn"),))
        return lines

    # what keys do ------------------------------------------------------------------------------

    def on_text_area_selection_changed(self) -> None:
        """The hover line follows the cursor."""
        if self.is_mounted:
            self._paint_hover()

    def on_rows_chosen(self) -> None:
        """A click on a problem goes there."""
        self._go_to(self.query_one("#config-problems", Rows).cursor)

    def action_edit(self) -> None:
        """Enter on a problem goes there; else into the editor."""
        if self.query_one("#config-problems", Rows).has_focus:
            self._go_to(self.query_one("#config-problems", Rows).cursor)
        else:
            self.query_one(ConfigEditor).focus()

    def action_out(self) -> None:
        """Single keys again."""
        self.query_one("#config-problems", Rows).focus()

    def action_undo(self) -> None:
        """One change back."""
        self.query_one(ConfigEditor).undo()

    def _go_to(self, index: int) -> None:
        problems = self.judgement.problems if self.judgement else ()
        if 0 <= index < len(problems):
            editor = self.query_one(ConfigEditor)
            editor.goto(problems[index].line - 1, problems[index].column - 1)
            editor.focus()
            self.query_one("#config-problems", Rows).move_to(index, tell=False)

    def action_next_problem(self) -> None:
        """The next one after the cursor, around the end."""
        problems = self.judgement.problems if self.judgement else ()
        if not problems:
            self.console.say("no problems")
            return
        row, column = self.query_one(ConfigEditor).cursor_location
        after = [at for at, one in enumerate(problems) if (one.line - 1, one.column - 1) > (row, column)]
        self._go_to(after[0] if after else 0)

    def action_fix(self) -> None:
        """Apply the fix of the problem at the cursor's line, or of the next one that has a fix."""
        if self.draft is None or self.judgement is None or self.console.refuse():
            return
        row, _ = self.query_one(ConfigEditor).cursor_location
        fixable = [one for one in self.judgement.problems if one.fix is not None]
        if not fixable:
            self.console.say("no problem here can be mended by itself")
            return
        one = next((one for one in fixable if one.line - 1 >= row), fixable[0])
        assert one.fix is not None
        editor = self.query_one(ConfigEditor)
        fixed = apply_edits(editor.text, one.fix.edits)
        keep = editor.cursor_location
        editor.replace(fixed, (0, 0), editor.document.end)
        editor.goto(*keep)
        self.console.say(f"line {one.line}: {one.fix.title}")
        self._check_soon(0)

    def action_review(self) -> None:
        """The difference and what it does; from there, apply."""
        if self.draft is None or self.console.refuse():
            return
        from hatui.screens.review import Review

        self.app.push_screen(Review(self.draft, self.text, self.disk))

    def action_use_disk(self) -> None:
        """Take the text on disk."""
        if self.disk is None:
            self.console.say("the text on disk is the one you edit")
            return
        self.console.copy(self.text)
        self._open(self._disk_files)

    def applied(self) -> None:
        """The engine has taken it: what is on disk now is read again."""
        self.draft = None
        self._fetched = -1
        self._fetch_if_needed(self.console.store)

    def commands(self) -> list[Entry]:
        """For `:` and the palette."""
        return [Entry("reveal", "Show the secrets in the editor; the engine's audit notes it.", self.reveal, acts=True)]

    def reveal(self) -> None:
        """Secrets as they are; asking the engine again leaves an audit row."""
        if self.draft is not None and not self.console.refuse():
            self.run_worker(self._reveal(self.draft))

    async def _reveal(self, draft: Draft) -> None:
        try:
            reply = await self.console.perform(GetConfig(), "reveal secrets in the console")
        except (EngineLost, Refused) as error:
            self.console.say(str(error), "error")
            return
        if reply.outcome is Outcome.DONE:
            self.query_one(ConfigEditor).load_text(draft.masks.unmask(self.text))

    def copied(self) -> str:
        """What `y` copies: the problem of the cursor."""
        rows = self.query_one("#config-problems", Rows)
        return "".join(text for text, _ in rows.body_at(rows.cursor)).strip() if rows.count else ""


def _underline(one: Diagnostic, text: str) -> Underline:
    line = text.split("\n")[one.line - 1] if one.line <= text.count("\n") + 1 else ""
    end = one.end_column - 1 if one.end_column else len(line.rstrip())
    return Underline(one.line - 1, one.column - 1, end, one.severity)


def _problem_line(one: Diagnostic, path: str) -> Line:
    mark, role = MARKS.get(one.severity, (".", "dim"))
    where = f"{one.line}:{one.column}" if one.file == path else f"{one.file.rpartition('/')[2]}:{one.line}"
    fixable = "  (ctrl+t fixes)" if one.fix is not None else ""
    return (
        (" ", "plain"),
        (mark, role),
        (f" {where:<7} ", "dim"),
        (f"{one.code:<11} ", role),
        (plain(one.what), "plain"),
        (fixable, "good"),
    )
