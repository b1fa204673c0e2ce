"""Short ways to say which hosts there are: configurations and LANs for stories and histories."""

from __future__ import annotations

from typing import Any

from engine.config.model import NS_PER_S, Address, Config, Instance, Script, SyncGroup, Track, Tracking
from engine.config.model import Command as Program
from engine.simulation import Host, Lan

VIP = "10.0.0.50"
MS = 1_000_000


def instance(name: str = "VI_1", priority: int = 100, *, address: str = f"{VIP}/24", **more: Any) -> Instance:
    """An instance; `address` may hold several separated by blanks; `scripts` are (name, weight) pairs."""
    addresses = tuple(
        Address(address=one.partition("/")[0], prefix=int(one.partition("/")[2] or 32)) for one in address.split()
    )
    family = 6 if addresses and addresses[0].family == 6 else 4
    defaults: dict[str, Any] = {
        "interface": "eth0",
        "vrid": 50,
        "family": family,
        "version": 3 if family == 6 else 2,
        "group_address": "ff02::12" if family == 6 else "224.0.0.18",
    }
    scripts = more.pop("scripts", ())
    if scripts:
        tracks = tuple(Track(name=script, weight=weight) for script, weight in scripts)
        more["tracking"] = Tracking(scripts=tracks, interfaces=more.pop("interfaces", ()))
    return Instance(name=name, priority=priority, addresses=addresses, **{**defaults, **more})


def config(*instances: Instance, **more: Any) -> Config:
    """A configuration; every script that an instance tracks is defined unless given."""
    wanted = {track.name for one in instances for track in one.tracking.scripts}
    given = {script.name: script for script in more.pop("scripts", ())}
    scripts = tuple(given.get(name, script(name)) for name in sorted(wanted | set(given)))
    groups = more.pop("groups", ())
    return Config(instances=instances, scripts=scripts, groups=groups, **more)


def script(name: str, rise: int = 1, fall: int = 1, **more: Any) -> Script:
    """A track script; its results come from the test."""
    return Script(
        name=name,
        command=Program(argv=(f"/bin/{name}",)),
        rise=rise,
        fall=fall,
        **{"interval": NS_PER_S, "timeout": NS_PER_S, **more},
    )


def group(name: str, *members: str, **more: Any) -> SyncGroup:
    """A sync group."""
    return SyncGroup(name=name, members=members, **more)


def host(lan: Lan, name: str, number: int, *instances: Instance, ports: int = 1, **more: Any) -> Host:
    """A host with eth0 10.0.0.NUMBER and fe80::NUMBER; with two ports, eth1 10.0.1.NUMBER on segment "two"."""
    interfaces = {"eth0": (f"10.0.0.{number}/24", f"fe80::{number:x}/64")}
    segments = {"eth0": "lan"}
    if ports > 1:
        interfaces["eth1"] = (f"10.0.1.{number}/24", f"fe80::1:{number:x}/64")
        segments["eth1"] = "two"
    return lan.add(name, config(*instances, **more), interfaces, segments)


def pair(priority_a: int = 100, priority_b: int = 50, *, seed: int = 0, **more: Any) -> tuple[Lan, Host, Host]:
    """Host a (10.0.0.1) and host b (10.0.0.2) with one instance each; nobody has started."""
    lan = Lan(seed)
    a = host(lan, "a", 1, instance(priority=priority_a, **more))
    b = host(lan, "b", 2, instance(priority=priority_b, **more))
    return lan, a, b


def settled(priority_a: int = 100, priority_b: int = 50, **more: Any) -> tuple[Lan, Host, Host]:
    """The pair 10 s after both have started: a is master when its priority is higher."""
    lan, a, b = pair(priority_a, priority_b, **more)
    a.start()
    b.start()
    lan.run_to(10)
    return lan, a, b
