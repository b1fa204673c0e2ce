"""A LAN of Routers in simulated time: what is tested is what is shown.

    lan = Lan(seed=7)
    a = lan.add("a", config_a, {"eth0": ("10.0.0.1/24",)})
    b = lan.add("b", config_b, {"eth0": ("10.0.0.2/24",)})
    a.start(); b.start(); lan.run(5)
    a.power_cut(); lan.run(4)
    print(lan.timeline())

lan.py        time, the hosts, the wires between them (loss, delay, partition, one-way cuts, junk)
host.py       one machine: its kernel (interfaces, addresses, routes) and the Router that runs on it
ownership.py  who held each address when, who was master when, what a client saw
timeline.py   the plain text

The package is pure: the one clock is `Lan.now`, the one source of chance is `Lan.random`, seeded.
Equal calls with an equal seed give an equal history, octet for octet.
"""

from __future__ import annotations

from engine.simulation.host import Host, Port, SimulationStuck
from engine.simulation.lan import Lan
from engine.simulation.ownership import Ownership, Span
from engine.simulation.timeline import BRIEF, Entry, Timeline, seconds

__all__ = ["BRIEF", "Entry", "Host", "Lan", "Ownership", "Port", "SimulationStuck", "Span", "Timeline", "seconds"]
