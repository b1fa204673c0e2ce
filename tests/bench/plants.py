"""Hosts with keepalived or hatui on them, alike in everything else.

Invariant: both kinds run the same configuration text on the same lab; figures are taken from the kernel
(/proc, packet time stamps), never from an engine.
"""

from __future__ import annotations

import compileall
import os
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hatui.lab import Engine, Host, Lab, Program, start_engine, start_keepalived, wait_for
from tests.bench import recorder as recorder_program
from tests.bench.recorder import RECORD

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = ("keepalived", "hatui")
TICKS = os.sysconf("SC_CLK_TCK")


def config(
    priority: int, *, instances: int = 1, interval_s: float = 1, version: int = 2, addresses: int = 1, start: int = 1
) -> str:
    """A configuration of many instances on eth0; the addresses of instance N are 10.212.N.1, .2 ..."""
    blocks = ["global_defs {\n    router_id bench\n}\n"]
    for vrid in range(start, start + instances):
        lines = "".join(f"        10.212.{vrid}.{host}/32\n" for host in range(1, addresses + 1))
        blocks.append(
            f"vrrp_instance VI_{vrid} {{\n    state BACKUP\n    interface eth0\n    virtual_router_id {vrid}\n"
            f"    version {version}\n    priority {priority}\n    advert_int {interval_s:g}\n"
            f"    virtual_ipaddress {{\n{lines}    }}\n}}\n"
        )
    return "".join(blocks)


def compiled() -> None:
    """Have bytecode on disk, as an installed package has: what is measured is the program, not the compiler."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for package in ("engine", "hatui"):
        compileall.compile_dir(str(ROOT / package), quiet=2)


def start(kind: str, host: Host, text: str) -> Program:
    """Start an engine of that kind on a host."""
    if kind == "keepalived":
        return start_keepalived(host, text)
    run = start_engine(host, text, wait=False)
    assert isinstance(run, Engine)
    return run.program


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(parents.get(one, ()))
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time so far of these processes."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_mib(pids: Sequence[int]) -> float:
    """Proportional memory of these processes, MiB. Source: proc(5) smaps_rollup."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


@dataclass(frozen=True)
class Advert:
    """One advert on the wire; `at` in ns of the realtime clock."""

    at: int
    vrid: int
    priority: int
    sent: bool


class Recorder:
    """The recorder program on a host."""

    def __init__(self, host: Host, *words: str) -> None:
        self.path = host.root / f"record-{words[0]}-{len(host.programs)}"
        self.path.touch()
        argv = [sys.executable, "-S", "-E", str(Path(recorder_program.__file__)), *words, str(self.path)]
        self.program = host.start(argv, log="recorder.log")
        # It listens when its sockets are there: /proc/net of its namespace lists them.
        listing = "packet" if words[0] == "adverts" else "netlink"
        inode = f"/proc/{host.pid}/net/{listing}"
        before = len(Path(inode).read_text().splitlines())
        wait_for(lambda: len(Path(inode).read_text().splitlines()) >= before and self.program.running, 5, "recorder")

    def rows(self) -> list[tuple[int, int, int, bool, bytes]]:
        """All whole records so far."""
        data = self.path.read_bytes()
        return list(RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size]))

    def adverts(self) -> list[Advert]:
        """All adverts so far."""
        return [Advert(at, vrid, priority, sent) for at, vrid, priority, sent, _ in self.rows()]

    def new_addresses(self) -> list[int]:
        """Instants at which service addresses (10.212.x.x) were added."""
        return [at for at, new, _, _, address in self.rows() if new and address[:2] == struct.pack("BB", 10, 212)]

    def stop(self) -> None:
        self.program.send_signal(signal.SIGTERM)
        self.program.wait(5)


@contextmanager
def two_hosts() -> Iterator[tuple[Lab, Host, Host, Host]]:
    """A lab with serverA, serverB and a client."""
    with Lab() as lab:
        yield (
            lab,
            lab.add_host("serverA", "10.211.55.22/24"),
            lab.add_host("serverB", "10.211.55.23/24"),
            lab.add_host("client", "10.211.55.24/24"),
        )


def service_addresses(host: Host) -> set[str]:
    """Service addresses that are on a host now."""
    return {one.partition("/")[0] for one in host.addresses() if one.startswith("10.212.")}
