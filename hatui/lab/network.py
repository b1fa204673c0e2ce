"""The lab: a switch, hosts on it, their cables and power, and what a client of them measures.

Invariant: leaving the `with` block, by whatever way, ends every process and removes every interface and file
that the lab made; no name, address or rule exists outside of namespaces that the lab created.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from hatui.lab import client as client_program
from hatui.lab.host import Host, LabError, Program, batch, wait_for, which
from hatui.lab.measure import PATIENCE, Report, judge, read_probes
from hatui.lab.servers import python_command

SERVICE_ADDRESS = "10.211.55.50"
CLIENT = Path(client_program.__file__)
_TABLE = "netdev hatui_lab"


def obstacle() -> str:
    """Why no lab can run here, as one sentence with the remedy; empty when it can."""
    for program, package in (("ip", "iproute2"), ("nsenter", "util-linux")):
        if not which(program):
            return f"the program {program} is missing: install the package {package}"
    lab = Lab()
    try:
        lab.open()
    except LabError as failure:
        return _remedy(str(failure))
    finally:
        lab.close()
    return ""


def _remedy(reason: str) -> str:
    if os.geteuid() == 0:
        return f"network namespaces are refused here ({reason}); a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN"
    for name, allowed in (
        ("kernel.unprivileged_userns_clone", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "0"),
        ("user.max_user_namespaces", ""),
    ):
        try:
            value = Path("/proc/sys", name.replace(".", "/")).read_text().strip()
        except OSError:
            continue
        if (allowed and value != allowed) or (not allowed and value == "0"):
            remedy = f"sudo sysctl {name}={allowed or '65536'}"
            return f"this system forbids user namespaces: {name} is {value} ({remedy} allows them, or run as root)"
    return f"user namespaces are refused here ({reason}); run as root, or in a virtual machine"


class Lab:
    """A network of its own with one switch. Use as a context manager."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or Path()
        """Where the disks of the hosts, logs and measurements lie; removed at the end unless it was given."""
        self.hosts: dict[str, Host] = {}
        self._keep = directory is not None
        self._switch: Host | None = None

    def __enter__(self) -> Lab:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def switch(self) -> Host:
        """The switch: a host that holds the bridge br0. Raises: LabError before `open`."""
        if self._switch is None:
            raise LabError("the lab is not open")
        return self._switch

    def open(self) -> None:
        """Lay the switch. Raises: LabError with the kernel's reason (see `obstacle`)."""
        if not self._keep:
            self.directory = Path(tempfile.mkdtemp(prefix="hatui-lab-"))
        try:
            switch = Host("switch", self.directory / "switch")
            switch.boot(new_user=os.geteuid() != 0)
            self._switch = switch
            switch.ip(
                "link set lo up",
                "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                "link set br0 up",
            )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End everything. Can be called twice."""
        for host in [*self.hosts.values(), *([self._switch] if self._switch else [])]:
            host.halt()
        self.hosts.clear()
        self._switch = None
        if not self._keep and self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def add_host(self, name: str, address: str, mounts: Mapping[str, str | Path] | None = None) -> Host:
        """A host on the switch with ADDRESS/PREFIX on its eth0. `mounts`: path on the host -> directory here;
        a relative directory lies on the host's disk. The path need not exist: nothing real is touched."""
        root = self.directory / name
        disks = {target: root / source for target, source in (mounts or {}).items()}
        host = Host(name, root, enter_user=self.switch.pid if os.geteuid() else 0, mounts=disks)
        host.address = address
        octets = ipaddress.ip_interface(address).ip.packed[-4:]
        host.mac = "02:00:" + octets.hex(":")
        host.port = f"p{len(self.hosts)}-{name}"[:15]
        self.hosts[name] = host
        self.power_on(name)
        return host

    def host(self, target: str | Host) -> Host:
        """The host of that name."""
        return target if isinstance(target, Host) else self.hosts[target]

    def power_on(self, target: str | Host) -> None:
        """Boot a host: empty /run, no processes, its own address on eth0, cable in."""
        host = self.host(target)
        if host.on:
            return
        host.boot()
        batch(
            self.switch,
            [
                f"link add {host.port} type veth peer name eth0 address {host.mac} netns {host.pid}",
                f"link set {host.port} master br0",
                f"link set {host.port} up",
            ],
        )
        nodad = " nodad" if ":" in host.address else ""
        host.ip("link set lo up", f"addr add {host.address} dev eth0{nodad}", "link set eth0 up")

    def power_off(self, target: str | Host) -> int:
        """Cut the power: silent from one instant to the next, all processes killed, addresses gone.
        Returns that instant (ns)."""
        host = self.host(target)
        at = time.monotonic_ns()
        if host.on:
            batch(self.switch, [f"link set {host.port} down"])
            host.halt()
            # The kernel removes the other end of the cable in its own time: be done before the next boot.
            self.switch.run(["ip", "link", "del", host.port], check=False)
        return at

    def cut_link(self, target: str | Host, *, carrier: bool = False) -> int:
        """Pull the cable: the host sees its link go down. With `carrier=True` the link stays up and nothing
        passes, as with a broken switch between them. Returns the instant before it (ns)."""
        host = self.host(target)
        at = time.monotonic_ns()
        self.switch.ip(f"link set {host.port} nomaster" if carrier else f"link set {host.port} down")
        return at

    def restore_link(self, target: str | Host) -> int:
        """Undo `cut_link`. Returns the instant after it (ns)."""
        host = self.host(target)
        self.switch.ip(f"link set {host.port} master br0", f"link set {host.port} up")
        return time.monotonic_ns()

    def loss(self, target: str | Host, percent: float, match: str = "") -> None:
        """Drop `percent` of the frames to and from a host at random; 0 ends it. `match` is an nftables
        expression that narrows it, such as "ip protocol 112". Raises: LabError without nftables."""
        self.loss_in(target, percent, match)
        self.loss_out(target, percent, match)

    def loss_in(self, target: str | Host, percent: float, match: str = "") -> None:
        """Like `loss`, only what comes to the host: it is deaf."""
        _drop(self.host(target), "eth0", percent, match)

    def loss_out(self, target: str | Host, percent: float, match: str = "") -> None:
        """Like `loss`, only what the host sends: it is mute."""
        _drop(self.switch, self.host(target).port, percent, match)

    def owners(self, address: str = SERVICE_ADDRESS) -> list[str]:
        """Names of the hosts that carry an address now: more than one is a split brain."""
        return [name for name, host in self.hosts.items() if host.has_address(address)]

    def wait_for_owner(self, name: str, timeout_s: float, address: str = SERVICE_ADDRESS) -> None:
        """Wait until exactly that host carries the address. Raises: LabError naming who does."""
        try:
            wait_for(lambda: self.owners(address) == [name], timeout_s, "")
        except LabError:
            owners = self.owners(address)
            raise LabError(f"{address} is on {owners or 'nobody'} after {timeout_s:g} s, not on {name}") from None

    def pinger(self, target: str | Host, address: str = SERVICE_ADDRESS, interval_s: float = 0.002) -> Pinger:
        """Start to ping an address from a host, every `interval_s` seconds."""
        return Pinger(self, self.host(target), address, interval_s)

    def reader(self, target: str | Host, url: str = f"http://{SERVICE_ADDRESS}/", interval_s: float = 0.1) -> Reader:
        """Start to read a page from a host again and again."""
        return Reader(self.host(target), url, interval_s)

    def fetch(self, target: str | Host, url: str = f"http://{SERVICE_ADDRESS}/", timeout_s: float = 2) -> str:
        """Read a page once. Raises: LabError when it cannot be read."""
        host = self.host(target)
        done = host.run([*python_command(), str(CLIENT), "fetch", url, str(timeout_s)], timeout_s=timeout_s + 20)
        status, _, text = done.stdout.partition("\n")
        if status != "200":
            raise LabError(f"{host.name} cannot read {url}: {text.strip() or status}")
        return text.strip()

    @contextmanager
    def tap(self, file: Path, target: str | Host | None = None, interface: str = "") -> Iterator[Program]:
        """Record every frame into a capture file meanwhile: on the switch, or on a host's eth0."""
        host = self.switch if target is None else self.host(target)
        wire = interface or ("br0" if host is self.switch else "eth0")
        program = host.start([*python_command(), str(CLIENT), "tap", wire, str(file)], log="tap.log")
        wait_for(lambda: (file.exists() and file.stat().st_size) or not program.running, 10, "the tap")
        if not program.running:
            raise LabError(f"the tap ended: {program.output.strip()}")
        try:
            yield program
        finally:
            time.sleep(0.05)  # what the kernel has queued
            program.stop()

    def names(self) -> dict[str, str]:
        """MAC -> host name."""
        return {host.mac: name for name, host in self.hosts.items()}


def _drop(host: Host, device: str, percent: float, match: str) -> None:
    chain = f"{_TABLE} {device.replace('-', '_')}"
    drop = "" if percent >= 100 else f"numgen random mod 100000 < {round(percent * 1000)} "
    lines = [
        f"add table {_TABLE}",
        f"add chain {chain} {{ type filter hook ingress device {device} priority -500; }}",
        f"flush chain {chain}",
        *([f"add rule {chain} {match} {drop}drop"] if percent > 0 else []),
    ]
    if not which("nft"):
        raise LabError("loss needs the program nft: install the package nftables")
    host.run(["nft", "-f", "-"], input_text="\n".join(lines) + "\n")


class Pinger:
    """A running series of pings; see `Lab.pinger`."""

    def __init__(self, lab: Lab, host: Host, address: str, interval_s: float) -> None:
        self._lab = lab
        self.path = host.root / f"pings-{time.monotonic_ns()}"
        # An address that nobody answers for must lose its probes, not queue them until somebody does.
        host.run(["sh", "-c", "echo 0 > /proc/sys/net/ipv4/neigh/eth0/unres_qlen_bytes"])
        argv = [*python_command(), str(CLIENT), "ping", address, "eth0", str(round(interval_s * 1e9)), str(self.path)]
        self.program: Program = host.start(argv, log="pinger.log")
        wait_for(lambda: self._count() > 0 or not self.program.running, 10, "first ping")
        if not self.program.running:
            raise LabError(f"the pinger ended: {self.program.output.strip()}")

    def _count(self) -> int:
        try:
            return len(read_probes(self.path))
        except (ValueError, OSError):
            return 0

    def report(self, since: int = 0, until: int | None = None, patience: int = PATIENCE) -> Report:
        """What the probes sent in [since, until) say. Without `until`: all that are older than `patience`
        or answered; the youngest unanswered ones are still under way and are left out."""
        probes = read_probes(self.path, since, until)
        if until is None:
            horizon = time.monotonic_ns() - patience
            while probes and not probes[-1].answered and probes[-1].sent > horizon:
                probes.pop()
        return judge(probes, self._lab.names(), patience)

    def wait_for_answer(self, timeout_s: float = 10, since: int | None = None) -> str:
        """Wait until a probe sent from now on (or `since`) is answered; who answered."""
        start = time.monotonic_ns() if since is None else since

        def answered() -> str:
            report = judge(read_probes(self.path, start), self._lab.names())
            return report.owner

        return str(wait_for(answered, timeout_s, "an answer to a ping"))

    def wait_for_owner(self, name: str, timeout_s: float = 10) -> None:
        """Wait until the latest answer comes from that host."""

        def latest() -> bool:
            since = time.monotonic_ns() - 50_000_000
            return judge(read_probes(self.path, since), self._lab.names()).owner == name

        wait_for(latest, timeout_s, f"answers from {name}")

    def stop(self) -> Report:
        """Stop and judge everything."""
        time.sleep(0.05)
        self.program.send_signal(signal.SIGTERM)
        self.program.wait(5)
        return judge(read_probes(self.path), self._lab.names())


class Reader:
    """A running series of HTTP reads; see `Lab.reader`."""

    def __init__(self, host: Host, url: str, interval_s: float) -> None:
        self.path = host.root / f"reads-{time.monotonic_ns()}"
        argv = [*python_command(), str(CLIENT), "read", url, str(round(interval_s * 1e9)), str(self.path)]
        self.program = host.start(argv, log="reader.log")

    def pages(self, since: int = 0) -> list[tuple[int, int, str]]:
        """(end, status, first line) of each read that started at or after `since`."""
        found = []
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            start, end, status, text = (*line.split(" ", 3), "")[:4]
            if int(start) >= since:
                found.append((int(end), int(status), text))
        return found

    def longest_failure(self, since: int = 0) -> int:
        """ns from the last good read before to the first good read after the longest row of failed reads that
        began at or after `since` and has ended; 0 for none."""
        worst = good = 0
        failing = False
        for end, status, _ in self.pages(since):
            good = good or since
            if status != 200:
                failing = True
                continue
            if failing:
                worst = max(worst, end - good)
            failing, good = False, end
        return worst

    def wait_for_page(self, text: str, timeout_s: float = 10) -> int:
        """Wait until a read from now on contains `text`; its end (ns)."""
        since = time.monotonic_ns()

        def seen() -> int:
            return next((end for end, status, page in self.pages(since) if status == 200 and text in page), 0)

        return int(wait_for(seen, timeout_s, f"a page with {text!r}"))
