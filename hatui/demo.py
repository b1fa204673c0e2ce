"""`hatui demo`: two real hosts, two real engines, one address, on this machine and without root.

    stage        the hosts, engines and web servers of the shipped samples (here)
    Tour         what `--script` plays, step by step, with the client's own measurement (here)
    rehearsal    the same on the simulation, where the kernel forbids the lab

Invariant: what is printed was measured by the client or told by an engine; a step that did not do what it
promises is printed as failed and makes the exit status 1.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from hatui.lab import (
    Engine,
    Host,
    Lab,
    LabError,
    Pinger,
    Reader,
    Report,
    WebServer,
    obstacle,
    start_engine,
    start_web_server,
    wait_for,
)
from hatui.lab.network import SERVICE_ADDRESS
from hatui.lab.servers import own_command

EXIT_FAILED, EXIT_IMPOSSIBLE = 1, 4
CONFIG = "/etc/keepalived/keepalived.conf"
SCRIPTS = "/usr/local/keepalived"
STATE = "/var/lib/hatui"
HAND_OVER_LOSS = 1
"""Pings that a planned move may lose."""
TAKE_OVER_S = 3.81 + 0.1
"""Seconds from a power cut until the backup with priority 50 answers. Source: RFC 3768 6.1, and 0.1 s for us."""
NS_PER_S = 1_000_000_000


def samples() -> Path:
    """The shipped sample configurations and their scripts."""
    return Path(str(resources.files("hatui"))) / "samples"


@dataclass
class Stage:
    """What the demo plays on."""

    lab: Lab
    hosts: dict[str, Host] = field(default_factory=dict)
    engines: dict[str, Engine] = field(default_factory=dict)
    web: dict[str, WebServer] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Web server, then engine, on one host."""
        host = self.hosts[name]
        self.web[name] = start_web_server(host)
        self.engines[name] = start_engine(host, Path(CONFIG), state_dir=STATE)

    def configure(self, name: str, suffix: str = "") -> None:
        """Put a sample in place as the host's configuration file; a running engine reloads it by itself."""
        text = (samples() / f"{name}{suffix}.conf").read_text()
        target = self.hosts[name].root / "etc" / "keepalived.conf"
        fresh = target.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(target)


@contextmanager
def stage() -> Iterator[Stage]:
    """The hosts of the samples, with everything at its default path; nothing runs on them yet."""
    with Lab() as lab:
        one = Stage(lab)
        for name, address in (("serverA", "10.211.55.22/24"), ("serverB", "10.211.55.23/24")):
            mounts = {"/etc/keepalived": "etc", SCRIPTS: "scripts", STATE: "state"}
            one.hosts[name] = host = lab.add_host(name, address, mounts=mounts)
            one.configure(name)
            for script in samples().glob("*.sh"):
                for directory in ("etc", "scripts"):  # beside the configuration, and where serverA.conf names it
                    copy = host.root / directory / script.name
                    copy.write_text(script.read_text())
                    copy.chmod(0o755)
        one.hosts["client"] = lab.add_host("client", "10.211.55.24/24")
        yield one


def play(*, script: bool, simulate: bool = False, theme: str = "") -> int:
    """The whole command. Returns the exit status."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    if simulate:
        from hatui import rehearsal

        return rehearsal.run(_say, samples())
    reason = obstacle()
    if reason:
        _say(f"The lab cannot be laid here: {reason}.")
        _say("`hatui demo --simulate` plays the same tour in the simulation: no real host, no real packet.")
        return EXIT_IMPOSSIBLE
    return Tour().play() if script else console(theme)


def _leave(number: int, _frame: object) -> None:
    for again in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # cleaning up is not interrupted
        signal.signal(again, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def console(theme: str = "") -> int:
    """Two engines, and the console on serverA."""
    _say("Laying two hosts, a switch and a client on this machine ...")
    with stage() as one:
        for name in ("serverB", "serverA"):
            one.start(name)
        one.lab.wait_for_owner("serverA", 15)
        argv = [*own_command("hatui", "hatui.cli"), "--socket", one.engines["serverA"].socket]
        if theme:
            argv += ["--theme", theme]
        return one.hosts["serverA"].start(argv, terminal=True).wait(timeout_s=None)


class Tour:
    """The scripted tour. `play` runs all steps and returns the exit status."""

    def __init__(self, say: Callable[[str], None] = _say) -> None:
        self._say = say
        self._began = time.monotonic_ns()
        self.failures: list[str] = []
        self._number = 0
        self._pinger: Pinger
        self._reader: Reader
        self._stage: Stage

    def play(self) -> int:
        """Everything, in order; after a failed step the rest is not played."""
        self._say("hatui demo: two hosts, one address, and a client that pings it every 2 ms")
        try:
            with stage() as self._stage:
                try:
                    self._steps()
                except LabError as failure:
                    self._line(f"FAILED: {failure}")
                    self._what_engines_say()
                    return EXIT_FAILED
                total = self._pinger.stop()
        except LabError as failure:
            self._line(f"FAILED: {failure}")
            return EXIT_FAILED
        self._say("")
        self._line(f"the whole tour: {total.lost} of {total.sent} pings lost, {total.doubled} answered twice")
        for failure_text in self.failures:
            self._say(f"FAILED: {failure_text}")
        self._say("all steps did what they promise" if not self.failures else "")
        return EXIT_FAILED if self.failures else 0

    # steps -------------------------------------------------------------------------------------

    def _steps(self) -> None:
        self._set_up()
        self._hand_over()
        self._back()
        self._reload()
        self._web_server_dies()
        self._web_server_returns()
        self._power_cut()
        self._power_returns()

    def _set_up(self) -> None:
        one = self._stage
        self._line("up: switch, serverA 10.211.55.22, serverB 10.211.55.23, client 10.211.55.24")
        for name in ("serverB", "serverA"):
            one.start(name)
            self._line(f"{name}: {one.web[name].name} and hatui-engine run, configuration samples/{name}.conf")
        one.lab.wait_for_owner("serverA", 15)
        self._pinger = one.lab.pinger(one.hosts["client"])
        self._pinger.wait_for_owner("serverA")
        self._reader = one.lab.reader("client", interval_s=0.05)
        self._reader.wait_for_page("serverA")
        self._owner()
        self._line("hatui status on serverA:")
        for text in one.engines["serverA"].hatui("status", check=False).splitlines():
            self._say(f"            {text}".rstrip())

    def _hand_over(self) -> None:
        start = self._step("planned move: hatui failover VI_1 --step-down --wait --yes (on serverA)")
        self._hatui("serverA", "failover", "VI_1", "--step-down", "--wait", "--yes", "--reason", "demo")
        self._moved("serverB", start, 10, most=HAND_OVER_LOSS)

    def _back(self) -> None:
        start = self._step("and back: hatui release VI_1 (on serverA)")
        self._hatui("serverA", "release", "VI_1")
        self._moved("serverA", start, 10)

    def _reload(self) -> None:
        start = self._step("new configuration on both: samples/server[AB]-tracked.conf watch the web server")
        one = self._stage
        for name in ("serverA", "serverB"):
            one.configure(name, "-tracked")

        def watches(engine: Engine) -> bool:
            told = json.loads(engine.hatui("status", "--json", check=False) or "{}")
            return any(one["tracked_by"] and one["good"] for one in told.get("trackers", ()))

        wait_for(lambda: all(map(watches, one.engines.values())), 15, "both engines to run the check script", 0.2)
        self._measured(start, most=HAND_OVER_LOSS)
        self._owner()

    def _web_server_dies(self) -> None:
        start = self._step("the web server on serverA is killed")
        self._stage.web["serverA"].kill()
        self._moved("serverB", start, 20)

    def _web_server_returns(self) -> None:
        start = self._step("the web server on serverA is started again")
        self._stage.web["serverA"].start()
        self._moved("serverA", start, 20)

    def _power_cut(self) -> None:
        self._step("power cut of serverA")
        cut = self._stage.lab.power_off("serverA")
        self._pinger.wait_for_owner("serverB", 10)
        outage = self._pinger.report(cut - NS_PER_S // 10).outage / NS_PER_S
        if outage > TAKE_OVER_S:
            self._fail(f"serverB answered {outage:.3f} s after the power cut, later than {TAKE_OVER_S:.2f} s")
        self._moved("serverB", cut - NS_PER_S // 10, 5)

    def _power_returns(self) -> None:
        start = self._step("power for serverA again")
        self._stage.lab.power_on("serverA")
        self._stage.start("serverA")
        self._moved("serverA", start, 20)

    # saying ------------------------------------------------------------------------------------

    def _line(self, text: str) -> None:
        self._say(f"{(time.monotonic_ns() - self._began) / NS_PER_S:7.2f} s  {text}")

    def _step(self, text: str) -> int:
        self._number += 1
        self._say("")
        self._line(f"[{self._number}] {text}")
        return time.monotonic_ns()

    def _fail(self, text: str) -> None:
        self.failures.append(f"step {self._number}: {text}")

    def _hatui(self, name: str, *arguments: str) -> None:
        for text in self._stage.engines[name].hatui(*arguments).splitlines():
            self._say(f"            {text}".rstrip())

    def _what_engines_say(self) -> None:
        """After a failure: status and last events of each engine, for whoever has to find out."""
        for name, engine in self._stage.engines.items():
            if not self._stage.hosts[name].on:
                self._say(f"{name} is off")
                continue
            self._say(f"{name} owns {' '.join(self._stage.hosts[name].addresses())}")
            self._say(engine.hatui("status", "VI_1", check=False))
            self._say(engine.program.output[-3000:])

    def _owner(self) -> None:
        page = self._stage.lab.fetch("client")
        owner = self._pinger.wait_for_answer()
        self._line(f"{owner} answers for {SERVICE_ADDRESS}; its page says: {page}")

    def _moved(self, name: str, start: int, timeout_s: float, most: int | None = None) -> None:
        """Wait until `name` answers pings and serves the page; what the client lost meanwhile."""
        self._pinger.wait_for_owner(name, timeout_s)
        deadline = time.monotonic() + 5
        while not (page := self._stage.lab.fetch("client")).startswith(name):
            if time.monotonic() > deadline:
                raise LabError(f"{name} answers pings, but the page says: {page}")
        self._line(f"{name} answers for {SERVICE_ADDRESS}; its page says: {page}")
        self._measured(start, most)

    def _measured(self, start: int, most: int | None = None) -> Report:
        time.sleep(0.3)  # a little of what comes after belongs to it
        report = self._pinger.report(start)
        self._line(f"the client: {report}")
        silent = self._reader.longest_failure(start)
        if silent:
            self._line(f"its web page: not readable for {silent / NS_PER_S:.2f} s")
        if most is not None and report.lost > most:
            self._fail(f"{report.lost} pings lost, at most {most} promised")
        if report.doubled:
            self._fail(f"{report.doubled} pings were answered by two hosts")
        return report
