"""What an engine tells of its drills: plans, two reports, one drill under way."""

from __future__ import annotations

from engine.messages import Check, DrillPlan, DrillProgress, DrillReport, DrillStep, Phase, ProbeResult, ProbeRow
from tests.console.recording import WALL

S = 1_000_000_000
PLANS = (
    DrillPlan(name="hand-over", title="planned move to the other router and back", act="hand-over"),
    DrillPlan(name="silent-master", title="the master falls silent as after a loss of power", act="silent"),
)


STEPS = (
    ("preflight", "14 pass  1 warn"),
    ("baseline", "lb-a icmp 60/60"),
    ("silent", "adverts stopped, addresses released, no priority 0"),
    ("observe", "10.0.0.12 serves (priority 100)"),
    ("restore", "lb-a is MASTER again after 0.61 s"),
    ("verify", "state, priority and addresses as before"),
)


def report(number: int, measured: int, outcome: str) -> DrillReport:
    """One of VI_WEB; one an hour."""
    began = WALL - (20 - number) * 3600 * S
    late = measured - 2_900_000_000
    return DrillReport(
        number=number,
        plan="silent-master",
        title="the master falls silent as after a loss of power",
        instance="VI_WEB",
        by="anna",
        reason="Q4 test",
        started=began,
        ended=began + 15 * S,
        outcome=outcome,
        text=f"outage {measured / S:.3f} s (+/- 0.050 s), budget 4.109 s",
        budget=4_109_000_000,
        expected=3_609_000_000,
        measured=measured,
        takeover_expected=3_609_000_000,
        takeover=measured - 4_000_000,
        phases=(
            Phase("detect", 3 * S, 2_900_000_000),
            Phase("elect", 609_000_000, late - 4_000_000),
            Phase("address", 0, 1_000_000),
            Phase("announce", 0, 1_000_000),
            Phase("client", 0, 2_000_000),
        ),
        probes=(ProbeResult("lb-a icmp", 50_000_000, 200, measured // 50_000_000, measured, 0),),
        steps=tuple(DrillStep(name, "done", text, began + at * S) for at, (name, text) in enumerate(STEPS)),
        checks=(Check("warn", "P-CLOCK", "the other router's clock: no link to it"),),
        ladder=(
            "  -0.887  10.0.0.11 advert priority 150",
            "  +0.000  act: silent",
            f"{(measured - 4_000_000) / S:+8.3f}  10.0.0.12 advert priority 100",
            f"{(measured - 2_000_000) / S:+8.3f}  52:54:00:12:aa:0c announces 10.0.0.100 by arp",
        ),
        restored=True,
        host="lb-a",
        version="0.1.0",
        fingerprint="9f2c41aa",
        peer="10.0.0.12",
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
        DrillStep("preflight", "done", "14 pass  1 warn", WALL - 12 * S),
        DrillStep("baseline", "done", "lb-a icmp 200/200", WALL - 12 * S),
        DrillStep("silent", "now", "adverts stopped, addresses released, no priority 0", WALL - 2 * S),
        DrillStep("observe", text="until another router serves, then 2 s of good probes"),
        DrillStep("restore", text="mend it; it comes back: higher priority, preempts"),
        DrillStep("verify", text="state, priority and addresses as before"),
    ),
    probes=(ProbeRow("lb-a icmp", "...................xxxxxxxxxx", 29, 10), ProbeRow("c9#1 arp", "....mm..", 8, 0)),
    acted=WALL - 2 * S,
    outage=1_850_000_000,
    ladder=(
        " -10.000  10.0.0.11 advert priority 150  ... 10 alike until -1.000",
        "  +0.000  act: silent",
    ),
)
