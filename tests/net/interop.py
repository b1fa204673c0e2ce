"""One scripted life of two routers, for each kind of VRRP, with hatui and keepalived in either place.

Invariant: after each step exactly the expected host owns every service address, by the word of the kernels.
`make interop` prints who was master when; the tests run the same sequence.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hatui.lab import Engine, Host, Lab, Program, start_engine, start_keepalived, wait_for

MIXES = (("hatui", "keepalived"), ("keepalived", "hatui"))
FLAG = "/run/healthy"


@dataclass(frozen=True)
class Flavour:
    """One kind of VRRP: what stands in each instance besides name, priority and tracking."""

    name: str
    words: str
    addresses: tuple[str, ...] = ("10.211.55.50/32",)
    second: tuple[str, ...] = ()
    """Addresses of a second instance in the same sync group; none: no group."""
    interval_s: float = 1
    sources: bool = False
    """unicast_src_ip and unicast_peer."""
    nopreempt: bool = False


PASS = "authentication {\n auth_type PASS\n auth_pass 1111\n }"
FLAVOURS = (
    Flavour("v2", f"version 2\n{PASS}"),
    Flavour("v2-ah", "version 2\nauthentication {\n auth_type AH\n auth_pass 1111\n }"),
    Flavour("v2-unicast", f"version 2\n{PASS}", sources=True),
    Flavour("v2-nopreempt", f"version 2\n{PASS}", nopreempt=True),
    Flavour("v3", "version 3", interval_s=0.2),
    Flavour("v3-unicast", "version 3", interval_s=0.2, sources=True),
    Flavour("v3-ipv6", "version 3", ("fe80::50/64", "fd00:10:211:55::50/64"), interval_s=0.2),
    Flavour("v3-vmac", "version 3\nuse_vmac", interval_s=0.2),
    Flavour("v3-vmac-ipv6", "version 3\nuse_vmac", ("fe80::50/64", "fd00:10:211:55::50/64"), interval_s=0.2),
    Flavour("v3-sync-group", "version 3", interval_s=0.2, second=("fe80::51/64",)),
    Flavour("v3-nopreempt", "version 3", interval_s=0.2, nopreempt=True),
)


@dataclass
class Life:
    """The two hosts and what has happened so far."""

    lab: Lab
    flavour: Flavour
    a: Host
    b: Host
    kinds: dict[str, str]
    runs: dict[str, Program] = field(default_factory=dict)
    timeline: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def config(self, host: Host, priority: int) -> str:
        flavour = self.flavour
        own, peer = host.address.partition("/")[0], (self.b if host is self.a else self.a).address.partition("/")[0]
        unicast = f"unicast_src_ip {own}\nunicast_peer {{\n {peer}\n }}\n" if flavour.sources else ""
        nopreempt = "nopreempt\n" if flavour.nopreempt else ""
        blocks = []
        for number, addresses in enumerate((flavour.addresses, flavour.second), 1):
            if addresses:
                lines = "\n".join(addresses)
                # In a sync group weights count only if asked for: the same order on both nodes.
                track = "track_script {\n healthy\n }\n" if number == 1 and not flavour.second else ""
                blocks.append(
                    f"vrrp_instance VI_{number} {{\nstate BACKUP\ninterface eth0\nvirtual_router_id {49 + number}\n"
                    f"priority {priority}\nadvert_int {flavour.interval_s:g}\n{flavour.words}\n"
                    f"{unicast}{nopreempt}{track}"
                    f"virtual_ipaddress {{\n{lines}\n}}\n}}\n"
                )
        group = ""
        if flavour.second:
            group = (
                "vrrp_sync_group VG {\ngroup {\nVI_1\nVI_2\n}\nsync_group_tracking_weight\n"
                "track_script {\nhealthy\n}\n}\n"
            )
        return (
            "global_defs {\nscript_user root\nenable_script_security\n}\n"
            f'vrrp_script healthy {{\nscript "/usr/bin/test -e {FLAG}"\ninterval 1\nweight -40\n}}\n'
            + "".join(blocks)
            + group
        )

    def start(self, host: Host, priority: int) -> None:
        host.run(["touch", FLAG])
        text = self.config(host, priority)
        if self.kinds[host.name] == "keepalived":
            self.runs[host.name] = start_keepalived(host, text)
        else:
            run = start_engine(host, text)
            assert isinstance(run, Engine)
            self.runs[host.name] = run.program

    def reload(self, host: Host, priority: int) -> None:
        name = "keepalived.conf" if self.kinds[host.name] == "keepalived" else "engine.conf"
        (host.root / name).write_text(self.config(host, priority))
        self.runs[host.name].send_signal(signal.SIGHUP)

    def addresses(self) -> list[str]:
        return [one.partition("/")[0] for one in self.flavour.addresses + self.flavour.second]

    def master_is(self, host: Host, after: str, timeout_s: float = 15) -> None:
        """Wait until `host` alone owns all addresses; write it down."""

        def settled() -> bool:
            return all(self.lab.owners(address) == [host.name] for address in self.addresses())

        try:
            wait_for(settled, timeout_s, "", every_s=0.05)
        except Exception:
            owners = {address: self.lab.owners(address) for address in self.addresses()}
            logs = [
                "\n".join([f"{name} said last:", *run.output.splitlines()[-25:]]) for name, run in self.runs.items()
            ]
            text = "\n".join([*self.timeline, f"after {after!r}: {host.name} expected, found {owners}", *logs])
            raise AssertionError(text) from None
        at = time.monotonic() - self.began
        self.timeline.append(f"{at:7.2f}  {after:34} {self.kinds[host.name]:10} on {host.name} is master")


def sequence(life: Life) -> None:
    """Start, stop, crash, priority, tracker, link, and back each time (or not, with nopreempt)."""
    a, b, lab = life.a, life.b, life.lab
    life.start(b, 90)
    life.master_is(b, "serverB starts alone")
    life.start(a, 100)
    if life.flavour.nopreempt:
        time.sleep(4.5 * life.flavour.interval_s)
        life.master_is(b, "serverA starts, does not preempt")
        life.runs["serverB"].send_signal(signal.SIGTERM)
        life.master_is(a, "serverB stops")
        life.runs["serverB"].wait(15)
        life.start(b, 90)
        time.sleep(4.5 * life.flavour.interval_s)
        life.master_is(a, "serverB starts, is lower")
        lab.power_off(a)
        life.master_is(b, "serverA loses power")
        return
    life.master_is(a, "serverA starts, preempts")
    life.runs["serverA"].send_signal(signal.SIGTERM)
    life.master_is(b, "serverA stops")
    life.runs["serverA"].wait(15)
    life.start(a, 100)
    life.master_is(a, "serverA starts again")
    lab.power_off(a)
    life.master_is(b, "serverA loses power")
    lab.power_on(a)
    life.start(a, 100)
    life.master_is(a, "serverA has power again")
    life.reload(a, 80)
    life.master_is(b, "serverA reloads: priority 80")
    life.reload(a, 100)
    life.master_is(a, "serverA reloads: priority 100")
    a.run(["rm", FLAG])
    life.master_is(b, "serverA's tracker fails")
    a.run(["touch", FLAG])
    life.master_is(a, "serverA's tracker is good again")
    lab.cut_link(a)
    life.master_is(b, "serverA's link is cut")
    lab.restore_link(a)
    life.master_is(a, "serverA's link is back")


def live(flavour: Flavour, mix: tuple[str, str], report: Callable[[str], None]) -> None:
    """Run the sequence once and report its timeline."""
    with Lab() as lab:
        a, b = lab.add_host("serverA", "10.211.55.22/24"), lab.add_host("serverB", "10.211.55.23/24")
        life = Life(lab, flavour, a, b, {"serverA": mix[0], "serverB": mix[1]})
        try:
            sequence(life)
        finally:
            report(f"{flavour.name}: serverA {mix[0]}, serverB {mix[1]}\n" + "\n".join(life.timeline) + "\n")


def main() -> int:
    """Print who was master when, for all kinds (or those named) and both mixes."""
    chosen = [flavour for flavour in FLAVOURS if not sys.argv[1:] or flavour.name in sys.argv[1:]]
    for flavour in chosen:
        for mix in MIXES:
            live(flavour, mix, lambda text: print(text, flush=True))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
