"""The tour of `hatui demo` on the simulation: real Routers, simulated hosts, wires and time.

Invariant: every page of it says SIMULATION; nothing is sent, nothing on this machine changes, and the
figures are what the simulated client sees, not measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.config.build import load
from engine.config.files import files_of
from engine.config.model import Config
from engine.errors import HatuiError
from engine.simulation import Host, Lan

SERVICE_ADDRESS = "10.211.55.50"
EVERY_MS = 2.0


def run(say: Callable[[str], None], samples: Path) -> int:
    """Play it with the pair of files in `samples`. Returns the exit status: 1 when the address was elsewhere."""
    say("SIMULATION: no real host, no real packet; simulated time. Real Routers decide.")
    lan = Lan(seed=1)
    a = lan.add("serverA", sample(samples.joinpath("serverA.conf").read_text()), {"eth0": ("10.211.55.22/24",)})
    b = lan.add("serverB", sample(samples.joinpath("serverB.conf").read_text()), {"eth0": ("10.211.55.23/24",)})
    wrong: list[str] = []

    def step(text: str, owner: Host, seconds: float) -> None:
        since = lan.now
        lan.run(seconds)
        lost = lan.lost_pings(SERVICE_ADDRESS, EVERY_MS, since / 1e9)
        outage = lan.outage(SERVICE_ADDRESS, since / 1e9)
        say("")
        say(f"{since / 1e9:8.3f} s  {text}")
        for entry in lan.timeline.text(since=since).splitlines():
            say(f"            {entry}")
        say(f"            SIMULATION: {lost} pings of one every 2 ms lost, outage {outage:.3f} s")
        if not owner.holds(SERVICE_ADDRESS):
            wrong.append(f"{text}: {SERVICE_ADDRESS} is not on {owner.name}")

    b.start()
    a.start()
    step("both engines start", a, 12)
    a.failover("VI_1")
    step("planned move: hatui failover VI_1 --step-down", b, 5)
    a.release("VI_1")
    step("and back: hatui release VI_1", a, 5)
    a.power_cut()
    step("power cut of serverA", b, 6)
    a.power_on()
    step("power for serverA again", a, 6)
    say("")
    for text in wrong:
        say(f"FAILED: {text}")
    say("SIMULATION ended" + ("" if wrong else ": the address was where it should be after each step"))
    return 1 if wrong else 0


def sample(text: str, texts: Mapping[str, str] | None = None) -> Config:
    """The model of a sample configuration. Raises: HatuiError when it cannot run."""
    loaded = load("/sample.conf", *files_of({"/sample.conf": text, **(texts or {})}))
    if loaded.config is None:
        raise HatuiError(f"the sample cannot run: {'; '.join(map(str, loaded.diagnostics))}")
    return loaded.config
