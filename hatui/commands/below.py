"""The instances as they are, kept up to date in the last lines of a terminal while events go by above them.

Invariant: only lines that this wrote itself are written over, and no line is longer than the terminal is wide, so
what stands above stays as it was and can be scrolled back to.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator

from engine.messages import ServerLine
from hatui.commands.terminal import painted
from hatui.store import Store
from hatui.text import Line, clip, duration, fit, mark, master_of, plain, priorities, rule, state_word, timer

AGAIN_S = 1.0
"""Seconds after which ages and timers are written again."""
MOST = 12
"""Lines of instances."""


def lines(store: Store, now: int, columns: int, *, most: int = MOST) -> list[Line]:
    """A line for each instance under a rule."""
    host = plain(store.hello.host) if store.hello else ""
    found: list[Line] = [rule(host, columns, time.strftime("%H:%M:%S", time.localtime()))]
    names = list(store.instances)
    for name in names[:most]:
        status = store.instances[name]
        known = not store.silent(now, name)
        state = status.state.value if known else "UNKNOWN"
        about = f"{fit(priorities(status), 8)} {fit(master_of(status) or 'none known', 22)} "
        tail = f"{duration(now - status.since):<7} {timer(status, now)}" if known else "the engine is silent"
        found.append(
            clip(
                (
                    (f" {mark(state)} {fit(plain(name), 16)} ", "strong"),
                    (f"{fit(state_word(state), 8)} ", state.lower()),
                    (about + tail, "plain"),
                ),
                columns,
            )
        )
    if len(names) > most:
        found.append(((f"   and {len(names) - most} more", "dim"),))
    if not names:
        found.append(((" the configuration has no vrrp_instance", "dim"),))
    return found


class Below:
    """The lines at the bottom."""

    def __init__(self) -> None:
        self._store = Store()
        self._shift = 0
        """From this host's monotonic clock to the engine's (ns)."""
        self._height = 0
        self._next: asyncio.TimerHandle | None = None

    def begin(self, store: Store) -> None:
        """A connection says the present."""
        self._store = store
        self._shift = store.updated_at - time.monotonic_ns()
        self._write()

    def above(self, text: str) -> None:
        """One line that stays."""
        self._erase()
        sys.stdout.write(f"{text}\n")
        self._write()

    def lost(self) -> None:
        """Nothing is known any more until the next connection."""
        self._erase()
        sys.stdout.flush()

    def end(self) -> None:
        """The last state stays where it stands."""
        self._height = 0
        sys.stdout.flush()

    async def kept(self, told: AsyncIterator[ServerLine]) -> AsyncIterator[ServerLine]:
        """The same lines; statuses among them are shown, and ages go on between them."""
        self._again()
        try:
            async for line in told:
                self._store.apply(line)
                yield line
        finally:
            if self._next is not None:
                self._next.cancel()

    def _again(self) -> None:
        self._erase()
        self._write()
        self._next = asyncio.get_running_loop().call_later(AGAIN_S, self._again)

    def _erase(self) -> None:
        if self._height:
            sys.stdout.write(f"\x1b[{self._height}A\r\x1b[J")
            self._height = 0

    def _write(self) -> None:
        size = shutil.get_terminal_size()
        most = max(1, min(MOST, size.lines - 4))
        found = lines(self._store, time.monotonic_ns() + self._shift, size.columns - 1, most=most)
        for line in found:
            sys.stdout.write(painted(line).rstrip() + "\n")
        self._height = len(found)
        sys.stdout.flush()
