"""The configurations that were in use: who, when, why, what each changed; and one of them as the candidate.

Invariant: nothing is put back from here: a revision becomes the text in the editor, and is reviewed and applied
like any other. Secrets are masked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from engine.errors import EngineLost, Refused
from engine.messages import ConfigText, GetRevisions, Outcome, Reply, RevisionInfo
from hatui.drafts import Masks, unified
from hatui.late import later
from hatui.pending import waiting
from hatui.screens.frame import Dialog
from hatui.text import Line, plain, rule
from hatui.widgets.candidate import diff_lines
from hatui.widgets.revisions import revision_line
from hatui.widgets.rows import Rows, bindings

if TYPE_CHECKING:
    from hatui.screens.config import ConfigScreen

MOST = 50
"""Revisions that are listed; the engine keeps no more."""


async def asked(screen: ConfigScreen, number: int) -> tuple[Reply | None, str]:
    """The revisions, with the files of one of them; or why there are none."""
    try:
        reply = await screen.ask(GetRevisions(MOST, number), "look at revisions in the console")
    except (EngineLost, Refused) as error:
        return None, str(error)
    if reply.outcome is not Outcome.DONE:
        return None, f"{reply.text} [{reply.code}]"
    return reply, ""


async def candidate_of(screen: ConfigScreen, number: int) -> None:
    """Load a revision into the editor, and say what of it is not the main file."""
    reply, wrong = await asked(screen, number)
    draft = screen.draft
    if reply is None or not reply.files or draft is None:
        screen.console.say(wrong or f"revision {number} cannot be loaded [E-NO-REVISION]", "warning")
        return
    main, *others = reply.files
    if main.path != draft.path:
        screen.console.say(f"revision {number} is of {plain(main.path)} [E-INCLUDED]", "warning")
        return
    if not screen.load(main.text, f"revision {number}"):
        return
    differing = [one for one in others if one.path not in draft.paths or draft.file(one.path).text != one.text]
    if screen.takes_included and all(one.path in draft.paths for one in differing):
        for one in differing:
            draft.type(one.path, draft.masks.mask(one.text))
        screen.paint()
    elif differing:
        words = f"included files differ too ({plain(', '.join(one.path for one in differing))}): "
        screen.console.say(f"{words}`hatui config rollback {number}` puts all of them back [E-INCLUDED]", "warning")


class Revisions(Dialog):
    """A list, and over it the difference that was asked for."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("revisions")

    def __init__(self, screen: ConfigScreen) -> None:
        super().__init__()
        self._screen = screen
        self._kept: tuple[RevisionInfo, ...] = ()
        self._files: dict[int, tuple[ConfigText, ...]] = {}
        self._marked: list[int] = []
        self._trouble = "asking the engine ..."
        self._diff: tuple[str, list[Line]] | None = None

    def compose(self) -> ComposeResult:
        """One pane."""
        with Vertical(classes="dialog tall-dialog wide-dialog"):
            yield Rows(id="revisions")
            yield Rows(id="revision-diff")

    def on_mount(self) -> None:
        """Ask for them."""
        self.query_one("#revision-diff").display = False
        self.query_one("#revisions").focus()
        self.call_after_refresh(self.paint)
        self.run_worker(later(self._fetch))

    async def _fetch(self) -> None:
        reply, self._trouble = await asked(self._screen, 0)
        self._kept = reply.revisions if reply is not None else ()
        if reply is not None and not self._kept:
            self._trouble = "the engine keeps no revision"
        self.paint()

    def paint(self) -> None:
        """The list, or the difference."""
        if not self.is_mounted or not self.query("#revisions"):
            return
        rows, pane = self.query_one("#revisions", Rows), self.query_one("#revision-diff", Rows)
        if self._diff is not None:
            title, lines = self._diff
            head = rule(title, pane.size.width, "l Load   s Save   esc Back to the list", strong=True)
            pane.show_rows(lines, list(range(len(lines))), head)
            return
        one = waiting(self._screen.home)
        columns, wall = rows.size.width, self.console.link.wall()
        lines = [
            revision_line(
                each,
                columns,
                wall,
                mode=self.console.time_mode,
                marked=each.number in self._marked,
                in_use=at == 0,
                waits=one is not None and one.number == each.number,
            )
            for at, each in enumerate(self._kept)
        ]
        nothing: list[Line] = [((f" {plain(self._trouble)}", "dim"),)]
        head = rule("Revisions", columns, "enter Diff  space Mark  = Compare  l Load  s Save", strong=True)
        rows.show_rows(lines or nothing, [each.number for each in self._kept] or [0], head)

    @property
    def _selected(self) -> RevisionInfo | None:
        number = self.query_one("#revisions", Rows).key
        return next((one for one in self._kept if one.number == number), None)

    # what keys do ------------------------------------------------------------------------------

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A second click is enter."""
        if message.rows.id == "revisions":
            self.action_diff()

    def action_mark(self) -> None:
        """For a comparison; two at most, the older mark goes."""
        one = self._selected
        if one is None or self._diff is not None:
            return
        if one.number in self._marked:
            self._marked.remove(one.number)
        else:
            self._marked = [*self._marked, one.number][-2:]
        self.paint()

    def action_diff(self) -> None:
        """What the selected one changed."""
        one = self._selected
        if one is not None and self._diff is None:
            self.run_worker(later(self._compare, one.parent, one.number), exclusive=True)

    def action_compare(self) -> None:
        """Two marked ones; or the marked and the selected one; or the selected one and the text in use."""
        one = self._selected
        if one is None or self._diff is not None:
            return
        numbers = {*self._marked} if len(self._marked) == 2 else {*self._marked, one.number}
        numbers = numbers if len(numbers) == 2 else {*numbers, self._kept[0].number}
        if len(numbers) == 2:
            self.run_worker(later(self._compare, *sorted(numbers)), exclusive=True)
        else:
            self.console.say("mark another one with space first [E-NOTHING]")

    async def _compare(self, old: int, new: int) -> None:
        known = {one.number for one in self._kept}
        before, wrong = await self._files_of(old) if old in known else ((), "")
        after, wrong_too = await self._files_of(new)
        if wrong or wrong_too:
            self.console.say(wrong or wrong_too, "warning")
            return
        masks = Masks()
        sides = ({one.path: masks.mask(one.text) for one in files} for files in (before, after))
        was, now = sides
        lines: list[Line] = []
        for path in dict.fromkeys((*now, *was)):
            diff = unified(was.get(path, ""), now.get(path, ""), path, (f"#{old}", f"#{new}"))
            lines += diff_lines(diff) if diff else []
        title = f"#{old} -> #{new}" if old in known else f"#{new}, whose parent is no longer kept"
        self._diff = title, lines or [((" no difference", "dim"),)]
        self._lay()

    async def _files_of(self, number: int) -> tuple[tuple[ConfigText, ...], str]:
        if number not in self._files:
            reply, wrong = await asked(self._screen, number)
            if reply is None:
                return (), wrong
            self._files[number] = reply.files
        return self._files[number], ""

    def _lay(self) -> None:
        rows, pane = self.query_one("#revisions", Rows), self.query_one("#revision-diff", Rows)
        rows.display, pane.display = self._diff is None, self._diff is not None
        pane.cursor = 0
        (rows if self._diff is None else pane).focus()
        self.call_after_refresh(self.paint)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Over a difference there is no list to choose from."""
        listed = self._diff is None or action not in ("diff", "mark", "compare")
        return listed and super().check_action(action, parameters)

    def action_load(self) -> None:
        """The selected one as the candidate."""
        one = self._selected
        if one is not None and not self.console.refuse():
            self.dismiss()
            self._screen.run_worker(later(candidate_of, self._screen, one.number))

    def action_save(self) -> None:
        """The difference that is shown, else the selected revision, as a file."""
        from hatui.screens.save import Save, file_name, flat

        one = self._selected
        if self._diff is not None:
            title, lines = self._diff
            text = "\n".join(flat(line)[1:] for line in lines) + "\n"
            name = file_name(self.console, f"revisions-{'-'.join(re.findall('[0-9]+', title))}", "diff")
            self.app.push_screen(
                Save(f"Save {title}", ["The difference as text. Secrets stay hidden."], name, text.encode)
            )
        elif one is not None:
            self.run_worker(later(self._save, one.number), exclusive=True)

    async def _save(self, number: int) -> None:
        from hatui.screens.save import Save, file_name

        files, wrong = await self._files_of(number)
        if wrong or not files:
            self.console.say(wrong or f"the engine has no text of revision {number} [E-NO-REVISION]", "warning")
            return
        masks = Masks()
        texts = [masks.mask(one.text) for one in files]
        if len(files) > 1:
            texts = [f"# {one.path}\n{text}" for one, text in zip(files, texts, strict=True)]
        words = [f"{plain(', '.join(one.path for one in files))} as it was then. Secrets stay hidden."]
        octets = "\n".join(texts).encode("utf-8", "surrogateescape")
        name = file_name(self.console, f"revision-{number}", "conf")
        self.app.push_screen(Save(f"Save revision {number}", words, name, lambda: octets))

    def action_close(self) -> None:
        """From the difference to the list, from the list to the editor."""
        if self._diff is None:
            self.dismiss()
            return
        self._diff = None
        self._lay()
