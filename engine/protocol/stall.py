"""What a virtual router does after its own host stood still: stopped, starved, suspended.

Invariant: a router that was away for longer than the master-down interval never fights for the role it has
lost: it listens first, and yields to whoever it hears. Shorter stalls are near misses, and said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import NearMiss
from engine.protocol.timing import NS_PER_MS, seconds_text, skew_time

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance
    from engine.protocol.stimuli import Heard

QUEUE_TIME = 10 * NS_PER_MS
"""ns within which the loop has read what came while it stood still."""


def doubt(instance: VrrpInstance, late: int) -> None:
    """As master, `late` (ns) behind an advert that was due. Past `down_timer_adverts` intervals another has surely
    taken over: no advert for one interval, in which the new master must be heard if there is one. Where it may
    just have taken over, its first advert waits in our socket: it is read before anything is sent."""
    config, now = instance.config, instance.host.now
    limit = config.down_timer_adverts * config.advert_interval
    instance.evidence.note(now, "stall", f"this engine stood still for {seconds_text(late)}")
    if instance.hand_over is not None or late <= config.advert_interval:
        return
    text = f"this engine stood still for {seconds_text(late)}; a backup takes over after {seconds_text(limit)}"
    _near_miss(instance, text)
    if late + config.advert_interval > limit:
        instance.doubtful = True
        instance.cancel_announcements()
        listen = config.advert_interval if late > limit else min(QUEUE_TIME, config.advert_interval)
        instance.arm(now + listen)


def listen_again(instance: VrrpInstance, late: int) -> None:
    """As backup: adverts may have been missed, so the master gets one interval and the skew to be heard."""
    now = instance.host.now
    instance.evidence.note(now, "stall", f"this engine stood still for {seconds_text(late)}")
    if late <= instance.master_interval:
        return
    _near_miss(instance, f"this engine stood still for {seconds_text(late)} and heard nothing meanwhile")
    skew = skew_time(instance.config.version, instance.priority, instance.master_interval)
    instance.alike_tail = b""
    instance.arm(max(instance.timer_at, now + instance.master_interval + skew))


def missed_adverts(instance: VrrpInstance, heard: Heard) -> None:
    """As backup: the master's advert came in the last interval before we would have taken over."""
    now = instance.host.now
    left = instance.timer_at - now
    if left > instance.near_margin or instance.resigned or instance.outranked or now < instance.not_before:
        return
    if not instance.heard_at or instance.heard_at < instance.since:
        return
    lost = (now - instance.heard_at) // instance.master_interval - 1
    if lost < 1:
        return
    adverts = "advert" if lost == 1 else "adverts"
    before = f"{seconds_text(left)} before the take-over" if left >= 0 else "just in time"
    _near_miss(instance, f"{lost} {adverts} of {heard.sender} missed; the next came {before}")


def sentence(instance: VrrpInstance, heard: Heard) -> str:
    """Why a doubtful master yields."""
    config = instance.config
    return (
        f"this engine stood still and sent nothing for longer than {config.down_timer_adverts} x "
        f"{seconds_text(config.advert_interval)}; {heard.sender} (priority {heard.priority}) has taken over"
    )


def _near_miss(instance: VrrpInstance, text: str) -> None:
    instance.near_misses += 1
    instance.dirty = True
    instance.host.out.append(NearMiss(instance.config.name, text))
