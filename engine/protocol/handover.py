"""Moving the addresses on purpose: make before break, holds, and the orders that begin them.

Invariant: a master that hands over keeps its addresses, silent, until another router's advert is heard; the
addresses are never removed by a failover that nobody answered. Exactly one CommandFinished per order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.messages import (
    Cause,
    CommandFinished,
    HandOverFinished,
    HandOverStarted,
    HoldChanged,
    Outcome,
    PriorityChanged,
    State,
)
from engine.protocol.stimuli import Heard, StepDown, Stopped
from engine.protocol.timing import hand_over_limit, seconds_text

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance


@dataclass(slots=True)
class Hold:
    """An operator's handicap (step-down: priority 1) or boost (take-over: 254)."""

    kind: str
    until: int
    """0 means until released."""
    by: str
    reason: str


@dataclass(slots=True)
class HandOver:
    """Priority 0 has been sent, the addresses are still here."""

    started: int
    cause: Cause
    reason: str
    stop: bool
    """The engine ends: without a successor the addresses go all the same."""
    hold_until: int = 0
    by: str = ""


@dataclass(slots=True)
class Move:
    """One order of an operator under way: the instances (one, or a sync group) that still have to answer."""

    request: int
    started: int
    pending: list[VrrpInstance]
    moved: list[VrrpInstance] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def begin(instance: VrrpInstance, stimulus: StepDown | Stopped) -> None:
    """Resign, keep the addresses, fall silent, wait for a successor."""
    now = instance.host.now
    stop = isinstance(stimulus, Stopped)
    if instance.hand_over is not None:
        instance.hand_over.stop = instance.hand_over.stop or stop
        if stop:
            instance.hand_over.cause = stimulus.cause
        return
    reason = stimulus.reason if isinstance(stimulus, StepDown) else "the engine stops"
    instance.resign()
    instance.hand_over = HandOver(now, stimulus.cause, reason, stop)
    if isinstance(stimulus, StepDown):
        instance.hand_over.hold_until, instance.hand_over.by = stimulus.hold_until, stimulus.by
    instance.cancel_announcements()
    instance.doubtful = False
    instance.dirty = True
    config = instance.config
    instance.arm(now + hand_over_limit(config.version, config.advert_interval))
    instance.host.out.append(HandOverStarted(config.name, reason))


def succeeded(instance: VrrpInstance, heard: Heard) -> None:
    """The successor's first advert: now, and only now, the addresses go."""
    over = instance.hand_over
    assert over is not None
    host, name, now = instance.host, instance.config.name, instance.host.now
    duration = now - over.started
    instance.presence.drop_all()
    host.out.append(HandOverFinished(name, heard.sender, duration, released=True))
    text = f"{heard.sender} (priority {heard.priority}) took over after {seconds_text(duration)}"
    if over.stop:
        instance.leave_to_init(over.cause, text)
        _conclude(instance, Outcome.DONE, "", text)
        return
    before = instance.priority
    instance.hold = Hold("step-down", over.hold_until, over.by, over.reason)
    instance.assess()
    instance.tally.release_master += 1
    instance.follow(heard, over.cause, text)
    _hold_began(instance, before)
    move = instance.move
    if move is not None:
        move.pending.remove(instance)
        move.moved.append(instance)
        move.texts.append(f"{name}: {text}")
        _finish_if_complete(move, instance)


def unanswered(instance: VrrpInstance) -> None:
    """Nobody took over in time. A failover is undone; a stop says goodbye once more and goes."""
    over = instance.hand_over
    assert over is not None
    host, name = instance.host, instance.config.name
    duration = host.now - over.started
    if over.stop:
        instance.resign()
        instance.presence.drop_all()
        host.out.append(HandOverFinished(name, "", duration, released=True))
        text = f"nobody took over within {seconds_text(duration)}"
        instance.leave_to_init(over.cause, text)
        _conclude(instance, Outcome.UNDONE, "E-STOPPING", text)
        return
    move = instance.move
    for one in move.pending.copy() if move is not None else [instance]:
        if one.hand_over is not None:
            _resume(one, one.hand_over)
    for one in move.moved if move is not None else []:
        end_hold(one, "the failover was undone")
    text = f"no backup took over within {seconds_text(duration)}; the address stays here"
    _conclude(instance, Outcome.UNDONE, "E-NO-SUCCESSOR", f"{name}: {text}")


def _resume(instance: VrrpInstance, over: HandOver) -> None:
    instance.hand_over = None
    instance.dirty = True
    instance.advertise_now()
    duration = instance.host.now - over.started
    instance.host.out.append(HandOverFinished(instance.config.name, "", duration, released=False))
    instance.rearm_refresh()


def broken(instance: VrrpInstance, over: HandOver, detail: str) -> None:
    """The hand-over ended by a fault: the addresses are off already."""
    duration = instance.host.now - over.started
    instance.host.out.append(HandOverFinished(instance.config.name, "", duration, released=True))
    _conclude(instance, Outcome.UNDONE, "E-FAULT", f"{instance.config.name}: {detail}")
    if over.stop:
        instance.tell(Stopped(over.cause))


def outranked(instance: VrrpInstance, heard: Heard) -> None:
    """A take-over did not last: somebody better answered."""
    if instance.hold is None or instance.hold.kind != "take-over":
        return
    text = f"{instance.config.name}: {heard.sender} answered with priority {heard.priority}; the boost is withdrawn"
    move = instance.move
    for one in (move.pending + move.moved) if move is not None else [instance]:
        end_hold(one, "outranked")
    _conclude(instance, Outcome.UNDONE, "E-OUTRANKED", text)


def verified(instance: VrrpInstance) -> None:
    """A take-over has lasted long enough to be believed."""
    move = instance.move
    if move is None or instance not in move.pending:
        return
    if instance.state is not State.MASTER:
        _conclude(instance, Outcome.UNDONE, "E-OUTRANKED", f"{instance.config.name} is {instance.state} again")
        return
    move.pending.remove(instance)
    move.moved.append(instance)
    move.texts.append(f"{instance.config.name} is MASTER with priority {instance.priority}")
    _finish_if_complete(move, instance)


def boost(instance: VrrpInstance, until: int, by: str, reason: str) -> None:
    """Begin a take-over hold: priority 254 from here on."""
    before = instance.priority
    instance.hold = Hold("take-over", until, by, reason)
    instance.assess()
    instance.recompute_down()
    _hold_began(instance, before)


def restore(instance: VrrpInstance, kind: str, until: int) -> None:
    """Put back the hold that a process before this one knew. An expired one ends with the first tick."""
    instance.hold = Hold(kind, until, "", "continued after a restart")
    if until:
        instance.arm_side("hold-end", until)


def _hold_began(instance: VrrpInstance, before: int) -> None:
    hold = instance.hold
    assert hold is not None
    out, name = instance.host.out, instance.config.name
    out.append(HoldChanged(name, hold.kind, hold.until, hold.by, hold.reason))
    if instance.priority != before:
        out.append(PriorityChanged(name, before, instance.priority, f"{hold.kind} hold"))
    if hold.until:
        instance.arm_side("hold-end", hold.until)
    instance.dirty = True


def end_hold(instance: VrrpInstance, reason: str, by: str = "") -> None:
    """The instance runs with its own priority again."""
    if instance.hold is None:
        return
    instance.hold = None
    instance.cancel_side("hold-end")
    instance.host.out.append(HoldChanged(instance.config.name, "", 0, by, reason))
    instance.reassess(f"hold ended: {reason}")


def _finish_if_complete(move: Move, instance: VrrpInstance) -> None:
    if not move.pending:
        _conclude(instance, Outcome.DONE, "", "; ".join(move.texts))


def _conclude(instance: VrrpInstance, outcome: Outcome, code: str, text: str) -> None:
    """The one answer to the order that this instance is part of, if it is."""
    move = instance.move
    if move is None:
        return
    for one in move.pending + move.moved:
        one.move = None
    now = instance.host.now
    instance.host.out.append(CommandFinished(move.request, outcome, code, text, now - move.started))
