"""The editor and what stands around it: problems, meaning of words, outline, completion. It knows no engine.

Invariant: typing never waits for checking; what is marked belongs to the text as it was at the last pause, and
the pause is short.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import TextArea

from engine.config.diagnostic import Diagnostic
from engine.config.syntax import Tree, parse
from engine.messages import Command, Reply
from hatui.assist import Heading, heading_at, hover, outline
from hatui.drafts import Draft, Judgement, changed_lines
from hatui.editing import Editing
from hatui.late import later
from hatui.screens.frame import FrameScreen
from hatui.store import Store
from hatui.text import Line, rule
from hatui.widgets.candidate import (
    PROBLEM_MARKS,
    files_line,
    hover_line,
    impact_lines,
    outline_line,
    problem_line,
    word_lines,
)
from hatui.widgets.choices import Choices
from hatui.widgets.editor import ConfigEditor, FileTabs, Margin, underline
from hatui.widgets.rows import Lines, Rows

PAUSE_S = 0.2
"""Seconds after the last key before the text is checked."""
AGAIN_S = 1.0
"""Seconds from what has happened outside to another check."""
LONG_TEXT = 20_000
"""Characters from which on checking runs in a thread."""


class EditorScreen(FrameScreen):
    """Panes and keys of the editor."""

    FIRST = "#editor"

    def __init__(self) -> None:
        super().__init__()
        self.editing = Editing()
        self.judgement: Judgement | None = None
        self.page = ""
        """The file that is shown, when it is not the main one."""
        self._main_text = ""
        self._changes: dict[int, str] = {}
        self._tree: Tree = parse("")
        self._headings: list[Heading] = []
        self._made: tuple[Judgement | None, str, list[Line]] = (None, "", [])
        self._drawn: tuple[object, int, list[Line]] = (None, 0, [])
        """Rows that are shown: of the problems, of the outline."""
        self._checked: tuple[Draft | None, tuple[object, ...], str] = (None, (), "")
        """What `judgement` is about: the draft, its texts, the file that is marked."""
        self._timer: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Title and files over three columns, which stand under each other where it is narrow."""
        yield Lines(id="config-title")
        yield FileTabs(id="config-files")
        with Horizontal(id="config-panes"):
            yield Rows(id="outline")
            with Vertical(id="editor-column"):
                with Horizontal(id="editor-row"):
                    yield Margin(id="margin")
                    yield ConfigEditor(id="editor")
                yield Lines(id="hover")
            with Vertical(id="config-side"):
                yield Rows(id="config-problems")
                yield Lines(id="word")
                yield Lines(id="impact")
        yield Choices(id="choices")

    def on_mount(self) -> None:
        """The margin scrolls with the editor."""
        self.watch(self.editor, "scroll_y", self._paint_margin, init=False)
        self.watch(self.app, "theme", self.editor.recolour, init=False)

    @property
    def editor(self) -> ConfigEditor:
        """The text."""
        return self.query_one(ConfigEditor)

    @property
    def draft(self) -> Draft | None:
        """What is edited."""
        return self.editing.draft

    @property
    def path(self) -> str:
        """The file that is shown."""
        return self.page or (self.draft.path if self.draft else "")

    @property
    def text(self) -> str:
        """The main file as it stands in the editor."""
        return self._main_text if self.page else self.editor.text

    @property
    def unsaved(self) -> bool:
        """Something is typed that is not applied."""
        return self.draft is not None and self.is_mounted and self.draft.changed(self.text)

    @property
    def typing(self) -> bool:
        """Letters are text now, not keys."""
        return not self.editor.read_only

    @property
    def why_no_typing(self) -> str:
        """Why the text cannot be changed here; empty when it can."""
        return "" if self.draft is not None else "there is no text yet [E-NO-ENGINE]"

    async def ask(self, command: Command, reason: str = "") -> Reply:
        """Say a command to the engine whose configuration this is."""
        return await self.console.perform(command, reason)

    @property
    def home(self) -> Store:
        """What the engine says whose configuration this is."""
        return self.console.store

    def _take_typed(self) -> None:
        """What stands in the editor, when it is an included file."""
        if self.page and self.draft is not None:
            self.draft.type(self.page, self.editor.text)

    # checking ----------------------------------------------------------------------------------

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Check when the typing pauses."""
        event.stop()
        self._take_typed()
        self._check_soon(PAUSE_S)
        if self.query_one(Choices).display:
            self.offer_again()

    def _check_soon(self, pause_s: float) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(max(0.01, pause_s), self._start_check)

    def _start_check(self) -> None:
        self._timer = None
        self.run_worker(later(self._check), group="check", exclusive=True)

    async def _check(self) -> None:
        draft, text, page, shown = self.draft, self.text, self.page, self.editor.text
        if draft is None:
            return

        def look() -> tuple[Judgement, dict[int, str], Tree]:
            return draft.judge(text), changed_lines(draft.shown(page), shown), parse(shown)

        judgement, changes, tree = await asyncio.to_thread(look) if len(text) > LONG_TEXT else look()
        if draft is not self.draft:
            return
        self._changes, self._tree = changes, tree
        self._headings = outline(tree)
        texts = draft.texts(text)
        if (draft, texts, self.path) != self._checked:
            self._show(judgement, texts)
        await self.checked()
        self.paint()
        await self._ask_engine(judgement, texts)

    def _show(self, judgement: Judgement, texts: tuple[object, ...]) -> None:
        self.judgement, self._checked = judgement, (self.draft, texts, self.path)
        shown = self.editor.text
        self.editor.mark([underline(one, shown) for one in judgement.of(self.path)])

    async def _ask_engine(self, judgement: Judgement, texts: tuple[object, ...]) -> None:
        """Its verdict in place of ours, as soon as it comes and while it is about these texts."""
        draft = self.draft
        told = await self.editing.verdict(self.home, self.ask, self.text, judgement)
        if draft is None or draft is not self.draft or draft.texts(self.text) != texts or not self.is_mounted:
            return
        if told != self.judgement:
            self._show(told, texts)
            self.paint()

    def _ask_again(self, store: Store) -> None:
        """Something has happened: what is heard from others, or this host, may be another by now."""
        if self.judgement is not None and self._timer is None and self.editing.overtaken(store):
            self._check_soon(AGAIN_S)

    async def checked(self) -> None:
        """The text has been checked."""

    def offer_again(self) -> None:
        """The words that may stand at the cursor are open, and the text there has changed."""

    # painting ----------------------------------------------------------------------------------

    def paint_body(self, store: Store, now: int) -> None:  # noqa: ARG002
        """All panes."""
        self._ask_again(self.home)
        judged, columns = self.judgement, self.size.width
        paths = self.draft.paths if self.draft else ()
        files = self.query_one(FileTabs)
        files.display = len(paths) > 1
        files.show((files_line(paths, self.path, judged, columns),))
        self._paint_margin()
        self._paint_word()
        self._paint_outline()
        problems, impact = self.query_one("#config-problems", Rows), self.query_one("#impact", Lines)
        lines = self._problems_of(judged)
        nothing: list[Line] = [((" no problems", "good"),)] if judged else []
        title = rule("Problems", problems.size.width) if self.has_class("wide") else None
        problems.show_rows(lines or nothing, list(range(len(lines))), title)
        told = impact_lines(judged, unsaved=self.unsaved, columns=impact.size.width) if judged else []
        impact.show(told, rule("Impact on apply", impact.size.width))

    def _problems_of(self, judged: Judgement | None) -> list[Line]:
        """All problems as rows; made anew only for another judgement or file."""
        if self._made[0] is not judged or self._made[1] != self.path:
            listed = judged.listed if judged else []
            self._made = (judged, self.path, [problem_line(one, self.path) for one in listed])
        return self._made[2]

    def _paint_margin(self) -> None:
        marks = {row: (mark, "changed") for row, mark in self._changes.items()}
        for one in reversed(self.judgement.of(self.path) if self.judgement else ()):
            if one.severity != "info" or one.line - 1 not in marks:
                marks[one.line - 1] = PROBLEM_MARKS[one.severity]
        self.query_one(Margin).tell(marks, self.editor.scroll_offset.y)

    def _paint_word(self) -> None:
        row, column = self.editor.cursor_location
        found = hover(self._tree, row + 1, column + 1) if self.draft is not None else None
        line, word = self.query_one("#hover", Lines), self.query_one("#word", Lines)
        line.show((hover_line(found, line.size.width, "" if self.has_class("wide") else "Problems"),))
        word.show(word_lines(found, word.size.width), rule("The word at the cursor", word.size.width))

    def _paint_outline(self) -> None:
        rows = self.query_one("#outline", Rows)
        if not rows.display:
            return
        if self._drawn[:2] != (self._headings, rows.size.width):
            self._drawn = (self._headings, rows.size.width, self._outline_rows(rows.size.width))
        lines = self._drawn[2]
        rows.show_rows(lines, list(range(len(lines))), rule("Outline", rows.size.width))
        at = heading_at(self._headings, self.editor.cursor_location[0] + 1)
        if at is not None and not rows.has_focus:
            rows.move_to(at, tell=False)

    def _outline_rows(self, columns: int) -> list[Line]:
        worst = {
            one.line: PROBLEM_MARKS[one.severity][0] for one in reversed(self._of_page()) if one.severity != "info"
        }
        bad = sorted(worst)
        lines = []
        for one in self._headings:
            at = bisect_left(bad, one.line)
            mark = worst[bad[at]] if at < len(bad) and bad[at] <= one.end_line else ""
            lines.append(outline_line(one, mark, columns))
        return lines

    def _of_page(self) -> list[Diagnostic]:
        return self.judgement.of(self.path) if self.judgement else []

    # where the cursor goes -----------------------------------------------------------------------

    def action_out(self) -> None:
        """Single keys again."""
        self.query_one(Choices).close()
        self.editor.choosing = False
        self.editor.read_only = True
        self.editor.focus()
        self.call_after_refresh(self.paint)
