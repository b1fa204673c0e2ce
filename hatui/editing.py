"""What the config screen edits: the files as the engine gave them, and how they differ from the disk by now.

Invariant: text that somebody typed is never replaced by what comes from the disk; a difference is kept beside
it until it is taken or left, and until then nothing can be applied.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import takewhile

from engine.errors import EngineLost, Refused
from engine.messages import (
    AdvertRejected,
    Command,
    ConfigLoaded,
    ConfigRefused,
    ConfigText,
    EventLine,
    GetConfig,
    InterfaceStateChanged,
    LogLine,
    MasterChanged,
    Outcome,
    Reply,
    StateChanged,
)
from hatui.drafts import Draft, Judgement, differing
from hatui.kept import Kept
from hatui.store import Store

Perform = Callable[[Command, str], Awaitable[Reply]]
MOVING = (AdvertRejected, InterfaceStateChanged, LogLine, MasterChanged, StateChanged)
"""Events after which other routers may be heard to say something else, or the host may be another."""
LONGEST_TEXT = 1_000_000
"""Characters of a text that the engine is asked about while it is typed."""


class Editing:
    """One draft and its relation to the disk."""

    def __init__(self) -> None:
        self.draft: Draft | None = None
        self.disk: tuple[ConfigText, ...] = ()
        """The files on disk when the edited one has changed there meanwhile."""
        self.trouble = ""
        """Why there is nothing to edit."""
        self._fetched = -1
        self._judged = -1
        """Sequence number of the last event before the engine was asked for its verdict."""

    def stale(self, store: Store) -> bool:
        """The engine has said that a configuration was loaded or refused since the files were read."""
        return self._latest(store) != self._fetched

    @staticmethod
    def _latest(store: Store) -> int:
        rows = (row.seq for row in reversed(store.config_told) if isinstance(row.event, ConfigLoaded | ConfigRefused))
        return next(rows, 0)

    def begin(self, store: Store) -> None:
        """A fetch is under way: what has been said so far is answered by it."""
        self._fetched = self._latest(store)

    def forget(self) -> None:
        """Read everything again at the next occasion."""
        self.draft = None
        self.disk = ()
        self._fetched = -1

    async def fetch(self, perform: Perform, reason: str, *, reveal: bool = False) -> tuple[ConfigText, ...]:
        """The files from the engine; empty when there are none, and then `trouble` says why."""
        try:
            reply = await perform(GetConfig(reveal), reason)
        except (EngineLost, Refused) as error:
            self.trouble, self._fetched = str(error), -1
            return ()
        if reply.outcome is not Outcome.DONE or not reply.files:
            self.trouble = f"{reply.text} [{reply.code}]" if reply.code else "the engine has no configuration file"
            return ()
        self.trouble = ""
        return reply.files

    def take(self, files: tuple[ConfigText, ...], config_id: str) -> Draft:
        """Edit these files from now on."""
        self.draft = Draft(files, config_id)
        self.disk = ()
        return self.draft

    def restored(self, kept: Kept, files: tuple[ConfigText, ...]) -> bool:
        """Whether a text that was kept goes on from these files; if not, the disk has changed since."""
        draft = self.draft
        if draft is None:
            return False
        for path, text in kept.included.items():
            draft.type(path, text)
        if not draft.changed(kept.text):
            return False
        if kept.base != draft.base.digest or any(
            draft.file(path).digest != kept.bases.get(path) for path in draft.typed
        ):
            self.disk = files
        return True

    async def verdict(self, store: Store, perform: Perform, shown: str, judged: Judgement) -> Judgement:
        """What the engine says of a text that was checked here: it knows its host, and what other nodes advertise.
        The same as before where it says nothing."""
        draft, hello = self.draft, store.hello
        if draft is None or hello is None or "judge" not in hello.capabilities or len(shown) > LONGEST_TEXT:
            return judged
        self._judged = store.last_seq
        try:
            reply = await perform(draft.trial(shown), "")
        except (EngineLost, Refused):
            return judged
        if reply.outcome is not Outcome.DONE and reply.code != "E-CONFIG-BROKEN":
            return judged
        return draft.told(judged, shown, reply.judged, runs=reply.outcome is Outcome.DONE)

    def overtaken(self, store: Store) -> bool:
        """Whether something has happened, since this was asked last, that may change the engine's verdict."""
        if not 0 <= self._judged < store.last_seq:
            return False
        before, self._judged = self._judged, store.last_seq
        lines = (row for row in reversed(store.events) if isinstance(row, EventLine))
        return any(isinstance(row.event, MOVING) for row in takewhile(lambda row: row.seq > before, lines))

    def compare(self, files: tuple[ConfigText, ...]) -> None:
        """Remember files that differ from those that are edited; forget them when they do no longer."""
        if self.draft is not None and files:
            self.disk = files if self.draft.differs_from(files) else ()
            if not self.disk:
                self.draft.renew(files)

    def differing_lines(self, shown: str) -> int:
        """How many lines of the disk differ from the text that was read, or from the one in the editor when that
        began from another text."""
        draft = self.draft
        if draft is None or not self.disk:
            return 0
        count = 0
        for file in draft.differs_from(self.disk) or self.disk[:1]:
            theirs, mine = draft.masks.mask(file.text), shown if file.path == draft.path else draft.now(file.path)
            count += differing(draft.shown(file.path), theirs) or differing(mine, theirs)
        return count
