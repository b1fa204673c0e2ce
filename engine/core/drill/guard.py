"""A program that holds a link while a drill has it down: `python -m engine.core.drill.guard FILE SECONDS`.

Invariant: whatever happens to the engine, the link comes back. It does when the engine ends by whatever way (the end of
standard input), and when the time is over; told `done`, this program ends and touches nothing. No signal that a service
manager sends to a whole group at a stop ends it before that.
"""

from __future__ import annotations

import select
import signal
import sys
import time
from pathlib import Path

from engine.core.drill import link

READY, DONE = b"ready\n", b"done\n"
SETTLE_S = 10.0
"""Seconds until everything must have come back."""
AGAIN_S = 0.25


def main(path: Path, seconds: float) -> int:
    """Wait, then mend if nobody else did. Returns the exit status: 1 when something did not come back."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    record = link.remembered(path)
    if record is None:
        return 1
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    if select.select([0], [], [], seconds)[0] and sys.stdin.buffer.readline() == DONE:
        return 0
    end = time.monotonic() + SETTLE_S
    while True:
        try:
            if not link.settle(path, record):
                return 0
        except OSError:
            if time.monotonic() > end:
                return 1
        if time.monotonic() > end:
            link.forget(path)
            return 1
        time.sleep(AGAIN_S)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), float(sys.argv[2])))
