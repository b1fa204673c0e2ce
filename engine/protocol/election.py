"""What an accepted advertisement means for the election, in BACKUP and in MASTER.

Invariant: a losing or unwanted advert re-arms no timer of a backup; a master answers at most one advert per
advert heard. Source: RFC 9568 6.4.2, 6.4.3; RFC 3768 6.4.2, 6.4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import LogLine, LowerPriorityHeard, MasterChanged
from engine.protocol import owners, stall
from engine.protocol.timing import NS_PER_MS, NS_PER_S, skew_time

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance
    from engine.protocol.stimuli import Heard

TOLD_AT_MOST = 32
"""So many different things are said of one mastership; more is a flood of forged senders."""

MASTERS_AT_MOST = 8
"""So many different masters are said within ten intervals."""


def wins(instance: VrrpInstance, heard: Heard) -> bool:
    """Whether the other router is better than this master: by priority, then by address as a number.

    Source: RFC 9568 6.4.3.
    """
    if heard.priority != instance.priority:
        return heard.priority > instance.priority
    return heard.source > instance.source_key


def hear_resigning(instance: VrrpInstance, heard: Heard) -> None:
    """Another router says that it leaves. A master answers; a backup waits no longer than its skew."""
    instance.tally.pri_zero_rcvd += 1
    instance.evidence.note(instance.host.now, "advert", f"{heard.sender} priority 0: leaving")
    note_heard(instance, heard)


def hear_loser(instance: VrrpInstance, heard: Heard) -> None:
    """As master: answer a worse one so that it yields, and mend what its announcements broke.

    It may have announced the addresses after us; once it has heard our answer it lets go, so the hosts of the
    link are told once more then.
    Source: RFC 9568 6.4.3; keepalived.conf(5) vrrp_lower_prio_no_advert, garp_lower_prio_repeat.
    """
    config, now = instance.config, instance.host.now
    instance.evidence.note(now, "advert", f"{heard.sender} priority {heard.priority}, below ours")
    note_heard(instance, heard)
    warn_of_twin(instance, heard)
    if config.owner and heard.priority == 255:
        owners.hear_rival(instance, heard)
    if heard.sender not in instance.told and len(instance.told) < TOLD_AT_MOST:
        instance.told.add(heard.sender)
        instance.host.out.append(LowerPriorityHeard(config.name, heard.sender, heard.priority))
    if not instance.side_armed("settle-announce"):
        patience = NS_PER_S if config.lower_prio_no_advert else 100 * NS_PER_MS
        instance.arm_side("settle-announce", now + min(config.advert_interval, patience))
    if config.lower_prio_no_advert:
        return
    if config.authentication.kind == "ah":
        instance.transmit.sequence += 1
    instance.advertise_now()
    announce = config.announce
    gap = min(config.advert_interval, 100 * NS_PER_MS)
    if announce.lower_prio_repeat and now - instance.answered_at >= gap:  # forged adverts shall not multiply
        instance.answered_at = now
        instance.presence.announce(announce.lower_prio_repeat)
        if announce.lower_prio_delay and not instance.side_armed("lower-announce"):
            instance.arm_side("lower-announce", now + announce.lower_prio_delay)


def hear_as_backup(instance: VrrpInstance, heard: Heard) -> None:
    """As backup: resignation, a master to ignore, or a master to wait for. Source: RFC 9568 6.4.2."""
    now = instance.host.now
    if heard.priority == 0:
        hear_resigning(instance, heard)
        instance.resigned, instance.master_priority, instance.alike_tail = heard.sender, 0, b""
        instance.arm(max(now, instance.not_before) + instance.own_skew())
    elif heard.priority < instance.priority and _preempts(instance, heard):
        instance.outranked, instance.alike_tail = True, b""
        instance.evidence.note(now, "advert", f"{heard.sender} priority {heard.priority}, below ours: ignored")
        note_heard(instance, heard)
        learn_master(instance, heard)
    else:
        if heard.priority >= instance.priority:
            instance.preempt_from = 0
        warn_of_twin(instance, heard)
        _wait_for(instance, heard)


def _preempts(instance: VrrpInstance, heard: Heard) -> bool:
    """Whether a lower-priority master is to be ignored, so that the timer runs out.

    Source: RFC 9568 6.1 Preempt_Mode; keepalived.conf(5) nopreempt, preempt_delay.
    """
    config, now = instance.config, instance.host.now
    if config.owner or (instance.hold is not None and instance.hold.kind == "take-over"):
        return True
    if not config.preempt:
        return False
    if not config.preempt_delay:
        return True
    if not instance.preempt_from:
        instance.preempt_from = max(now, instance.not_before) + config.preempt_delay
        instance.evidence.note(now, "timer", f"preempt_delay began: {heard.sender} priority {heard.priority}")
    return now >= instance.preempt_from


def _wait_for(instance: VrrpInstance, heard: Heard) -> None:
    """A good advert: wait anew, in v3 on its interval. Source: RFC 9568 6.4.2."""
    now = instance.host.now
    stall.missed_adverts(instance, heard)
    note_heard(instance, heard)
    instance.evidence.note(now, "advert", f"{heard.sender} priority {heard.priority}")
    instance.resigned, instance.outranked = "", False
    instance.rejected, instance.wants_master = 0, False
    if instance.config.version == 3 and heard.interval != instance.master_interval:
        instance.master_interval = heard.interval
        instance.recompute_down()
    learn_master(instance, heard)
    instance.arm(max(now, instance.not_before) + instance.down)


def note_heard(instance: VrrpInstance, heard: Heard) -> None:
    """Remember who was heard last, and when."""
    instance.heard_before, instance.heard_at = instance.heard_at, instance.host.now
    instance.peer, instance.peer_priority = heard.sender, heard.priority


def learn_master(instance: VrrpInstance, heard: Heard) -> None:
    """The router just heard is the master; say so when that, or its priority, is new.

    Masters that take turns (none hears the other) are each said once in ten intervals.
    """
    if (heard.sender, heard.priority) == (instance.master, instance.master_priority):
        return
    instance.master, instance.master_priority = heard.sender, heard.priority
    now, place = instance.host.now, (heard.sender, heard.priority)
    window = 10 * instance.master_interval
    instance.masters_told = {one: at for one, at in instance.masters_told.items() if now - at < window}
    if place not in instance.masters_told and len(instance.masters_told) < MASTERS_AT_MOST:
        instance.masters_told[place] = now
        instance.host.out.append(MasterChanged(instance.config.name, heard.sender, heard.priority))
        instance.told.clear()


def warn_of_twin(instance: VrrpInstance, heard: Heard) -> None:
    """Two routers of one priority, or two owners: say it once. Source: RFC 9568 8.3.2."""
    if heard.priority != instance.priority or "twin" in instance.told:
        return
    instance.told.add("twin")
    name = instance.config.name
    if heard.priority == 255:
        text = f"{name}: {heard.sender} also says that it owns the address (priority 255)"
    else:
        text = f"{name}: {heard.sender} has the same priority {heard.priority}; the higher address decides"
    instance.host.out.append(LogLine("warning", text))


def group_retry(instance: VrrpInstance) -> None:
    """Held back by the sync group: look again after one interval plus the smallest skew."""
    config, now = instance.config, instance.host.now
    instance.alike_tail = b""
    instance.arm(now + config.advert_interval + skew_time(config.version, 255, config.advert_interval))
