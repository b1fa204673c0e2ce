"""Track scripts: at once, then every interval, never twice at a time, kept over a reload by name."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from engine.check.scripts import Scripts, tracked_scripts
from engine.config.model import Command, Config, Globals, Instance, Script, Track, Tracking
from engine.messages import LogLine, ScriptFinished
from engine.programs import COULD_NOT_START, TIMED_OUT

SECOND = 1_000_000_000


def script(name: str, text: str, interval: int = SECOND // 10, **more: object) -> Script:
    return Script(
        name=name, command=Command(argv=("/bin/sh", "-c", text)), interval=interval, **{"timeout": SECOND, **more}
    )  # type: ignore[arg-type]


def config(*scripts: Script, tracked: tuple[str, ...] | None = None, settings: Globals | None = None) -> Config:
    names = [one.name for one in scripts] if tracked is None else tracked
    tracks = Tracking(scripts=tuple(Track(name=name) for name in names))
    one = Instance(name="VI_1", interface="eth0", vrid=50, tracking=tracks)
    return Config(
        globals=settings or Globals(script_user="root" if os.geteuid() == 0 else ""), scripts=scripts, instances=(one,)
    )


class Bench:
    """The scripts and what they told."""

    def __init__(self) -> None:
        self.told: list[ScriptFinished | LogLine] = []
        self.scripts = Scripts(self.told.append)

    def results(self, name: str) -> list[ScriptFinished]:
        return [one for one in self.told if isinstance(one, ScriptFinished) and one.name == name]

    async def until(self, what: Callable[[], object], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"waited in vain; told: {self.told}"
            await asyncio.sleep(0.01)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    yield one
    await one.scripts.stop()


def test_only_tracked_scripts_run() -> None:
    assert list(tracked_scripts(config(script("a", "true"), script("b", "true"), tracked=("b",)))) == ["b"]


async def test_script_runs_at_once_and_then_every_interval(bench: Bench) -> None:
    began = time.monotonic()
    bench.scripts.want(config(script("slow", "exit 0", interval=60 * SECOND), script("fast", "echo no; exit 1")))
    await bench.until(lambda: bench.results("slow") and len(bench.results("fast")) >= 4)
    assert time.monotonic() - began >= 0.3
    assert len(bench.results("slow")) == 1
    assert {(one.exit_status, one.output) for one in bench.results("fast")} == {(1, "no")}


async def test_run_now_comes_besides_the_interval(bench: Bench) -> None:
    bench.scripts.want(config(script("slow", "true", interval=3600 * SECOND)))
    await bench.until(lambda: len(bench.results("slow")) == 1)
    bench.scripts.run_now("slow")
    bench.scripts.run_now("nobody")
    await bench.until(lambda: len(bench.results("slow")) == 2)


async def test_two_runs_of_one_script_never_overlap(bench: Bench, tmp_path: Path) -> None:
    lock, overlap = tmp_path / "lock", tmp_path / "overlap"
    text = f"mkdir {lock} || touch {overlap}; sleep 0.25; rmdir {lock}"
    bench.scripts.want(config(script("long", text)))
    await bench.until(lambda: len(bench.results("long")) >= 4)
    assert not overlap.exists()


async def test_script_beyond_its_timeout_is_told_once(bench: Bench) -> None:
    bench.scripts.want(config(script("stuck", "exec sleep 1000", interval=60 * SECOND, timeout=SECOND // 5)))
    await bench.until(lambda: bench.results("stuck"))
    await asyncio.sleep(0.1)
    assert [one.exit_status for one in bench.results("stuck")] == [TIMED_OUT]


async def test_reload_keeps_what_is_unchanged_starts_and_stops_the_rest(bench: Bench) -> None:
    kept = script("kept", "exit 0", interval=60 * SECOND)
    bench.scripts.want(config(kept, script("gone", "exit 0")))
    await bench.until(lambda: bench.results("kept") and bench.results("gone"))
    bench.scripts.want(
        config(
            script("kept", "exit 0", interval=60 * SECOND, rise=3, weight=2),
            script("new", "exit 7", interval=60 * SECOND),
        )
    )
    assert set(bench.scripts.names) == {"kept", "new"}
    await bench.until(lambda: bench.results("new"))
    known = len(bench.results("gone"))
    await asyncio.sleep(0.3)
    assert len(bench.results("gone")) <= known + 1
    assert len(bench.results("kept")) == 1


async def test_changed_command_runs_at_once_and_the_old_run_is_not_told(bench: Bench) -> None:
    bench.scripts.want(config(script("web", "sleep 0.4; exit 1", interval=60 * SECOND)))
    await asyncio.sleep(0.05)
    bench.scripts.want(config(script("web", "exit 0", interval=60 * SECOND)))
    await bench.until(lambda: bench.results("web"))
    await asyncio.sleep(0.6)
    assert [one.exit_status for one in bench.results("web")] == [0]


async def test_shorter_interval_counts_from_the_last_start(bench: Bench) -> None:
    bench.scripts.want(config(script("web", "exit 0", interval=60 * SECOND)))
    await bench.until(lambda: bench.results("web"))
    bench.scripts.want(config(script("web", "exit 0", interval=SECOND // 5)))
    await bench.until(lambda: len(bench.results("web")) >= 3)


async def test_script_that_cannot_run_is_told_with_the_reason(bench: Bench, tmp_path: Path) -> None:
    absent = Script(name="absent", command=Command(argv=(str(tmp_path / "no.sh"),)), interval=60 * SECOND)
    nobody = Script(name="nobody", command=Command(argv=("/bin/true",), user="no-such-user"), interval=60 * SECOND)
    bench.scripts.want(config(absent, nobody))
    await bench.until(lambda: bench.results("absent") and bench.results("nobody"))
    assert bench.results("absent")[0].exit_status == COULD_NOT_START
    assert "No such file" in bench.results("absent")[0].output
    assert bench.results("nobody")[0].output == "user no-such-user does not exist"
    assert [one.text for one in bench.told if isinstance(one, LogLine)] == [
        "script nobody cannot be run: user no-such-user does not exist"
    ]


async def test_script_security_refuses_what_others_may_change(bench: Bench, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("script security concerns scripts that run as root")
    target = tmp_path / "check.sh"
    target.write_text("#!/bin/sh\nexit 0\n")
    target.chmod(0o777)
    loose = Script(name="loose", command=Command(argv=(str(target),), user="root"), interval=60 * SECOND)
    bench.scripts.want(config(loose, settings=Globals(script_security=True)))
    await bench.until(lambda: bench.results("loose"))
    assert bench.results("loose")[0].output == f"enable_script_security: {target} is writable by everybody"
