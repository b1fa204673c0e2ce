"""Tracked processes: who counts, and when a change is told."""

from __future__ import annotations

import asyncio
import subprocess
import time

import pytest

from engine.check.processes import Counter, Processes, Seen, matches, processes
from engine.config.model import Config, Instance, Track, TrackedProcess, Tracking
from engine.messages import ProcessCounted

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("argv", "match", "full", "seen", "expected"),
    [
        (("nginx",), "", False, Seen("nginx", ("nginx: master",)), True),
        (("nginx",), "", False, Seen("nginx", ("nginx", "-c", "x")), True),
        (("nginx",), "", False, Seen("nginxd", ("nginxd",)), False),
        (("a-name-longer-than-fifteen",), "", False, Seen("a-name-longer-t", ("x",)), True),
        (("/usr/sbin/nginx",), "", False, Seen("nginx", ("/usr/sbin/nginx",)), True),
        (("/usr/sbin/nginx",), "", False, Seen("nginx", ("nginx",)), False),
        (("nginx",), "", True, Seen("other", ("nginx", "-g")), True),
        (("nginx",), "initial", False, Seen("nginx", ("nginx",)), True),
        (("nginx",), "initial", False, Seen("nginx", ("nginx", "-g")), False),
        (("nginx", "-c", "x"), "", False, Seen("nginx", ("nginx", "-c", "x")), True),
        (("nginx", "-c"), "", False, Seen("nginx", ("nginx", "-c", "x")), False),
        (("nginx", "-c"), "partial", False, Seen("nginx", ("nginx", "-c", "x")), True),
        (("nginx", "-c", "/etc"), "initial", False, Seen("nginx", ("nginx", "-c", "/etc/nginx.conf")), True),
        (("nginx", "-c", "/etc"), "partial", False, Seen("nginx", ("nginx", "-c", "/etc/nginx.conf")), False),
    ],
)
def test_who_counts(argv: tuple[str, ...], match: str, full: bool, seen: Seen, expected: bool) -> None:
    wanted = TrackedProcess(name="web", argv=argv, param_match=match, full_command=full)
    assert matches(wanted, seen) is expected


def test_quorum_is_a_range_and_maximum_zero_means_none_may_run() -> None:
    counter = Counter(TrackedProcess(name="web", argv=("x",), quorum=2, quorum_max=3))
    assert [counter.good(count) for count in range(5)] == [False, False, True, True, False]
    none = Counter(TrackedProcess(name="web", argv=("x",), quorum_max=0))
    assert [none.good(count) for count in range(3)] == [True, False, False]


def test_loss_of_the_quorum_is_told_after_terminate_delay_and_gain_after_fork_delay() -> None:
    counter = Counter(TrackedProcess(name="web", argv=("x",), fork_delay=2 * SECOND, terminate_delay=SECOND))
    assert counter.look(1, 0) == 1
    assert counter.look(0, 10 * SECOND) is None
    assert counter.look(0, 11 * SECOND - 1) is None
    assert counter.look(0, 11 * SECOND) == 0
    assert counter.look(1, 20 * SECOND) is None
    assert counter.look(1, 22 * SECOND - 1) is None
    assert counter.look(1, 22 * SECOND) == 1


def test_short_absence_is_never_told() -> None:
    counter = Counter(TrackedProcess(name="web", argv=("x",), terminate_delay=SECOND))
    assert counter.look(1, 0) == 1
    assert counter.look(0, SECOND) is None
    assert counter.look(1, 2 * SECOND - 1) is None
    assert counter.look(0, 3 * SECOND) is None
    assert counter.look(0, 4 * SECOND - 1) is None


def test_change_that_leaves_the_quorum_alone_is_told_at_once() -> None:
    counter = Counter(TrackedProcess(name="web", argv=("x",), terminate_delay=SECOND))
    assert [counter.look(count, now) for now, count in enumerate((3, 2, 2, 5))] == [3, 2, None, 5]


async def test_real_processes_are_counted() -> None:
    wanted = TrackedProcess(name="sleepers", argv=("sleep", "98765"))
    tracks = Tracking(processes=(Track(name="sleepers"),))
    one = Instance(name="VI_1", interface="eth0", vrid=50, tracking=tracks)
    told: list[ProcessCounted] = []
    watcher = Processes(told.append)
    watcher.want(Config(processes=(wanted,), instances=(one,)))
    assert told == [ProcessCounted("sleepers", 0)]
    sleeper = subprocess.Popen(["sleep", "98765"])
    try:
        end = time.monotonic() + 10
        while len(told) < 2 and time.monotonic() < end:
            await asyncio.sleep(0.02)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert told[1:] == [ProcessCounted("sleepers", 1)]
    watcher.stop()


def test_own_process_is_seen() -> None:
    assert any("pytest" in " ".join(one.argv) for one in processes())
