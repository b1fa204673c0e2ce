"""PURE. What the timers make one expect of a drill.

Invariant: an upper bound that the protocol itself gives; where the other router's priority was never heard, the
slowest one counts. Source: RFC 9568 6.1, RFC 3768 6.1.
"""

from __future__ import annotations

import msgspec

from engine.messages import DrillPlan, InstanceStatus
from engine.protocol.timing import NS_PER_S, master_down_interval, skew_time

SLACK = NS_PER_S // 2
"""ns that a budget allows beyond what is expected."""
SLOWEST = 1
BACK_S = 8.0
"""Seconds beyond the timers until the restoration must be seen."""
PATIENCE_S = 1.2
"""Seconds until a lost probe is known to be lost."""
REAL_S = 30.0
"""Seconds that a real link may take until it carries again, beyond the timers."""


class Forecast(msgspec.Struct, frozen=True):
    """All ns."""

    outage: int
    takeover: int
    """From the act to the other router's first advert; -1: none is expected."""
    detect: int
    elect: int
    budget: int
    limit: int


def forecast(plan: DrillPlan, status: InstanceStatus) -> Forecast:
    """For one instance as it stands."""
    interval = status.advert_interval
    priority = status.peer_priority or SLOWEST
    skew = skew_time(status.version, priority, interval)
    down = master_down_interval(status.version, priority, interval)
    outage, takeover, detect = 0, -1, -1
    if plan.act in ("silent", "link"):
        outage, takeover, detect = down, down, down - skew
    elif plan.act == "hand-over":
        takeover, detect = skew, 0
    elif plan.act == "take-over":
        takeover, detect, skew = interval, 0, 0
    elif plan.act == "stall":
        takeover, detect = down, down - skew
    elif plan.act == "tracker":
        takeover, detect, outage = down, down - skew, 0
    elif plan.act == "deaf":
        own = status.master_down_interval
        takeover, detect, skew = own, own - status.skew, status.skew
    budget = int(plan.budget_s * NS_PER_S) or outage + SLACK
    limit = int(plan.limit_s * NS_PER_S) or max(2 * budget, 2 * max(takeover, 0)) + 3 * NS_PER_S
    return Forecast(outage, takeover, detect, skew if takeover >= 0 else -1, budget, limit)


def slowest_back(before: InstanceStatus, *, real: bool = False) -> int:
    """ns that the timers may take until all is as before."""
    link = int(REAL_S * NS_PER_S) if real else 0
    return max(before.master_down_interval, 4 * before.advert_interval) + before.advert_interval + link


def longest(plan: DrillPlan, status: InstanceStatus, outlook: Forecast, *, real: bool = False) -> int:
    """ns that a drill takes at most, with all that belongs to it."""
    back = slowest_back(status, real=real) + int(BACK_S * NS_PER_S)
    turn = outlook.limit + lasting(plan, status) + int(plan.settle_s * NS_PER_S) + back
    fixed = int((plan.baseline_s + plan.settle_s + 2 * PATIENCE_S) * NS_PER_S)
    return fixed + plan.repeat * turn + 5 * NS_PER_S


def lasting(plan: DrillPlan, status: InstanceStatus) -> int:
    """ns that a stall or deafness lasts."""
    if plan.hold_s:
        return int(plan.hold_s * NS_PER_S)
    found = forecast(plan, status)
    return max(found.takeover, 0) + 2 * status.advert_interval + SLACK


def moves(plan: DrillPlan, status: InstanceStatus) -> str:
    """moves, stays or splits, as far as the ledger tells for a tracker that fails."""
    if plan.expect != "any":
        return plan.expect
    watched = [line for line in status.ledger if line.kind in ("script", "process", "bfd")]
    named = [line for line in watched if plan.tracker in ("", line.name, f"{line.kind} {line.name}")]
    if not named:
        return "stays"
    line = named[0]
    if line.weight == 0:
        return "moves"
    after = status.priority - line.contribution + min(line.weight, 0)
    return "moves" if status.peer_priority and after < status.peer_priority else "stays"
