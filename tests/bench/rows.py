"""One function per row of the budget table. Each takes the kind of engine and returns its figure.

A row runs its two kinds in turn on freshly made hosts; what it returns is a plain number in the row's unit.
"""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from hatui.lab import Host, Program, wait_for
from tests.bench import console
from tests.bench.plants import (
    KINDS,
    Recorder,
    config,
    cpu_seconds,
    family,
    pss_mib,
    service_addresses,
    start,
    two_hosts,
)

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
INSTANCES = 250


@dataclass(frozen=True)
class Row:
    """One budget: `measure(kind)` gives the figure, `bound(keepalived's figure)` the most that hatui may need."""

    key: str
    title: str
    unit: str
    measure: Callable[[str], float]
    bound: Callable[[float], float]
    budget: str
    """The budget in words."""
    kinds: tuple[str, ...] = KINDS
    """Which of the two have it."""


def wait_for_addresses(host: Host, count: int, timeout_s: float = 60) -> None:
    wait_for(lambda: len(service_addresses(host)) == count, timeout_s, f"{count} addresses", every_s=0.2)


def planned_stop(kind: str, backup: str) -> float:
    """Pings lost (one every 2 ms) when the master is stopped with SIGTERM."""
    with two_hosts() as (lab, a, b, client):
        start(backup, b, config(50))
        master = start(kind, a, config(100))
        wait_for_addresses(a, 1)
        time.sleep(1.5)
        client.ip("route add 10.212.0.0/16 dev eth0")
        for host in (a, b):
            host.ip("route add 10.212.0.0/16 dev eth0")
        pinger = lab.pinger(client, "10.212.1.1")
        pinger.wait_for_owner("serverA")
        since = time.monotonic_ns()
        master.send_signal(signal.SIGTERM)
        wait_for_addresses(b, 1, 10)
        pinger.wait_for_owner("serverB")
        time.sleep(0.5)
        report = pinger.report(since=since)
        pinger.stop()
        return report.lost


def power_loss(kind: str, interval_s: float, rounds: int = 9) -> float:
    """The longest time, ms, from the last advert of a master to the first of its backup, over some power cuts."""
    times = []
    with two_hosts() as (lab, a, b, _):
        start(kind, b, config(100, interval_s=interval_s, version=3))
        for _ in range(rounds):
            start(kind, a, config(200, interval_s=interval_s, version=3))
            wait_for_addresses(a, 1)
            wait_for(lambda: not service_addresses(b), 10, "the backup to yield")
            recorder = Recorder(b, "adverts", "eth0")
            time.sleep(max(0.5, 5 * interval_s))
            lab.power_off(a)
            wait_for_addresses(b, 1, 10)
            adverts = recorder.adverts()
            recorder.stop()
            last = max(one.at for one in adverts if not one.sent)
            first = min(one.at for one in adverts if one.sent and one.at > last)
            times.append((first - last) / NS_PER_MS)
            lab.power_on(a)
    return max(times)


def processor(kind: str, interval_s: float, window_s: float = 20) -> float:
    """Per cent of one core of sender plus receiver, all processes, at 250 instances."""
    percent, _ = processor_and_doubles(kind, interval_s, window_s)
    return percent


def processor_and_doubles(kind: str, interval_s: float, window_s: float = 20) -> tuple[float, int]:
    """The same, and how many addresses were seen on both hosts meanwhile."""
    with two_hosts() as (_, a, b, _):
        receiver = start(kind, b, config(100, instances=INSTANCES, interval_s=interval_s, version=3))
        sender = start(kind, a, config(200, instances=INSTANCES, interval_s=interval_s, version=3))
        wait_for_addresses(a, INSTANCES)
        time.sleep(8)
        pids = family(sender.pid) + family(receiver.pid)
        before, at = cpu_seconds(pids), time.monotonic()
        doubled: set[str] = set()
        while time.monotonic() - at < window_s:
            time.sleep(window_s / 8)
            doubled |= service_addresses(a) & service_addresses(b)
        return 100 * (cpu_seconds(pids) - before) / (time.monotonic() - at), len(doubled)


def doubles(kind: str, interval_s: float) -> float:
    """Addresses seen on both hosts within the window."""
    return processor_and_doubles(kind, interval_s)[1]


def mass_move(kind: str) -> float:
    """Seconds from the first to the last of 1,000 addresses (250 x 4) that B adds after A's power is cut."""
    with two_hosts() as (lab, a, b, _):
        start(kind, b, config(100, instances=INSTANCES, addresses=4))
        start(kind, a, config(200, instances=INSTANCES, addresses=4))
        wait_for_addresses(a, 4 * INSTANCES, 90)
        wait_for(lambda: not service_addresses(b), 30, "the backup to yield", every_s=0.5)
        time.sleep(3)
        recorder = Recorder(b, "addresses")
        lab.power_off(a)
        wait_for(lambda: len(recorder.new_addresses()) >= 4 * INSTANCES, 60, "1,000 addresses", every_s=0.5)
        instants = recorder.new_addresses()
        return (max(instants) - min(instants)) / NS_PER_S


def mass_start(kind: str) -> float:
    """Seconds from the first to the last of 1,000 addresses (250 x 4) that come up at start."""
    with two_hosts() as (_, a, _, _):
        recorder = Recorder(a, "addresses")
        start(kind, a, config(200, instances=INSTANCES, addresses=4))
        wait_for(lambda: len(recorder.new_addresses()) >= 4 * INSTANCES, 60, "1,000 addresses", every_s=0.5)
        instants = recorder.new_addresses()
        return (max(instants) - min(instants)) / NS_PER_S


def reload_silence(kind: str) -> float:
    """The longest silence, ms, of any of 250 instances at 100 ms around a reload with one priority changed."""
    with two_hosts() as (_, a, b, _):
        text = config(200, instances=INSTANCES, interval_s=0.1, version=3)
        engine = start(kind, a, text)
        wait_for_addresses(a, INSTANCES)
        time.sleep(3)
        recorder = Recorder(b, "adverts", "eth0")
        time.sleep(2)
        path = next(path for path in (a.root / "engine.conf", a.root / "keepalived.conf") if path.exists())
        path.write_text(text.replace("priority 200", "priority 201", 1))
        engine.send_signal(signal.SIGHUP)
        time.sleep(5)
        instants: dict[int, list[int]] = {}
        for one in recorder.adverts():
            instants.setdefault(one.vrid, []).append(one.at)
        assert len(instants) == INSTANCES
        return max(later - earlier for each in instants.values() for earlier, later in pairwise(each)) / NS_PER_MS


def first_advert(kind: str, rounds: int = 5) -> float:
    """Milliseconds from starting the program to its first advert, as owner (median)."""
    times = []
    for _ in range(rounds):
        with two_hosts() as (_, a, b, _):
            recorder = Recorder(b, "adverts", "eth0")
            time.sleep(0.3)
            text = config(255).replace("    state BACKUP\n", "")
            at = time.time_ns()
            start(kind, a, text)
            wait_for(recorder.adverts, 10, "an advert")
            times.append((recorder.adverts()[0].at - at) / NS_PER_MS)
    return statistics.median(times)


def memory(kind: str) -> float:
    """MiB (PSS) of all processes of a master of 250 instances."""
    with two_hosts() as (_, a, _, _):
        engine: Program = start(kind, a, config(200, instances=INSTANCES))
        wait_for_addresses(a, INSTANCES)
        time.sleep(3)
        return pss_mib(family(engine.pid))


def ours(key: str, title: str, unit: str, measure: Callable[[], float], most: float, budget: str) -> Row:
    """A budget that keepalived has no match for."""
    return Row(key, title, unit, lambda _: measure(), lambda _: most, budget, ("hatui",))


ROWS = (
    Row("planned-stop", "planned stop, pings lost, hatui backup", "pings", lambda k: planned_stop(k, "hatui"),
        lambda _: 1, "<= 1"),
    Row("planned-stop-ka", "planned stop, pings lost, keepalived backup", "pings",
        lambda k: planned_stop(k, "keepalived"), lambda _: 1, "<= 1"),
    Row("power-loss-10ms", "power loss, v3, 10 ms adverts, worst", "ms", lambda k: power_loss(k, 0.01),
        lambda ka: ka + 5, "<= keepalived + 5 ms"),
    Row("power-loss-100ms", "power loss, v3, 100 ms adverts, worst", "ms", lambda k: power_loss(k, 0.1),
        lambda ka: ka + 5, "<= keepalived + 5 ms"),
    Row("cpu-10", "CPU sender + receiver, 250 x 10/s", "% core", lambda k: processor(k, 0.1),
        lambda ka: ka, "<= 1.0 x"),
    Row("cpu-50", "CPU sender + receiver, 250 x 50/s", "% core", lambda k: processor(k, 0.02),
        lambda ka: 0.8 * ka, "<= 0.8 x"),
    Row("double-50", "addresses doubly owned at 250 x 50/s", "", lambda k: doubles(k, 0.02),
        lambda _: 0, "none"),
    Row("mass-move", "1,000 addresses move at power loss", "s", mass_move, lambda _: 1.2, "<= 1.2 s"),
    Row("mass-start", "1,000 addresses come up at start", "s", mass_start, lambda _: 1.2, "<= 1.2 s"),
    Row("reload", "reload of 250 at 100 ms, longest silence", "ms", reload_silence, lambda _: 120, "<= 120 ms"),
    Row("first-advert", "first advert after start (owner)", "ms", first_advert, lambda _: 350, "<= 350 ms"),
    Row("memory", "memory (PSS), 250 instances, all processes", "MiB", memory, lambda _: 64, "<= 64 MiB"),
    ours("console-start", "console: start to first full frame", "s", console.start, 0.6, "<= 0.6 s"),
    ours("console-key", "console: key to paint, p95, 500 adverts/s", "ms", console.key_to_paint, 50, "<= 50 ms"),
    ours("console-many", "console: the same, 250 instances, 100k events", "ms", console.many, 50, "<= 50 ms"),
    ours("console-cpu", "console: CPU, 500 adverts/s", "% core", lambda: console.processor(busy=True), 10, "<= 10 %"),
    ours("console-cpu-idle", "console: CPU, 1 advert/s", "% core", lambda: console.processor(busy=False), 1, "<= 1 %"),
    ours("console-out", "console: to the terminal, 500 adverts/s", "KiB/s", lambda: console.traffic(busy=True), 20,
         "< 20 KiB/s"),
    ours("console-out-idle", "console: to the terminal, 1 advert/s", "KiB/s", lambda: console.traffic(busy=False), 2,
         "< 2 KiB/s"),
    ours("console-memory", "console: growth in 90 s with a full ring", "MiB", console.memory_growth, 1, "<= 1 MiB"),
)  # fmt: skip
