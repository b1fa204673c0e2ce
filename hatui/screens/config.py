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
from engine.messages import ConfigText
from hatui.drafts import Draft, Judgement, changed_lines, hover
from hatui.editing import Editing
from hatui.palette import Entry
from hatui.screens.frame import FrameScreen
from hatui.store import Store
from hatui.text import Line, plain, rule
from hatui.widgets.candidate import PROBLEM_MARKS, hover_line, impact_lines, problem_line, title_line
from hatui.widgets.editor import ConfigEditor, Margin, underline
from hatui.widgets.rows import Lines, Rows, bindings

PAUSE_S = 0.2
"""Seconds after the last key before the text is checked."""
LONG_TEXT = 20_000
"""Characters from which on checking runs in a thread."""


class ConfigScreen(FrameScreen):
    """Editor, problems, impact."""

    PLACE = "config"
    FIRST = "#editor"
    BINDINGS: ClassVar[list[BindingType]] = bindings("config")

    def __init__(self) -> None:
        super().__init__()
        self.editing = Editing()
        self.judgement: Judgement | None = None
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
        editor = self.query_one(ConfigEditor)
        self.watch(editor, "scroll_y", self._paint_margin, init=False)
        self.watch(self.app, "theme", editor.recolour, init=False)
        self._fetch_if_needed(self.console.store)

    @property
    def idle_keys(self) -> tuple[str, ...]:
        """In the editor one cannot go into it, and what writes itself is no key."""
        if isinstance(self.focused, ConfigEditor):
            return ("config.edit", "everywhere.command", "everywhere.help")
        return ("config.out",)

    # fetching ----------------------------------------------------------------------------------

    @property
    def draft(self) -> Draft | None:
        """What is edited."""
        return self.editing.draft

    @property
    def text(self) -> str:
        """As it stands in the editor."""
        return self.query_one(ConfigEditor).text

    @property
    def unsaved(self) -> bool:
        """Something is typed that is not applied."""
        return self.draft is not None and self.is_mounted and self.draft.changed(self.text)

    def _fetch_if_needed(self, store: Store) -> None:
        """Read the files again when the engine says that a configuration was loaded or refused."""
        if store.hello is None or store.silent(self.console.link.now()) or not self.editing.stale(store):
            return
        if self.console.why_not and store.hello.role != "operator":
            self.editing.trouble = self.console.why_not
            return
        self.editing.begin(store)
        self.run_worker(self._fetch(), group="fetch", exclusive=True)

    async def _fetch(self) -> None:
        files = await self.editing.fetch(self.console.perform, "open in the console")
        if files and (self.draft is None or not self.unsaved):
            self._open(files)
        else:
            self.editing.compare(files)
        self.paint()

    def _open(self, files: tuple[ConfigText, ...]) -> None:
        hello = self.console.store.hello
        draft = self.editing.take(files, hello.host.partition(".")[0] if hello else "")
        editor = self.query_one(ConfigEditor)
        keep = editor.cursor_location
        self._old_shown = draft.shown()
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
        self._timer = self.set_timer(max(0.01, pause_s), self._start_check)

    def _start_check(self) -> None:
        self.run_worker(self._check(), group="check", exclusive=True)

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
        self.query_one(ConfigEditor).mark([underline(one, text) for one in judgement.problems])
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
        path = self.draft.path if self.draft else ""
        lines = [problem_line(one, path) for one in (self.judgement.listed if self.judgement else [])]
        nothing: list[Line] = [((" no problems", "good"),)] if self.judgement else []
        problems.show_rows(lines or nothing, list(range(len(lines))))
        impact = impact_lines(self.judgement, unsaved=self.unsaved) if self.judgement else []
        self.query_one("#impact", Lines).show(impact, rule("Impact on apply", columns))

    def _title(self, columns: int) -> Line:
        if self.draft is None:
            return (
                (
                    f" {plain(self.editing.trouble) or 'reading the configuration ...'}",
                    "warn" if self.editing.trouble else "dim",
                ),
            )
        if self.editing.disk:
            return (
                (
                    f" {plain(self.draft.path)} CHANGED ON DISK meanwhile: u takes it, ctrl+s shows the difference",
                    "alarm",
                ),
            )
        changed = len(self._changes) if self.unsaved else None
        return title_line(self.draft.path, self.judgement, changed, self.console.why_not, columns)

    def _paint_margin(self) -> None:
        marks = {row: (mark, "changed") for row, mark in self._changes.items()}
        for one in reversed(self.judgement.problems if self.judgement else ()):
            if one.severity != "info" or one.line - 1 not in marks:
                marks[one.line - 1] = PROBLEM_MARKS[one.severity]
        editor = self.query_one(ConfigEditor)
        self.query_one(Margin).tell(marks, editor.scroll_offset.y)

    def _paint_hover(self) -> None:
        row, _ = self.query_one(ConfigEditor).cursor_location
        found = hover(self.text, row + 1) if self.draft is not None else None
        self.query_one("#hover", Lines).show((hover_line(found, self.size.width),))

    # what keys do ------------------------------------------------------------------------------

    def on_text_area_selection_changed(self) -> None:
        """The hover line follows the cursor."""
        if self.is_mounted:
            self._paint_hover()

    def on_rows_chosen(self) -> None:
        """A click on a problem goes there."""
        self.action_edit()

    def action_edit(self) -> None:
        """Enter on a problem goes there; else into the editor."""
        rows = self.query_one("#config-problems", Rows)
        if rows.has_focus and self.judgement is not None and rows.cursor < len(self.judgement.listed):
            self._go_to(self.judgement.listed[rows.cursor])
        else:
            self.query_one(ConfigEditor).focus()

    def action_out(self) -> None:
        """Single keys again."""
        self.query_one("#config-problems", Rows).focus()
        self.call_after_refresh(self.paint)

    def _go_to(self, one: Diagnostic) -> None:
        if self.draft is None or self.judgement is None or one.file != self.draft.path:
            self.console.say(f"{one.file}:{one.line}: this file is edited on the host")
            return
        editor = self.query_one(ConfigEditor)
        editor.goto(one.line - 1, one.column - 1)
        editor.focus()
        self.query_one("#config-problems", Rows).move_to(self.judgement.listed.index(one), tell=False)

    def action_next_problem(self) -> None:
        """The next one after the cursor, around the end."""
        if self.judgement is None or not (problems := self.judgement.problems):
            self.console.say("no problems in this file")
            return
        row, column = self.query_one(ConfigEditor).cursor_location
        after = [one for one in problems if (one.line - 1, one.column - 1) > (row, column)]
        self._go_to(after[0] if after else problems[0])

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

        self.app.push_screen(Review(self.draft, self.text, self.editing.disk[0] if self.editing.disk else None))

    def action_use_disk(self) -> None:
        """Take the text on disk."""
        if not self.editing.disk:
            self.console.say("the text on disk is the one you edit")
            return
        self.console.copy(self.text)
        self._open(self.editing.disk)

    def applied(self) -> None:
        """The engine has taken it: what is on disk now is read again."""
        self.editing.forget()
        self._fetch_if_needed(self.console.store)

    def commands(self) -> list[Entry]:
        """For `:` and the palette."""
        return [Entry("reveal", "Show the secrets in the editor; the engine's audit notes it.", self.reveal, acts=True)]

    def reveal(self) -> None:
        """Secrets as they are; asking the engine again leaves an audit row."""
        if self.draft is not None and not self.console.refuse():
            self.run_worker(self._reveal(self.draft))

    async def _reveal(self, draft: Draft) -> None:
        if await self.editing.fetch(self.console.perform, "reveal secrets in the console"):
            self.query_one(ConfigEditor).load_text(draft.masks.unmask(self.text))
        else:
            self.console.say(self.editing.trouble, "error")

    def copied(self) -> str:
        """What `y` copies."""
        rows = self.query_one("#config-problems", Rows)
        return "".join(text for text, _ in rows.body_at(rows.cursor)).strip() if rows.count else ""
