"""PURE: what is wrong with a running pair, from facts of the wire, the kernel and the configuration.

    facts    what is known at one instant, and the tally of what a tap has seen
    wire     findings from other routers' advertisements and announcements
    host     findings from this host: its addresses, sockets, scripts, timers, groups

Invariant: facts in, findings out, nothing remembered; doubt is silence. Each finding has a code that `hatui explain`
knows, says what was seen with its figures, and what to do. `diagnose` is all of it.
"""

from __future__ import annotations

from engine.diagnosis import host, wire
from engine.diagnosis.facts import Announcement, Facts, Runs, Sender, Tally
from engine.messages import FindingStatus

SEVERITIES = ("error", "warning", "info")


def diagnose(facts: Facts) -> list[FindingStatus]:
    """All findings, the worst first; at most one of a code and subject."""
    found: dict[str, FindingStatus] = {}
    for rule in (*wire.RULES, *host.RULES):
        for finding in rule(facts):
            found.setdefault(finding.name, finding)
    return sorted(found.values(), key=lambda one: (SEVERITIES.index(one.severity), one.name))


__all__ = ["SEVERITIES", "Announcement", "Facts", "Runs", "Sender", "Tally", "diagnose"]
