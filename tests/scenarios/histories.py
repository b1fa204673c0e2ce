"""Random histories: 2 to 5 routers live through starts, losses, partitions, crashes and commands, then the
network is made whole and must come to one master for each virtual router.

One seed is one history: the shape of the LAN, the configurations and everything that happens come from it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

import msgspec

from engine import messages as m
from engine.config.model import NS_PER_S, Config
from engine.simulation import Host, Lan, Span
from tests.scenarios.octets import advert
from tests.scenarios.shapes import SEGMENTS, make_config, make_instances, shape_of

MS = 1_000_000
HAND_OVER_AT_MOST = 3 * NS_PER_S
"""ns that a hand-over takes beyond one interval, when nobody or somebody answers; both are masters meanwhile."""
ACTIONS: tuple[tuple[str, int], ...] = (
    ("start", 6),
    ("power-cut", 4),
    ("power-on", 6),
    ("stop", 3),
    ("kill", 2),
    ("respawn", 2),
    ("stall", 2),
    ("resume", 4),
    ("link-down", 2),
    ("link-up", 3),
    ("partition", 3),
    ("heal", 3),
    ("cut", 2),
    ("loss", 3),
    ("noise", 2),
    ("step-down", 4),
    ("take-over", 2),
    ("release", 3),
    ("script", 5),
    ("reload", 3),
    ("remove", 2),
    ("foreign-removal", 2),
    ("junk", 3),
)


def instances_of(host: Host) -> list[m.InstanceStatus]:
    """The statuses of a host's instances; none where no engine runs."""
    statuses = host.router.statuses() if host.router is not None else []
    return [one for one in statuses if isinstance(one, m.InstanceStatus)]


class History:
    """One history. `play()` lives it; `problems` then says what was wrong."""

    def __init__(self, seed: int) -> None:
        self.shape = shape_of(seed)
        self.lan = Lan(seed + 1)
        self.chance = self.shape.random
        self.problems: list[str] = []
        self.settled_from = 0
        self.whole: dict[str, Config] = {}
        """The configurations of hosts that have lost an instance by a reload."""
        shape, chance = self.shape, self.chance
        priorities = chance.sample(range(1, 255), shape.hosts)
        if shape.equal:
            priorities = [chance.choice((1, 100, 254))] * shape.hosts
        for number in range(shape.hosts):
            instances = make_instances(shape, number, priorities)
            ports = {
                port: (f"10.0.{net}.{number + 1}/24", f"fe80::{net + 1:x}:{number + 1:x}/64")
                for net, port in enumerate(shape.ports)
            }
            host = self.lan.add("abcde"[number], make_config(shape, instances), ports, SEGMENTS)
            host.lateness = chance.choice((0, 0, 1 * MS))
            host.address_cost = chance.choice((0, 0, 300_000))
        self.lan.delay = chance.choice(((100_000, 100_000), (20_000, min(2 * MS, shape.interval // 10))))

    # -- living it -----------------------------------------------------------------------------

    def play(self) -> None:
        """Random life, then a whole network, then the judgement."""
        names = [name for name, weight in ACTIONS for _ in range(weight)]
        shape, chance = self.shape, self.chance
        for host in self.hosts():
            if chance.random() < 0.7:
                self.lan.after(chance.randrange(4 * shape.interval), self._act, "start", host.name)
        moment = 0
        for _ in range(chance.choice((3, 6, 12, 30))):
            moment += chance.choice((shape.interval // 7, shape.interval, 3 * shape.interval, 6 * shape.interval))
            moment += chance.randrange(shape.interval)
            self.lan.after(moment, self._act, chance.choice(names), chance.choice("abcde"[: shape.hosts]))
        self.lan.run_until(max(moment, 4 * shape.interval) + chance.randrange(2 * shape.interval))
        self._make_whole()
        self._judge()

    def hosts(self) -> list[Host]:
        """All hosts."""
        return list(self.lan.hosts.values())

    def _act(self, name: str, who: str) -> None:
        host = self.lan.hosts[who]
        action: Callable[[Host], None] = getattr(self, "_" + name.replace("-", "_"))
        self.shape.actions.append((self.lan.now, name, who))
        action(host)

    def _start(self, host: Host) -> None:
        if host.powered and not host.running:
            host.start()

    def _power_cut(self, host: Host) -> None:
        if host.powered:
            host.power_cut()

    def _power_on(self, host: Host) -> None:
        if not host.powered:
            host.power_on()

    def _stop(self, host: Host) -> None:
        if host.running:
            host.stop()

    def _kill(self, host: Host) -> None:
        if host.running:
            host.kill()

    def _respawn(self, host: Host) -> None:
        if host.running and not host.stalled:
            host.respawn()

    def _stall(self, host: Host) -> None:
        if host.running and not host.stalled:
            host.stall()

    def _resume(self, host: Host) -> None:
        if host.stalled:
            host.resume()

    def _link_down(self, host: Host) -> None:
        port = self.chance.choice(self.shape.ports)
        if host.powered and host.ports[port].up:
            host.link_down(port)

    def _link_up(self, host: Host) -> None:
        port = self.chance.choice(self.shape.ports)
        if host.powered and not host.ports[port].up:
            host.link_up(port)

    def _partition(self, host: Host) -> None:
        names = list(self.lan.hosts)
        self.chance.shuffle(names)
        middle = self.chance.randrange(1, len(names))
        self.lan.partition(set(names[:middle]), set(names[middle:]))

    def _heal(self, host: Host) -> None:
        self.lan.heal()

    def _cut(self, host: Host) -> None:
        other = self.chance.choice([one for one in self.lan.hosts if one != host.name])
        self.lan.cut(host.name, other)

    def _loss(self, host: Host) -> None:
        self.lan.loss = self.chance.choice((0.0, 0.05, 0.3, 0.8))

    def _noise(self, host: Host) -> None:
        self.lan.corruption = self.chance.choice((0.0, 0.2, 1.0))
        self.lan.duplication = self.chance.choice((0.0, 0.5))
        self.lan.reflect = self.chance.random() < 0.3

    def _step_down(self, host: Host) -> None:
        if host.running:
            host.failover(self.chance.choice(host.config.instances).name, "step-down")

    def _take_over(self, host: Host) -> None:
        if host.running:
            host.failover(self.chance.choice(host.config.instances).name, "take-over")

    def _release(self, host: Host) -> None:
        if host.running:
            host.release(self.chance.choice(host.config.instances).name)

    def _script(self, host: Host) -> None:
        if host.running and self.shape.weights:
            host.script(f"s{self.chance.randrange(len(self.shape.weights))}", self.chance.choice((0, 1, -15, -1000)))

    def _reload(self, host: Host) -> None:
        priorities = self.chance.sample(range(1, 255), self.shape.hosts)
        made = make_config(self.shape, make_instances(self.shape, "abcde".index(host.name), priorities))
        self.whole.pop(host.name, None)
        if host.running:
            host.reload(made)
        else:
            host.config = made

    def _remove(self, host: Host) -> None:
        """A reload without the last instance, or with it again."""
        if not host.running or self.shape.vrids < 2:
            return
        whole = self.whole.pop(host.name, None)
        if whole is None:
            self.whole[host.name] = whole = host.config
            host.reload(msgspec.structs.replace(whole, instances=whole.instances[:-1]))
        else:
            host.reload(whole)

    def _foreign_removal(self, host: Host) -> None:
        addresses = [one.address for each in host.config.instances for one in each.addresses if host.holds(one.address)]
        if addresses:
            host.remove_address(self.chance.choice(addresses))

    def _junk(self, host: Host) -> None:
        chance = self.chance
        for number in range(chance.randrange(1, 60)):
            datagram = advert(
                vrid=chance.choice((50, 51, 52)),
                version=chance.choice((2, 3, self.shape.version)),
                priority=chance.choice((0, 255, 200)),
                checksum=chance.choice((0, 0x1234)),
                source="10.0.0.66",
            )
            if chance.random() < 0.3:
                octets = bytes(chance.randrange(256) for _ in range(chance.randrange(80)))
                datagram = m.DatagramReceived(interface="eth0", family=4, data=octets)
            self.lan.after(number * self.shape.interval // 20, self.lan.inject, host, "eth0", datagram)

    # -- the end -------------------------------------------------------------------------------

    def _make_whole(self) -> None:
        """Nothing is broken any more; machines without power stay so, dead engines on live machines start."""
        self.lan.reflect = False
        self.lan.heal()
        for host in self.hosts():
            if host.stalled:
                host.resume()
            if host.name in self.whole:
                if host.running:
                    host.reload(self.whole[host.name])
                else:
                    host.config = self.whole[host.name]
            for port in host.ports.values():
                if host.powered and not port.up:
                    host.link_up(port.name)
            if (
                host.powered
                and not host.running
                and any(host.holds(one.address) for each in host.config.instances for one in each.addresses)
            ):
                host.start()
        for host in self.hosts():
            for index in range(len(self.shape.weights)):
                host.give(m.ScriptFinished(name=f"s{index}", exit_status=self.chance.choice((0, 0, 0, 1))))
        if not any(host.running for host in self.hosts()):
            first = self.chance.choice(self.hosts())
            (first.start if first.powered else first.power_on)()
            for index in range(len(self.shape.weights)):
                first.give(m.ScriptFinished(name=f"s{index}", exit_status=0))
        self.settled_from = self.lan.now

    def bound(self) -> int:
        """ns: the longest master-down interval of a living router, one advert, and the way."""
        longest = 0
        for host in self.hosts():
            for one in instances_of(host):  # a host that stops may have lost one by a reload before
                longest = max(longest, one.master_down_interval)
        slack = self.lan.delay[1] * 2 + 5 * MS
        return longest + self.shape.slowest + self.shape.startup_delay + slack

    def _judge(self) -> None:
        lan = self.lan
        bound = max(self.bound(), 4 * self.shape.slowest)
        if any(one.timer == "hand-over" for host in self.hosts() for one in instances_of(host)):
            bound += HAND_OVER_AT_MOST + self.shape.interval
        lan.run_until(self.settled_from + bound)
        self._let_a_change_end()
        self._one_master("after the settling time")
        calm = lan.now
        lan.run_until(calm + 3 * self.shape.slowest)
        self._let_a_change_end()
        self._one_master("three adverts later")
        for key in lan.masters.keys():  # noqa: SIM118 - not a dict
            self._doubles(f"VRID {key}", lan.masters.doubled(key, calm, lan.now))
        self.problems += lan.violations

    def _let_a_change_end(self) -> None:
        """A master may be changing at this very moment: by preempt_delay, long after the network is whole."""
        books = (self.lan.masters, self.lan.owners)
        if any(len(book.holders(key)) > 1 for book in books for key in book.keys()):  # noqa: SIM118 - not a dict
            self.lan.run_until(self.lan.now + self._change())

    def _change(self) -> int:
        """ns that a change of master takes at most: advert, answer, and the kernel's work."""
        return 2 * self.lan.delay[1] + 5 * MS

    def _doubles(self, what: str, spans: list[Span]) -> None:
        for span in spans:
            if span.length > self._change():
                self.problems.append(f"{what} has two masters: {span}")

    def _one_master(self, when: str) -> None:
        running = [host for host in self.hosts() if host.running]
        for number in range(self.shape.vrids):
            name = f"VI_{number + 1}"
            states = {host.name: host.status(name) for host in running}
            able = [one for one, status in states.items() if status.state is not m.State.FAULT]
            masters = [one for one, status in states.items() if status.state is m.State.MASTER]
            known = ", ".join(f"{one} {status.state} {status.priority}" for one, status in states.items())
            if len(masters) != min(len(able), 1):
                self.problems.append(f"{name} has {len(masters)} masters {when}: {known}")
                continue
            if not masters:
                continue
            for host in self.hosts():
                for address in {one.address for one in host.config.instances[number].addresses}:
                    if host.holds(address) != (host.name == masters[0]):
                        word = "holds" if host.holds(address) else "lacks"
                        self.problems.append(f"{name}: {host.name} {word} {address} {when}, master is {masters[0]}")
            best = max(states[one].priority for one in able)
            plain = self.shape.preempt and not self.shape.preempt_delay
            if plain and not self.shape.sync and states[masters[0]].priority < best:
                self.problems.append(f"{name}: master is {masters[0]}, though a better one lives {when}: {known}")

    def report(self, kinds: tuple[str, ...] = ()) -> str:
        """What a person needs who has to find the fault."""
        lines = [str(self.shape)]
        for host in self.hosts():
            priorities = ", ".join(f"{one.name} {one.priority}" for one in host.config.instances)
            lines.append(f"  {host.name}: {priorities}")
        lines.append(self.lan.text(*kinds).rstrip())
        lines.append(f"whole since {self.settled_from / NS_PER_S:.3f}, judged at {self.lan.now / NS_PER_S:.3f}")
        lines += self.problems or ["no problem"]
        lines.append(f"replay: python -m tests.scenarios.replay {self.shape.seed}")
        return "\n".join(lines) + "\n"


def play(seed: int) -> History:
    """The whole history of a seed."""
    history = History(seed)
    try:
        history.play()
    except Exception:  # whatever it is, its seed has to be said
        history.problems.append(traceback.format_exc())
    return history
