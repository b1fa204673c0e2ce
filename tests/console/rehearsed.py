"""What an engine tells of its drills: plans, two reports, one drill under way."""

from __future__ import annotations

from engine.messages import DrillPlan, DrillProgress, DrillReport, DrillStep, Phase, ProbeResult, ProbeRow
from tests.console.recording import WALL

S = 1_000_000_000
PLANS = (
    DrillPlan(name="hand-over", title="planned move to the other router and back", act="hand-over"),
    DrillPlan(name="silent-master", title="the master falls silent as after a loss of power", act="silent"),
)


def report(number: int, measured: int, outcome: str) -> DrillReport:
    """One of VI_WEB."""
    return DrillReport(
        number=number,
        plan="silent-master",
        title="the master falls silent as after a loss of power",
        instance="VI_WEB",
        by="anna",
        reason="Q4 test",
        started=WALL - number * 3600 * S,
        ended=WALL - number * 3600 * S + 15 * S,
        outcome=outcome,
        text=f"outage {measured / S:.3f} s (+/- 0.050 s), budget 4.109 s",
        budget=4_109_000_000,
        expected=3_609_000_000,
        measured=measured,
        phases=(Phase("detect", 3 * S, 2_900_000_000),),
        probes=(ProbeResult("lb-a icmp", 50_000_000, 200, 70, measured, 0),),
        restored=True,
    )


REPORTS = (report(16, 3_500_000_000, "pass"), report(15, 4_500_000_000, "over-budget"))
RUNNING = DrillProgress(
    number=17,
    plan="silent-master",
    title="the master falls silent",
    instance="VI_WEB",
    by="anna",
    reason="Q4 test",
    started=WALL - 12 * S,
    budget=4_500_000_000,
    limit=8 * S,
    expected=3_609_000_000,
    every=50_000_000,
    steps=(
        DrillStep("preflight", "done", "14 pass  1 warn"),
        DrillStep("baseline", "done", "lb-a icmp 200/200"),
        DrillStep("silent", "now", "adverts stopped, addresses released, no priority 0"),
        DrillStep("observe", text="until another router serves, then 2 s of good probes"),
        DrillStep("restore", text="mend it; it comes back: higher priority, preempts"),
        DrillStep("verify", text="state, priority and addresses as before"),
    ),
    probes=(ProbeRow("lb-a icmp", "...................xxxxxxxxxx", 29, 10), ProbeRow("c9#1 arp", "....mm..", 8, 0)),
    acted=WALL - 2 * S,
    outage=1_850_000_000,
    ladder=("  +0.000  act: silent", "  +0.002  10.0.0.12 advert priority 100"),
)
