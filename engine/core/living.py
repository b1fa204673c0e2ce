"""Does every address still have a living owner? Asked while a change waits for its confirmation.

Owns the invariant that an address counts as served only on evidence: it is on the interface of a master
here, or a master of it is being heard. FAULT hears nobody, so it is no evidence; nor is a status of a
process that has gone silent. An address that nobody served before the change is excused until somebody does. So is
an instance in FAULT when nothing that can bring it there has been changed: a pulled cable says nothing about the
change, the peer serves meanwhile and FAULT cannot hear it, and the old text would not help.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.config.model import NS_PER_S, Config, Instance
from engine.config.plan import master_down_time
from engine.messages import InstanceStatus, State

SHORTEST = NS_PER_S
"""ns: no election is expected to be over in less, statuses being some hundred milliseconds old."""
SILENCE = 2 * NS_PER_S
"""ns without a sign of life of the vrrp process after which its statuses are no evidence."""


def served(status: InstanceStatus) -> bool:
    """Whether somebody is known to serve the addresses of the instance."""
    if status.state is State.MASTER:
        return all(one.present for one in status.addresses)
    return status.state is State.BACKUP and bool(status.master)


def unserved(statuses: Iterable[InstanceStatus]) -> tuple[str, ...]:
    """Names of the instances whose addresses nobody is known to serve."""
    return tuple(one.name for one in statuses if not served(one))


def expected_time(instance: Instance, status: InstanceStatus | None) -> int:
    """ns that an election may take: as long as a backup waits for a silent master."""
    heard = status.master_down_interval if status is not None else 0
    return max(SHORTEST, master_down_time(instance), heard)


def untouched(old: Config, new: Config) -> tuple[str, ...]:
    """Names of the new instances that can go to FAULT for the same reasons as before, and no others."""
    before = {one.key: _grounds(old, one) for one in old.instances}
    return tuple(one.name for one in new.instances if before.get(one.key) == _grounds(new, one))


def _grounds(config: Config, instance: Instance) -> tuple[object, ...]:
    """All that decides whether the instance is in FAULT, its sync group's members included."""
    group = next((one for one in config.groups if one.name == instance.sync_group), None)
    members = [one for one in config.instances if group is not None and one.name in group.members] or [instance]
    settings = config.globals
    return (
        tuple(sorted((_own_grounds(config, one) for one in members), key=repr)),
        (settings.script_user, settings.script_group, settings.script_security),
        config.static_addresses,
        config.track_groups,
    )


def _own_grounds(config: Config, instance: Instance) -> tuple[object, ...]:
    tracking = instance.tracking
    names = {one.name for lines in (tracking.scripts, tracking.files, tracking.processes) for one in lines}
    scripts = tuple(one for one in config.scripts if one.name in names)
    files = tuple(one for one in config.files if one.name in names)
    processes = tuple(one for one in config.processes if one.name in names)
    return (
        instance.key,
        tracking,
        instance.track_primary,
        instance.track_source,
        instance.source,
        instance.vmac,
        instance.unicast,
        instance.unicast_peers,
        instance.unicast_fault_no_peer,
        scripts,
        files,
        processes,
    )


class Living:
    """Watches the instances of one configuration."""

    def __init__(self, config: Config, excused: Iterable[str], began: int, untouched: Iterable[str] = ()) -> None:
        self.config = config
        self._excused = set(excused)
        self._untouched = frozenset(untouched)
        self._since = {one.name: began for one in config.instances}

    def look(self, statuses: Mapping[str, InstanceStatus], heard: int, now: int) -> str:
        """A sentence when an address has had no living owner for twice the expected time; else empty.
        `heard` is when the vrrp process last said anything."""
        credible = now - heard <= SILENCE
        for instance in self.config.instances:
            name = instance.name
            status = statuses.get(name)
            if status is not None and credible and served(status):
                self._since[name] = now
                self._excused.discard(name)
                continue
            if status is not None and credible and status.state is State.FAULT and name in self._untouched:
                self._since[name] = now
                continue
            waited = now - self._since[name]
            if name not in self._excused and waited > 2 * expected_time(instance, status):
                addresses = ", ".join(one.address for one in instance.addresses) or "its addresses"
                return (
                    f"nobody is known to serve {addresses} ({name}) for {waited / NS_PER_S:.1f} s: "
                    f"{_words(status, credible=credible)}"
                )
        return ""


def _words(status: InstanceStatus | None, *, credible: bool) -> str:
    if not credible:
        return "the vrrp process is silent"
    if status is None:
        return "the instance does not run"
    if status.state is State.MASTER:
        return "master here, but not on the interface"
    if status.state is State.BACKUP:
        return "backup here, and no master is heard"
    return f"{status.state} here" + (f": {'; '.join(status.faults)}" if status.faults else "")
