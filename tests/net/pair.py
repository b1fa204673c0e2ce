"""Two hosts that share 10.211.55.50, a client that pings it, and a tap on the switch.

Invariant: the engines run the shipped samples, unchanged; what a test says about the address comes from the
client and from the kernels of the hosts, never from an engine's own word.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hatui.lab import (
    Engine,
    Host,
    Lab,
    Pinger,
    Program,
    WebServer,
    start_engine,
    start_keepalived,
    start_web_server,
)

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
SERVICE = "10.211.55.50"
NS_PER_S = 1_000_000_000
MASTER_DOWN_B = 3 + (256 - 50) / 256
"""Seconds that serverB (priority 50) waits for a silent master. Source: RFC 3768 6.1."""


@dataclass
class Pair:
    """serverA, serverB and the client, with what runs on them."""

    lab: Lab
    a: Host
    b: Host
    client: Host
    kinds: dict[str, str]
    """hatui or keepalived, by host name."""
    suffix: str = ""
    """Which sample pair: "", "-exit" or "-tracked"."""
    engines: dict[str, Engine | Program] = field(default_factory=dict)
    web: dict[str, WebServer] = field(default_factory=dict)

    def sample(self, host: Host) -> Path:
        return SAMPLES / f"{host.name}{self.suffix}.conf"

    def start(self, host: Host, config: str | Path | None = None) -> Engine | Program:
        """Start what the pair has planned for this host."""
        kind = self.kinds[host.name]
        run: Engine | Program
        chosen = config if config is not None else self.sample(host)
        run = start_engine(host, chosen) if kind == "hatui" else start_keepalived(host, chosen)
        self.engines[host.name] = run
        return run

    def engine(self, host: Host) -> Engine:
        """The hatui engine on a host."""
        found = self.engines[host.name]
        assert isinstance(found, Engine)
        return found

    def program(self, host: Host) -> Program:
        found = self.engines[host.name]
        return found.program if isinstance(found, Engine) else found

    def macs(self, kind: str) -> list[str]:
        """Source addresses of the frames that a kind of engine sends."""
        return [host.mac for host in (self.a, self.b) if self.kinds[host.name] == kind]


@contextmanager
def running_pair(lab: Lab, a: str, b: str, suffix: str = "", web: bool = False) -> Iterator[Pair]:
    """Both hosts up (with nginx if `web`), the engines started, the address on A. b="none": A is alone."""
    pair = Pair(
        lab,
        lab.add_host("serverA", "10.211.55.22/24"),
        lab.add_host("serverB", "10.211.55.23/24"),
        lab.add_host("client", "10.211.55.24/24"),
        {"serverA": a, "serverB": b},
        suffix,
    )
    if web:
        # Before the engines: the -exit sample ends an engine whose web server does not answer.
        pair.web = {host.name: start_web_server(host, nginx=True) for host in (pair.a, pair.b)}
    if b != "none":
        pair.start(pair.b)
    pair.start(pair.a)
    # B may have been alone for long enough to take the address first: A then preempts it.
    lab.wait_for_owner("serverA", 12)
    yield pair


def settled(pair: Pair) -> Pinger:
    """A pinger that has had its answers from A for a moment."""
    pinger = pair.lab.pinger(pair.client)
    pinger.wait_for_owner("serverA")
    return pinger


@contextmanager
def tapped(lab: Lab, file: Path) -> Iterator[None]:
    """Record every frame on the switch meanwhile."""
    with lab.tap(file):
        yield
