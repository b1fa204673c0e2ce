"""What a drill breaks on purpose: an instance falls silent or deaf, loses its carrier or a tracker.

Invariant: every impairment has an end that this process keeps by itself, so nothing that happens to anybody
else leaves a router impaired; its end leaves no trace. A process that starts anew knows of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.messages import Impair, InterfaceStateChanged, LedgerLine, State
from engine.protocol.host import Host
from engine.protocol.refusal import Refusal
from engine.protocol.timing import NS_PER_S, seconds_text
from engine.protocol.tracking import Tracker, fault

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance

KINDS = ("silent", "deaf", "link", "tracker")
LONGEST = 600 * NS_PER_S
FORCIBLE = ("script", "process", "bfd")


@dataclass(slots=True)
class Impairment:
    """One thing that is broken, and whom it concerns."""

    kind: str
    members: list[VrrpInstance]
    """Those whose timer ends it: the instance with its sync group."""
    everybody: list[VrrpInstance]
    interface: str = ""
    trackers: list[Tracker] = field(default_factory=list)


def begin(host: Host, instances: Sequence[VrrpInstance], command: Impair) -> str:
    """Break it. Returns what was broken.

    Raises: Refusal before anything was changed.
    """
    instance = next((one for one in instances if one.config.name == command.instance), None)
    if instance is None:
        raise Refusal("E-UNKNOWN-INSTANCE", f"there is no instance {command.instance!r}")
    if command.kind not in KINDS:
        raise Refusal("E-PROTOCOL", f"{command.kind!r} is no impairment: {' '.join(KINDS)}")
    if any(one.impairment is not None for one in instances):
        raise Refusal("E-DRILL", "another drill is running")
    if not host.now < command.until <= host.now + LONGEST:
        raise Refusal("E-RANGE", f"a drill ends within {seconds_text(LONGEST)}")
    members = list(instance.group.members) if instance.group is not None else [instance]
    for one in members:
        if one.state not in (State.MASTER, State.BACKUP) or one.hand_over is not None or one.move is not None:
            raise Refusal("E-BUSY", f"{one.config.name} is {one.state} or under way")
    broken = Impairment(command.kind, members, list(instances))
    if command.kind == "link":
        broken.interface = instance.config.interface
    elif command.kind == "tracker":
        broken.trackers = _trackers(host, instance, command.name)
    for one in members:
        one.impairment = broken
        one.arm_side("drill-end", command.until)
        one.evidence.note(host.now, "command", f"drill: {command.kind}")
    _apply(host, broken, on=True)
    names = ", ".join(one.config.name for one in members)
    return f"{names}: {command.kind} for at most {seconds_text(command.until - host.now)}"


def _trackers(host: Host, instance: VrrpInstance, name: str) -> list[Tracker]:
    for tracker in host.trackers.all():
        full = f"{tracker.kind} {tracker.name}"
        meant = name in ("", full, tracker.name) and tracker.kind in FORCIBLE
        if meant and instance.watches(tracker.kind, tracker.name):
            return [tracker]
    raise Refusal("E-NO-TRACKER", f"{instance.config.name} watches no script, process or BFD session {name}".rstrip())


def end(instances: Sequence[VrrpInstance]) -> str:
    """Mend all that is broken."""
    broken = [one.impairment for one in instances if one.impairment is not None]
    for one in broken:
        _lift(one)
    return "mended" if broken else "nothing was broken"


def time_is_over(instance: VrrpInstance) -> None:
    """The end that this process keeps by itself."""
    lift(instance)


def lift(instance: VrrpInstance) -> None:
    """Mend what concerns this instance."""
    if instance.impairment is not None:
        _lift(instance.impairment)


def _lift(broken: Impairment) -> None:
    for one in broken.members:
        one.impairment = None
        one.cancel_side("drill-end")
    _apply(broken.members[0].host, broken, on=False)


def _apply(host: Host, broken: Impairment, *, on: bool) -> None:
    """Make it so, then let all whom it concerns see it: first all facts, then the first reaction."""
    concerned = broken.members
    if broken.kind == "deaf":
        for one in broken.members:
            one.deaf, one.alike_tail, one.dirty = on, b"", True
        return
    if broken.kind == "link":
        facts = host.interface(broken.interface)
        facts.dark, facts.since, facts.reported = on, host.now, False
        detail = "down by a drill" if on else "up"
        host.out.append(InterfaceStateChanged(broken.interface, facts.up, detail))
        concerned = broken.everybody
    for tracker in broken.trackers:
        tracker.forced, tracker.reported = on, False
        host.out.append(tracker.changed())
        concerned = [one for one in broken.everybody if one.watches(tracker.kind, tracker.name)]
    for one in concerned:
        one.reassess("drill" if on else "end of the drill")


def faults(instance: VrrpInstance) -> list[LedgerLine]:
    """The line of an instance that a drill silences."""
    broken = instance.impairment
    if broken is None or broken.kind != "silent":
        return []
    return [fault("drill", "silent-master", "it is silent as after a loss of power")]


def is_sudden(line: LedgerLine, interface: str) -> bool:
    """Whether there is no farewell: the link is dead, or a drill plays the loss of power."""
    return line.kind == "drill" or (line.kind == "link" and line.name == interface)
