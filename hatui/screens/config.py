"""The configuration in an editor: checked while you type, reviewed, applied by the engine.

Invariant: what is written, is written by the engine after its own check and only over the text that was
edited; a file that changed meanwhile is shown, never overwritten. Secrets are fingerprints until revealed.
What is typed is kept on this host until it is applied or thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from engine.messages import ConfigText
from hatui import kept
from hatui.assist import block_of
from hatui.drafts import Draft, Masks
from hatui.late import later
from hatui.nodes import whole
from hatui.outside import OutsideError, edit
from hatui.screens.keeping import KeptEditor
from hatui.store import Store
from hatui.text import Line, clock, plain
from hatui.widgets.candidate import disk_line, title_line
from hatui.widgets.editor import ConfigEditor
from hatui.widgets.rows import Lines, Rows, bindings


class ConfigScreen(KeptEditor):
    """Where the text comes from, and where it goes."""

    PLACE = "config"
    BINDINGS: ClassVar[list[BindingType]] = bindings("config")

    def on_mount(self) -> None:
        """Read the files."""
        self._fetch_if_needed(self.console.store)

    @property
    def idle_keys(self) -> tuple[str, ...]:
        """What writes itself while somebody types is no key, and what only helps the typing is none before."""
        if self.typing:
            return ("config.edit", "config.revisions", "everywhere.command", "everywhere.help")
        return ("config.out", "config.complete", "config.fix")

    # fetching ----------------------------------------------------------------------------------

    def _fetch_if_needed(self, store: Store) -> None:
        """Read the files again when the engine says that a configuration was loaded or refused."""
        if self.turned():
            return
        hello = self.home.hello
        if hello is None or self.home.silent(self.console.link.now()) or not self.editing.stale(store):
            return
        if self.why_not and hello.role != "operator":
            self.editing.trouble = self.why_not
            return
        self.editing.begin(store)
        self.run_worker(later(self._fetch), group="fetch", exclusive=True)

    async def _fetch(self) -> None:
        node = self.node
        files = await self.editing.fetch(self.ask, "open in the console")
        if node != self.node:
            return  # another node was chosen meanwhile
        if files and (self.draft is None or not self.unsaved):
            self._open(files)
        else:
            self.editing.compare(files)
        if not files and self._wanted is not None:
            self._wanted = None
            self.console.say(self.editing.trouble, "warning")
        self.paint()

    def _open(self, files: tuple[ConfigText, ...]) -> None:
        first = self.draft is None
        draft = self._take(files)
        text = draft.shown()
        before = kept.read(self.where_kept(draft)) if first and not self.why_not else None
        if before is not None and self.editing.restored(before, files):
            text = before.text
            when = clock(before.wall_ns, self.console.time_mode)
            self.console.say(f"the text of {when} that was not applied is here again; :discard throws it away")
        keep = self.editor.cursor_location
        self.page = ""
        self.editor.load_text(text)
        self.editor.goto(*keep)
        self._check_soon(0)

    def _take(self, files: tuple[ConfigText, ...]) -> Draft:
        return self.editing.take(files, self._host.partition(".")[0])

    # painting ----------------------------------------------------------------------------------

    def paint_body(self, store: Store, now: int) -> None:
        """The panes of the editor under the title."""
        self._fetch_if_needed(store)
        self.query_one("#config-title", Lines).show((self._title(self.size.width),))
        super().paint_body(store, now)

    def _title(self, columns: int) -> Line:
        if self.draft is None:
            trouble = plain(self.editing.trouble)
            return ((f" {trouble or 'reading the configuration ...'}", "warn" if trouble else "dim"),)
        if self.editing.disk:
            return disk_line(self.draft.path, self.editing.differing_lines(self.text), columns)
        if self.other:
            return self.other_line()
        changed = self.draft.changes(self.text) if self.unsaved else None
        note = f"read only: {self.why_not}" if self.why_not else ""
        engine = self.home.engine
        running = engine.config_revision if engine else 0
        return title_line(
            self.path, self.judgement, changed, note, columns, typing=self.typing, running=running, node=self.node
        )

    # what keys do ------------------------------------------------------------------------------

    def action_review(self) -> None:
        """The difference and what it does; from there, apply."""
        if self.draft is None or self.console.refuse(whole(self.node)):
            return
        from hatui.screens.review import Review

        self.app.clear_notifications()
        self.app.push_screen(Review(self, self.draft, self.text, bool(self.editing.disk)))

    def action_revisions(self) -> None:
        """The configurations that were in use."""
        from hatui.screens.revisions import Revisions

        if not self.console.refuse():
            self.app.push_screen(Revisions(self))

    def action_diff_disk(self) -> None:
        """What somebody else has changed on disk."""
        from hatui.screens.disk import DiskDialog

        if self.draft is None or not self.editing.disk:
            self.console.say("the text on disk is the one you edit")
            return
        self.app.clear_notifications()
        self.app.push_screen(DiskDialog(self, self.draft, self.text, self.editing.disk))

    def action_use_disk(self) -> None:
        """Take the text on disk; yours goes to the clipboard."""
        if not self.editing.disk:
            self.console.say("the text on disk is the one you edit")
            return
        self.console.copy(self.text)
        files, self.editing.disk = self.editing.disk, ()
        self._open(files)

    def action_keep_mine(self) -> None:
        """Go on with the text in the editor, over what is on disk now."""
        if self.editing.disk:
            masks, typed = (self.draft.masks, dict(self.draft.typed)) if self.draft else (Masks(), {})
            text, page = masks.unmask(self.text), self.page
            self.show_file("")
            draft = self._take(self.editing.disk)
            for path, shown in typed.items():
                draft.type(path, draft.masks.mask(masks.unmask(shown)))
            self.put(draft.masks.mask(text))
            self.show_file(page if page in draft.paths else "")

    def load(self, text: str, from_where: str) -> bool:
        """Another text as the candidate; it is applied by a review like any other. False: it cannot be taken."""
        if self.draft is None or self.console.refuse(whole(self.node)):
            return False
        if self.why_no_typing and not self.page:
            self.console.say(self.why_no_typing, "warning")
            return False
        self.put(self.draft.masks.mask(text))
        self.began()
        self.console.say(f"{from_where} is the candidate: ctrl+s reviews it, ctrl+z takes it back")
        return True

    def applied(self) -> None:
        """The engine has taken it: what is on disk now is read again."""
        if self.draft is not None:
            kept.forget(self.where_kept(self.draft))
        self.editing.forget()
        self.editor.read_only = True  # what comes next is said with single keys, such as C
        self._fetch_if_needed(self.console.store)

    def when_read(self, todo: Callable[[], object]) -> None:
        """Do this with the text, as soon as there is one."""
        if self.judgement is not None and not self.turned():
            todo()
        elif self.judgement is not None:
            self._wanted = todo
        elif self.editing.trouble:
            self.console.say(self.editing.trouble, "warning")
        else:
            self._wanted = todo

    def show_block(self, name: str) -> None:
        """The cursor to the block of this name, as soon as there is a text."""
        self.when_read(partial(self._go_to_block, name))

    def _go_to_block(self, name: str) -> None:
        self.show_file("")
        found = block_of(self._headings, name)
        if found is not None:
            self.jump(found.line)
        else:
            self.console.say(f"no block is named {plain(name)} in {self.path}")

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks in the text."""
        return [one.name for one in self._headings if one.name and not one.depth]

    def rollback(self, number: int) -> None:
        """An earlier revision as the candidate."""
        from hatui.screens.revisions import candidate_of

        if not self.console.refuse():
            self.run_worker(later(candidate_of, self, number))

    def discard(self) -> None:
        """The text on disk again."""
        if self.draft is not None:
            kept.forget(self.where_kept(self.draft))
            page = self.page
            self.show_file("")
            self.draft.typed.clear()
            self.put(self.draft.shown())
            self.show_file(page)

    def outside(self) -> None:
        """$EDITOR on a copy; the terminal is its own meanwhile."""
        if self.draft is None or self.console.refuse() or self.why_no_typing:
            return
        try:
            text = edit(self.app.suspend, self.editor.text, self.path)
        except OutsideError as error:
            self.console.say(str(error), "warning")
            return
        self.app.refresh()
        if text != self.editor.text:
            self.put(text, self.page)

    def reveal(self) -> None:
        """Secrets as they are; asking the engine for that leaves an audit row."""
        if self.draft is not None and not self.console.refuse():
            self.run_worker(later(self._reveal, self.draft))

    async def _reveal(self, draft: Draft) -> None:
        if await self.editing.fetch(self.ask, "reveal secrets in the console", reveal=True):
            self.query_one(ConfigEditor).load_text(draft.masks.unmask(self.editor.text))
        else:
            self.console.say(self.editing.trouble, "error")

    def guarded(self, text: str) -> str:
        """Without secrets, also while they are revealed."""
        return self.draft.masks.mask(text) if self.draft else text

    def copied(self) -> str:
        """What `y` copies."""
        if isinstance(self.focused, Rows):
            rows = self.focused
            return "".join(text for text, _ in rows.body_at(rows.cursor)).strip() if rows.count else ""
        return self.editor.selected_text or self.editor.document.get_line(self.editor.cursor_location[0])
