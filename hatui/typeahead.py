"""Keys typed ahead of the console are carried out one after the other.

Invariant: a key is handed on only when the one before it has done all it does, focus and dialogs included.
Textual gives each key to the focused widget at once, but looks up its binding after the event has come back up
through all parents; letters typed right behind an arrow or behind the key that opens a field would overtake it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from textual import events
from textual.message import Message
from textual.widgets import Input

from hatui.painting import FrugalApp

PATIENCE_S = 1.0
"""A key that is not heard of again after this time (s), as its widget went away meanwhile, holds up no other."""


class Behind(Message):
    """Follows a key through the widgets to the app, unless one of them keeps the key for itself."""

    def __init__(self, key: events.Key, *, last: bool = False) -> None:
        super().__init__()
        self.key = key
        self.last = last
        """It also follows what the binding of the key has sent up from the widget."""


class TypeAhead(FrugalApp):
    """An app that takes its keys in order."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._keys: deque[events.Key] = deque()
        self._key: events.Key | None = None
        """The one under way."""
        self._field: Input | None = None
        """What it was typed into."""

    async def on_event(self, event: events.Event) -> None:
        """Keys wait for their turn; everything else goes its way."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._key is not None:
            self._keys.append(event)
        else:
            await self._begin(event)

    async def _begin(self, key: events.Key) -> None:
        self._key = key
        target = self.focused or self.screen
        self._field = target if isinstance(target, Input) else None
        self.set_timer(PATIENCE_S, lambda: self._end(key))
        await super().on_event(key)
        if key.is_forwarded:
            target.post_message(Behind(key))
        else:
            self._finish(key)

    def on_key(self, event: events.Key) -> None:
        """The key has come back to the app, whose bindings are looked up after this."""
        self._finish(event)

    def on_behind(self, message: Behind) -> None:
        """A widget kept the key, or all that it led to has come up."""
        if message.last:
            self._settle(message.key)
        else:
            self._finish(message.key)

    def _finish(self, key: events.Key) -> None:
        """After what the key has put into the app's queue; a field that it submits says so through all parents."""
        if self._key is key:
            self.call_later(self._follow if key.key == "enter" and self._field is not None else self._settle, key)

    def _follow(self, key: events.Key) -> None:
        if self._field is None or not self._field.post_message(Behind(key, last=True)):
            self._settle(key)

    def _settle(self, key: events.Key) -> None:
        """After the screen has taken it in."""
        if self._key is key:
            self.screen.call_after_refresh(self.call_later, self._end, key)

    async def _end(self, key: events.Key) -> None:
        if self._key is not key:
            return
        self._key = None
        if self._keys:
            await self._begin(self._keys.popleft())
