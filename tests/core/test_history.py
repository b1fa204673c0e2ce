"""The history: numbers, resuming, restarts, broken disks."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from engine.core.history import BLOCK, History
from engine.messages import Cause, CommandLogged, GetEvents, LogLine, Outcome, State, StateChanged


def change(name: str = "VI_1") -> StateChanged:
    return StateChanged(name, State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE)


async def test_events_are_numbered_and_served_oldest_first(tmp_path: Path) -> None:
    history = History(tmp_path)
    lines = [history.append(change(f"VI_{number % 2}"), number) for number in range(10)]
    assert [line.seq for line in lines] == list(range(1, 11))
    assert [line.seq for line in await history.last(3)] == [8, 9, 10]
    assert [line.seq for line in await history.last(2, "VI_1")] == [8, 10]
    assert await history.last(0) == []
    found, lost = await history.after(7)
    assert ([line.seq for line in found], lost) == ([8, 9, 10], 0)
    history.close()


async def test_numbers_go_on_after_an_orderly_end(tmp_path: Path) -> None:
    history = History(tmp_path)
    for _ in range(7):
        history.append(change(), 1)
    history.close()
    again = History(tmp_path)
    assert again.append(change(), 2).seq == 8
    assert [line.seq for line in await again.last(3)] == [6, 7, 8]
    found, lost = await again.after(2)
    assert ([line.seq for line in found], lost) == ([3, 4, 5, 6, 7, 8], 0)
    again.close()


async def test_numbers_never_repeat_after_a_crash_with_unwritten_rows(tmp_path: Path) -> None:
    pid = os.fork()
    if not pid:
        history = History(tmp_path)
        history._writing = True  # the disk is too slow: nothing is written before the end
        for _ in range(400):
            history.append(change(), 1)
        os._exit(0)
    os.waitpid(pid, 0)
    again = History(tmp_path)
    assert again.append(change(), 1).seq == BLOCK + 1
    assert await again.after(5) == (await again.last(1), 0)
    again.close()


async def test_more_events_than_the_ring_come_from_disk_and_the_rest_is_counted(tmp_path: Path) -> None:
    history = History(tmp_path, ring=10)
    for _ in range(100):
        history.append(change(), 1)
    found, lost = await history.after(20)
    assert ([line.seq for line in found], lost) == (list(range(21, 101)), 0)
    found, lost = await history.after(20, limit=30)
    assert ([line.seq for line in found], lost) == (list(range(71, 101)), 50)
    history.close()


async def test_without_a_disk_the_ring_still_serves(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    history = History(tmp_path / "state", ring=10)
    assert "history is off" in history.problem
    for _ in range(20):
        history.append(change(), 1)
    assert [line.seq for line in await history.last(3)] == [18, 19, 20]
    found, lost = await history.after(5)
    assert ([line.seq for line in found], lost) == (list(range(11, 21)), 5)
    history.close()


async def test_damaged_database_is_kept_aside_and_replaced(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite").write_bytes(b"this is no database at all" * 100)
    history = History(tmp_path)
    assert "damaged" in history.problem
    assert history.append(change(), 1).seq == 1
    assert len(await history.last(5)) == 1
    history.close()
    assert (tmp_path / "history.broken").exists()


async def test_write_failure_is_told_once_and_events_go_on(tmp_path: Path) -> None:
    history = History(tmp_path)
    told: list[str] = []
    history.on_problem = told.append
    history._worker.submit(lambda: history._database.execute("PRAGMA query_only=ON")).result()  # type: ignore[union-attr]
    for _ in range(5):
        history.append(change(), 1)
        await history._settled()
        await history._settled()
    assert len(told) == 1
    assert "history is off" in told[0]
    assert [line.seq for line in await history.last(5)] == [1, 2, 3, 4, 5]
    history._worker.submit(lambda: history._database.execute("PRAGMA query_only=OFF")).result()  # type: ignore[union-attr]
    history.append(change(), 1)
    while len(told) < 2:
        await history._settled()
    assert told[1] == ""
    history.close()


async def test_a_task_that_goes_through_does_not_end_the_refusal_while_rows_wait(tmp_path: Path) -> None:
    history = History(tmp_path)
    told: list[str] = []
    history.on_problem = told.append
    history._worker.submit(lambda: history._database.execute("PRAGMA query_only=ON")).result()  # type: ignore[union-attr]
    history.append(change(), 1)
    while not told:
        await history._settled()
    for _ in range(3):  # to read is possible on a full disk
        assert await history.work(lambda database: database.execute("SELECT 1").fetchone()) == (1,)
        assert "history is off" in history.refusal
    history._worker.submit(lambda: history._database.execute("PRAGMA query_only=OFF")).result()  # type: ignore[union-attr]
    await history.work(lambda database: database.execute("SELECT 1").fetchone())
    while len(told) < 2:
        await history._settled()
    assert told[1:] == [""]
    assert [line.seq for line in await history.last(5)] == [1]
    history.close()


async def test_commands_have_their_own_audit_table(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.append(LogLine("info", "x"), 1)
    history.append(CommandLogged("anna", "pid 7 uid 0", "failover VI_1", "patch", Outcome.REFUSED, "E-ROLE", "no"), 1)
    history.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as database:
        rows = database.execute("SELECT seq, who, origin, command, reason, outcome, code, text FROM audit").fetchall()
    database.close()
    assert rows == [(2, "anna", "pid 7 uid 0", "failover VI_1", "patch", "refused", "E-ROLE", "no")]
    assert (tmp_path / "history.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("since", [0, 3, 10, 1000])
async def test_resuming_from_any_number_is_answered(tmp_path: Path, since: int) -> None:
    history = History(None)
    for _ in range(10):
        history.append(change(), 1)
    found, lost = await history.after(since)
    assert [line.seq for line in found] == list(range(since + 1, 11))
    assert lost == 0
    history.close()


@pytest.mark.parametrize("kept", [True, False])
async def test_events_are_asked_for_by_kind_and_time(tmp_path: Path, kept: bool) -> None:
    history = History(tmp_path if kept else None)
    for text in "ab":
        history.append(change(), 1)
        history.append(LogLine("info", text), 1)
    everything = await history.last(10)
    changes = await history.last(10, "", GetEvents(kinds=("state-changed",)))
    assert [line.seq for line in changes] == [1, 3]
    before = await history.last(10, "", GetEvents(until_wall_ns=everything[1].wall_ns))
    assert before == everything[:2]
    after = await history.last(10, "", GetEvents(since_wall_ns=everything[2].wall_ns, kinds=("log-line",)))
    assert after == everything[3:]
    assert await history.last(10, "", GetEvents(kinds=("no-such-kind",))) == []
    history.close()
