"""The audit trail: whatever is changed in it afterwards is found."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.core.audit import verify
from engine.core.history import History
from engine.messages import CommandLogged, LogLine, Outcome


def trail(directory: Path, commands: int = 5) -> Path:
    history = History(directory)
    for number in range(commands):
        history.append(LogLine("info", "between"), 1)
        history.append(CommandLogged("anna", "pid 7", f"failover VI_{number}", "why", Outcome.DONE), 1)
    history.close()
    return directory / "history.sqlite"


def test_untouched_trail_is_whole_over_restarts(tmp_path: Path) -> None:
    trail(tmp_path)
    assert verify(trail(tmp_path)) == []
    with sqlite3.connect(tmp_path / "history.sqlite") as database:
        assert database.execute("SELECT count(*) FROM audit").fetchone() == (10,)
    database.close()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE audit SET who = 'bob' WHERE seq = 4", ["command 4 or the one before it was changed"]),
        ("UPDATE audit SET wall_ns = wall_ns + 1 WHERE seq = 10", ["command 10 or the one before it was changed"]),
        ("DELETE FROM audit WHERE seq = 6", ["command 6 was taken out"]),
        (
            "INSERT INTO audit SELECT 5, wall_ns, who, origin, command, reason, outcome, code, text FROM audit LIMIT 1",
            ["command 5 was put in"],
        ),
        (
            "DELETE FROM audit WHERE seq = 10; DELETE FROM chain WHERE seq = 10",
            ["the end was cut off: 5 commands were written, 4 are there"],
        ),
        (
            "DELETE FROM audit WHERE seq = 6; DELETE FROM chain WHERE seq = 6",
            [
                "command 8 or the one before it was changed",
                "the end was cut off: 5 commands were written, 4 are there",
            ],
        ),
    ],
)
def test_tampering_is_found(tmp_path: Path, change: str, found: list[str]) -> None:
    path = trail(tmp_path)
    with sqlite3.connect(path) as database:
        database.executescript(change)
    database.close()
    assert verify(path) == found


def test_rows_of_an_engine_without_a_chain_stand_before_it(tmp_path: Path) -> None:
    path = trail(tmp_path, 2)
    with sqlite3.connect(path) as database:
        database.executescript("DELETE FROM chain; DELETE FROM chain_end")
    database.close()
    trail(tmp_path, 1)
    assert verify(path) == []


def test_verifying_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "history.sqlite")
