"""What the engine and the console need of this host: programs, groups, rights, kernel settings, room, a terminal.

Invariant: a check that cannot be made is `unknown` and never a pass; each check that is no pass names the command
that mends it. Everything is read below one directory, so that a test can stage a host.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import msgspec

from engine.messages import EngineStatus, InstanceStatus
from hatui.text import plain

RESULTS = ("fail", "warn", "unknown", "pass")
VIEW_GROUP, ADMIN_GROUP = "hatui", "hatui-admin"
NEEDED = {12: ("NET_ADMIN", "no address can be set"), 13: ("NET_RAW", "no advert can be sent, packets stay empty")}
"""Bits of capabilities that the vrrp process cannot do without, and what is lost. Source: capabilities(7)"""
WISHED = {10: ("NET_BIND_SERVICE", "checks from low ports fail"), 23: ("SYS_NICE", "realtime priority is refused")}
ROOM = 64 * 1024 * 1024
"""Octets that history and revisions should find free."""


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    result: str
    """One of RESULTS."""
    text: str
    fix: str = ""
    code: str = ""
    """Known to `hatui explain`; empty for what explains itself."""


class Host:
    """This host, as far as files tell; `root` is where they are."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def read(self, path: str) -> str | None:
        """The text of a file; None when it cannot be read."""
        try:
            return (self.root / path).read_text(errors="replace").strip()
        except OSError:
            return None

    def processes(self, name: str) -> list[int]:
        """Processes of that name."""
        found = []
        for path in (self.root / "proc").glob("[0-9]*/comm"):
            try:
                if path.read_text().strip() == name:
                    found.append(int(path.parent.name))
            except OSError:
                continue  # it has ended meanwhile
        return sorted(found)

    def network_of(self, pid: int) -> str:
        """The network namespace of a process; empty when that cannot be seen."""
        try:
            return os.readlink(self.root / f"proc/{pid}/ns/net")
        except OSError:
            return ""

    def groups(self) -> set[str] | None:
        """The names of all groups in /etc/group."""
        text = self.read("etc/group")
        return None if text is None else {line.partition(":")[0] for line in text.splitlines()}


def programs(python: tuple[int, ...] = sys.version_info[:3]) -> Iterator[Check]:
    """The interpreter and the packages that hatui was made for."""
    shown = ".".join(map(str, python))
    good = python >= (3, 11)
    yield Check("python", "pass" if good else "fail", f"Python {shown}", "" if good else "hatui needs Python 3.11")
    wrong = []
    for line in metadata.requires("hatui") or ():
        if "extra ==" in line:
            continue
        name = line.split(";")[0].split(">")[0].split("=")[0].split("<")[0].strip()
        pinned = line.split("==")[1].split(";")[0].strip() if "==" in line.split(";")[0] else ""
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is not installed")
            continue
        if pinned and installed != pinned:
            wrong.append(f"{name} is {installed}, not {pinned}")
    if wrong:
        yield Check("packages", "fail", "; ".join(wrong), "pip install --upgrade hatui")
    else:
        yield Check("packages", "pass", "all packages that hatui needs are installed")


def groups(host: Host, user: str) -> Iterator[Check]:
    """Who may look and who may act."""
    known = host.groups()
    if known is None:
        yield Check("groups", "unknown", "/etc/group cannot be read")
        return
    missing = [name for name in (VIEW_GROUP, ADMIN_GROUP) if name not in known]
    if missing:
        fix = " && ".join(f"sudo groupadd --system {name}" for name in missing)
        words = f"no group {' and no group '.join(missing)}: only root may look and act"
        yield Check("groups", "warn", words, fix, "E-PERMISSION")
    else:
        yield Check("groups", "pass", f"{VIEW_GROUP} may look, {ADMIN_GROUP} may act; you are {plain(user)}")


def engine(host: Host, status: EngineStatus | None, version: str) -> Iterator[Check]:
    """The engine: version, rights, and that it is alone."""
    others = host.processes("keepalived")
    if status is None:
        if others:
            words = f"keepalived runs here (pid {others[0]}); two engines on one host would fight"
            yield Check("alone", "warn", words, "sudo systemctl disable --now keepalived", "D-TWO-ENGINES")
        return
    same = status.version == version
    words = f"engine {status.version}, this program {version}"
    yield Check("version", "pass" if same else "warn", words, "" if same else "sudo systemctl restart hatui-engine")
    net = host.network_of(status.vrrp_pid)
    beside = [pid for pid in others if net and host.network_of(pid) == net]
    if beside and not status.observe:
        words = f"keepalived runs beside the engine (pid {beside[0]}): both answer for the same addresses"
        yield Check("alone", "fail", words, "sudo systemctl disable --now keepalived", "D-TWO-ENGINES")
    elif not net:
        yield Check("alone", "unknown", "the engine's process cannot be seen from here")
    else:
        yield Check("alone", "pass", "no other VRRP engine beside this one")
    yield rights(host, status)


def rights(host: Host, status: EngineStatus) -> Check:
    """The capabilities of the vrrp process."""
    text = host.read(f"proc/{status.vrrp_pid}/status") or ""
    held = next((int(line.split()[1], 16) for line in text.splitlines() if line.startswith("CapEff:")), None)
    if held is None:
        return Check("rights", "unknown", "the capabilities of the engine cannot be seen from here")
    for result, wanted in (("fail", NEEDED), ("warn", WISHED)):
        lost = [f"no {name}: {loss}" for bit, (name, loss) in wanted.items() if not held >> bit & 1]
        if lost:
            return Check("rights", result, "; ".join(lost), "sudo systemctl edit hatui-engine   (AmbientCapabilities=)")
    return Check("rights", "pass", "the engine has the capabilities that it needs")


def settings(host: Host, instances: Mapping[str, InstanceStatus]) -> Iterator[Check]:
    """Kernel settings that break what the instances do."""
    found = []
    for status in instances.values():
        name = plain(status.name)
        conf = f"proc/sys/net/ipv{4 if status.family == 4 else 6}/conf/{status.interface}"
        if status.family == 6 and host.read(f"{conf}/disable_ipv6") == "1":
            fix = f"sudo sysctl -w net.ipv6.conf.{status.interface}.disable_ipv6=0"
            found.append(Check("kernel", "fail", f"{name}: IPv6 is switched off on {status.interface}", fix))
        if status.family == 4 and len(status.addresses) > 1 and host.read(f"{conf}/promote_secondaries") == "0":
            fix = f"sudo sysctl -w net.ipv4.conf.{status.interface}.promote_secondaries=1"
            words = f"{name}: removing one address of {status.interface} takes others of its network along"
            found.append(Check("kernel", "warn", words, fix, "L-PROMOTE"))
        if status.vmac and host.read(f"proc/sys/net/ipv4/conf/{status.vmac}/rp_filter") == "1":
            fix = f"sudo sysctl -w net.ipv4.conf.{status.vmac}.rp_filter=0"
            found.append(Check("kernel", "warn", f"{name}: strict rp_filter on {status.vmac} drops answers", fix))
    yield from found or [Check("kernel", "pass", "no kernel setting is in the way of an instance")]


def history(status: EngineStatus) -> Check:
    """Whether the engine writes down what happens."""
    where = plain(status.state_directory)
    if status.history_problem:
        fix = f"df -h {where}" if where else "df -h"
        words = f"{plain(status.history_problem)}: drills and changes of the configuration are refused"
        return Check("history", "fail", words, fix, "E-HISTORY-OFF")
    if where == "none":
        words = "the engine keeps no history, no revisions and no reports: it runs with --state-dir none"
        return Check("history", "warn", words, "start it with --state-dir and a directory", "E-HISTORY-OFF")
    return Check("history", "pass", f"events, commands and revisions are written to {where}" if where else "written")


def room(path: Path) -> Check:
    """Space for history and revisions."""
    try:
        free = os.statvfs(path)
    except OSError as failure:
        return Check("room", "unknown", f"{path}: {failure.strerror}")
    octets = free.f_bavail * free.f_frsize
    if octets < ROOM:
        words = f"{octets // 1048576} MiB are free in {path}: history and revisions may stop"
        return Check("room", "warn", words, f"make room on the file system of {path}")
    return Check("room", "pass", f"{octets // 1048576} MiB are free in {path}")


def terminal(environment: Mapping[str, str], columns: int, rows: int, *, interactive: bool) -> Check:
    """Whether the console can be shown here."""
    name = environment.get("TERM", "dumb")
    anywhere = "hatui watch --plain works anywhere"
    if not interactive:
        return Check("terminal", "unknown", "this is no terminal", anywhere)
    if name == "dumb":
        return Check("terminal", "warn", "TERM is dumb: the console cannot be shown", anywhere)
    if columns < 80 or rows < 24:
        return Check("terminal", "warn", f"{columns}x{rows}: the console needs 80x24", "make the window larger")
    colour = "no colour wanted (NO_COLOR)" if environment.get("NO_COLOR") else "colour"
    return Check("terminal", "pass", f"{plain(name)} {columns}x{rows}, {colour}")
