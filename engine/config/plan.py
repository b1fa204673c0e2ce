"""What a new configuration does to the running one, per instance, before it is applied.

The invariant: every field of `Instance` has exactly one impact in `FIELDS`, and the impact of a change is the
greatest among its fields. The Router's reload does the same to an instance of which only `IN_PLACE` or
`ADDRESSES` fields differ: it keeps state, timers and every address that stays.
Source: keepalived's reload keeps an instance when interface, family and VRID match, whatever its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import msgspec

from engine.config.model import NS_PER_S, Address, Config, Instance, Model, Notify, Tracking


class Impact(StrEnum):
    """What a change does to an instance."""

    NOTHING = "nothing"
    IN_PLACE = "in place"
    """State, timers and addresses stay; the new values count from now on."""
    ADDRESSES = "addresses"
    """As in place, and addresses, routes or rules come or go; those in both stay untouched."""
    RESTART = "restart"
    """Another virtual router by interface, family or VRID: the old one goes, the new one starts as a backup, and an
    election must end before the addresses are served again."""
    ADDED = "added"
    REMOVED = "removed"


FIELDS: dict[str, Impact] = {
    "name": Impact.IN_PLACE,
    "interface": Impact.RESTART,
    "vrid": Impact.RESTART,
    "family": Impact.RESTART,
    "version": Impact.IN_PLACE,
    "initial_state": Impact.NOTHING,
    "priority": Impact.IN_PLACE,
    "advert_interval": Impact.IN_PLACE,
    "preempt": Impact.IN_PLACE,
    "preempt_delay": Impact.IN_PLACE,
    "down_timer_adverts": Impact.IN_PLACE,
    "addresses": Impact.ADDRESSES,
    "excluded_addresses": Impact.ADDRESSES,
    "routes": Impact.ADDRESSES,
    "rules": Impact.ADDRESSES,
    "source": Impact.IN_PLACE,
    "track_source": Impact.IN_PLACE,
    "group_address": Impact.IN_PLACE,
    "unicast": Impact.IN_PLACE,
    "unicast_peers": Impact.IN_PLACE,
    "unicast_fault_no_peer": Impact.IN_PLACE,
    "unicast_ttl": Impact.IN_PLACE,
    "check_unicast_source": Impact.IN_PLACE,
    "old_unicast_checksum": Impact.IN_PLACE,
    "v3_checksum_as_v2": Impact.IN_PLACE,
    "authentication": Impact.IN_PLACE,
    "auth_hmac": Impact.IN_PLACE,
    "tracking": Impact.IN_PLACE,
    "track_primary": Impact.IN_PLACE,
    "announce": Impact.IN_PLACE,
    "notify": Impact.IN_PLACE,
    "vmac": Impact.ADDRESSES,
    "accept": Impact.IN_PLACE,
    "strict": Impact.IN_PLACE,
    "skip_check_adv_addr": Impact.IN_PLACE,
    "lower_prio_no_advert": Impact.IN_PLACE,
    "higher_prio_send_advert": Impact.IN_PLACE,
    "owner_ignore_adverts": Impact.IN_PLACE,
    "promote_secondaries": Impact.IN_PLACE,
    "sync_group": Impact.IN_PLACE,
    "file": Impact.NOTHING,
    "line": Impact.NOTHING,
}
"""Field of Instance -> what its change does."""

KEYWORDS = {
    "vrid": "virtual_router_id",
    "initial_state": "state",
    "advert_interval": "advert_int",
    "addresses": "virtual_ipaddress",
    "excluded_addresses": "virtual_ipaddress_excluded",
    "routes": "virtual_routes",
    "rules": "virtual_rules",
    "source": "source address",
    "track_source": "track_src_ip",
    "group_address": "mcast_dst_ip",
    "unicast_peers": "unicast_peer",
    "check_unicast_source": "check_unicast_src",
    "track_primary": "track_primary",
    "vmac": "use_vmac",
    "announce": "garp settings",
    "tracking": "tracks",
}
"""Field -> the word that an operator knows, where the two differ."""

_ORDER = tuple(Impact)
_SILENT = ("file", "line")
_SECRET = ("authentication", "auth_hmac")
_SPLIT = "until they change as well they ignore this node, and both sides become master"
_DURATIONS = ("advert_interval", "preempt_delay")


class FieldChange(msgspec.Struct, frozen=True):
    """One field that differs. Secrets are never shown."""

    field: str
    text: str
    """Such as "priority 100 -> 150"."""


class InstanceChange(msgspec.Struct, frozen=True, kw_only=True):
    """What the change does to one instance."""

    name: str
    """The new name; the old one when the instance goes."""
    impact: Impact
    fields: tuple[FieldChange, ...] = ()
    interruption: int = 0
    """ns without the addresses that stay, if this node is master now; 0 is none. REMOVED: until a peer takes over."""
    peers: str = ""
    """What the other routers will do; empty when they notice nothing."""
    text: str = ""
    """The whole in one line."""


class Plan(msgspec.Struct, frozen=True):
    """The whole change."""

    instances: tuple[InstanceChange, ...] = ()
    """Every instance, unchanged ones too, in the order of the new configuration; removed ones last."""
    others: tuple[str, ...] = ()
    """One line for each other thing that changes: scripts, groups, static items, global settings."""
    without_effect: tuple[str, ...] = ()
    """One line for each change of what hatui reads and does nothing with, such as a virtual_server."""

    @property
    def impact(self) -> Impact:
        """The greatest impact on any instance that runs now; ADDED only when nothing else happens."""
        impacts = {one.impact for one in self.instances}
        for impact in (Impact.RESTART, Impact.REMOVED, Impact.ADDRESSES, Impact.IN_PLACE, Impact.ADDED):
            if impact in impacts:
                return impact
        return Impact.IN_PLACE if self.others else Impact.NOTHING

    @property
    def interruption(self) -> int:
        """The longest interruption of an instance, in ns."""
        return max((one.interruption for one in self.instances), default=0)

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each thing that changes; empty when nothing does."""
        changed = tuple(one.text for one in self.instances if one.impact is not Impact.NOTHING)
        return changed + self.others + self.without_effect

    def of(self, name: str) -> InstanceChange | None:
        """The change of the instance of that name."""
        return next((one for one in self.instances if one.name == name), None)


def skew_time(instance: Instance) -> int:
    """ns. Source: RFC 3768 6.1 (v2), RFC 9568 6.1 (v3)."""
    unit = NS_PER_S if instance.version == 2 else instance.advert_interval
    return (256 - instance.priority) * unit // 256


def master_down_time(instance: Instance) -> int:
    """ns from the last advert heard until this instance takes over, without counting tracks."""
    return instance.down_timer_adverts * instance.advert_interval + skew_time(instance)


def plan(old: Config, new: Config) -> Plan:
    """What replacing `old` by `new` does. Instances are matched by `Instance.key`, then by name."""
    before = {one.key: one for one in old.instances}
    matched: dict[tuple[str, int, int], Instance] = {}
    for one in new.instances:
        if one.key in before:
            matched[one.key] = before[one.key]
    left = [one for one in old.instances if one.key not in matched]
    changes = []
    for one in new.instances:
        was = matched.get(one.key) or next((gone for gone in left if gone.name == one.name), None)
        if was in left:
            left.remove(was)
        changes.append(_changed(was, one, new) if was is not None else _added(one))
    changes += [_removed(one) for one in left]
    return Plan(tuple(changes), tuple(_others(old, new)), tuple(_without_effect(old, new)))


def _changed(old: Instance, new: Instance, config: Config) -> InstanceChange:
    differing = [field for field in FIELDS if getattr(old, field) != getattr(new, field)]
    impact = max((FIELDS[field] for field in differing), key=_ORDER.index, default=Impact.NOTHING)
    shown = tuple(FieldChange(field, _field_text(field, old, new)) for field in differing if field not in _SILENT)
    peers = "; ".join(_peers(old, new, differing))
    interruption = 0
    outcome = "in place" if _SPLIT in peers else "in place, no interruption"
    if impact is Impact.RESTART:
        interruption = 0 if new.owner else master_down_time(new)
        served = ", ".join(one.address for one in old.addresses) or "its addresses"
        outcome = f"restart, about {_seconds(interruption)} without {served} if this node is master"
        moved = [one.name for one in config.instances if one.sync_group and one.sync_group == new.sync_group]
        if len(moved) > 1:
            outcome += f"; its sync group {new.sync_group} moves with it"
    elif "vmac" in differing:
        outcome = "the addresses move to another device and are announced anew"
    elif impact is Impact.ADDRESSES:
        outcome = "addresses that stay are not touched"
    text = f"{new.name}: {', '.join(one.text for one in shown)}: {outcome}" + (f". {_capital(peers)}" if peers else "")
    return InstanceChange(
        name=new.name,
        impact=impact,
        fields=shown,
        interruption=interruption,
        peers=peers,
        text=text if impact is not Impact.NOTHING else f"{new.name}: unchanged",
    )


def _added(new: Instance) -> InstanceChange:
    wait = 0 if new.owner else master_down_time(new)
    served = ", ".join(one.address for one in new.addresses) or "no address"
    return InstanceChange(
        name=new.name,
        impact=Impact.ADDED,
        text=f"{new.name}: added (VRID {new.vrid} on {new.interface}, {served}): "
        f"starts as backup, master after {_seconds(wait)} if nobody else is",
    )


def _removed(old: Instance) -> InstanceChange:
    skew = NS_PER_S if old.version == 2 else old.advert_interval
    served = ", ".join(one.address for one in old.addresses) or "its addresses"
    peers = f"a peer that still has it takes over within {_seconds(skew)}; if none has, nobody serves it"
    return InstanceChange(
        name=old.name,
        impact=Impact.REMOVED,
        interruption=skew,
        peers=peers,
        text=f"{old.name}: removed: gives up {served}. {_capital(peers)}",
    )


def _peers(old: Instance, new: Instance, differing: Iterable[str]) -> Iterable[str]:
    """What the others will do, per field that they notice."""
    for field in differing:
        if field in ("authentication", "auth_hmac"):
            yield f"peers with the old {KEYWORDS.get(field, field)}: {_SPLIT}"
        elif field == "advert_interval" and new.version == 2:
            yield f"peers with the old interval: {_SPLIT}"
        elif field == "advert_interval":
            yield "backups adopt the interval of the master"
        elif field in ("group_address", "version", "unicast"):
            yield f"peers with the old {KEYWORDS.get(field, field)}: {_SPLIT}"
        elif field in ("vrid", "interface", "family"):
            yield "peers that keep the old values do not see the new instance: change them as well"
        elif field == "addresses" and _wire(old) != _wire(new):
            yield (
                "peers with the old list: hatui and keepalived from 2.3.3 go on and log it, "
                "older keepalived ignores this node and becomes master"
            )
        elif field == "priority" and new.owner:
            yield "this node becomes address owner and takes over at once"
        elif field == "priority" and new.priority < old.priority:
            yield f"if this node is master, a peer above {new.priority} with preempt takes over"
        elif field == "priority" and new.preempt:
            yield f"if a peer below {new.priority} is master, this node takes over"
        elif field == "source" and new.unicast:
            yield "peers must list the new source address in unicast_peer"
        elif field == "unicast_peers" and {one.address for one in old.unicast_peers} - {
            one.address for one in new.unicast_peers
        }:
            yield "a peer that is no longer listed hears nothing more and becomes master"


def _wire(instance: Instance) -> set[str]:
    return {one.address for one in instance.addresses}


def _field_text(field: str, old: Instance, new: Instance) -> str:
    word = KEYWORDS.get(field, field)
    was, now = getattr(old, field), getattr(new, field)
    if field in _SECRET:
        return f"{word} changed"
    if field in _DURATIONS:
        return f"{word} {_seconds(was)} -> {_seconds(now)}"
    if isinstance(was, bool):
        return f"{word} {'on' if now else 'off'}"
    if isinstance(was, tuple):
        return f"{word} {_delta(was, now)}"
    if isinstance(was, Tracking):
        return f"{word} {_tracking_delta(was, now)}"
    if isinstance(was, Model) or was is None or isinstance(now, Model):
        return _struct_text(word, was, now)
    return f"{word} {was or '(none)'} -> {now if now != '' else '(none)'}"


def _struct_text(word: str, was: Model | None, now: Model | None) -> str:
    if was is None or now is None:
        return f"{word} {'off' if now is None else 'on'}"
    names = [name for name in was.__struct_fields__ if getattr(was, name) != getattr(now, name, None)]
    prefix = "notify_" if isinstance(was, Notify) else ""
    return f"{word} ({', '.join(prefix + name for name in names)})"


def _tracking_delta(was: Tracking, now: Tracking) -> str:
    parts = []
    for kind in was.__struct_fields__:
        before = {one.name: one for one in getattr(was, kind)}
        after = {one.name: one for one in getattr(now, kind)}
        parts += [f"+{name}" for name in after if name not in before]
        parts += [f"-{name}" for name in before if name not in after]
        parts += [
            f"{name} weight {before[name].weight}{' reverse' * before[name].reverse}"
            f" -> {one.weight}{' reverse' * one.reverse}"
            for name, one in after.items()
            if name in before and before[name] != one
        ]
    return " ".join(parts) or "in another order"


def _delta(was: tuple[Any, ...], now: tuple[Any, ...]) -> str:
    """Items that come and go. An item of the same text in both has other attributes now."""
    gone = [one for one in was if one not in now]
    come = [one for one in now if one not in was]
    names = {_item(one) for one in gone} & {_item(one) for one in come}
    parts = [f"+{_item(one)}" for one in come if _item(one) not in names]
    parts += [f"-{_item(one)}" for one in gone if _item(one) not in names]
    parts += [f"{name} set anew" for name in sorted(names)]
    return " ".join(parts) or "in another order"


def _item(one: Any) -> str:
    if isinstance(one, Address):
        return str(one) + (f" dev {one.interface}" if one.interface else "")
    return str(getattr(one, "text", "") or getattr(one, "destination", "") or getattr(one, "address", "") or one)


def _others(old: Config, new: Config) -> Iterable[str]:
    named: tuple[tuple[str, str, Callable[[Config], tuple[Any, ...]]], ...] = (
        ("script", "its last result is kept", lambda config: config.scripts),
        ("tracked process", "counted again", lambda config: config.processes),
        ("tracked file", "read again", lambda config: config.files),
        ("bfd_instance", "without effect in hatui", lambda config: config.bfd),
        ("sync group", "in place", lambda config: config.groups),
    )
    for kind, effect, items in named:
        before = {one.name: one for one in items(old)}
        after = {one.name: one for one in items(new)}
        yield from (f"{kind} {name}: added" for name in after if name not in before)
        yield from (f"{kind} {name}: removed" for name in before if name not in after)
        for name, one in after.items():
            if name in before and before[name] != one:
                yield f"{kind} {_struct_text(name, before[name], one)}: changed, {effect}"
    for word, was, now in (
        ("static_ipaddress", old.static_addresses, new.static_addresses),
        ("static_routes", old.static_routes, new.static_routes),
        ("static_rules", old.static_rules, new.static_rules),
        ("track_group", old.track_groups, new.track_groups),
    ):
        if was != now:
            yield f"{word}: {_delta(was, now)}"
    if old.globals != new.globals:
        yield f"{_struct_text('global_defs', old.globals, new.globals)}: changed, in place"


def _without_effect(old: Config, new: Config) -> Iterable[str]:
    before, after = dict(old.without_effect), dict(new.without_effect)
    for name in dict.fromkeys((*after, *before)):
        if before.get(name) != after.get(name):
            done = "added" if name not in before else "removed" if name not in after else "changed"
            yield f"{name}: {done}, which hatui reads without effect (C-NO-EFFECT)"


def _seconds(duration: int) -> str:
    """Seconds to the millisecond, without idle zeros."""
    text = f"{duration / NS_PER_S:.3f}".rstrip("0").rstrip(".")
    return f"{text} s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
