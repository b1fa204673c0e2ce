"""The state of an engine as Prometheus text: our own figures, and those of keepalived-exporter by their own names.

Invariant: pure, and only what the engine said: a figure that is not known is absent, never 0. Dashboards and alerts
made for keepalived-exporter go on with the metrics `keepalived_*`; what those have no name for is `hatui_*`, in
seconds and whole counts.
Source: mehdy/keepalived-exporter README (names and labels), prometheus.io text exposition format 0.0.4
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from engine.messages import InstanceStatus, State
from hatui.sentences import problems
from hatui.store import REJECTIONS, Store

NS = 1_000_000_000
STATES = {State.INIT: 0, State.BACKUP: 1, State.MASTER: 2, State.FAULT: 3}
"""As keepalived counts them."""
COUNTERS: Mapping[str, tuple[str, str]] = {
    "advert_rcvd": ("advertisements_received", "Advertisements received"),
    "advert_sent": ("advertisements_sent", "Advertisements sent"),
    "become_master": ("become_master", "How often it became master"),
    "release_master": ("release_master", "How often it stopped being master"),
    "packet_len_err": ("packet_length_errors", "Packets of a wrong length"),
    "advert_interval_err": ("advertisements_interval_errors", "Advertisements with another interval"),
    "ip_ttl_err": ("ip_ttl_errors", "Packets whose TTL is not 255"),
    "invalid_type_rcvd": ("invalid_type_received", "Packets that are no advertisement"),
    "addr_list_err": ("address_list_errors", "Advertisements with other addresses"),
    "invalid_authtype": ("authentication_invalid", "Packets with an unknown kind of authentication"),
    "authtype_mismatch": ("authentication_mismatch", "Packets with another kind of authentication"),
    "auth_failure": ("authentication_failure", "Packets whose authentication failed"),
    "pri_zero_rcvd": ("priority_zero_received", "Advertisements with priority 0 received"),
    "pri_zero_sent": ("priority_zero_sent", "Advertisements with priority 0 sent"),
}
"""Our counter -> keepalived-exporter's name (with keepalived_ before and _total behind it) and its help."""

Sample = tuple[Mapping[str, str], float]


class Family(msgspec.Struct, frozen=True):
    """One metric with all its samples."""

    name: str
    kind: str
    """gauge or counter."""
    help: str
    samples: tuple[Sample, ...]

    def lines(self) -> Iterator[str]:
        """As Prometheus reads it."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            inside = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
            yield f"{self.name}{{{inside}}} {figure(value)}" if inside else f"{self.name} {figure(value)}"


def escaped(text: str) -> str:
    """A label's value."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def figure(value: float) -> str:
    """Without needless digits."""
    return str(int(value)) if value == int(value) else f"{value:.9f}".rstrip("0")


def down() -> list[Family]:
    """What is said while no engine answers."""
    return [Family("keepalived_up", "gauge", "Whether the engine answers", (({}, 0),))]


def families_of(store: Store, now: int) -> list[Family]:
    """Everything that is known, in a fixed order."""
    return [family for family in (*_exporter(store), *_own(store, now)) if family.samples]


def written(families: Iterable[Family]) -> str:
    """As a page for Prometheus."""
    return "\n".join(line for family in families for line in family.lines()) + "\n"


def record(families: Iterable[Family]) -> list[dict[str, object]]:
    """The same for JSON."""
    return [
        {
            "name": one.name,
            "kind": one.kind,
            "help": one.help,
            "samples": [{"labels": dict(labels), "value": value} for labels, value in one.samples],
        }
        for one in families
    ]


def _of(status: InstanceStatus) -> dict[str, str]:
    return {"iname": status.name, "intf": status.interface, "vrid": str(status.vrid)}


def _exporter(store: Store) -> Iterator[Family]:
    """What keepalived-exporter says, by its names."""
    every = list(store.instances.values())
    yield Family("keepalived_up", "gauge", "Whether the engine answers", (({}, 1),))
    for name, wanted, words in (
        ("keepalived_vrrp_state", True, "State: 0 init, 1 backup, 2 master, 3 fault"),
        ("keepalived_vrrp_excluded_state", False, "State, by addresses that are not advertised"),
    ):
        samples = tuple(
            (_of(status) | {"ip_address": f"{address.address}/{address.prefix}"}, float(STATES[status.state]))
            for status in every
            for address in status.addresses
            if address.advertised == wanted
        )
        yield Family(name, "gauge", words, samples)
    for ours, (theirs, words) in COUNTERS.items():
        counted = tuple((_of(status), float(getattr(status.counters, ours))) for status in every)
        yield Family(f"keepalived_{theirs}_total", "counter", words, counted)
    scripts = tuple(
        ({"name": tracker.name}, float(tracker.good))
        for tracker in store.trackers.values()
        if tracker.kind == "script" and tracker.good is not None
    )
    yield Family("keepalived_script_status", "gauge", "Result of a track script: 1 good, 0 bad", scripts)


def _own(store: Store, now: int) -> Iterator[Family]:
    """What keepalived-exporter has no name for."""
    every = list(store.instances.values())

    def each(name: str, kind: str, words: str, value: str, scale: float = 1) -> Family:
        found = tuple((_of(status), float(getattr(status, value)) / scale) for status in every)
        return Family(f"hatui_{name}", kind, words, found)

    engine = store.engine
    if engine is not None:
        facts = {"version": engine.version, "host": engine.host, "config": engine.config_fingerprint[:12]}
        yield Family("hatui_engine_info", "gauge", "The engine that runs", ((facts, 1),))
        yield Family(
            "hatui_engine_uptime_seconds", "gauge", "Time since its start", (({}, (now - engine.started) / NS),)
        )
        late: tuple[Sample, ...] = (({}, engine.worst_late / NS),)
        yield Family("hatui_engine_worst_late_seconds", "gauge", "The latest that a timer ever fired", late)
        refused: tuple[Sample, ...] = (({}, float(bool(engine.config_problem))),)
        yield Family("hatui_config_refused", "gauge", "1 while the file on disk is refused", refused)
        waits: tuple[Sample, ...] = (({}, float(bool(engine.confirm_revision))),)
        yield Family("hatui_config_unconfirmed", "gauge", "1 while a change waits for its confirmation", waits)
    yield each("priority", "gauge", "Priority in use", "priority")
    yield each("base_priority", "gauge", "Priority as configured", "base_priority")
    yield each("transitions_total", "counter", "Changes of the state", "transitions")
    yield each("near_misses_total", "counter", "How often all adverts but one were missed", "near_misses")
    yield each("advert_interval_seconds", "gauge", "Interval of advertisements", "advert_interval", NS)
    yield each("master_down_interval_seconds", "gauge", "Silence after which it takes over", "master_down_interval", NS)
    since = tuple((_of(status), (now - status.since) / NS) for status in every)
    yield Family("hatui_state_seconds", "gauge", "Time in its state", since)
    holds = tuple((_of(status) | {"kind": status.hold_kind}, 1.0) for status in every if status.hold_kind)
    yield Family("hatui_held", "gauge", "A hold by an operator", holds)
    addresses = tuple(
        (_of(status) | {"ip_address": f"{address.address}/{address.prefix}"}, float(address.present))
        for status in every
        for address in status.addresses
    )
    yield Family("hatui_address_present", "gauge", "Whether the address is on the interface", addresses)
    rejected = tuple(
        (_of(status) | {"reason": reason}, float(getattr(status.counters, reason)))
        for status in every
        for reason in REJECTIONS
    )
    yield Family("hatui_adverts_rejected_total", "counter", "Advertisements that failed a test", rejected)
    trackers = tuple(
        ({"kind": one.kind, "name": one.name}, float(one.good))
        for one in store.trackers.values()
        if one.good is not None
    )
    yield Family("hatui_tracker_good", "gauge", "Result of a tracker: 1 good, 0 bad", trackers)
    runs = tuple(
        ({"kind": one.kind, "name": one.name}, one.duration / NS) for one in store.trackers.values() if one.last_run
    )
    yield Family("hatui_tracker_duration_seconds", "gauge", "How long its last run took", runs)
    counts: dict[tuple[str, str], int] = {}
    for problem in problems(store, now):
        key = (problem.code, problem.instance)
        counts[key] = counts.get(key, 0) + 1
    found = tuple(({"code": code, "iname": name}, float(count)) for (code, name), count in counts.items())
    yield Family("hatui_problems", "gauge", "Problems, as `hatui status` lists them", found)
