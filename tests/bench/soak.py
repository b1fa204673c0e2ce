"""`make soak`: neither the engine nor the console may grow; memory minute by minute.

The engine runs 250 instances x 10 adverts/s: after the first minute no process grows by more than 2 MiB (private
memory). With --console a console in a pseudo-terminal shows Packets while 500 adverts/s come: once its ring of
50,000 packets is full it grows by no more than 2 MiB (resident memory). Invariant: that holds however long they run.
Exit code 0 when it held, 1 when it did not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyte

from tests.bench.console import BUSY, COLUMNS, LINES, RING_S, Console, engines
from tests.bench.plants import config, family, start, two_hosts
from tests.bench.rows import INSTANCES, wait_for_addresses

LIMIT_KIB = 2048


def private_kib(pid: int) -> int:
    """KiB that a process shares with nobody. Source: proc(5) smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty:", "Private_Clean:")))


def minutes(count: float) -> Iterator[float]:
    """Now after every minute, until so many are over (the last may be shorter); yields minutes since the beginning."""
    began = time.monotonic()
    end = began + 60 * count
    while time.monotonic() < end:
        time.sleep(min(60, max(0, end - time.monotonic())))
        yield (time.monotonic() - began) / 60


def engine_growth(count: float) -> int:
    """The worst growth of one of the engine's processes, KiB."""
    with two_hosts() as (_, a, b, _):
        receiver = start("hatui", b, config(100, instances=INSTANCES, interval_s=0.1, version=3))
        sender = start("hatui", a, config(200, instances=INSTANCES, interval_s=0.1, version=3))
        wait_for_addresses(a, INSTANCES)
        time.sleep(60)
        pids = {pid: host for host, engine in (("A", sender), ("B", receiver)) for pid in family(engine.pid)}
        first = {pid: private_kib(pid) for pid in pids}
        worst = 0
        for _ in minutes(count):
            growth = {pid: private_kib(pid) - first[pid] for pid in pids}
            worst = max(worst, *growth.values())
            print(" ".join(f"{pids[pid]}:{first[pid]}{growth[pid]:+d}" for pid in pids), "KiB", flush=True)
    return worst


def console_growth(count: float) -> int:
    """Growth of a console that shows Packets, its ring full, KiB."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)

    def shown(console: Console) -> str:
        """Line 3 of the screen: how many packets are in the ring, and how many were lost."""
        written, console.chunks = console.chunks, []
        for _, data in written:
            stream.feed(data)
        return " ".join(screen.display[3].split())

    with engines(BUSY) as engine, Console(engine) as console:
        time.sleep(3)
        console.press("2")
        time.sleep(RING_S)
        first, worst = console.resident_kib(), 0
        print(f"ring full: {first} KiB  {shown(console)}", flush=True)
        for at in minutes(count):
            grown = console.resident_kib() - first
            worst = max(worst, grown)
            print(f"{at:5.1f} min: {first}{grown:+d} KiB  {shown(console)}", flush=True)
    return worst


def main() -> int:
    """Run for --minutes and judge."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--console", action="store_true", help="the console instead of the engine")
    arguments = parser.parse_args()
    worst = console_growth(arguments.minutes) if arguments.console else engine_growth(arguments.minutes)
    print(f"worst growth of one process {worst} KiB, limit {LIMIT_KIB}: {'held' if worst <= LIMIT_KIB else 'MISSED'}")
    return 0 if worst <= LIMIT_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
