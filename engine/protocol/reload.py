"""A new configuration for running instances: what stays, what goes, what begins.

Invariant: an instance whose configuration is equal is not touched at all; one with the same key keeps state,
timers and counters, and only the addresses that differ are added or removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.model import Config, Instance
from engine.messages import AddRoutes, Cause, LastKnown, LogLine, RemoveRoutes, State
from engine.protocol import handover
from engine.protocol.presence import placed_addresses
from engine.protocol.stimuli import Assessed, TakeOver

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance


def reconfigure(instance: VrrpInstance, config: Instance) -> None:
    """Give a running instance its new values; adverts leave at once when it is master."""
    old, before = instance.config, instance.priority
    instance.dirty = True
    instance.alike_tail = b""
    if old.version != config.version or old.advert_interval != config.advert_interval:
        instance.master_interval = config.advert_interval
    down_before = instance.down
    if instance.state is State.MASTER:
        _change_addresses(instance, config)
    instance.adopt(config)
    if config.owner:
        handover.drop_hold(instance, "an owner cannot be held")
    instance.told.clear()
    instance.assess()
    if instance.state is State.BACKUP and not instance.faults:
        instance.priority, after = before, instance.priority
        instance.recompute_down()
        instance.arm(max(instance.host.now, instance.timer_at + instance.down - down_before))
        instance.priority = after
    instance.tell(Assessed(before, "configuration changed"))
    if config.owner and not old.owner and instance.state is State.BACKUP:
        if instance.group is None:
            instance.tell(TakeOver("owner of the address by the new configuration", Cause.CONFIG))
        else:
            instance.arm(instance.host.now)
    if instance.state is State.MASTER and instance.hand_over is None:
        instance.prepare()
        instance.advertise_now()
        instance.cancel_announcements()
        instance.rearm_refresh()


def _change_addresses(instance: VrrpInstance, config: Instance) -> None:
    """Add what is new, then remove what is gone; an address whose words changed is replaced."""
    old, presence = instance.config, instance.presence
    wanted, present = placed_addresses(config), presence.addresses
    places = {(one.interface, one.address) for one in wanted}
    replaced = tuple(one for one in present if one not in wanted and (one.interface, one.address) in places)
    gone = tuple(one for one in present if (one.interface, one.address) not in places)
    new = tuple(one for one in wanted if one not in present)
    out, name = instance.host.out, config.name
    if (old.routes, old.rules) != (config.routes, config.rules):
        routes = tuple(one for one in old.routes if one not in config.routes)
        rules = tuple(one for one in old.rules if one not in config.rules)
        if routes or rules:
            out.append(RemoveRoutes(name, routes, rules))
    presence.drop(replaced)
    presence.put(new)
    presence.drop(gone)
    routes = tuple(one for one in config.routes if one not in old.routes)
    rules = tuple(one for one in config.rules if one not in old.rules)
    if routes or rules:
        out.append(AddRoutes(name, routes, rules))
    if new:
        presence.announce(config.announce.master_repeat, new)


def remove_leftovers(instance: VrrpInstance, *, ours: bool) -> None:
    """Virtual addresses found on the interfaces at the start of an instance that is not master: they go.

    Not so when the interface would keep no address to send from, unless a process of ours that died was master:
    then the "virtual" address is most likely the host's own, and taking it away would cut the operator off.
    """
    left = instance.presence.leftovers()
    if not left:
        return
    name, names = instance.config.name, ", ".join(str(one) for one in left)
    if not instance.source and not ours:
        text = f"{name}: {names} stays: without it {instance.config.interface} would have no address of its own"
    else:
        instance.presence.drop(left)
        text = f"{name}: removing {names}, left behind by another run"
    instance.host.out.append(LogLine("warning", text))


def remove_remains(former: VrrpInstance, config: Config) -> None:
    """What a removed instance left on the interfaces when its process died, and nobody has now: it goes."""
    places = {(one.interface, one.address) for each in config.instances for one in placed_addresses(each)}
    places |= {(one.interface, one.address) for one in config.static_addresses}
    former.presence.drop(
        tuple(one for one in former.presence.leftovers() if (one.interface, one.address) not in places)
    )


def resume(instance: VrrpInstance, known: LastKnown) -> bool:
    """Continue where a process that died left off; False when the instance has to begin anew.

    Nobody is told of a change of state, since there was none.
    """
    if known.hold_kind in handover.HOLDS and not instance.config.owner:
        handover.restore(instance, known)
        instance.assess()
    if instance.faults or known.state not in (State.MASTER, State.BACKUP):
        return False
    instance.transmit.continue_sequence(known.sequence, instance.host.now)
    instance.resume(known.state, known.since)
    if instance.state is State.BACKUP:
        instance.master = known.master
    instance.host.out.append(LogLine("warning", f"{instance.config.name}: {instance.last_detail}"))
    return True
