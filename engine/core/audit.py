"""The audit trail as a chain: each row carries the digest of itself and of the row before it.

Owns the invariant that a row which is changed, taken out, put in or cut off at the end is found by `broken`: only
somebody who computes the whole chain anew can hide it. Rows of an engine that had no chain yet stand before it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from engine.messages import CommandLogged, EventLine

SCHEMA = """
CREATE TABLE IF NOT EXISTS audit (
    seq INTEGER PRIMARY KEY, wall_ns INTEGER NOT NULL, who TEXT NOT NULL, origin TEXT NOT NULL, command TEXT NOT NULL,
    reason TEXT NOT NULL, outcome TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS chain (seq INTEGER PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS chain_end (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL,
    digest TEXT NOT NULL);
"""
_COLUMNS = "seq, wall_ns, who, origin, command, reason, outcome, code, text"


def link(before: str, row: tuple[object, ...]) -> str:
    """The digest of a row that follows the row with the digest `before`."""
    return hashlib.sha256(before.encode() + b"\n" + msgspec.json.encode(row)).hexdigest()


def keep(database: sqlite3.Connection, lines: Iterable[EventLine]) -> None:
    """Append those of the events that are commands."""
    count, last = database.execute("SELECT count, digest FROM chain_end").fetchone() or (0, "")
    fresh = 0
    for line in lines:
        said = line.event
        if not isinstance(said, CommandLogged):
            continue
        row = (
            line.seq,
            line.wall_ns,
            said.by,
            said.origin,
            said.command,
            said.reason,
            said.outcome.value,
            said.code,
            said.text,
        )
        last = link(last, row)
        database.execute("INSERT OR REPLACE INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.execute("INSERT OR REPLACE INTO chain VALUES (?, ?)", (line.seq, last))
        fresh += 1
    if fresh:
        database.execute("INSERT OR REPLACE INTO chain_end VALUES (1, ?, ?)", (count + fresh, last))


def broken(database: sqlite3.Connection) -> list[str]:
    """What is wrong with the trail, in order; empty when it is whole."""
    rows = {row[0]: row for row in database.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY seq")}
    digests = list(database.execute("SELECT seq, digest FROM chain ORDER BY seq"))
    end = database.execute("SELECT count, digest FROM chain_end").fetchone() or (0, "")
    found: list[str] = []
    before = ""
    for seq, digest in digests:
        row = rows.pop(seq, None)
        if row is None:
            found.append(f"command {seq} was taken out")
        elif link(before, row) != digest:
            found.append(f"command {seq} or the one before it was changed")
        before = digest
    first = digests[0][0] if digests else 0
    found += [f"command {seq} was put in" for seq in rows if digests and seq > first]
    if (len(digests), before) != tuple(end):
        found.append(f"the end was cut off: {end[0]} commands were written, {len(digests)} are there")
    return found


def verify(path: Path) -> list[str]:
    """The same for a history file, also of an engine that runs or has ended.

    Raises: OSError, sqlite3.Error: it cannot be read.
    """
    if not path.exists():
        raise FileNotFoundError(2, "there is no history", str(path))
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        return broken(database)
    finally:
        database.close()
