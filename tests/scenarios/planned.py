"""Planned life: whatever operators do on purpose, one thing at a time and with a living backup, loses no ping.

Starts, stops, failovers both ways, releases, reloads with another priority, weighted scripts that turn: the
network is whole, nobody crashes. From the first master on the client is always answered.
"""

from __future__ import annotations

import random
import traceback

from engine import messages as m
from engine.config.model import NS_PER_S, Instance
from engine.simulation import Host, Lan
from tests.scenarios.build import VIP, config, host, instance, script

KINDS = ("start", "stop", "step-down", "take-over", "release", "reload", "script", "respawn", "announce", "stall")


class PlannedLife:
    """One seed, one life."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = chance = random.Random(seed)
        self.lan = Lan(seed)
        self.version = chance.choice((2, 3))
        self.interval = NS_PER_S if self.version == 2 else chance.choice((100, 500, 1000)) * 1_000_000
        self.preempt = chance.random() < 0.7
        self.count = chance.choice((2, 3, 5))
        self.problems: list[str] = []
        priorities = chance.sample(range(1, 255), self.count)
        if chance.random() < 0.2:
            priorities = [100] * self.count
        for number, priority in enumerate(priorities, 1):
            one = host(self.lan, "abcde"[number - 1], number, self._instance(priority), scripts=(script("s"),))
            one.lateness = chance.choice((0, 1_000_000))
            one.address_cost = 300_000

    def _instance(self, priority: int) -> Instance:
        return instance(
            priority=priority,
            version=self.version,
            advert_interval=self.interval,
            preempt=self.preempt,
            scripts=(("s", -40),),
        )

    def alive(self) -> list[Host]:
        """Hosts whose engine runs."""
        return [one for one in self.lan.hosts.values() if one.running]

    def play(self) -> None:
        """At least two live at any time; between two actions there is time to settle."""
        chance, lan = self.chance, self.lan
        hosts = list(lan.hosts.values())
        for one in chance.sample(hosts, chance.randrange(2, len(hosts) + 1)):
            one.start()
        pause = 5 * max(self.interval, NS_PER_S if self.version == 2 else 0) + NS_PER_S
        lan.run_until(lan.now + pause)
        begin = lan.now
        for _ in range(12):
            self._act(chance.choice(KINDS), chance.choice(hosts))
            lan.run_until(lan.now + pause + chance.randrange(self.interval))
            holders = lan.owners.holders(VIP)
            if len(holders) != 1:
                self.problems.append(f"{lan.now / NS_PER_S:.3f}: held by {holders}")
        for span in lan.outages(VIP, begin / NS_PER_S):
            if span.length > self._allowed(span.start):
                self.problems.append(f"nobody answers: {span}")
        self.problems += lan.violations

    def _allowed(self, start: int) -> int:
        """ns: who rises puts its address in place after its advert. When one rises beside another master, its
        announcement may be the last; the other's next one puts the client right."""
        changes = [
            (one.name, event.new)
            for one in self.lan.hosts.values()
            for at, event in one.events
            if isinstance(event, m.StateChanged) and abs(at - start) < 10_000_000
        ]
        rose = {name for name, state in changes if state is m.State.MASTER}
        fell = {name for name, state in changes if state is m.State.BACKUP}
        return 150_000_000 if len(rose) > 1 or rose & fell else 1_000_000

    def _act(self, kind: str, who: Host) -> None:
        if kind == "start" and not who.running:
            who.start()
        elif not who.running:
            return
        elif kind == "stop" and len(self.alive()) > 2:
            who.stop()
        elif kind in ("step-down", "take-over"):
            who.failover("VI_1", kind)
        elif kind == "release":
            who.release("VI_1")
        elif kind == "reload":
            who.reload(config(self._instance(self.chance.randrange(1, 255)), scripts=(script("s"),)))
        elif kind == "script":
            who.script("s", self.chance.randrange(2))
        elif kind == "respawn":
            who.respawn()
        elif kind == "announce":
            who.announce()
        elif kind == "stall":
            who.stall()
            self.lan.after(self.chance.randrange(5 * self.interval), who.resume)

    def report(self) -> str:
        """The story."""
        head = f"planned life {self.seed}: {self.count} hosts, v{self.version}, {self.interval / NS_PER_S:g} s"
        states = ", ".join(f"{one.name} {one.state('VI_1')} {one.status('VI_1').priority}" for one in self.alive())
        told = self.lan.text("address", "announce", "note")
        return "\n".join((head + ("" if self.preempt else ", nopreempt"), told, states, *self.problems)) + "\n"


def planned(seed: int) -> PlannedLife:
    """The whole life of a seed."""
    life = PlannedLife(seed)
    try:
        life.play()
    except Exception:  # whatever it is, its seed has to be said
        life.problems.append(traceback.format_exc())
    return life
