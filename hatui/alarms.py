"""What rings the bell: two masters, or none; each once.

Invariant: pure. An alarm is told when it comes and not again while it lasts; one that goes and comes back within
`REST` is the same one, so a state that flickers at the edge of being believed rings once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine.messages import FindingStatus, InstanceStatus, State
from hatui.text import plain

if TYPE_CHECKING:
    from hatui.sentences import Problem
    from hatui.store import Store

REST = 60_000_000_000
"""ns without an alarm after which it is a new one."""
IGNORED = ("D-FW-IN", "D-MCAST-LOST", "D-UNICAST-CLASS", "D-AUTH", "D-HMAC", "D-ADVINT", "D-VERSION", "D-CSUM")
"""Findings of another router's adverts that this engine does not obey, or that do not reach it: as MASTER it is one of
two."""


class Alarms:
    """Which alarms were told."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def fresh(self, found: Iterable[Problem], now: int) -> list[Problem]:
        """Those of the problems that are alarms and were not told yet; `now` is the link's clock."""
        new: list[Problem] = []
        for problem in found:
            if not problem.alarm:
                continue
            key = problem.code, problem.instance
            if now - self._seen.get(key, -REST) >= REST:
                new.append(problem)
            self._seen[key] = now
        return new


def rival(status: InstanceStatus, now: int) -> str:
    """The other master in words, when a MASTER goes on hearing adverts; empty when it hears none.

    A backup is silent, and a router that has just lost the election may have sent one more advert: only what is
    heard later than that counts, and no goodbye (priority 0). Source: RFC 9568 6.4.3.
    """
    pace = max(status.advert_interval, 1)
    late = status.heard_at - status.since > pace
    if status.state is not State.MASTER or not status.peer_priority or not late or now - status.heard_at > 3 * pace:
        return ""
    return f"{plain(status.peer)} (priority {status.peer_priority})"


def ignores(finding: FindingStatus, status: InstanceStatus | None) -> bool:
    """Whether a finding says that this MASTER does not know of another router, or does not obey it."""
    return (
        status is not None and status.state is State.MASTER and finding.severity == "error" and finding.code in IGNORED
    )


def shared(nodes: Mapping[str, Store], now: int) -> list[tuple[str, tuple[str, ...]]]:
    """Addresses (as text) of one VRID that several of these engines hold as MASTER, and the names of those nodes."""
    holders: dict[tuple[int, int, str], list[str]] = {}
    for node, store in nodes.items():
        for status in store.instances.values():
            settled = now - status.since > max(status.advert_interval, 1)
            if status.state is State.MASTER and settled and not store.silent(now):
                for one in status.addresses:
                    holders.setdefault((status.family, status.vrid, str(one.address)), []).append(node)
    twice: dict[tuple[str, ...], list[str]] = {}
    for (_, _, address), names in holders.items():
        if len(names) > 1:
            twice.setdefault(tuple(names), []).append(plain(address))
    return [(", ".join(addresses), names) for names, addresses in twice.items()]
