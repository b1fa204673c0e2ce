"""The timers of one instance: the one of its state, and those that belong to no state.

Invariant: the host's heap has an entry at or before `timer_at` and `side_at`. Moving an instant later touches no heap.
"""

from __future__ import annotations

from engine.protocol.host import Host
from engine.protocol.timing import NEVER


class Timers:
    """What the host's heap holds."""

    __slots__ = ("_side", "entry", "entry_at", "host", "side_at", "timer_at")

    def __init__(self, host: Host) -> None:
        self.host = host
        self.timer_at = NEVER
        """When the state's own timer is due."""
        self.entry = 0
        """Number of the live entry in the heap; 0 is none."""
        self.entry_at = NEVER
        self._side: dict[str, int] = {}
        self.side_at = NEVER
        """When the first of the others is due."""

    def arm(self, at: int) -> None:
        """Set the state's timer."""
        self.timer_at = at
        if at < self.entry_at:
            self.host.schedule(self, at)

    def arm_side(self, name: str, at: int) -> None:
        """Set a timer that belongs to no state, such as "announce" or "hold-end"."""
        self._side[name] = at
        self.side_at = min(self._side.values())
        if at < self.entry_at:
            self.host.schedule(self, at)

    def cancel_side(self, *names: str) -> None:
        """Such timers are not due any more."""
        for name in names:
            self._side.pop(name, None)
        self.side_at = min(self._side.values(), default=NEVER)

    def side_armed(self, name: str) -> bool:
        """Whether such a timer runs."""
        return name in self._side

    def expire(self, now: int) -> None:
        """Do what is due at `now`."""
        if self.side_at <= now:
            names = [name for name, at in self._side.items() if at <= now]
            self.cancel_side(*names)
            for name in names:
                self.side_fired(name)
        if self.timer_at <= now:
            self.timer_fired()

    def timer_fired(self) -> None:
        """The state's timer is due."""
        raise NotImplementedError

    def side_fired(self, name: str) -> None:
        """A timer that belongs to no state is due."""
        raise NotImplementedError
