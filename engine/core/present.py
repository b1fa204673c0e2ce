"""What core knows of the present: the last status of each thing, and enough to revive a dead vrrp process.

Owns the invariant that a whole batch of statuses leaves nothing behind that it does not name, and that
the memory of states needs no status at all: it follows the events, so it is right though nobody watches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.config.model import NS_PER_S, Config, Instance
from engine.core.outbox import StatusKey
from engine.messages import (
    BfdChanged,
    Event,
    FileRead,
    HoldChanged,
    HostCounters,
    InstanceStatus,
    LastKnown,
    MasterChanged,
    ProcessCounted,
    ScriptFinished,
    State,
    StateChanged,
    Status,
    StatusBatch,
    TrackerChanged,
    TrackerStatus,
)

SENT_AT_MOST = 2
"""Adverts in an interval: our own, and an answer to somebody else's."""

Result = ScriptFinished | ProcessCounted | FileRead | BfdChanged


UNSURE = NS_PER_S
"""ns after the end of a hand-over in which the kernel's part of it may not be done yet."""


@dataclass(slots=True)
class _Former:
    """A master that a reload removed."""

    config: Instance
    sequence: int
    left: int = 0
    """When its hand-over had ended; 0 before."""


def key_of(status: Status) -> StatusKey:
    """Type and name: what a new status replaces. StatusGone names the same two."""
    kind = str(status.__struct_config__.tag)
    if isinstance(status, TrackerStatus):
        return kind, f"{status.kind} {status.name}"
    return kind, getattr(status, "name", "")


class Present:
    """The last known of everything."""

    def __init__(self) -> None:
        self._statuses: dict[StatusKey, Status] = {}
        self._states: dict[str, StateChanged] = {}
        self._since: dict[str, int] = {}
        self._masters: dict[str, str] = {}
        self._holds: dict[str, HoldChanged] = {}
        self._good: dict[str, bool] = {}
        self._results: dict[tuple[type, str], Result] = {}
        self._former: dict[str, _Former] = {}
        self._sequences: dict[str, tuple[int, int]] = {}
        """The last told sequence number of the authentication header, and when it was told (ns)."""
        self.worst_late = 0
        self.refused = HostCounters()

    @property
    def statuses(self) -> tuple[Status, ...]:
        """All of them, in the order in which they were first told."""
        return tuple(self._statuses.values())

    def state(self, instance: str) -> State | None:
        """The state of an instance, None before its first."""
        return self._states[instance].new if instance in self._states else None

    def merge(self, batch: StatusBatch, at: int = 0) -> tuple[list[Status], list[StatusKey]]:
        """Take over statuses that came `at` (ns). Returns those that differ from before and the keys that are gone."""
        self.worst_late, self.refused = batch.worst_late, batch.refused
        changed: list[Status] = []
        gone: list[StatusKey] = []
        seen = set()
        for status in batch.statuses:
            key = key_of(status)
            seen.add(key)
            if isinstance(status, InstanceStatus) and status.sequence:
                self._sequences[status.name] = (status.sequence, at)
            if self._statuses.get(key) != status:
                self._statuses[key] = status
                changed.append(status)
        if batch.whole:
            gone = [key for key in self._statuses if key not in seen]
            for key in gone:
                del self._statuses[key]
        return changed, gone

    def remember(self, event: Event, at: int) -> None:
        """Keep what a revived vrrp process must know."""
        if isinstance(event, StateChanged):
            if event.new is State.INIT and event.instance in self._former:
                self._former[event.instance].left = at
            self._states[event.instance] = event
            self._since[event.instance] = at
            if event.new is not State.BACKUP:
                self._masters.pop(event.instance, None)
        elif isinstance(event, MasterChanged):
            self._masters[event.instance] = event.master
        elif isinstance(event, HoldChanged):
            if event.kind:
                self._holds[event.instance] = event
            else:
                self._holds.pop(event.instance, None)
        elif isinstance(event, TrackerChanged) and event.kind == "script":
            self._good[event.name] = event.good

    def result(self, result: Result) -> None:
        """Keep the last result of a check."""
        self._results[type(result), result.name] = result

    def _sequence(self, name: str, interval: int, now: int) -> int:
        """A number that the instance, or its peers meanwhile, cannot have passed; 0 when none was ever told."""
        told, at = self._sequences.get(name, (0, 0))
        return told and told + SENT_AT_MOST * (max(0, now - at) // max(1, interval) + 1)

    def resume(self, config: Config, now: int = 0) -> tuple[LastKnown, ...]:
        """The last known state of each instance that was in one, as it may be at `now` (ns)."""
        known = []
        for one in config.instances:
            change = self._states.get(one.name)
            if change is None or change.new is State.INIT:
                continue
            hold = self._holds.get(one.name)
            known.append(
                LastKnown(
                    interface=one.interface,
                    family=one.family,
                    vrid=one.vrid,
                    state=change.new,
                    since=self._since[one.name],
                    master=self._masters.get(one.name, ""),
                    hold_until=hold.until if hold else 0,
                    hold_kind=hold.kind if hold else "",
                    sequence=self._sequence(one.name, one.advert_interval, now),
                )
            )
        return tuple(known)

    def results(self) -> Iterable[Result]:
        """What the checks have found, as a revived Router has to hear it: a script counts by its verdict
        after rise and fall, not by its last run."""
        for result in self._results.values():
            if isinstance(result, ScriptFinished):
                good = self._good.get(result.name)
                if good is None:
                    continue
                status = 0 if good else (result.exit_status or 1)
                yield ScriptFinished(result.name, status, result.duration, result.output)
            else:
                yield result

    def running(self) -> dict[str, int]:
        """How many processes of each track process there are, as last told."""
        return {one.name: one.count for one in self._results.values() if isinstance(one, ProcessCounted)}

    def former(self, config: Config, now: int) -> tuple[tuple[Instance, int], ...]:
        """Masters that a reload removed and that had not left for certain at `now` (ns), with their sequence number."""
        keys = {one.key for one in config.instances}
        self._former = {name: one for name, one in self._former.items() if not one.left or now - one.left < UNSURE}
        return tuple((one.config, one.sequence) for one in self._former.values() if one.config.key not in keys)

    def reloaded(self, old: Config, new: Config, now: int = 0) -> None:
        """An instance keeps its past under a new name; what the configuration no longer has is nobody's past, but
        for a master that still has to hand over."""
        kept = {one.key for one in new.instances}
        for one in old.instances:
            if one.key not in kept and self.state(one.name) is State.MASTER:
                self._former[one.name] = _Former(one, self._sequence(one.name, one.advert_interval, now))
        before = {one.key: one.name for one in old.instances}
        renames = {before[one.key]: one.name for one in new.instances if one.key in before}
        memories: tuple[dict[str, Any], ...] = (
            self._states,
            self._since,
            self._masters,
            self._holds,
            self._sequences,
        )
        for memory in memories:
            past = {renames[name]: value for name, value in memory.items() if name in renames}
            memory.clear()
            memory.update(past)
        scripts = {one.name for one in new.scripts}
        self._good = {name: good for name, good in self._good.items() if name in scripts}
        self._results = {
            key: result for key, result in self._results.items() if key[0] is not ScriptFinished or key[1] in scripts
        }

    def instances(self) -> list[InstanceStatus]:
        """The statuses of instances."""
        return [one for one in self._statuses.values() if isinstance(one, InstanceStatus)]
