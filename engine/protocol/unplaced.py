"""A master whose addresses or routes the kernel refuses: it says so, tries again, and makes room for a better one.

Invariant: the trouble ends with the mastership or when the kernel has taken everything; the state is not changed by
a refusal alone. Only a master that has none of its addresses on an interface after a second try offers the role
once: by a hand-over, which is undone when nobody answers, and never out of a sync group, whose members move by
themselves. What it gives away it does not take back for a while, or two hosts with the same trouble would swap for
ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import AddRoutes, Cause, EffectFailed, EffectRefused, LogLine, State
from engine.protocol.stimuli import StepDown
from engine.protocol.timing import NS_PER_S, seconds_text

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance

FIRST_TRY = NS_PER_S
LONGEST_PAUSE = 60 * NS_PER_S
HOLD = 300 * NS_PER_S
"""ns that a router which could not serve stays at priority 1 after it has handed over."""
_PLACING = ("add-addresses", "add-routes")


class Trouble:
    """What the kernel refuses to one master."""

    __slots__ = ("failed", "offered", "pause", "routes", "text")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """No trouble."""
        self.text = ""
        self.pause = FIRST_TRY
        self.failed = False
        """Something was refused since the last try."""
        self.routes = False
        """Routes or rules were refused."""
        self.offered = False
        """The role was offered in this mastership."""


def refused(instance: VrrpInstance, event: EffectFailed) -> None:
    """The kernel refused an effect of this instance: say it once, and try again while it is master."""
    kind = f"{event.effect} {event.reason}"
    if kind not in instance.told:
        instance.told.add(kind)
        instance.host.out.append(EffectRefused(event.instance, event.effect, event.reason))
    if event.effect not in _PLACING or instance.state is not State.MASTER:
        return
    trouble = instance.trouble
    trouble.failed, trouble.text = True, event.reason
    trouble.routes = trouble.routes or event.effect == "add-routes"
    instance.dirty = True
    if not instance.side_armed("place"):
        instance.arm_side("place", instance.host.now + trouble.pause)


def try_again(instance: VrrpInstance) -> None:
    """Wish once more for all that is missing; without a new refusal since the last time the trouble is over."""
    trouble, presence, now = instance.trouble, instance.presence, instance.host.now
    if instance.state is not State.MASTER or not presence.wished:
        trouble.clear()
        return
    missing = presence.missing()
    if not missing and not trouble.failed:
        _over(instance)
        return
    repeated = trouble.pause > FIRST_TRY
    trouble.failed, trouble.pause = False, min(2 * trouble.pause, LONGEST_PAUSE)
    instance.arm_side("place", now + trouble.pause)
    if missing:
        presence.put(missing)
        presence.announce(max(1, instance.config.announce.master_repeat), missing)
    config = instance.config
    if trouble.routes and (config.routes or config.rules):
        instance.host.out.append(AddRoutes(config.name, config.routes, config.rules))
    if repeated and len(missing) == len(presence.addresses) and _may_offer(instance):
        trouble.offered = True
        reason = f"none of its addresses can be set: {trouble.text}"
        instance.tell(StepDown(Cause.ADDRESS_LOST, reason, hold_until=now + HOLD, by="the engine"))


def placed(instance: VrrpInstance) -> None:
    """An address is on its interface: with the last one the trouble is over, unless it is one of routes."""
    trouble = instance.trouble
    if trouble.text and not trouble.failed and not trouble.routes and not instance.presence.missing():
        _over(instance)


def _over(instance: VrrpInstance) -> None:
    instance.trouble.clear()
    instance.cancel_side("place")
    instance.dirty = True
    text = f"{instance.config.name}: the kernel has taken what it refused before"
    instance.host.out.append(LogLine("info", text))


def _may_offer(instance: VrrpInstance) -> bool:
    busy = instance.hand_over is not None or instance.move is not None or instance.hold is not None
    return not (busy or instance.trouble.offered or instance.config.owner or instance.group is not None)


def sentence(instance: VrrpInstance) -> str:
    """The trouble as the console shows it; empty when there is none."""
    trouble = instance.trouble
    if not trouble.text or instance.state is not State.MASTER:
        return ""
    return f"{trouble.text}; tried again every {seconds_text(trouble.pause)}"
