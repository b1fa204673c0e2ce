"""Track files: the first integer, at every change, whatever happens to the file."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from engine.check import files as module
from engine.check.files import Files, value_of
from engine.config.model import Config, Instance, Track, TrackedFile, Tracking
from engine.messages import FileRead, LogLine


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"", 0),
        (b"\n", 0),
        (b"5", 5),
        (b"  -12\nmore", -12),
        (b"+7x", 7),
        (b"seven", 0),
        (b"\xff\xfe", 0),
        (b"999999999999", 2**31 - 1),
        (b"-999999999999", -(2**31) + 1),
    ],
)
def test_value_is_the_first_integer(content: bytes, value: int) -> None:
    assert value_of(content) == value


def config(*files: TrackedFile) -> Config:
    tracks = Tracking(files=tuple(Track(name=one.name, weight=1) for one in files))
    return Config(files=files, instances=(Instance(name="VI_1", interface="eth0", vrid=50, tracking=tracks),))


class Bench:
    def __init__(self) -> None:
        self.told: list[FileRead | LogLine] = []
        self.files = Files(self.told.append)

    @property
    def values(self) -> list[int]:
        return [one.value for one in self.told if isinstance(one, FileRead)]

    async def until(self, what: Callable[[], object], seconds: float = 5) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"waited in vain; told: {self.told}"
            await asyncio.sleep(0.01)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    yield one
    one.files.stop()


async def test_every_way_of_changing_a_file_is_noticed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 3600.0)  # inotify alone
    path = tmp_path / "value"
    bench.files.want(config(TrackedFile(name="load", path=str(path))))
    assert bench.values == [0]
    path.write_text("5\n")
    await bench.until(lambda: bench.values[-1] == 5)
    (tmp_path / "other").write_text("9\n")
    os.replace(tmp_path / "other", path)
    await bench.until(lambda: bench.values[-1] == 9)
    path.unlink()
    await bench.until(lambda: bench.values[-1] == 0)


async def test_directory_that_comes_later_or_is_replaced_is_noticed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.05)
    path = tmp_path / "deep" / "value"
    bench.files.want(config(TrackedFile(name="load", path=str(path))))
    path.parent.mkdir()
    path.write_text("3")
    await bench.until(lambda: bench.values == [0, 3])
    shutil.rmtree(path.parent)
    await bench.until(lambda: bench.values == [0, 3, 0])


async def test_file_is_created_with_its_first_value_and_kept_unless_overwritten(bench: Bench, tmp_path: Path) -> None:
    new, kept, overwritten = tmp_path / "new", tmp_path / "kept", tmp_path / "overwritten"
    kept.write_text("7")
    overwritten.write_text("7")
    files = (
        TrackedFile(name="new", path=str(new), init_value=4),
        TrackedFile(name="kept", path=str(kept), init_value=4),
        TrackedFile(name="overwritten", path=str(overwritten), init_value=4, init_overwrite=True),
    )
    bench.files.want(config(*files))
    assert bench.told == [FileRead("new", 4), FileRead("kept", 7), FileRead("overwritten", 4)]
    new.write_text("1")
    bench.files.want(config(*files))  # a reload does not initialise again
    assert bench.told[-1] == FileRead("new", 1)


async def test_unreadable_file_counts_as_zero_and_is_said_once(bench: Bench, tmp_path: Path) -> None:
    watched = TrackedFile(name="load", path=str(tmp_path))  # a directory cannot be read
    bench.files.want(config(watched))
    bench.files.want(config(watched))
    assert bench.values == [0]
    assert [one.text for one in bench.told if isinstance(one, LogLine)] == [
        f"track file load: {tmp_path}: Is a directory; its value counts as 0"
    ]
