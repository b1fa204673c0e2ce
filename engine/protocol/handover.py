"""Moving the addresses on purpose: make before break, holds, and the orders that begin them.

Invariant: a master that hands over keeps its addresses, silent, until another router's advert is heard and
that router has had time to announce them; the addresses are never removed by a failover that nobody
answered. Exactly one CommandFinished per order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.messages import (
    Cause,
    CommandFinished,
    HandOverFinished,
    HandOverStarted,
    HoldChanged,
    LastKnown,
    Outcome,
    PriorityChanged,
)
from engine.protocol.stimuli import Heard, StepDown, Stopped
from engine.protocol.timing import hand_over_limit, master_down_interval, release_grace, seconds_text

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance


HOLDS = ("step-down", "take-over", "maintenance")


@dataclass(slots=True)
class Hold:
    """An operator's handicap (step-down, maintenance: priority 1) or boost (take-over: 254)."""

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
    hold_kind: str = "step-down"
    successor: Heard | None = None
    """Its latest advert, once it was heard."""
    answered: int = 0
    """When its first one was heard."""
    heard_at: int = 0
    """When its latest one was heard."""


@dataclass(slots=True)
class Move:
    """One order of an operator under way: the instances (one, or a sync group) that still have to answer."""

    request: int
    started: int
    pending: list[VrrpInstance]
    keep: bool = False
    """Maintenance: the handicap stays though nobody took over; then the address stays, too."""
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
        instance.hand_over.hold_kind = stimulus.hold_kind
    instance.cancel_announcements()
    instance.doubtful = False
    instance.dirty = True
    config = instance.config
    instance.arm(now + hand_over_limit(config.version, config.advert_interval))
    instance.host.out.append(HandOverStarted(config.name, reason))


def heard(instance: VrrpInstance, said: Heard) -> None:
    """An advert in the silence after priority 0: a successor, or its farewell."""
    over = instance.hand_over
    assert over is not None
    now = instance.host.now
    if said.priority == 0:
        if over.successor is not None:
            over.successor = None
            instance.arm(now + hand_over_limit(instance.config.version, instance.config.advert_interval))
        return
    if over.successor is None:
        over.answered = now
        moving = len(instance.host.virtual) if over.stop else len(instance.presence.addresses)
        instance.arm(now + release_grace(moving))
    over.successor, over.heard_at = said, now


def expired(instance: VrrpInstance) -> None:
    """The time to wait for a successor, or to let it announce the addresses, is over."""
    over = instance.hand_over
    assert over is not None
    duration = seconds_text(instance.host.now - over.started)
    if over.successor is None:
        whom = "nobody" if over.stop else "no backup"
        _unanswered(instance, over, f"{whom} took over within {duration}")
    elif _silent(instance, over, over.successor):
        whom, silence = over.successor.sender, seconds_text(instance.host.now - over.heard_at)
        _unanswered(instance, over, f"{whom} took over, but has been silent for {silence}")
    else:
        _succeeded(instance, over, over.successor)


def _silent(instance: VrrpInstance, over: HandOver, successor: Heard) -> bool:
    """Whether the successor has died while it was given time: a backup would take over from it by now."""
    config = instance.config
    down = master_down_interval(config.version, instance.priority, successor.interval, config.down_timer_adverts)
    return instance.host.now - over.heard_at >= down


def _succeeded(instance: VrrpInstance, over: HandOver, heard: Heard) -> None:
    """The successor is heard and has announced: now, and only now, the addresses go."""
    host, name = instance.host, instance.config.name
    duration = over.answered - over.started
    instance.presence.drop_all()
    host.out.append(HandOverFinished(name, heard.sender, duration, released=True))
    text = f"{heard.sender} (priority {heard.priority}) took over after {seconds_text(duration)}"
    if over.stop:
        instance.leave_to_init(over.cause, text)
        _conclude(instance, Outcome.DONE, "", text)
        return
    move, instance.move = instance.move, None
    before = instance.priority
    instance.hold = Hold(over.hold_kind, over.hold_until, over.by, over.reason)
    instance.assess()
    instance.tally.release_master += 1
    instance.follow(heard, over.cause, text)
    _hold_began(instance, before)
    if move is not None:
        instance.move = move
        _arrived(move, instance, f"{name}: {text}")


def taken_back(instances: Sequence[VrrpInstance], why: str) -> bool:
    """Undo an operator's failover that nobody has answered yet; False when there is none."""
    for one in instances:
        over, move = one.hand_over, one.move
        if over is not None and move is not None and not (over.stop or over.successor or move.keep):
            _unanswered(one, over, why)
            return True
    return False


def _unanswered(instance: VrrpInstance, over: HandOver, why: str) -> None:
    """Nobody has taken over, or nobody lives who did. A failover is undone; a stop says goodbye once more and goes."""
    host, name = instance.host, instance.config.name
    duration = host.now - over.started
    if over.stop:
        instance.resign()
        instance.presence.drop_all()
        host.out.append(HandOverFinished(name, "", duration, released=True))
        instance.leave_to_init(over.cause, why)
        _conclude(instance, Outcome.UNDONE, "E-STOPPING", why)
        return
    move = instance.move
    if move is not None and move.keep:
        handicap(instance, over.hold_until, over.by, over.reason)
        _resume(instance, over)
        _arrived(move, instance, f"{name}: {why}; it serves on here with priority {instance.priority}")
        return
    for one in move.pending.copy() if move is not None else [instance]:
        if one.hand_over is not None:
            _resume(one, one.hand_over)
    for one in move.moved if move is not None else []:
        end_hold(one, "the failover was undone")
    _conclude(instance, Outcome.UNDONE, "E-NO-SUCCESSOR", f"{name}: {why}; the address stays here")


def _resume(instance: VrrpInstance, over: HandOver) -> None:
    instance.hand_over = None
    instance.dirty = True
    instance.advertise_now()
    if over.successor is not None:  # hosts of the link have learnt the address of a router that is gone
        instance.presence.announce(instance.config.announce.master_repeat)
    duration = instance.host.now - over.started
    instance.host.out.append(HandOverFinished(instance.config.name, "", duration, released=False))
    instance.rearm_refresh()


def cut_short(instance: VrrpInstance, over: HandOver | None, code: str, detail: str) -> None:
    """Mastership ended otherwise than ordered, the addresses are off: what was under way is put back."""
    if over is not None:
        duration = instance.host.now - over.started
        instance.host.out.append(HandOverFinished(instance.config.name, "", duration, released=True))
    move = instance.move
    if move is not None and move.keep:
        if over is not None:
            handicap(instance, over.hold_until, over.by, over.reason)
        _arrived(move, instance, f"{instance.config.name}: {detail}; it is in maintenance all the same")
    elif move is not None:
        members = move.pending + move.moved
        _conclude(instance, Outcome.UNDONE, code, f"{instance.config.name}: {detail}")
        for one in members:
            if one.hand_over is not None and not one.hand_over.stop:
                _resume(one, one.hand_over)
            end_hold(one, "the order was undone")
    if over is not None and over.stop:
        instance.tell(Stopped(over.cause))


def verified(instance: VrrpInstance) -> None:
    """A take-over has lasted long enough to be believed."""
    move = instance.move
    if move is None or instance not in move.pending:
        return
    _arrived(move, instance, f"{instance.config.name} is MASTER with priority {instance.priority}")


def boost(instance: VrrpInstance, until: int, by: str, reason: str) -> None:
    """Begin a take-over hold: priority 254 from here on."""
    before = instance.priority
    instance.hold = Hold("take-over", until, by, reason)
    instance.assess()
    instance.recompute_down()
    _hold_began(instance, before)


def handicap(instance: VrrpInstance, until: int, by: str, reason: str) -> None:
    """Put an instance into maintenance where it stands; the caller advertises."""
    instance.hold = Hold("maintenance", until, by, reason)
    instance.reassess("maintenance")
    _hold_began(instance, instance.priority)


def restore(instance: VrrpInstance, known: LastKnown) -> None:
    """Put back the hold that a process before this one knew. An expired one ends with the first tick."""
    reason = known.hold_reason or "continued after a restart"
    instance.hold = Hold(known.hold_kind, known.hold_until, known.hold_by, reason)
    if known.hold_until:
        instance.arm_side("hold-end", known.hold_until)


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
    if drop_hold(instance, reason, by):
        instance.reassess(f"hold ended: {reason}")


def drop_hold(instance: VrrpInstance, reason: str, by: str = "") -> bool:
    """Forget the hold and say so; the caller works out the priority. False when there was none."""
    if instance.hold is None:
        return False
    instance.hold = None
    instance.cancel_side("hold-end")
    instance.host.out.append(HoldChanged(instance.config.name, "", 0, by, reason))
    return True


def _arrived(move: Move, instance: VrrpInstance, text: str) -> None:
    """One member has done what was ordered; the last one concludes the order."""
    move.pending.remove(instance)
    move.moved.append(instance)
    move.texts.append(text)
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
