"""What if a tracker failed, or worked again, or a file held another value: the priority, who would be master, and how
long it would take.

Invariant: pure, and a SIMULATION: it is computed here from what the engine said last, and nothing is sent. A router
that was never heard makes the winner unknown; a priority that was heard long ago is said with its age.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from engine.messages import InstanceStatus, LedgerLine, State
from engine.protocol.timing import master_down_interval, skew_time
from hatui.text import ago, plain, seconds

Box = tuple[str, str]
"""Kind and name of a tracker."""
KINDS = ("script", "process", "interface", "bfd", "file")
FILE_LIMIT = 254
"""Points of a file are within minus and plus this; at minus this the instance is in FAULT."""
LOWEST, HIGHEST, OWNER = 1, 254, 255


class Simulation(msgspec.Struct, frozen=True):
    """How it would end."""

    priority: int
    fault: str
    """What would put it into FAULT; empty for nothing."""
    master: str
    """Address of the router that would be master, "" for this node, "?" for nobody knows."""
    words: str
    """One sentence."""
    moves: bool
    """The addresses would change their place."""


def boxes(status: InstanceStatus) -> list[LedgerLine]:
    """The trackers that can be switched: those with a result."""
    return [line for line in status.ledger if line.kind in KINDS and line.good is not None]


def good(line: LedgerLine, toggled: Collection[Box]) -> bool:
    """Whether a tracker works, in the simulation."""
    return bool(line.good) != ((line.kind, line.name) in toggled)


def value(line: LedgerLine, toggled: Collection[Box] = ()) -> int:
    """What stands in a tracked file, in the simulation: its other value is 0, or 1 where it is 0 now."""
    word = line.detail.rpartition(" ")[2]
    now = int(word) if word.lstrip("-").isdecimal() else 0
    return now if (line.kind, line.name) not in toggled else 0 if now else 1


def _points(line: LedgerLine, toggled: Collection[Box]) -> tuple[int, bool]:
    """Points and fault of a tracker whose box was switched. Source: keepalived.conf(5) track_file, weight."""
    if line.weight == 0:
        return 0, not line.fault
    if line.kind == "file":
        points = max(-FILE_LIMIT, min(FILE_LIMIT, value(line, toggled) * line.weight))
        return (0, True) if points == -FILE_LIMIT else (points, False)
    # a weight counts in one of the two states and not in the other
    return (0 if line.contribution else line.weight), False


def simulate(status: InstanceStatus, toggled: Collection[Box], now: int) -> Simulation:
    """The instance with these trackers the other way round."""
    total, faults, hold = 0, [], 0
    for line in status.ledger:
        points, fault = line.contribution, line.fault
        if line.kind == "clamp":
            continue
        if line.kind == "hold":
            hold = LOWEST if line.name == "step-down" else HIGHEST
            continue
        if line.kind in KINDS and (line.kind, line.name) in toggled:
            points, fault = _points(line, toggled)
        total += points
        if fault:
            faults.append(plain(line.name or line.kind))
    owner = status.base_priority == OWNER
    priority = OWNER if owner else hold or max(LOWEST, min(HIGHEST, total))
    return _outcome(status, priority, ", ".join(faults), now)


def _outcome(status: InstanceStatus, priority: int, fault: str, now: int) -> Simulation:
    other, theirs, said = _other(status, now)
    here = status.state is State.MASTER

    def end(master: str, words: str) -> Simulation:
        return Simulation(priority, fault, master, words, moves=(master != "") == here if master != "?" else False)

    if not other:
        if fault:
            return end("?", "FAULT here, and no other router was ever heard: who would serve is not known")
        return end("", "no other router was ever heard: this node serves")
    skew = skew_time(status.version, theirs, status.advert_interval) if theirs else 0
    wait = seconds(skew) if theirs else "its skew time"
    if fault:
        if not here:
            return end(other, f"FAULT here; {other} serves, as now")
        return end(other, f"FAULT here: {other} takes over {wait} after the goodbye")
    if not theirs:
        return end("?", f"the priority of {other} was never heard: who would serve is not known")
    if here:
        if priority >= theirs:
            return end("", f"{other} has {theirs}{said}: VIP stays here")
        down = master_down_interval(status.version, theirs, status.advert_interval)
        return end(
            other, f"{other} has {theirs}{said}: it takes over within {seconds(down)}, no outage, if it preempts"
        )
    if priority > theirs and status.preempt:
        down = master_down_interval(status.version, priority, status.master_advert_interval or status.advert_interval)
        return end("", f"{other} has {theirs}{said}: VIP comes here within {seconds(down)}, no outage")
    why = "nopreempt: " if priority > theirs else ""
    return end(other, f"{why}{other} has {theirs}{said}: VIP stays there")


def _other(status: InstanceStatus, now: int) -> tuple[str, int, str]:
    """The router to compare with: address, priority, and how old that is when it is not the master."""
    if status.state is not State.MASTER and status.master:
        return plain(status.master), status.master_priority or status.peer_priority, ""
    old = now - status.heard_at > 10 * max(1, status.advert_interval)
    said = f" (said {ago(status.heard_at, now)})" if status.heard_at and old else ""
    return plain(status.peer), status.peer_priority, said
