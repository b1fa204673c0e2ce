"""What the console says by itself: messages, which stay among the events, and the bell for two masters.

Invariant: every message that was shown for some seconds can be read later in Events, marked as the console's own and
at its own time; nothing of it is sent to the engine, and a recording shows the past alone. The bell rings once for
an alarm, never in a recording, never when it was switched off.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.messages import EventLine, Hello
from hatui.alarms import Alarms
from hatui.look import Look
from hatui.pending import Severity
from hatui.store import Rewound, SaidRow, Told

if TYPE_CHECKING:
    from hatui.app import HatuiApp
    from hatui.sentences import Problem

KEPT = 1000
"""Messages that are kept."""
OPENING = 10_000_000_000
"""ns after the first frame in which an alarm takes the cursor of the Dashboard with it, if nobody has moved it."""
_WORDS = {"information": "info", "warning": "warn", "error": "bad"}


class Telling(Look):
    """An app whose messages are not lost."""

    def __init__(self, *, bell: bool = True, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.rings = bell
        """Whether an alarm rings the terminal's bell."""
        self._alarms = Alarms()
        self._alarmed = ""
        """The instance of an alarm that the Dashboard was not opened on yet."""
        self._opened = 0
        self._said: deque[SaidRow] = deque(maxlen=KEPT)
        self._early: list[tuple[str, str, int]] = []
        """Messages from before the engine's clock was known: words, severity, our own monotonic clock (ns)."""
        self._number = self._repeated = 0
        self._history = False
        """The engine has told what was before: what is said now comes behind it."""

    # messages ----------------------------------------------------------------------------------

    def say(self, text: str, severity: Severity = "information") -> None:
        """A message at the edge of the screen, and among the events."""
        super().say(text, severity)
        if self._history:
            self._keep(text, _WORDS[severity], 0)
            self._repeat()
        else:
            self._early.append((text, _WORDS[severity], time.monotonic_ns()))

    def _keep(self, words: str, severity: str, age: int) -> None:
        self._number += 1
        link = self._owner.link
        self._said.append(SaidRow(self._number, link.now() - age, link.wall() - age, words, severity))

    def _repeat(self) -> None:
        """Those that do not stand among the events yet; a recording's events are the past alone."""
        if self._owner.link.recorded:
            return
        for row in self._said:
            if row.number > self._repeated:
                self._owner.store.say(row)
                self._repeated = row.number

    def was_told(self, told: Sequence[Told]) -> None:
        """The store has taken these; once it has the engine's history, messages come behind it."""
        if any(isinstance(one, Rewound) for one in told):
            self._history, self._repeated = False, 0
        history = any(isinstance(one, EventLine) for one in told)
        if self._owner.store.hello is None or (not history and any(isinstance(one, Hello) for one in told)):
            return
        if not self._history:
            self._history = True
            now = time.monotonic_ns()
            for words, severity, at in self._early:
                self._keep(words, severity, now - at)
            self._early.clear()
            self._repeat()

    # the bell ----------------------------------------------------------------------------------

    def sound(self, found: Sequence[Problem]) -> None:
        """Ring and say what has become an alarm; these are all problems there are."""
        app = self._owner
        now = app.link.now()
        self._opened = self._opened or now
        fresh = [] if app.link.recorded else self._alarms.fresh(found, now)
        if not fresh:
            return
        for problem in fresh:
            self.say(problem.text, "error")
        if self.rings:
            self.bell()
        self._alarmed = next((problem.instance for problem in fresh if problem.instance), "")
        if now - self._opened < OPENING:
            self.call_later(self.open_on_alarm, at_first=True)

    def open_on_alarm(self, *, at_first: bool = False) -> None:
        """The Dashboard's cursor on the instance of an alarm, once; `at_first` only where nobody has moved it."""
        from hatui.screens.dashboard import Dashboard
        from hatui.widgets.instances import InstanceTable

        screen = self.screen
        if not self._alarmed or not isinstance(screen, Dashboard):
            return
        table = screen.query_one(InstanceTable)
        if not at_first or not table.cursor:
            table.move_to_key(self._alarmed)
            self._alarmed = ""

    @property
    def _owner(self) -> HatuiApp:
        from hatui.app import HatuiApp

        assert isinstance(self, HatuiApp)
        return self
