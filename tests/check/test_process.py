"""The check process as core meets it: over its channel, and gone when core is gone."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.check import process
from engine.config.model import Command, Config, Instance, Script, Track, TrackedFile, Tracking
from engine.messages import FileRead, FromCheck, ScriptFinished, ScriptsWanted
from engine.wire import Channel

SECOND = 1_000_000_000


class Child:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            os._exit(process.run(theirs))
        theirs.close()
        self.channel: Channel[FromCheck] = Channel(ours, FromCheck)

    def hear(self, count: int, seconds: float = 15) -> list[FromCheck]:
        heard: list[FromCheck] = []
        end = time.monotonic() + seconds
        while len(heard) < count and time.monotonic() < end:
            heard += self.channel.wait(0.5)
        return heard

    def status(self, seconds: float = 10) -> int:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        raise AssertionError("the check process lives on")


@pytest.fixture
def child() -> Iterator[Child]:
    one = Child()
    yield one
    one.channel.close()
    if one.pid:
        os.kill(one.pid, signal.SIGKILL)
        os.waitpid(one.pid, 0)


def wanted(tmp_path: Path) -> ScriptsWanted:
    command = Command(argv=("/bin/sh", "-c", f"echo $$ > {tmp_path}/pid; trap '' TERM; sleep 1000; sleep 1000"))
    stuck = Script(name="stuck", command=command, interval=60 * SECOND, timeout=60 * SECOND)
    quick = Script(name="quick", command=Command(argv=("/bin/sh", "-c", "exit 4")), interval=60 * SECOND)
    file = TrackedFile(name="load", path=str(tmp_path / "value"))
    tracks = Tracking(scripts=(Track(name="stuck"), Track(name="quick")), files=(Track(name="load"),))
    one = Instance(name="VI_1", interface="eth0", vrid=50, tracking=tracks)
    return ScriptsWanted(Config(scripts=(stuck, quick), files=(file,), instances=(one,)))


def test_results_come_over_the_channel_and_signals_of_the_service_manager_are_ignored(
    child: Child, tmp_path: Path
) -> None:
    child.channel.send(wanted(tmp_path))
    heard = child.hear(2)
    assert FileRead("load", 0) in heard
    (result,) = [one for one in heard if isinstance(one, ScriptFinished)]
    assert (result.name, result.exit_status) == ("quick", 4)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(child.pid, number)
    (tmp_path / "value").write_text("12")
    assert child.hear(1) == [FileRead("load", 12)]


def test_core_is_gone_so_check_kills_what_it_started_and_goes(child: Child, tmp_path: Path) -> None:
    child.channel.send(wanted(tmp_path))
    assert len(child.hear(2)) == 2
    running = int((tmp_path / "pid").read_text())
    child.channel.close()
    assert child.status() == 0
    assert not Path(f"/proc/{running}/cwd").exists()
