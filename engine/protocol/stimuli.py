"""What the state machine of one instance is told, past the codec and the checks.

Invariant: everything that can change a state arrives as one of these, so the methods of `VrrpInstance` are
the whole table of state and input.
"""

from __future__ import annotations

import msgspec

from engine.messages import Cause


class Stimulus(msgspec.Struct, frozen=True):
    """Base of all inputs of the state machine."""


class TimerFired(Stimulus, frozen=True):
    """The instance's own timer is due: advert in MASTER, master-down in BACKUP, hand-over."""


class Heard(Stimulus, frozen=True):
    """An advertisement of another router passed every test."""

    priority: int
    source: bytes
    """Packed, for the tie-break."""
    sender: str
    """The same as text."""
    interval: int
    """ns"""


class Started(Stimulus, frozen=True):
    """The instance came into being."""


class Assessed(Stimulus, frozen=True):
    """Faults, effective priority or source address may have changed."""

    priority_before: int
    reason: str = ""


class StepDown(Stimulus, frozen=True):
    """Give the addresses to a backup: the begin of a hand-over."""

    cause: Cause
    reason: str
    request: int | None = None
    hold_until: int = 0
    """0 means until released."""
    by: str = ""
    hold_kind: str = "step-down"


class TakeOver(Stimulus, frozen=True):
    """Become master now."""

    reason: str
    cause: Cause = Cause.OPERATOR


class Stopped(Stimulus, frozen=True):
    """The engine ends, or the instance was removed from the configuration."""

    cause: Cause
    hand_over: bool = True
    keep_addresses: bool = False


class Elected(Stimulus, frozen=True):
    """Every member of the sync group wants to be master."""


class Pulled(Stimulus, frozen=True):
    """Another member of the sync group became backup."""

    member: str


class Stalled(Stimulus, frozen=True):
    """This host's loop stood still for `late` ns."""

    late: int


FIRED = TimerFired()
STARTED = Started()
ELECTED = Elected()
