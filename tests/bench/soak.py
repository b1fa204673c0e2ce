"""`make soak`: the engine must not grow. 250 instances x 10 adverts/s, memory of each process minute by minute.

Invariant of the engine: after the first minute no process grows by more than 2 MiB (private memory), however long
it runs. Exit code 0 when that held, 1 when it did not.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.bench.plants import config, family, start, two_hosts
from tests.bench.rows import INSTANCES, wait_for_addresses

LIMIT_KIB = 2048


def private_kib(pid: int) -> int:
    """KiB that a process shares with nobody. Source: proc(5) smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty:", "Private_Clean:")))


def main() -> int:
    """Run for --minutes and judge."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    arguments = parser.parse_args()
    with two_hosts() as (_, a, b, _):
        receiver = start("hatui", b, config(100, instances=INSTANCES, interval_s=0.1, version=3))
        sender = start("hatui", a, config(200, instances=INSTANCES, interval_s=0.1, version=3))
        wait_for_addresses(a, INSTANCES)
        time.sleep(60)
        pids = {pid: host for host, engine in (("A", sender), ("B", receiver)) for pid in family(engine.pid)}
        first = {pid: private_kib(pid) for pid in pids}
        end = time.monotonic() + 60 * arguments.minutes
        worst = 0
        while time.monotonic() < end:
            time.sleep(min(60, max(0, end - time.monotonic())))
            growth = {pid: private_kib(pid) - first[pid] for pid in pids}
            worst = max(worst, *growth.values())
            print(" ".join(f"{pids[pid]}:{first[pid]}{growth[pid]:+d}" for pid in pids), "KiB", flush=True)
    print(f"worst growth of one process {worst} KiB, limit {LIMIT_KIB}: {'held' if worst <= LIMIT_KIB else 'MISSED'}")
    return 0 if worst <= LIMIT_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
