"""Events, problems and readiness in words.

Invariant: pure, and it says what the engine said; where nothing is known the word is "unknown", never a
guess and never a pass. Every problem has a code that `hatui explain` knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from engine.errors import CLOSED
from engine.messages import (
    AddressesMoved,
    AddressLost,
    AdvertRejected,
    Check,
    CommandLogged,
    ConfigConfirmed,
    ConfigLoaded,
    ConfigRefused,
    ConfigReverted,
    ConfigRevertRefused,
    DrillFinished,
    DrillStarted,
    EffectRefused,
    EngineStarted,
    EngineStopping,
    Event,
    HandOverFinished,
    HandOverStarted,
    HoldChanged,
    InstanceStatus,
    InterfaceStateChanged,
    LogLine,
    LowerPriorityHeard,
    MasterChanged,
    NearMiss,
    Outcome,
    PeerAsked,
    PriorityChanged,
    ProcessDied,
    ScriptRan,
    State,
    StateChanged,
    TrackerChanged,
)
from hatui import alarms
from hatui.pending import returned
from hatui.store import Connection, Store
from hatui.text import ago, duration, exit_words, plain, seconds, skew_time, state_word


class Told(msgspec.Struct, frozen=True):
    """An event in words for one row."""

    instance: str
    """Or interface, process; "-" for the node."""
    what: str
    detail: str
    severity: str
    """info, good, warn or bad."""


def event(happened: Event) -> Told:
    """One event as a row."""
    told = _of_instance(happened) or _of_node(happened)
    return msgspec.structs.replace(
        told, instance=plain(told.instance), what=plain(told.what), detail=plain(told.detail)
    )


def asked_by(peer: str) -> str:
    """How the host of a peer is asked after."""
    return "neighbour discovery" if ":" in peer else "ARP"


def _of_instance(happened: Event) -> Told | None:
    match happened:
        case StateChanged(instance=name, old=old, new=new, cause=cause, detail=detail):
            severity = "bad" if new is State.FAULT else "good" if new is State.MASTER else "info"
            return Told(
                name,
                f"{state_word(old)} -> {state_word(new)}",
                f"{cause.value}: {detail}" if detail else cause.value,
                severity,
            )
        case PriorityChanged(instance=name, old=old, new=new, detail=detail):
            return Told(name, f"priority {old} -> {new}", detail, "warn" if new < old else "info")
        case MasterChanged(instance=name, master=master, priority=priority):
            what = f"{master} is MASTER" if master else "no master known"
            return Told(name, what, f"priority {priority}" if master else "", "info" if master else "warn")
        case AdvertRejected(instance=name, source=source, verdict=verdict, detail=detail):
            return Told(
                name or "-", f"rejected {source}", f"{verdict.value}: {detail}" if detail else verdict.value, "bad"
            )
        case AddressLost(instance=name, address=address, interface=interface, restored=restored):
            end = "put back" if restored else "NOT put back"
            return Told(
                name,
                f"{address} was removed",
                f"by somebody else, from {interface}; {end}",
                "warn" if restored else "bad",
            )
        case AddressesMoved(instance=name, addresses=addresses, present=present):
            return Told(name, "addresses set" if present else "addresses removed", " ".join(addresses), "info")
        case HandOverStarted(instance=name, reason=reason):
            return Told(name, "hand-over begun", reason or "priority 0 sent, addresses kept", "info")
        case HandOverFinished(instance=name, successor=successor, duration=took, released=released):
            if not successor:
                return Told(
                    name,
                    "hand-over: nobody came",
                    f"after {seconds(took)}; addresses {'removed' if released else 'kept here'}",
                    "bad",
                )
            return Told(
                name,
                f"handed to {successor}",
                f"after {seconds(took)}, addresses {'removed' if released else 'kept'}",
                "good",
            )
        case HoldChanged(instance=name, kind=kind, by=by, reason=reason):
            what = f"hold: {kind}" if kind else "hold ended"
            return Told(
                name,
                what,
                " ".join(filter(None, (f"by {by}" if by else "", f'"{reason}"' if reason else ""))),
                "warn" if kind else "info",
            )
        case LowerPriorityHeard(instance=name, sender=sender, priority=priority):
            return Told(name, f"worse master {sender}", f"priority {priority}; answered with our own advert", "warn")
        case NearMiss(instance=name, text=text):
            return Told(name, "near miss", text, "warn")
        case PeerAsked(instance=name, peer=peer, mac=mac, duration=took):
            how = asked_by(peer)
            if mac:
                return Told(name, f"host of {peer} lives", f"{mac} answered {how} in {seconds(took, 3)}", "warn")
            return Told(name, f"host of {peer} silent", f"{how} was asked 3 times, no answer", "warn")
        case EffectRefused(instance=name, effect=effect, reason=reason):
            return Told(name, f"kernel refused {effect}", reason, "bad")
        case ScriptRan(instance=name, argv=argv, exit_status=status, duration=took):
            return Told(
                name,
                f"notify {exit_words(status)}",
                f"{seconds(took)} {' '.join(argv)}",
                "info" if status == 0 else "warn",
            )
    return None


def _of_node(happened: Event) -> Told:
    match happened:
        case TrackerChanged(kind=kind, name=name, good=good, detail=detail):
            return Told("-", f"{kind} {name} {'ok' if good else 'FAIL'}", detail, "good" if good else "warn")
        case InterfaceStateChanged(interface=interface, up=up, detail=detail):
            return Told(interface, "is up" if up else "is DOWN", detail, "good" if up else "bad")
        case ConfigLoaded(fingerprint=fingerprint, by=by, changes=changes, comment=comment):
            words = [f"by {by}", f'"{comment}"' if comment else "", "; ".join(changes)]
            return Told("-", f"config {fingerprint[:8]} in use", " ".join(filter(None, words)), "info")
        case ConfigRefused(by=by, problems=problems):
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            return Told("-", "config REFUSED", f"by {by}: {problems[0] if problems else ''}{more}", "bad")
        case ConfigConfirmed(revision=number, by=by, comment=comment):
            return Told("-", f"config #{number} confirmed", f"by {by}" + (f' "{comment}"' if comment else ""), "good")
        case ConfigReverted(revision=number, previous=previous, reason=reason):
            return Told("-", f"config #{number} taken back", f"{reason}; #{previous} is in use again", "warn")
        case ConfigRevertRefused(revision=number, reason=reason, obstacle=obstacle):
            return Told("-", f"config #{number} NOT taken back", f"{obstacle} ({reason})", "bad")
        case ProcessDied(process=process, reason=reason, respawned=again):
            return Told(
                "engine",
                f"{process} process died",
                f"{reason}; {'started again' if again else 'NOT started again'}",
                "bad",
            )
        case DrillStarted(number=number, plan=plan, instance=name, by=by, reason=reason):
            return Told(name, f"drill #{number} {plan}", f"begun by {by}" + (f' "{reason}"' if reason else ""), "warn")
        case DrillFinished(number=number, plan=plan, instance=name, outcome=outcome, text=text):
            word = {"pass": "good", "aborted": "warn"}.get(outcome, "bad")
            return Told(name, f"drill #{number} {outcome}", f"{plan}: {text}", word)
        case EngineStarted(version=version, pid=pid):
            return Told("engine", "started", f"version {version}, pid {pid}", "info")
        case EngineStopping(reason=reason):
            return Told("engine", "stopping", reason, "warn")
        case CommandLogged(by=by, command=command, outcome=outcome, code=code, text=text, reason=reason):
            words = [f"{command} by {by}", f'"{reason}"' if reason else "", code, text]
            return Told(
                "-",
                f"command {outcome.value}",
                " ".join(filter(None, words)),
                "info" if outcome is Outcome.DONE else "warn",
            )
        case LogLine(severity=severity, text=text):
            return Told("engine", severity, text, {"error": "bad", "warning": "warn"}.get(severity, "info"))
    return Told("-", type(happened).__name__, "", "info")


class Problem(msgspec.Struct, frozen=True):
    """Something that somebody should look at."""

    rank: int
    """0 is the worst."""
    code: str
    """Known to `hatui explain`; empty for what explains itself."""
    text: str
    instance: str = ""
    fix: str = ""
    """What to do; empty where only `hatui explain` says it."""
    alarm: bool = False
    """Two masters, or none: rings the bell once."""

    @property
    def role(self) -> str:
        """How it looks: red above rank 5, yellow below."""
        return "alarm" if self.rank < 3 else "bad" if self.rank < 5 else "warn"


def problems(store: Store, now: int) -> list[Problem]:
    """All problems, the worst first. While nothing can be believed there is one: that."""
    if store.nodes:
        found = [_of_node_named(node, problem) for node, one in store.nodes.items() for problem in problems(one, now)]
        for addresses, names in alarms.shared(store.nodes, now):
            words = f"TWO MASTERS: {' and '.join(names)} hold {addresses}"
            found.append(Problem(1, "D-TWO-MASTERS", words, alarm=True))
        return sorted(found, key=lambda problem: problem.rank)
    silence = _silence(store, now)
    if silence is not None:
        return [silence]
    found = []
    for status in store.instances.values():
        found += _instance_problems(status, now)
    for tracker in store.trackers.values():
        if tracker.good is False and tracker.tracked_by:
            words = f"{tracker.kind} {tracker.name} fails ({exit_words(tracker.exit_status)})"
            words += f"; tracked by {' '.join(tracker.tracked_by)}"
            found.append(Problem(6, "", words))
    engine = store.engine
    if engine is not None and engine.config_problem:
        found.append(
            Problem(4, "E-CONFIG-BROKEN", f"the file on disk is refused, the older one runs: {engine.config_problem}")
        )
    if engine is not None and engine.history_problem:
        words = f"{engine.history_problem}: drills and commits are refused, adverts are not affected"
        found.append(Problem(2, "E-HISTORY-OFF", words))
    if engine is not None and engine.confirm_problem:
        found.append(Problem(4, "E-CONFIG-CHANGED", engine.confirm_problem))
    if back := returned(store, now):
        found.append(Problem(6, "", back))
    for interface in store.interfaces.values():
        if not interface.exists or not interface.up:
            found.append(Problem(5, "", f"{interface.name} {'is down' if interface.exists else 'does not exist'}"))
    return sorted(_with_findings(found, store), key=lambda problem: problem.rank)


FINDING_RANKS = {"error": 2, "warning": 5, "info": 8}
"""Where the engine's findings stand among the problems."""


def _with_findings(found: list[Problem], store: Store) -> list[Problem]:
    """The engine's diagnosis instead of what the statuses alone say of the same thing."""
    told = [
        Problem(
            FINDING_RANKS.get(one.severity, 5),
            one.code,
            plain(one.text),
            one.instance,
            plain(one.fix),
            alarm=alarms.ignores(one, store.instances.get(one.instance)),
        )
        for one in store.findings.values()
    ]
    said = {(one.code, one.instance): one for one in found}
    for at, one in enumerate(told):
        same = said.get((one.code, one.instance))
        if same is not None:
            told[at] = msgspec.structs.replace(one, rank=min(one.rank, same.rank), alarm=one.alarm or same.alarm)
    known = {(one.code, one.instance) for one in told}
    return [one for one in found if (one.code, one.instance) not in known] + told


def _of_node_named(node: str, problem: Problem) -> Problem:
    name = f"{node}:{problem.instance}" if problem.instance else ""
    return msgspec.structs.replace(problem, text=f"{node}: {problem.text}", instance=name)


def banners(store: Store, version: str) -> list[Problem]:
    """What this console cannot show or may misread, whatever the engine does. `version` is this program's own."""
    found: list[Problem] = []
    for node, one in store.nodes.items() or (("", store),):
        hello, where = one.hello, f"{node}: " if node else ""
        if hello is None:
            continue
        if hello.version != version:
            words = f"{where}engine {hello.version}, console {version}: what both know is shown"
            found.append(Problem(9, "", words))
        if "packets" not in hello.capabilities:
            words = f"{where}the engine may not capture (no NET_RAW): Packets stays empty; `hatui doctor` says more"
            found.append(Problem(9, "", words))
    return found


def _silence(store: Store, now: int) -> Problem | None:
    link = store.link
    match link.connection:
        case Connection.LIVE:
            if store.vrrp_heard and store.silent(now):
                return Problem(
                    0,
                    "D-STALL",
                    f"the engine is silent for {duration(now - store.vrrp_heard)}: the states below are from the past",
                )
            return None
        case Connection.LOST:
            wait = f"; next try in {duration(link.retry_at - now)}" if link.retry_at > now else "; reconnecting"
            why, code = _parted(plain(link.detail))
            why = f"; {why}" if why and not why.endswith(CLOSED) else ""
            words = f"connection lost {ago(link.since, now)}{wait}{why}; states are old"
            return Problem(0, code, words, fix=plain(link.advice))
        case Connection.CONNECTING:
            return None
    words, code = _parted(plain(link.detail))
    return Problem(0, code, words or link.connection.value, fix=plain(link.advice))


def _parted(words: str) -> tuple[str, str]:
    """The words and the code that stands behind them; where none does, that no engine answers."""
    found = re.fullmatch(r"(.*) \[([A-Z]-[A-Z-]+)\]", words)
    return (found[1], found[2]) if found else (words, "E-NO-ENGINE")


def _instance_problems(status: InstanceStatus, now: int) -> list[Problem]:
    found: list[Problem] = []
    name = plain(status.name)
    lasting = f"{name} {status.state} {duration(now - status.since)}"
    if status.state is State.FAULT:
        why = "; ".join(status.faults) or status.last_detail or status.last_cause.value
        owner = f" {status.master} serves it." if status.master else " No other router is heard."
        found.append(Problem(3, "", plain(f"{lasting}: {why}.{owner}"), name))
    if (
        status.state is State.BACKUP
        and not status.master
        and now - status.since > 2 * (status.master_down_interval or 4_000_000_000)
    ):
        found.append(Problem(1, "D-NO-MASTER", f"{lasting}: no master is heard", name, alarm=True))
    if status.state is State.MASTER:
        if other := alarms.rival(status, now):
            found.append(Problem(1, "D-TWO-MASTERS", f"{name}: TWO MASTERS: this node and {other}", name, alarm=True))
        gone = [str(address.address) for address in status.addresses if not address.present]
        if gone:
            found.append(Problem(2, "D-VIP-GONE", f"{lasting}, but not on the interface: {' '.join(gone)}", name))
    if status.state is State.BACKUP:
        extra = [str(address.address) for address in status.addresses if address.present]
        if extra and not status.hold_kind:
            found.append(
                Problem(
                    2, "D-VIP-ORPHAN", f"{name} is backup, but still on the interface here: {' '.join(extra)}", name
                )
            )
    if status.hold_kind:
        left = f"for {duration(status.hold_until - now)}" if status.hold_until else "until released"
        by = f" by {status.hold_by}" if status.hold_by else ""
        if status.hold_kind == "maintenance":
            why = f': "{status.hold_reason}"' if status.hold_reason else ""
            left = left.replace("released", "switched off")
            found.append(Problem(7, "E-MAINTENANCE", plain(f"{name} is in maintenance {left}{by}{why}"), name))
            return found
        found.append(Problem(7, "E-HELD", f"{name} is held ({status.hold_kind}) {left}{by}: U releases it", name))
    return found


def readiness(status: InstanceStatus, now: int, linked: Sequence[Check] = ()) -> tuple[str, str, str]:
    """Would a failover now succeed, as far as this node can tell, and those that are `linked`: word, role, sentence."""
    own = _readiness(status, now)
    wrong = [next((one for one in linked if one.result == result), None) for result in ("fail", "warn")]
    if own[0] not in ("READY", "DEGRADED", "unknown"):
        return own
    if wrong[0] is not None:
        return "NOT READY", "bad", f"{wrong[0].text} [{wrong[0].code}]"
    if own[0] == "DEGRADED":
        return own
    if wrong[1] is not None:
        return "DEGRADED", "warn", f"{wrong[1].text} [{wrong[1].code}]"
    said = next((one.text for one in linked if (one.code, one.result) == ("P-PEER-READY", "pass")), "")
    return ("READY", "good", said) if said and status.state is State.MASTER else own


def _readiness(status: InstanceStatus, now: int) -> tuple[str, str, str]:
    """By this node's own word alone."""
    failing = [line.name or line.kind for line in status.ledger if line.good is False]
    if status.state is State.FAULT:
        return "NOT READY", "bad", "; ".join(status.faults) or status.last_detail or "in FAULT"
    if status.hold_kind == "maintenance":
        return "MAINT", "warn", f"in maintenance by {status.hold_by or 'an operator'}: {status.hold_reason}"
    if status.hold_kind:
        left = f"for {duration(status.hold_until - now)} more" if status.hold_until else "until released"
        return "HELD", "warn", f"held by {status.hold_by or 'an operator'} ({status.hold_kind}) {left}"
    if status.state is State.BACKUP:
        if not status.master:
            return "NOT READY", "bad", "no master is heard"
        if failing:
            return "DEGRADED", "warn", f"{', '.join(failing)} fails here"
        return "READY", "good", f"this node hears {status.master} and takes over when it stops"
    if status.state is State.MASTER:
        if failing:
            return "DEGRADED", "warn", f"{', '.join(failing)} fails here; other routers: " + _peer_words(status, now)
        return "unknown", "unknown", _peer_words(status, now)
    return "NOT READY", "warn", "not started yet"


def _peer_words(status: InstanceStatus, now: int) -> str:
    if not status.peer:
        return "no other router was ever heard (backups are silent)"
    return f"{status.peer} was heard {ago(status.heard_at, now)}; backups are silent"


def if_lost(status: InstanceStatus) -> str:
    """What happens when this node, or the master, is lost."""
    if status.state is State.MASTER:
        if not status.peer or not status.peer_priority:
            return "unknown: no other router was heard yet"
        skew = skew_time(status.version, status.peer_priority, status.advert_interval)
        crash = 3 * status.advert_interval + skew
        return f"silent crash {seconds(crash)}   hand-over: no loss, in {seconds(skew)}"
    if status.state is State.BACKUP and status.master_down_interval:
        wait = seconds(status.master_down_interval)
        return f"when {status.master or 'the master'} goes silent, this node takes over after {wait}"
    return "this node serves nothing here"
