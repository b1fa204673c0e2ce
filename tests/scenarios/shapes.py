"""The shapes of random LANs: how many hosts, which version, family, interval, policies, all from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from engine.config.model import NS_PER_S, Authentication, Config, Globals, Instance, UnicastPeer
from tests.scenarios.build import config, group, instance, script

MS = 1_000_000
INTERVALS_V3 = (10 * MS, 100 * MS, 250 * MS, NS_PER_S, 2 * NS_PER_S)
SEGMENTS = {"eth0": "lan", "eth1": "two"}


@dataclass
class Shape:
    """What the seed made of the LAN."""

    seed: int
    random: random.Random
    interval: int = NS_PER_S
    version: int = 2
    family: int = 4
    preempt: bool = True
    preempt_delay: int = 0
    sync: bool = False
    vrids: int = 1
    hosts: int = 2
    equal: bool = False
    weights: tuple[int, ...] = ()
    two_ports: bool = False
    """VI_2 lives on eth1 of another segment."""
    unicast: bool = False
    authentication: str = "none"
    slower: tuple[int, ...] = ()
    """v3: by host, how many times slower its own interval is."""
    owner: bool = False
    """The first host owns the address of VI_1."""
    startup_delay: int = 0
    other_version: int = 0
    """VI_2 speaks this version, at one second; 0: as VI_1."""
    extra: dict[str, Any] = field(default_factory=dict)
    actions: list[tuple[int, str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        words = [
            f"{self.hosts} hosts",
            f"v{self.version}",
            f"IPv{self.family}",
            f"{self.interval / NS_PER_S:g} s",
            f"{self.vrids} VRID{'s' if self.vrids > 1 else ''}",
        ]
        words += ["equal priorities"] if self.equal else []
        words += [] if self.preempt else ["nopreempt"]
        words += [f"preempt_delay {self.preempt_delay / NS_PER_S:g} s"] if self.preempt_delay else []
        words += ["sync group"] if self.sync else []
        words += ["two ports"] if self.two_ports else []
        words += ["unicast"] if self.unicast else []
        words += [self.authentication] if self.authentication != "none" else []
        words += [f"intervals x {self.slower}"] if self.slower else []
        words += ["owner"] if self.owner else []
        words += [f"VI_2 v{self.other_version}"] if self.other_version else []
        words += [f"startup delay {self.startup_delay / NS_PER_S:g} s"] if self.startup_delay else []
        words += [f"script weights {self.weights}"] if self.weights else []
        words += list(self.extra)
        return f"seed {self.seed}: " + ", ".join(words)

    @property
    def slowest(self) -> int:
        """ns: the longest interval that anybody sends."""
        return max(self.interval * max(self.slower, default=1), NS_PER_S if self.other_version else 0)

    @property
    def ports(self) -> tuple[str, ...]:
        """The interfaces of each host."""
        return ("eth0", "eth1") if self.two_ports else ("eth0",)

    def own_address(self, port: str, number: int) -> str:
        """The address of host `number` (from 0) that its adverts come from."""
        net = self.ports.index(port)
        return f"10.0.{net}.{number + 1}" if self.family == 4 else f"fe80::{net + 1:x}:{number + 1:x}"


def shape_of(seed: int) -> Shape:
    """The shape that a seed gives."""
    chance = random.Random(seed)
    shape = Shape(seed, chance)
    shape.family = chance.choice((4, 4, 4, 6))
    shape.version = 3 if shape.family == 6 else chance.choice((2, 2, 3))
    shape.interval = chance.choice(INTERVALS_V3) if shape.version == 3 else chance.choice((1, 1, 1, 2)) * NS_PER_S
    shape.hosts = chance.choice((2, 2, 3, 4, 5))
    shape.vrids = chance.choice((1, 1, 1, 2))
    shape.preempt = chance.random() < 0.75
    if shape.preempt and chance.random() < 0.15:
        shape.preempt_delay = chance.choice((1, 3, 10)) * shape.interval
    shape.sync = shape.vrids == 2 and chance.random() < 0.5
    shape.equal = not shape.sync and chance.random() < 0.2
    if not shape.sync and chance.random() < 0.4:
        shape.weights = tuple(chance.choice((-60, -10, 10, 60, 0)) for _ in range(chance.choice((1, 2))))
    shape.two_ports = shape.vrids == 2 and chance.random() < 0.5
    shape.unicast = chance.random() < 0.15
    if shape.version == 2:
        shape.authentication = chance.choice(("none", "none", "none", "pass", "ah"))
    elif chance.random() < 0.2:
        shape.slower = tuple(chance.choice((1, 1, 3)) for _ in range(shape.hosts))
    shape.owner = not shape.equal and not shape.sync and chance.random() < 0.1
    if chance.random() < 0.1:
        shape.startup_delay = chance.choice((1, 5)) * shape.interval
    if shape.vrids == 2 and shape.family == 4 and shape.authentication == "none" and chance.random() < 0.3:
        shape.other_version = 5 - shape.version
    if chance.random() < 0.2:
        shape.extra[chance.choice(("lower_prio_no_advert", "higher_prio_send_advert"))] = True
    return shape


def make_instances(shape: Shape, number: int, priorities: list[int]) -> tuple[Instance, ...]:
    """The instances of host `number` (from 0)."""
    made = []
    for vrid in range(shape.vrids):
        port = shape.ports[vrid % len(shape.ports)]
        if shape.family == 6:
            addresses = f"fe80::50:{vrid + 1}/128 2001:db8::50:{vrid + 1}/64"
        else:
            addresses = f"10.0.0.{50 + 2 * vrid}/24 10.0.0.{51 + 2 * vrid}/24"
        priority = priorities[number] if not vrid or shape.sync else priorities[-1 - number]
        if shape.owner and not vrid and not number:
            priority = 255
        interval = shape.interval * (shape.slower[number] if shape.slower else 1)
        other = vrid and shape.other_version
        peers = tuple(
            UnicastPeer(address=shape.own_address(port, other)) for other in range(shape.hosts) if other != number
        )
        made.append(
            instance(
                f"VI_{vrid + 1}",
                priority,
                interface=port,
                address=addresses,
                vrid=50 + vrid,
                version=shape.other_version if other else shape.version,
                advert_interval=NS_PER_S if other else interval,
                preempt=shape.preempt or priority == 255,
                preempt_delay=shape.preempt_delay,
                scripts=tuple((f"s{index}", weight) for index, weight in enumerate(shape.weights)),
                sync_group="G1" if shape.sync else "",
                unicast=shape.unicast,
                unicast_peers=peers if shape.unicast else (),
                authentication=Authentication(
                    kind=shape.authentication, key=b"" if shape.authentication == "none" else b"hatuikey"
                ),
                **shape.extra,
            )
        )
    return tuple(made)


def make_config(shape: Shape, instances: tuple[Instance, ...]) -> Config:
    """The configuration around the instances."""
    scripts = tuple(script(f"s{index}", rise=1 + index, fall=1 + index) for index in range(len(shape.weights)))
    groups = (group("G1", *(one.name for one in instances)),) if shape.sync else ()
    return config(*instances, scripts=scripts, groups=groups, globals=Globals(startup_delay=shape.startup_delay))
