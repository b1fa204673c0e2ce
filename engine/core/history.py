"""The event history and the audit trail, in sqlite.

Owns two invariants. A sequence number is never used twice, not even when the machine loses power with
rows unwritten: numbers are reserved in blocks ahead of their use. And a disk that is full, slow or broken
costs history and nothing else: the rows go through one thread of their own, and the last events stay
in memory whatever happens. This module alone reads the wall clock; it is for display, never compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, get_args

import msgspec

from engine.core import audit
from engine.messages import Event, EventLine, GetEvents

RING = 5_000
"""Events kept in memory."""
ROWS = 200_000
"""Events kept on disk."""
BLOCK = 1_000
"""Sequence numbers reserved at a time."""
PENDING = 20_000
"""Rows waiting for a slow disk; beyond it rows are dropped and said."""

_Result = TypeVar("_Result")
_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Decoder(EventLine)

_OFF = "history is off"
_TYPES = {str(kind.__struct_config__.tag): kind.__name__ for kind in get_args(Event)}
"""Wire name of an event to its type's name in the table."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, wall_ns INTEGER NOT NULL, type TEXT NOT NULL, instance TEXT NOT NULL, line TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_instance ON events (instance, seq);
CREATE TABLE IF NOT EXISTS snapshots (wall_ns INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS reserved (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);
"""


def wall_ns() -> int:
    """The wall clock, ns since 1970."""
    return time.time_ns()


class History:
    """All that has happened. `directory` None keeps it in memory only."""

    def __init__(self, directory: Path | None, ring: int = RING) -> None:
        self._path = directory / "history.sqlite" if directory else None
        self._ring: deque[EventLine] = deque(maxlen=ring)
        self._pending: list[EventLine] = []
        self._writing = False
        self._worker = ThreadPoolExecutor(1, "history")
        self._database: sqlite3.Connection | None = None
        self.seq = 0
        """Sequence number of the last event."""
        self._reserved = 0
        self.problem = ""
        """Why nothing is written, empty when all is well. Change is told through `on_problem`."""
        self.on_problem: Callable[[str], None] = lambda _text: None
        self.lost_rows = 0
        self._worker.submit(self._open).result()

    @property
    def refusal(self) -> str:
        """Why drills and commits are refused: what they do could not be written down. Empty: they are not."""
        return self.problem if self.problem.startswith(_OFF) else ""

    # ---- writing

    def append(self, event: Event, mono_ns: int) -> EventLine:
        """Number, stamp and keep an event; the row is written soon, by the thread."""
        self.seq += 1
        line = EventLine(self.seq, mono_ns, wall_ns(), event)
        self._ring.append(line)
        if self._path is not None:
            if len(self._pending) < PENDING:
                self._pending.append(line)
            else:
                self.lost_rows += 1
            self._write_soon()
        return line

    def close(self) -> None:
        """Write what is left and end the thread."""
        if self._path is not None:
            rows, self._pending = self._pending, []
            self._worker.submit(self._finish, rows).result()
        self._worker.shutdown()

    def _write_soon(self) -> None:
        if self._writing or not self._pending:
            return
        self._writing = True
        rows, self._pending = self._pending, []
        future = self._worker.submit(self._write, rows, self.seq)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._written(future, rows)
            return
        future.add_done_callback(lambda done: _call_in(loop, lambda one: self._written(one, rows), done))

    def _written(self, future: Future[str], rows: list[EventLine]) -> None:
        problem = future.result()
        self._writing = False
        if not problem:
            self._told(problem)
            self._write_soon()
            return
        waiting = rows + self._pending if self._database is not None else self._pending
        self.lost_rows += max(0, len(waiting) - PENDING) + (len(rows) if self._database is None else 0)
        self._pending = waiting[-PENDING:]  # tried again with the next event
        self._told(problem)

    def _told(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.on_problem(problem)

    # ---- reading

    async def after(self, since: int, limit: int = RING) -> tuple[list[EventLine], int]:
        """The events after number `since`, oldest first, and how many of them are lost."""
        if since >= self.seq:
            return [], 0
        await self._settled()
        oldest = self._ring[0].seq if self._ring else self.seq + 1
        found = [line for line in self._ring if line.seq > since]
        if oldest > since + 1:
            older = await self._in_thread(lambda: self._select("seq > ? AND seq < ?", (since, oldest), limit))
            found = older + found
        found = found[-limit:]
        # numbers jump where the engine ended without saying goodbye, so a gap in numbers alone is no loss
        first = found[0].seq if found else self.seq + 1
        known = await self._in_thread(lambda: self._count(since, first)) if first > since + 1 else 0
        lost = known if self._database is not None else max(0, first - since - 1)
        return found, lost

    async def last(self, limit: int, instance: str = "", wish: GetEvents | None = None) -> list[EventLine]:
        """The last events (of one instance; of the kinds and times in `wish`), oldest first."""
        await self._settled()
        wish = msgspec.structs.replace(wish or GetEvents(), instance=instance)
        wanted = [line for line in self._ring if _matches(line, wish)]
        if self._database is not None:
            where, arguments = _condition(wish)
            found = await self._in_thread(lambda: self._select(where, arguments, limit))
            newest = found[-1].seq if found else 0
            wanted = found + [line for line in wanted if line.seq > newest]
        return wanted[-limit:] if limit > 0 else []

    async def work(self, task: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """Do something with the database in its thread, as one transaction; None when it fails, which is said."""
        if self._path is None or self._database is None:
            return None
        result, problem = await self._in_thread(lambda: self._attempt(task))
        if problem or not (self._pending or self._writing):
            self._told(problem)
        else:  # rows wait for a disk that has refused them: that one task went through mends nothing yet
            self._write_soon()
        return result

    async def _settled(self) -> None:
        """Wait for the rows on their way, so that reading does not miss them."""
        while self._writing:
            await self._in_thread(lambda: None)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.wrap_future(self._worker.submit(work))

    # ---- in the thread

    def _open(self) -> None:
        if self._path is None:
            return
        try:
            try:
                self._connect()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._path.rename(self._path.with_suffix(".broken"))
                self._connect()
                self.problem = f"the history was damaged ({error}); it is kept as {self._path.stem}.broken"
        except (sqlite3.Error, OSError) as error:
            self._database = None
            self.problem = f"{_OFF}: {self._path}: {error}"

    def _connect(self) -> None:
        assert self._path is not None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=2, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.executescript(_SCHEMA + audit.SCHEMA)
            row = database.execute(
                "SELECT max(coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT seq FROM reserved), 0))"
            ).fetchone()
            self.seq = int(row[0])
            self._reserve(database, self.seq + BLOCK)
        except BaseException:
            database.close()
            raise
        self._path.chmod(0o600)
        self._database = database

    def _reserve(self, database: sqlite3.Connection, seq: int) -> None:
        database.execute("INSERT OR REPLACE INTO reserved (one, seq) VALUES (1, ?)", (seq,))
        self._reserved = seq

    def _write(self, rows: list[EventLine], seq: int) -> str:
        """Returns the problem, empty when all is written."""

        def insert(database: sqlite3.Connection) -> None:
            if seq + BLOCK // 2 > self._reserved:
                self._reserve(database, seq + BLOCK)
            self._insert(database, rows)

        return self._attempt(insert)[1]

    def _attempt(self, task: Callable[[sqlite3.Connection], _Result]) -> tuple[_Result | None, str]:
        """Its result, and the problem: empty when all went well."""
        database = self._database
        if database is None:  # it could not be opened at the start: its numbers are unknown, so it stays closed
            return None, self.problem
        try:
            database.execute("BEGIN")
            try:
                result = task(database)
                database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError) as error:
            return None, f"{_OFF}: {self._path}: {error}"
        return result, ""

    def _insert(self, database: sqlite3.Connection, rows: list[EventLine]) -> None:
        database.executemany(
            "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?)",
            [
                (
                    row.seq,
                    row.wall_ns,
                    type(row.event).__name__,
                    getattr(row.event, "instance", ""),
                    _encode(row).decode(),
                )
                for row in rows
            ],
        )
        audit.keep(database, rows)
        if any(row.seq % BLOCK == 0 for row in rows):
            database.execute("DELETE FROM events WHERE seq <= ?", (rows[-1].seq - ROWS,))

    def _select(self, where: str, arguments: tuple[object, ...], limit: int) -> list[EventLine]:
        if self._database is None:
            return []
        try:
            rows = self._database.execute(
                f"SELECT line FROM events WHERE {where} ORDER BY seq DESC LIMIT ?", (*arguments, limit)
            ).fetchall()
        except sqlite3.Error:
            return []
        found = []
        for (text,) in reversed(rows):
            with contextlib.suppress(msgspec.MsgspecError):  # a row of a newer engine, after a downgrade
                found.append(_lines.decode(text))
        return found

    def _count(self, since: int, first: int) -> int:
        if self._database is None:
            return 0
        try:
            row = self._database.execute(
                "SELECT count(*) FROM events WHERE seq > ? AND seq < ?", (since, first)
            ).fetchone()
        except sqlite3.Error:
            return 0
        return int(row[0])

    def _finish(self, rows: list[EventLine]) -> None:
        if rows:
            self._write(rows, self.seq)
        if self._database is None:
            return
        with contextlib.suppress(sqlite3.Error):
            self._reserve(self._database, self.seq)
        self._database.close()
        self._database = None


def _matches(line: EventLine, wish: GetEvents) -> bool:
    return (
        (not wish.instance or getattr(line.event, "instance", "") == wish.instance)
        and (not wish.kinds or str(line.event.__struct_config__.tag) in wish.kinds)
        and line.wall_ns >= wish.since_wall_ns
        and (not wish.until_wall_ns or line.wall_ns <= wish.until_wall_ns)
    )


def _condition(wish: GetEvents) -> tuple[str, tuple[object, ...]]:
    """The same as SQL."""
    parts, arguments = ["1"], list[object]()
    if wish.instance:
        parts.append("instance = ?")
        arguments.append(wish.instance)
    if wish.kinds:
        parts.append(f"type IN ({', '.join('?' * len(wish.kinds))})")
        arguments += [_TYPES.get(kind, "") for kind in wish.kinds]
    if wish.since_wall_ns:
        parts.append("wall_ns >= ?")
        arguments.append(wish.since_wall_ns)
    if wish.until_wall_ns:
        parts.append("wall_ns <= ?")
        arguments.append(wish.until_wall_ns)
    return " AND ".join(parts), tuple(arguments)


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[[Future[str]], None], done: Future[str]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile; close() writes the rest
        loop.call_soon_threadsafe(function, done)
