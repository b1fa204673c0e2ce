"""PURE. The same drill on the model: real Routers, simulated hosts, wires and time. Nothing is sent.

Invariant: every report of it says simulation, and its figures are what the simulated client sees.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from engine.config.build import load
from engine.config.files import files_of
from engine.config.model import Config, Instance
from engine.core.drill.forecast import Forecast, lasting
from engine.core.history import wall_ns
from engine.messages import (
    BfdChanged,
    DrillPlan,
    DrillReport,
    DrillStep,
    FileRead,
    Impair,
    InstanceStatus,
    Ordered,
    OtherRouter,
    Phase,
    ProbeResult,
    ProcessCounted,
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
    """Play it from the present. The other router is what its engine has told (`told`), with its own configuration where
    that came along; else it is like this one but for what its engine or its adverts have said."""
    started = wall_ns()
    other = _other(config, status, told)
    name, there = status.name, other.name
    if plan.needs == "backup" and status.base_priority >= other.priority:
        other = other.raised(min(254, status.base_priority + 50))
    lan = Lan(seed=1)
    sources = {status.interface: status.source} if status.source else {}
    a = lan.add(HERE, config, *_ports(config, 1, sources, {}))
    b = lan.add(THERE, other.config, *_ports(other.config, 2, other.sources, other.same_link))
    b.start()
    a.start()
    _feed(a, config, failing(status))
    _feed(b, other.config, other.failing)
    lan.run(3 * max(status.master_down_interval, outlook.limit) / NS)
    steps = [DrillStep("preflight", "done", f"{HERE} is {a.state(name)}, {THERE} is {b.state(there)}")]
    address = status.addresses[0].address if status.addresses else ""
    since = lan.now
    _act(lan, a, plan, status, config)
    steps.append(DrillStep(plan.act, "done", "on the model"))
    lan.run(max(outlook.limit, lasting(plan, status)) / NS)
    taken = _taken(b, there, since) if plan.needs != "backup" else _taken(a, name, since)
    mid = lan.now
    steps.append(DrillStep("observe", "done", f"{HERE} {a.state(name)}, {THERE} {b.state(there)}"))
    _restore(lan, a, plan, name)
    lan.run(3 * max(status.master_down_interval, NS) / NS + 2)
    steps.append(DrillStep("restore", "done", f"{HERE} {a.state(name)}, {THERE} {b.state(there)}"))
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
        peer=f"{other.words}; restored at {(mid - since) / NS:.1f} s",
    )


class _Other(msgspec.Struct, frozen=True):
    """The other router of the model."""

    node: str
    name: str
    """Its instance."""
    config: Config
    facts: tuple[str, ...]
    """What it is like, each with its source."""
    failing: Collection[tuple[str, str]] = ()
    sources: Mapping[str, str] = {}
    same_link: Mapping[str, str] = {}
    """Its interfaces, by the names that the same links have here."""

    @property
    def instance(self) -> Instance:
        """As configured."""
        found = self.config.instance(self.name)
        assert found is not None
        return found

    @property
    def priority(self) -> int:
        """Its own, without weights."""
        return self.instance.priority

    @property
    def words(self) -> str:
        """For the report."""
        return f"{self.node}: {'; '.join(self.facts)}"

    def raised(self, priority: int) -> _Other:
        """The same with another priority, which nobody has said."""
        changed = _replaced(self.config, self.name, priority=priority)
        fact = f"priority {priority} assumed, to be above this one"
        return msgspec.structs.replace(self, config=changed, facts=(*self.facts, fact))


def _other(config: Config, status: InstanceStatus, told: OtherRouter | None) -> _Other:
    """The other router, and how each fact of it is known."""
    if told is not None and told.files and (linked := _linked(config, told)) is not None:
        return linked
    interval, priority, known = status.advert_interval, max(1, status.base_priority - 50), "never heard: assumed"
    node, preempt, rest = THERE, None, "the rest like this one, assumed"
    if told is not None:
        node, priority, interval, preempt = told.node, told.priority, told.advert_interval, told.preempt
        known = "said by its engine"
    elif status.state is State.BACKUP and status.master_priority:
        priority, known = status.master_priority, "said in its adverts"
        interval = status.master_advert_interval or interval
    elif status.peer_priority:
        priority, known = status.peer_priority, "as it was heard last"
        rest = "interval and the rest like this one, assumed"
    priority = max(1, min(254, priority))
    changes: dict[str, object] = {"priority": priority, "advert_interval": interval}
    if preempt is not None:
        changes["preempt"] = preempt
    said = f"priority {priority}, interval {interval / NS:g} s" + (", nopreempt" if preempt is False else "")
    return _Other(node, status.name, _mirrored(_replaced(config, status.name, **changes)), (f"{said} ({known})", rest))


def _linked(config: Config, told: OtherRouter) -> _Other | None:
    """Its own configuration; None when that cannot be read here or has no such instance."""
    loaded = load(told.files[0][0], *files_of(dict(told.files)), config_id=told.node)
    found = loaded.config.instance(told.instance) if loaded.config is not None else None
    if loaded.config is None or found is None:
        return None
    here = {(one.family, one.vrid): one.interface for one in config.instances}
    same = {
        one.interface: here[one.family, one.vrid] for one in loaded.config.instances if (one.family, one.vrid) in here
    }
    bad = [" ".join(one) for one in told.failing]
    own = f"priority {found.priority}, interval {found.advert_interval / NS:g} s"
    own += f", {'preempt' if found.preempt else 'nopreempt'}, addresses {len(found.addresses)}"
    facts = (
        f"{own} (from its own configuration, told by its engine)",
        f"trackers as its engine says: {', '.join(bad) + ' fails' if bad else 'none fails'}",
    )
    sources = {found.interface: told.source} if told.source else {}
    return _Other(told.node, found.name, loaded.config, facts, told.failing, sources, same)


def _replaced(config: Config, name: str, **changes: object) -> Config:
    """The configuration with one instance changed."""
    found = tuple(msgspec.structs.replace(one, **changes) if one.name == name else one for one in config.instances)
    return msgspec.structs.replace(config, instances=found)


def _mirrored(config: Config) -> Config:
    """The copy seen from the other side: who speaks to named peers is one of them there."""

    def turned(one: Instance) -> Instance:
        if not (one.unicast_peers and one.source):
            return one
        first, *more = one.unicast_peers
        back = msgspec.structs.replace(first, address=one.source)
        return msgspec.structs.replace(one, source=first.address, unicast_peers=(back, *more))

    return msgspec.structs.replace(config, instances=tuple(turned(one) for one in config.instances))


def failing(status: InstanceStatus) -> tuple[tuple[str, str], ...]:
    """Kind and name of the trackers that fail now."""
    return tuple((one.kind, one.name) for one in status.ledger if one.good is False)


def _feed(host: Host, config: Config, bad: Collection[tuple[str, str]]) -> None:
    """What its check process has found; what nobody has said is good."""
    for script in config.scripts:
        fails = ("script", script.name) in bad
        for _ in range(script.fall if fails else script.rise):
            host.script(script.name, int(fails))
    for process in config.processes:
        host.give(ProcessCounted(process.name, 0 if ("process", process.name) in bad else process.quorum))
    for session in config.bfd:
        host.give(BfdChanged(session.name, ("bfd", session.name) not in bad))
    for file in config.files:
        host.give(FileRead(file.name, int(("file", file.name) in bad)))


def _ports(
    config: Config, number: int, sources: Mapping[str, str], same_link: Mapping[str, str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Every interface that is named, with addresses of its own that collide with no virtual one; and its link."""
    names: dict[str, None] = {}
    for one in config.instances:
        names[one.interface] = None
        names.update({address.interface: None for address in one.addresses if address.interface})
        names.update({track.name: None for track in one.tracking.interfaces})
    links = {name: same_link.get(name, name) for name in names}
    order = sorted(set(links.values()))
    found: dict[str, tuple[str, ...]] = {}
    for name, where in links.items():
        index = order.index(where)
        own = (f"192.0.2.{16 * index % 240 + number}/28", f"fe80::{index + 1:x}:{number:x}/64")
        said = sources.get(name, "")
        found[name] = (f"{said}/{128 if ':' in said else 32}", *own) if said else own
    for one in config.instances:
        if one.source and one.source not in {text.partition("/")[0] for text in found[one.interface]}:
            found[one.interface] = (*found[one.interface], one.source)
    return found, links


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
