"""Every built-in drill on real hosts, against hatui and against keepalived, from the command line and by keys alone in
a console: measured as an independent pinger on the client measures, and put back. Also aborted, and ended by a crash.

Invariant: the pinger knows nothing of drills, and what is left behind is read from the engine and from the kernels of
the hosts. `make drills` runs the whole table with the plans as they are built in and prints it; tests run
shorter plans.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import msgspec

from engine.core.drill.plans import BUILT_IN
from engine.messages import DrillReport
from hatui.lab import Engine, Host, Lab, Pinger, start_engine, start_keepalived, wait_for
from hatui.lab.servers import own_command
from hatui.reports import figure
from tests.console.terminal import Terminal
from tests.net.engine_talk import Talk, config, events, has_address, status

MS = 1_000_000
BOUND = 20 * MS
"""ns between what a drill and what the pinger measured."""
CHECKED = 'vrrp_script chk_service {\n    script "/bin/true"\n    interval 1\n}\n'
TRACK = "    track_script {\n        chk_service\n    }\n"
PEERS = ("hatui", "keepalived")
WAYS = ("command line", "console")
SPLITS = tuple(plan.name for plan in BUILT_IN if plan.needs == "backup")
MOVES = tuple(plan.name for plan in BUILT_IN if plan.needs != "backup")
"""Plans that this node runs as the master."""
LOW, HIGH = 50, 150
"""Priorities of a peer, beside 100 here."""


@dataclass
class Scene:
    """serverA runs hatui, serverB the peer; the client pings."""

    lab: Lab
    peer: str
    engine: Engine
    client: Host
    pinger: Pinger
    owner: str
    before: dict[str, Any]

    @property
    def place(self) -> str:
        """Words that enter the client, as --from takes them."""
        return shlex.join(self.client.enter(["x"])[:-1])

    def plan(self, name: str, *lines: str) -> None:
        """Have a plan in the engine's state directory; one with the name of a built-in plan stands before it."""
        plans = self.engine.host.root / "state" / "drills" / "plans"
        plans.mkdir(parents=True, exist_ok=True)
        (plans / f"{name}.toml").write_text("\n".join(lines) + "\n")

    def shorten(self, names: Sequence[str]) -> None:
        """Built-in plans that wait less."""
        for name in names:
            self.plan(
                name, f'like = "{name}"', "settle_s = 0.5", "baseline_s = 0.5", *["repeat = 2"] * (name == "flap")
            )

    def report(self) -> DrillReport:
        """The newest, as the engine keeps it."""
        with Talk(self.engine) as talk:
            number = talk.ask("get-drills")["drills"][0]["number"]
            return msgspec.convert(talk.ask("get-drills", number=number)["drill"], DrillReport)

    def as_before(self) -> bool:
        """State, priority, hold, and who has the address by the word of the kernels."""
        return plain_state(self.engine) == self.before and self.lab.owners() == [self.owner]


def plain_state(engine: Engine) -> dict[str, Any]:
    """What a drill must leave as it was."""
    found = status(engine)
    return {name: found[name] for name in ("state", "priority", "hold_kind")} | {
        "addresses": [one["present"] for one in found["addresses"]]
    }


def scene(lab: Lab, peer: str, peer_priority: int = LOW) -> Scene:
    """Both hosts up, the election over, the address answers."""
    a, b = lab.add_host("serverA", "10.211.55.22/24"), lab.add_host("serverB", "10.211.55.23/24")
    client = lab.add_host("client", "10.211.55.24/24")
    (start_engine if peer == "hatui" else start_keepalived)(b, config(peer_priority))
    wait_for(lambda: has_address(b), 10, "the peer as master")  # so that it was heard once
    engine = start_engine(a, CHECKED + config(100, TRACK))
    owner = a if peer_priority < 100 else b
    pinger = lab.pinger(client)
    pinger.wait_for_owner(owner.name)
    wait_for(lambda: status(engine)["state"] == ("MASTER" if owner is a else "BACKUP"), 10, "the election")
    return Scene(lab, peer, engine, client, pinger, owner.name, plain_state(engine))


# how an operator runs one -------------------------------------------------------------------------------


class Way(Protocol):
    """The command line or the console."""

    def run(self, name: str) -> DrillReport:
        """To its end."""

    def begin(self, name: str) -> None:
        """And leave while it runs."""

    def abort(self) -> None:
        """By a second one."""

    def tells(self, text: str) -> None:
        """The list of reports says it."""


class CommandLine:
    """`hatui drill`, as an operator types it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def _words(self, what: str, *more: str) -> list[str]:
        return [
            *own_command("hatui", "hatui.cli"),
            "drill",
            what,
            *more,
            "--socket",
            str(self._scene.engine.socket_outside),
        ]

    def run(self, name: str) -> DrillReport:
        """With a probe on the client."""
        argv = self._words("run", name, "VI_1", "--yes", "--every", "5ms", "--from", self._scene.place, "--json")
        done = subprocess.run([*argv, "--reason", "test"], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{name}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
        return msgspec.json.decode(done.stdout, type=DrillReport)

    def begin(self, name: str) -> None:
        """Interrupted when the address has moved: who asked goes, the drill stays."""
        with subprocess.Popen(self._words("run", name, "VI_1", "--yes"), stdout=-3, stderr=-3) as running:
            self._scene.pinger.wait_for_owner("serverB")
            running.send_signal(signal.SIGINT)

    def abort(self) -> None:
        """Restore at once."""
        subprocess.run(self._words("abort"), check=True, capture_output=True, timeout=30)

    def tells(self, text: str) -> None:
        """`drill list`."""
        said = subprocess.run(self._words("list"), check=True, capture_output=True, text=True, timeout=30).stdout
        assert text in " ".join(said.split()), said


class Console:
    """The console in a real terminal, by keys alone."""

    def __init__(self, scene: Scene, terminal: Terminal) -> None:
        self._scene, self._terminal = scene, terminal

    def run(self, name: str) -> DrillReport:
        """From its row in the list of plans; what the window says at the end is what the report says."""
        options = f"--budget 0.9s --every 5ms --from {shlex.quote(self._scene.place)}"
        _ask(self._terminal, name, options, "budget 0.900 s")
        said = self._terminal.wait_for("The whole report: 4, then enter on it.")
        self._terminal.send("Escape")
        report = self._scene.report()
        assert report.outcome.upper() in said, said
        assert f"outage {figure(report.measured)}" in said, said
        self._terminal.wait_for(">", without="The whole report")
        return report

    def begin(self, name: str) -> None:
        """In another console, which is left when the address has moved."""
        with console(self._scene) as other:
            _ask(other, name, "--budget 0.9s", "budget 0.900 s")
            self._scene.pinger.wait_for_owner("serverB")
            other.wait_for("esc closes this window, the drill goes on")
            other.send("Escape")
            other.wait_for("DRILL ON", without="esc closes this window")
            other.send("q")
            other.wait_for_end()

    def abort(self) -> None:
        """`a`."""
        self._terminal.wait_for("Drill #1", "a Abort")
        self._terminal.send("a")
        self._terminal.wait_for("Abort drill #1?", "y ")
        self._terminal.send("y")
        self._terminal.wait_for("is being aborted")
        self._terminal.send("Escape")
        self._terminal.wait_for(">", without="Abort drill #1?")

    def tells(self, text: str) -> None:
        """The list of reports, which is asked for anew when a drill has ended."""
        wait_for(lambda: text in " ".join(self._terminal.screen().split()), 20, text)


def _focused(terminal: Terminal, field: str) -> bool:
    return f" {field} " in terminal.line()


def _ask(terminal: Terminal, name: str, options: str, then: str) -> None:
    """The dialog of a plan, from its row in the list, filled in and confirmed."""
    terminal.send("g")
    lines = terminal.wait_for(">  VI_1 ", f"   {name} ").splitlines()
    rows = [line[1:].split()[:1] for line in lines]
    terminal.send(*["j"] * (rows.index([name]) - rows.index(["VI_1"])), "D")
    terminal.wait_for(f"Drill {name} of VI_1", "expected", "Reason")
    for field, text in (("Reason", "test"), ("Options", options)):
        terminal.send("BTab")
        wait_for(partial(_focused, terminal, field), 10, f"the focus on {field}")
        terminal.type(text)
    terminal.send("Enter")
    terminal.wait_for(then, "y Run the drill")  # the engine was asked anew: the focus is on the buttons
    terminal.send("y")


@contextmanager
def console(scene: Scene) -> Iterator[Terminal]:
    """The list of drills; outside the engine's host, from where --from reaches the client."""
    with Terminal(["--socket", str(scene.engine.socket_outside)]) as one:
        one.wait_for("VI_1", "ADVERTS 60s")
        one.send("4")
        one.wait_for("4[Drills]", ">  VI_1 ")
        yield one


@contextmanager
def way(how: str, scene: Scene) -> Iterator[Way]:
    """One of WAYS."""
    if how == "console":
        with console(scene) as one:
            yield Console(scene, one)
    else:
        yield CommandLine(scene)


# what is measured and what must hold ----------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One drill, one peer, one way. All times ns."""

    plan: str
    peer: str
    how: str
    outage: int
    pinged: int
    """The same by the pinger."""
    back: int
    """On the way back: the longest outage after a restoration."""
    pinged_back: int
    restored: bool
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        figures = (self.outage, self.pinged, self.outage - self.pinged, self.back, self.pinged_back)
        words = " ".join(f"{one / MS:8.1f}" for one in figures)
        end = "; ".join(self.wrong) or "ok"
        return f"{self.plan:<14} {self.peer:<11} {self.how:<13} {words}  {'yes' if self.restored else 'NO':<8} {end}"


HEAD = (
    f"{'drill':<14} {'peer':<11} {'how':<13} {'outage':>8} {'pinger':>8} {'differ':>8} {'back':>8} {'pinger':>8}"
    "  restored    (ms)"
)


def pinged(pinger: Pinger, report: DrillReport) -> tuple[int, int]:
    """The longest outage between an act and its restoration, and between a restoration and what follows (ns)."""
    ahead = time.time_ns() - time.monotonic_ns()
    begun = [at - ahead for at in (report.started, *(turn.acted for turn in report.turns[1:]))]
    mended = [turn.restored - ahead for turn in report.turns]
    there = [pinger.report(start, end).outage for start, end in zip(begun, mended, strict=True)]
    ends = [*begun[1:], report.ended - ahead]
    back = [pinger.report(start, end).outage for start, end in zip(mended, ends, strict=True)]
    return max(there), max(back)


def drilled(scene: Scene, by: Way, how: str, plan: str) -> Cell:
    """Run one and judge it."""
    report = by.run(plan)
    there, back = pinged(scene.pinger, report)
    probes = [one for one in report.probes if one.name.endswith("#1 icmp")]
    said_back = max((one.back for one in probes), default=-1)
    wrong = []
    if (report.outcome, report.restored) != ("pass", True):
        wrong.append(f"{report.outcome}: {report.text}")
    if abs(report.measured - there) > BOUND or abs(said_back - back) > BOUND:
        wrong.append("not what the pinger saw")
    if not all(one.sent > 50 for one in probes):
        wrong.append("hardly probed")
    if plan in ("silent-master", "link-down"):
        if not 200 * MS < report.measured < 500 * MS:
            wrong.append("no outage of a lost master")
        if not 0 < report.takeover <= report.takeover_expected + 60 * MS:
            wrong.append(f"taken over after {figure(report.takeover)}, expected {figure(report.takeover_expected)}")
        if min(one.measured for one in report.phases) < 0:
            wrong.append("a phase is not known")
    if plan in SPLITS:
        owners = next((one.owners for one in report.probes if one.name.endswith("#1 arp")), ())
        if report.doubled <= 500 * MS or len(owners) != 2:
            wrong.append(f"two owners for {figure(report.doubled)}: {owners}")
    if not scene.as_before():
        wrong.append(f"{plain_state(scene.engine)} on {scene.lab.owners()}, it was {scene.before} on {scene.owner}")
    return Cell(
        plan,
        scene.peer,
        how,
        report.measured,
        there,
        said_back,
        back,
        report.restored and scene.as_before(),
        tuple(wrong),
    )


def aborted(scene: Scene, by: Way) -> None:
    """Begun, its console gone, refused to others meanwhile, aborted by another: all is as it was."""
    scene.plan("long", 'like = "silent-master"', "settle_s = 60", "baseline_s = 0")
    by.begin("long")
    with Talk(scene.engine) as talk:
        assert talk.statuses("engine-status")[0]["drill"]["plan"] == "long"
        assert talk.ask("failover", instance="VI_1")["code"] == "E-DRILL"
    by.abort()
    scene.pinger.wait_for_owner("serverA")
    wait_for(scene.as_before, 10, "everything as before")
    ended = wait_for(lambda: events(scene.engine, "drill-finished"), 10, "the end of the drill")
    assert ended[-1]["outcome"] == "aborted"
    by.tells("long aborted")


def crashed(scene: Scene, by: Way) -> None:
    """core is killed in the middle of a hand-over drill, with its journal on disk: the next engine puts all back."""
    scene.plan("long", 'like = "hand-over"', "settle_s = 60", "baseline_s = 0")
    count = len(events(scene.engine, "drill-finished"))
    by.begin("long")
    os.kill(scene.engine.program.pid, signal.SIGKILL)
    scene.engine.program.kill()
    scene.engine = start_engine(scene.engine.host, CHECKED + config(100, TRACK))
    scene.pinger.wait_for_owner("serverA", 20)
    wait_for(scene.as_before, 10, "everything as before")
    wait_for(lambda: len(events(scene.engine, "drill-finished")) > count, 5, "the crashed drill")
    assert events(scene.engine, "drill-finished")[-1]["outcome"] == "crashed"
    by.tells("long crashed")


# the long form -------------------------------------------------------------------------------------------


def table(say: Any) -> int:
    """All of it; how many cells did not hold."""
    missed = 0
    say(HEAD)
    for names, priority in ((MOVES, LOW), (SPLITS, HIGH)):
        for peer in PEERS:
            for how in WAYS:
                with Lab() as lab:
                    found = scene(lab, peer, priority)
                    with way(how, found) as by:
                        for plan in names:
                            cell = drilled(found, by, how, plan)
                            missed += bool(cell.wrong)
                            say(str(cell))
    for ending in (aborted, crashed):
        for peer in PEERS:
            for how in WAYS:
                with Lab() as lab:
                    found = scene(lab, peer)
                    with way(how, found) as by:
                        try:
                            ending(found, by)
                            words = "yes      ok"
                        except Exception as error:  # one cell that fails shall not hide the others
                            missed += 1
                            words = f"NO       {type(error).__name__}: {error}"
                say(f"{ending.__name__:<14} {peer:<11} {how:<13} {'':44}  {words}")
    say(f"load {os.getloadavg()[0]:.1f}; {missed} missed")
    return missed


def main() -> int:
    """Print the table."""

    def say(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    return 1 if table(say) else 0


if __name__ == "__main__":
    sys.exit(main())
