"""Two people at one configuration: the second one sees who edits and since when, looks on, or takes over.

Invariant: the engine only tells who edits; nothing is locked, and no text is lost by a take-over. A claim is
renewed while there is something unfinished here, and ended when there is nothing any more.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from engine.errors import EngineLost, Refused
from engine.messages import EditConfig, Outcome
from hatui.late import later
from hatui.screens.ask import Ask
from hatui.screens.editor_keys import EditorKeys
from hatui.store import Store
from hatui.text import Line, clock, plain
from hatui.widgets.rows import bindings

RENEW = 30_000_000_000
"""ns after which a claim is renewed; the engine lets it lapse after three times that."""


class SharedEditor(EditorKeys):
    """Says that somebody edits here, and sees that somebody edits elsewhere."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("differs")

    def __init__(self) -> None:
        super().__init__()
        self._me = ""
        """The engine's name of this console, once it has said it."""
        self._claimed = False
        self._said_at = 0
        """When the first claim was said, by the engine's clock."""
        self._renew_at = 0

    @property
    def why_not(self) -> str:
        """Why this console may not act on it."""
        return self.console.why_not

    @property
    def _shared(self) -> bool:
        hello = self.home.hello
        return hello is not None and "editors" in hello.capabilities and not self.why_not

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`k` keeps what is typed only while the file on disk differs, and is text while somebody types."""
        if action == "keep_mine":
            return bool(self.editing.disk) and not self.typing
        return super().check_action(action, parameters)

    @property
    def other(self) -> str:
        """Who else edits, in words; empty when nobody does."""
        engine, now = self.home.engine, self.console.link.now()
        if engine is None or not engine.edit_by or engine.edit_until <= now or engine.edit_origin == self._me:
            return ""
        if self._claimed and engine.edit_since <= self._said_at:
            return ""  # the status is older than our own claim
        since = clock(self.console.link.wall() - (now - engine.edit_since), self.console.time_mode)
        return f"{plain(engine.edit_by)} edits since {since}"

    @property
    def why_no_typing(self) -> str:
        """Why the text cannot be changed here."""
        if self.other:
            return f"{self.other}: T takes over [E-EDITING]"
        return super().why_no_typing

    def other_line(self) -> Line:
        """The banner over a text that somebody else edits."""
        return ((f" {self.other}", "alarm"), ("  you may look", "plain"), ("   T", "key"), (" take over", "plain"))

    def began(self) -> None:
        """Somebody begins to type."""
        if self._shared and not self._claimed:
            self.run_worker(later(self._claim), group="claim", exclusive=True)

    def paint_body(self, store: Store, now: int) -> None:
        """Renew the claim, end it, or notice that somebody took it."""
        if self._claimed and self._shared:
            if self.other:
                self._claimed = False
                self.action_out()
                self.console.say(f"{self.other} and has taken over; your text stays here [E-EDITING]", "warning")
            elif not self.typing and not self.unsaved:
                self.run_worker(later(self._end), group="claim", exclusive=True)
            elif now > self._renew_at:
                self._renew_at = now + RENEW
                self.run_worker(later(self._claim), group="claim", exclusive=True)
        super().paint_body(store, now)

    async def _claim(self, *, take_over: bool = False) -> None:
        if not self._claimed:
            self._said_at = self.console.link.now()
        try:
            reply = await self.ask(EditConfig(take_over=take_over), "edit in the console")
        except (EngineLost, Refused):
            return  # nobody is there to tell; the text is guarded by its digest
        if reply.outcome is Outcome.DONE:
            self._me, self._claimed, self._renew_at = reply.text, True, self.console.link.now() + RENEW
            if take_over:
                self.action_edit()
        else:
            self._claimed = False
            self.action_out()
            self.console.say(f"{plain(reply.text)} [{reply.code}]", "warning")
        self.paint()

    async def leave(self) -> None:
        """Nothing is edited here any more."""
        if self._claimed:
            await self._end()

    async def _end(self) -> None:
        self._claimed = False
        try:
            await self.ask(EditConfig(editing=False), "done in the console")
        except (EngineLost, Refused):
            return  # it lapses by itself

    def action_take_over(self) -> None:
        """Ask, then edit in the other's place."""
        if not self.other:
            self.console.say("nobody else edits")
        elif not self.console.refuse():
            words: list[Line] = [
                ((f" {self.other}.", "plain"),),
                ((" Their console stops typing and is told; their text stays there, unapplied.", "plain"),),
                ((" Whoever applies second is refused, and sees the difference first.", "plain"),),
            ]
            done = self._take_over
            self.app.push_screen(Ask("Take over the editing?", words, confirm="Take over", done=done))

    def _take_over(self) -> None:
        self.run_worker(later(self._claim, take_over=True), group="claim", exclusive=True)
