"""Who edits the configuration in a console just now, so that two people do not work against each other unawares.

Owns the invariant that this only tells and never locks: what is applied is guarded by the digest of the text that
was edited, whoever edits. A console that dies stops renewing, and its claim ends by itself.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.config.model import NS_PER_S
from engine.core.peers import Peer
from engine.errors import Refused
from engine.messages import EditConfig, Outcome, Reply, Request

LEASE = 90 * NS_PER_S
"""ns for which a claim holds without being renewed."""


class Editor(msgspec.Struct, frozen=True):
    """One person at one console."""

    by: str = ""
    """Empty: nobody edits."""
    origin: str = ""
    since: int = 0
    until: int = 0


class Editors:
    """The one who edits; the last one who said so and was not refused."""

    def __init__(self, clock: Callable[[], int], changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._held = Editor()

    @property
    def now(self) -> Editor:
        """Who edits; nobody when the claim was not renewed."""
        return self._held if self._held.until > self._clock() else Editor()

    async def answer(self, request: Request, peer: Peer, _progress: Callable[[str], None]) -> Reply:
        """Claim, renew, take over or end. The text of the reply is the claim's own origin.

        Raises:
            Refused: E-EDITING, somebody else edits.
        """
        command = request.command
        assert isinstance(command, EditConfig)
        held, mine = self.now, self.now.origin == peer.origin
        if not command.editing:
            if mine:
                self._take(Editor())
            return Reply(request.id, Outcome.DONE, text=peer.origin)
        if held.by and not mine and not command.take_over:
            raise Refused("E-EDITING", f"{held.by} edits the configuration ({held.origin})")
        at = self._clock()
        self._take(Editor(peer.login, peer.origin, held.since if mine else at, at + LEASE))
        return Reply(request.id, Outcome.DONE, text=peer.origin)

    def _take(self, editor: Editor) -> None:
        self._held = editor
        self._changed()
