"""The keys of the editor: into the text and out, to problems and blocks, fixes, and completion.

Invariant: what changes the text asks first whether it may, and every change of it can be undone.
"""

from __future__ import annotations

import asyncio

from textual.geometry import Offset

from engine.config.diagnostic import Diagnostic
from engine.config.syntax import apply_edits, parse
from hatui.assist import Offer, complete
from hatui.late import later
from hatui.screens.editor import LONG_TEXT, EditorScreen
from hatui.text import plain
from hatui.widgets.candidate import tab_at
from hatui.widgets.choices import Choices
from hatui.widgets.editor import ConfigEditor, FileTabs
from hatui.widgets.rows import Rows


class EditorKeys(EditorScreen):
    """What keys and clicks do in the panes of the editor."""

    def __init__(self) -> None:
        super().__init__()
        self._starts = (0, 0)
        """Row and column, from 0, where the word begins that a chosen one takes the place of."""

    # where the cursor goes -----------------------------------------------------------------------

    def put(self, text: str, page: str = "") -> None:
        """Another text of the main file, or of an included one, into the editor: one edit that can be undone."""
        self.show_file(page)
        self.editor.replace(text, (0, 0), self.editor.document.end)
        self._take_typed()
        self._check_soon(0)

    def jump(self, line: int) -> None:
        """The cursor to a line, which counts from 1."""
        self.editor.goto(line - 1, 0)
        self.editor.focus()

    def show_file(self, path: str) -> None:
        """The main file, or one that it includes."""
        draft = self.draft
        if draft is None or path == self.path or (not path and not self.page):
            return
        self.action_out()
        self._take_typed()
        if not self.page:
            self._main_text = self.editor.text
        self.page = "" if path in ("", draft.path) else path
        self.editor.load_text(draft.now(self.page) if self.page else self._main_text)
        self._check_soon(0)

    # what keys do ------------------------------------------------------------------------------

    def on_text_area_selection_changed(self) -> None:
        """The meaning of the word follows the cursor."""
        if self.is_mounted:
            self._paint_word()
            self._paint_outline()

    def on_config_editor_left(self) -> None:
        """Escape while typing."""
        self.action_out()

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A click on a problem or a block goes there."""
        self._follow(message.rows)

    def on_file_tabs_picked(self, message: FileTabs.Picked) -> None:
        """A click on a file."""
        path = tab_at(self.draft.paths, self.judgement, message.column) if self.draft else ""
        if path:
            self.show_file(path)

    def _follow(self, rows: Rows) -> None:
        if rows.id == "outline" and rows.cursor < len(self._headings):
            self.jump(self._headings[rows.cursor].line)
        elif rows.id == "config-problems" and self.judgement and rows.cursor < len(self.judgement.listed):
            self._go_to(self.judgement.listed[rows.cursor])

    def action_edit(self) -> None:
        """Enter on a problem or a block goes there; in the text it begins the typing."""
        if isinstance(self.focused, Rows):
            self._follow(self.focused)
            return
        self.editor.focus()
        if self.why_no_typing:
            self.console.say(self.why_no_typing, "warning")
            return
        self.editor.read_only = False
        self.began()
        self.call_after_refresh(self.paint)

    def began(self) -> None:
        """Somebody begins to type."""

    def action_file(self, step: int) -> None:
        """`[` and `]`: another file."""
        paths = self.draft.paths if self.draft else ()
        if len(paths) > 1:
            self.show_file(paths[(paths.index(self.path) + step) % len(paths)])
        else:
            self.console.say("this configuration includes no other file")

    def _go_to(self, one: Diagnostic) -> None:
        if self.draft is None or self.judgement is None:
            return
        if one.file != self.path:
            self.show_file(one.file)
        self.editor.goto(one.line - 1, one.column - 1)
        self.editor.focus()
        self.query_one("#config-problems", Rows).move_to(self.judgement.listed.index(one), tell=False)

    def action_next_problem(self) -> None:
        """The next one after the cursor, around the end."""
        problems = self._of_page()
        if not problems:
            self.console.say("no problems in this file")
            return
        row, column = self.editor.cursor_location
        after = [one for one in problems if (one.line - 1, one.column - 1) > (row, column)]
        self._go_to(after[0] if after else problems[0])

    def action_fix(self) -> None:
        """Apply the fix of the problem at the cursor's line, or of the next one that has a fix."""
        if self.console.refuse():
            return
        if self.why_no_typing:
            self.console.say(self.why_no_typing, "warning")
            return
        row, _ = self.editor.cursor_location
        fixable = [one for one in self._of_page() if one.fix is not None]
        if not fixable:
            self.console.say("no problem here can be mended by itself")
            return
        one = next((one for one in fixable if one.line - 1 >= row), fixable[0])
        assert one.fix is not None
        keep = self.editor.cursor_location
        self.put(apply_edits(self.editor.text, one.fix.edits), self.page)
        self.editor.goto(*keep)
        self.began()
        self.console.say(f"line {one.line}: {plain(one.fix.title)}")

    # completion --------------------------------------------------------------------------------

    def action_complete(self) -> None:
        """The words that may stand at the cursor."""
        if not self.typing:
            self.action_edit()
        if self.typing:
            self.run_worker(later(self._offer, at_once=True), group="offer", exclusive=True)

    def offer_again(self) -> None:
        """Narrow the words to what is typed by now."""
        self.run_worker(later(self._offer), group="offer", exclusive=True)

    async def _offer(self, *, at_once: bool = False) -> None:
        editor, choices = self.editor, self.query_one(Choices)
        row, column = editor.cursor_location
        text, interfaces = editor.text, tuple(self.console.store.interfaces)

        def look() -> Offer:
            return complete(parse(text), row + 1, column + 1, interfaces)

        offer = await asyncio.to_thread(look) if len(text) > LONG_TEXT else look()
        if editor.cursor_location != (row, column) or not self.typing:
            return
        self._starts = (row, offer.start - 1)
        if at_once and len(offer.candidates) == 1:
            editor.take(self._starts, offer.candidates[0].word)
        elif offer.candidates:
            choices.open(offer.candidates, editor.place + Offset(offer.start - 1 - column, 0), self.size)
        elif at_once:
            self.console.say("no word is known that may stand here")
        if not offer.candidates or (at_once and len(offer.candidates) == 1):
            choices.close()
        editor.choosing = choices.display

    def on_config_editor_chosen(self, message: ConfigEditor.Chosen) -> None:
        """A key for the list of words."""
        choices = self.query_one(Choices)
        if message.key in ("up", "down"):
            choices.action_cursor(1 if message.key == "down" else -1)
            return
        chosen = choices.chosen
        choices.close()
        self.editor.choosing = False
        if chosen is not None and message.key != "escape":
            self.editor.take(self._starts, chosen.word)
