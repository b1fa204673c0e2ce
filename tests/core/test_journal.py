"""The journal: snapshots come back as they were, and only a day's, within a size."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import msgspec
import pytest

from engine.core import journal as module
from engine.core.history import History
from engine.core.journal import DAY_NS, Journal
from engine.messages import Cause, MasterChanged, Snapshot, State, StateChanged
from tests.fake_engine import WALL, engine_status, instance

S = 1_000_000_000
CHANGE = ("VI_1", State.BACKUP, State.MASTER, Cause.MASTER_RESIGNED)


class Stage:
    """A history, a journal, and a wall clock that the test sets."""

    def __init__(self, directory: Path | None, octets: int = module.OCTETS) -> None:
        self.history = History(directory)
        self.wall = WALL
        self.journal = Journal(self.history, self._snapshot, lambda: self.wall, octets)
        self.taken: list[Snapshot] = []

    async def _snapshot(self) -> Snapshot:
        made = Snapshot((instance(priority=1 + len(self.taken)), engine_status()), 7, self.wall - WALL)
        self.taken.append(msgspec.structs.replace(made, wall_ns=self.wall))
        return made

    async def keep(self, *walls: int) -> None:
        for wall in walls:
            self.wall = wall
            await self.journal.keep()


async def test_span_comes_back_with_the_snapshot_before_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.keep(*(WALL + second * S for second in (0, 30, 60, 90)))
    assert await stage.journal.between(WALL + 45 * S, WALL + 70 * S, 50) == stage.taken[1:3]
    assert await stage.journal.between(0, WALL + 99 * S, 2) == stage.taken[:2]
    stage.history.close()
    again = Stage(tmp_path)
    assert await again.journal.between(WALL, WALL + 99 * S, 50) == stage.taken
    again.history.close()


async def test_a_day_is_kept_and_no_more_than_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE", 2)
    stage = Stage(tmp_path, octets=5_000)
    await stage.keep(*(WALL + second * S for second in range(41)))
    kept = await stage.journal.between(0, WALL + DAY_NS, 100)
    assert 2 < len(kept) < 20
    assert kept == stage.taken[-len(kept) :]
    await stage.keep(WALL + DAY_NS + 60 * S, WALL + DAY_NS + 61 * S)
    assert len(await stage.journal.between(0, WALL + 2 * DAY_NS, 100)) == 2
    stage.history.close()


async def test_without_a_disk_there_is_no_journal_and_no_trouble() -> None:
    stage = Stage(None)
    await stage.keep(WALL)
    assert await stage.journal.between(0, 2 * WALL, 10) == []
    stage.history.close()


async def test_write_that_fails_is_said_and_mended_by_the_next(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    database = stage.history._database
    assert isinstance(database, sqlite3.Connection)
    await stage.history.work(lambda one: one.execute("SELECT 1"))
    stage.history._worker.submit(lambda: database.execute("PRAGMA query_only=ON")).result()
    await stage.keep(WALL)
    assert "history is off" in stage.history.refusal
    stage.history._worker.submit(lambda: database.execute("PRAGMA query_only=OFF")).result()
    await stage.keep(WALL + 1)
    assert stage.history.refusal == ""
    stage.history.close()


async def test_new_master_of_a_backup_is_kept_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOON_S", 0.0)
    monkeypatch.setattr(module, "APART_S", 0.0)
    stage = Stage(None)
    running = asyncio.get_running_loop().create_task(stage.journal.run())
    for count, event in enumerate((None, MasterChanged("VI_1", "10.0.0.11", 100), StateChanged(*CHANGE)), start=1):
        if event is not None:
            stage.journal.happened(event)
        async with asyncio.timeout(10):
            while len(stage.taken) < count:
                await asyncio.sleep(0)
    running.cancel()
