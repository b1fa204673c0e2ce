"""PURE. The same drill on the model: real Routers, simulated hosts, wires and time. Nothing is sent.

Invariant: every report of it says simulation, and its figures are what the simulated client sees.
"""

from __future__ import annotations

import msgspec

from engine.config.model import Config, Instance
from engine.core.drill.forecast import Forecast, lasting
from engine.core.history import wall_ns
from engine.messages import (
    DrillPlan,
    DrillReport,
    DrillStep,
    Impair,
    InstanceStatus,
    Ordered,
    OtherRouter,
    Phase,
    ProbeResult,
    Relieve,
    State,
    StateChanged,
)
from engine.simulation import Host, Lan

HERE, THERE = "this node", "the other router"
NS = 1_000_000_000
EVERY_MS = 10.0


def rehearse(
    plan: DrillPlan,
    config: Config,
    status: InstanceStatus,
    outlook: Forecast,
    about: tuple[str, str, str],
    told: OtherRouter | None = None,
) -> DrillReport:
    """Play it from the present priorities. The other router is like this one but for what its engine has told (`told`),
    or else its adverts: priority and, where it is master, interval."""
    other, source = _other(status, told)
    started = wall_ns()
    lan = Lan(seed=1)
    a = lan.add(HERE, _alone(config, ""), _ports(config, 1))
    b = lan.add(THERE, _alone(config, status.name, other), _ports(config, 2))
    b.start()
    a.start()
    name = status.name
    if plan.needs == "backup" and status.base_priority >= other.priority:
        other = msgspec.structs.replace(other, priority=min(254, status.base_priority + 50))
        source = "assumed to be above this one"
        b.config = _alone(config, name, other)
        b.reload(b.config)
    for script in config.scripts:
        a.script(script.name)
        b.script(script.name)
    lan.run(3 * max(status.master_down_interval, outlook.limit) / NS)
    steps = [DrillStep("preflight", "done", f"{HERE} is {a.state(name)}, {THERE} is {b.state(name)}")]
    address = status.addresses[0].address if status.addresses else ""
    since = lan.now
    _act(lan, a, plan, status, config)
    steps.append(DrillStep(plan.act, "done", "on the model"))
    lan.run(max(outlook.limit, lasting(plan, status)) / NS)
    taken = _taken(b, name, since) if plan.needs != "backup" else _taken(a, name, since)
    mid = lan.now
    steps.append(DrillStep("observe", "done", f"{HERE} {a.state(name)}, {THERE} {b.state(name)}"))
    _restore(lan, a, plan, name)
    lan.run(3 * max(status.master_down_interval, NS) / NS + 2)
    steps.append(DrillStep("restore", "done", f"{HERE} {a.state(name)}, {THERE} {b.state(name)}"))
    outages = [span.length for span in lan.outages(address, since / NS)] if address else []
    outage = max(outages, default=0)
    lost = lan.lost_pings(address, EVERY_MS, since / NS) if address else 0
    doubled = _doubled(lan, address, since)
    wanted = a.state(name) is status.state or plan.needs == "backup"
    over = outage > outlook.budget
    probe = ProbeResult("simulated client icmp", int(EVERY_MS * 1e6), int((lan.now - since) / 1e7), lost, outage, 0)
    text = f"SIMULATION, nothing was sent: outage {outage / NS:.3f} s, budget {outlook.budget / NS:.3f} s"
    return DrillReport(
        number=0,
        plan=plan.name,
        title=f"SIMULATION: {plan.title}",
        instance=name,
        by="",
        reason="",
        started=started,
        ended=wall_ns(),
        simulation=True,
        outcome="over-budget" if over else "pass" if wanted else "failed",
        text=text if wanted else f"{text}; not as before at the end",
        budget=outlook.budget,
        expected=outlook.outage,
        measured=outage,
        takeover_expected=outlook.takeover,
        takeover=taken,
        doubled=doubled,
        phases=(Phase("detect", outlook.detect), Phase("elect", outlook.elect)),
        probes=(probe,),
        steps=tuple(steps),
        ladder=tuple(lan.timeline.text(since=since).splitlines()[:120]),
        restored=wanted,
        host=about[0],
        version=about[1],
        fingerprint=about[2],
        peer=f"{other.node}, like this one but for priority {other.priority}, interval "
        f"{other.advert_interval / NS:g} s{'' if other.preempt else ', nopreempt'} ({source}); "
        f"restored at {(mid - since) / NS:.1f} s",
    )


def _other(status: InstanceStatus, told: OtherRouter | None) -> tuple[OtherRouter, str]:
    """The other router, and how it is known."""
    if told is not None:
        priority = max(1, min(254, told.priority))
        return msgspec.structs.replace(told, priority=priority), "said by its engine"
    interval = status.advert_interval
    if status.state is State.BACKUP and status.master_priority:
        interval = status.master_advert_interval or interval
        return OtherRouter(THERE, min(254, status.master_priority), interval), "said in its adverts"
    if status.peer_priority:
        return OtherRouter(THERE, min(254, status.peer_priority), interval), "priority as it was heard last"
    return OtherRouter(THERE, max(1, status.base_priority - 50), interval), "never heard: assumed"


def _alone(config: Config, name: str, other: OtherRouter | None = None) -> Config:
    """The configuration without what the model has not: scripts of notifiers and the like stay unused."""

    def instance(one: Instance) -> Instance:
        if one.name != name or other is None:
            return one
        return msgspec.structs.replace(
            one,
            priority=other.priority,
            advert_interval=other.advert_interval or one.advert_interval,
            preempt=other.preempt,
        )

    return msgspec.structs.replace(config, instances=tuple(instance(one) for one in config.instances))


def _ports(config: Config, number: int) -> dict[str, tuple[str, ...]]:
    """Every interface that is named, with addresses of its own that collide with no virtual one."""
    names: dict[str, None] = {}
    for one in config.instances:
        names[one.interface] = None
        names.update({address.interface: None for address in one.addresses if address.interface})
        names.update({track.name: None for track in one.tracking.interfaces})
    found: dict[str, tuple[str, ...]] = {}
    for index, name in enumerate(names):
        found[name] = (f"192.0.2.{16 * index % 240 + number}/28", f"fe80::{index + 1:x}:{number:x}/64")
    for one in config.instances:
        if one.source:
            found[one.interface] = (*found[one.interface], one.source)
    return found


def _act(lan: Lan, host: Host, plan: DrillPlan, status: InstanceStatus, config: Config) -> None:
    until = host.now + 300 * NS
    kinds = {"silent": "silent", "link": "link", "tracker": "tracker", "deaf": "deaf"}
    if plan.act in kinds:
        host.give(Ordered(1_000, Impair(status.name, kinds[plan.act], until, plan.tracker), "drill", "SIMULATION"))
    elif plan.act in ("hand-over", "take-over"):
        host.failover(status.name, "step-down" if plan.act == "hand-over" else "take-over")
    elif plan.act == "stall":
        host.stall()
        lan.run(lasting(plan, status) / NS)
        host.resume()
    elif plan.act == "crash":
        host.respawn()
    else:
        host.reload(config)


def _restore(lan: Lan, host: Host, plan: DrillPlan, name: str) -> None:
    if plan.act in ("hand-over", "take-over"):
        host.release(name)
    elif plan.act in ("silent", "link", "tracker", "deaf"):
        host.give(Ordered(1_001, Relieve(), "drill", "SIMULATION"))
    lan.run(0.001)


def _taken(host: Host, name: str, since: int) -> int:
    for at, event in host.events:
        if at >= since and isinstance(event, StateChanged) and event.instance == name and event.new is State.MASTER:
            return at - since
    return -1


def _doubled(lan: Lan, address: str, since: int) -> int:
    return sum(span.length for span in lan.owners.doubled(address, since, lan.now)) if address else 0
