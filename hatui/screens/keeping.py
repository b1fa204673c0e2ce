"""Whose configuration is edited, and what is typed and not applied: kept on this host, one text a node.

Invariant: the text belongs to the node that it was read from; everything about it is said to that node and to no other,
whichever node is chosen meanwhile. Another node's text comes in its place only after it was kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from engine.messages import Command, Hello, Reply
from hatui import kept
from hatui.drafts import Draft
from hatui.late import later
from hatui.nodes import whole
from hatui.screens.sharing import SharedEditor
from hatui.store import Store


class KeptEditor(SharedEditor):
    """What is typed survives this console, and a change of the node."""

    def __init__(self) -> None:
        super().__init__()
        self.node = ""
        """The node whose configuration this is; empty where there is but one engine."""
        self._wanted: Callable[[], object] | None = None
        """What is to be done as soon as there is a text."""
        self._turning = False
        self._written: tuple[object, ...] = ()
        """What is kept on this host."""
        self._lost = ""
        """Why what is typed cannot be kept here, as it was said."""

    # whose it is ---------------------------------------------------------------------------------

    @property
    def home(self) -> Store:
        """What the engine says whose configuration this is."""
        store: Store = self.console.store
        return store.nodes.get(self.node, store)

    @property
    def why_not(self) -> str:
        """Why this console may not act on it."""
        return self.console.why_not_at(whole(self.node))

    @property
    def takes_included(self) -> bool:
        """The engine takes included files along with the main one."""
        hello = self.home.hello
        return hello is not None and "includes" in hello.capabilities

    @property
    def why_no_typing(self) -> str:
        """Why the text cannot be changed here."""
        if self.page and not self.takes_included:
            return f"{self.page} is an included file: this engine takes the main file alone [E-PROTOCOL]"
        return self.why_not or super().why_no_typing

    async def ask(self, command: Command, reason: str = "") -> Reply:
        """Say a command to the engine whose configuration this is."""
        return await self.console.perform(command, reason, node=self.node)

    def turned(self) -> bool:
        """Whether another node is chosen by now; then its text comes in place of this one."""
        here = self.console.here
        if here == self.node or self.console.link.recorded:
            return False
        if self.draft is None:
            self.node = here
            return False
        if not self._turning:
            self._turning = True
            self.run_worker(later(self._turn, here), group="turn")
        return True

    async def _turn(self, node: str) -> None:
        self.action_out()
        await self.keep()
        await self.leave()
        self.node, self.page, self.judgement, self._written = node, "", None, ()
        self.editing.forget()
        self._turning = False
        self.paint()

    # keeping what is typed -----------------------------------------------------------------------

    def where_kept(self, draft: Draft) -> Path:
        """The file on this host for what is typed of that one."""
        return kept.place(self.console.user_files, self._host, draft.path)

    @property
    def _host(self) -> str:
        hello: Hello | None = self.home.hello
        return hello.host if hello else ""

    async def checked(self) -> None:
        """At each pause: what is typed goes to this host's disk."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            wanted()
        if not self.editing.disk:
            wrong = await self.keep()
            if wrong and wrong != self._lost:
                self.console.say(wrong, "warning")
            self._lost = wrong

    async def keep(self, *, on_purpose: bool = False) -> str:
        """Write down what is typed, or throw away what was. Returns what went wrong."""
        draft, text = self.draft, self.text
        if draft is None or self.why_not or (draft.texts(text) == self._written and not on_purpose):
            return ""
        where = self.where_kept(draft)
        self._written = draft.texts(text)
        if not draft.changed(text):
            kept.forget(where)
            return ""
        included = dict(draft.typed)
        one = kept.Kept(
            self._host,
            draft.path,
            text,
            draft.base.digest,
            self.console.link.wall(),
            on_purpose,
            included,
            {path: draft.file(path).digest for path in included},
        )
        try:
            await asyncio.to_thread(kept.keep, where, one)
        except (OSError, ValueError) as error:
            self._written = ()  # tried again at the next pause
            return f"what is typed cannot be kept in {where}: {getattr(error, 'strerror', '') or error} [E-IO]"
        return ""
