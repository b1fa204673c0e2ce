"""One drill at a time in a site: what another node's drill wants of this one.

Invariant: engines have no link of their own, so a node knows of a drill elsewhere only what somebody with a link to
both has told it; what was told ends by itself, and nobody but the node that it is about renews or ends it before.
"""

from __future__ import annotations

from engine.errors import Refused
from engine.messages import ReserveDrill

LONGEST_S = 86_400.0
NS = 1_000_000_000


class Reservation:
    """The drill of another node, as far as it was told."""

    def __init__(self) -> None:
        self._held: ReserveDrill | None = None
        self._by = ""
        self._until = 0

    def words(self, now: int) -> str:
        """Who drills where; empty when nobody does."""
        held = self._held
        if held is None or now >= self._until:
            return ""
        left = (self._until - now) / NS
        return f"{held.host} drills {held.instance} ({held.plan}), by {self._by}, for at most {left:.0f} s more"

    def take(self, wish: ReserveDrill, by: str, now: int) -> str:
        """Take, renew, or (with 0 seconds) end it.

        Raises:
            Refused: E-DRILL when another node drills; E-RANGE.
        """
        if not 0 <= wish.seconds <= LONGEST_S:
            raise Refused("E-RANGE", f"seconds is 0 to {LONGEST_S:g}")
        words = self.words(now)
        if words and self._held is not None and self._held.host != wish.host:
            raise Refused("E-DRILL", words)
        if not wish.seconds:
            self._held = None
            return f"the drill of {wish.host} is over"
        self._held, self._by, self._until = wish, by, now + int(wish.seconds * NS)
        return self.words(now)
